"""Several `gatepost run`, and `serve`, on one data folder: one journal, one set of counters."""

from __future__ import annotations

import json
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.cli.program import Program
from tests.support.running import OPEN, RunClient, running
from tests.support.serving import serving

HUNDRED = {
    "version": "1",
    "default": "allow",
    "tools": {"echo": {"limits": [{"counter": "echoes", "window": "month", "max": 100}]}},
}


@pytest.fixture
def data() -> Iterator[Path]:
    """A data folder whose path is short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="gp-") as folder:
        yield Path(folder) / "data"


def entries(data: Path) -> list[dict[str, Any]]:
    shown = Program(data)("log", "show", "--json", "--limit", "5000")
    assert shown.code == 0, shown.err
    return [entry for entry in json.loads(shown.out) if entry.get("method") == "tools/call"]


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def echoes(client: RunClient, count: int) -> int:
    """Send so many calls at once; how many of them were let through."""

    def send() -> None:
        for _ in range(count):
            client.send(client.request("tools/call", {"name": "echo", "arguments": {"text": "x"}}))

    writer = threading.Thread(target=send)
    writer.start()
    through = sum("isError" not in client.read()["result"] for _ in range(count))
    writer.join()
    return through


def test_a_thousand_calls_over_four_runs_take_exactly_what_one_limit_has(data: Path) -> None:
    through: list[int] = []
    with ExitStack() as stack:
        clients = [stack.enter_context(running(data, HUNDRED)) for _ in range(4)]
        for client in clients:
            client.initialize()
        callers = [threading.Thread(target=lambda c=client: through.append(echoes(c, 250))) for client in clients]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        for client in clients:
            client.leave()
    assert sum(through) == 100
    found = entries(data)
    assert len(found) == 1000
    assert sum(entry["decision"] == "allow" for entry in found) == 100
    assert Program(data)("log", "verify").code == 0


def test_a_run_beside_a_serve_is_in_its_log() -> None:
    with serving() as gateway:
        with running(gateway.program.data, OPEN) as client:
            client.initialize()
            assert client.text("echo", text="x") == "x"
            assert client.leave() == 7
        (entry,) = entries(gateway.program.data)
        assert (entry["tool"], entry["decision"], entry["carried_out"]) == ("echo", "allow", True)


def test_the_others_take_the_place_of_a_holder_that_is_killed(data: Path) -> None:
    with running(data, HUNDRED) as first:
        first.initialize()
        assert echoes(first, 60) == 60
        with running(data, HUNDRED) as second, running(data, HUNDRED) as third:
            for client in (second, third):
                client.initialize()
                assert echoes(client, 10) == 10
            first.process.send_signal(signal.SIGKILL)
            first.process.wait(30)
            until(lambda: recorded(second))
            until(lambda: recorded(third))
            assert echoes(second, 100) + echoes(third, 100) == 20
            second.leave()
            third.leave()
    assert Program(data)("log", "verify").code == 0


def recorded(client: RunClient) -> bool:
    """Whether a call that takes from no limit is let through: somebody keeps the journal again."""
    result = client.call("pid")["result"]
    assert "isError" not in result or "cannot be recorded" in result["content"][0]["text"]
    return "isError" not in result


def test_calls_in_flight_of_a_run_that_is_killed_are_settled_by_the_holder(data: Path) -> None:
    with running(data, OPEN) as holder:
        holder.initialize()
        with running(data, OPEN) as guest:
            guest.initialize()
            guest.send(guest.request("tools/call", {"name": "hang"}))
            guest.until_said("hanging")
            guest.process.kill()
            guest.process.wait(30)
        until(lambda: [entry["carried_out"] for entry in entries(data) if entry["tool"] == "hang"] == ["unknown"])
        assert holder.text("echo", text="x") == "x"


def test_a_serve_that_starts_takes_the_books_from_a_run_which_goes_on(data: Path) -> None:
    with running(data, HUNDRED) as client:
        client.initialize()
        assert echoes(client, 60) == 60
        with serving(at=data):
            until(lambda: recorded(client))
            assert echoes(client, 60) == 40
        until(lambda: recorded(client))
        assert echoes(client, 10) == 0
        client.leave()
    assert Program(data)("log", "verify").code == 0

"""Calls in flight through `gatepost run`: cancelled, in progress, resumed, hung, cut off."""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from tests.cli.program import Program
from tests.support.running import OPEN, RunClient, run_arguments, running

SERVERS = Path(__file__).parent / "servers"
MODES = {"legacy": "legacy", "modern": "2026-07-28"}


def cancelled(id: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}}


def calls(data: Path) -> list[dict[str, Any]]:
    shown = Program(data)("log", "show", "--json", "--limit", "1000")
    assert shown.code == 0, shown.err
    return [entry for entry in json.loads(shown.out) if entry.get("method") == "tools/call"]


def asking(client: RunClient) -> None:
    """Begin a session in which the client can be asked."""
    info = {"name": "t", "version": "1"}
    client.ask("initialize", {"protocolVersion": "2025-11-25", "capabilities": {"elicitation": {}}, "clientInfo": info})
    client.send({"jsonrpc": "2.0", "method": "notifications/initialized"})


# -- cancelling


@pytest.mark.parametrize("client", ["legacy", "modern"])
@pytest.mark.parametrize("server", ["legacy", "modern"])
def test_a_call_that_its_client_cancels_is_cancelled_at_the_program(tmp_path: Path, client: str, server: str) -> None:
    async def use() -> None:
        target = ["--", sys.executable, str(SERVERS / "one_era.py"), server, "stdio"]
        command, *arguments = run_arguments(tmp_path / "data", OPEN, *target)
        parameters = StdioServerParameters(command=command, args=arguments, env=dict(os.environ))
        async with Client(stdio_client(parameters), mode=MODES[client]) as connected:
            call = asyncio.ensure_future(connected.call_tool("wait", {"folder": str(tmp_path)}))
            await there(tmp_path / "started")
            call.cancel()
            await there(tmp_path / "cancelled")
            assert (await connected.call_tool("add", {"a": 1, "b": 2})).content[0].text == "3"  # type: ignore[union-attr]

    asyncio.run(use())


async def there(file: Path) -> None:
    async with asyncio.timeout(60):
        while not file.exists():
            await asyncio.sleep(0.01)


def test_a_cancelled_call_gets_no_answer_and_its_id_may_be_used_again(tmp_path: Path) -> None:
    with running(tmp_path / "data", OPEN) as client:
        client.initialize()
        request = client.request("tools/call", {"name": "hang"})
        client.send(request)
        client.until_said("hanging")
        client.send(cancelled(request["id"]))
        client.until_said(f"cancelled {request['id']}")
        assert client.text("echo", text="x") == "x"
        client.leave()
        assert client.rest() == b""


def test_a_question_that_the_server_withdraws_is_withdrawn_at_the_client_under_the_id_that_it_knows(
    tmp_path: Path,
) -> None:
    with running(tmp_path / "data", OPEN) as client:
        asking(client)
        assert "q1" not in json.dumps(client.ask("ping"))
        client.send(client.request("tools/call", {"name": "withdraw"}))
        question, withdrawn, answer = client.read(), client.read(), client.read()
        assert question["method"] == "elicitation/create"
        assert question["id"] != "q1"
        assert withdrawn["method"] == "notifications/cancelled"
        assert withdrawn["params"]["requestId"] == question["id"]
        assert "result" in answer


def test_a_question_of_the_server_is_answered_by_the_client(tmp_path: Path) -> None:
    with running(tmp_path / "data", OPEN) as client:
        asking(client)
        client.send(client.request("tools/call", {"name": "ask"}))
        question = client.read()
        client.send({"jsonrpc": "2.0", "id": question["id"], "result": {"action": "decline"}})
        assert json.loads(client.read()["result"]["content"][0]["text"]) == {"action": "decline"}


# -- progress, and streams that are taken up again


def test_progress_comes_in_order_before_the_answer(tmp_path: Path) -> None:
    with running(tmp_path / "data", OPEN) as client:
        client.initialize()
        client.send(client.request("tools/call", {"name": "steps", "_meta": {"progressToken": "p"}}))
        told = [client.read() for _ in range(3)]
        assert [(each["params"]["progressToken"], each["params"]["progress"]) for each in told] == [
            ("p", 1), ("p", 2), ("p", 3)
        ]  # fmt: skip
        assert "result" in client.read()


@contextmanager
def serving(script: str, *arguments: str) -> Iterator[str]:
    command = [sys.executable, str(SERVERS / script), *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def test_a_stream_that_breaks_off_is_taken_up_where_it_was(tmp_path: Path) -> None:
    """2025-11-25 transports, "Resumability": the client on standard input sees one answer, and no seam."""

    async def use(url: str) -> list[float]:
        seen: list[float] = []

        async def told(progress: float, total: float | None, message: str | None) -> None:
            seen.append(progress)

        command, *arguments = run_arguments(tmp_path / "data", OPEN, "--upstream", url)
        parameters = StdioServerParameters(command=command, args=arguments, env=dict(os.environ))
        async with Client(stdio_client(parameters), mode="legacy") as connected:
            result = await connected.call_tool("cut", {}, progress_callback=told)
            assert result.content[0].text == "whole"  # type: ignore[union-attr]
        return seen

    with serving("resumable.py") as url:
        assert asyncio.run(use(url)) == [1, 2, 3]
    (entry,) = calls(tmp_path / "data")
    assert (entry["tool"], entry["carried_out"], entry["is_error"], entry["error_class"]) == ("cut", True, False, None)


@pytest.mark.parametrize(
    ("rest", "code", "outcome"),
    [("error", 7, (True, True, None)), ("gone", 3003, ("unknown", None, "bad_response"))],
)
def test_the_log_has_the_outcome_that_a_stream_had_in_the_end(
    tmp_path: Path, rest: str, code: int, outcome: tuple[object, ...]
) -> None:
    """The connection was cut in the middle of a call's stream: what came when it was taken up again is how it ended."""
    with serving("cut_off.py", rest) as url, running(tmp_path / "data", OPEN, "--upstream", url) as client:
        client.initialize()
        answer = client.ask("tools/call", {"name": "cut", "arguments": {}})
        assert answer["error"]["code"] == code
        assert client.leave() == 0
    (entry,) = calls(tmp_path / "data")
    assert (entry["carried_out"], entry["is_error"], entry["error_class"]) == outcome


# -- who does not read


def test_a_client_that_never_reads_is_not_read_from_and_gets_every_answer_once_it_does(tmp_path: Path) -> None:
    with running(tmp_path / "data", {"version": "1", "default": "deny"}) as client:
        client.initialize()
        assert client.process.stdin is not None
        pipe, most, asked = client.process.stdin.fileno(), 20_000, []
        os.set_blocking(pipe, False)
        # A machine that is slow looks as if it did not read either; then there are fewer answers to wait for.
        while len(asked) < most and select.select([], [pipe], [], 2)[1]:
            asked.append(client.request("tools/call", {"name": "echo"}))
            assert os.write(pipe, json.dumps(asked[-1]).encode() + b"\n") < select.PIPE_BUF
        assert len(asked) < most
        assert [client.read()["id"] for _ in asked] == [request["id"] for request in asked]
        client.leave()


# -- what does not answer


def test_a_call_that_hangs_fails_in_time_and_the_others_go_on(tmp_path: Path) -> None:
    with running(tmp_path / "data", OPEN, "--timeout", "2") as client:
        client.initialize()
        hung = client.request("tools/call", {"name": "hang"})
        client.send(hung)
        client.until_said("hanging")
        assert client.text("echo", text="x") == "x"
        answer = client.read()
        assert answer["id"] == hung["id"]
        assert answer["error"]["data"]["code"] == "GP-3002"
        assert "did not answer within 2 s" in answer["error"]["message"]
        client.until_said(f"cancelled {hung['id']}")
        assert client.text("echo", text="y") == "y"
        assert client.leave() == 7
    (hang,) = [entry for entry in calls(tmp_path / "data") if entry["tool"] == "hang"]
    assert hang["carried_out"] == "unknown"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_the_middle_of_a_call_ends_it_with_an_answer_and_its_outcome_is_unknown(
    tmp_path: Path, number: signal.Signals
) -> None:
    with running(tmp_path / "data", OPEN) as client:
        client.initialize()
        client.send(client.request("tools/call", {"name": "hang"}))
        client.until_said("hanging")
        client.process.send_signal(number)
        assert client.process.wait(30) == 40 + number
        (answer,) = [json.loads(line) for line in client.rest().splitlines()]
        assert answer["error"]["data"]["code"] == "GP-3005"
        assert client.errors()[-1] == f"signal {number.value}"
    (entry,) = calls(tmp_path / "data")
    assert entry["carried_out"] == "unknown"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_run_in_front_of_a_url(tmp_path: Path, number: signal.Signals) -> None:
    with serving("resumable.py") as url, running(tmp_path / "data", OPEN, "--upstream", url) as client:
        client.initialize()
        client.process.send_signal(number)
        assert client.process.wait(30) == 128 + number
        assert client.rest() == b""
        assert client.errors() == []


def test_no_byte_of_a_program_that_writes_garbage_reaches_the_client(tmp_path: Path) -> None:
    with running(tmp_path / "data", OPEN) as client:
        client.initialize()
        assert client.text("garbage", text="x") == "x"
        assert client.text("echo", text="y") == "y"
        client.leave()
        assert client.rest() == b""
    shown = json.loads(Program(tmp_path / "data")("log", "show", "--json").out)
    dropped = [entry for entry in shown if entry["kind"] == "dropped"]
    assert dropped
    assert "server" in dropped[0]


# -- who keeps the journal


@pytest.mark.slow
def test_calls_are_denied_while_the_keeper_hangs_and_served_when_it_is_gone(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="gp-") as folder:
        data = Path(folder) / "data"
        with running(data, OPEN) as keeper:
            keeper.initialize()
            with running(data, OPEN) as guest:
                guest.initialize()
                assert guest.text("echo", text="x") == "x"
                keeper.process.send_signal(signal.SIGSTOP)
                hung = guest.call("echo", text="x")
                assert "cannot be recorded" in json.dumps(hung)
                keeper.process.kill()
                until(lambda: "isError" not in guest.call("echo", text="x")["result"])
                guest.leave()
        assert Program(data)("log", "verify").code == 0


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)

"""`kill -9` of a `run` that keeps the books, or of a guest of it, at random moments: no call goes on without its row,
and no counter stands beside what the rows say."""

from __future__ import annotations

import itertools
import json
import random
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from gatepost.audit.verify import verify_folder
from gatepost.keys import Keyring
from gatepost.paths import DataFolder
from gatepost.wire import strictjson
from tests.support.running import RunClient, running

NOTING = str(Path(__file__).parent / "servers" / "noting.py")
LIMITED = {
    "version": "1",
    "default": "deny",
    "tools": {
        "note": {
            "limits": [
                {"counter": "notes", "window": "month", "max": 1_000_000},
                {"counter": "seldom", "window": "month", "max": 3, "mode": "shadow"},
            ]
        }
    },
}
ONE = {"version": "1", "default": "deny", "tools": {"note": {"limits": LIMITED["tools"]["note"]["limits"][:1]}}}
"""Without the limit in shadow mode, which a guest's row takes a second message for."""


class Caller(threading.Thread):
    """Calls one after the other until its `run` is gone, or it is told to stop."""

    def __init__(self, client: RunClient, numbers: Iterator[int]) -> None:
        super().__init__()
        self.client, self.numbers = client, numbers
        self.through: list[int] = []
        self.enough = threading.Event()
        self.moved = threading.Condition()

    def run(self) -> None:
        try:
            while not self.enough.is_set():
                number = next(self.numbers)
                result = self.client.call("note", n=number)["result"]
                if not result["isError"]:
                    with self.moved:
                        self.through.append(number)
                        self.moved.notify_all()
        except (AssertionError, OSError, ValueError):
            return  # it is gone

    def reach(self, more: int) -> None:
        """Wait until so many more calls were let through."""
        with self.moved:
            goal = len(self.through) + more
            assert self.moved.wait_for(lambda: len(self.through) >= goal, 30)


def written(folder: DataFolder) -> list[dict[str, Any]]:
    """The rows of the journal."""
    files = sorted((folder.journal / "data").glob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_bytes().splitlines()]


def scenario(data: Path, kills: int) -> None:
    folder, noted = DataFolder(data), data.parent / "noted"
    chance = random.Random(20251125)
    numbers = itertools.count(1)
    through: list[int] = []
    with ExitStack() as stack:

        def begun() -> Caller:
            policy = ONE if chance.random() < 0.8 else LIMITED
            client = stack.enter_context(running(data, policy, "--name", "s", "--", sys.executable, NOTING, str(noted)))
            client.initialize()
            caller = Caller(client, numbers)
            caller.start()
            return caller

        callers = [begun(), begun(), begun()]
        for kill in range(kills):
            for caller in callers:
                caller.reach(chance.randint(1, 30))
            # The first has been here longest, so that it or the one before it keeps the books.
            gone = callers.pop(0 if kill % 2 else -1)
            gone.client.process.kill()
            gone.join(30)
            through += gone.through
            callers.append(begun())
        for caller in callers:
            caller.enough.set()
            caller.join(30)
            caller.client.leave()
            through += caller.through

    rows = written(folder)
    keyring = Keyring.open(folder.keys, create=False)
    decided = [row for row in rows if row["kind"] == "decided" and row["tool"] == "note"]
    allowed = [row for row in decided if row["decision"] == "allow"]
    hmacs = {row["arguments_hmac"] for row in allowed}
    arrived = {int(line) for line in noted.read_text().splitlines()}
    assert arrived >= set(through)
    for number in arrived:
        assert keyring.hmac(strictjson.canonical({"n": number})) in hmacs
    assert len({row["decision_id"] for row in decided}) == len(decided)
    settled = {row["decision_id"] for row in rows if row["kind"] == "settled"}
    assert settled >= {row["decision_id"] for row in decided}
    released = sum(row["kind"] == "released" for row in rows)
    with running(data, ONE, "--name", "s", "--", sys.executable, NOTING, str(noted)) as client:
        client.initialize()
        client.call("note", n=0)
        client.leave()
    (limit,) = [row for row in written(folder) if row["kind"] == "decided" and row["tool"] == "note"][-1]["limits"]
    assert int(limit["before"]) == len(allowed) - released
    assert verify_folder(folder.journal, keyring.verify_key).ok


def run(kills: int) -> None:
    with tempfile.TemporaryDirectory(prefix="gp-") as short:
        scenario(Path(short) / "data", kills)


def test_runs_that_are_killed_forward_nothing_unrecorded_and_count_exactly() -> None:
    run(2)


@pytest.mark.slow
def test_forty_killed_runs_lose_nothing() -> None:
    run(40)

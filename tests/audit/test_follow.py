"""New entries as they come: each once, a call with its outcome."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from queue import Queue
from typing import Any

from gatepost.audit import Filter, follow
from gatepost.journal import Journal, append_admin
from tests.audit.using import make_journal
from tests.journal.using import KEYS, decided, in_journal, released, settled, write


class Follower:
    """Follows in a thread."""

    def __init__(self, journal: Path, narrowed: Filter | None = None, patience: float = 30.0) -> None:
        self._stop = threading.Event()
        self._looked = threading.Semaphore(0)
        self.entries: Queue[dict[str, Any]] = Queue()
        self._thread = threading.Thread(target=self._run, args=(journal, narrowed, patience))
        self._thread.start()
        self._looked.acquire(timeout=10)

    def _run(self, journal: Path, narrowed: Filter | None, patience: float) -> None:
        for entry in follow(journal, narrowed, patience=patience, every=0.01, stop=self._asked):
            self.entries.put(entry)

    def _asked(self) -> bool:
        self._looked.release()
        return self._stop.is_set()

    def next(self) -> dict[str, Any]:
        return self.entries.get(timeout=10)

    def end(self) -> list[dict[str, Any]]:
        """What is left after it has looked once more."""
        while self._looked.acquire(blocking=False):
            pass
        for _ in range(2):
            assert self._looked.acquire(timeout=10)
        self._stop.set()
        self._thread.join()
        return list(self.entries.queue)


def following(
    tmp_path: Path, act: Callable[[Journal, Follower], Any], narrowed: Filter | None = None, patience: float = 30.0
) -> list[dict[str, Any]]:
    journal = make_journal(tmp_path, 10)
    follower = Follower(journal, narrowed, patience)

    async def acting(chain: Journal) -> None:
        await act(chain, follower)

    try:
        in_journal(journal / "data", acting, segment_bytes=2000)
    finally:
        left = follower.end()
    return left


def test_calls_come_with_their_outcome_each_once(tmp_path: Path) -> None:
    async def act(chain: Journal, follower: Follower) -> None:
        for number in range(5):
            await write(chain, decided(f"n{number}"), settled(f"n{number}"))
            entry = follower.next()
            assert (entry["decision_id"], entry["carried_out"]) == (f"n{number}", True)

    assert following(tmp_path, act) == []


def test_a_refused_call_comes_at_once_and_its_outcome_is_no_second_entry(tmp_path: Path) -> None:
    async def act(chain: Journal, follower: Follower) -> None:
        await write(chain, decided("n1", decision="deny"))
        assert follower.next()["carried_out"] is False
        await write(chain, settled("n1", carried_out=False), released("n1"))

    assert following(tmp_path, act) == []


def test_a_call_that_takes_long_comes_without_its_outcome(tmp_path: Path) -> None:
    async def act(chain: Journal, follower: Follower) -> None:
        await write(chain, decided("slow"))
        assert follower.next()["carried_out"] is None
        await write(chain, settled("slow"))

    assert following(tmp_path, act, patience=0.0) == []


def test_only_what_is_asked_for_comes(tmp_path: Path) -> None:
    async def act(chain: Journal, follower: Follower) -> None:
        await write(chain, decided("n1", grant="other"), settled("n1"), decided("n2", grant="mine"), settled("n2"))
        assert follower.next()["decision_id"] == "n2"

    assert following(tmp_path, act, Filter(grant="mine")) == []


def test_all_kinds_of_all_chains_come_without_checkpoints(tmp_path: Path) -> None:
    async def act(chain: Journal, follower: Follower) -> None:
        await write(chain, {"kind": "refused", "code": "GP-1001"})
        assert follower.next()["kind"] == "refused"
        append_admin(tmp_path / "journal" / "admin", KEYS, {"actor": "bob"})
        assert follower.next()["actor"] == "bob"

    assert following(tmp_path, act, Filter()) == []


def test_a_chain_that_begins_later_is_followed_too(tmp_path: Path) -> None:
    (tmp_path / "journal").mkdir()
    follower = Follower(tmp_path / "journal", Filter(kind="admin"))
    append_admin(tmp_path / "journal" / "admin", KEYS, {"actor": "bob"})
    assert follower.next()["actor"] == "bob"
    assert follower.end() == []

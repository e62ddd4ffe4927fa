"""Keys, records, and a reader of segments that is not the journal's own."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gatepost.journal import Journal
from gatepost.journal.calls import Record
from gatepost.quota import MemoryLedger, Reservation
from tests.quota.using import Caller, Clock, Use

_T = TypeVar("_T")


class Keys:
    """What the journal needs of a keyring."""

    def __init__(self, seed: bytes = b"k" * 32) -> None:
        self.signing_key = Ed25519PrivateKey.from_private_bytes(seed)
        self.verify_key = self.signing_key.public_key().public_bytes_raw()


KEYS = Keys()


def run(coroutine: Coroutine[Any, Any, _T]) -> _T:
    return asyncio.run(coroutine)


def decided(id: str, **changes: Any) -> dict[str, Any]:
    """A decided row of an allowed call without limits."""
    return {
        "v": 1,
        "id": id + ".d",
        "time": "2026-11-21T12:00:00.000000Z",
        "kind": "decided",
        "decision_id": id,
        "grant_id": "g1",
        "grant": "laptop",
        "identity": "ann",
        "server": "s1",
        "client": "127.0.0.1",
        "protocol": "2025-11-25",
        "method": "tools/call",
        "tool": "t",
        "category": None,
        "arguments": ["a"],
        "arguments_hmac": "00",
        "policy": "p",
        "policy_version": "sha256:00",
        "definition_hash": None,
        "decision": "allow",
        "enforced": True,
        "rule": "",
        "message": "",
        "shadowed": [],
        "limits": [],
        "reservation": None,
        "approval_id": None,
        "trace_id": None,
        **changes,
    }


def reserved(id: str, reservation: Reservation, **changes: Any) -> dict[str, Any]:
    """A decided row with what a reservation took."""
    limits = [count.as_record() for count in reservation.counts]
    return decided(id, limits=limits, reservation=reservation.id, **changes)


def settled(id: str, **changes: Any) -> dict[str, Any]:
    return {
        "v": 1,
        "id": id + ".s",
        "time": "2026-11-21T12:00:01.000000Z",
        "kind": "settled",
        "decision_id": id,
        "carried_out": True,
        "upstream_status": 200,
        "is_error": False,
        "error_class": None,
        "latency_us": 1000,
        "upstream_us": 900,
        "bytes_in": 10,
        "bytes_out": 20,
        **changes,
    }


def released(id: str) -> dict[str, Any]:
    return {"kind": "released", "decision_id": id, "reservation": id}


async def call(journal: Journal, ledger: MemoryLedger, id: str, *uses: Use, caller: Caller | None = None) -> bool:
    """Reserve and record as the gateway does; False where a limit refused it."""
    caller = caller or Caller()
    outcome = await ledger.reserve(caller, uses, id)
    if not isinstance(outcome, Reservation):
        return False
    who = {"grant_id": caller.grant_id, "identity": caller.identity, "server": caller.server}
    await journal.append(reserved(id, outcome, **who))
    return True


def open_journal(folder: Path, ledger: MemoryLedger | None = None, **options: Any) -> Journal:
    return Journal.open(folder, folder.name, KEYS, ledger=ledger, **{"clock": Clock(), "look_seconds": 0, **options})


def in_journal(folder: Path, act: Callable[[Journal], Awaitable[_T]], **options: Any) -> _T:
    """Open, act, close."""

    async def acting() -> _T:
        journal = open_journal(folder, **options)
        try:
            return await act(journal)
        finally:
            journal.close()

    return run(acting())


async def write(journal: Journal, *records: Record) -> None:
    """Append the records in one turn, and wait for all of them."""
    await asyncio.gather(*[journal.append(record) for record in records])


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.jsonl"))


def rows(folder: Path, kind: str | None = None) -> list[dict[str, Any]]:
    """All rows of a chain, read with the standard library; each line must be complete."""
    found = []
    for path in files(folder):
        text = path.read_bytes()
        assert text == b"" or text.endswith(b"\n"), f"{path} ends in the middle of a line"
        found += [json.loads(line) for line in text.splitlines()]
    return [row for row in found if kind is None or row["kind"] == kind]


def require_chain(folder: Path) -> list[dict[str, Any]]:
    """The rows, which must be canonical, gap-free and chained, checked as an auditor would with a few lines of code."""
    prev, seq = "0" * 64, 0
    for path in files(folder):
        for line in path.read_bytes().splitlines():
            row = json.loads(line)
            claimed = row.pop("hash")
            canonical = json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
            assert hashlib.sha256(canonical).hexdigest() == claimed
            assert (row["seq"], row["prev"]) == (seq + 1, prev)
            prev, seq = claimed, row["seq"]
    return rows(folder)


async def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait until something holds; fails after a while."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, "it did not come about in time"
        await asyncio.sleep(0.01)

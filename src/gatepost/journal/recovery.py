"""Reading a chain at start: the counters, the calls in flight, the last row, and what a crash left half-written."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from gatepost.journal import snapshot as snapshots
from gatepost.journal.errors import ChainBroken
from gatepost.journal.rows import GENESIS, Head, digest
from gatepost.journal.segments import Segment, last_line, lines, segments
from gatepost.journal.state import Replayed


@dataclass(slots=True)
class Recovery:
    """What was found at start.

    Attributes:
        head: the last good row.
        segment: the file that the chain goes on in and the length of its good part, or None for an empty chain.
        rows: how many rows were read and replayed.
        in_flight: reservation id by decision id, of the calls that have no outcome.
        bytes_cut: the length of a last line that was not complete.
        snapshot_seq: the row that the snapshot was of, or None without a snapshot.
        seconds: how long it took.
    """

    head: Head
    segment: tuple[Segment, int] | None
    rows: int
    in_flight: dict[str, str | None]
    bytes_cut: int = 0
    snapshot_seq: int | None = None
    seconds: float = 0.0


class _Row(msgspec.Struct):
    seq: int
    prev: str
    hash: str
    kind: str
    decision_id: str | None = None
    reservation: str | None = None
    decision: str = ""
    enforced: bool = True
    grant_id: str | None = None
    identity: str | None = None
    server: str | None = None
    limits: list[dict[str, Any]] = []

    def counted(self) -> dict[str, Any]:
        """The members that a ledger reads."""
        return {
            "kind": self.kind,
            "reservation": self.reservation,
            "grant_id": self.grant_id,
            "identity": self.identity,
            "server": self.server,
            "limits": self.limits,
        }


_decode = msgspec.json.Decoder(_Row).decode


def recover(folder: Path, chain: str, verify_key: bytes, ledger: Replayed) -> Recovery:
    """Bring `ledger` to the state of the last good row. Nothing is written.

    Raises `ChainBroken` where a complete row that must be read does not follow from the one before.
    """
    began = time.perf_counter()
    files = segments(folder)
    start = snapshots.load(folder, chain, verify_key) if files else None
    found = Recovery(Head(0, GENESIS), None, 0, {})
    offset = 0
    if start is not None:
        ledger.restore(bytes(start.state))
        found.head, found.in_flight, found.snapshot_seq = Head(start.seq, start.hash), dict(start.in_flight), start.seq
        files = [segment for segment in files if segment.first >= start.segment]
        offset = start.offset
    elif files:
        # Segments before the first one may have been removed under the retention: the first row says what it follows.
        found.head = _before(files[0])
    for segment in files:
        end = _replay(segment, offset, found, ledger)
        found.segment = (segment, end)
        found.bytes_cut = segment.path.stat().st_size - end
        if found.bytes_cut and segment is not files[-1]:
            raise ChainBroken(f"{segment.path.name}, byte {end}", "a segment that others follow is cut off")
        offset = 0
    found.seconds = time.perf_counter() - began
    return found


def tail(folder: Path) -> Recovery:
    """Only the last good row and where it ends, found from the end: for a chain without counters."""
    found = Recovery(Head(0, GENESIS), None, 0, {})
    for segment in reversed(segments(folder)):
        size = segment.path.stat().st_size
        last = last_line(segment.path, size)
        good = 0 if last is None else last[0] + len(last[1]) + 1
        if found.segment is None:
            found.segment, found.bytes_cut = (segment, good), size - good
        if last is not None:
            row = _checked(segment, last[0], last[1])
            found.head = Head(row.seq, row.hash)
            break
    return found


def _replay(segment: Segment, offset: int, found: Recovery, ledger: Replayed) -> int:
    """Apply the rows of a segment; returns where the last complete one ends."""
    seq, head = found.head.seq, found.head.hash
    in_flight = found.in_flight
    for start, line in lines(segment.path, offset):
        row = _checked(segment, start, line)
        if row.seq != seq + 1 or row.prev != head:
            raise ChainBroken(_where(segment, start), f"row {row.seq} does not follow from row {seq}")
        seq, head = row.seq, row.hash
        offset = start + len(line) + 1
        found.rows += 1
        decision = row.decision_id
        if decision is None:
            continue
        if row.kind == "decided":
            if row.reservation is not None:
                ledger.replay(row.counted())
            if row.decision == "allow" or not row.enforced:
                in_flight[decision] = row.reservation
        elif row.kind == "settled":
            reservation = in_flight.pop(decision, None)
            if reservation is not None:
                ledger.settle(reservation)
        elif row.kind == "released":
            ledger.replay(row.counted())
            if decision in in_flight:
                in_flight[decision] = None
    found.head = Head(seq, head)
    return offset


def _checked(segment: Segment, start: int, line: bytes) -> _Row:
    try:
        row = _decode(line)
    except (ValueError, RecursionError) as error:  # the second where lists are nested by the thousand
        raise ChainBroken(_where(segment, start), f"the line is not a record ({error})") from None
    if digest(line, row.hash) != row.hash:
        raise ChainBroken(_where(segment, start), f"the hash of row {row.seq} does not fit its content")
    return row


def _before(segment: Segment) -> Head:
    """What the first row of the first segment says it follows."""
    for start, line in lines(segment.path):
        row = _checked(segment, start, line)
        return Head(row.seq - 1, row.prev)
    return Head(segment.first - 1, GENESIS)


def _where(segment: Segment, start: int) -> str:
    return f"{segment.path.name}, byte {start}"

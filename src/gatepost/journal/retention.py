"""Removing old segments: whole ones, oldest first, never the one being written, and never without a row that says so.

The signed `retention` row is in the chain before the first file goes. It carries the last sequence number and hash that
were removed, so that what remains still verifies; a removal that a crash cut short is finished by the next one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from gatepost.journal.ending import opened_at_end
from gatepost.journal.rows import Signer, epoch, event
from gatepost.journal.segments import Segment, last_row, segments


@dataclass(frozen=True, slots=True)
class Removal:
    """Segments to remove, oldest first.

    Attributes:
        first_seq, last_seq, last_hash: the rows in them.
        size: their bytes.
        why: "age" or "size", of the newest of them.
    """

    files: tuple[Path, ...]
    first_seq: int
    last_seq: int
    last_hash: str
    size: int
    why: str

    def record(self, now: float) -> dict[str, Any]:
        """The row that tells of it, to be written before `carry_out`."""
        return event(
            "retention",
            now,
            reason=self.why,
            segments=[path.name for path in self.files],
            first_seq=self.first_seq,
            last_seq=self.last_seq,
            last_hash=self.last_hash,
            bytes=self.size,
        )

    def carry_out(self) -> None:
        """Remove the files, oldest first, so that what remains is one run of rows at every moment."""
        for path in self.files:
            path.unlink(missing_ok=True)


def plan(
    folder: Path,
    now: float,
    *,
    max_age: float | None = None,
    max_bytes: int | None = None,
    keep_from: int | None = None,
) -> Removal | None:
    """What may go: segments whose last row is older than `max_age` seconds, or that put the chain over `max_bytes`.

    The newest segment stays, and so do those from the one that begins with row `keep_from` on. None: nothing.
    """
    files = segments(folder)[:-1]
    total = sum(segment.path.stat().st_size for segment in segments(folder))
    chosen: list[Segment] = []
    size, why, last = 0, "", None
    for segment in files:
        if keep_from is not None and segment.first >= keep_from:
            break
        length = segment.path.stat().st_size
        row = last_row(segment.path)
        if row is None:
            break
        too_old = max_age is not None and now - epoch(row["time"]) > max_age
        too_many = max_bytes is not None and total - size > max_bytes
        if not (too_old or too_many):
            break
        chosen.append(segment)
        size, why, last = size + length, "age" if too_old else "size", row
    if last is None:
        return None
    files_chosen = tuple(segment.path for segment in chosen)
    return Removal(files_chosen, chosen[0].first, last["seq"], last["hash"], size, why)


def apply(
    folder: Path,
    chain: str,
    signer: Signer,
    *,
    max_age: float | None = None,
    max_bytes: int | None = None,
    clock: Callable[[], float] = time.time,
) -> Removal | None:
    """Plan and carry out on a chain that no process serves: the admin chain at any time, others while serve is down.

    A chain with counters is served by `Journal.retain`, which knows what its snapshot still needs; here a snapshot's
    own segment and those after it stay. Raises as `append_admin` does.
    """
    with opened_at_end(folder, chain, signer, clock=clock) as writer:
        removal = plan(folder, clock(), max_age=max_age, max_bytes=max_bytes, keep_from=_needed(folder))
        if removal is not None:
            writer.write([removal.record(clock())])
            writer.sync()
            removal.carry_out()
        return removal


def _needed(folder: Path) -> int | None:
    try:
        return int(msgspec.json.decode((folder / "snapshot.json").read_bytes())["segment"])
    except FileNotFoundError:
        return None

"""Removing old segments: whole ones, oldest first, never the one being written, and never without a row that says so.

The signed `retention` row is on the disk before the first file goes. It names the chain it is of and carries the last
sequence number and hash that were removed, so that what remains still verifies; it stands in the admin chain, which any
process may append to while the chain it speaks of is being written. A removal that a crash cuts short is finished by
the next one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gatepost.journal.admin import CHAIN as ADMIN
from gatepost.journal.admin import append_acts
from gatepost.journal.errors import ChainBroken
from gatepost.journal.rows import Signer, epoch, event
from gatepost.journal.segments import Segment, chains, last_row, segments
from gatepost.journal.snapshot import segment_needed


@dataclass(frozen=True, slots=True)
class Removal:
    """Segments of one chain to remove, oldest first.

    Attributes:
        first_seq, last_seq, last_hash: the rows in them.
        size: their bytes.
        why: "age" or "size", of the newest of them.
    """

    chain: str
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
            of=self.chain,
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


def plan(folder: Path, now: float, *, max_age: float | None = None, max_bytes: int | None = None) -> Removal | None:
    """What may go of the chain in `folder`; None: nothing.

    Segments whose last row is older than `max_age` seconds, or that put the chain over `max_bytes`. The newest stays.
    Of a chain with counters (any but the admin chain) those stay that the next start will read: the segment of the
    last snapshot and what follows it, or everything where there is no snapshot.

    Raises `ChainBroken` (GP-5002) where a segment does not end in a record.
    """
    try:
        return _planned(folder, now, max_age, max_bytes)
    except (ValueError, KeyError, TypeError) as error:
        raise ChainBroken(folder.name, f"the last row of a segment is no record ({error})") from None


def planned(
    journal: Path,
    *,
    max_age: float | None = None,
    max_bytes: int | None = None,
    clock: Callable[[], float] = time.time,
) -> list[Removal]:
    """What `apply` would remove of every chain of `DATA/journal` now. Raises `ChainBroken` (GP-5002), `OSError`."""
    found = [plan(folder, clock(), max_age=max_age, max_bytes=max_bytes) for folder in chains(journal)]
    return [removal for removal in found if removal is not None]


def _planned(folder: Path, now: float, max_age: float | None, max_bytes: int | None) -> Removal | None:
    files = segments(folder)
    sizes = [segment.path.stat().st_size for segment in files]
    needed = None if folder.name == ADMIN else segment_needed(folder)
    left = sum(sizes)
    chosen: list[Segment] = []
    why, last = "", None
    for segment, size in zip(files[:-1], sizes, strict=False):
        row = last_row(segment.path)
        if row is None or (needed is not None and segment.first >= needed):
            break
        too_old = max_age is not None and now - epoch(row["time"]) > max_age
        if not too_old and (max_bytes is None or left <= max_bytes):
            break
        chosen.append(segment)
        left -= size
        why, last = "age" if too_old else "size", row
    if last is None:
        return None
    names = tuple(segment.path for segment in chosen)
    return Removal(folder.name, names, chosen[0].first, last["seq"], last["hash"], sum(sizes) - left, why)


def apply(
    journal: Path,
    signer: Signer,
    *,
    max_age: float | None = None,
    max_bytes: int | None = None,
    clock: Callable[[], float] = time.time,
) -> list[Removal]:
    """Remove what `plan` finds in every chain of `DATA/journal`, also while they are being written.

    Args:
        signer: the keyring; it signs the rows that tell of it.
        max_age: seconds.
        max_bytes: of each chain.

    Raises as `append_acts` and `plan` do; then nothing was removed.
    """
    removals = planned(journal, max_age=max_age, max_bytes=max_bytes, clock=clock)
    if removals:
        append_acts(journal / ADMIN, signer, [removal.record(clock()) for removal in removals], clock=clock)
    for removal in removals:
        removal.carry_out()
    return removals

"""Checking that nothing in a chain was changed, removed, added or put elsewhere; it works offline, and on exports."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from gatepost.audit.checks import Bad, ChainCheck, Fault, Gap, read_row
from gatepost.journal import snapshot
from gatepost.journal.admin import CHAIN as ADMIN
from gatepost.journal.segments import Segment, lines, segments

CUT_OFF: Final = "the last line is cut off: it has no newline"
_PATIENCE: Final = 1.0
_LOOKED_AHEAD: Final = 100_000


@dataclass(slots=True)
class ChainReport:
    """What was found of one chain: its rows `first` to `last`, the hash of the last, its signed checkpoints.

    Attributes:
        unsigned: how many rows at the end no checkpoint covers yet. Who can write the folder can cut or rewrite these
            without being found out, unless a copy or a later snapshot knows them.
    """

    chain: str
    rows: int
    first: int
    last: int
    hash: str
    checkpoints: int
    unsigned: int


@dataclass(slots=True)
class Verification:
    """The outcome.

    Attributes:
        ok: no bad record was found.
        rows: how many were read and good.
        first_bad: the first bad record: file, line (from 1), seq (None where it cannot be told), why.
        chains: a report for each chain, up to its bad record where it has one.
        notes: what the reader should know of what this does not show.
    """

    ok: bool
    rows: int
    first_bad: Bad | None
    chains: list[ChainReport]
    notes: list[str] = field(default_factory=list)


def verify_folder(path: Path, public_key: bytes | None = None) -> Verification:
    """Verify `DATA/journal`, or the folder of one chain in it; also while they are being written.

    Args:
        public_key: 32 bytes, `DATA/keys/checkpoint.pub` (there in hexadecimal). None: the key that the rows themselves
            name, which shows only that one holder signed them all.

    A chain must begin with row 1, or where a signed retention row (in the admin chain) says that the rows before were
    removed. A signed snapshot in the folder shows whether rows at the end are gone. Raises `FileNotFoundError` where
    there is no chain in `path`.
    """
    folders = [path] if _is_chain(path) else [folder for folder in _folders(path) if _is_chain(folder)]
    if not folders:
        raise FileNotFoundError(f"There is no journal in {path}.")
    # The admin chain last: its retention rows are written before the files they speak of are removed.
    folders.sort(key=lambda folder: folder.name == ADMIN)
    checks = [_verify_chain(folder, public_key) for folder in folders]
    removed = [row for check in checks for row in check.retentions]
    if path in folders and path.name != ADMIN and _is_chain(path.parent / ADMIN):
        removed += _verify_chain(path.parent / ADMIN, public_key).retentions
    for check, folder in zip(checks, folders, strict=True):
        files = segments(folder)
        check.require_beginning(removed, files[0].path.name if files else folder.name)
    return summed(checks, public_key)


def summed(checks: Sequence[ChainCheck], public_key: bytes | None) -> Verification:
    """The outcome for several chains; the first of the bad records is the first chain's."""
    reports = [
        ChainReport(check.name, check.rows, check.first, check.seq, check.head, check.checkpoints, check.unsigned)
        for check in checks
    ]
    bad = [check.bad for check in checks if check.bad is not None]
    result = Verification(not bad, sum(check.rows for check in checks), bad[0] if bad else None, reports)
    if public_key is None:
        result.notes.append("No public key was given: signatures were checked with the key that the rows name.")
    return result


def out_of_order(gap: Gap, rest: Iterator[bytes]) -> Fault:
    """What a gap is: rows that come later, if they do, else missing ones."""
    for _, line in zip(range(_LOOKED_AHEAD), rest, strict=False):
        try:
            row = read_row(line)
            if (row.chain, row.seq) == (gap.chain, gap.expected):
                return Fault(gap.seq, f"it comes before row {gap.expected}, out of order")
        except Fault:
            break
    return gap


def _verify_chain(folder: Path, public_key: bytes | None) -> ChainCheck:
    """All rows of a chain. A segment that the retention removes meanwhile is taken as removed."""
    known = snapshot.read(folder)
    check = ChainCheck(folder.name, public_key)
    known_hash = ""
    files = segments(folder)
    for segment in files:
        count = 0
        rows = _complete(segment, growing=segment is files[-1])
        try:
            for line in rows:
                count += 1
                row = read_row(line)
                if count == 1 and row.seq != segment.first:
                    raise Fault(row.seq, f"the file should begin with row {segment.first}")
                check.take(line, row)
                if known is not None and row.seq == known.seq:
                    known_hash = row.hash
        except FileNotFoundError:
            if check.rows:
                raise
        except Fault as fault:
            found = out_of_order(fault, rows) if isinstance(fault, Gap) else fault
            line_number = count if found.why != CUT_OFF else count + 1
            check.bad = Bad(segment.path.name, line_number, found.seq, found.why)
            return check
    if known is not None and check.public_key is not None and snapshot.is_signed(known, check.public_key):
        last = files[-1].path.name if files else folder.name
        if known.seq > check.seq:
            why = f"the chain ends with row {check.seq}, but a signed snapshot is of row {known.seq}"
            check.bad = Bad(last, 1, check.seq, why)
        elif known.seq >= check.first and known_hash != known.hash:
            check.bad = Bad(last, 1, known.seq, f"row {known.seq} is not the one that a signed snapshot knows")
    return check


def _complete(segment: Segment, *, growing: bool) -> Iterator[bytes]:
    """The complete lines of a segment. A rest without newline is a fault, unless it is being written just now."""
    offset = 0
    deadline = 0.0
    while True:
        for start, line in lines(segment.path, offset):
            yield line
            offset = start + len(line) + 1
            deadline = 0.0
        deadline = deadline or time.monotonic() + _PATIENCE
        if segment.path.stat().st_size == offset:
            return
        if not growing or time.monotonic() > deadline:
            raise Fault(None, CUT_OFF)
        time.sleep(0.05)


def _folders(path: Path) -> list[Path]:
    return sorted(entry for entry in path.iterdir() if entry.is_dir()) if path.is_dir() else []


def _is_chain(folder: Path) -> bool:
    return bool(segments(folder)) or (folder / snapshot.NAME).exists()

"""`snapshot.json`: the counters and the calls in flight as of one row, so that a start reads only what came after."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

import msgspec

from gatepost.journal.chain import sync_folder
from gatepost.journal.rows import Head, Signer, canonical, check_signature
from gatepost.journal.segments import last_line, path_of

NAME: Final = "snapshot.json"
_SIGNED: Final = b"gatepost snapshot 1\n"


class Snapshot(msgspec.Struct, kw_only=True):
    """State as of the row `seq`, which ends at `offset` of the segment that begins with row `segment`.

    `state` is the ledger's own JSON; `in_flight` are the decision and reservation ids of calls without an outcome.
    """

    v: int = 1
    chain: str
    segment: int
    offset: int
    seq: int
    hash: str
    time: str
    in_flight: list[tuple[str, str | None]]
    state: msgspec.Raw
    signature: str = ""


def store(folder: Path, snapshot: Snapshot, signer: Signer) -> None:
    """Replace the folder's snapshot, atomically and durably. Raises `OSError`."""
    snapshot.signature = signer.signing_key.sign(_message(snapshot)).hex()
    temporary = folder / (NAME + ".new")
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(fd, "wb") as file:
        file.write(msgspec.json.encode(snapshot))
        file.flush()
        os.fsync(fd)
    temporary.rename(folder / NAME)
    sync_folder(folder)


def load(folder: Path, chain: str, verify_key: bytes) -> Snapshot | None:
    """The folder's snapshot, if it is signed and of a row that is in the chain; else all rows must be read."""
    snapshot = read(folder)
    if snapshot is None or snapshot.chain != chain or not is_signed(snapshot, verify_key):
        return None
    try:
        head = _row_before(path_of(folder, snapshot.segment), snapshot.offset)
    except (FileNotFoundError, ValueError):
        return None
    return snapshot if head == Head(snapshot.seq, snapshot.hash) else None


def read(folder: Path) -> Snapshot | None:
    """The folder's snapshot as it is, or None where there is none that can be read."""
    try:
        snapshot = msgspec.json.decode((folder / NAME).read_bytes(), type=Snapshot)
    except (FileNotFoundError, ValueError):
        return None
    return snapshot if snapshot.v == 1 else None


def is_signed(snapshot: Snapshot, verify_key: bytes) -> bool:
    """Whether the holder of `verify_key` signed it."""
    return check_signature(snapshot.signature, _message(snapshot), verify_key)


def segment_needed(folder: Path) -> int:
    """The first row of the oldest segment that the next start reads: the snapshot's; 0, all of them, without one."""
    snapshot = read(folder)
    return 0 if snapshot is None else snapshot.segment


def _row_before(path: Path, offset: int) -> Head | None:
    if path.stat().st_size < offset:
        return None
    found = last_line(path, offset)
    if found is None or found[0] + len(found[1]) + 1 != offset:
        return None
    row: dict[str, Any] = msgspec.json.decode(found[1])
    return Head(row["seq"], row["hash"]) if "seq" in row and "hash" in row else None


def _message(snapshot: Snapshot) -> bytes:
    return _SIGNED + canonical(msgspec.structs.replace(snapshot, signature=""))

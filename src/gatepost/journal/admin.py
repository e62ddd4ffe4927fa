"""The chain of administrative acts, which any process may append to: one at a time, by a lock on its folder."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from gatepost.journal.chain import SEGMENT_BYTES
from gatepost.journal.ending import opened_at_end
from gatepost.journal.rows import Signer, canonical, event, require_ascii_keys
from gatepost.journal.segments import last_bytes

CHAIN: Final = "admin"
_LOOKED_BACK: Final = 1 << 20


def append_admin(
    folder: Path, signer: Signer, record: Mapping[str, Any], *, clock: Callable[[], float] = time.time
) -> None:
    """Append one act; see `append_acts`."""
    append_acts(folder, signer, [record], clock=clock)


def append_acts(
    folder: Path,
    signer: Signer,
    records: Sequence[Mapping[str, Any]],
    *,
    segment_bytes: int = SEGMENT_BYTES,
    clock: Callable[[], float] = time.time,
) -> None:
    """Append acts to the admin chain, with a signed checkpoint after them; on return they are on the disk.

    Args:
        folder: the chain's own folder, `DATA/journal/admin`; made if missing.
        records: of kind `admin` unless they name another, with actor, action, object, before and after, no secrets.
            A record that brings an `id` which is among the last megabyte's rows was written already, and is left
            out: a caller who does not know whether its last attempt went through may repeat it.

    Raises `JournalUnavailable` (GP-5001), `ChainBroken` (GP-5002), `GatepostError` GP-5003 or GP-6002, and
    `ValueError` or `TypeError` for a record that has no canonical JSON form; nothing is appended then.
    """
    for record in records:
        require_ascii_keys(record)
        canonical(record)
    with opened_at_end(folder, CHAIN, signer, segment_bytes=segment_bytes, clock=clock) as writer:
        # Looked for as text: within a string the quotes would be escaped, and parsing it all costs milliseconds.
        known = last_bytes(writer.segment.path, writer.offset, _LOOKED_BACK) if writer.offset else b""
        new = [_complete(record, clock()) for record in records if not _is_in(known, record)]
        if new:
            writer.write([*new, event("checkpoint", clock(), rows=len(new))])
            writer.sync()


def _is_in(rows: bytes, record: Mapping[str, Any]) -> bool:
    return "id" in record and b'"id":%b' % canonical(record["id"]) in rows


def _complete(record: Mapping[str, Any], now: float) -> dict[str, Any]:
    return {**event(str(record.get("kind", "admin")), now), **record}

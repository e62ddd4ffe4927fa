"""Opening a chain only at its end, for one act: no counters are rebuilt."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from gatepost.journal.chain import SEGMENT_BYTES, Chain, locked
from gatepost.journal.recovery import tail
from gatepost.journal.rows import Signer, event

_LOCK_SECONDS = 10.0


@contextmanager
def opened_at_end(
    folder: Path,
    chain: str,
    signer: Signer,
    *,
    segment_bytes: int = SEGMENT_BYTES,
    clock: Callable[[], float] = time.time,
) -> Iterator[Chain]:
    """The chain's writing end, with the folder's lock held; a last line that is not complete is cut off and told of.

    Raises `JournalUnavailable`, `ChainBroken`, or `GatepostError` GP-6002 where the lock is held for over 10 seconds.
    """
    lock = locked(folder, seconds=_LOCK_SECONDS)
    try:
        found = tail(folder)
        writer = Chain(folder, chain, signer, found.head, found.segment, segment_bytes=segment_bytes, clock=clock)
        try:
            if found.bytes_cut:
                writer.write([event("recovered", clock(), cause="start", bytes_cut=found.bytes_cut, in_flight=0)])
            yield writer
        finally:
            writer.close()
    finally:
        os.close(lock)

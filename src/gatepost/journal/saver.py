"""Writing snapshots in a thread of its own, so that no call waits for a disk."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final

from gatepost.journal.rows import Signer
from gatepost.journal.snapshot import Snapshot, store

_log: Final = logging.getLogger("gatepost.journal")


class Saver:
    """Stores one snapshot at a time in a chain's folder."""

    def __init__(self, folder: Path, signer: Signer) -> None:
        self._folder = folder
        self._signer = signer
        self._thread: ThreadPoolExecutor | None = None
        self._running: Future[None] | None = None

    @property
    def busy(self) -> bool:
        """Whether a snapshot is being written."""
        return self._running is not None and not self._running.done()

    def save_aside(self, fd: int, finish: Callable[[], Snapshot]) -> None:
        """Store in the thread what `finish` makes there. `fd` is the segment's file, and is closed."""
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="gatepost-snapshot")
        self._running = self._thread.submit(self._save, fd, finish)

    def save(self, fd: int, finish: Callable[[], Snapshot]) -> None:
        """Store now, after what the thread has under way."""
        self.wait()
        self._save(fd, finish)

    def wait(self) -> None:
        """Wait for the thread, and end it."""
        if self._thread is not None:
            self._thread.shutdown(wait=True)
            self._thread = None

    def _save(self, fd: int, finish: Callable[[], Snapshot]) -> None:
        try:
            try:
                os.fsync(fd)  # a snapshot must never be ahead of the rows on the disk
            finally:
                os.close(fd)
            store(self._folder, finish(), self._signer)
        except (OSError, ValueError) as error:
            # No row is lost: the next start reads from the snapshot before, and takes longer.
            _log.warning("no snapshot of the journal in %s could be written: %s", self._folder, error)

"""Appending to a chain of segments: each batch with one `write`, whole or not at all. Knows nothing of event loops."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Literal

from gatepost.errors import GatepostError
from gatepost.journal.calls import Record
from gatepost.journal.errors import JournalUnavailable
from gatepost.journal.rows import SIGNED, Head, Signer, epoch, seal, sign
from gatepost.journal.segments import Segment, first_row, path_of

SEGMENT_BYTES: Final = 64 << 20
SEGMENT_SECONDS: Final = 86_400.0
LOOK_SECONDS: Final = 0.01
Sync = Literal["os", "full"]


class Chain:
    """The writing end of one chain. Hold the folder's lock (`locked`) while it is in use.

    Args:
        folder: the chain's own folder.
        head: the last row.
        segment: the file the next row goes to, and its length, or None to begin a new file.
        segment_bytes, segment_seconds: a new file is begun when the current one has this size or age.
        look_seconds: how often a batch looks whether its file is still in its place.
        sync: "full" adds one fdatasync per batch, so that rows also survive a power failure.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        signer: Signer,
        head: Head,
        segment: tuple[Segment, int] | None,
        *,
        segment_bytes: int = SEGMENT_BYTES,
        segment_seconds: float = SEGMENT_SECONDS,
        look_seconds: float = LOOK_SECONDS,
        sync: Sync = "os",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.folder = folder
        self.name = name
        self.head = head
        self._signer = signer
        self._segment_bytes = segment_bytes
        self._segment_seconds = segment_seconds
        self._clock = clock
        self._full_at = 0.0
        self._look_seconds = look_seconds
        self._look_at = 0.0
        self._sync = sync
        self._fd = -1
        self._path = ""
        self._file: tuple[int, int] = (0, 0)
        self.segment = Segment(0, folder)
        self.offset = 0
        self._dirty = False
        self._written = 0  # bytes of the last batch that went into the file
        if segment is not None:
            self._reopen(*segment)

    def write(self, records: Sequence[Record]) -> dict[int, Exception]:
        """Append the records as one batch. Returns, by index, why some have no JSON form: they are left out.

        Raises `JournalUnavailable` where the batch could not be written; then no row of it is in the chain.
        """
        head = self.head
        rows: list[bytes] = []
        faults: dict[int, Exception] = {}
        for index, record in enumerate(records):
            try:
                if record.__class__ is dict and record["kind"] in SIGNED:
                    sign(record, self.name, head, self._signer)
                row, head = seal(record, self.name, head)
            except (ValueError, TypeError, LookupError, RecursionError) as fault:
                faults[index] = fault
                continue
            rows.append(row)
        if rows:
            self._append(b"".join(rows))
            self.head = head
        return faults

    def sync(self) -> None:
        """Force what was written to the disk. Raises `JournalUnavailable`."""
        try:
            if self._fd >= 0:
                os.fsync(self._fd)
        except OSError as error:
            raise JournalUnavailable(_reason(error)) from error

    def duplicate(self) -> int:
        """A descriptor of the current file, for another thread to sync and close."""
        return os.dup(self._fd)

    def close(self) -> None:
        """Close the file; nothing is written."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _append(self, data: bytes) -> None:
        try:
            self._ready()
            try:
                self._put(data)
            except BaseException:
                self._dirty = True
                self._look_at = 0.0
                self._cut()
                raise
        except OSError as error:
            raise JournalUnavailable(_reason(error)) from error
        self.offset += len(data)

    def _ready(self) -> None:
        """See to it that there is a clean file to write to."""
        if self._dirty:
            self._cut()
            if self._dirty:
                raise OSError(errno.EIO, "what was written of a failed batch cannot be cut off again")
        elif self._fd >= 0 and not self._look_at and not self._in_place():
            self.close()  # after a failure, the file may not be the one to go on in
        if self._fd >= 0 and self.offset and (self.offset >= self._segment_bytes or self._clock() >= self._full_at):
            self.close()
        if self._fd < 0:
            self._begin()

    def _put(self, data: bytes) -> None:
        self._written = 0
        self._written = os.write(self._fd, data)
        while self._written < len(data):  # a short write: the next one says why, or completes it
            self._written += os.write(self._fd, memoryview(data)[self._written :])
        if self._sync == "full":
            os.fdatasync(self._fd)
        # A file that was moved or deleted still takes writes; rows must not go where nobody finds them. Under load not
        # every batch looks: what was written in the hundredth of a second before a move goes with the file.
        now = time.monotonic()
        if now < self._look_at:
            return
        self._look_at = now + self._look_seconds
        found = os.stat(self._path)  # noqa: PTH116 - once per batch, and half the time of Path.stat
        if (found.st_dev, found.st_ino) != self._file:
            raise OSError(errno.ENOENT, f"{self.segment.path} was replaced")
        if found.st_size != self.offset + len(data):
            raise OSError(errno.EIO, f"{self.segment.path} was changed by somebody else")

    def _cut(self) -> None:
        """Take a failed batch off the file again. While that fails the chain stays dirty, and takes nothing."""
        good = self.offset
        try:
            size = os.fstat(self._fd).st_size
            good = min(self.offset, size - self._written)
            if size > good:
                os.ftruncate(self._fd, good)
        except OSError:
            # A file that is no longer ours to find is left behind; one that is keeps the chain waiting.
            self._dirty = self._in_place()
        else:
            self._dirty = False
        if not self._dirty and (good < self.offset or not self._in_place()):
            self.close()

    def _in_place(self) -> bool:
        try:
            found = self.segment.path.stat()
        except OSError:
            return False
        return (found.st_dev, found.st_ino) == self._file

    def _begin(self) -> None:
        """Begin a new segment; the chain's folder is made again if only it is missing."""
        with contextlib.suppress(FileExistsError):
            self.folder.mkdir(mode=0o700)
        first = self.head.seq + 1
        segment = Segment(first, path_of(self.folder, first))
        fd = os.open(segment.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._take(fd, segment)
        if self.offset:
            self.close()
            raise OSError(errno.EEXIST, f"{segment.path} is there already")
        self._full_at = self._clock() + self._segment_seconds
        if self._sync == "full":
            sync_folder(self.folder)

    def _reopen(self, segment: Segment, length: int) -> None:
        """Go on in a segment, cut to `length`."""
        try:
            fd = os.open(segment.path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
            self._take(fd, segment)
            if self.offset > length:
                os.ftruncate(fd, length)
                self.offset = length
            first = first_row(segment.path)
            self._full_at = self._segment_seconds + (self._clock() if first is None else epoch(first["time"]))
        except OSError as error:
            self.close()
            raise JournalUnavailable(_reason(error)) from error

    def _take(self, fd: int, segment: Segment) -> None:
        found = os.fstat(fd)
        self._fd, self.segment, self._path = fd, segment, str(segment.path)
        self._file, self.offset = (found.st_dev, found.st_ino), found.st_size


def sync_folder(folder: Path) -> None:
    """Force a folder's entries to the disk."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def locked(folder: Path, *, seconds: float, clock: Callable[[], float] = time.monotonic) -> int:
    """Take the lock of a chain's folder, which is made if it is missing; returns the descriptor that holds it.

    Raises `GatepostError` GP-6002 where another process holds it for longer than `seconds`, GP-5003 where the folder
    is not usable.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fd = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise GatepostError("GP-5003", f"The journal's folder {folder} is not usable: {_reason(error)}.") from error
    deadline = clock() + seconds
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if clock() < deadline:
                time.sleep(0.002)
                continue
            os.close(fd)
            raise GatepostError(
                "GP-6002", f"Another process writes the journal in {folder}.", "Stop it, or choose another --data."
            ) from None
        return fd


def _reason(error: OSError) -> str:
    return f"{error.strerror or error}" + (f" ({error.filename})" if error.filename else "")

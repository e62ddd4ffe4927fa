"""A file below the exports folder: never outside it, never half a file, never over another one unless told.

The folder and each folder on the way are opened one from the other without following links. What is written goes to a
temporary file in the last of them, which gets its name at the end; where anything fails before, it is deleted.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from gatepost_media.common.errors import BadArgument, Refused

_NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})
"""What file systems without hard links answer (exFAT, some network shares): there the name is taken by an empty file
first."""
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def parts(argument: str, path: str) -> list[str]:
    """The folders and the file name in a relative path. Raises BadArgument for any other."""
    pieces = path.split("/")
    if path.startswith("/") or "\\" in path or ":" in path:
        raise BadArgument(argument, "must be a path relative to the exports folder, such as movies.json.")
    for piece in pieces:
        if not piece or piece in (".", "..") or piece.startswith(".") or len(piece.encode()) > 200:
            raise BadArgument(argument, "must name folders and a file without empty, hidden, . or .. parts.")
        if not piece.isprintable():
            raise BadArgument(argument, "must hold no control characters.")
    if not pieces[-1].endswith(".json"):
        raise BadArgument(argument, "must end in .json.")
    if len(pieces) > 8:
        raise BadArgument(argument, "must have at most 7 folders.")
    return pieces


class ExportFile:
    """The temporary file, as a context: kept under its name by `finish`, deleted without it."""

    def __init__(self, exports: Path, pieces: list[str], *, overwrite: bool) -> None:
        self._name = pieces[-1]
        self._overwrite = overwrite
        self._temporary: str | None = None
        self.shown = "/".join([exports.name, *pieces])
        """The path as a user names it, from the folder in which the server was started."""
        self._way = _Way(exports, pieces[:-1])
        self._folder = self._way.last
        try:
            self._check_free()
            self._temporary = f".{secrets.token_hex(8)}.part"
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            with self._said():
                self._file = os.fdopen(os.open(self._temporary, flags, 0o600, dir_fd=self._folder), "wb")
        except BaseException:
            self._way.close(keep=False)
            raise

    def __enter__(self) -> ExportFile:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            self._file.close()
        if self._temporary is not None:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._temporary, dir_fd=self._folder)
        self._way.close(keep=self._temporary is None)

    def write(self, content: bytes) -> None:
        """Adds to the file. Raises Refused where the disk is full or gone."""
        with self._said():
            self._file.write(content)

    def finish(self) -> int:
        """Syncs the file and gives it its name; returns its length. Raises Refused for a name taken meanwhile."""
        assert self._temporary is not None
        with self._said():
            self._file.flush()
            os.fsync(self._file.fileno())
            size = os.fstat(self._file.fileno()).st_size
            if self._overwrite:
                self._check_free()
                os.replace(self._temporary, self._name, src_dir_fd=self._folder, dst_dir_fd=self._folder)
            else:
                self._take_name(self._temporary)
            self._temporary = None
            os.fsync(self._folder)
        return size

    def _take_name(self, temporary: str) -> None:
        """Gives the file its name where nothing has it: there is no moment between look and leap."""
        try:
            os.link(temporary, self._name, src_dir_fd=self._folder, dst_dir_fd=self._folder)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
        else:
            os.unlink(temporary, dir_fd=self._folder)
            return
        taken = os.open(self._name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=self._folder)
        os.close(taken)
        os.replace(temporary, self._name, src_dir_fd=self._folder, dst_dir_fd=self._folder)

    def _check_free(self) -> None:
        try:
            found = os.lstat(self._name, dir_fd=self._folder)
        except FileNotFoundError:
            return
        if not stat.S_ISREG(found.st_mode):
            raise Refused(f"{self.shown} exists and is not an ordinary file. Choose another outputPath.")
        if not self._overwrite:
            raise Refused(f"{self.shown} exists. Choose another outputPath, or give overwrite: true to replace it.")

    @contextlib.contextmanager
    def _said(self) -> Iterator[None]:
        try:
            yield
        except FileExistsError:
            raise Refused(f"{self.shown} was made by someone else meanwhile. Choose another outputPath.") from None
        except OSError as error:
            raise Refused(f"{self.shown} cannot be written: {error.strerror}. Nothing was left behind.") from None


class _Way:
    """The folders on the way to a file, opened one from the other; those that are missing are made, and go again where
    no file comes into them. Raises Refused for a link on the way."""

    def __init__(self, exports: Path, names: list[str]) -> None:
        self._opened: list[int] = []
        self._made: list[tuple[int, str]] = []
        try:
            exports.mkdir(mode=0o700, exist_ok=True)
            self._opened.append(os.open(exports, _FOLDER))
        except OSError as error:
            raise Refused(f"{exports.name}: {_why(error)}") from None
        for index, name in enumerate(names):
            try:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(name, 0o700, dir_fd=self.last)
                    self._made.append((self.last, name))
                self._opened.append(os.open(name, _FOLDER, dir_fd=self.last))
            except OSError as error:
                self.close(keep=False)
                raise Refused(f"{'/'.join([exports.name, *names[: index + 1]])}: {_why(error)}") from None

    @property
    def last(self) -> int:
        """The folder that the file is for."""
        return self._opened[-1]

    def close(self, *, keep: bool) -> None:
        """Ends it; without `keep`, what was made here and is still empty is taken away."""
        if not keep:
            for above, name in reversed(self._made):
                with contextlib.suppress(OSError):
                    os.rmdir(name, dir_fd=above)
        for descriptor in self._opened:
            os.close(descriptor)
        self._opened.clear()


def _why(error: OSError) -> str:
    if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.EEXIST):
        return "this is a link or a file, not a folder. Exports go into real folders only."
    return f"this folder cannot be used: {error.strerror}."

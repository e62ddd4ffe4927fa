"""Making an export, also while `serve` runs: the store first, then the log, as far as it has whole rows."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import resource
import sqlite3
import tarfile
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final

import msgspec

from gatepost import __version__
from gatepost.carry import sealedkeys
from gatepost.carry.manifest import (
    CATALOGUE,
    FORMAT,
    HELD,
    JOURNAL,
    MANIFEST,
    PINS,
    PUBLIC_KEY,
    SEALED_KEYS,
    STORE,
    Chain,
    Manifest,
    Member,
)
from gatepost.errors import GatepostError
from gatepost.journal import snapshot
from gatepost.journal.admin import CHAIN as ADMIN
from gatepost.journal.rows import timestamp
from gatepost.journal.segments import chains, segments
from gatepost.paths import DataFolder

_ATTEMPTS: Final = 5
_CHUNK: Final = 1 << 16
_LEVEL: Final = 6


@dataclass(frozen=True, slots=True)
class Taken:
    """What was exported: the file, its size, how many rows of which chains, and whether the keys are in it."""

    file: Path
    size: int
    rows: dict[str, int]
    keys: bool


def take(data: DataFolder, file: Path, *, passphrase: str | None = None) -> Taken:
    """Export a data folder into a new file, mode 0600, which is there whole or not at all.

    Args:
        passphrase: the keys go with it, sealed with this; None leaves them out.

    Raises `GatepostError` GP-4002 where `file` is there already, GP-4005 (the passphrase), GP-5003.
    """
    if file.exists() or file.is_symlink():
        raise _taken(file)
    _raise_file_limit()
    keys = None if passphrase is None else sealedkeys.seal(data.keys, passphrase)
    draft = ""
    try:
        handle, draft = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
        with os.fdopen(handle, "wb") as out:
            with tarfile.open(fileobj=out, mode="w:gz", compresslevel=_LEVEL, format=tarfile.PAX_FORMAT) as archive:
                rows = _fill(_Filling(archive), data, file.parent, keys)
            out.flush()
            os.fsync(out.fileno())
        _put(Path(draft), file)
        _sync(file.parent)
    except FileExistsError:
        raise _taken(file) from None
    except OSError as error:
        raise GatepostError(
            "GP-5003", f"The export {file} cannot be written: {error.strerror or error}.", "Choose another place."
        ) from None
    finally:
        if draft:
            Path(draft).unlink(missing_ok=True)
    return Taken(file, file.stat().st_size, rows, keys is not None)


def _put(draft: Path, file: Path) -> None:
    """Gives the draft its name. A link, unlike a rename, does not take the place of a file that has come meanwhile."""
    try:
        os.link(draft, file)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if file.exists():
            raise FileExistsError from None
        draft.rename(file)


@dataclass(slots=True)
class _Filling:
    """An archive that is being filled, and what is in it so far."""

    archive: tarfile.TarFile
    members: list[Member] = field(default_factory=list)

    def add(self, path: str, content: IO[bytes], size: int) -> None:
        """Add `size` bytes as the member `path`. Raises `OSError` where there are fewer."""
        reader = _Reader(content, size)
        about = tarfile.TarInfo(path)
        about.size, about.mode, about.mtime = size, 0o600, int(time.time())
        self.archive.addfile(about, reader)
        self.members.append(Member(path, size, reader.digest.hexdigest()))

    def add_bytes(self, path: str, content: bytes) -> None:
        self.add(path, io.BytesIO(content), len(content))


class _Reader:
    """So many bytes of a file, and their hash."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file, self._left = file, size
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        wanted = self._left if size < 0 else min(size, self._left)
        content = self._file.read(wanted)
        if len(content) < wanted:
            raise OSError("a file of the log became shorter while it was read; try again")
        self._left -= len(content)
        self.digest.update(content)
        return content


def _fill(filling: _Filling, data: DataFolder, beside: Path, keys: bytes | None) -> dict[str, int]:
    """Returns how many rows of each chain."""
    for name in (STORE, CATALOGUE):
        if (data.root / name).exists():
            with _copied(data.root / name, beside) as copy:
                filling.add(name, copy, os.fstat(copy.fileno()).st_size)
    for file in (data.root / HELD, *sorted((data.root / PINS).glob("*.json"))):
        with contextlib.suppress(FileNotFoundError):  # each is replaced as a whole, so that what is read is whole
            content = file.read_bytes()
            filling.add_bytes(file.relative_to(data.root).as_posix(), content)
    ends: dict[str, Chain] = {}
    rows: dict[str, int] = {}
    # The admin chain last: it tells of what the retention removed of the others.
    for folder in sorted(chains(data.journal), key=lambda folder: folder.name == ADMIN):
        first, last = _add_chain(filling, folder)
        ends[folder.name] = last
        rows[folder.name] = last.last_seq - first + 1
    filling.add_bytes(PUBLIC_KEY, (data.root / PUBLIC_KEY).read_bytes())
    if keys is not None:
        filling.add_bytes(SEALED_KEYS, keys)
    manifest = Manifest(FORMAT, __version__, timestamp(time.time()), filling.members, ends)
    filling.add_bytes(MANIFEST, msgspec.json.encode(manifest))
    return rows


def _add_chain(filling: _Filling, folder: Path) -> tuple[int, Chain]:
    """The snapshot and every segment up to the last whole row; returns the first row's number, and the last row."""
    # Before the segments, so that the row that it is of is among them.
    kept = folder / snapshot.NAME
    known = kept.read_bytes() if kept.exists() else None
    with contextlib.ExitStack() as held:
        opened = _open(folder, held)
        last: dict[str, Any] = {}
        for number, (path, file) in enumerate(opened):
            size = os.fstat(file.fileno()).st_size
            line, whole = _last_line(file, size)
            if whole < size and number < len(opened) - 1:
                raise GatepostError("GP-5002", f"{path} is cut off, and others follow.", "See `gatepost log verify`.")
            last = msgspec.json.decode(line) if line else last
            file.seek(0)
            filling.add(f"{JOURNAL}/{folder.name}/{path.name}", file, whole)
        if known is not None:
            filling.add_bytes(f"{JOURNAL}/{folder.name}/{snapshot.NAME}", known)
        first = int(opened[0][0].stem)
        return first, Chain(last.get("seq", first - 1), last.get("hash", ""))


def _open(folder: Path, held: contextlib.ExitStack) -> list[tuple[Path, IO[bytes]]]:
    """Every segment, opened: what the retention removes from now on can still be read."""
    for _ in range(_ATTEMPTS):
        with contextlib.ExitStack() as opening:
            files: list[tuple[Path, IO[bytes]]] = []
            try:
                for segment in segments(folder):
                    files.append((segment.path, opening.enter_context(segment.path.open("rb"))))
            except FileNotFoundError:
                continue  # one was removed between the two
            held.push(opening.pop_all())
            return files
    raise GatepostError("GP-5003", f"The log in {folder} keeps changing.", "Try again.")


def _last_line(file: IO[bytes], size: int) -> tuple[bytes, int]:
    """The last whole line of the first `size` bytes, without its newline, and where it ends; without one b"" and 0."""
    start, tail = size, b""
    while start > 0:
        step = min(_CHUNK, start)
        start -= step
        file.seek(start)
        tail = file.read(step) + tail
        stop = tail.rfind(b"\n")
        begin = tail.rfind(b"\n", 0, stop) if stop > 0 else -1
        if stop >= 0 and (begin >= 0 or start == 0):
            return tail[begin + 1 : stop], start + stop + 1
    return b"", 0


def _raise_file_limit() -> None:
    """Every segment is an open file for a while: take as many as the system lets this user have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@contextlib.contextmanager
def _copied(database: Path, beside: Path) -> Iterator[IO[bytes]]:
    """An SQLite database as of one moment, as one file."""
    with tempfile.TemporaryDirectory(prefix=".gatepost-", dir=beside) as folder:
        copy = Path(folder) / database.name
        try:
            with (
                contextlib.closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, timeout=30.0)) as source,
                contextlib.closing(sqlite3.connect(copy)) as target,
            ):
                source.backup(target)
                target.execute("PRAGMA journal_mode = DELETE")
        except sqlite3.Error as error:
            raise GatepostError("GP-5003", f"{database} cannot be copied: {error}.") from None
        with copy.open("rb") as file:
            yield file


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _taken(file: Path) -> GatepostError:
    return GatepostError("GP-4002", f"{file} is there already.", "Choose another name, or move that one away.")

"""Putting an export in place as a data folder: unpacked beside it, checked whole, then moved there in one step."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from gatepost.audit.verify import verify_folder
from gatepost.carry import sealedkeys
from gatepost.carry.manifest import (
    CATALOGUE,
    JOURNAL,
    MANIFEST,
    PUBLIC_KEY,
    SEALED_KEYS,
    STORE,
    Manifest,
    Member,
    allowed,
    damaged,
    read,
)
from gatepost.errors import GatepostError
from gatepost.keys import Keyring
from gatepost.storage.migrate import newest

_CHUNK: Final = 1 << 20
_MOST_MEMBERS: Final = 1_000_000
_MOST_IN_MEMORY: Final = 256 << 20


@dataclass(slots=True)
class Brought:
    """What was imported, or looked at.

    Attributes:
        version: of the Gatepost that made the export.
        time: when it was made, UTC.
        rows: how many records verified.
        servers: the names of the servers.
        sealed: of these, the ones with credentials.
        keys: whether the keys are in place.
        passphrase: whether sealed keys are in the export.
    """

    version: str
    time: str
    rows: int
    servers: list[str] = field(default_factory=list)
    sealed: list[str] = field(default_factory=list)
    keys: bool = False
    passphrase: bool = False


def bring(
    file: Path,
    root: Path,
    *,
    passphrase: Callable[[], str] | None = None,
    keys: Path | None = None,
    check: bool = False,
) -> Brought:
    """Check an export and make it the data folder `root`, which must not be there, or be empty.

    Args:
        passphrase: asked for where sealed keys are in the export; None leaves them sealed, and out.
        keys: a folder with the keys, such as a backup of `DATA/keys`.
        check: only look, and put nothing in place.

    Raises `GatepostError` GP-5003 (`root` is in use), GP-5005 (the export), GP-5004 (the keys) or GP-4005 (the
    passphrase); nothing is changed then.
    """
    if not check:
        _require_free(root)
    try:
        with tempfile.TemporaryDirectory(prefix=".gatepost-import-", dir=None if check else _beside(root)) as folder:
            staged = Path(folder) / "data"
            staged.mkdir(mode=0o700)
            brought = _checked(_unpacked(file, staged), staged)
            brought.keys = _put_keys(staged, passphrase, keys)
            if brought.keys:
                Keyring.open(staged / "keys", create=False)
            (staged / SEALED_KEYS).unlink(missing_ok=True)
            if not check:
                _move(staged, root)
    except OSError as error:
        raise GatepostError(
            "GP-5003", f"The export cannot be unpacked for {root}: {error.strerror or error}.", "Nothing was changed."
        ) from None
    return brought


def _require_free(root: Path) -> None:
    if root.is_symlink() or (root.exists() and (not root.is_dir() or any(root.iterdir()))):
        raise GatepostError(
            "GP-5003", f"{root} is not empty, and an import replaces nothing.", "Name another folder with --data DIR."
        )


def _beside(root: Path) -> Path:
    """Where to unpack: beside the folder, from where it is put in place in one step.

    A folder that was made for somebody who may not write beside it, as a system's service is, takes it in itself.
    """
    if root.is_dir() and not os.access(root.parent, os.W_OK):
        return root
    root.parent.mkdir(parents=True, exist_ok=True)
    return root.parent


def _unpacked(file: Path, staged: Path) -> Manifest:
    """Every member in its place, each of which has to be as the manifest says."""
    found: list[Member] = []
    manifest: Manifest | None = None
    try:
        with tarfile.open(file, "r|gz") as archive:
            for about in archive:
                if manifest is not None:
                    raise damaged("something follows its manifest")
                if not about.isreg() or not allowed(about.name) or len(found) >= _MOST_MEMBERS:
                    raise damaged(f"it holds {about.name[:80]!r}, which is no part of an export")
                content = archive.extractfile(about)
                assert content is not None  # it is a regular file
                if about.name == MANIFEST:
                    manifest = read(_small(content, about.size))
                else:
                    found.append(_write(staged, about.name, content))
    except (tarfile.TarError, EOFError, zlib.error, OverflowError) as error:
        raise damaged(f"it is cut off, or no archive ({error})") from None
    except FileNotFoundError:
        raise GatepostError("GP-4003", f"There is no file {file}.", "Name the export.") from None
    if manifest is None:
        raise damaged("it is cut off: its manifest is missing")
    if found != manifest.members:
        differing = next(
            (one.path for one, other in zip(found, manifest.members, strict=False) if one != other), "a file"
        )
        raise damaged(f"{differing} is not as the manifest says")
    return manifest


def _small(content: IO[bytes], size: int) -> bytes:
    if size > _MOST_IN_MEMORY:
        raise damaged("its manifest is too large")
    return content.read()


def _write(staged: Path, path: str, content: IO[bytes]) -> Member:
    target = staged / path
    for folder in reversed(target.relative_to(staged).parents[:-1]):
        (staged / folder).mkdir(mode=0o700, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    try:
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise damaged(f"{path} is in it twice") from None
    with os.fdopen(handle, "wb") as out:
        while chunk := content.read(_CHUNK):
            digest.update(chunk)
            out.write(chunk)
            size += len(chunk)
        out.flush()
        os.fsync(out.fileno())
    return Member(path, size, digest.hexdigest())


def _checked(manifest: Manifest, staged: Path) -> Brought:
    """The store and the log, looked at as they would be in use."""
    brought = Brought(manifest.version, manifest.time, 0)
    for needed in (STORE, PUBLIC_KEY):
        if not (staged / needed).exists():
            raise damaged(f"{needed} is missing")
    brought.servers, brought.sealed = _look_into(staged / STORE)
    if (staged / CATALOGUE).exists():
        with _whole(staged / CATALOGUE):
            pass
    brought.passphrase = (staged / SEALED_KEYS).exists()
    if manifest.chains:
        verdict = verify_folder(staged / JOURNAL, _public_key(staged / PUBLIC_KEY))
        if verdict.first_bad is not None:
            bad = verdict.first_bad
            raise damaged(f"its log does not verify: {bad.file} line {bad.line}: {bad.why}")
        for chain in verdict.chains:
            told = manifest.chains.get(chain.chain)
            if told is None or (told.last_seq, told.last_hash) != (chain.last, chain.hash):
                raise damaged(f"the chain {chain.chain} does not end where the manifest says")
        brought.rows = verdict.rows
    return brought


def _look_into(store: Path) -> tuple[list[str], list[str]]:
    """The servers, and those with credentials. Raises GP-5005 where it is damaged, or of a newer program."""
    try:
        with _whole(store) as connection:
            step = str(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0])
            if step > newest():
                raise damaged(f"its store is of a newer Gatepost (step {step})", "Import it with that version.")
            rows = connection.execute("SELECT name, headers, env FROM servers ORDER BY name").fetchall()
    except TypeError:
        raise damaged("its store is not one of Gatepost") from None
    return [row[0] for row in rows], [row[0] for row in rows if row[1] != "[]" or row[2] != "{}"]


@contextlib.contextmanager
def _whole(database: Path) -> Iterator[sqlite3.Connection]:
    """A database of the export, read whole. Raises GP-5005 where it is damaged."""
    try:
        with contextlib.closing(sqlite3.connect(f"{database.as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
            said = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
            if said != "ok":
                raise damaged(f"its {database.name} is damaged: {said}")
            yield connection
    except sqlite3.Error as error:
        raise damaged(f"its {database.name} cannot be read: {error}") from None


def _public_key(file: Path) -> bytes:
    try:
        return bytes.fromhex(file.read_text(encoding="ascii").strip())
    except ValueError:
        raise damaged("its public key is not one") from None


def _put_keys(staged: Path, passphrase: Callable[[], str] | None, keys: Path | None) -> bool:
    """Whether the keys are in place now; they have to be the halves of the public one that is in the export."""
    sealed = staged / SEALED_KEYS
    if keys is not None:
        files = {path.name: path.read_text(encoding="ascii") for path in _key_files(keys)}
    elif sealed.exists() and passphrase is not None:
        files = sealedkeys.unseal(sealed.read_bytes(), passphrase())
    else:
        return False
    public = (staged / PUBLIC_KEY).read_text(encoding="ascii")
    if files.get(Path(PUBLIC_KEY).name, "").strip() != public.strip():
        raise GatepostError(
            "GP-5004", "These keys are of another installation.", "Name the backup of the keys that belong to it."
        )
    for name, content in files.items():
        path = staged / "keys" / name
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
    return True


def _key_files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if sealedkeys.is_key_file(path.name) and path.is_file():
            yield path


def _move(staged: Path, root: Path) -> None:
    """In one step; an empty folder that is there gives way, and one that has come to hold something does not.

    Within the folder itself the store comes last: without it, nothing takes the rest for an installation.
    """
    for folder, _, _ in os.walk(staged):
        _sync(Path(folder))
    if staged.is_relative_to(root):
        root.chmod(0o700)
        for path in sorted(staged.iterdir(), key=lambda path: path.name == STORE):
            path.rename(root / path.name)
        _sync(root)
        return
    try:
        staged.rename(root)
    except OSError:
        _require_free(root)
        raise
    _sync(root.parent)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

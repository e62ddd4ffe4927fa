"""A client's file: read whole, changed as text, and replaced in one step with a backup beside it."""

from __future__ import annotations

import json
import os
import re
import stat
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from gatepost.errors import GatepostError

_ATTEMPTS = 3
PASTE = "Paste the text below into it yourself."


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of a file: where it is, its backup (None where there was nothing to keep), whether it changed."""

    file: Path
    backup: Path | None
    changed: bool


@dataclass(frozen=True, slots=True)
class Change:
    """A change that is about to be made: the file's content before and after, its mode, and the backup's path."""

    before: bytes | None
    after: bytes
    mode: int
    backup: Path | None


def replace(
    file: Path,
    change: Callable[[str], str],
    *,
    now: datetime,
    hint: str = PASTE,
    about_to: Callable[[Change], None] | None = None,
) -> Stored:
    """Gives `file` the text that `change` makes of its text; it is made with mode 0600 if it does not exist.

    A link is followed. The old content stays beside it as NAME.gatepost-backup-YYYYmmddHHMMSS, with its mode. The new
    content takes the file's place in one rename, with the old mode; a file that changes meanwhile is read again.

    Args:
        hint: what to do where it fails.
        about_to: called when the backup is on the disk and nothing but the rename is left.

    Raises:
        GatepostError: GP-4005, when the file cannot be read or written, or by `change`; nothing is changed then.
    """
    real = file.resolve()
    for _ in range(_ATTEMPTS):
        before = read(real, hint)
        text = "" if before is None else decode(real, before, hint)
        after = change(text)
        if before is not None and after == text:
            return Stored(real, None, changed=False)
        real.parent.mkdir(parents=True, exist_ok=True)
        mode = 0o600 if before is None else stat.S_IMODE(real.stat().st_mode)
        prepared = write_beside(real, after.encode("utf-8"), mode, hint)
        if read(real, hint) != before:
            prepared.unlink()
            continue
        backup = None
        try:
            if before is not None:
                backup = _backup_of(real, now)
                write_beside(backup, before, mode, hint).replace(backup)
            if about_to is not None:
                about_to(Change(before, after.encode("utf-8"), mode, backup))
        except BaseException:
            prepared.unlink()
            raise
        prepared.replace(real)
        return Stored(real, backup, changed=True)
    raise GatepostError("GP-4005", f"{real} keeps changing.", "Close the client that it belongs to and try again.")


def put_back(file: Path, content: bytes, mode: int, hint: str) -> None:
    """Gives a file this content and mode in one rename. Raises GatepostError GP-4005."""
    write_beside(file, content, mode, hint).replace(file)


def read(file: Path, hint: str = PASTE) -> bytes | None:
    """The file's content, or None where it does not exist. Raises GatepostError GP-4005."""
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise refused(file, f"cannot be read ({error.strerror})", hint) from error


def decode(file: Path, content: bytes, hint: str = PASTE) -> str:
    """The content as text. Raises GatepostError GP-4005."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise refused(file, "is not UTF-8 text", hint) from error


def write_beside(file: Path, content: bytes, mode: int, hint: str = PASTE) -> Path:
    """Writes to a new file in the same folder, synced, with `mode`; returns its path. Raises GatepostError GP-4005."""
    name: str | None = None
    try:
        handle, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
        with os.fdopen(handle, "wb") as out:
            os.fchmod(out.fileno(), mode)
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
    except OSError as error:
        if name is not None:
            Path(name).unlink()
        raise refused(file, f"cannot be written ({error.strerror})", hint) from error
    return Path(name)


def refused(file: Path, why: str, hint: str = PASTE) -> GatepostError:
    """GP-4005 for a file that stays as it is."""
    return GatepostError("GP-4005", f"{file} {why}; it was left as it is.", hint)


def newline_of(text: str) -> str:
    """How the text's lines end."""
    return "\r\n" if "\r\n" in text else "\n"


def dump(text: str, value: Any, indent: str) -> str:
    """A value as JSON in the manner of `text`; `indent` begins the line that it stands in."""
    return json.dumps(value, indent=unit(text), ensure_ascii=False).replace("\n", newline_of(text) + indent)


def unit(text: str) -> str:
    """One step of indentation: that of the first indented line, else two spaces."""
    match = re.search(r"^([ \t]+)\"", text, re.MULTILINE)
    return match.group(1) if match else "  "


def indent_at(text: str, position: int) -> str:
    """The white space that begins the line of `position`."""
    line = text[text.rfind("\n", 0, position) + 1 :]
    return line[: len(line) - len(line.lstrip(" \t"))]


def _backup_of(file: Path, now: datetime) -> Path:
    """A name that is free: two changes may be made within one second."""
    first = file.with_name(f"{file.name}.gatepost-backup-{now:%Y%m%d%H%M%S}")
    found, number = first, 1
    while os.path.lexists(found):
        number += 1
        found = first.with_name(f"{first.name}-{number}")
    return found

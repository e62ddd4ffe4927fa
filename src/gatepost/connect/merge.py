"""Puts one server's entry into a client's file and leaves everything else in it as it is, comments included.

`json_with` and `toml_with` work on texts and write nothing; `store` replaces the file in one step and keeps a backup.
"""

from __future__ import annotations

import json
import os
import re
import stat
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from gatepost.connect import jsonc
from gatepost.connect.clients import Client, Target, toml_table
from gatepost.errors import GatepostError

_ATTEMPTS = 3
_BOM = "\ufeff"


@dataclass(frozen=True, slots=True)
class Stored:
    """What `store` did: the file, its backup (None where there was nothing to keep), whether anything changed."""

    file: Path
    backup: Path | None
    changed: bool


def store(client: Client, target: Target, file: Path, *, now: datetime) -> Stored:
    """Merges the entry into `file`, which is made with mode 0600 if it does not exist.

    A link is followed. The old content stays beside it as NAME.gatepost-backup-YYYYmmddHHMMSS, with its mode. The new
    content takes the file's place in one rename, with the old mode; a file that changes meanwhile is read again.

    Raises:
        GatepostError: GP-4005, when the file cannot be read as what it should be or holds another server of that name;
            nothing is changed then.
    """
    real = file.resolve()
    for _ in range(_ATTEMPTS):
        before = _read(real)
        text = "" if before is None else _decode(real, before)
        after = merged(client, target, text, real)
        if before is not None and after == text:
            return Stored(real, None, changed=False)
        real.parent.mkdir(parents=True, exist_ok=True)
        mode = 0o600 if before is None else stat.S_IMODE(real.stat().st_mode)
        prepared = _write_beside(real, after.encode("utf-8"), mode)
        if _read(real) != before:
            prepared.unlink()
            continue
        backup = None
        if before is not None:
            backup = real.with_name(f"{real.name}.gatepost-backup-{now:%Y%m%d%H%M%S}")
            _write_beside(backup, before, mode).replace(backup)
        prepared.replace(real)
        return Stored(real, backup, changed=True)
    raise GatepostError("GP-4005", f"{real} keeps changing.", f"Close {client.title} and try again.")


def merged(client: Client, target: Target, text: str, file: Path) -> str:
    """The file's text with the entry in it. Raises GatepostError GP-4005; `file` is for the message only."""
    if client.format == "toml":
        return toml_with(client, target, text, file)
    return json_with(client, target, text, file)


def json_with(client: Client, target: Target, text: str, file: Path) -> str:
    """JSON or JSON with comments: one member inserted, or replaced where it already leads to this gateway."""
    mark, body = (_BOM, text[1:]) if text.startswith(_BOM) else ("", text)
    if not body.strip():
        return mark + client.snippet(target)
    try:
        root = jsonc.parse(body)
    except jsonc.JSONCError as error:
        raise _refused(file, f"is not valid JSON ({error})") from error
    whole = root.python()
    if not isinstance(whole, dict):
        raise _refused(file, "does not hold a JSON object, or one with a name twice")
    entry = client.entry(target)
    sections = root.named(client.section)
    if not sections:
        result = _insert(body, root, client.section, {target.name: entry})
    else:
        section = sections[0].value
        if not isinstance(section.python(), dict):
            raise _refused(file, f"does not hold an object under “{client.section}”, or one with a name twice")
        present = section.named(target.name)
        if not present:
            result = _insert(body, section, target.name, entry)
        else:
            old = present[0].value
            if old.python() == _as_read(entry):
                return text
            if not _leads_to(old.python(), target.url):
                raise _taken(file, target)
            indent = _indent_at(body, present[0].key_start)
            result = body[: old.start] + _dump(body, entry, indent) + body[old.end :]
    expected = {**whole, client.section: {**whole.get(client.section, {}), target.name: _as_read(entry)}}
    if jsonc.parse(result).python() != expected:
        raise _refused(file, "could not be changed without touching something else")
    return mark + result


def toml_with(client: Client, target: Target, text: str, file: Path) -> str:
    """TOML: a table appended. One that is there is replaced only if it stands exactly as this function writes it."""
    try:
        before = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _refused(file, f"is not valid TOML ({error})") from error
    entry = client.entry(target)
    table = toml_table(client.section, target.name, entry)
    section = before.get(client.section, {})
    if not isinstance(section, dict):
        raise _refused(file, f"holds something else than a table under “{client.section}”")
    present = section.get(target.name)
    if present == entry:
        return text
    newline = "\r\n" if "\r\n" in text else "\n"
    if present is None:
        gap = "" if not text.strip() else newline if text.endswith("\n") else newline * 2
        result = text + gap + table.replace("\n", newline)
    else:
        ours = _own_table(table, target).search(text)
        if ours is None:
            raise _taken(file, target)
        result = text[: ours.start()] + table.replace("\n", newline) + text[ours.end() :]
    try:
        after = tomllib.loads(result)
    except tomllib.TOMLDecodeError as error:
        # An inline or dotted `mcp_servers` cannot be extended by a table further down.
        raise _refused(file, f"holds “{client.section}” in a form that cannot be added to") from error
    if after != {**before, client.section: {**section, target.name: entry}}:
        raise _refused(file, "could not be changed without touching something else")
    return result


def _own_table(table: str, target: Target) -> re.Pattern[str]:
    """Matches the table as it would be written for any token."""
    pattern = re.escape(table).replace(re.escape(target.token), r'[^"\\\r\n]+').replace("\\\n", r"\r?\n")
    return re.compile(r"^" + pattern, re.MULTILINE)


def _leads_to(entry: Any, url: str) -> bool:
    """Whether an entry already names the gateway's URL, the last slash aside."""
    if isinstance(entry, str):
        return entry.rstrip("/") == url.rstrip("/")
    if isinstance(entry, Mapping):
        return any(_leads_to(value, url) for value in entry.values())
    if isinstance(entry, list):
        return any(_leads_to(value, url) for value in entry)
    return False


def _as_read(entry: Mapping[str, Any]) -> Any:
    return jsonc.parse(json.dumps(entry)).python()


def _insert(text: str, into: jsonc.Node, key: str, value: Any) -> str:
    """Adds a member at the end of an object, in the file's own manner of indenting."""
    newline = "\r\n" if "\r\n" in text else "\n"
    outer = _indent_at(text, into.start)
    indent = _indent_at(text, into.members[-1].key_start) if into.members else outer + _unit(text)
    if len(indent) <= len(outer):
        indent = outer + _unit(text)
    member = f"{json.dumps(key, ensure_ascii=False)}: {_dump(text, value, indent)}"
    closing = into.end - 1
    last = len(text[:closing].rstrip())
    tail = text[last:closing]
    if "\n" not in tail:
        tail = newline + outer
    if not into.members:
        return f"{text[:last]}{newline}{indent}{member}{tail}{text[closing:]}"
    comma = "" if into.trailing_comma else ","
    end = into.members[-1].value.end
    return f"{text[:end]}{comma}{text[end:last]}{newline}{indent}{member}{tail}{text[closing:]}"


def _dump(text: str, value: Any, indent: str) -> str:
    newline = "\r\n" if "\r\n" in text else "\n"
    return json.dumps(value, indent=_unit(text), ensure_ascii=False).replace("\n", newline + indent)


def _unit(text: str) -> str:
    """One step of indentation: that of the first indented line, else two spaces."""
    match = re.search(r"^([ \t]+)\"", text, re.MULTILINE)
    return match.group(1) if match else "  "


def _indent_at(text: str, position: int) -> str:
    """The white space that begins the line of `position`."""
    line = text[text.rfind("\n", 0, position) + 1 :]
    return line[: len(line) - len(line.lstrip(" \t"))]


def _read(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _refused(file, f"cannot be read ({error.strerror})") from error


def _decode(file: Path, content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _refused(file, "is not UTF-8 text") from error


def _write_beside(file: Path, content: bytes, mode: int) -> Path:
    """Writes to a new file in the same folder, synced, with `mode`; returns its path."""
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
        raise _refused(file, f"cannot be written ({error.strerror})") from error
    return Path(name)


def _refused(file: Path, why: str) -> GatepostError:
    return GatepostError("GP-4005", f"{file} {why}; it was left as it is.", "Paste the text below into it yourself.")


def _taken(file: Path, target: Target) -> GatepostError:
    return GatepostError(
        "GP-4005",
        f"{file} already has another server called {target.name}; it was left as it is.",
        "Remove or rename that one, or paste the text below under another name.",
    )

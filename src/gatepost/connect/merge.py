"""Puts one server's entry into a client's file and leaves everything else in it as it is, comments included.

`json_with` and `toml_with` work on texts and write nothing; `store` replaces the file in one step and keeps a backup.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gatepost.connect import files, jsonc
from gatepost.connect.clients import Client, Target, toml_table
from gatepost.connect.files import Stored, dump, indent_at, newline_of, refused, unit
from gatepost.connect.reading import is_governed
from gatepost.errors import GatepostError

_BOM = "\ufeff"


def store(client: Client, target: Target, file: Path, *, now: datetime) -> Stored:
    """Merges the entry into `file` with a backup, as `files.replace` says.

    Raises:
        GatepostError: GP-4005, when the file cannot be read as what it should be or holds another server of that name;
            nothing is changed then.
    """
    return files.replace(file, lambda text: merged(client, target, text, file.resolve()), now=now)


def merged(client: Client, target: Target, text: str, file: Path) -> str:
    """The file's text with the entry in it. Raises GatepostError GP-4005; `file` is for the message only."""
    if client.format == "toml":
        return toml_with(client, target, text, file)
    return json_with(client, target, text, file)


def json_with(client: Client, target: Target, text: str, file: Path) -> str:
    """JSON or JSON with comments: one member inserted, or replaced where it leads, or led, to this gateway."""
    mark, body = (_BOM, text[1:]) if text.startswith(_BOM) else ("", text)
    if not body.strip():
        return mark + client.snippet(target)
    try:
        root = jsonc.parse(body)
    except jsonc.JSONCError as error:
        raise refused(file, f"is not valid JSON ({error})") from error
    whole = root.python()
    if not isinstance(whole, dict):
        raise refused(file, "does not hold a JSON object, or one with a name twice")
    entry = client.entry(target)
    sections = root.named(client.section)
    if not sections:
        result = _insert(body, root, client.section, {target.name: entry})
    else:
        section = sections[0].value
        if not isinstance(section.python(), dict):
            raise refused(file, f"does not hold an object under “{client.section}”, or one with a name twice")
        present = section.named(target.name)
        if not present:
            result = _insert(body, section, target.name, entry)
        else:
            old = present[0].value
            if old.python() == _as_read(entry):
                return text
            if not (_leads_to(old.python(), target.url) or _led_to(old.python(), target.url)):
                raise _taken(file, target)
            indent = indent_at(body, present[0].key_start)
            result = body[: old.start] + dump(body, entry, indent) + body[old.end :]
    expected = {**whole, client.section: {**whole.get(client.section, {}), target.name: _as_read(entry)}}
    if jsonc.parse(result).python() != expected:
        raise refused(file, "could not be changed without touching something else")
    return mark + result


def toml_with(client: Client, target: Target, text: str, file: Path) -> str:
    """TOML: a table appended. One that is there is replaced only if it stands exactly as this function writes it."""
    try:
        before = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise refused(file, f"is not valid TOML ({error})") from error
    entry = client.entry(target)
    table = toml_table(client.section, target.name, entry)
    section = before.get(client.section, {})
    if not isinstance(section, dict):
        raise refused(file, f"holds something else than a table under “{client.section}”")
    present = section.get(target.name)
    if present == entry:
        return text
    newline = newline_of(text)
    if present is None:
        gap = "" if not text.strip() else newline if text.endswith("\n") else newline * 2
        result = text + gap + table.replace("\n", newline)
    else:
        ours = _own_table(table, target, elsewhere=_led_to(present, target.url)).search(text)
        if ours is None:
            raise _taken(file, target)
        result = text[: ours.start()] + table.replace("\n", newline) + text[ours.end() :]
    try:
        after = tomllib.loads(result)
    except tomllib.TOMLDecodeError as error:
        # An inline or dotted `mcp_servers` cannot be extended by a table further down.
        raise refused(file, f"holds “{client.section}” in a form that cannot be added to") from error
    if after != {**before, client.section: {**section, target.name: entry}}:
        raise refused(file, "could not be changed without touching something else")
    return result


def _own_table(table: str, target: Target, *, elsewhere: bool) -> re.Pattern[str]:
    """Matches the table as it would be written for any token, and for any address where it leads elsewhere."""
    pattern = re.escape(table).replace(re.escape(target.token), r'[^"\\\r\n]+').replace("\\\n", r"\r?\n")
    if elsewhere:
        pattern = pattern.replace(re.escape(target.url), r'https?://[^"\\\r\n]+')
    return re.compile(r"^" + pattern, re.MULTILINE)


def _leads_to(entry: Any, url: str) -> bool:
    """Whether an entry already names the gateway's URL, the last slash aside."""
    return any(text.rstrip("/") == url.rstrip("/") for text in _texts(entry))


def _led_to(entry: Any, url: str) -> bool:
    """Whether an entry leads to the same server of a gateway at another address, with a token of one."""
    return is_governed(entry) and any(_path(text) == _path(url) for text in _texts(entry))


def _path(url: str) -> str | None:
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return parts.path.rstrip("/") if parts.scheme in ("http", "https") else None


def _texts(entry: Any) -> Iterator[str]:
    if isinstance(entry, str):
        yield entry
    elif isinstance(entry, Mapping | list):
        for each in entry.values() if isinstance(entry, Mapping) else entry:
            yield from _texts(each)


def _as_read(entry: Mapping[str, Any]) -> Any:
    return jsonc.parse(json.dumps(entry)).python()


def _insert(text: str, into: jsonc.Node, key: str, value: Any) -> str:
    """Adds a member at the end of an object, in the file's own manner of indenting."""
    newline = newline_of(text)
    outer = indent_at(text, into.start)
    indent = indent_at(text, into.members[-1].key_start) if into.members else outer + unit(text)
    if len(indent) <= len(outer):
        indent = outer + unit(text)
    member = f"{json.dumps(key, ensure_ascii=False)}: {dump(text, value, indent)}"
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


def _taken(file: Path, target: Target) -> GatepostError:
    return GatepostError(
        "GP-4005",
        f"{file} already has another server called {target.name}; it was left as it is.",
        "Remove or rename that one, or paste the text below under another name.",
    )

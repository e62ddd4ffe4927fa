"""Entries of a client's file turned over to the gateway and back, every other byte of the file as it was.

`turned_over` and `turned_back` work on texts. What they make is parsed again and compared with what it should be; where
it is anything else, the file is refused and stays as it is.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gatepost.connect import jsonc
from gatepost.connect.clients import Client, Target, toml_table
from gatepost.connect.files import dump, indent_at, newline_of, refused, unit

_BOM = "\ufeff"
_HINT = "Change the entry by hand; `gatepost connect` shows what goes into it."
REACHED_BY = frozenset(
    {
        "command", "args", "env", "envFile", "env_vars", "cwd", "type", "transport", "transportType", "url", "httpUrl",
        "serverUrl", "headers", "requestInit", "http_headers", "env_http_headers", "bearer_token_env_var", "oauth",
        "auth", "authProviderType", "sandbox", "sandboxEnabled", "dev",
    }
)  # fmt: skip
"""What an entry says of how its server is reached; everything else is the client's own, and stays."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One entry that is turned over: the table it stands in, its name there, and what it shall lead to."""

    section: tuple[str, ...]
    name: str
    target: Target


def turned_over(client: Client, text: str, turns: Sequence[Turn], file: Path) -> str:
    """The file's text with these entries leading to the gateway. Raises GatepostError GP-4005."""
    if client.format == "toml":
        return _toml_over(client, text, turns, file)
    mark, body = _without_mark(text)
    root = _parsed(body, file)
    expected = root.python()
    pieces: list[tuple[jsonc.Node, str]] = []
    for turn in turns:
        node = _node(root, (*turn.section, turn.name))
        if node is None or node.kind != "object":
            raise refused(file, f"holds no entry “{turn.name}” any more", _HINT)
        written = _entry_text(client, turn.target, body, node)
        pieces.append((node, written))
        expected = _with(expected, (*turn.section, turn.name), jsonc.parse(written).python())
    return mark + _checked(_replaced(body, pieces), expected, file)


def turned_back(
    client: Client, text: str, original: str, names: Iterable[tuple[tuple[str, ...], str]], file: Path
) -> tuple[str, list[str]]:
    """The file's text with entries as they stand in `original`, for a file that has changed since.

    Args:
        names: section and name of what was turned over.

    Returns:
        The text, and the names of those that are not in the file any more, or do not lead to the gateway any more; they
        are left as they are. Raises GatepostError GP-4005.
    """
    if client.format == "toml":
        return _toml_back(text, original, [name for _, name in names], file)
    mark, body = _without_mark(text)
    _, before = _without_mark(original)
    root, old = _parsed(body, file), _parsed(before, file)
    expected = root.python()
    pieces, gone = [], []
    for section, name in names:
        node, source = _node(root, (*section, name)), _node(old, (*section, name))
        if node is None or source is None or not leads_to_gateway(node.python()):
            gone.append(name)
            continue
        pieces.append((node, before[source.start : source.end]))
        expected = _with(expected, (*section, name), source.python())
    return mark + _checked(_replaced(body, pieces), expected, file), gone


def leads_to_gateway(entry: Any) -> bool:
    """Whether an entry holds a token of Gatepost."""
    return "gp_" in json.dumps(entry, default=str)


# -- JSON ------------------------------------------------------------------------------------------------------------


def _without_mark(text: str) -> tuple[str, str]:
    return (_BOM, text[1:]) if text.startswith(_BOM) else ("", text)


def _parsed(body: str, file: Path) -> jsonc.Node:
    try:
        return jsonc.parse(body)
    except jsonc.JSONCError as error:
        raise refused(file, f"is not valid JSON ({error})", _HINT) from error


def _node(root: jsonc.Node, path: Sequence[str]) -> jsonc.Node | None:
    """The value at a path; None where it is not there, or a name on the way stands twice."""
    node = root
    for key in path:
        found = node.named(key)
        if len(found) != 1:
            return None
        node = found[0].value
    return node


def _entry_text(client: Client, target: Target, body: str, node: jsonc.Node) -> str:
    """The new entry: how the gateway is reached, then what the client keeps of its own, letter by letter."""
    kept = {member.key: member.value for member in node.members if member.key not in REACHED_BY}
    outer = indent_at(body, node.start)
    indent = outer + unit(body)
    members = [
        f"{json.dumps(key, ensure_ascii=False)}: {dump(body, value, indent)}"
        for key, value in client.entry(target).items()
        if key not in kept
    ]
    members += [
        f"{json.dumps(key, ensure_ascii=False)}: {body[value.start : value.end]}" for key, value in kept.items()
    ]
    newline = newline_of(body)
    return "{" + ",".join(f"{newline}{indent}{member}" for member in members) + f"{newline}{outer}}}"


def _replaced(body: str, pieces: Iterable[tuple[jsonc.Node, str]]) -> str:
    for node, text in sorted(pieces, key=lambda piece: piece[0].start, reverse=True):
        body = body[: node.start] + text + body[node.end :]
    return body


def _with(whole: Any, path: Sequence[str], value: Any) -> Any:
    if not path:
        return value
    return {**whole, path[0]: _with(whole[path[0]], path[1:], value)}


def _checked(result: str, expected: Any, file: Path) -> str:
    if jsonc.parse(result).python() != expected:
        raise refused(file, "could not be changed without touching something else", _HINT)
    return result


# -- TOML ------------------------------------------------------------------------------------------------------------


def _toml_over(client: Client, text: str, turns: Sequence[Turn], file: Path) -> str:
    before = _toml(text, file)
    expected = dict(before[client.section])
    result = text
    for turn in turns:
        old = expected[turn.name]
        entry = {**client.entry(turn.target), **{key: old[key] for key in old if key not in REACHED_BY}}
        expected[turn.name] = entry
        block = toml_table(client.section, turn.name, entry)
        result = _with_block(result, client.section, turn.name, block.replace("\n", newline_of(text)), file)
    return _toml_checked(result, {**before, client.section: expected}, file)


def _toml_back(text: str, original: str, names: Sequence[str], file: Path) -> tuple[str, list[str]]:
    now, before = _toml(text, file), _toml(original, file)
    section = "mcp_servers"
    result, expected, gone = text, dict(now.get(section, {})), []
    for name in names:
        old = before.get(section, {}).get(name)
        if name not in expected or old is None or not leads_to_gateway(expected[name]):
            gone.append(name)
            continue
        blocks = [original[start:end] for start, end in _blocks(original, section, name)]
        result = _with_block(result, section, name, "".join(blocks), file)
        expected[name] = old
    return _toml_checked(result, {**now, section: expected} if section in now else now, file), gone


def _with_block(text: str, section: str, name: str, block: str, file: Path) -> str:
    """The text with all tables of one server replaced by `block`, where the first of them stood."""
    blocks = _blocks(text, section, name)
    if not blocks:
        raise refused(file, f"holds “{section}.{name}” in a form that cannot be changed here", _HINT)
    for start, end in reversed(blocks[1:]):
        text = text[:start] + text[end:]
    start, end = blocks[0]
    return text[:start] + block + text[end:]


def _blocks(text: str, section: str, name: str) -> list[tuple[int, int]]:
    """Where the tables `[section.name]` and `[section.name.…]` stand: each from its header to its last line.

    Comments and empty lines before the next header belong to that one.
    """
    spans: list[tuple[int, int]] = []
    position, start, last, ours = 0, 0, 0, False
    for line in text.split("\n"):
        stripped = line.strip()
        if stripped.startswith("["):
            if ours:
                spans.append((start, last))
            ours, start = _is_table_of(stripped, section, name), position
        position = min(position + len(line) + 1, len(text))
        if stripped and not stripped.startswith("#"):
            last = position
    if ours:
        spans.append((start, last))
    return spans


def _is_table_of(header: str, section: str, name: str) -> bool:
    try:
        table = tomllib.loads(header)
    except tomllib.TOMLDecodeError:
        return False
    inner = table.get(section)
    return isinstance(inner, dict) and name in inner


def _toml(text: str, file: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise refused(file, f"is not valid TOML ({error})", _HINT) from error


def _toml_checked(result: str, expected: Mapping[str, Any], file: Path) -> str:
    try:
        if tomllib.loads(result) == expected:
            return result
    except tomllib.TOMLDecodeError:
        pass
    raise refused(file, "could not be changed without touching something else", _HINT)

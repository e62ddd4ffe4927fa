"""The servers that a client's file lists, whatever client it is of, with the place where each entry stands."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gatepost.connect import files, jsonc
from gatepost.connect.clients import CLIENTS, Client
from gatepost.grants.token import is_well_formed

_BOM = "\ufeff"
_HINT = "Mend it, or name the client's file with servers in it."
_SECTIONS: tuple[tuple[str, ...], ...] = (("mcpServers",), ("servers",), ("mcp", "servers"))
"""Where servers are listed: nearly everywhere, in VS Code's mcp.json, in VS Code's settings.json."""
_BY_NAME = {
    "claude_desktop_config.json": "claude-desktop",
    ".mcp.json": "claude-code",
    ".claude.json": "claude-code",
    "cline_mcp_settings.json": "cline",
    "mcp_config.json": "windsurf",
}
_BY_FOLDER = {".cursor": "cursor", ".vscode": "vscode", ".gemini": "gemini-cli"}
_PROJECT_FOLDERS = frozenset({".cursor", ".vscode"})
_TOKEN_LENGTH = 52


@dataclass(frozen=True, slots=True)
class Listed:
    """One server as a client's file has it.

    Attributes:
        section: the keys that lead to the table it stands in, such as `("mcpServers",)`.
        name: its name there.
        entry: what is said of it, plain values; JSON's numbers as their text.
        folder: the project it is for, or None.
    """

    section: tuple[str, ...]
    name: str
    entry: Mapping[str, Any]
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class ClientFile:
    """A client's file as it was read.

    Attributes:
        file: where it is, links followed.
        client: whose it is, which is what an entry in it has to look like.
        listed: its servers, in the order of the file.
        content: its bytes.
    """

    file: Path
    client: Client
    listed: tuple[Listed, ...]
    content: bytes = field(repr=False)


def read_client_file(file: Path, client: str | None = None, *, homes: Collection[Path]) -> ClientFile:
    """Reads a client's file.

    Args:
        client: a key of `CLIENTS`; None tells it from the file's name, folder and content.
        homes: of the user, whose own `.cursor` is no project's.

    Raises:
        GatepostError: GP-4005 where it is not there, not valid, or lists its servers in a way that is not known.
    """
    real = file.resolve()
    content = files.read(real, _HINT)
    if content is None:
        raise files.refused(file, "does not exist", "Name the file in which the client keeps its servers.")
    text = files.decode(real, content, _HINT)
    if real.suffix == ".toml":
        values, kind = _toml(real, text), "codex"
        listed = tuple(_entries(real, values, ("mcp_servers",), None))
    else:
        values = _json(real, text)
        kind = _kind(real, values)
        listed = tuple(_all(real, values, project_of(real, homes)))
    return ClientFile(real, CLIENTS[client or kind], listed, content)


def project_of(file: Path, homes: Collection[Path]) -> Path | None:
    """The project that a file belongs to: the folder of `.mcp.json`, or the one above `.cursor` or `.vscode`."""
    if file.name == ".mcp.json":
        return file.parent
    if file.parent.name in _PROJECT_FOLDERS and file.parent.parent not in [home.resolve() for home in homes]:
        return file.parent.parent
    return None


def _json(file: Path, text: str) -> Mapping[str, Any]:
    try:
        whole = jsonc.parse(text.removeprefix(_BOM)).python() if text.removeprefix(_BOM).strip() else {}
    except jsonc.JSONCError as error:
        raise files.refused(file, f"is not valid JSON ({error})", _HINT) from error
    if not isinstance(whole, dict):
        raise files.refused(file, "does not hold a JSON object, or one with a name twice", _HINT)
    return whole


def _toml(file: Path, text: str) -> Mapping[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise files.refused(file, f"is not valid TOML ({error})", _HINT) from error


def _kind(file: Path, values: Mapping[str, Any]) -> str:
    if kind := _BY_NAME.get(file.name) or _BY_FOLDER.get(file.parent.name):
        return kind
    return "vscode" if "servers" in values or isinstance(values.get("mcp"), dict) else "generic"


def _all(file: Path, values: Mapping[str, Any], project: Path | None) -> Iterator[Listed]:
    for section in _SECTIONS:
        yield from _entries(file, values, section, project)
    # Claude Code keeps what was added for one folder under that folder's path.
    projects = values.get("projects")
    if isinstance(projects, dict):
        for path in projects:
            yield from _entries(file, values, ("projects", path, "mcpServers"), Path(path))


def _entries(file: Path, values: Mapping[str, Any], section: tuple[str, ...], project: Path | None) -> Iterator[Listed]:
    found: Any = values
    for key in section:
        found = found.get(key) if isinstance(found, dict) else None
        if found is None:
            return
    where = "/".join(section)
    if not isinstance(found, dict):
        raise files.refused(file, f"does not hold an object under “{where}”, or one with a name twice", _HINT)
    for name, entry in found.items():
        if not isinstance(entry, dict):
            raise files.refused(file, f"holds no object for “{name}” under “{where}”, or one with a name twice", _HINT)
        yield Listed(section, name, entry, project)


def is_governed(entry: Any) -> bool:
    """Whether an entry leads through a Gatepost already: some text in it holds one of its tokens."""
    if isinstance(entry, Mapping):
        return any(map(is_governed, entry.values()))
    if isinstance(entry, list):
        return any(map(is_governed, entry))
    if not isinstance(entry, str):
        return False
    at = entry.find("gp_")
    return at >= 0 and is_well_formed(entry[at : at + _TOKEN_LENGTH])

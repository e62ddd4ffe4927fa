"""What the index is made from: files of scans, of a client's servers, of the registry's format. Strict about nothing
but its bounds: what cannot be read is left out and said."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from gatepost.catalogue.index.entries import ServerEntry, entries_of
from gatepost.catalogue.listed import MOST_TOOLS
from gatepost.errors import GatepostError

LARGEST_FILE: Final = 64 * 1024 * 1024
_LONGEST: Final = 2_000
_MOST_PROBLEMS: Final = 20


@dataclass(slots=True)
class Problems:
    """What was left out: the first sentences, and how many there were."""

    sentences: list[str] = field(default_factory=list)
    number: int = 0

    def add(self, sentence: str) -> None:
        """Keeps the sentence, or counts it."""
        self.number += 1
        if len(self.sentences) < _MOST_PROBLEMS:
            self.sentences.append(sentence)

    def add_all(self, sentences: list[str], number: int) -> None:
        """Adds what another counted: `number` of them, of which these are the first sentences."""
        self.number += number
        self.sentences += sentences[: _MOST_PROBLEMS - len(self.sentences)]


def read_sources(path: Path, problems: Problems) -> Iterator[ServerEntry]:
    """The servers of a JSON file, or of every `.json` file below a folder.

    A file is one of: a list of tools as `tools/list` gives it (`{"tools": […]}`, named after the file or by `server` or
    `name`); a client's configuration (`mcpServers` or `servers` as an object); a `server.json` of the registry; a page
    of its API (`servers` as a list).

    Raises `GatepostError` GP-4005 where the path is not there, or a file named by itself cannot be read.
    """
    for file in files_of(path):
        yield from read_file(file, problems, alone=not path.is_dir())


def files_of(path: Path) -> list[Path]:
    """The file, or every `.json` file below the folder, in order."""
    return sorted(path.rglob("*.json")) if path.is_dir() else [path]


def read_file(file: Path, problems: Problems, *, alone: bool = False) -> Iterator[ServerEntry]:
    """The servers of one file. What is wrong with it goes to `problems`, or is raised where it stands `alone`."""
    try:
        yield from _file(file, problems)
    except GatepostError as error:
        if alone:
            raise
        problems.add(error.message)


def _file(file: Path, problems: Problems) -> Iterator[ServerEntry]:
    try:
        status = file.stat()
        if not stat.S_ISREG(status.st_mode):  # a pipe would be waited for
            raise _unreadable(file, "it is no file")
        if status.st_size > LARGEST_FILE:
            raise _unreadable(file, f"it has more than {LARGEST_FILE:,} bytes")
        value = _value(file.read_bytes())
    except OSError as error:
        raise _unreadable(file, str(error.strerror)) from None
    except (ValueError, RecursionError):
        raise _unreadable(file, "it is no JSON") from None
    found = list(servers_of(value, file.stem, problems))
    if not found:
        raise _unreadable(file, "it holds neither tools nor servers")
    yield from found


def _value(text: bytes) -> Any:
    """What `json.loads` makes of a text, in a third of the time where a stricter reader takes it."""
    try:
        return msgspec.json.decode(text)
    except (ValueError, RecursionError):
        return json.loads(text)


def servers_of(value: Any, name: str, problems: Problems | None = None) -> Iterator[ServerEntry]:
    """The servers that a JSON value tells of; `name` is for one that names none. Nothing where it tells of none.

    Tools that are left out go to `problems`.
    """
    if isinstance(value, list) and value and all(isinstance(one, Mapping) and "name" in one for one in value):
        value = {"tools": value}
    if not isinstance(value, Mapping):
        return
    if isinstance(value.get("result"), Mapping):
        value = value["result"]
    configured = value.get("mcpServers", value.get("servers"))
    if isinstance(configured, Mapping):
        for key, one in configured.items():
            if isinstance(one, Mapping) and key:
                yield _configured(str(key), one)
    elif isinstance(configured, list):
        for one in configured:
            entry = registry_entry(one)
            if entry is not None:
                yield entry
    elif isinstance(value.get("tools"), list):
        about = value.get("serverInfo") if isinstance(value.get("serverInfo"), Mapping) else {}
        assert isinstance(about, Mapping)
        named = _text(value.get("server") or value.get("name") or about.get("name")) or name
        listed = value["tools"]
        tools = entries_of(listed, plain=True)
        if len(tools) < len(listed) and problems is not None:
            problems.add(
                f"{len(listed) - len(tools):,} of the {len(listed):,} tools of {named[:80]} are left out: "
                f"without a name, with another's name, or past the first {MOST_TOOLS:,}."
            )
        yield ServerEntry(
            name=named,
            description=_text(value.get("description") or value.get("instructions")),
            version=_text(about.get("version")),
            source="scan",
            tools=tools,
        )
    else:
        entry = registry_entry(value)
        if entry is not None:
            yield entry


def registry_entry(value: Any) -> ServerEntry | None:
    """A server of the official registry: a `server.json`, or one of its API, which wraps it; None for anything else."""
    if not isinstance(value, Mapping):
        return None
    inner = value.get("server")
    server = inner if isinstance(inner, Mapping) else value
    name = _text(server.get("name"))
    if not name or not ("description" in server or "packages" in server or "remotes" in server):
        return None
    meta = value.get("_meta")
    official = meta.get("io.modelcontextprotocol.registry/official") if isinstance(meta, Mapping) else None
    changed = official.get("updatedAt", official.get("updated_at")) if isinstance(official, Mapping) else None
    repository = server.get("repository")
    url = server.get("websiteUrl") or (repository.get("url") if isinstance(repository, Mapping) else None)
    return ServerEntry(
        name=name,
        title=_text(server.get("title")),
        description=_text(server.get("description")),
        version=_text(server.get("version")),
        url=_without_secrets(_text(url)),
        source="registry",
        updated_at=_text(changed),
    )


def _configured(name: str, one: Mapping[str, Any]) -> ServerEntry:
    """A server of a client's configuration. Arguments, variables and headers may hold secrets and are not kept."""
    url = _without_secrets(_text(one.get("url") or one.get("serverUrl")))
    command = _text(one.get("command"))
    what = f"Started as {Path(command).name}" if command else ""
    return ServerEntry(name=name[:_LONGEST], description=what, url=url, source="mcp.json")


def _without_secrets(url: str) -> str:
    """A URL without user, query and fragment; empty where it is none."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
        port = parts.port
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not host:
        return ""
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}{parts.path}"


def _text(value: object) -> str:
    return value[:_LONGEST] if isinstance(value, str) else ""


def _unreadable(file: Path, why: str) -> GatepostError:
    return GatepostError("GP-4005", f"{file} cannot be imported: {why}.", "See `gatepost catalogue import --help`.")

"""Clients' files: do they lead here, with a token that is alive, to a server that is registered?

Of a token only the hash is compared, and nothing of it is shown.
"""

from __future__ import annotations

import re
import shlex
import stat
import time
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import urlsplit

from gatepost.connect import jsonc
from gatepost.connect.clients import CLIENTS, Client
from gatepost.doctor.finding import Finding
from gatepost.doctor.patient import Patient
from gatepost.grants.token import digest, is_well_formed
from gatepost.processes.lock import last_known

_PROJECT_FILES = {"claude-code": ".mcp.json", "cursor": ".cursor/mcp.json", "vscode": ".vscode/mcp.json"}
_TOKEN = re.compile(r"gp_[0-9A-Za-z]{8,}")
_PATH = re.compile(r"/mcp/([^/]+)/?")
_DEFAULT = "http://127.0.0.1:7070"
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def clients(patient: Patient) -> Iterator[Finding]:
    """Every entry of every client's file of this user, and of the project in the current folder."""
    files = 0
    for client in CLIENTS.values():
        places = [] if client.file is None else [client.file(patient.surroundings)]
        if client.id in _PROJECT_FILES:
            places.append(patient.project / _PROJECT_FILES[client.id])
        for file in dict.fromkeys(places):
            if file.is_file():
                files += 1
                yield from _file(patient, client, file)
    if not files:
        text = "No client of this user has a file with servers."
        yield Finding("clients", "note", text, patient.command("gatepost connect --help"))


def _file(patient: Patient, client: Client, file: Path) -> Iterator[Finding]:
    title = f"{client.title} ({file})"
    try:
        entries = _entries(client, file)
    except OSError as error:
        yield Finding(
            "clients", "warning", f"{title} cannot be read: {error.strerror}.", f"ls -l {shlex.quote(str(file))}"
        )
        return
    except ValueError as error:
        yield Finding("clients", "problem", f"{title} cannot be read: {error}.", "Correct it in an editor.")
        return
    past, tokens = [], False
    for name, entry in entries.items():
        texts = list(_texts(entry))
        found = {match for text in texts for match in _TOKEN.findall(text)}
        tokens = tokens or bool(found)
        if _runs_gatepost(entry):
            yield Finding("clients", "ok", f"{title}: {name} is started through gatepost.")
        elif found or any(_server_of(patient, text) is not None for text in texts):
            yield from _entry(patient, client, title, name, texts, found)
        else:
            past.append(name)
    if past:
        text = f"{title}: {', '.join(sorted(past))} {'does' if len(past) == 1 else 'do'} not go through the gateway."
        look = f"gatepost server import {shlex.quote(str(file))} --dry-run"
        yield Finding("clients", "note", text, patient.command(look))
    windows = patient.surroundings.windows_home  # whose files have no modes that say anything
    if tokens and not (windows and file.is_relative_to(windows)) and stat.S_IMODE(file.stat().st_mode) & 0o077:
        text = f"{title} holds a token, and others may read it."
        yield Finding("clients", "warning", text, f"chmod go= {shlex.quote(str(file))}")


def _entry(
    patient: Patient, client: Client, file: str, name: str, texts: list[str], tokens: set[str]
) -> Iterator[Finding]:
    """One entry that has a token of ours, or leads here."""
    title = f"{file}: {name}"
    servers = [server for text in texts if (server := _server_of(patient, text)) is not None]
    again = f"gatepost connect {client.id} --server {{}} --token @FILE --write"
    if not servers:
        yield Finding(
            "clients",
            "problem",
            f"{title} has a token of Gatepost, and does not lead to {_bases(patient)[0]}.",
            _lead_here(patient, again, name, texts, tokens),
        )
        return
    server = servers[0]
    connect = patient.command(again.format(shlex.quote(server)))
    if server not in patient.snapshot.servers:
        add = patient.command(f"gatepost server add {shlex.quote(server)} …")
        yield Finding("clients", "problem", f"{title} leads to {server}, which is not registered here.", add)
        return
    if not tokens:
        yield Finding(
            "clients", "note", f"{title} leads to {server}; its token is not in the file, so was not looked at."
        )
        return
    for token in tokens:
        wrong = _wrong(patient, token, server)
        if wrong is None:
            yield Finding("clients", "ok", f"{title} leads to {server} with a living token.")
        else:
            text, mend = wrong
            yield Finding("clients", "problem", f"{title}: {text}", f"{mend}, then {connect}")


def _lead_here(patient: Patient, again: str, name: str, texts: list[str], tokens: set[str]) -> str:
    """The command that lets an entry lead here, with the server that it is for, as far as that can be told: by its
    token, its address, its name, or because there is no other."""
    known = patient.snapshot.servers
    grants = [patient.snapshot.grants.at(digest(token)) for token in sorted(tokens)]
    told = [*(grant.server for grant in grants if grant is not None), *map(_named, texts), name]
    server = next((each for each in told if each in known), None)
    if server is None and len(known) == 1:
        (server,) = known
    if server is not None:
        return patient.command(again.format(shlex.quote(server)))
    if not known:
        return patient.command("gatepost server add --help")
    return "\n".join([patient.command("gatepost server list"), patient.command(again.format("SERVER"))])


def _wrong(patient: Patient, token: str, server: str) -> tuple[str, str] | None:
    """What is wrong with a token, and the command that gives another; by its hash."""
    another = patient.command(f"gatepost grant add LABEL --server {server} --policy POLICY > FILE")
    if not is_well_formed(token):
        return "the token was mistyped or cut off.", another
    grant = patient.snapshot.grants.at(digest(token))
    if grant is None:
        return "the token is not known here: it was rotated, or is of another gateway.", another
    now = time.time()
    why = grant.refused(now)
    if why is not None and any(other.refused(now) is None for other in patient.snapshot.grants.by_id(grant.id)):
        text = f"the token of the grant {grant.label} was rotated, and this is the old one."
        return text, patient.command(f"gatepost grant rotate {shlex.quote(grant.label)} > FILE")
    if why is not None:
        return f"the token of the grant {grant.label} is {why}.", another
    if grant.server != server:
        text = f"the token is of the grant {grant.label}, which is for the server {grant.server}, not for {server}."
        return text, another
    return None


def _entries(client: Client, file: Path) -> dict[str, Any]:
    """The servers in a file, by name. Raises `OSError`, or `ValueError` with what is wrong."""
    text = file.read_text(encoding="utf-8-sig")
    if not text.strip():
        return {}
    whole = tomllib.loads(text) if client.format == "toml" else jsonc.parse(text).python()
    if not isinstance(whole, dict):
        raise ValueError("it holds no object, or one with a name twice")
    section = whole.get(client.section, {})
    if not isinstance(section, dict):
        raise ValueError(f"“{client.section}” is no object, or has a name twice")
    return section


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for member in value.values():
            yield from _texts(member)
    elif isinstance(value, list | tuple):
        for member in value:
            yield from _texts(member)


def _runs_gatepost(entry: Any) -> bool:
    """Whether an entry starts `gatepost run`."""
    words = [entry.get("command"), *(entry.get("args") or ())] if isinstance(entry, Mapping) else []
    names = [PurePath(word).name for word in words if isinstance(word, str)]
    return any(name == "gatepost" and "run" in names[at + 1 :] for at, name in enumerate(names))


def _server_of(patient: Patient, text: str) -> str | None:
    """The server's name where a text is an address of this gateway, else None."""
    name = _named(text)
    if name is None:
        return None
    try:
        parts = urlsplit(text)
        here = any(_alike(parts.scheme, parts.hostname, parts.port, base) for base in _bases(patient))
    except ValueError:  # its port is none
        return None
    return name if here else None


def _named(text: str) -> str | None:
    """The server's name where a text is an address of some gateway, else None."""
    try:
        path = _PATH.fullmatch(urlsplit(text).path) if text.startswith(("http://", "https://")) else None
    except ValueError:
        return None
    return None if path is None else path[1]


def _alike(scheme: str, host: str | None, port: int | None, base: str) -> bool:
    other = urlsplit(base)
    standard = {"http": 80, "https": 443}
    same = host == other.hostname or (host in _LOOPBACK and other.hostname in _LOOPBACK | {"0.0.0.0", "::"})  # noqa: S104
    return scheme == other.scheme and same and (port or standard[scheme]) == (other.port or standard[other.scheme])


def _bases(patient: Patient) -> list[str]:
    """Where this gateway is reached: the running, or the last `serve`, else the default."""
    facts = patient.serve or last_known(patient.data.run)
    told = [str(facts[key]) for key in ("public_url", "data_plane") if facts.get(key)]
    return list(dict.fromkeys(told)) or [_DEFAULT]

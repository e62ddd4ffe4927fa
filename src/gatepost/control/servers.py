"""Servers: adding one with what a scan found, showing and removing it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from sqlalchemy import Connection, Row

from gatepost.control import bodies, names
from gatepost.control.act import Act, Actor, Done
from gatepost.control.jsontext import dumps
from gatepost.control.keeping import expire_kept
from gatepost.control.store import Store
from gatepost.control.target import Target, check_target
from gatepost.control.tools import encode_info, no_such_server, put_tools
from gatepost.definitions.listing import read_listing
from gatepost.errors import GatepostError
from gatepost.storage import grants as grant_rows
from gatepost.storage import pins, settings
from gatepost.storage import servers as rows

_MASK = "…"
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Server:
    """A server as it may be shown: the values of headers and variables are masked.

    Attributes:
        name: its name, part of its address under the gateway.
        url: where it is, or None for a program.
        command: program and arguments, or empty for a URL.
        cwd: the folder the program starts in, or None.
        headers: (name, `…`).
        env: name → `…`.
        eras: of `legacy`, `modern`.
        versions: the protocol revisions it speaks.
        info: what it said of itself when it was scanned, or None.
        tools: how many tools it defines.
        drift: when its list last changed and by how much, or None.
        created_at: epoch seconds.
        scanned_at: epoch seconds of the last scan, or None.
        grants: labels of the grants on it that are neither revoked nor expired.
        keep_arguments: for how many seconds its calls' arguments are kept, or None.
        drift_mode: what becomes of a tool whose definition is not the pinned one: `quarantine`, `warn` or `off`.
        waiting: names of the tools that are to be accepted (`control.pins`).
    """

    name: str
    url: str | None
    command: tuple[str, ...]
    cwd: str | None
    headers: tuple[tuple[str, str], ...]
    env: dict[str, str]
    eras: tuple[str, ...]
    versions: tuple[str, ...]
    info: Any
    tools: int
    drift: str | None
    created_at: float
    scanned_at: float | None
    grants: tuple[str, ...]
    keep_arguments: int | None = None
    drift_mode: str = "quarantine"
    waiting: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Every attribute by name, for JSON."""
        return asdict(self)


class Scanned(Protocol):
    """What a server said when it was asked."""

    @property
    def eras(self) -> tuple[str, ...]: ...
    @property
    def versions(self) -> tuple[str, ...]: ...
    @property
    def info(self) -> dict[str, Any]: ...
    @property
    def tools(self) -> list[dict[str, Any]]: ...


def add_server(
    store: Store,
    actor: Actor,
    name: str,
    *,
    url: str | None = None,
    headers: Sequence[tuple[str, str]] = (),
    command: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    cwd: str | None = None,
    eras: Iterable[str] = (),
    versions: Iterable[str] = (),
    info: Mapping[str, Any] | None = None,
    tools: Sequence[object] | None = None,
) -> Done[Server]:
    """Adds a server with what a scan found out about it.

    Args:
        name: `[a-z0-9][a-z0-9-]{0,62}`, not in use.
        url: where it is; or else
        command: the program and its arguments, started without a shell, with `env` and in `cwd`.
        headers: (name, value in the clear) for every request to `url`; sealed before they are stored, like `env`.
        eras: of `legacy`, `modern`.
        versions: the protocol revisions it speaks.
        info: what it said of itself, any JSON object.
        tools: the tools it listed, strictly parsed, or None where it was not scanned. Those that cannot be used are
            left out, with a warning each.

    Raises `GatepostError` GP-4001 (name), GP-4002 (taken) or GP-4005 (value); the message holds no secret.
    """
    names.check_server(name)
    target = Target(
        name, url, tuple(headers), tuple(command), dict(env or {}), cwd, frozenset(eras), tuple(dict.fromkeys(versions))
    )
    warnings = check_target(target)
    info_text = encode_info(info)
    with Act(store, actor) as act:
        if rows.find(act.connection, name) is not None:
            raise GatepostError(
                "GP-4002", f"There is a server {name} already.", "Choose another name, or remove that one first."
            )
        listing = read_listing(tools or (), now=act.now)
        sealed = _sealed(store, target)
        rows.add(
            act.connection,
            {
                "name": name,
                "url": url,
                "command": dumps(target.command),
                "cwd": cwd,
                "eras": dumps(sorted(target.eras)),
                "versions": dumps(target.versions),
                "info": info_text,
                "created_at": act.now,
                "scanned_at": None if tools is None else act.now,
                **sealed,
            },
        )
        put_tools(act.connection, name, listing.definitions)
        pins.pin_all(act.connection, name, act.now)
        act.publish(*bodies.server(act.connection, name))
        act.record("server.add", f"server:{name}", after=_told(target, len(listing.definitions)))
        act.warn(*warnings, *listing.problems)
        added = _server(act.connection, _found(act.connection, name), act.now)
    return act.done(added)


def add_scanned(store: Store, actor: Actor, target: Target, found: Scanned) -> Done[Server]:
    """Adds a server that was asked what it speaks and which tools it has. Raises as `add_server` does."""
    return add_server(
        store,
        actor,
        target.name,
        url=target.url,
        headers=target.headers,
        command=target.command,
        env=target.env,
        cwd=target.cwd,
        eras=found.eras,
        versions=found.versions,
        info=found.info,
        tools=found.tools,
    )


def list_servers(store: Store) -> list[Server]:
    """Every server, by name."""
    now = time.time()
    with store.database.read() as connection:
        return [_server(connection, row, now) for row in rows.all_rows(connection)]


def show_server(store: Store, name: str) -> Server:
    """One server. Raises `GatepostError` GP-4003."""
    with store.database.read() as connection:
        return _server(connection, _found(connection, name), time.time())


def read_target(store: Store, name: str) -> Target:
    """How a server is reached, its secrets unsealed: for a scan. Raises `GatepostError` GP-4003, or GP-5004 where the
    keys are not those that its secrets were sealed with."""
    with store.database.read() as connection:
        row = _found(connection, name)
    try:
        headers = tuple(
            (header, store.keyring.unseal(value, f"server:{name}:header:{header}").decode())
            for header, value in json.loads(row.headers)
        )
        env = {
            key: store.keyring.unseal(value, f"server:{name}:env:{key}").decode()
            for key, value in json.loads(row.env).items()
        }
    except ValueError as error:
        raise GatepostError(
            "GP-5004",
            f"The secrets of the server {name} cannot be opened: {error}.",
            "Restore the keys that belong to this store, or remove the server and add it again.",
        ) from None
    return Target(
        name=name,
        url=row.url,
        headers=headers,
        command=tuple(json.loads(row.command)),
        env=env,
        cwd=row.cwd,
        eras=frozenset(json.loads(row.eras)),
        versions=tuple(json.loads(row.versions)),
        state=rows.state(row),
    )


def remove_server(store: Store, actor: Actor, name: str, *, force: bool = False) -> Done[tuple[str, ...]]:
    """Removes a server and its definitions. A policy registered for it stays.

    Args:
        force: also revokes the grants on it; else it is refused (GP-4006) while one is neither revoked nor expired.

    The value is the labels of the grants that were revoked. Raises `GatepostError` GP-4003 or GP-4006.
    """
    with Act(store, actor) as act:
        before = _server(act.connection, _found(act.connection, name), act.now)
        if before.grants and not force:
            more = f" and {len(before.grants) - _SHOWN} more" if len(before.grants) > _SHOWN else ""
            raise GatepostError(
                "GP-4006",
                f"The server {name} is used by the grants {', '.join(before.grants[:_SHOWN])}{more}.",
                "Revoke them first, or use --force, which revokes them.",
            )
        revoked = grant_rows.revoke_all(act.connection, name, act.now)
        if revoked:
            act.publish_all(bodies.tokens(act.connection, "server", name))
        for label in revoked:
            act.record("grant.revoke", f"grant:{label}", after={"because": f"server {name} removed"})
        rows.remove(act.connection, name)
        settings.keep_seconds(act.connection, name, None)
        settings.set_drift_mode(act.connection, name, None)
        act.publish("server", name, None)
        act.record("server.remove", f"server:{name}", before={"url": before.url, "command": list(before.command)})
    try:
        expire_kept(store)
    except GatepostError as error:
        act.warn(str(error))
    return act.done(tuple(revoked))


def _found(connection: Connection, name: str) -> Row[Any]:
    row = rows.find(connection, name)
    if row is None:
        raise no_such_server(connection, name)
    return row


def _sealed(store: Store, target: Target) -> dict[str, str]:
    seal, name = store.keyring.seal, target.name
    return {
        "headers": dumps(
            [(header, seal(value.encode(), f"server:{name}:header:{header}")) for header, value in target.headers]
        ),
        "env": dumps({key: seal(value.encode(), f"server:{name}:env:{key}") for key, value in target.env.items()}),
    }


def _told(target: Target, tools: int) -> dict[str, Any]:
    """What the log says of a new server."""
    return {
        "url": target.url,
        "command": list(target.command),
        "headers": [name for name, _ in target.headers],
        "env": list(target.env),
        "eras": sorted(target.eras),
        "tools": tools,
    }


def _server(connection: Connection, row: Row[Any], now: float) -> Server:
    return Server(
        name=row.name,
        url=row.url,
        command=tuple(json.loads(row.command)),
        cwd=row.cwd,
        headers=tuple((header, _MASK) for header, _ in json.loads(row.headers)),
        env=dict.fromkeys(json.loads(row.env), _MASK),
        eras=tuple(json.loads(row.eras)),
        versions=tuple(json.loads(row.versions)),
        info=json.loads(row.info),
        tools=rows.count_tools(connection, row.name),
        drift=row.drift,
        created_at=row.created_at,
        scanned_at=row.scanned_at,
        grants=tuple(grant_rows.living(connection, row.name, now)),
        keep_arguments=settings.kept_seconds(connection, row.name),
        drift_mode=settings.drift_mode(connection, row.name),
        waiting=tuple(pins.differing(connection, row.name)),
    )

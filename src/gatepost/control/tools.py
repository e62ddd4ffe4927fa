"""The tools that servers define: what a scan found, and the categories people give them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row

from gatepost.control import bodies
from gatepost.control.act import Act, Actor, Done
from gatepost.control.jsontext import dumps
from gatepost.control.store import Store
from gatepost.control.suggest import nearest
from gatepost.control.target import Target, check_spoken
from gatepost.definitions.definition import Definition
from gatepost.definitions.drift import Drift, drift
from gatepost.definitions.listing import check_category, read_listing
from gatepost.errors import GatepostError
from gatepost.storage import pins, settings
from gatepost.storage import servers as rows
from gatepost.wire import strictjson

_NAMES_TOLD = 100


def list_tools(store: Store, server: str) -> list[Definition]:
    """A server's definitions in the order of its list. Raises `GatepostError` GP-4003."""
    with store.database.read() as connection:
        if rows.find(connection, server) is None:
            raise no_such_server(connection, server)
        return list(known_tools(connection, server).values())


def tool_names(store: Store, *, but: str | None = None) -> dict[str, list[str]]:
    """The names of every server's tools, by server; of all servers but one."""
    with store.database.read() as connection:
        servers = [row.name for row in rows.all_rows(connection) if row.name != but]
        return {server: [row.name for row in rows.tools(connection, server)] for server in servers}


def store_scan(
    store: Store,
    actor: Actor,
    server: str,
    tools: Sequence[object],
    *,
    of: Target | None = None,
    info: Mapping[str, Any] | None = None,
    eras: Iterable[str] | None = None,
    versions: Iterable[str] | None = None,
) -> Done[Drift]:
    """Takes over what a new scan of a server found; a change of its tools is recorded as drift.

    The first scan pins every definition; so does each one of a server whose drift is `off`. Else a tool whose
    definition is not the pinned one waits to be accepted (`control.pins`).

    A category stays with its tool also where the definition changed, and goes with a tool that is no longer listed.

    Args:
        tools: the tools it listed now, strictly parsed; those that cannot be used are left out, with a warning each.
        of: what was asked (`read_target`). Where another server has its name by now, or a later scan came first, it is
            refused (GP-4004): what was found is not what there is.
        info, eras, versions: what it said of itself and speaks now; None leaves what is known.

    Raises `GatepostError` GP-4003 (no such server), GP-4004 (as above) or GP-4005 (eras, versions, info).
    """
    eras = None if eras is None else sorted(set(eras))
    versions = None if versions is None else list(dict.fromkeys(versions))
    check_spoken(eras or (), versions or ())
    values: dict[str, Any] = {
        column: value
        for column, value in (
            ("info", None if info is None else encode_info(info)),
            ("eras", None if eras is None else dumps(eras)),
            ("versions", None if versions is None else dumps(versions)),
        )
        if value is not None
    }
    with Act(store, actor) as act:
        row = rows.find(act.connection, server)
        if row is None:
            raise no_such_server(act.connection, server)
        if of is not None and of.state != rows.state(row):
            raise GatepostError("GP-4004", f"The server {server} was changed while it was scanned.", "Scan it again.")
        known = known_tools(act.connection, server)
        listing = read_listing(tools, now=act.now, known=known)
        # A server that was added without a scan has not changed by its first one.
        difference = drift(known, listing.definitions) if row.scanned_at is not None else Drift((), (), ())
        if difference:
            moment = datetime.fromtimestamp(act.now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            values["drift"] = f"{moment}: {difference}"
            act.record("server.drift", f"server:{server}", after=_told(difference), kind="drift")
        changed = [column for column, value in values.items() if getattr(row, column) != value]
        rows.change(act.connection, server, {**values, "scanned_at": act.now})
        first = row.scanned_at is None
        if first or changed or list(known.values()) != list(listing.definitions):
            put_tools(act.connection, server, listing.definitions)
            if first or settings.drift_mode(act.connection, server) == "off":
                pins.pin_all(act.connection, server, act.now)
            act.publish(*bodies.server(act.connection, server))
        act.warn(*listing.problems)
    return act.done(difference)


def set_category(store: Store, actor: Actor, server: str, tool: str, category: str | None) -> Done[Definition]:
    """Says what kind of act a tool is: `read`, `write`, `execute`, `destructive`, `financial`, or None for not known.

    Raises `GatepostError` GP-4003 (server or tool) or GP-4005 (category).
    """
    check_category(category)
    with Act(store, actor) as act:
        if rows.find(act.connection, server) is None:
            raise no_such_server(act.connection, server)
        before = rows.tool(act.connection, server, tool)
        if before is None:
            listed = [row.name for row in rows.tools(act.connection, server)]
            raise GatepostError(
                "GP-4003",
                f"The server {server} defines no tool {tool!r}.",
                nearest(tool, listed) or "See its tools with `gatepost server show`.",
            )
        if before.category != category:
            rows.set_category(act.connection, server, tool, category)
            act.publish(*bodies.server(act.connection, server))
            act.record(
                "server.set-category",
                f"server:{server}/{tool}",
                before={"category": before.category},
                after={"category": category},
            )
        row = rows.tool(act.connection, server, tool)
        assert row is not None
        definition = _definition(row)
    return act.done(definition)


class NoSuchServer(GatepostError):
    """GP-4003 for a server.

    Attributes:
        server: the name.
    """

    def __init__(self, server: str, hint: str) -> None:
        super().__init__("GP-4003", f"There is no server {server!r}.", hint)
        self.server = server


def no_such_server(connection: Connection, name: str) -> NoSuchServer:
    """The error for a server that is not registered, with the nearest name there is."""
    known = [row.name for row in rows.all_rows(connection)]
    return NoSuchServer(name, nearest(name, known) or "Add it with `gatepost server add`.")


def put_tools(connection: Connection, server: str, definitions: Iterable[Definition]) -> None:
    """Stores definitions in the place of all that the server had."""
    rows.replace_tools(
        connection,
        server,
        (
            {
                "server": server,
                "name": definition.name,
                "position": position,
                "tool": strictjson.write(definition.tool).decode(),
                "hash": definition.hash,
                "category": definition.category,
                "seen_at": definition.seen_at,
            }
            for position, definition in enumerate(definitions)
        ),
    )


def encode_info(info: Mapping[str, Any] | None) -> str:
    """What a server said of itself as JSON text. Raises `GatepostError` GP-4005 where it is no JSON."""
    try:
        return strictjson.write(info if info is None else dict(info)).decode()
    except (TypeError, ValueError) as error:
        raise GatepostError("GP-4005", f"What the server said of itself is not JSON: {error}.") from None


def known_tools(connection: Connection, server: str) -> dict[str, Definition]:
    """A server's definitions by name, in the order of its list."""
    return {row.name: _definition(row) for row in rows.tools(connection, server)}


def _definition(row: Row[Any]) -> Definition:
    return Definition(
        name=row.name,
        tool=strictjson.parse(row.tool.encode()),
        hash=row.hash,
        category=row.category,
        seen_at=row.seen_at,
    )


def _told(difference: Drift) -> dict[str, Any]:
    """The names that the log holds: the first of each list, and how many there are."""
    return {
        **{kind: names[:_NAMES_TOLD] for kind, names in difference.as_dict().items()},
        "summary": str(difference),
    }

"""Rows of servers and of the tools they define."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, insert, select, update

from gatepost.storage.tables import definitions, servers

_FIND = select(servers).where(servers.c.name == bindparam("named"))
_ALL = select(servers).order_by(servers.c.name)
_TOOLS = select(definitions).where(definitions.c.server == bindparam("of")).order_by(definitions.c.position)
_TOOL = select(definitions).where(definitions.c.server == bindparam("of"), definitions.c.name == bindparam("named"))
_COUNT = select(func.count()).where(definitions.c.server == bindparam("of"))


def find(connection: Connection, name: str) -> Row[Any] | None:
    """A server's row, or None."""
    return connection.execute(_FIND, {"named": name}).one_or_none()


def state(row: Row[Any]) -> tuple[object, ...]:
    """What tells a server's row from that of another one of its name, and from its own after another scan."""
    return row.created_at, row.scanned_at, row.url, row.headers, row.command, row.env, row.cwd


def all_rows(connection: Connection) -> Sequence[Row[Any]]:
    """Every server, by name."""
    return connection.execute(_ALL).all()


def add(connection: Connection, row: Mapping[str, Any]) -> None:
    """Inserts a server."""
    connection.execute(insert(servers), dict(row))


def change(connection: Connection, name: str, values: Mapping[str, Any]) -> None:
    """Sets columns of a server."""
    connection.execute(update(servers).where(servers.c.name == name).values(**values))


def remove(connection: Connection, name: str) -> None:
    """Deletes a server, and its definitions with it."""
    connection.execute(delete(servers).where(servers.c.name == name))


def tools(connection: Connection, server: str) -> Sequence[Row[Any]]:
    """A server's definitions in the order of its list."""
    return connection.execute(_TOOLS, {"of": server}).all()


def tool(connection: Connection, server: str, name: str) -> Row[Any] | None:
    """One definition, or None."""
    return connection.execute(_TOOL, {"of": server, "named": name}).one_or_none()


def count_tools(connection: Connection, server: str) -> int:
    """How many tools a server defines."""
    return int(connection.execute(_COUNT, {"of": server}).scalar_one())


def replace_tools(connection: Connection, server: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Puts these definitions in the place of all that the server had."""
    connection.execute(delete(definitions).where(definitions.c.server == server))
    values = [dict(row) for row in rows]
    if values:
        connection.execute(insert(definitions), values)


def set_category(connection: Connection, server: str, name: str, category: str | None) -> None:
    """Sets one definition's category."""
    connection.execute(
        update(definitions).where(definitions.c.server == server, definitions.c.name == name).values(category=category)
    )

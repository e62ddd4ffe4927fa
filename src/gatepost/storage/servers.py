"""Rows of servers and of the tools they define."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from gatepost.storage.tables import definitions, servers


def find(connection: Connection, name: str) -> Row[Any] | None:
    """A server's row, or None."""
    return connection.execute(select(servers).where(servers.c.name == name)).one_or_none()


def all_rows(connection: Connection) -> Sequence[Row[Any]]:
    """Every server, by name."""
    return connection.execute(select(servers).order_by(servers.c.name)).all()


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
    return connection.execute(
        select(definitions).where(definitions.c.server == server).order_by(definitions.c.position)
    ).all()


def tool(connection: Connection, server: str, name: str) -> Row[Any] | None:
    """One definition, or None."""
    return connection.execute(
        select(definitions).where(definitions.c.server == server, definitions.c.name == name)
    ).one_or_none()


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


def count_tools(connection: Connection, server: str) -> int:
    """How many tools a server defines."""
    return int(connection.execute(select(func.count()).where(definitions.c.server == server)).scalar_one())

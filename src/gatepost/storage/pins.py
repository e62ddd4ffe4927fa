"""Rows of pins: of each tool of a server the definition that was accepted, also of those it no longer lists."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, delete, insert, literal, or_, select

from gatepost.storage.tables import definitions, pins

_HASHES = select(pins.c.name, pins.c.hash).where(pins.c.server == bindparam("of"))
_ALL = select(pins).where(pins.c.server == bindparam("of")).order_by(pins.c.name)
_SAME = and_(pins.c.server == definitions.c.server, pins.c.name == definitions.c.name)
_LISTED = (
    select(definitions.c.name)
    .join_from(definitions, pins, _SAME, isouter=True)
    .where(definitions.c.server == bindparam("of"), or_(pins.c.hash.is_(None), pins.c.hash != definitions.c.hash))
)
_GONE = (
    select(pins.c.name)
    .join_from(pins, definitions, _SAME, isouter=True)
    .where(pins.c.server == bindparam("of"), definitions.c.name.is_(None))
)


def hashes(connection: Connection, server: str) -> dict[str, str]:
    """The pinned hash of each tool."""
    return {row.name: row.hash for row in connection.execute(_HASHES, {"of": server})}


def all_rows(connection: Connection, server: str) -> dict[str, Row[Any]]:
    """The pins of a server by the tool's name."""
    return {row.name: row for row in connection.execute(_ALL, {"of": server})}


def differing(connection: Connection, server: str) -> list[str]:
    """The names of the tools that are not listed as they are pinned, sorted: new, changed or gone."""
    both = (connection.execute(query, {"of": server}).scalars() for query in (_LISTED, _GONE))
    return sorted(name for names in both for name in names)


def pin_all(connection: Connection, server: str, now: float) -> None:
    """Pins every definition as it is listed now, and forgets all other pins of the server."""
    connection.execute(delete(pins).where(pins.c.server == server))
    _copy(connection, server, None, now)


def pin(connection: Connection, server: str, names: Iterable[str], now: float) -> None:
    """Pins these tools as they are listed now; of one that is not listed the pin is forgotten."""
    for name in names:
        connection.execute(delete(pins).where(pins.c.server == server, pins.c.name == name))
        _copy(connection, server, name, now)


def _copy(connection: Connection, server: str, name: str | None, now: float) -> None:
    source = definitions.c
    listed = select(source.server, source.name, source.tool, source.hash, literal(now)).where(source.server == server)
    if name is not None:
        listed = listed.where(source.name == name)
    connection.execute(insert(pins).from_select(["server", "name", "tool", "hash", "pinned_at"], listed))

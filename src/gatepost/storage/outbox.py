"""Admin records that wait in the store until they are in the admin chain: written with the change they tell of."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.dialects.sqlite import insert as insert_or_update

from gatepost.storage.tables import outbox, settings

_LAST = "outbox.last"


def add(connection: Connection, records: Iterable[tuple[str, str]]) -> None:
    """Adds records (id, JSON text) behind those that wait."""
    rows = [{"id": id, "record": record} for id, record in records]
    if rows:
        connection.execute(insert(outbox), rows)


def waiting(connection: Connection) -> list[tuple[str, str]]:
    """The records (id, JSON text) that wait, oldest first."""
    return [(row.id, row.record) for row in connection.execute(select(outbox).order_by(outbox.c.position))]


def last_written(connection: Connection) -> str | None:
    """The id of the newest record known to be in the chain, or None before the first."""
    return connection.execute(select(settings.c.value).where(settings.c.key == _LAST)).scalar_one_or_none()


def written(connection: Connection, ids: list[str]) -> None:
    """Takes records out of the outbox, the last of `ids` being the newest in the chain."""
    connection.execute(delete(outbox).where(outbox.c.id.in_(ids)))
    statement = insert_or_update(settings).values(key=_LAST, value=ids[-1])
    connection.execute(
        statement.on_conflict_do_update(index_elements=[settings.c.key], set_={"value": statement.excluded.value})
    )

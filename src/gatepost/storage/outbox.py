"""Admin records that wait in the store until they are in the admin chain: written with the change they tell of."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, bindparam, delete, insert, select
from sqlalchemy.dialects.sqlite import insert as insert_or_update

from gatepost.storage.tables import outbox, settings

_LAST = "outbox.last"
# Statements are made once: building one costs more than running it.
_ADD = insert(outbox)
_WAITING = select(outbox.c.id, outbox.c.record).order_by(outbox.c.position)
_LAST_WRITTEN = select(settings.c.value).where(settings.c.key == _LAST)
_REMOVE = delete(outbox).where(outbox.c.id == bindparam("written"))
_SET_LAST = insert_or_update(settings).values(key=_LAST, value=bindparam("last"))
_SET_LAST = _SET_LAST.on_conflict_do_update(index_elements=[settings.c.key], set_={"value": _SET_LAST.excluded.value})


def add(connection: Connection, records: Iterable[tuple[str, str]]) -> None:
    """Adds records (id, JSON text) behind those that wait."""
    rows = [{"id": id, "record": record} for id, record in records]
    if rows:
        connection.execute(_ADD, rows)


def waiting(connection: Connection) -> list[tuple[str, str]]:
    """The records (id, JSON text) that wait, oldest first."""
    return [(id, record) for id, record in connection.execute(_WAITING)]


def last_written(connection: Connection) -> str | None:
    """The id of the newest record known to be in the chain, or None before the first."""
    return connection.execute(_LAST_WRITTEN).scalar_one_or_none()


def written(connection: Connection, ids: list[str]) -> None:
    """Takes records out of the outbox, the last of `ids` being the newest in the chain."""
    connection.execute(_REMOVE, [{"written": id} for id in ids])
    connection.execute(_SET_LAST, {"last": ids[-1]})

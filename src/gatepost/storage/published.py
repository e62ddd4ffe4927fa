"""The published feed's writing side: finished bodies under one revision that only grows (docs/decisions/0004)."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects.sqlite import insert

from gatepost.storage.tables import feed, published


def revision(connection: Connection) -> int:
    """The newest revision."""
    return int(connection.execute(select(feed.c.revision)).scalar_one())


def publish(connection: Connection, rows: Iterable[tuple[str, str, str | None]]) -> int:
    """Writes rows (kind, key, body or None for removed) as one change, and returns its revision.

    Without rows nothing is written, and the revision is the one before.
    """
    changed = list(rows)
    if not changed:
        return revision(connection)
    counted = update(feed).values(revision=feed.c.revision + 1).returning(feed.c.revision)
    new = int(connection.execute(counted).scalar_one())
    statement = insert(published)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=[published.c.kind, published.c.key],
            set_={"body": statement.excluded.body, "revision": statement.excluded.revision},
        ),
        [{"kind": kind, "key": key, "body": body, "revision": new} for kind, key, body in changed],
    )
    return new

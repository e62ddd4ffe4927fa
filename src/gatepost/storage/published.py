"""The published feed's writing side: finished bodies under one revision that only grows (docs/decisions/0004)."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects.sqlite import insert

from gatepost.storage.tables import feed, published

_REVISION = select(feed.c.revision)
_COUNT = update(feed).values(revision=feed.c.revision + 1).returning(feed.c.revision)
_PUT = insert(published)
_PUT = _PUT.on_conflict_do_update(
    index_elements=[published.c.kind, published.c.key],
    set_={"body": _PUT.excluded.body, "revision": _PUT.excluded.revision},
)


def revision(connection: Connection) -> int:
    """The newest revision."""
    return int(connection.execute(_REVISION).scalar_one())


def publish(connection: Connection, rows: Iterable[tuple[str, str, str | None]]) -> int:
    """Writes rows (kind, key, body or None for removed) as one change, and returns its revision.

    Without rows nothing is written, and the revision is the one before.
    """
    changed = list(rows)
    if not changed:
        return revision(connection)
    new = int(connection.execute(_COUNT).scalar_one())
    connection.execute(_PUT, [{"kind": kind, "key": key, "body": body, "revision": new} for kind, key, body in changed])
    return new

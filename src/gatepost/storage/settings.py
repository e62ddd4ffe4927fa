"""Rows of settings: a value of JSON text under a key."""

from __future__ import annotations

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.sqlite import insert

from gatepost.storage.tables import settings

_KEPT = "keep_arguments:"
_DRIFT = "drift_mode:"
_PUT = insert(settings)
_PUT = _PUT.on_conflict_do_update(index_elements=[settings.c.key], set_={"value": _PUT.excluded.value})


def find(connection: Connection, key: str) -> str | None:
    """A setting's value, or None."""
    return connection.execute(select(settings.c.value).where(settings.c.key == key)).scalar_one_or_none()


def put(connection: Connection, key: str, value: str) -> None:
    """Sets it."""
    connection.execute(_PUT, {"key": key, "value": value})


def remove(connection: Connection, key: str) -> None:
    """Takes it away, where it is there."""
    connection.execute(delete(settings).where(settings.c.key == key))


def kept_seconds(connection: Connection, server: str) -> int | None:
    """For how many seconds a server's arguments are kept, or None."""
    text = find(connection, _KEPT + server)
    return None if text is None else int(text)


def keep_seconds(connection: Connection, server: str, seconds: int | None) -> None:
    """Sets it; None: they are not kept."""
    if seconds is None:
        remove(connection, _KEPT + server)
    else:
        put(connection, _KEPT + server, str(seconds))


def drift_mode(connection: Connection, server: str) -> str:
    """What becomes of a server's tools whose definition is not the pinned one: `quarantine`, `warn` or `off`."""
    return find(connection, _DRIFT + server) or "quarantine"


def set_drift_mode(connection: Connection, server: str, mode: str | None) -> None:
    """Sets it; None: as it is without a word."""
    if mode is None:
        remove(connection, _DRIFT + server)
    else:
        put(connection, _DRIFT + server, mode)

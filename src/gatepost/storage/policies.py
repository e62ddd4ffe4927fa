"""Rows of policies and of their versions, which are never changed nor deleted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, exists, insert, select, update

from gatepost.storage.tables import policies, policy_versions

_FIND = select(policies).where(policies.c.name == bindparam("named"))
_ALL = select(policies).order_by(policies.c.name)
_VERSION = select(policy_versions).where(
    policy_versions.c.name == bindparam("named"), policy_versions.c.version == bindparam("at")
)
_VERSIONS = (
    select(policy_versions.c.version)
    .where(policy_versions.c.name == bindparam("named"))
    .order_by(policy_versions.c.created_at, policy_versions.c.version)
)
_IN_FORCE = select(exists().where(policies.c.version == bindparam("at")))


def find(connection: Connection, name: str) -> Row[Any] | None:
    """A policy's row, or None."""
    return connection.execute(_FIND, {"named": name}).one_or_none()


def all_rows(connection: Connection) -> Sequence[Row[Any]]:
    """Every policy, by name."""
    return connection.execute(_ALL).all()


def add(connection: Connection, name: str, server: str | None, version: str, now: float) -> None:
    """Inserts a policy; its version is added with `add_version`."""
    connection.execute(insert(policies), {"name": name, "server": server, "version": version, "updated_at": now})


def point(connection: Connection, name: str, server: str | None, version: str, now: float) -> None:
    """Makes another version the one in force."""
    connection.execute(
        update(policies).where(policies.c.name == name).values(server=server, version=version, updated_at=now)
    )


def version(connection: Connection, name: str, version: str) -> Row[Any] | None:
    """One version of a policy, or None."""
    return connection.execute(_VERSION, {"named": name, "at": version}).one_or_none()


def versions(connection: Connection, name: str) -> tuple[str, ...]:
    """Every version of a policy, oldest first."""
    return tuple(connection.execute(_VERSIONS, {"named": name}).scalars())


def add_version(connection: Connection, name: str, version: str, document: str, now: float) -> None:
    """Inserts a version."""
    connection.execute(
        insert(policy_versions), {"name": name, "version": version, "document": document, "created_at": now}
    )


def in_force(connection: Connection, version: str) -> bool:
    """Whether any policy's version in force is this one; two policies may have the same document."""
    return bool(connection.execute(_IN_FORCE, {"at": version}).scalar_one())

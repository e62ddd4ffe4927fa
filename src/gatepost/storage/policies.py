"""Rows of policies and of their versions, which are never changed nor deleted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, exists, insert, select, update

from gatepost.storage.tables import policies, policy_versions


def find(connection: Connection, name: str) -> Row[Any] | None:
    """A policy's row, or None."""
    return connection.execute(select(policies).where(policies.c.name == name)).one_or_none()


def all_rows(connection: Connection) -> Sequence[Row[Any]]:
    """Every policy, by name."""
    return connection.execute(select(policies).order_by(policies.c.name)).all()


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
    return connection.execute(
        select(policy_versions).where(policy_versions.c.name == name, policy_versions.c.version == version)
    ).one_or_none()


def versions(connection: Connection, name: str) -> list[tuple[str, float]]:
    """Version and creation time of every version of a policy, oldest first."""
    rows = connection.execute(
        select(policy_versions.c.version, policy_versions.c.created_at)
        .where(policy_versions.c.name == name)
        .order_by(policy_versions.c.created_at, policy_versions.c.version)
    )
    return [(row.version, row.created_at) for row in rows]


def add_version(connection: Connection, name: str, version: str, document: str, now: float) -> None:
    """Inserts a version."""
    connection.execute(
        insert(policy_versions), {"name": name, "version": version, "document": document, "created_at": now}
    )


def in_force(connection: Connection, version: str) -> bool:
    """Whether any policy's version in force is this one; two policies may have the same document."""
    return bool(connection.execute(select(exists().where(policies.c.version == version))).scalar_one())

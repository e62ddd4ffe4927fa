"""Rows of grants and of their tokens' digests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, insert, or_, select, update

from gatepost.storage.tables import grant_tokens, grants, policies

_WITH_VERSION = select(grants, policies.c.version.label("policy_version")).join_from(
    grants, policies, grants.c.policy == policies.c.name, isouter=True
)
_TOKENS = (
    select(
        grant_tokens.c.digest,
        grant_tokens.c.expires.label("token_expires"),
        grants,
        policies.c.version.label("policy_version"),
    )
    .join_from(grant_tokens, grants, grant_tokens.c.grant_id == grants.c.id)
    .join(policies, grants.c.policy == policies.c.name, isouter=True)
)


def find(connection: Connection, label: str) -> Row[Any] | None:
    """The grant with this label, with its `policy_version`: the living one, else the one revoked last, else None."""
    return connection.execute(
        _WITH_VERSION.where(grants.c.label == label).order_by(grants.c.revoked.desc().nulls_first()).limit(1)
    ).one_or_none()


def all_rows(connection: Connection, server: str | None = None) -> Sequence[Row[Any]]:
    """Every grant (of one server), with its `policy_version`, by label."""
    query = _WITH_VERSION.order_by(grants.c.label, grants.c.created_at)
    return connection.execute(query if server is None else query.where(grants.c.server == server)).all()


def living(connection: Connection, server: str, now: float) -> list[str]:
    """The labels of a server's grants that are neither revoked nor expired."""
    return list(
        connection.execute(
            select(grants.c.label)
            .where(
                grants.c.server == server,
                grants.c.revoked.is_(None),
                or_(grants.c.expires.is_(None), grants.c.expires > now),
            )
            .order_by(grants.c.label)
        ).scalars()
    )


def add(connection: Connection, row: Mapping[str, Any]) -> None:
    """Inserts a grant."""
    connection.execute(insert(grants), dict(row))


def change(connection: Connection, id: str, values: Mapping[str, Any]) -> None:
    """Sets columns of a grant and counts its version up."""
    connection.execute(update(grants).where(grants.c.id == id).values(version=grants.c.version + 1, **values))


def revoke_all(connection: Connection, server: str, now: float) -> list[str]:
    """Revokes every grant of a server that is not revoked yet; returns their labels."""
    return sorted(
        connection.execute(
            update(grants)
            .where(grants.c.server == server, grants.c.revoked.is_(None))
            .values(revoked=now, version=grants.c.version + 1)
            .returning(grants.c.label)
        ).scalars()
    )


def tokens(
    connection: Connection, *, grant_id: str | None = None, policy: str | None = None, server: str | None = None
) -> Sequence[Row[Any]]:
    """Tokens with their grants' columns: `digest`, `token_expires`, and those of `find`; narrowed by what is given."""
    query = _TOKENS
    if grant_id is not None:
        query = query.where(grants.c.id == grant_id)
    if policy is not None:
        query = query.where(grants.c.policy == policy)
    if server is not None:
        query = query.where(grants.c.server == server)
    return connection.execute(query).all()


def add_token(connection: Connection, digest: str, grant_id: str, now: float) -> None:
    """Inserts a token's digest."""
    connection.execute(insert(grant_tokens), {"digest": digest, "grant_id": grant_id, "created_at": now})


def end_tokens(connection: Connection, grant_id: str, at: float) -> None:
    """Lets every token of a grant expire at `at`, where it does not earlier."""
    connection.execute(
        update(grant_tokens)
        .where(
            grant_tokens.c.grant_id == grant_id,
            or_(grant_tokens.c.expires.is_(None), grant_tokens.c.expires > at),
        )
        .values(expires=at)
    )


def forget_tokens(connection: Connection, grant_id: str, now: float) -> list[str]:
    """Deletes a grant's tokens whose overlap has ended; returns their digests."""
    return list(
        connection.execute(
            delete(grant_tokens)
            .where(grant_tokens.c.grant_id == grant_id, grant_tokens.c.expires <= now)
            .returning(grant_tokens.c.digest)
        ).scalars()
    )


def touch(connection: Connection, used: Iterable[tuple[str, float]]) -> None:
    """Sets when grants (id, epoch seconds) were last used, where that is later than what is known."""
    rows = [{"grant": id, "at": at} for id, at in used]
    if rows:
        connection.execute(
            update(grants)
            .where(
                grants.c.id == bindparam("grant"),
                or_(grants.c.last_used.is_(None), grants.c.last_used < bindparam("at")),
            )
            .values(last_used=bindparam("at")),
            rows,
        )

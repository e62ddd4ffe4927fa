"""Rows of grants and of their tokens' digests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, insert, or_, select, update

from gatepost.storage.tables import grant_tokens, grants, policies

_ROWS = select(grants, policies.c.version.label("policy_version")).join_from(
    grants, policies, grants.c.policy == policies.c.name, isouter=True
)
_FIND = _ROWS.where(grants.c.label == bindparam("labelled")).order_by(grants.c.revoked.desc().nulls_first()).limit(1)
_ALL = _ROWS.order_by(grants.c.label, grants.c.created_at)
_ALL_ON = _ALL.where(grants.c.server == bindparam("on"))
_LIVING = (
    select(grants.c.label)
    .where(
        grants.c.server == bindparam("on"),
        grants.c.revoked.is_(None),
        or_(grants.c.expires.is_(None), grants.c.expires > bindparam("now")),
    )
    .order_by(grants.c.label)
)
_ADD = insert(grants)
_CHANGE = {
    column: update(grants)
    .where(grants.c.id == bindparam("of"))
    .values({"version": grants.c.version + 1, column: bindparam("to")})
    for column in ("policy", "revoked")
}
_COUNT = update(grants).where(grants.c.id == bindparam("of")).values(version=grants.c.version + 1)
_REVOKE_ALL = (
    update(grants)
    .where(grants.c.server == bindparam("on"), grants.c.revoked.is_(None))
    .values(revoked=bindparam("now"), version=grants.c.version + 1)
    .returning(grants.c.label)
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
_TOKENS_OF = {
    "grant": _TOKENS.where(grants.c.id == bindparam("of")),
    "policy": _TOKENS.where(grants.c.policy == bindparam("of")),
    "server": _TOKENS.where(grants.c.server == bindparam("of")),
}
_ADD_TOKEN = insert(grant_tokens)
_END_TOKENS = (
    update(grant_tokens)
    .where(
        grant_tokens.c.grant_id == bindparam("of"),
        or_(grant_tokens.c.expires.is_(None), grant_tokens.c.expires > bindparam("at")),
    )
    .values(expires=bindparam("at"))
)
_FORGET_TOKENS = (
    delete(grant_tokens)
    .where(grant_tokens.c.grant_id == bindparam("of"), grant_tokens.c.expires <= bindparam("now"))
    .returning(grant_tokens.c.digest)
)
_TOUCH = (
    update(grants)
    .where(grants.c.id == bindparam("of"), or_(grants.c.last_used.is_(None), grants.c.last_used < bindparam("at")))
    .values(last_used=bindparam("at"))
)


def find(connection: Connection, label: str) -> Row[Any] | None:
    """The grant with this label, with its `policy_version`: the living one, else the one revoked last, else None."""
    return connection.execute(_FIND, {"labelled": label}).one_or_none()


def all_rows(connection: Connection, server: str | None = None) -> Sequence[Row[Any]]:
    """Every grant (of one server), with its `policy_version`, by label."""
    return (connection.execute(_ALL) if server is None else connection.execute(_ALL_ON, {"on": server})).all()


def living(connection: Connection, server: str, now: float) -> list[str]:
    """The labels of a server's grants that are neither revoked nor expired."""
    return list(connection.execute(_LIVING, {"on": server, "now": now}).scalars())


def add(connection: Connection, row: Mapping[str, Any]) -> None:
    """Inserts a grant."""
    connection.execute(_ADD, dict(row))


def set_policy(connection: Connection, id: str, policy: str | None) -> None:
    """Attaches a policy to a grant."""
    connection.execute(_CHANGE["policy"], {"of": id, "to": policy})


def revoke(connection: Connection, id: str, now: float) -> None:
    """Marks a grant as revoked."""
    connection.execute(_CHANGE["revoked"], {"of": id, "to": now})


def revoke_all(connection: Connection, server: str, now: float) -> list[str]:
    """Revokes every grant of a server that is not revoked yet; returns their labels."""
    return sorted(connection.execute(_REVOKE_ALL, {"on": server, "now": now}).scalars())


def tokens_of(connection: Connection, what: str, key: str) -> Sequence[Row[Any]]:
    """Tokens with their grants' columns: `digest`, `token_expires`, and those of `find`.

    Args:
        what: `grant` (key: its id), `policy` (the name of the one attached) or `server`.
    """
    return connection.execute(_TOKENS_OF[what], {"of": key}).all()


def add_token(connection: Connection, digest: str, grant_id: str, now: float) -> None:
    """Inserts a token's digest."""
    connection.execute(_ADD_TOKEN, {"digest": digest, "grant_id": grant_id, "created_at": now})


def rotate(connection: Connection, grant_id: str, digest: str, now: float, until: float) -> list[str]:
    """Gives a grant another token; those before it expire at `until`, where they do not earlier.

    Tokens whose overlap has ended already are deleted; returns their digests.
    """
    forgotten = list(connection.execute(_FORGET_TOKENS, {"of": grant_id, "now": now}).scalars())
    connection.execute(_END_TOKENS, {"of": grant_id, "at": until})
    add_token(connection, digest, grant_id, now)
    connection.execute(_COUNT, {"of": grant_id})
    return forgotten


def touch(connection: Connection, used: Iterable[tuple[str, float]]) -> None:
    """Sets when grants (id, epoch seconds) were last used, where that is later than what is known."""
    rows = [{"of": id, "at": at} for id, at in used]
    if rows:
        connection.execute(_TOUCH, rows)

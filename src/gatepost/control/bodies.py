"""The bodies of the published feed, made from rows; `gatepost.feed` says what is in them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row

from gatepost.control.jsontext import dumps, members
from gatepost.storage import grants, pins, servers, settings


def server(connection: Connection, name: str) -> tuple[str, str, str]:
    """The feed's row for a server as it stands in the tables, with all of its tools."""
    row = servers.find(connection, name)
    assert row is not None
    # Before its first scan there is nothing that a list could differ from.
    mode = None if row.scanned_at is None else settings.drift_mode(connection, name)
    pinned = pins.hashes(connection, name) if mode == "quarantine" else None
    tools = ",".join(
        f"{dumps(tool.name)}:"
        + members(
            tool=tool.tool,
            hash=dumps(tool.hash),
            category=dumps(tool.category),
            **({} if pinned is None or pinned.get(tool.name) == tool.hash else {"quarantined": "true"}),
        )
        for tool in servers.tools(connection, name)
    )
    body = members(
        name=dumps(name),
        url=dumps(row.url),
        headers=row.headers,
        command=row.command,
        env=row.env,
        cwd=dumps(row.cwd),
        eras=row.eras,
        versions=row.versions,
        info=row.info,
        drift=dumps(row.drift),
        keep_arguments=dumps(settings.kept_seconds(connection, name)),
        drift_mode=dumps(mode),
        tools="{" + tools + "}",
    )
    return "server", name, body


def policy(name: str, version: str, document: str) -> tuple[str, str, str]:
    """The feed's row for a version of a policy; `document` is JSON text."""
    return "policy", version, members(name=dumps(name), version=dumps(version), document=document)


def tokens(connection: Connection, what: str, key: str) -> list[tuple[str, str, str]]:
    """The feed's rows for every token of a `grant` (key: its id), of the grants with a `policy`, or on a `server`."""
    return [("grant", row.digest, _grant(row)) for row in grants.tokens_of(connection, what, key)]


def _grant(row: Row[Any]) -> str:
    ends = [at for at in (row.expires, row.token_expires) if at is not None]
    return dumps(
        {
            "id": row.id,
            "label": row.label,
            "identity": row.identity,
            "server": row.server,
            "policy": row.policy,
            "policy_version": row.policy_version,
            "expires": min(ends, default=None),
            "revoked": row.revoked,
            "rotated": row.token_expires is not None and row.token_expires == min(ends) != row.expires,
        }
    )

"""What the tests of the control functions look at from outside: the feed, the admin chain, the files."""

from __future__ import annotations

import json
from typing import Any

from gatepost.control.act import Actor
from gatepost.control.policies import add_policy
from gatepost.control.servers import add_server
from gatepost.control.store import Store
from gatepost.feed import Feed
from gatepost.grants.table import Grant, GrantTable
from gatepost.paths import DataFolder

ANNA = Actor("anna", "cli")
DENY_ALL = b'{"version":"1","default":"deny"}'
ALLOW_ALL = b'{"version":"1","default":"allow"}'


def tool(name: str, **members: Any) -> dict[str, Any]:
    return {"name": name, "inputSchema": {"type": "object"}, **members}


def with_server(store: Store, name: str = "files", *tools: str) -> None:
    add_server(
        store,
        ANNA,
        name,
        command=["server"],
        eras=["modern"],
        tools=[tool(each) for each in tools or ("read", "write")],
    )


def with_policy(store: Store, name: str = "rules", document: bytes = DENY_ALL, server: str | None = "files") -> str:
    return add_policy(store, ANNA, name, document, server).value.version


def published(folder: DataFolder, kind: str) -> dict[str, Any]:
    """The bodies of one kind in the feed by key; removed ones are left out."""
    with Feed.open(folder.store) as feed:
        return {row.key: json.loads(row.body) for row in feed.since(0) if row.kind == kind and row.body is not None}


def grant_of(folder: DataFolder, token: str) -> Grant | None:
    """The grant that the data plane would find for a token."""
    return GrantTable(published(folder, "grant").items()).lookup(token)


def acts(folder: DataFolder) -> list[dict[str, Any]]:
    """The administrative records in the admin chain, oldest first, without the journal's own."""
    rows = [
        json.loads(line)
        for segment in sorted((folder.journal / "admin").glob("*.jsonl"))
        for line in segment.read_text(encoding="utf-8").splitlines()
    ]
    return [row for row in rows if row["kind"] in ("admin", "drift")]


def told(folder: DataFolder) -> list[tuple[str, str]]:
    """(action, object) of every administrative record."""
    return [(row["action"], row["object"]) for row in acts(folder)]

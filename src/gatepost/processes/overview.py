"""What the status page shows, gathered from the published feed, the index and the data plane."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gatepost.feed import Feed
from gatepost.processes.status_page import DecisionLine, ServerLine


def servers_and_grants(store: Path, now: float) -> tuple[tuple[ServerLine, ...], dict[str, int]]:
    """The servers by name, and how many grants are active, expired and revoked. Nothing sealed is looked at."""
    with Feed.open(store) as feed:
        rows = feed.since(0)
    bodies = [(row.kind, json.loads(row.body)) for row in rows if row.body is not None]
    servers = [_server(body) for kind, body in bodies if kind == "server"]
    # A grant that was rotated has several tokens, and stands here once: as the newest has it.
    grants = {body["id"]: body for kind, body in bodies if kind == "grant" and not body.get("rotated")}
    return tuple(sorted(servers, key=lambda line: line.name)), _counted(grants.values(), now)


def _server(body: Mapping[str, Any]) -> ServerLine:
    url, command = body.get("url"), body.get("command") or ("",)
    # Arguments and queries are where people put keys; the page shows neither.
    reached = urlsplit(url)._replace(query="").geturl() if url else f"the program {Path(command[0]).name}"
    return ServerLine(
        name=body["name"],
        reached=reached,
        eras=", ".join(body.get("eras") or ()) or "not asked yet",
        tools=len(body.get("tools") or ()),
        drift=body.get("drift") or "",
    )


def _counted(grants: Iterable[Mapping[str, Any]], now: float) -> dict[str, int]:
    counts = {"active": 0, "expired": 0, "revoked": 0}
    for grant in grants:
        expires, revoked = grant.get("expires"), grant.get("revoked")
        if revoked is not None and revoked <= now:
            counts["revoked"] += 1
        elif expires is not None and expires <= now:
            counts["expired"] += 1
        else:
            counts["active"] += 1
    return counts


def decision_lines(rows: Sequence[Mapping[str, Any]]) -> tuple[DecisionLine, ...]:
    """Rows of the index as lines of the page, in their order."""
    return tuple(
        DecisionLine(
            time=str(row.get("time", ""))[:19].replace("T", " "),
            grant=str(row.get("grant") or ""),
            server=str(row.get("server") or ""),
            tool=str(row.get("tool") or row.get("method") or ""),
            decision=str(row.get("decision") or ""),
            rule=str(row.get("rule") or ""),
        )
        for row in rows
    )


def data_plane_words(status: Mapping[str, Any] | None) -> tuple[str, bool]:
    """The data plane's own status in a few words, and whether it is ready."""
    if status is None:
        return "not running", False
    if status.get("ready"):
        in_flight = int(status.get("in_flight") or 0)
        return (f"ready, {in_flight} calls in flight" if in_flight else "ready"), True
    return "not ready: " + "; ".join(str(reason) for reason in status.get("reasons") or ("no reason given",)), False

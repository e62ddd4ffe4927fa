"""The published policies, and what the demo does with each (POLICY.md, section 7)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


def _rate_limited(tool: str, per_minute: int) -> dict[str, Any]:
    limit = {"counter": f"{tool}_rate", "window": "minute", "max": per_minute, "scope": "grant"}
    return {"version": "1", "default": "deny", "tools": {tool: {"limits": [limit]}}}


def _open(*tools: str) -> dict[str, Any]:
    return {"version": "1", "default": "deny", "tools": {tool: {} for tool in tools}}


@dataclass(frozen=True, slots=True)
class Published:
    """One policy of the demo: its name is the one tool it allows.

    Attributes:
        server: the demo server it is for.
        document: the policy itself.
        grant: the label of the demo's grant with this policy.
        per_minute: how many calls a minute it allows, or None for any number.
        arguments: arguments that the tool takes.
    """

    name: str
    server: str
    document: dict[str, Any]
    grant: str
    per_minute: int | None
    arguments: dict[str, Any] = field(default_factory=dict)

    @property
    def meaning(self) -> str:
        allowed = "any number of calls" if self.per_minute is None else f"{self.per_minute} calls a minute"
        return f"{allowed}, nothing else on {self.server}"


SCROBBLE = Published(
    name="trakt_start_scrobbling",
    server="plex",
    document=_rate_limited("trakt_start_scrobbling", 10),
    grant="scrobbler",
    per_minute=10,
    arguments={"ratingKey": "1004", "title": "A Trip to the Moon", "type": "movie"},
)
EXPORT = Published(
    name="export_library",
    server="plex",
    document=_rate_limited("export_library", 30),
    grant="exporter",
    per_minute=30,
    arguments={"libraryKey": "1", "overwrite": True},
)
OTHERS: tuple[Published, ...] = (
    Published("trakt_authenticate", "plex", _rate_limited("trakt_authenticate", 10), "trakt-sign-in", 10),
    Published("fetch_playback_progress", "trakt", _open("fetch_playback_progress"), "progress-reader", None),
    Published("authenticate_plex", "plex", _open("authenticate_plex"), "plex-sign-in", None),
)
ALL: tuple[Published, ...] = (SCROBBLE, EXPORT, *OTHERS)

LIBRARIES = Published("read-libraries", "plex", _open("get_libraries", "browse_library"), "librarian", None)
HISTORY = Published("read-history", "trakt", _open("fetch_history"), "historian", None)
READING: tuple[Published, ...] = (LIBRARIES, HISTORY)
"""Two of the demo's own, so that there is something to see."""

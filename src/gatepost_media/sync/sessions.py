"""What Plex tells of its sessions: rows of /status/sessions, and notifications on the websocket. Read, not judged.

A notification names session, item, state and position, but not the user; a row of /status/sessions names everything.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from gatepost_media.sync.items import Row, is_extra
from gatepost_media.sync.playing import State

_STATES: dict[str, State] = {"playing": "playing", "paused": "paused", "stopped": "stopped"}
OWNER = "1"
"""The account id of the server's owner, on every Plex server."""
EVERYONE = "*"


@dataclass(frozen=True, slots=True)
class Session:
    """A row of /status/sessions. `state` is None while the player loads; `offset` is in milliseconds."""

    session: str
    item: str
    state: State | None
    offset: int | None
    duration: int | None
    user_id: str
    user: str
    kind: str
    title: str
    extra: bool


@dataclass(frozen=True, slots=True)
class Notice:
    """One entry of a `playing` notification."""

    session: str
    item: str
    state: State | None
    offset: int | None


@dataclass(frozen=True, slots=True)
class Audience:
    """Whose sessions count: the owner's, those of named users (names in any case, or account ids), or everyone's."""

    users: frozenset[str] = frozenset()

    @classmethod
    def of(cls, users: Collection[str]) -> Audience:
        """From what a caller named; nobody named means the owner."""
        return cls(frozenset(each.strip().casefold() for each in users if each.strip()))

    def __contains__(self, session: object) -> bool:
        if not isinstance(session, Session):
            return False
        if not self.users:
            return session.user_id == OWNER
        return EVERYONE in self.users or session.user_id in self.users or session.user.casefold() in self.users


def ignored_because(session: Session, audience: Audience) -> str | None:
    """Why a session is not scrobbled, or None where it is."""
    if session.extra:
        return "a trailer or another extra"
    if session.kind not in ("movie", "episode"):
        return f"a {session.kind or 'nameless kind'} is not a film or an episode"
    if session not in audience:
        return "another user's"
    return None


def session_in(row: Row) -> Session | None:
    """The session in a row of /status/sessions; None where it names no session or no library item (live TV)."""
    session, item = _digits(row.get("sessionKey")), _digits(row.get("ratingKey"))
    if session is None or item is None:
        return None
    user, player = _object(row.get("User")), _object(row.get("Player"))
    return Session(
        session=session,
        item=item,
        state=_STATES.get(str(player.get("state"))),
        offset=_count(row.get("viewOffset")),
        duration=_count(row.get("duration")),
        user_id=str(user.get("id", "")),
        user=str(user.get("title", "")),
        kind=str(row.get("type", "")),
        title=str(row.get("title", "")),
        extra=is_extra(row),
    )


def notices_in(message: str | bytes) -> list[Notice]:
    """The `playing` entries in one websocket message; none in a message of another kind, or in one that is no JSON."""
    try:
        said = json.loads(message)
    except (ValueError, RecursionError):
        return []
    container = _object(_object(said).get("NotificationContainer"))
    if container.get("type") != "playing":
        return []
    entries = container.get("PlaySessionStateNotification")
    found = []
    for entry in entries if isinstance(entries, list) else ():
        row = _object(entry)
        session, item = _digits(row.get("sessionKey")), _digits(row.get("ratingKey"))
        if session is not None and item is not None:
            found.append(Notice(session, item, _STATES.get(str(row.get("state"))), _count(row.get("viewOffset"))))
    return found


def _object(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _digits(value: object) -> str | None:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    return text if isinstance(text, str) and text.isascii() and text.isdigit() and len(text) <= 18 else None


def _count(value: object) -> int | None:
    text = _digits(value)
    return None if text is None else int(text)

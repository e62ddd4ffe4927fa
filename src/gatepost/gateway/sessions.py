"""Legacy sessions: counted, capped, reaped when idle, each sealed to its grant."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from gatepost.gateway.caller import Caller
from gatepost.gateway.sealed import Sealer
from gatepost.mcp.message import INVALID_REQUEST, Id
from gatepost.mcp.refused import Refused

_PURPOSE: Final = "session"
_ENDED_KEPT: Final = 10_000
_ASKED_KEPT: Final = 64


def too_many() -> Refused:
    """The refusal for one session more than the cap."""
    return Refused(429, INVALID_REQUEST, "GP-1012", "Too many sessions are open. End one with DELETE, or wait.")


class UnknownSession(Exception):
    """The session id is forged, another grant's, ended, or was never given out."""


class TooManySessions(Exception):
    """The grant, or the gateway as a whole, holds as many sessions as it may."""


@dataclass(slots=True)
class Session:
    """One legacy session.

    Attributes:
        token: what the client holds.
        upstream_id: the server's own id, or the key of its child process; never shown.
        in_flight: the ids of the client's requests that have no answer yet.
        used: when it was last used, in the clock's seconds.
        streams: how many of its streams are open; a session with an open stream is not idle.
        on_end: called when it is ended, where something is kept for it here: then that tells the server, nobody else.
        asked: of the last requests of the server, by its own ids, what the client knows them by.
    """

    token: str
    grant_id: str
    server: str
    upstream_id: str
    used: float
    in_flight: set[Id] = field(default_factory=set)
    streams: int = 0
    on_end: Callable[[], None] | None = None
    asked: dict[Id, str] = field(default_factory=dict)

    def remember(self, id: Id, token: str) -> None:
        """A request of the server was given to the client under another id."""
        self.asked[id] = token
        if len(self.asked) > _ASKED_KEPT:
            del self.asked[next(iter(self.asked))]


class Sessions:
    """All legacy sessions that this process has seen.

    A session that was sealed by another replica, or before a restart, is taken up again when its token opens: the
    server behind decides whether it still knows it.
    """

    def __init__(self, sealer: Sealer, *, per_grant: int = 64, total: int = 4096, idle_seconds: float = 1800) -> None:
        self._sealer = sealer
        self._per_grant = per_grant
        self._total = total
        self._idle = idle_seconds
        self._open: dict[str, Session] = {}
        self._count: dict[str, int] = {}
        self._claimed: dict[str, int] = {}
        self._ended: dict[str, None] = {}

    def __len__(self) -> int:
        return len(self._open)

    def new_key(self) -> str:
        """A fresh key for a server that keeps no session ids of its own (a child process)."""
        return secrets.token_urlsafe(18)

    def room(self, grant_id: str) -> None:
        """Raise `TooManySessions` where the grant may begin no other session."""
        own = self._count.get(grant_id, 0) + self._claimed.get(grant_id, 0)
        if len(self._open) + sum(self._claimed.values()) >= self._total or own >= self._per_grant:
            raise TooManySessions

    def claim(self, grant_id: str) -> None:
        """Hold a place while a server is asked to begin a session, until `unclaim`. Raises `TooManySessions`."""
        self.room(grant_id)
        self._claimed[grant_id] = self._claimed.get(grant_id, 0) + 1

    def unclaim(self, grant_id: str) -> None:
        """Give a claimed place back: it is needed no more, or taken by `begin` in the same step."""
        left = self._claimed[grant_id] - 1
        if left:
            self._claimed[grant_id] = left
        else:
            del self._claimed[grant_id]

    def begin(self, grant_id: str, server: str, upstream_id: str, now: float) -> Session:
        """Register a session that a server has just begun."""
        token = self._sealer.seal(_PURPOSE, grant_id, server, upstream_id)
        return self._register(Session(token, grant_id, server, upstream_id, now))

    def find(self, token: str, grant_id: str, server: str, now: float) -> Session:
        """The session of a token, for this grant and server only. Raises `UnknownSession`, `TooManySessions`."""
        session = self._open.get(token)
        if session is None:
            if token in self._ended:
                raise UnknownSession
            try:
                upstream_id = self._sealer.open(_PURPOSE, grant_id, server, token)
            except ValueError:
                raise UnknownSession from None
            if not isinstance(upstream_id, str):
                raise UnknownSession
            self.room(grant_id)
            session = self._register(Session(token, grant_id, server, upstream_id, now))
        elif session.grant_id != grant_id or session.server != server:
            raise UnknownSession
        session.used = now
        return session

    def end(self, session: Session) -> None:
        """Forget a session; its token is not taken up again."""
        if self._open.pop(session.token, None) is None:
            return
        left = self._count[session.grant_id] - 1
        if left:
            self._count[session.grant_id] = left
        else:
            del self._count[session.grant_id]
        self._ended[session.token] = None
        if len(self._ended) > _ENDED_KEPT:
            del self._ended[next(iter(self._ended))]
        if session.on_end is not None:
            session.on_end()

    def reap(self, now: float) -> list[Session]:
        """End the sessions that have been idle too long, and return them so that the servers can be told."""
        idle = [s for s in self._open.values() if not s.streams and not s.in_flight and now - s.used > self._idle]
        for session in idle:
            self.end(session)
        return idle

    def of_grant(self, grant_id: str) -> list[Session]:
        """The open sessions of a grant."""
        return [s for s in self._open.values() if s.grant_id == grant_id]

    def _register(self, session: Session) -> Session:
        self._open[session.token] = session
        self._count[session.grant_id] = self._count.get(session.grant_id, 0) + 1
        return session


def find(sessions: Sessions, caller: Caller, token: bytes | None, now: float) -> Session | None:
    """The legacy session a request names, None where it names none. Raises `Refused` with 404 or 429."""
    if token is None:
        return None
    try:
        return sessions.find(token.decode("latin-1"), caller.grant.id, caller.server_name, now)
    except UnknownSession:
        raise Refused(
            404, INVALID_REQUEST, "GP-1004", "The session is not known here, or is not this grant's. Begin anew."
        ) from None
    except TooManySessions:
        raise too_many() from None

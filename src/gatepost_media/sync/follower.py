"""Following a Plex server's sessions: its notifications, and a look at all sessions now and then.

Notifications come at once but name no user, may be missed while the connection is down, and do not tell when a player
vanished. So every session is identified by a look at /status/sessions, a look follows every connection and every
`resync` seconds, and without a connection there is a look every `poll` seconds until there is one again.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from gatepost_media.common.errors import MediaError
from gatepost_media.plex import paths
from gatepost_media.plex.client import Plex
from gatepost_media.plex.raw import rows
from gatepost_media.sync.catalogue import Catalogue
from gatepost_media.sync.delivery import Delivery
from gatepost_media.sync.playing import Playing, Seen, Send, State
from gatepost_media.sync.sessions import Audience, Notice, Session, ignored_because, notices_in, session_in

if TYPE_CHECKING:
    from websockets.asyncio.client import connect

POLL = 10.0
RESYNC = 60.0
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 120.0
_HANDSHAKE = 10.0
_KEPT = 500

Source = Literal["starting", "notifications", "polling"]


@dataclass(frozen=True, slots=True)
class Hint:
    """What a caller said of an item, used where Plex does not say it: per cent played, length in milliseconds."""

    progress: float | None = None
    duration: int | None = None


NO_HINT = Hint()


class Follower:
    """Sees sessions, says what is due to `delivery`. `run` follows until it is cancelled."""

    def __init__(
        self,
        plex: Plex,
        catalogue: Catalogue,
        delivery: Delivery,
        audience: Audience,
        *,
        poll: float = POLL,
        resync: float = RESYNC,
    ) -> None:
        self._plex = plex
        self._catalogue = catalogue
        self._delivery = delivery
        self.audience = audience
        self._poll = poll
        self._resync = resync
        self.playing = Playing()
        self.source: Source = "starting"
        self.problem: str | None = None
        """Why Plex cannot be followed at the moment, or how."""
        self.ignored: dict[str, str] = {}
        """Session → why it is not scrobbled; of the sessions that exist."""
        self.sessions: dict[str, Session] = {}
        self._hints: dict[str, Hint] = {}
        self._turn = asyncio.Lock()

    async def run(self) -> None:
        """Follows; goes on whatever fails."""
        import websockets

        pause = FIRST_PAUSE
        while True:
            try:
                async with _connect(self._plex) as socket:
                    self.source = "notifications"
                    while True:
                        await self.look()
                        self.problem, pause = None, FIRST_PAUSE
                        until = asyncio.get_running_loop().time() + self._resync
                        while (left := until - asyncio.get_running_loop().time()) > 0:
                            try:
                                message = await asyncio.wait_for(socket.recv(), left)
                            except TimeoutError:
                                break
                            for notice in notices_in(message):
                                await self._notice(notice)
            except (OSError, ValueError, websockets.WebSocketException, MediaError) as error:
                self.problem = str(error) if isinstance(error, MediaError) else _why(error)
            self.source = "polling"
            await self._poll_for(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _poll_for(self, seconds: float) -> None:
        """Looks every now and then for so many seconds."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while (left := until - loop.time()) > 0:
            try:
                await self.look()
            except MediaError as error:
                self.problem = str(error)
            await asyncio.sleep(min(self._poll, left))

    async def look(self) -> None:
        """Looks at all sessions. Raises MediaError where Plex does not answer: nothing is taken for ended then."""
        async with self._turn:
            await self._look()

    async def _look(self) -> None:
        found = rows(await self._plex.container(paths.SESSIONS), "Metadata")
        self.sessions = {each.session: each for row in found if (each := session_in(row)) is not None}
        self.ignored = {session: why for session, why in self.ignored.items() if session in self.sessions}
        self._delivery.add(self.playing.only(self.sessions))
        for session in self.sessions.values():
            self._delivery.add(await self._see(session, session.state, session.offset))

    async def _notice(self, notice: Notice) -> None:
        async with self._turn:
            session = self.sessions.get(notice.session)
            if session is not None and session.item == notice.item:
                self._delivery.add(await self._see(session, notice.state, notice.offset))
            elif notice.state == "playing":
                await self._look()  # who plays that; and what the look saw is newer than the notice

    async def _see(self, session: Session, state: State | None, offset: int | None) -> list[Send]:
        if state is None:
            return []
        why = ignored_because(session, self.audience)
        item = None
        if why is None and (state != "stopped" or session.session in self.playing.sessions):
            try:
                item = await self._catalogue.item(session.item)
                why = None if item.mapped else "Plex knows no id of it that Trakt knows: match it in Plex"
            except MediaError as error:
                # One item that Plex cannot tell of must not keep the others from being seen. The next sight asks again.
                if session.session in self.playing.sessions:
                    return []
                why = str(error)
        if why is not None:
            self.ignored[session.session] = why
            return self.playing.leave(session.session, session.item)
        if item is None:
            return []
        self.ignored.pop(session.session, None)
        hint = self._hints.get(session.item, NO_HINT)
        length = session.duration or item.duration or hint.duration
        progress = 100 * offset / length if offset is not None and length else None
        if progress is None and session.session not in self.playing.sessions:
            progress = hint.progress
        if state == "stopped":
            self._hints.pop(session.item, None)
        return self.playing.see(Seen(session.session, session.item, state, progress))

    def hint(self, item: str, hint: Hint) -> None:
        """Remembers what a caller said of an item until a session of it ends."""
        self._hints[item] = hint
        while len(self._hints) > _KEPT:
            del self._hints[next(iter(self._hints))]

    def players_of(self, item: str) -> list[Session]:
        """The sessions that have this item open."""
        return [each for each in self.sessions.values() if each.item == item]


async def handshake(plex: Plex) -> str | None:
    """Connects to the notifications and leaves again: None, or why that is not possible."""
    import websockets

    try:
        async with _connect(plex):
            return None
    except (OSError, ValueError, websockets.WebSocketException) as error:
        return _why(error)


def _connect(plex: Plex) -> connect:
    """The token goes in a header; with host and port given, no redirect can lead it to another server."""
    from websockets.asyncio.client import connect

    address = urlsplit(plex.url)
    return connect(
        "ws" + plex.url.removeprefix("http") + paths.NOTIFICATIONS,
        additional_headers=plex.headers(),
        host=address.hostname,
        port=address.port or (443 if address.scheme == "https" else 80),
        proxy=None,
        open_timeout=_HANDSHAKE,
        ping_interval=None,  # Plex need not answer pings
        close_timeout=2,
        max_size=1 << 20,
        logger=_silent(),
    )


def _why(error: Exception) -> str:
    # Not the text: it may hold the address with what was in it.
    name = type(error).__name__
    return f"Plex's notifications cannot be followed ({name}); its sessions are looked at every few seconds."


def _silent() -> logging.Logger:
    # The library would log addresses and headers.
    logger = logging.getLogger("gatepost_media.websocket")
    logger.setLevel(logging.CRITICAL)
    return logger

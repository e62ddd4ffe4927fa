"""Somebody plays something: a session that moves with the sandbox's clock, faster if wanted."""

from __future__ import annotations

import asyncio
from uuid import uuid4

from gatepost_media.sandbox.plex.answer import Row
from gatepost_media.sandbox.plex.render import metadata
from gatepost_media.sandbox.plex.state import WATCHED_AT, Account, Device, Plex, plex_guid
from gatepost_media.sandbox.works import Work

REPORTED_EVERY = 10.0
"""So many seconds of the film pass between two reports of a player."""
OFTEN_ENOUGH = 0.1
"""Players report no more often than so, in seconds of real time, however fast the film goes."""


class Playback:
    """One session. `speed` films a second pass in one: 60 plays an hour in a minute, 0 stands still until it is moved.

    At 90 % the title counts as watched; at its end the session stops by itself. Every change, and every ten seconds of
    the film, is told to those who listen for notifications.
    """

    def __init__(
        self, plex: Plex, work: Work, account: Account, device: Device, *, speed: float = 1.0, offset: int = 0
    ) -> None:
        self.id = uuid4().hex[:20]
        self.key = str(plex.number())
        self.plex, self.work, self.account, self.device = plex, work, account, device
        self.speed = speed
        self.state = "playing"
        self.client = device.client
        self._offset, self._since = offset, plex.clock.now()
        self._counted = False
        plex.sessions[self.id] = self
        self._report()

    @property
    def offset(self) -> int:
        """How far it is, in milliseconds."""
        passed = self.plex.clock.now() - self._since if self.state == "playing" else 0.0
        return min(self._offset + int(passed * self.speed * 1000), self.work.duration)

    def pause(self) -> None:
        """Pause; players also say "buffering", which is a state of its own."""
        self._change("paused")

    def resume(self) -> None:
        """Play on."""
        self._change("playing")

    def buffer(self) -> None:
        """Wait for data."""
        self._change("buffering")

    def seek(self, offset: int) -> None:
        """Go to a place, in milliseconds."""
        self._offset, self._since = min(max(offset, 0), self.work.duration), self.plex.clock.now()
        self.tick()

    def seek_to(self, percent: float) -> None:
        """Go to a place, in percent."""
        self.seek(int(self.work.duration * percent / 100))

    def stop(self) -> None:
        """Stop; the session is gone. What was begun and not watched keeps its place."""
        if self.state == "stopped":
            return
        self._count()
        self._change("stopped")
        self.plex.sessions.pop(self.id, None)

    def tick(self) -> None:
        """Report where it is; stop at the end."""
        if self.state == "stopped":
            return
        self._count()
        if self.offset >= self.work.duration:
            self.stop()
        else:
            self._report()

    async def run(self) -> None:
        """Report regularly until it stops."""
        pause = max(REPORTED_EVERY / self.speed, OFTEN_ENOUGH)
        while self.state != "stopped":
            left = (self.work.duration - self.offset) / 1000 / self.speed
            await asyncio.sleep(max(min(pause, left), OFTEN_ENOUGH))
            self.tick()

    def row(self) -> Row:
        """The session, as the list of them has it."""
        return {
            **metadata(self.plex, self.work),
            "sessionKey": self.key,
            "viewOffset": self.offset,
            "User": {"id": str(self.account.id), "thumb": "", "title": self.account.name},
            "Player": {
                "address": "127.0.0.1",
                "device": self.device.name,
                "machineIdentifier": self.client,
                "model": "",
                "platform": self.device.platform,
                "platformVersion": "1",
                "product": self.device.product,
                "profile": "Generic",
                "remotePublicAddress": "127.0.0.1",
                "state": self.state,
                "title": self.device.name,
                "vendor": "",
                "version": "1",
                "local": True,
                "relayed": False,
                "secure": False,
                "userID": self.account.id,
            },
            "Session": {"id": self.id, "bandwidth": 4000, "location": "lan"},
        }

    def _change(self, state: str) -> None:
        if state != self.state:
            self._offset, self._since = self.offset, self.plex.clock.now()
            self.state = state
            self._report()

    def _count(self) -> None:
        """Keep the owner's place; past 90 %, once, a play."""
        if self._counted:
            return
        if self.offset >= self.work.duration * WATCHED_AT:
            self._counted = True
            if self.work.kind != "clip":
                self.plex.played(self.work, self.account.id, self.device.id)
        elif self.account.id == 1 and self.work.kind != "track":
            view = self.plex.view(self.work)
            view.offset, view.last = self.offset, self.plex.clock.second()

    def _report(self) -> None:
        self.plex.listeners.tell(
            "playing",
            {
                "sessionKey": self.key,
                "clientIdentifier": self.client,
                "guid": plex_guid(self.work),
                "ratingKey": str(self.work.key),
                "url": "",
                "key": f"/library/metadata/{self.work.key}",
                "viewOffset": self.offset,
                "playQueueID": 1,
                "playQueueItemID": int(self.key),
                "state": self.state,
            },
        )

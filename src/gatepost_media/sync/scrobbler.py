"""The scrobbler of one process: Plex's sessions followed, Trakt told. One for each Trakt account on a machine."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import time
from pathlib import Path

from gatepost_media.common.errors import NotFound, Refused
from gatepost_media.common.files import locked
from gatepost_media.common.http import Http
from gatepost_media.common.process import Process
from gatepost_media.common.settings import Settings
from gatepost_media.plex.client import Plex
from gatepost_media.sync.catalogue import Catalogue
from gatepost_media.sync.delivery import Delivery
from gatepost_media.sync.follower import NO_HINT, POLL, RESYNC, Follower, Hint
from gatepost_media.sync.items import Item, for_scrobble
from gatepost_media.sync.playing import Send
from gatepost_media.sync.sessions import Audience
from gatepost_media.trakt.client import ScrobbleOutcome, Trakt

NAME = "scrobbler"
_LAST_WORDS = 5.0
"""Seconds that stopping waits for what is queued."""


class Scrobbler:
    """Made at first use (`ctx.process.of(Scrobbler)`); runs from `start` until `stop` or the process's end."""

    def __init__(self, settings: Settings, _http: Http, *, poll: float = POLL, resync: float = RESYNC) -> None:
        self._home = settings.home
        self._poll = poll
        self._resync = resync
        self._starting = asyncio.Lock()
        self._catalogue: Catalogue | None = None
        self._task: asyncio.Task[object] | None = None
        self.follower: Follower | None = None
        self.delivery: Delivery | None = None
        self.account: str | None = None
        self.since: float | None = None

    @property
    def running(self) -> bool:
        """Whether it follows now."""
        return self._task is not None and not self._task.done()

    @property
    def fault(self) -> str | None:
        """What ended it that should not have: the name of an error of this program."""
        if self._task is None or not self._task.done() or self._task.cancelled():
            return None
        error = self._task.exception()
        return type(error).__name__ if error is not None else None

    def catalogue(self, process: Process) -> Catalogue:
        """The items that it knows."""
        if self._catalogue is None:
            self._catalogue = Catalogue(process.of(Plex))
        return self._catalogue

    def name(self, item: str) -> str | None:
        """An item's name, if it has asked for it."""
        return self._catalogue.name(item) if self._catalogue is not None else None

    async def start(self, process: Process, audience: Audience, item: str | None = None, hint: Hint = NO_HINT) -> bool:
        """Starts following; says whether it did (False: it follows already, now for this audience).

        `hint` is what the caller knows of `item`.

        Asks both services first. Raises NotConfigured, NotSignedIn, Unreachable as they come, and Refused where
        another process scrobbles for the account.
        """
        async with self._starting:
            if self.running and self.follower is not None:
                self.follower.audience = audience
                if item is not None:
                    self.follower.hint(item, hint)
                await self.follower.look()
                return False
            plex, trakt, catalogue = process.of(Plex), process.of(Trakt), self.catalogue(process)
            account = await trakt.account()
            lock = contextlib.ExitStack()
            path = self._home / f"scrobbler-{hashlib.sha256(account.encode()).hexdigest()[:16]}.lock"
            try:
                if not lock.enter_context(locked(path, wait=False)):
                    raise Refused(
                        f"Another process{_holder(path)} scrobbles for the Trakt account {account} already. "
                        "Two would send everything twice; stop that one first."
                    )
                path.write_text(f"{os.getpid()}\n")

                async def tell(send: Send) -> ScrobbleOutcome:
                    return await _tell(trakt, await catalogue.item(send.item), send)

                delivery = Delivery(tell)
                follower = Follower(plex, catalogue, delivery, audience, poll=self._poll, resync=self._resync)
                if item is not None:
                    follower.hint(item, hint)
                await follower.look()
                self.follower, self.delivery, self.account, self.since = follower, delivery, account, time.time()
                self._task = process.start(NAME, _run(follower, delivery, lock))
            except BaseException:
                lock.close()
                raise
            return True

    async def stop(self) -> int | None:
        """Ends it, after what is queued was sent or some seconds have passed.

        Returns how much was not delivered; None where it did not run.
        """
        async with self._starting:
            if not self.running or self._task is None or self.delivery is None:
                return None
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.delivery.drained(), _LAST_WORDS)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            return self.delivery.waiting


async def _run(follower: Follower, delivery: Delivery, lock: contextlib.ExitStack) -> None:
    with lock:
        async with asyncio.TaskGroup() as both:
            both.create_task(follower.run())
            both.create_task(delivery.run())


async def _tell(trakt: Trakt, item: Item, send: Send) -> ScrobbleOutcome:
    ways = for_scrobble(item)
    if not ways:
        raise NotFound(f"Plex knows no id of {item.name} any more that Trakt knows.")
    for way in ways[:-1]:
        with contextlib.suppress(NotFound):
            return await trakt.scrobble(send.action, way, send.progress)
    return await trakt.scrobble(send.action, ways[-1], send.progress)


def _holder(path: Path) -> str:
    try:
        text = path.read_text().strip()
    except OSError:
        return ""
    return f" ({text})" if text.isascii() and text.isdigit() else ""

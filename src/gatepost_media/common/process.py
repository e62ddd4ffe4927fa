"""What one server process holds: settings, the HTTP client, the services' clients, work in the background."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from typing import TypeVar, cast

from gatepost_media.common.http import Http
from gatepost_media.common.settings import Settings

C = TypeVar("C")


class Process:
    """Made once when a server starts, closed when it ends. Tools reach it as `ctx.process`."""

    def __init__(self, settings: Settings, *, write: bool = False, http: Http | None = None) -> None:
        self.settings = settings
        self.write = write
        """Whether tools that change something are on."""
        self.http = http or Http()
        self.calls: set[asyncio.Task[object]] = set()
        """The tool calls that run now."""
        self._clients: dict[object, object] = {}
        self._background: dict[str, asyncio.Task[object]] = {}
        self._at_end: list[Callable[[], Awaitable[None]]] = []

    def of(self, make: Callable[[Settings, Http], C]) -> C:
        """The process's one client of a kind: `process.of(Plex)`. Made from settings and HTTP client at first use.

        A client that has an `aclose` is closed when the process ends.
        """
        if make not in self._clients:
            made = self._clients[make] = make(self.settings, self.http)
            close = getattr(made, "aclose", None)
            if close is not None:
                self.at_end(close)
        return cast("C", self._clients[make])

    def start(self, name: str, work: Coroutine[object, object, object]) -> asyncio.Task[object]:
        """Runs work in the background until it ends or the process does (it is cancelled, and waited for).

        Raises RuntimeError where work of that name runs already: ask `running` first.
        """
        if self.running(name) is not None:
            work.close()
            raise RuntimeError(f"{name} runs already")
        task: asyncio.Task[object] = asyncio.create_task(work, name=name)
        self._background[name] = task
        return task

    def running(self, name: str) -> asyncio.Task[object] | None:
        """The background work of that name, while it runs."""
        task = self._background.get(name)
        return task if task is not None and not task.done() else None

    def at_end(self, close: Callable[[], Awaitable[None]]) -> None:
        """Has something closed when the process ends, after background work and before the HTTP client."""
        self._at_end.append(close)

    async def aclose(self) -> None:
        """Cancels calls and background work, waits for their ends, closes clients."""
        mine = asyncio.current_task()
        tasks = [each for each in [*self.calls, *self._background.values()] if each is not mine and not each.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for close in reversed(self._at_end):
            with contextlib.suppress(Exception):
                await close()
        self._at_end.clear()
        await self.http.aclose()

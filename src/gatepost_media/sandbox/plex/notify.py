"""Notifications: what the server tells everybody who listens, over a websocket or as server-sent events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from gatepost_media.sandbox.clock import Clock
from gatepost_media.sandbox.works import Section, Work

if TYPE_CHECKING:
    from collections.abc import Iterator

_TYPE_NUMBERS = {"movie": 1, "show": 2, "season": 3, "episode": 4, "artist": 8, "album": 9, "track": 10, "clip": 12}
_LISTS = {"playing": "PlaySessionStateNotification", "timeline": "TimelineEntry", "activity": "ActivityNotification"}

Message = tuple[str, dict[str, object]]


class Listeners:
    """Everybody who listens now. A message is its type and one entry."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._queues: set[asyncio.Queue[Message | None]] = set()

    def __len__(self) -> int:
        return len(self._queues)

    def tell(self, kind: str, entry: dict[str, object]) -> None:
        """Send an entry to all."""
        for queue in self._queues:
            queue.put_nowait((kind, entry))

    def hang_up(self) -> None:
        """Close every listener's connection, as a server does that restarts."""
        for queue in self._queues:
            queue.put_nowait(None)

    def timeline(self, work: Work, state: int) -> None:
        """A title changed: 0 made, 5 processed, 9 deleted."""
        self.tell(
            "timeline",
            {
                "identifier": "com.plexapp.plugins.library",
                "sectionID": str(work.section),
                "itemID": str(work.key),
                "type": _TYPE_NUMBERS[work.kind],
                "title": work.title,
                "state": state,
                "updatedAt": self._clock.second(),
            },
        )

    def scanned(self, section: Section) -> None:
        """A library was scanned: an activity that began and ended."""
        uuid = str(uuid4())
        for event, progress in (("started", 0), ("updated", 50), ("ended", 100)):
            activity = {
                "uuid": uuid,
                "type": "library.update.section",
                "cancellable": False,
                "userID": 1,
                "title": f"Scanning {section.title}",
                "subtitle": "",
                "progress": progress,
                "Context": {"librarySectionID": str(section.key)},
            }
            self.tell("activity", {"event": event, "uuid": uuid, "Activity": activity})

    @contextmanager
    def listening(self) -> Iterator[asyncio.Queue[Message | None]]:
        """A queue that gets every message from now on; None is the end."""
        queue: asyncio.Queue[Message | None] = asyncio.Queue()
        self._queues.add(queue)
        try:
            yield queue
        finally:
            self._queues.discard(queue)


def _wanted(filters: str | None, kind: str) -> bool:
    return not filters or kind in filters.split(",")


async def websocket(socket: WebSocket) -> None:
    """Messages as NotificationContainers until either side leaves."""
    listeners: Listeners = socket.app.state.plex.listeners
    filters = socket.query_params.get("filters") or socket.query_params.get("filter")
    with listeners.listening() as queue:
        await socket.accept()
        leaving = asyncio.create_task(_until_gone(socket))
        try:
            while True:
                getting = asyncio.ensure_future(queue.get())
                await asyncio.wait((getting, leaving), return_when=asyncio.FIRST_COMPLETED)
                if not getting.done():
                    getting.cancel()
                    return
                message = getting.result()
                if message is None:
                    await socket.close(1012)
                    return
                kind, entry = message
                if _wanted(filters, kind):
                    await socket.send_text(
                        json.dumps({"NotificationContainer": {"type": kind, "size": 1, _LISTS[kind]: [entry]}})
                    )
        except (WebSocketDisconnect, RuntimeError):
            return
        finally:
            leaving.cancel()


async def _until_gone(socket: WebSocket) -> None:
    try:
        while True:
            await socket.receive_text()
    except (WebSocketDisconnect, RuntimeError, KeyError):
        return


async def eventsource(request: Request) -> Response:
    """The same messages as server-sent events."""
    listeners: Listeners = request.app.state.plex.listeners
    filters = request.query_params.get("filters") or request.query_params.get("filter")

    async def events() -> AsyncIterator[bytes]:
        with listeners.listening() as queue:
            yield b": listening\n\n"
            while (message := await queue.get()) is not None:
                kind, entry = message
                if _wanted(filters, kind):
                    yield f"event: {kind}\ndata: {json.dumps({_LISTS[kind]: entry})}\n\n".encode()

    return StreamingResponse(events(), media_type="text/event-stream")


ROUTES = [
    WebSocketRoute("/:/websockets/notifications", websocket),
    WebSocketRoute("/:/websocket/notifications", websocket),
    Route("/:/eventsource/notifications", eventsource),
]

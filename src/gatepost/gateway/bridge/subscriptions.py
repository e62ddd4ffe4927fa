"""`subscriptions/listen` in front of a legacy server: its listening stream, shared by all who subscribe."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any, Final

from gatepost.gateway.bridge import made, words
from gatepost.mcp.message import Message
from gatepost.upstreams.base import Reply
from gatepost.wire import sse

if TYPE_CHECKING:
    from gatepost.gateway.bridge.legacy_session import LegacySession

_MOST_UNREAD: Final = 256
_KEEP_ALIVE_SECONDS: Final = 15.0


class Subscriptions:
    """Who subscribed on one legacy session, and to which resources."""

    def __init__(self, session: LegacySession) -> None:
        self._session = session
        self._subscribers: set[_Subscriber] = set()
        self._watched: dict[str, int] = {}

    async def open(self, message: Message) -> Reply:
        """Serve a `subscriptions/listen`. Raises `UpstreamFailed`."""
        listens = await self._session.listen()
        capabilities = words.object_at(self._session.result, "capabilities")
        filter = words.object_at(message.params, "notifications")
        assert message.id is not None
        subscriber = _Subscriber(message.id, words.honoured(filter, capabilities) if listens else {})
        self._subscribers.add(subscriber)
        self._session.streams(+1)
        return made.Streamed(self._stream(subscriber), lambda: self._left(subscriber))

    def changed(self, message: Message) -> None:
        """Give a notification to whoever subscribed to it; a changed list of tools is read again in any case."""
        if message.method == "notifications/tools/list_changed" and not self._subscribers:
            self._session.gateway.rescan_soon(self._session.config.name)
        for subscriber in list(self._subscribers):
            subscriber.give(message)

    def end(self) -> None:
        """No more will come for anyone."""
        for subscriber in list(self._subscribers):
            subscriber.end()

    async def _stream(self, subscriber: _Subscriber) -> AsyncGenerator[sse.Event, None]:
        uris = list(dict.fromkeys(subscriber.filter.pop("resourceSubscriptions", ())))
        for uri in uris:
            if await self._watch(uri):
                subscriber.watched.append(uri)
        if subscriber.watched:
            subscriber.filter["resourceSubscriptions"] = list(subscriber.watched)
        acknowledged = words.subscribed({"notifications": subscriber.filter}, subscriber.id)
        yield made.notification("notifications/subscriptions/acknowledged", acknowledged)
        while not subscriber.over:
            try:
                async with asyncio.timeout(_KEEP_ALIVE_SECONDS):
                    message = await subscriber.queue.get()
            except TimeoutError:
                yield made.KEEP_ALIVE
                continue
            if message is not None:
                yield made.notification(message.method or "", words.subscribed(message.params, subscriber.id))
        ended = words.subscribed({"resultType": "complete"}, subscriber.id)
        yield made.event(made.result(subscriber.id, ended))

    async def _watch(self, uri: str) -> bool:
        """Subscribe to a resource, once for all who want it. False where the server refuses."""
        if uri not in self._watched:
            if not await self._session.watch("resources/subscribe", uri):
                return False
            self._watched.setdefault(uri, 0)
        self._watched[uri] += 1
        return True

    def _left(self, subscriber: _Subscriber) -> None:
        if subscriber not in self._subscribers:
            return
        self._subscribers.discard(subscriber)
        self._session.streams(-1)
        for uri in subscriber.watched:
            self._watched[uri] -= 1
            if not self._watched[uri]:
                del self._watched[uri]
                if not self._session.over:
                    self._session.gateway.spawn(self._session.watch("resources/unsubscribe", uri))


class _Subscriber:
    """One open `subscriptions/listen`."""

    def __init__(self, id: str | int, filter: dict[str, Any]) -> None:
        self.id = id
        self.filter = filter
        self.watched: list[str] = []
        self.over = False
        self.queue: asyncio.Queue[Message | None] = asyncio.Queue(_MOST_UNREAD)

    def give(self, message: Message) -> None:
        """A notification, where it was asked for. One who does not read is not given more, and has to begin anew."""
        if words.wanted_changes(message.method or "", message.params, self.filter):
            try:
                self.queue.put_nowait(message)
            except asyncio.QueueFull:
                self.end()

    def end(self) -> None:
        """No more will come."""
        self.over = True
        if self.queue.empty():
            self.queue.put_nowait(None)

"""The session that the bridge keeps with a legacy server for one grant's modern clients."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any, Final

from gatepost.gateway.bridge import made, words
from gatepost.gateway.bridge.legacy_call import ASKING, LegacyCall
from gatepost.gateway.sessions import TooManySessions, too_many
from gatepost.mcp.message import Message, MessageError, from_body, parse
from gatepost.upstreams.base import Reply, Upstream, UpstreamFailed
from gatepost.upstreams.config import ServerConfig
from gatepost.upstreams.conversation import CLIENT, Conversation, Refusal
from gatepost.wire import sse

if TYPE_CHECKING:
    from gatepost.gateway.caller import Caller
    from gatepost.gateway.core import Gateway

MOST_HELD: Final = 64
"""Calls of one session that may wait for their clients at the same time."""
_MOST_UNREAD: Final = 256
_LISTENING_SECONDS: Final = 2.0
"""How long the first call of a session waits for the listening stream that a server may ask on."""
_KEEP_ALIVE_SECONDS: Final = 15.0
_SHORT_SECONDS: Final = 5.0


class LegacySession:
    """One legacy session: opened by `open`, used by every call of the grant whose client can do the same.

    Args:
        caller: the grant that it is kept for.
        capabilities: what to tell the server that the client can be asked for.
        client: name and version of the client that came first.
    """

    def __init__(
        self,
        gateway: Gateway,
        upstream: Upstream,
        config: ServerConfig,
        caller: Caller,
        capabilities: dict[str, Any],
        client: dict[str, Any],
    ) -> None:
        self.gateway = gateway
        self.config = config
        self.key: str | None = None
        self.result: dict[str, Any] = {}
        self.calls: dict[int, LegacyCall] = {}
        self.held: dict[str, LegacyCall] = {}
        self.most_held = MOST_HELD
        self._upstream = upstream
        self._grant = caller.grant
        self._capabilities = capabilities
        self._client = client or CLIENT
        self._conversation: Conversation | None = None
        self._version = ""
        self._last_id = 1_000_000  # out of the way of the conversation's own
        self._listener: asyncio.Task[None] | None = None
        self._may_listen = True
        self._subscribers: set[_Subscriber] = set()
        self._watched: dict[str, int] = {}
        self._level: str | None = None
        self.over = False

    # -- its life

    async def open(self) -> LegacySession:
        """Shake hands. Raises `UpstreamFailed`."""
        gateway, name = self.gateway, self.config.name
        try:
            gateway.sessions.room(self._grant.id)
        except TooManySessions:
            raise UpstreamFailed("GP-1012", name, str(too_many()), sent=False) from None
        key = gateway.sessions.new_key() if self.config.transport == "stdio" else None
        conversation = Conversation(
            self._upstream, self.config, "legacy", key, client=self._client, capabilities=self._capabilities
        )
        try:
            self.result = await conversation.handshake()
        except Refusal as refusal:
            await conversation.end()
            text = f"The server {name!r} refused initialize: {refusal}."
            raise UpstreamFailed("GP-3003", name, text, sent=True) from None
        self._conversation, self.key, self._version = conversation, conversation.session, conversation.version or ""
        kept = self.key or gateway.sessions.new_key()
        self._record = gateway.sessions.begin(self._grant.id, name, kept, gateway.clock())
        self._record.on_end = self._ended
        gateway.note("session", action="began", grant_id=self._grant.id, server=name)
        if self._capabilities:
            await self._listen()
        return self

    def used(self) -> None:
        """It was used just now, and is busy as long as a call is in flight."""
        self._record.used = self.gateway.clock()
        self._record.in_flight = set(self.calls)

    def end(self) -> None:
        """End it, as the reaper does."""
        self.gateway.sessions.end(self._record)

    def _ended(self) -> None:
        """It was reaped, or is of no use: let go of all it holds, and tell the server."""
        self.over = True
        for call in list(self.calls.values()):
            call.cancel()
        for subscriber in list(self._subscribers):
            subscriber.end()
        if self._listener is not None:
            self._listener.cancel()
        if self._conversation is not None:
            self.gateway.spawn(self._conversation.end())

    # -- calls

    def next_id(self) -> int:
        """A request id of this session."""
        self._last_id += 1
        return self._last_id

    async def ask(self, message: Message, trace: list[tuple[bytes, bytes]]) -> Reply:
        """Send a request. Raises `UpstreamFailed`, `SessionGone`."""
        if self._capabilities:
            await self._listen()
        await self._loud(message.meta().get(words.LOG_LEVEL_KEY))
        call = LegacyCall(self, message, trace)
        self.used()
        return await call.reply()

    def hold(self, call: LegacyCall) -> str:
        """Keep a call that waits for its client. Returns the key by which it is found."""
        key = secrets.token_urlsafe(18)
        self.held[key] = call
        return key

    def asked(self) -> LegacyCall | None:
        """The call that a server's request belongs to, where nothing but the moment tells; None where that is open."""
        asking = [call for call in self.calls.values() if call.method in ASKING and not call.waits]
        return asking[0] if len(asking) == 1 else None

    def logging(self) -> LegacyCall | None:
        """The call that a log message belongs to, in the same way: the only one that asked for some."""
        if len(self.calls) == 1:
            (call,) = self.calls.values()
            return None if call.level is None else call
        return None

    async def _loud(self, level: Any) -> None:
        """Have the server log at least so much. What is too much for a call does not reach it."""
        levels = words.LEVELS
        if level not in levels or "logging" not in words.object_at(self.result, "capabilities"):
            return
        if self._level is None or levels.index(level) < levels.index(self._level):
            self._level = level
            assert self._conversation is not None
            with contextlib.suppress(Refusal, UpstreamFailed):
                await self._conversation.ask("logging/setLevel", {"level": level})

    async def post(self, body: dict[str, Any], trace: list[tuple[bytes, bytes]]) -> Reply:
        """Send one message. Raises `UpstreamFailed`."""
        message = from_body(body)
        return await self._upstream.post(message.encode(), message, [*self._headers(), *trace], self.key)

    async def tell(self, body: dict[str, Any]) -> None:
        """Send what has no answer. Raises `UpstreamFailed`."""
        reply = await self.post(body, [])
        reply.abort()
        if reply.status >= 300:
            name = self.config.name
            text = f"The server {name!r} took no answer to its own request: HTTP {reply.status}."
            raise UpstreamFailed("GP-3003", name, text, sent=True)

    def tell_soon(self, body: dict[str, Any]) -> None:
        """The same behind the caller's back; where it fails, nothing is lost."""
        self.gateway.spawn(self._told(body))

    async def _told(self, body: dict[str, Any]) -> None:
        with contextlib.suppress(UpstreamFailed):
            await self.tell(body)

    async def refuse(self, request: Message, why: str) -> None:
        """Answer a request of the server that no client is asked."""
        self.dropped(f"The server asked for {request.method}: {why}")
        await self._told(made.error(request.id, words.METHOD_NOT_FOUND, why))

    def dropped(self, why: str) -> None:
        """Record that something the server sent was not passed on."""
        self.gateway.metrics.dropped[self.config.name] += 1
        self.gateway.drops.note(server=self.config.name, grant_id=self._grant.id, reason=why)

    def note_request(self, method: str, target: Any) -> None:
        """Record that the server's request goes to the client."""
        self.gateway.note(
            "server_request",
            grant_id=self._grant.id,
            grant=self._grant.label,
            server=self.config.name,
            method=method,
            tool=target,
        )

    def _headers(self) -> list[tuple[bytes, bytes]]:
        return [(b"mcp-protocol-version", self._version.encode())]

    # -- the listening stream

    async def _listen(self) -> None:
        """Have the listening stream open, where the server has one."""
        if self._listener is not None or not self._may_listen:
            return
        opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._listener = asyncio.ensure_future(self._listening(opened))
        self._listener.add_done_callback(self._not_listening)
        await asyncio.wait({opened}, timeout=_LISTENING_SECONDS)

    async def _listening(self, opened: asyncio.Future[None]) -> None:
        try:
            reply = await self._upstream.listen(self._headers(), self.key)
            self._may_listen = reply.kind == "sse"
        except UpstreamFailed:
            self._may_listen = False
            return
        finally:
            if not opened.done():
                opened.set_result(None)
        began = self.gateway.clock()
        try:
            if reply.kind != "sse":
                return
            with contextlib.suppress(UpstreamFailed):
                async with contextlib.aclosing(reply.events()) as events:
                    async for event in events:
                        if event.data:
                            await self._heard(event.data)
        finally:
            reply.abort()
            # A server that ends the stream at once has none to speak of.
            self._may_listen = self._may_listen and self.gateway.clock() - began > _SHORT_SECONDS

    def _not_listening(self, _: asyncio.Task[None]) -> None:
        self._listener = None
        for subscriber in list(self._subscribers):
            subscriber.end()

    async def _heard(self, data: bytes) -> None:
        try:
            message = parse(data)
        except MessageError as error:
            self.dropped(str(error))
            return
        if message.kind == "notification" and words.is_change(message.method):
            self.changed(message)
        elif message.method == "notifications/message":
            call = self.logging()
            if call is not None:
                call.incoming.offer(message)
        elif message.kind == "request" and message.method == "ping":
            await self._told(made.result(message.id, {}))
        elif message.kind == "request":
            about = self.asked()
            if about is None or not about.incoming.offer(message):
                await self.refuse(message, "It cannot be told in which call this is asked.")

    def changed(self, message: Message) -> None:
        """Give a notification to whoever subscribed to it; a changed list of tools is read again in any case."""
        if message.method == "notifications/tools/list_changed" and not self._subscribers:
            self.gateway.spawn(self.gateway.rescan(self.config.name))
        for subscriber in list(self._subscribers):
            subscriber.give(message)

    # -- subscriptions

    async def subscribe(self, message: Message) -> Reply:
        """Serve `subscriptions/listen`. Raises `UpstreamFailed`."""
        await self._listen()
        filter = words.object_at(message.params, "notifications")
        capabilities = words.object_at(self.result, "capabilities")
        honoured = words.honoured(filter, capabilities) if self._listener is not None else {}
        assert message.id is not None
        subscriber = _Subscriber(message.id, honoured)
        self._subscribers.add(subscriber)
        self._record.streams += 1
        return made.Streamed(self._subscription(subscriber), lambda: self._unsubscribed(subscriber))

    async def _subscription(self, subscriber: _Subscriber) -> AsyncGenerator[sse.Event, None]:
        uris = list(dict.fromkeys(subscriber.filter.get("resourceSubscriptions", ())))
        for uri in uris:
            if await self._watch(uri):
                subscriber.watched.append(uri)
        if uris:
            subscriber.filter = {**subscriber.filter, "resourceSubscriptions": subscriber.watched}
            if not subscriber.watched:
                del subscriber.filter["resourceSubscriptions"]
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
            if not await self._resource("resources/subscribe", uri):
                return False
            self._watched.setdefault(uri, 0)
        self._watched[uri] += 1
        return True

    def _unsubscribed(self, subscriber: _Subscriber) -> None:
        if subscriber not in self._subscribers:
            return
        self._subscribers.discard(subscriber)
        self._record.streams -= 1
        self.used()
        for uri in subscriber.watched:
            self._watched[uri] -= 1
            if not self._watched[uri]:
                del self._watched[uri]
                if not self.over:
                    self.gateway.spawn(self._resource("resources/unsubscribe", uri))

    async def _resource(self, method: str, uri: str) -> bool:
        assert self._conversation is not None
        try:
            await self._conversation.ask(method, {"uri": uri})
        except (Refusal, UpstreamFailed):
            return False
        return True


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

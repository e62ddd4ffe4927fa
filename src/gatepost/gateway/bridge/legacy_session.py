"""The session that the bridge keeps with a legacy server for one grant's modern clients."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from typing import TYPE_CHECKING, Any, Final

from gatepost.gateway.bridge import made, words
from gatepost.gateway.bridge.legacy_call import ASKING, LegacyCall
from gatepost.gateway.bridge.subscriptions import Subscriptions
from gatepost.gateway.bridge.url_wanted import UrlWanted
from gatepost.gateway.sessions import TooManySessions, too_many
from gatepost.mcp.message import Message, MessageError, from_body, parse
from gatepost.upstreams.base import Reply, Upstream, UpstreamFailed
from gatepost.upstreams.config import ServerConfig
from gatepost.upstreams.conversation import CLIENT, Conversation, Refusal

if TYPE_CHECKING:
    from gatepost.gateway.caller import Caller
    from gatepost.gateway.core import Gateway

MOST_HELD: Final = 64
"""Calls of one session that may wait for their clients at the same time."""
_LISTENING_SECONDS: Final = 2.0
"""How long the first call of a session waits for the listening stream that a server may ask on."""
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
        self.held: dict[str, LegacyCall | UrlWanted] = {}
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
        self.subscriptions = Subscriptions(self)
        self._level: str | None = None
        self.over = False

    # -- its life

    async def open(self) -> LegacySession:
        """Shake hands. Raises `UpstreamFailed`."""
        gateway, name = self.gateway, self.config.name
        try:
            gateway.sessions.claim(self._grant.id)
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
        finally:
            gateway.sessions.unclaim(self._grant.id)
        self._conversation, self.key, self._version = conversation, conversation.session, conversation.version or ""
        kept = self.key or gateway.sessions.new_key()
        self._record = gateway.sessions.begin(self._grant.id, name, kept, gateway.clock())
        self._record.on_end = self._ended
        gateway.note("session", action="began", grant_id=self._grant.id, server=name)
        if self._capabilities:
            await self.listen()
        return self

    def used(self) -> None:
        """It was used just now, and is busy as long as a call is in flight."""
        self._record.used = self.gateway.clock()
        self._record.in_flight = set(self.calls)

    def streams(self, more: int) -> None:
        """So many more (or fewer) of its clients listen: meanwhile it is not idle."""
        self._record.streams += more
        self.used()

    def end(self) -> None:
        """End it, as the reaper does."""
        self.gateway.sessions.end(self._record)

    def _ended(self) -> None:
        """It was reaped, or is of no use: let go of all it holds, and tell the server."""
        self.over = True
        for call in list(self.calls.values()):
            call.cancel()
        self.subscriptions.end()
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
            await self.listen()
        await self._loud(message.meta().get(words.LOG_LEVEL_KEY))
        call = LegacyCall(self, message, trace)
        self.used()
        return await call.reply()

    def hold(self, call: LegacyCall | UrlWanted) -> str:
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

    async def watch(self, method: str, uri: str) -> bool:
        """Subscribe to a resource, or no longer. False where the server refuses."""
        assert self._conversation is not None
        try:
            await self._conversation.ask(method, {"uri": uri})
        except (Refusal, UpstreamFailed):
            return False
        return True

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

    async def listen(self) -> bool:
        """Have the listening stream open, where the server has one. False where it has none."""
        if self._listener is not None or not self._may_listen:
            return self._listener is not None
        opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._listener = asyncio.ensure_future(self._listening(opened))
        self._listener.add_done_callback(self._not_listening)
        await asyncio.wait({opened}, timeout=_LISTENING_SECONDS)
        return self._listener is not None

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
        self.subscriptions.end()

    async def _heard(self, data: bytes) -> None:
        try:
            message = parse(data)
        except MessageError as error:
            self.dropped(str(error))
            return
        if message.kind == "notification" and words.is_change(message.method):
            self.subscriptions.changed(message)
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

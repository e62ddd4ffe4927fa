"""What a modern server does not remember of a legacy client: who it is, what it can do, what it subscribed to."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any, Final

from gatepost.gateway.bridge import made, words
from gatepost.gateway.bridge.incoming import Incoming, Item
from gatepost.mcp import headers as mirrored
from gatepost.mcp import modern
from gatepost.mcp.message import Id, Message, from_body
from gatepost.mcp.methods import LEGACY_VERSIONS, MODERN_VERSIONS
from gatepost.upstreams.base import LISTEN, Headers, Reply, Upstream, UpstreamFailed
from gatepost.upstreams.config import ServerConfig
from gatepost.upstreams.conversation import Conversation, Refusal
from gatepost.wire import sse, strictjson

if TYPE_CHECKING:
    from gatepost.gateway.bridge.modern_call import ModernCall
    from gatepost.gateway.core import Gateway

_VERSION: Final = MODERN_VERSIONS[-1]
_KEEP_ALIVE_SECONDS: Final = 15.0
_ACKNOWLEDGED_SECONDS: Final = 5.0


class _Again(Exception):
    """The subscription is to be made anew."""


class _Replaced(Exception):
    """Another listening stream has taken the place of this one."""


class ClientSession:
    """One session of a legacy client, in front of a modern server.

    Args:
        initialize: the client's request of that name.
    """

    def __init__(self, gateway: Gateway, upstream: Upstream, config: ServerConfig, initialize: Message) -> None:
        self.gateway = gateway
        self.config = config
        self.capabilities = words.legacy_client_capabilities(words.object_at(initialize.params, "capabilities"))
        self.calls: dict[Id | None, ModernCall] = {}
        self.asked: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self.discovered: dict[str, Any] = {}
        self._upstream = upstream
        self._client = words.object_at(initialize.params, "clientInfo")
        wanted = initialize.params.get("protocolVersion")
        self._legacy_version = wanted if wanted in LEGACY_VERSIONS else LEGACY_VERSIONS[-1]
        self._level: str | None = None
        self._watched: dict[str, None] = {}
        self._listening: Incoming | None = None
        self._listens = 0
        self._acknowledged = asyncio.Event()

    async def open(self) -> dict[str, Any]:
        """Ask the server what it is; returns the result of `initialize`. Raises `UpstreamFailed`."""
        conversation = Conversation(
            self._upstream, self.config, "modern", None, client=self._client, capabilities=self.capabilities
        )
        try:
            self.discovered = await conversation.ask("server/discover")
        except Refusal as refusal:
            name = self.config.name
            text = f"The server {name!r} refused server/discover: {refusal}."
            raise UpstreamFailed("GP-3003", name, text, sent=True) from None
        return words.initialized(self.discovered, self._legacy_version)

    def end(self) -> None:
        """The session is over: let go of all it holds."""
        for call in list(self.calls.values()):
            call.cancel()
        for future in self.asked.values():
            future.cancel()
        if self._listening is not None:
            self._listening.fail(_Replaced())

    def modern(self, body: dict[str, Any]) -> dict[str, Any]:
        """A message of the client with the envelope of its request."""
        params = words.modern_params(
            words.object_at(body, "params"), _VERSION, self._client, self.capabilities, self._level
        )
        return {**body, "params": params}

    async def post(self, body: dict[str, Any], headers: Headers) -> Reply:
        """Send a request that has its envelope. Raises `UpstreamFailed`."""
        message = from_body(body)
        own = modern.forward_headers(message, _VERSION, [])
        return await self._upstream.post(message.encode(), message, [*own, *self._mirrored(message), *headers], None)

    def _mirrored(self, message: Message) -> list[tuple[bytes, bytes]]:
        """The `Mcp-Param-*` headers that a tool's schema wants, which a legacy client does not know of."""
        server = self.gateway.snapshot.servers.get(self.config.name)
        name = message.params.get("name")
        tool = server.tools.get(name) if server is not None and isinstance(name, str) else None
        if message.method != "tools/call" or tool is None:
            return []
        out = []
        for header, path in tool.param_headers.items():
            value = message.params.get("arguments")
            for key in path:
                value = value.get(key) if isinstance(value, dict) else None
            if value is not None:
                text = value if isinstance(value, str) else strictjson.write(value).decode()
                out.append((header, mirrored.encode(text)))
        return out

    def dropped(self, why: str) -> None:
        """Record that something the server sent was not passed on."""
        self.gateway.metrics.dropped[self.config.name] += 1
        self.gateway.drops.note(server=self.config.name, grant_id=None, reason=why)

    # -- what is remembered

    def set_level(self, message: Message) -> dict[str, Any]:
        """`logging/setLevel`: every request asks for this level from now on."""
        level = message.params.get("level")
        if level not in words.LEVELS:
            return made.error(message.id, words.INVALID_PARAMS, f"The level is one of {', '.join(words.LEVELS)}.")
        self._level = level
        return made.result(message.id, {})

    async def watch(self, message: Message) -> dict[str, Any]:
        """`resources/subscribe` and `resources/unsubscribe`: the listening stream asks for more, or less.

        Where there is one, the answer waits for the server to know, so that no change after it is missed.
        """
        uri = message.params.get("uri")
        resources = words.object_at(words.object_at(self.discovered, "capabilities"), "resources")
        if resources.get("subscribe") is not True:
            return made.error(message.id, words.METHOD_NOT_FOUND, "The server has no subscriptions to resources.")
        before = len(self._watched)
        if message.method == "resources/unsubscribe":
            self._watched.pop(str(uri), None)
        elif len(self._watched) >= words.MOST_WATCHED:
            why = f"A session has at most {words.MOST_WATCHED} subscriptions."
            return made.error(message.id, words.INVALID_PARAMS, why)
        else:
            self._watched[str(uri)] = None
        if len(self._watched) != before and self._listening is not None:
            self._acknowledged.clear()
            self._listening.fail(_Again())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_ACKNOWLEDGED_SECONDS):
                    await self._acknowledged.wait()
        return made.result(message.id, {})

    def answered(self, message: Message) -> None:
        """The client's answer to what a server needs to know."""
        future = self.asked.get(str(message.id))
        if future is not None and not future.done():
            future.set_result(message.body)

    def cancelled(self, message: Message) -> None:
        """`notifications/cancelled`."""
        wanted = message.params.get("requestId")
        for id, call in list(self.calls.items()):
            if type(id) is type(wanted) and id == wanted:
                call.cancel()

    # -- the listening stream

    async def listen(self) -> Reply:
        """The client's listening stream, made of `subscriptions/listen`. Raises `UpstreamFailed`."""
        if self._listening is not None:
            self._listening.fail(_Replaced())
        source = self._listening = self._subscribe()
        first: Item | Exception
        try:
            first = await source.next()
        except (_Again, _Replaced) as changed:
            first = changed
        if isinstance(first, _Replaced) or first is None or (isinstance(first, Message) and first.kind == "response"):
            self._leave(source)
            return made.Made(status=405)
        if isinstance(first, _Again):
            source = self._listening = self._subscribe()
        return made.Streamed(self._heard(source), lambda: self._leave(source))

    def _leave(self, source: Incoming) -> None:
        source.abort()
        if self._listening is source:
            self._listening = None

    def _subscribe(self) -> Incoming:
        self._listens += 1
        wanted: dict[str, Any] = {"toolsListChanged": True, "promptsListChanged": True, "resourcesListChanged": True}
        if self._watched:
            wanted["resourceSubscriptions"] = list(self._watched)
        id = f"listen-{self._listens}"
        params = words.modern_params({"notifications": wanted}, _VERSION, self._client, self.capabilities, None)
        body = {"jsonrpc": "2.0", "id": id, "method": LISTEN, "params": params}
        return Incoming(
            self.config.name, lambda: self.post(body, []), self.config.limits.message, self.dropped, in_session=False
        )

    async def _heard(self, source: Incoming) -> AsyncGenerator[sse.Event, None]:
        try:
            while True:
                try:
                    async with asyncio.timeout(_KEEP_ALIVE_SECONDS):
                        item = await source.next()
                except TimeoutError:
                    yield made.KEEP_ALIVE
                    continue
                except _Again:
                    source = self._listening = self._subscribe()
                    continue
                except _Replaced:
                    return
                self._acknowledged.set()
                if item is None or (isinstance(item, Message) and item.kind == "response"):
                    return
                if not isinstance(item, Message):
                    yield made.KEEP_ALIVE
                elif words.is_change(item.method):
                    yield made.notification(item.method or "", words.unsubscribed(item.params))
        finally:
            self._leave(source)

"""A legacy server as a modern client's calls see it: stateless."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from gatepost.gateway.bridge import made, words
from gatepost.gateway.bridge.incoming import SessionGone
from gatepost.gateway.bridge.legacy_call import LegacyCall
from gatepost.gateway.bridge.legacy_session import LegacySession
from gatepost.gateway.bridge.url_wanted import UrlWanted
from gatepost.mcp.message import Message
from gatepost.mcp.methods import MODERN_VERSIONS
from gatepost.mcp.modern import CAPABILITIES_KEY
from gatepost.upstreams.base import LISTEN, Headers, Reply, Upstream, UpstreamFailed
from gatepost.upstreams.config import ServerConfig
from gatepost.wire import strictjson
from gatepost.wire.running import as_task

if TYPE_CHECKING:
    from gatepost.gateway.caller import Caller
    from gatepost.gateway.core import Gateway

TRACE: Final = frozenset({b"traceparent", b"tracestate"})
_Key = tuple[str, bytes]


class LegacyServer:
    """The sessions with one legacy server: one for each grant and what its clients can be asked for."""

    def __init__(self, gateway: Gateway, upstream: Upstream, config: ServerConfig) -> None:
        self.config = config
        self._gateway = gateway
        self._upstream = upstream
        self._sessions: dict[_Key, asyncio.Task[LegacySession]] = {}

    async def session(self, caller: Caller, message: Message) -> LegacySession:
        """The session for a request, begun where there is none. Raises `UpstreamFailed`."""
        meta = message.meta()
        capabilities = words.legacy_client_capabilities(words.object_at(meta, CAPABILITIES_KEY))
        key = (caller.grant.id, strictjson.canonical(capabilities))
        task = self._sessions.get(key)
        if task is None or _useless(task):
            client = words.object_at(meta, words.CLIENT_INFO_KEY)
            fresh = LegacySession(self._gateway, self._upstream, self.config, caller, capabilities, client)
            task = self._sessions[key] = asyncio.ensure_future(fresh.open())
            task.add_done_callback(lambda done: self._opened(key, done))
        # Whoever waits may leave; the others still get the session.
        return await asyncio.shield(task)

    def _opened(self, key: _Key, task: asyncio.Task[LegacySession]) -> None:
        if _useless(task) and self._sessions.get(key) is task:
            del self._sessions[key]
        self._sessions = {known: kept for known, kept in self._sessions.items() if not _useless(kept)}

    def held(self, grant_id: str, key: Any) -> LegacyCall | UrlWanted | None:
        """The call of a grant that waits under a key."""
        for (owner, _), task in self._sessions.items():
            if owner == grant_id and task.done() and not _useless(task):
                session = task.result()
                if isinstance(key, str) and key in session.held:
                    return session.held[key]
        return None

    def end(self) -> None:
        """End every session."""
        for task in self._sessions.values():
            if not task.done():
                task.cancel()
            elif not _useless(task):
                task.result().end()
        self._sessions.clear()


def _useless(task: asyncio.Task[LegacySession]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None or task.result().over)


class TowardLegacy:
    """`base.Upstream` for the calls of one grant's modern clients."""

    def __init__(self, server: LegacyServer, caller: Caller) -> None:
        self._server = server
        self._caller = caller

    async def post(self, body: bytes, message: Message, headers: Headers, session: str | None) -> Reply:  # noqa: ARG002
        """See `Upstream.post`. A notification of a modern client has no meaning for the session that others share."""
        if message.kind != "request":
            return made.Made(status=202)
        await as_task()
        if message.method == "ping":
            return made.Made(made.result(message.id, {"resultType": "complete"}))
        if "task" in message.params:
            return made.Made(made.error(message.id, words.INVALID_PARAMS, words.NO_TASKS))
        if "requestState" in message.params:
            return await self._resumed(message)
        trace = [pair for pair in headers if pair[0] in TRACE]
        try:
            return await self._asked(message, trace)
        except SessionGone:
            if message.method == "tools/call" and self._server.config.transport == "http":
                name = self._server.config.name
                raise UpstreamFailed(
                    "GP-3003",
                    name,
                    f"The server {name!r} had ended the session behind this call.",
                    "Call again: that begins a new one. A tool call is never sent twice by the gateway.",
                    sent=True,
                ) from None
        try:
            return await self._asked(message, trace)
        except SessionGone:
            name = self._server.config.name
            text = f"The server {name!r} does not know the session that it has just begun."
            raise UpstreamFailed("GP-3003", name, text, sent=True) from None

    async def _asked(self, message: Message, trace: list[tuple[bytes, bytes]]) -> Reply:
        session = await self._server.session(self._caller, message)
        if message.method == "server/discover":
            return made.Made(made.result(message.id, words.discovered(session.result, MODERN_VERSIONS)))
        if message.method == LISTEN:
            return await session.subscriptions.open(message)
        try:
            return await session.ask(message, trace)
        except SessionGone:
            session.end()
            raise

    async def _resumed(self, message: Message) -> Reply:
        found = self._server.held(self._caller.grant.id, message.params["requestState"])
        if found is None:
            name = self._server.config.name
            text = f"The call to the server {name!r} does not wait for this answer any more. Call again."
            raise UpstreamFailed("GP-3002", name, text, sent=False)
        try:
            return await found.resumed(message)
        except SessionGone:
            name = self._server.config.name
            text = f"The server {name!r} has ended the session in the middle of this call."
            raise UpstreamFailed("GP-3003", name, text, sent=True) from None

    async def listen(self, headers: Headers, session: str | None) -> Reply:  # noqa: ARG002
        """See `Upstream.listen`; not in the modern era."""
        return made.Made(status=405)

    async def delete(self, headers: Headers, session: str | None) -> Reply:  # noqa: ARG002
        """See `Upstream.delete`; not in the modern era."""
        return made.Made(status=405)

    async def close(self) -> None:
        """See `Upstream.close`."""
        self._server.end()

    def status(self) -> dict[str, Any]:
        """See `Upstream.status`."""
        return {}

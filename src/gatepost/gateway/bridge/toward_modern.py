"""A modern server as a legacy client sees it: with a session, which is kept here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gatepost.gateway.bridge import made, words
from gatepost.gateway.bridge.client_session import ClientSession
from gatepost.gateway.bridge.modern_call import ModernCall
from gatepost.gateway.bridge.toward_legacy import TRACE
from gatepost.mcp.message import Message
from gatepost.upstreams.base import Headers, Reply, Upstream
from gatepost.upstreams.config import ServerConfig
from gatepost.wire.running import as_task

if TYPE_CHECKING:
    from gatepost.gateway.caller import Caller
    from gatepost.gateway.core import Gateway


class ModernServer:
    """The sessions of legacy clients with one modern server, by the gateway's own keys."""

    def __init__(self, gateway: Gateway, upstream: Upstream, config: ServerConfig) -> None:
        self.gateway = gateway
        self.upstream = upstream
        self.config = config
        self.sessions: dict[str, ClientSession] = {}

    def forget(self, key: str) -> None:
        """A session has ended."""
        session = self.sessions.pop(key, None)
        if session is not None:
            session.end()

    def end(self) -> None:
        """End every session."""
        for key in list(self.sessions):
            self.forget(key)


class TowardModern:
    """`base.Upstream` for the messages of one grant's legacy clients."""

    def __init__(self, server: ModernServer, caller: Caller) -> None:
        self._server = server
        self._caller = caller

    async def post(self, body: bytes, message: Message, headers: Headers, session: str | None) -> Reply:  # noqa: ARG002
        """See `Upstream.post`. `session` is the gateway's own key; 404 is the answer where nothing is kept for it."""
        await as_task()
        if message.method == "initialize" and session is not None:
            return await self._begun(message, session)
        kept = self._server.sessions.get(session or "")
        if kept is None:
            return made.Made(status=404)
        if message.kind == "response":
            kept.answered(message)
            return made.Made(status=202)
        if message.kind == "notification":
            if message.method == "notifications/cancelled":
                kept.cancelled(message)
            return made.Made(status=202)
        if message.method == "ping":
            return made.Made(made.result(message.id, {}))
        if message.method == "logging/setLevel":
            return made.Made(kept.set_level(message))
        if message.method in ("resources/subscribe", "resources/unsubscribe"):
            return made.Made(await kept.watch(message))
        if "task" in message.params:
            return made.Made(made.error(message.id, words.INVALID_PARAMS, words.NO_TASKS))
        trace = [pair for pair in headers if pair[0] in TRACE]
        return await ModernCall(kept, self._caller, message, trace).reply()

    async def _begun(self, message: Message, key: str) -> Reply:
        server = self._server
        session = ClientSession(server.gateway, server.upstream, server.config, message)
        result = await session.open()
        server.sessions[key] = session
        return made.Made(made.result(message.id, result))

    async def listen(self, headers: Headers, session: str | None) -> Reply:  # noqa: ARG002
        """See `Upstream.listen`."""
        await as_task()
        kept = self._server.sessions.get(session or "")
        return made.Made(status=404) if kept is None else await kept.listen()

    async def delete(self, headers: Headers, session: str | None) -> Reply:  # noqa: ARG002
        """See `Upstream.delete`. What is kept goes with the gateway's own session."""
        return made.Made(status=200 if session in self._server.sessions else 404)

    async def close(self) -> None:
        """See `Upstream.close`."""
        self._server.end()

    def status(self) -> dict[str, Any]:
        """See `Upstream.status`."""
        return {"sessions": len(self._server.sessions)}

"""Gatepost as a client of a server: what a scan asks, and reading what comes back."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any, Final, Literal

from gatepost import __version__
from gatepost.mcp import message as messages
from gatepost.mcp import modern
from gatepost.mcp.message import Message, MessageError
from gatepost.mcp.methods import LEGACY_VERSIONS, MODERN_VERSIONS
from gatepost.upstreams import failures
from gatepost.upstreams.base import Reply, Upstream, UpstreamFailed
from gatepost.upstreams.config import ServerConfig

Era = Literal["legacy", "modern"]
CLIENT: Final = {"name": "gatepost", "version": __version__}
CAPABILITIES: Final[dict[str, Any]] = {"roots": {}, "sampling": {}, "elicitation": {"form": {}, "url": {}}}
"""Everything a client can offer: some servers list a tool only to those who can serve it. None of it is then done."""
_PREFIX: Final = "io.modelcontextprotocol/"


class Refusal(Exception):
    """The server answered with a JSON-RPC error. `code` is 0 where it gave none."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{message[:300]} ({code})" if code else message[:300])
        self.code = code


class Conversation:
    """Questions to one server in one era, over one session.

    Args:
        upstream: the connection.
        config: the server.
        era: decides the metadata, the headers and whether there is a session.
        session: the session key; for HTTP it is learnt from the answer to `initialize`.
        budget: bytes of answers to read in all.
        client: the name and version to give; the gateway's own by default.
        capabilities: what to say that the client can do.
        first_id: the ids of its requests count up from here.

    Attributes:
        session: as above.
        version: the revision that is spoken; None before `handshake`.
    """

    def __init__(
        self,
        upstream: Upstream,
        config: ServerConfig,
        era: Era,
        session: str | None,
        *,
        budget: int = 64 * 1024 * 1024,
        client: Mapping[str, Any] = CLIENT,
        capabilities: Mapping[str, Any] = CAPABILITIES,
        first_id: int = 1,
    ) -> None:
        self._upstream = upstream
        self._config = config
        self._era: Era = era
        self._client = dict(client)
        self._capabilities = dict(capabilities)
        self.session = session
        self.version: str | None = MODERN_VERSIONS[-1] if era == "modern" else None
        self._budget = budget
        self._next_id = first_id

    async def ask(self, method: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The result of a request.

        Raises:
            Refusal: the server answered with an error.
            UpstreamFailed: it did not answer (in time, or at all), or not as an MCP server does.
        """
        seconds, name = self._config.limits.probe, self._config.name
        try:
            async with asyncio.timeout(seconds):
                return await self._ask(method, dict(params or {}))
        except TimeoutError:
            text = f"The server {name!r} did not answer {method} within {seconds:g} s."
            raise UpstreamFailed("GP-3002", name, text, sent=True) from None

    async def _ask(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        if self._era == "modern":
            params["_meta"] = {
                _PREFIX + "protocolVersion": self.version,
                _PREFIX + "clientInfo": self._client,
                _PREFIX + "clientCapabilities": self._capabilities,
            }
        id, self._next_id = self._next_id, self._next_id + 1
        reply = await self._post({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
        try:
            answer = await self._read(reply, id)
        finally:
            reply.abort()
        if method == "initialize":
            self.session = _session_id(reply) or self.session
        error = answer.get("error")
        if error is not None:
            error = error if isinstance(error, dict) else {}
            code, text = error.get("code"), error.get("message")
            raise Refusal(code if isinstance(code, int) else 0, text if isinstance(text, str) else "")
        result = answer["result"]
        if not isinstance(result, dict):
            raise self._not_mcp(f"the result of {method} is not an object")
        return result

    async def handshake(self) -> dict[str, Any]:
        """The legacy `initialize` (2025-11-25 lifecycle); returns its result. Raises as `ask` does."""
        params = {
            "protocolVersion": LEGACY_VERSIONS[-1],
            "capabilities": self._capabilities,
            "clientInfo": self._client,
        }
        result = await self.ask("initialize", params)
        version = result.get("protocolVersion")
        if version not in LEGACY_VERSIONS:
            raise self._not_mcp(f"it offers the protocol revision {version!r}, which is not spoken here")
        self.version = version
        reply = await self._post({"jsonrpc": "2.0", "method": "notifications/initialized"})
        reply.abort()
        return result

    async def end(self) -> None:
        """End the session, where there is one."""
        if self._era == "legacy" and self.session is not None:
            try:
                (await self._upstream.delete(self._headers(None), self.session)).abort()
            except UpstreamFailed:
                pass  # the server forgets the session by itself, sooner or later

    async def _post(self, body: dict[str, Any]) -> Reply:
        message = messages.from_body(body)
        return await self._upstream.post(message.encode(), message, self._headers(message), self.session)

    def _headers(self, message: Message | None) -> list[tuple[bytes, bytes]]:
        if self.version is None:
            return []
        if self._era == "modern" and message is not None:
            return modern.forward_headers(message, self.version, [])
        return [(b"mcp-protocol-version", self.version.encode())]

    async def _read(self, reply: Reply, id: int) -> dict[str, Any]:
        if reply.status in (401, 403):
            raise failures.wants_credential(self._config, reply.status)
        if reply.kind == "json":
            message = self._parse(await reply.body(self._budget), reply.status)
            if message.kind != "response" or (message.id != id and message.id is not None):
                raise self._not_mcp("it answered something else than was asked")
            return message.body
        if reply.kind == "sse":
            async with contextlib.aclosing(reply.events()) as events:
                async for event in events:
                    if not event.data:
                        continue
                    message = self._parse(event.data, reply.status)
                    if message.kind == "response" and message.id == id:
                        return message.body
                    if message.kind == "request":
                        await self._answer(message)
            raise self._not_mcp("it closed the stream without an answer")
        raise self._not_mcp(f"it answered HTTP {reply.status} without a JSON-RPC message")

    def _parse(self, data: bytes, status: int) -> Message:
        self._budget -= len(data)
        if self._budget < 0:
            text = f"The server {self._config.name!r} answered with more than a scan reads."
            raise UpstreamFailed("GP-3004", self._config.name, text, sent=True)
        try:
            return messages.parse(data)
        except MessageError as error:
            http = "" if 200 <= status < 300 else f"HTTP {status}: "
            raise self._not_mcp(f"{http}{error.message}") from None

    async def _answer(self, request: Message) -> None:
        """Answer a legacy server's own request: there are no roots, and nobody to ask."""
        body: dict[str, Any] = {"jsonrpc": "2.0", "id": request.id}
        results = {"ping": {}, "roots/list": {"roots": []}, "elicitation/create": {"action": "decline"}}
        if request.method in results:
            body["result"] = results[request.method]
        else:
            body["error"] = {"code": -1, "message": "Nobody is there to answer during a scan."}
        (await self._post(body)).abort()

    def _not_mcp(self, why: str) -> UpstreamFailed:
        name, where = self._config.name, self._config.where
        hint = (
            "Check the path of its URL. The old HTTP+SSE transport of 2024-11-05 is not spoken."
            if self._config.url is not None
            else "Check its command."
        )
        text = f"The server {name!r} ({where}) does not answer as an MCP server: {why}."
        return UpstreamFailed("GP-3003", name, text, hint, sent=True)


def _session_id(reply: Reply) -> str | None:
    value = next((value for name, value in reply.headers if name == b"mcp-session-id"), b"")
    return value.decode("ascii") if value and all(0x21 <= byte <= 0x7E for byte in value) else None

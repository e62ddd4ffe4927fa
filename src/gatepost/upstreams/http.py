"""A server reached over Streamable HTTP, in both eras."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncGenerator
from typing import Any, Final

import msgspec

from gatepost import __version__
from gatepost.mcp.message import Message
from gatepost.upstreams import failures
from gatepost.upstreams.base import LISTEN, Headers, Kind, UpstreamFailed
from gatepost.upstreams.config import ServerConfig
from gatepost.wire import sse
from gatepost.wire.errors import UpstreamError
from gatepost.wire.pool import Pool, Timeouts, with_body
from gatepost.wire.response import Response, ResponseHead
from gatepost.wire.running import as_task

_OWN: Final = (
    (b"accept", b"application/json, text/event-stream"),
    (b"accept-encoding", b"identity"),
    (b"user-agent", f"gatepost/{__version__}".encode()),
)
_IDLE_SECONDS: Final = 4.0
"""Uvicorn and Node close a connection that was idle for 5 s. A call sent in that moment would be lost, because it must
not be sent twice; so connections are given up before."""
_JSON: Final = (b"content-type", b"application/json")
_KIND: Final = f"{__name__}: kind"
_REMEMBERED: Final = 64
_REPLACED: Final = frozenset({b"accept", b"accept-encoding", b"content-type", b"mcp-session-id", b"user-agent"})


class HttpUpstream:
    """A server behind `base.Upstream` over a pool of kept connections. Nothing is retried, no redirect followed.

    Args:
        config: the server; its `url` is set.
        ssl_context: for https; default: certificates verified against the system's.
    """

    def __init__(self, config: ServerConfig, *, ssl_context: ssl.SSLContext | None = None) -> None:
        if config.url is None:
            raise ValueError("the server has no URL")
        limits = config.limits
        self.config = config
        self._answers = Timeouts(limits.connect, limits.answer, limits.stream_total, limits.stream_idle)
        self._streams = Timeouts(limits.connect, limits.answer, limits.listen_total, limits.listen_idle)
        self._pool = Pool(
            config.url,
            ssl_context=ssl_context,
            timeouts=self._answers,
            max_connections=limits.in_flight,
            idle_seconds=_IDLE_SECONDS,
        )
        self._own = [(name.lower().encode(), value.encode("latin-1")) for name, value in config.headers]
        self._replaced = _REPLACED | {name for name, _ in self._own}
        self._prepared: dict[tuple[Headers, str | None], bytes] = {}
        """The heads of the last calls: most are that of the one before."""
        self._requests = 0
        self._failures = 0
        self._last_failure: dict[str, Any] | None = None

    # -- base.Upstream

    async def post(self, body: bytes, message: Message, headers: Headers, session: str | None) -> HttpReply:
        """See `Upstream.post`. `session` is the server's own session id."""
        timeouts = self._streams if message.method == LISTEN else self._answers
        key = (tuple(headers), session)
        head = self._prepared.get(key)
        if head is None:
            head = self._pool.prepare("POST", [_JSON, *self._headers(headers, session)])
            if len(self._prepared) >= _REMEMBERED:
                self._prepared.clear()
            self._prepared[key] = head
        self._requests += 1
        try:
            return HttpReply.of(self, await self._pool.send(with_body(head, body), timeouts))
        except UpstreamError as error:
            raise self.failed(failures.from_wire(self.config, error)) from error

    async def listen(self, headers: Headers, session: str | None) -> HttpReply:
        """See `Upstream.listen`."""
        return await self._without_body("GET", headers, session, self._streams)

    async def delete(self, headers: Headers, session: str | None) -> HttpReply:
        """See `Upstream.delete`."""
        return await self._without_body("DELETE", headers, session, self._answers)

    async def close(self) -> None:
        """Close every connection; calls in flight fail."""
        await self._pool.close()

    def status(self) -> dict[str, Any]:
        """See `Upstream.status`."""
        return {
            "transport": "http",
            "url": self.config.where,
            "requests": self._requests,
            "failures": self._failures,
            "last_failure": self._last_failure,
        }

    # -- inside

    def _headers(self, given: Headers, session: str | None) -> list[tuple[bytes, bytes]]:
        headers = [*_OWN, *[pair for pair in given if pair[0] not in self._replaced], *self._own]
        if session is not None:
            headers.append((b"mcp-session-id", session.encode("latin-1")))
        return headers

    async def _without_body(self, method: str, headers: Headers, session: str | None, timeouts: Timeouts) -> HttpReply:
        self._requests += 1
        try:
            response = await self._pool.request(method, self._headers(headers, session), timeouts=timeouts)
        except UpstreamError as error:
            raise self.failed(failures.from_wire(self.config, error)) from error
        return HttpReply.of(self, response)

    def failed(self, failure: UpstreamFailed) -> UpstreamFailed:
        """Note a failure for `status`, and return it."""
        self._failures += 1
        self._last_failure = {"time": time.time(), "code": failure.code, "message": failure.message}
        return failure


class HttpReply(msgspec.Struct, eq=False):
    """An HTTP answer as a `base.Reply`."""

    _upstream: HttpUpstream
    _response: Response
    kind: Kind
    status: int
    headers: list[tuple[bytes, bytes]]

    @classmethod
    def of(cls, upstream: HttpUpstream, response: Response) -> HttpReply:
        """The reply that a response is.

        Raises UpstreamFailed for an answer that is never passed on: a redirect (GP-3006), a compressed body or two
        media types (GP-3003).
        """
        head = response.head
        kind = head.memo.get(_KIND)
        if kind is None:
            try:
                kind = head.memo[_KIND] = _kind(upstream.config, head)
            except UpstreamFailed as failure:
                response.abort()
                raise upstream.failed(failure) from None
        return cls(upstream, response, kind, head.status, head.headers)

    async def body(self, limit: int) -> bytes:
        """See `Reply.body`."""
        response = self._response
        if response.complete and response.size <= limit:
            return response.taken()
        config = self._upstream.config
        await as_task()
        try:
            async with asyncio.timeout_at(response.asked_at + config.limits.answer):
                return await self._read(limit)
        except TimeoutError:
            response.abort()
            raise self._upstream.failed(failures.late(config)) from None

    async def _read(self, limit: int) -> bytes:
        try:
            return await self._response.read(limit)
        except UpstreamError as error:
            self._response.abort()
            raise self._upstream.failed(failures.from_wire(self._upstream.config, error)) from error

    async def events(self) -> AsyncGenerator[sse.Event, None]:
        """See `Reply.events`. Leaving the iteration early closes the connection, which cancels (2026-07-28)."""
        parser = sse.Parser(max_event=self._upstream.config.limits.message)
        complete = False
        try:
            while piece := await self._response.piece():
                for event in parser.feed(piece):
                    yield event
            complete = True
        except UpstreamError as error:
            raise self._upstream.failed(failures.from_wire(self._upstream.config, error)) from error
        except sse.TooLarge:
            raise self._upstream.failed(failures.event_too_large(self._upstream.config)) from None
        finally:
            if not complete:
                self._response.abort()

    def abort(self) -> None:
        """See `Reply.abort`."""
        self._response.abort()


def _kind(config: ServerConfig, head: ResponseHead) -> Kind:
    """What an answer is, by its media type read leniently: any case, parameters, white space (RFC 9110, 8.3.1).

    Raises UpstreamFailed for one that is never passed on.
    """
    if 300 <= head.status < 400:
        location = next((value for name, value in head.headers if name == b"location"), None)
        raise failures.redirected(config, head.status, location)
    encodings = b",".join([value for name, value in head.headers if name == b"content-encoding"])
    if encodings.strip().lower() not in (b"", b"identity"):
        raise failures.compressed(config, encodings)
    if head.status in (202, 204) or head.length == 0:
        return "empty"
    types = {value.partition(b";")[0].strip().lower() for name, value in head.headers if name == b"content-type"}
    if types == {b"text/event-stream"}:
        return "sse"
    if types == {b"application/json"}:
        return "json"
    return "other"

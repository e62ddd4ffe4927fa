"""One response of an upstream, read piece by piece, and the connection it comes on."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Final, cast

import httptools

from gatepost.wire.errors import Cut, Malformed, TimedOut, TooLarge, UpstreamError

if TYPE_CHECKING:
    from gatepost.wire.pool import Pool, Timeouts

_HIGH_WATER: Final = 64 * 1024
_LOW_WATER: Final = 16 * 1024
_MAX_HEADERS: Final = 100
_MAX_HEAD_BYTES: Final = 64 * 1024
_MAX_INTERIM: Final = 8


class Response:
    """The head of a response, and its body to be read.

    Attributes:
        status: the HTTP status.
        headers: names in lower case, in the order they came.
    """

    def __init__(self, exchange: Exchange, status: int, headers: list[tuple[bytes, bytes]], timeouts: Timeouts) -> None:
        self.status = status
        self.headers = headers
        self._exchange = exchange
        self._timeouts = timeouts
        self._started = asyncio.get_running_loop().time()
        self._chunks: deque[bytes] = deque()
        self._unread = 0
        self._done = False
        self._error: UpstreamError | None = None
        self._waiter: asyncio.Future[None] | None = None

    def header(self, name: bytes) -> bytes | None:
        """The first value of a header by its lower-case name."""
        return next((value for key, value in self.headers if key == name), None)

    async def read(self, limit: int) -> bytes:
        """The whole body. Raises `TooLarge` over `limit` bytes, `Cut`, `Malformed`, `TimedOut`."""
        if self._done and self._error is None and self._unread <= limit:
            # The usual case: all of it came with the head.
            body = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
            self._chunks.clear()
            return body
        parts: list[bytes] = []
        size = 0
        async for chunk in self.chunks():
            size += len(chunk)
            if size > limit:
                self.abort()
                raise TooLarge(f"the response is longer than {limit} bytes", sent=True)
            parts.append(chunk)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def chunks(self) -> AsyncIterator[bytes]:
        """The pieces of the body as they come. While they are not taken, no more than 64 KiB is read ahead."""
        try:
            while True:
                if self._chunks:
                    chunk = self._chunks.popleft()
                    self._unread -= len(chunk)
                    if self._unread < _LOW_WATER:
                        self._exchange.resume()
                    yield chunk
                elif self._error is not None:
                    raise self._error
                elif self._done:
                    return
                else:
                    await self._more()
        finally:
            if not self._done:
                self.abort()

    def abort(self) -> None:
        """Close the connection unless the response is complete: the server is told that nobody reads on."""
        if not self._done and self._error is None:
            self._exchange.abort()

    async def _more(self) -> None:
        loop = asyncio.get_running_loop()
        timeouts = self._timeouts
        seconds, phase = timeouts.idle, "idle"
        if timeouts.total is not None:
            left = self._started + timeouts.total - loop.time()
            if seconds is None or left < seconds:
                seconds, phase = max(left, 0.0), "total"
        self._waiter = loop.create_future()
        handle = None if seconds is None else loop.call_later(seconds, self._late, phase)
        try:
            await self._waiter
        finally:
            self._waiter = None
            if handle is not None:
                handle.cancel()

    def _late(self, phase: str) -> None:
        seconds = self._timeouts.total if phase == "total" else self._timeouts.idle
        self.fail(TimedOut(phase, seconds or 0.0, sent=True))
        self._exchange.abort()

    # -- called by the exchange ------------------------------------------------------------------------------------

    def feed(self, chunk: bytes) -> None:
        """A piece of the body."""
        self._chunks.append(chunk)
        self._unread += len(chunk)
        if self._unread > _HIGH_WATER:
            self._exchange.pause()
        self._wake()

    def finish(self) -> None:
        """The body is complete."""
        self._done = True
        self._wake()

    def fail(self, error: UpstreamError) -> None:
        """The body will not be complete."""
        if not self._done and self._error is None:
            self._error = error
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class Exchange(asyncio.Protocol):
    """The client's side of one connection: one request at a time."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._transport: asyncio.Transport | None = None
        self._parser: Any = None
        self._response: Response | None = None
        self._head: asyncio.Future[Response] | None = None
        self._timeouts: Timeouts | None = None
        self._headers: list[tuple[bytes, bytes]] = []
        self._head_bytes = 0
        self._in_head = False
        self._interim = 0
        self._method = ""
        self._error: UpstreamError | None = None
        self._until_close = False
        self._paused = False

    @property
    def usable(self) -> bool:
        """Whether a request may be sent on it."""
        return self._transport is not None and not self._transport.is_closing() and self._head is None

    async def send(self, data: bytes, method: str, timeouts: Timeouts) -> Response:
        """Write a request and wait for the head of its response."""
        transport = self._transport
        if transport is None or transport.is_closing():
            raise Cut("the connection closed before the request was written", sent=False)
        loop = asyncio.get_running_loop()
        self._parser = httptools.HttpResponseParser(self)
        self._method = method
        self._timeouts = timeouts
        self._interim = 0
        self._error = None
        head: asyncio.Future[Response] = loop.create_future()
        self._head = head
        handle = loop.call_later(timeouts.first_byte, self._late, timeouts.first_byte)
        transport.write(data)
        try:
            return await head
        except asyncio.CancelledError:
            self.abort()
            raise
        finally:
            handle.cancel()

    def _late(self, seconds: float) -> None:
        self._failed(TimedOut("first_byte", seconds, sent=True))

    # -- asyncio ---------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance

    def data_received(self, data: bytes) -> None:
        if self._head is None:
            self.abort()  # nobody asked: this connection is of no use any more
            return
        if self._in_head or self._response is None:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._failed(Malformed("the server switched protocols", sent=True))
        except httptools.HttpParserError as error:
            self._failed(self._error or Malformed(f"the response is not HTTP/1.1: {error}", sent=True))

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._pool.lost(self)
        if self._response is not None and self._until_close and exc is None:
            self._response.finish()
        self._failed(Cut("the connection ended before the response did", sent=True))

    # -- httptools -------------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        self._headers = []
        self._head_bytes = 0
        self._in_head = True

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_head:
            return  # a trailer
        self._headers.append((name.lower(), value))
        if len(self._headers) > _MAX_HEADERS:
            self._stop(Malformed(f"the response has more than {_MAX_HEADERS} headers", sent=True))

    def on_headers_complete(self) -> None:
        self._in_head = False
        status = self._parser.get_status_code()
        if 100 <= status < 200:
            self._interim += 1
            if status == 101 or self._interim > _MAX_INTERIM:
                self._stop(Malformed("the response is an endless row of interim ones", sent=True))
            return
        if sum(len(n) + len(v) for n, v in self._headers) > _MAX_HEAD_BYTES:
            self._stop(Malformed(f"the response's head is longer than {_MAX_HEAD_BYTES} bytes", sent=True))
        names = [name for name, _ in self._headers]
        lengths, codings = names.count(b"content-length"), names.count(b"transfer-encoding")
        if lengths > 1 or codings > 1 or (lengths and codings):
            self._stop(Malformed("the response's framing is ambiguous", sent=True))
        assert self._head is not None
        assert self._timeouts is not None
        self._until_close = not lengths and not codings
        self._response = Response(self, status, self._headers, self._timeouts)
        if not self._head.done():
            self._head.set_result(self._response)

    def on_body(self, body: bytes) -> None:
        if self._response is not None:
            self._response.feed(body)

    def on_message_complete(self) -> None:
        response = self._response
        if response is None:  # an interim response
            return
        keep = self._parser.should_keep_alive()
        self._response = self._head = None
        self._until_close = False
        response.finish()
        self.resume()
        if keep and self._transport is not None and not self._transport.is_closing():
            self._pool.returned(self)
        else:
            self.abort()

    # -- flow and ends ---------------------------------------------------------------------------------------------

    def pause(self) -> None:
        """Read no more for now."""
        if not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read on."""
        if self._paused and self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()
        self._paused = False

    def abort(self) -> None:
        """Close the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def _stop(self, error: UpstreamError) -> None:
        self._error = error
        raise error

    def _failed(self, error: UpstreamError) -> None:
        head, response = self._head, self._response
        self._head = self._response = None
        if head is not None and not head.done():
            head.set_exception(error)
        if response is not None:
            response.fail(error)
        self.abort()

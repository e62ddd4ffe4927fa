"""One connection of the listener: feeds the parser, holds the limits, answers requests in order."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Final, NoReturn, cast

import httptools

from gatepost.wire import responses
from gatepost.wire.head import bad, check_head
from gatepost.wire.limits import Refusal
from gatepost.wire.request import Request

if TYPE_CHECKING:
    from gatepost.wire.listener import Listener

_log = logging.getLogger(__name__)

_IDLE, _HEAD, _BODY, _LINGER = range(4)
"""What is being read: nothing yet, a head, a body; or a refused connection is read on without being looked at."""
_TRAILER_BYTES: Final = 8 * 1024
_FRAMING_BYTES: Final = 1024 * 1024
"""What chunk sizes, extensions and trailers of one body may come to."""


class _Stop(Exception):
    """Raised in a parser's callback to end the parsing: the request is refused."""


class Connection(asyncio.Protocol):
    """The server's side of one client connection."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._limits = listener.limits
        self._loop = asyncio.get_running_loop()
        self._parser: Any = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._peer = ""
        self._state = _IDLE
        self._deadline = self._loop.time() + self._limits.head_timeout
        self._began = 0.0
        self._received_ns = 0
        self._chunk_bytes = 0
        self._head_bytes = 0
        self._body_bytes = 0
        self._raw_bytes = 0
        self._trailers = 0
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._chunks: list[bytes] = []
        self._request: Request | None = None
        self._refused: Refusal | None = None
        self._current: Request | None = None
        self._task: asyncio.Task[None] | None = None
        self._waiting: deque[Request] = deque()
        self.writable: asyncio.Future[None] | None = None

    # -- asyncio ---------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance
        self._transport = transport
        peer = transport.get_extra_info("peername")
        self._peer = peer[0] if isinstance(peer, tuple) else "local"
        transport.set_write_buffer_limits(high=self._limits.write_high_water)
        listener = self._listener
        if listener.draining or len(listener.open) >= self._limits.max_connections:
            listener.open.add(self)
            self._refuse(Refusal(503, "GP-1014", "The gateway takes no more connections just now.", recorded=True))
            return
        listener.open.add(self)

    def data_received(self, data: bytes) -> None:
        if self._state == _LINGER:
            return
        if self._state == _HEAD:
            self._head_bytes += len(data)
        elif self._state == _BODY:
            self._raw_bytes += len(data)
        # What begins within this chunk behind something else is measured by its headers alone.
        self._chunk_bytes = len(data) if self._state == _IDLE else 0
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._refuse(bad("Upgrades are not served."))
            return
        except httptools.HttpParserError as error:
            self._refuse(self._refused or _malformed(error))
            return
        if self._state == _HEAD and self._head_bytes > self._limits.max_header_bytes:
            self._refuse(bad(f"The head is longer than {self._limits.max_header_bytes} bytes.", 431))
        elif self._raw_bytes > self._limits.max_body + _FRAMING_BYTES:
            self._refuse(bad("The body's framing is longer than the body may be."))

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._listener.closed(self)
        self._transport = None
        if self.writable is not None and not self.writable.done():
            self.writable.set_result(None)
        for request in (self._current, *self._waiting):
            if request is not None and not request.ended:
                request.left()
        self._waiting.clear()

    def pause_writing(self) -> None:
        self.writable = self._loop.create_future()

    def resume_writing(self) -> None:
        if self.writable is not None and not self.writable.done():
            self.writable.set_result(None)
        self.writable = None

    # -- httptools -------------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        self._head_bytes, self._chunk_bytes = self._chunk_bytes, 0
        self._state = _HEAD
        self._deadline = self._loop.time() + self._limits.head_timeout
        self._url = b""
        self._headers = []
        self._chunks = []
        self._body_bytes = self._raw_bytes = self._trailers = 0
        self._request = None
        self._received_ns = time.perf_counter_ns()

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._state != _HEAD:
            # A trailer: never merged into the headers, and not more than a few.
            self._trailers += len(name) + len(value)
            if self._trailers > _TRAILER_BYTES:
                self._stop(bad(f"The trailers are longer than {_TRAILER_BYTES} bytes.", 431))
            return
        self._headers.append((name.lower(), value))
        if len(self._headers) > self._limits.max_headers:
            self._stop(bad(f"More than {self._limits.max_headers} headers.", 431))

    def on_headers_complete(self) -> None:
        limits, parser, headers = self._limits, self._parser, self._headers
        if self._head_bytes > limits.max_header_bytes and _size(headers) > limits.max_header_bytes:
            self._stop(bad(f"The head is longer than {limits.max_header_bytes} bytes.", 431))
        method = parser.get_method().decode("ascii")
        version = parser.get_http_version()
        first = check_head(method, self._url, version, headers, limits, self._listener.names)
        if isinstance(first, Refusal):
            self._stop(first)
        self._state = _BODY
        self._began = self._loop.time()
        self._deadline = self._began + limits.body_timeout
        client = self._peer
        if b"x-forwarded-for" in first:
            forwarded = [value for name, value in headers if name == b"x-forwarded-for"]
            client = self._listener.proxies.client(self._peer, forwarded)
        keep_alive = version == "1.1" and parser.should_keep_alive() and not self._listener.draining
        request = Request(
            self, method, self._url.decode("ascii"), headers, first, client, self._received_ns, keep_alive=keep_alive
        )
        self._request = request
        refusal = self._listener.on_head(request)
        if refusal is not None:
            self._stop(refusal)
        if b"expect" in first and self._current is None:
            self.send(responses.CONTINUE)

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        if self._body_bytes > self._limits.max_body:
            self._stop(bad(f"The body is longer than {self._limits.max_body} bytes.", 413))
        self._chunks.append(body)

    def on_message_complete(self) -> None:
        request = self._request
        assert request is not None
        chunks = self._chunks
        request.body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        self._chunks = []
        self._state = _IDLE
        if self._current is not None:
            self._waiting.append(request)
            if len(self._waiting) > self._limits.max_pipelined:
                self._stop(bad("Too many requests before the first was answered."))
            return
        self._serve(request)

    # -- requests --------------------------------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Whether a handler is at work."""
        return self._current is not None

    def _serve(self, request: Request) -> None:
        self._current = request
        self._task = self._loop.create_task(self._run(request))

    async def _run(self, request: Request) -> None:
        try:
            await self._listener.handler(request)
            if not request.ended and not request.gone:
                _log.error("the handler of %s did not answer", request.path)
                self._failed(request)
        except Exception:
            _log.exception("the handler of %s failed", request.path)
            self._failed(request)

    def _failed(self, request: Request) -> None:
        if request.started:
            self.abort()
            return
        request.keep_alive = False
        body = _body(Refusal(500, "GP-1008", "The gateway failed on this request; it was not forwarded again."))
        request.reply(500, ((b"content-type", b"application/json"),), body)

    def send(self, data: bytes) -> None:
        """Write to the client."""
        if self._transport is not None:
            self._transport.write(data)

    def finished(self, request: Request) -> None:
        """The answer to the current request is complete."""
        if self._state == _LINGER or request is not self._current:
            return
        self._current = None
        if not request.keep_alive or self._listener.draining:
            self._close()
        elif self._waiting:
            self._serve(self._waiting.popleft())
        else:
            limits = self._limits
            seconds = (limits.idle_timeout, limits.head_timeout, limits.body_timeout)[self._state]
            self._began = self._loop.time()
            self._deadline = self._began + seconds

    # -- ends ------------------------------------------------------------------------------------------------------

    def _stop(self, refusal: Refusal) -> NoReturn:
        self._refused = refusal
        raise _Stop

    def _refuse(self, refusal: Refusal) -> None:
        """Answer with a refusal, and close behind it."""
        if self._transport is None or self._state == _LINGER:
            return
        self._listener.on_refused(self._peer, refusal)
        if self._current is not None and self._current.started:
            self.abort()  # an answer is under way: another one cannot be told apart from its body
            return
        current = self._current
        self._state = _LINGER
        self._deadline = self._loop.time() + self._limits.linger
        body = _body(refusal)
        headers = ((b"content-type", b"application/json"), *refusal.headers)
        self.send(responses.head(refusal.status, headers, len(body), keep_alive=False) + body)
        if current is not None:
            current.left()
        if self._transport is not None and self._transport.can_write_eof():
            self._transport.write_eof()
        elif self._transport is not None:
            self._transport.close()

    def check_deadline(self, now: float) -> None:
        """Called by the sweep: end what has taken too long."""
        if self._state == _LINGER:
            if now > self._deadline:
                self.abort()
        elif self._current is not None:
            return  # an answer may take as long as it takes; what is pipelined behind it waits
        elif self._state == _BODY:
            waited = now - self._began
            limits = self._limits
            slow = waited > limits.rate_grace and self._body_bytes < limits.min_body_rate * waited
            if now > self._deadline or slow:
                self._refuse(bad("The body did not come in time.", 408))
        elif now > self._deadline:
            if self._state == _HEAD:
                self._refuse(bad("The head did not come in time.", 408))
            else:
                self._close()

    def drain(self) -> None:
        """The listener stops: close when idle, else behind the current answer."""
        if self._state == _IDLE and self._current is None:
            self._close()

    def abort(self) -> None:
        """Cut the connection."""
        if self._transport is not None:
            self._transport.abort()

    def _close(self) -> None:
        if self._transport is not None:
            self._transport.close()


def _size(headers: list[tuple[bytes, bytes]]) -> int:
    return sum(len(name) + len(value) + 4 for name, value in headers)


def _malformed(error: Exception) -> Refusal:
    return bad(f"The request is not HTTP/1.1: {str(error) or type(error).__name__}.")


def _body(refusal: Refusal) -> bytes:
    return json.dumps({"code": refusal.code, "message": refusal.reason}).encode("utf-8")

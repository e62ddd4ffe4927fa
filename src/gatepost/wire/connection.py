"""One connection of the listener: cuts requests out of what comes, holds the limits, has them answered in order.

A head is collected until it is whole, then read by llhttp; of a body no more is fed to it than belongs to the request.
So what is pipelined behind a request is not looked at, and its caller not authenticated, before that one is answered.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from typing import TYPE_CHECKING, Any, Final, cast

import httptools

from gatepost.wire import head, responses
from gatepost.wire.limits import Refusal, bad
from gatepost.wire.request import ClientGone, Request

if TYPE_CHECKING:
    from gatepost.wire.listener import Listener

_log = logging.getLogger(__name__)

_HEAD, _BODY, _BUSY, _DEAF = range(4)
"""Awaiting or collecting a head; a body; a request is being answered; what comes is no longer looked at."""
_CHUNKED: Final = -1
_FRAMING: Final = 16 * 1024
_FRAMING_PER_CHUNK: Final = 16
"""What sizes, extensions and trailers of a chunked body may come to, beside its bytes."""
_JSON: Final = (b"content-type", b"application/json")


class Connection(asyncio.Protocol):
    """The server's side of one client connection."""

    __slots__ = (
        "_began", "_behind", "_body_bytes", "_chunk_count", "_chunks", "_complete", "_deadline", "_drains", "_headers",
        "_in_head", "_last", "_limits", "_listener", "_loop", "_parser", "_peer", "_raw_bytes", "_received_ns",
        "_refusal", "_remaining", "_request", "_rest", "_state", "_timer", "_timer_at", "_transport", "paused",
    )  # fmt: skip

    def __init__(self, listener: Listener, loop: asyncio.AbstractEventLoop) -> None:
        self._listener = listener
        self._limits = listener.limits
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._parser: Any = httptools.HttpRequestParser(self)
        self._peer = ""
        self._state = _HEAD
        self._rest = bytearray()
        self._request: Request | None = None
        self._refusal: Refusal | None = None
        self._last = False
        self.paused = False
        self._drains: list[asyncio.Future[None]] = []
        # the request being read
        self._received_ns = 0
        self._headers: list[tuple[bytes, bytes]] = []
        self._chunks: list[bytes] = []
        self._in_head = self._complete = self._behind = False
        self._remaining = self._body_bytes = self._raw_bytes = self._chunk_count = 0
        # deadlines: `_deadline` moves often, the timer only when it would be late
        self._began = 0.0
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0

    # -- asyncio ---------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance
        self._transport = transport
        peer = transport.get_extra_info("peername")
        self._peer = peer[0] if isinstance(peer, tuple) else ""
        transport.set_write_buffer_limits(high=self._limits.write_high_water)
        refusal = self._listener.opened(self)
        if refusal is not None:
            self._refuse(refusal)
            return
        self._due(self._limits.head_timeout)

    def data_received(self, data: bytes) -> None:
        state = self._state
        if state == _HEAD:
            if self._rest:
                self._rest += data
                data = bytes(self._rest)
            else:
                self._received_ns = time.perf_counter_ns()
            self._read_head(data)
        elif state == _BODY:
            self._read_body(data)
        elif state == _BUSY:
            self._keep(data)

    def eof_received(self) -> bool:
        self._left()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._left()
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.resume_writing()
        self._listener.closed(self)

    def pause_writing(self) -> None:
        self.paused = True

    def resume_writing(self) -> None:
        self.paused = False
        drains, self._drains = self._drains, []
        for drain in drains:
            if not drain.done():
                drain.set_result(None)

    # -- reading ---------------------------------------------------------------------------------------------------

    def _read_head(self, data: bytes) -> None:
        """`data` is what has come since the last request; it begins with the next one."""
        if data[0] == 0x0D and data.startswith(b"\r\n"):  # one empty line may come first (RFC 9112, section 2.2)
            data = data[2:]
        end = data.find(b"\r\n\r\n") + 4
        if end == 3:
            self._part_of_head(data)
            return
        line_end = data.find(b"\r\n")
        limits = self._limits
        if end - line_end > limits.max_header_bytes:
            self._refuse(bad(f"The headers are longer than {limits.max_header_bytes} bytes.", 431))
            return
        line = head.request_line(data[:line_end], limits.max_target)
        if isinstance(line, Refusal):
            self._refuse(line)
            return
        headers: list[tuple[bytes, bytes]] = []
        self._headers = headers
        self._in_head = True
        self._complete = False
        try:
            self._parser.feed_data(data[:end])
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._refuse(_malformed(error))
            return
        self._in_head = False
        if len(headers) > limits.max_headers:
            self._refuse(bad(f"More than {limits.max_headers} headers.", 431))
            return
        values = head.first_values(headers)
        refusal = (
            values
            if isinstance(values, Refusal)
            else head.check(values, newer=line[2], limits=limits, names=self._listener.names)
        )
        if refusal is not None or isinstance(values, Refusal):
            self._refuse(cast(Refusal, refusal))
            return
        self._begin(line, headers, values, data[end:])

    def _part_of_head(self, data: bytes) -> None:
        """Wait for the rest of a head, unless it can never become one."""
        if not data:
            return
        limits = self._limits
        line_end = data.find(b"\r\n")
        if not (0x41 <= data[0] <= 0x5A or data == b"\r"):
            self._refuse(bad("This is not HTTP/1.1."))
        elif data.count(b"\n") != data.count(b"\r\n") or b"\0" in data:
            self._refuse(bad("The head has a bare line end or NUL."))
        elif line_end < 0 and len(data) > limits.max_target + 32:
            self._refuse(bad(f"The target is longer than {limits.max_target} bytes.", 414))
        elif line_end >= 0 and len(data) - line_end > limits.max_header_bytes:
            self._refuse(bad(f"The headers are longer than {limits.max_header_bytes} bytes.", 431))
        else:
            if not self._rest:
                self._due(limits.head_timeout)
                self._rest = bytearray(data)

    def _begin(
        self, line: tuple[str, str, bool], headers: list[tuple[bytes, bytes]], values: dict[bytes, bytes], rest: bytes
    ) -> None:
        """A head is whole and well-formed: whose is it, and how much body follows?"""
        listener = self._listener
        method, target, newer = line
        client = self._peer
        if b"x-forwarded-for" in values:
            client = listener.proxies.client(client, [value for name, value in headers if name == b"x-forwarded-for"])
        request = Request(
            self,
            method,
            target,
            headers,
            values,
            client,
            self._received_ns,
            newer=newer,
            keep_alive=newer and not head.closes(values),
        )
        self._request = request
        refusal = listener.judge_head(request)
        if refusal is not None and refusal.closes:
            self._refuse(refusal)
            return
        self._refusal = refusal
        self._rest = bytearray()
        if self._complete:
            if rest:
                self._rest += rest
            self._serve(request)
            return
        self._state = _BODY
        self._chunks = []
        self._body_bytes = self._raw_bytes = self._chunk_count = 0
        self._remaining = int(values[b"content-length"]) if b"content-length" in values else _CHUNKED
        if rest:
            self._read_body(rest)
        if self._state == _BODY:
            if newer and b"expect" in values and refusal is None and not rest:
                self.send(responses.CONTINUE)
            self._began = self._loop.time()
            self._due(min(1.0, self._limits.body_timeout))

    def _read_body(self, data: bytes) -> None:
        rest = b""
        if self._remaining != _CHUNKED:
            if len(data) > self._remaining:
                data, rest = data[: self._remaining], data[self._remaining :]
            self._remaining -= len(data)
        self._raw_bytes += len(data)
        self._behind = False
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if not self._complete:
                self._refuse(_malformed(error))
                return
            self._behind = True
        if self._body_bytes > self._limits.max_body:
            self._refuse(bad(f"The body is longer than {self._limits.max_body} bytes.", 413))
        elif self._raw_bytes - self._body_bytes > _FRAMING + _FRAMING_PER_CHUNK * self._chunk_count:
            self._refuse(bad("The framing of the body is longer than its use.", 431))
        elif self._complete:
            # What stood behind a chunked body in one read is lost in the parser: the client is to send it again.
            self._last = self._last or self._behind
            self._rest = bytearray(rest)
            request = cast(Request, self._request)
            chunks, self._chunks = self._chunks, []
            request.body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
            self._serve(request)

    def _keep(self, data: bytes) -> None:
        """What comes while a request is answered waits, as much as one request may be. EOF is noticed meanwhile."""
        self._rest += data
        if len(self._rest) > self._limits.max_body + self._limits.max_header_bytes:
            self._rest = bytearray()
            self._last = True
        elif self._last:
            self._rest = bytearray()

    # -- httptools -------------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        self._behind = self._complete

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:  # a trailer is dropped, never merged
            self._headers.append((name.lower(), value.rstrip(b" \t")))

    def on_body(self, body: bytes) -> None:
        if not self._complete and self._refusal is None:
            self._chunks.append(body)
        self._body_bytes += len(body)

    def on_chunk_header(self) -> None:
        self._chunk_count += 1

    def on_message_complete(self) -> None:
        self._complete = True

    # -- requests --------------------------------------------------------------------------------------------------

    def _serve(self, request: Request) -> None:
        self._state = _BUSY
        refusal, self._refusal = self._refusal, None
        if refusal is not None:
            self._listener.refused(request.client, refusal)
            request.reply(refusal.status, (_JSON, *refusal.headers), _body(refusal))
            return
        self._listener.run(self._run(request))

    async def _run(self, request: Request) -> None:
        try:
            await self._listener.handler(request)
        except ClientGone:
            pass  # whoever wrote was told, and had nothing else to do
        except asyncio.CancelledError:
            # Cancelled because the client left, or because the listener stops: there is nobody to tell.
            if not request.ended:
                self.abort()
            raise
        except Exception:
            _log.exception("the handler of %s failed", request.path)
        if not request.ended and not request.gone:
            self._failed(request)

    def _failed(self, request: Request) -> None:
        """The handler has ended and left its request unanswered."""
        if request.started:
            self.abort()
            return
        _log.error("the handler of %s did not answer", request.path)
        request.keep_alive = False
        request.reply(500, (_JSON,), _body(Refusal(500, "GP-1008", "The gateway failed on this request.")))

    def answered(self, request: Request) -> None:
        """The answer to a request is complete: on to the next one."""
        if request is not self._request or self._state != _BUSY:
            return
        self._request = None
        if not request.keep_alive:
            self._close()
            return
        self._state = _HEAD
        self._due(self._limits.idle_timeout)
        if self._rest:
            self._loop.call_soon(self._next)

    def _next(self) -> None:
        if self._state == _HEAD and self._rest:
            self._received_ns = time.perf_counter_ns()
            data, self._rest = bytes(self._rest), bytearray()
            self._read_head(data)

    # -- writing ---------------------------------------------------------------------------------------------------

    def keeps(self) -> bool:
        """Whether the connection goes on after the answer that now begins."""
        return not self._last and not self._listener.draining

    def send(self, data: bytes) -> None:
        """Write to the client."""
        if self._transport is not None:
            self._transport.write(data)

    def send_all(self, parts: tuple[bytes, ...]) -> None:
        """Write several pieces to the client."""
        if self._transport is not None:
            self._transport.writelines(parts)

    async def drained(self) -> None:
        """Wait until the client has read most of what was written. One that reads nothing for long is cut off."""
        drain: asyncio.Future[None] = self._loop.create_future()
        self._drains.append(drain)
        handle = self._loop.call_later(self._limits.write_timeout, self.abort)
        try:
            await drain
        finally:
            handle.cancel()

    # -- ends ------------------------------------------------------------------------------------------------------

    def _left(self) -> None:
        """The client will send no more. What it had begun is refused, what it waits for is called off."""
        state, self._state = self._state, _DEAF
        request = self._request
        if state == _BUSY and request is not None and not request.ended:
            request.left()
            self.abort()
        elif state == _BODY or (state == _HEAD and self._rest):
            client = self._peer if request is None else request.client
            self._listener.refused(client, bad("The connection closed in the middle of the request."))

    def _refuse(self, refusal: Refusal) -> None:
        """Answer with a refusal, and close behind it."""
        transport, request = self._transport, self._request
        if transport is None or self._state == _DEAF:
            return
        self._state = _DEAF
        self._rest = bytearray()
        self._chunks = []
        self._listener.refused(self._peer if request is None else request.client, refusal)
        body = _body(refusal)
        transport.write(responses.head(refusal.status, (_JSON, *refusal.headers), len(body), keep_alive=False) + body)
        self._due(self._limits.linger)
        if transport.can_write_eof():
            transport.write_eof()

    def _close(self) -> None:
        """Close behind what is written, and cut where the client does not read it."""
        self._state = _DEAF
        self._due(self._limits.write_timeout)
        if self._transport is not None:
            self._transport.close()

    def drain(self) -> None:
        """The listener stops: close when idle, else behind the answer."""
        if self._state == _HEAD and not self._rest:
            self._close()

    def abort(self) -> None:
        """Cut the connection."""
        if self._transport is not None:
            self._transport.abort()

    # -- deadlines -------------------------------------------------------------------------------------------------

    def _due(self, seconds: float) -> None:
        """Set the deadline of the present state."""
        at = self._loop.time() + seconds
        self._deadline = at
        if self._timer is None or self._timer_at > at:
            self._arm(at)

    def _arm(self, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = at
        self._timer = self._loop.call_at(at, self._tick)

    def _tick(self) -> None:
        self._timer = None
        now = self._loop.time()
        limits = self._limits
        if self._state == _BUSY:  # an answer takes what it takes
            self._arm(now + limits.idle_timeout)
        elif now < self._deadline:
            self._arm(self._deadline)
        elif self._state == _DEAF:
            self.abort()
        elif self._state == _BODY:
            waited = now - self._began
            slow = waited > limits.rate_grace and self._body_bytes < limits.min_body_rate * waited
            if slow or waited >= limits.body_timeout:
                self._refuse(bad("The body did not come in time.", 408))
            else:
                self._due(min(1.0, limits.body_timeout - waited))
        elif self._rest:
            self._refuse(bad("The head did not come in time.", 408))
        elif self._transport is not None and self._transport.get_write_buffer_size():
            self.abort()  # the last answer is still unread
        else:
            self._close()


def _malformed(error: Exception) -> Refusal:
    if isinstance(error, httptools.HttpParserUpgrade):
        return bad("Upgrades are not served.")
    return bad(f"The request is not HTTP/1.1: {error}.")


def _body(refusal: Refusal) -> bytes:
    return json.dumps({"code": refusal.code, "message": refusal.reason}).encode("utf-8")

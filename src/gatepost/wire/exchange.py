"""The client's side of one connection to an upstream: one request at a time, one deadline at a time."""

from __future__ import annotations

import asyncio
import select
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

import httptools

from gatepost.wire.errors import Cut, Malformed, TimedOut, UpstreamError
from gatepost.wire.framing import FOREVER, read_framing
from gatepost.wire.response import Response, ResponseHead
from gatepost.wire.running import Signal
from gatepost.wire.sockets import watch_silent

if TYPE_CHECKING:
    from gatepost.wire.pool import Pool, Timeouts

_MAX_HEAD_BYTES: Final = 64 * 1024
"""What a head may come to, and likewise what chunk sizes, extensions and trailers may without a byte of the body."""
_MAX_INTERIM: Final = 8
_FIRST_STATUS: Final = 100
_LAST_STATUS: Final = 599
_BODILESS: Final = frozenset({204, 304})
_LOOK_AFTER: Final = 0.25
"""A connection idle for so many seconds is looked at before a request is trusted to it."""
_IDLE, _HEAD, _BODY, _CLOSED = range(4)
_VERSIONS: Final = ("1.1", "1.0")


class Exchange(asyncio.Protocol):
    """One connection. The pool lends it to one request after the other."""

    __slots__ = (
        "_behind", "_complete", "_deadline", "_dry_bytes", "_error", "_head", "_headers", "_in_head", "_interim",
        "_keep", "_last", "_loop", "_parser", "_paused", "_poll", "_pool", "_response", "_sent_at", "_state",
        "_timeouts", "_timer", "_timer_at", "_total_at", "_transport", "_until_close", "idle_since",
    )  # fmt: skip

    def __init__(self, pool: Pool, loop: asyncio.AbstractEventLoop) -> None:
        self._pool = pool
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._poll: select.poll | None = None
        self._parser: Any = httptools.HttpResponseParser(self)
        self._state = _IDLE
        self.idle_since = 0.0
        # the response that is awaited
        self._head: Signal[Response] | None = None
        self._response: Response | None = None
        self._headers: list[tuple[bytes, bytes]] = []
        self._error: UpstreamError | None = None
        self._dry_bytes = self._interim = 0
        self._in_head = self._complete = self._behind = self._keep = self._until_close = self._paused = False
        # deadlines
        self._timeouts: Timeouts | None = None
        self._deadline = self._total_at = FOREVER
        self._sent_at = self._last = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0

    # -- the pool's side -------------------------------------------------------------------------------------------

    def usable(self, now: float) -> bool:
        """Whether a request may be sent on it: open, and the server has neither closed it nor said anything."""
        transport = self._transport
        if self._state != _IDLE or transport is None or transport.is_closing():
            return False
        return now - self.idle_since < _LOOK_AFTER or self._poll is None or not self._poll.poll(0)

    def time(self) -> float:
        """Now, as its loop counts."""
        return self._loop.time()

    def idle(self, seconds: float) -> None:
        """Nobody uses it. It closes itself after so many seconds."""
        self.idle_since = now = self._loop.time()
        self._arm(now + seconds)

    def send(self, data: bytes, timeouts: Timeouts) -> Signal[Response]:
        """Write a request. The signal is that of its response, as soon as the head is there."""
        transport = self._transport
        if self._state != _IDLE or transport is None or transport.is_closing():
            raise Cut("the connection closed before the request was written", sent=False)
        self._sent_at = now = self._loop.time()
        self._state = _HEAD
        self._timeouts = timeouts
        self._total_at = FOREVER if timeouts.total is None else now + timeouts.total
        self._interim = self._dry_bytes = 0
        self._complete = self._behind = False
        self._response = None
        head: Signal[Response] = Signal()
        self._head = head
        self._arm(min(now + timeouts.first_byte, self._total_at))
        transport.write(data)
        return head

    def call_off(self, head: Signal[Response]) -> None:
        """Nobody waits for this response any more. Once it is complete the connection may be another's already."""
        if self._head is head:
            self.give_up()

    def give_up(self) -> None:
        """Nobody waits for the response any more, or for the rest of it."""
        self._fail(Cut("the response was given up", sent=True))

    def close(self) -> None:
        """Close it at once, without a word to whoever uses it."""
        self._state = _CLOSED
        if self._transport is not None:
            self._transport.abort()

    # -- asyncio ---------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance
        watch_silent(transport)
        sock = transport.get_extra_info("socket")
        if sock is not None and hasattr(select, "poll"):
            self._poll = select.poll()
            self._poll.register(sock.fileno(), select.POLLIN)

    def data_received(self, data: bytes) -> None:
        state = self._state
        if state == _IDLE:
            self.close()  # nobody asked: what it says next could not be trusted to be an answer
            return
        if state == _CLOSED:
            return
        begins = not self._dry_bytes and state == _HEAD
        if begins:
            end = data.find(b"\r\n\r\n") + 4
            known = self._pool.heads.get(data[:end])
            if known is not None and known.length == len(data) - end:  # the usual case: one that came before, and whole
                self._answered(Response(None, known, self._sent_at, [data[end:]], known.length), known.kept_for)
                return
        self._dry_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if not self._complete:
                self._fail(self._error or _malformed(error))
                return
            self._behind = True
        if self._error is not None and not self._complete:
            self._fail(self._error)
            return
        response = self._response
        if response is None:
            if self._dry_bytes > _MAX_HEAD_BYTES:
                self._fail(Malformed(f"its head is longer than {_MAX_HEAD_BYTES} bytes", sent=True))
            return
        head = self._head
        if self._complete:
            if begins and self._keep and not self._behind and response.status not in _BODILESS:
                self._pool.learn(data, response.head)
            self._completed(response)
        elif self._dry_bytes > _MAX_HEAD_BYTES:
            self._fail(Malformed(f"it has more than {_MAX_HEAD_BYTES} bytes of framing in a row", sent=True))
        else:
            self._last = self._loop.time()
            if state == _HEAD:
                self._state = _BODY
                self._arm(self._body_due())
        # Whoever waits goes on before this returns: all is settled by now.
        if state == _HEAD and head is not None:
            head.set_result(response)
        else:
            response.arrived()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        state, response = self._state, self._response
        transport, self._transport = self._transport, None
        whole = state == _BODY and response is not None and self._until_close and exc is None
        if whole and response is not None:
            response.finish()
        elif state in (_HEAD, _BODY):
            self._fail(Cut("the connection closed before the response was complete", sent=True))
        self._state = _CLOSED
        self._parser = None  # it holds this, and would until the collector comes
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if transport is not None:
            self._pool.lost(self)
        if whole and response is not None:
            response.arrived()

    # -- httptools -------------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        if self._complete:
            self._behind = True
            return
        self._headers = []
        self._in_head = True

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:  # else it is a trailer, or stands behind the response
            self._headers.append((name.lower(), value.rstrip(b" \t")))

    def on_headers_complete(self) -> None:
        if self._complete or not self._in_head or self._error is not None:
            return
        self._in_head = False
        status = self._parser.get_status_code()
        if not _FIRST_STATUS <= status <= _LAST_STATUS:
            self._error = Malformed(f"it has the status {status}", sent=True)
            return
        if status < 200:
            self._interim += 1
            if status == 101 or self._interim > _MAX_INTERIM:
                self._error = Malformed("it is a row of interim ones", sent=True)
            return
        headers = self._headers
        try:
            framing = read_framing(headers)
            if self._dry_bytes > _MAX_HEAD_BYTES and _size(headers) > _MAX_HEAD_BYTES:
                raise ValueError(f"its head is longer than {_MAX_HEAD_BYTES} bytes")
            if self._parser.get_http_version() not in _VERSIONS:
                raise ValueError("it is not of HTTP/1.1")
        except ValueError as fault:
            self._error = Malformed(str(fault), sent=True)
            return
        self._until_close = framing.until_close and status not in _BODILESS
        head = ResponseHead(status, headers, framing.length, framing.kept_for)
        self._response = Response(self, head, self._sent_at, [])

    def on_body(self, body: bytes) -> None:
        self._dry_bytes = 0
        if self._response is not None and not self._complete and self._response.feed(body):
            self._pause()

    def on_message_complete(self) -> None:
        if self._response is not None and not self._complete:
            self._complete = True
            self._keep = not self._until_close and self._parser.should_keep_alive()

    # -- ends ------------------------------------------------------------------------------------------------------

    def _answered(self, response: Response, kept_for: float) -> None:
        """A whole response in one piece, whose head is known for one behind which the connection is kept."""
        head, self._head = self._head, None
        self._free(kept_for)
        if head is None:
            return
        if self._pool.busy:
            self._pool.answered.add(partial(head.set_result, response))
        else:
            head.set_result(response)

    def _completed(self, response: Response) -> None:
        """A whole response. The connection may serve again if nothing stands behind it."""
        self._head = self._response = None
        self.resume()
        response.finish()
        if self._behind or not self._keep:
            self.close()
        else:
            self._free(response.head.kept_for)

    def _free(self, kept_for: float) -> None:
        transport = self._transport
        # A server that answers before it was asked to the end may take the rest of the question for another request.
        if transport is None or transport.get_write_buffer_size():
            self.close()
            return
        self._state = _IDLE
        self._pool.returned(self, kept_for)

    def _fail(self, error: UpstreamError) -> None:
        head, response = self._head, self._response
        self._head = self._response = None
        if response is not None:
            response.finish(error)
        self.close()
        if head is not None and not head.done:
            head.set_exception(error)
        elif response is not None:
            response.arrived()

    # -- flow ------------------------------------------------------------------------------------------------------

    def _pause(self) -> None:
        if not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        """Whoever reads the response has caught up."""
        if self._paused and self._transport is not None:
            self._paused = False
            self._last = self._loop.time()
            self._transport.resume_reading()
            self._arm(self._body_due())

    # -- deadlines -------------------------------------------------------------------------------------------------

    def _body_due(self) -> float:
        idle = self._timeouts.idle if self._timeouts is not None else None
        return self._total_at if idle is None or self._paused else min(self._total_at, self._last + idle)

    def _arm(self, deadline: float) -> None:
        """Set the deadline. The timer is touched only where it would be late."""
        self._deadline = deadline
        if self._timer is not None:
            if self._timer_at <= deadline:
                return
            self._timer.cancel()
            self._timer = None
        if deadline != FOREVER:
            self._timer_at = deadline
            self._timer = self._loop.call_at(deadline, self._tick)

    def _tick(self) -> None:
        self._timer = None
        state, now = self._state, self._loop.time()
        if state == _BODY:
            self._deadline = self._body_due()
            if self._paused and self._deadline == FOREVER and self._timeouts is not None and self._timeouts.idle:
                self._deadline = now + self._timeouts.idle  # whoever reads may yet catch up
        if now < self._deadline:
            self._arm(self._deadline)
        elif state == _IDLE:
            self.close()
        elif state in (_HEAD, _BODY):
            self._fail(self._late(now))

    def _late(self, now: float) -> TimedOut:
        assert self._timeouts is not None
        if now >= self._total_at:
            return TimedOut("total", self._timeouts.total or 0.0, sent=True)
        if self._state == _HEAD:
            return TimedOut("first_byte", self._timeouts.first_byte, sent=True)
        return TimedOut("idle", self._timeouts.idle or 0.0, sent=True)


def _size(headers: list[tuple[bytes, bytes]]) -> int:
    return sum([len(name) + len(value) for name, value in headers])


def _malformed(error: Exception) -> Malformed:
    if isinstance(error, httptools.HttpParserUpgrade):
        return Malformed("it switches protocols", sent=True)
    return Malformed(f"it is not HTTP/1.1: {error}", sent=True)

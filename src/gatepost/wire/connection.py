"""One connection of the listener: cuts requests out of what comes, holds the limits, has them answered in order.

What is pipelined behind a request is not looked at, and its caller not authenticated, before that one is answered.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from typing import TYPE_CHECKING, Final, cast

from gatepost.wire import responses
from gatepost.wire.head import Head
from gatepost.wire.incoming import Incoming, check_beginning
from gatepost.wire.limits import Refusal, bad
from gatepost.wire.outgoing import Outgoing
from gatepost.wire.request import ClientGone, Request
from gatepost.wire.running import Running
from gatepost.wire.sockets import watch_silent

if TYPE_CHECKING:
    from gatepost.wire.listener import Listener

_log = logging.getLogger(__name__)

_HEAD, _BODY, _BUSY, _DEAF = range(4)
"""Awaiting or collecting a head; a body; a request is being answered; what comes is no longer looked at."""
_RATE_EVERY: Final = 1.0
"""How often, in seconds, a body's rate is looked at."""
_JSON: Final = (b"content-type", b"application/json")


class Connection(Outgoing):
    """The server's side of one client connection."""

    __slots__ = (
        "_began", "_deadline", "_incoming", "_last", "_limits", "_listener", "_peer", "_received_ns", "_refusal",
        "_request", "_rest", "_skipped", "_state", "_timer", "_timer_at", "_unsent",
    )  # fmt: skip

    def __init__(self, listener: Listener, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop, listener.limits.write_timeout)
        self._listener = listener
        self._limits = listener.limits
        self._incoming = Incoming(listener.limits, listener.known_lines)
        self._peer = ""
        self._state = _HEAD
        self._rest = bytearray()
        self._skipped = False
        self._received_ns = 0
        self._request: Request | None = None
        self._refusal: Refusal | None = None
        self._last = False
        self._unsent = 0
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
        watch_silent(transport)
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
                self._read_rest()
            else:
                self._received_ns = time.perf_counter_ns()
                self._read(data)
        elif state == _BODY:
            request = self._request
            assert request is not None
            self._read_body(request, data)
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
        self._incoming.forget()
        self._listener.closed(self)

    # -- reading ---------------------------------------------------------------------------------------------------

    def _read(self, data: bytes) -> None:
        """Read what has come behind the last request: it begins with the next one."""
        end = data.find(b"\r\n\r\n") + 4
        if end == 3 or data[0] == 0x0D:
            self._rest = bytearray(data)
            self._due(self._limits.head_timeout)
            self._read_rest()
            return
        known = self._listener.heads.get(data[:end])
        if known is not None and known.length == len(data) - end:  # the usual case: one that came before, and whole
            request = self._judged(known)
            if request is not None:
                request.body = data[end:]
                self._serve(request)
            return
        request = self._read_head(data[:end])
        if request is not None:
            self._read_body(request, data[end:])

    def _read_rest(self) -> None:
        """Read what was kept: a head that came in pieces, or requests behind the one that was answered."""
        rest = self._rest
        if rest.startswith(b"\r\n") and not self._skipped:  # one empty line may come first (RFC 9112, section 2.2)
            self._skipped = True
            del rest[:2]
        end = rest.find(b"\r\n\r\n") + 4
        if end == 3:
            refusal = check_beginning(rest, self._limits)
            if refusal is not None:
                self._refuse(refusal)
            return
        head = bytes(rest[:end])
        del rest[:end]
        request = self._read_head(head)
        if request is not None:
            size = self._incoming.wanted(len(rest))
            body = bytes(rest[:size])
            del rest[:size]
            self._read_body(request, body)

    def _read_head(self, data: bytes) -> Request | None:
        """Read a whole head, and have it judged. Returns None where it is refused."""
        listener = self._listener
        known = listener.heads.get(data)
        if known is not None:
            self._incoming.begin(known)
            return self._judged(known)
        line_end = data.find(b"\r\n")
        line = listener.line(data[:line_end])
        if isinstance(line, Refusal):
            self._refuse(line)
            return None
        most = self._limits.max_header_bytes
        if len(data) - line_end > most:
            self._refuse(bad(f"The headers are longer than {most} bytes.", 431))
            return None
        head = self._incoming.read_head(data, line, listener.names)
        if isinstance(head, Refusal):
            self._refuse(head)
            return None
        listener.learn(data, head)
        return self._judged(head)

    def _judged(self, head: Head) -> Request | None:
        """The request of a head that is well-formed. Returns None where the listener's owner refuses it."""
        listener = self._listener
        self._request = request = Request(self, head, self._peer, self._received_ns, head.keep_alive)
        if b"x-forwarded-for" in head.values:
            forwarded = [value for name, value in head.headers if name == b"x-forwarded-for"]
            request.client = listener.proxies.client(self._peer, forwarded)
        refusal = listener.judge_head(request)
        if refusal is not None and refusal.closes:
            self._refuse(refusal)
            return None
        self._refusal = refusal
        return request

    def _read_body(self, request: Request, data: bytes) -> None:
        """Read what has come of a body, perhaps nothing. What stands behind the body waits."""
        incoming = self._incoming
        refusal = incoming.read_body(data)
        if refusal is not None:
            self._refuse(refusal)
            return
        if incoming.complete:
            if incoming.rest:
                self._rest = bytearray(incoming.rest)
            # What the parser has swallowed is not answered: the connection closes behind this request.
            self._last = self._last or incoming.lost
            request.body = incoming.take_body()
            self._serve(request)
        elif self._state == _HEAD:
            self._state = _BODY
            self._began = self._loop.time()
            self._due(min(_RATE_EVERY, self._limits.body_timeout))
            if not data and self._refusal is None and request.header(b"expect") is not None:
                self.send(responses.CONTINUE)

    def _keep(self, data: bytes) -> None:
        """What comes while a request is answered waits, as much as one request may be. EOF is noticed meanwhile."""
        if not self._last:
            self._rest += data
            self._last = len(self._rest) > self._limits.max_body + self._limits.max_header_bytes
        if self._last:
            self._rest = bytearray()

    # -- requests --------------------------------------------------------------------------------------------------

    def _serve(self, request: Request) -> None:
        self._state = _BUSY
        self._skipped = False
        refusal, self._refusal = self._refusal, None
        if refusal is not None:
            self._listener.refused(request.client, refusal)
            request.reply(refusal.status, (_JSON, *refusal.headers), _body(refusal))
            return
        listener = self._listener
        request.running = running = Running(listener.handler(request), self._loop, request.handled)
        listener.running.add(running)
        listener.beginning.add(running.start)

    def handled(self, request: Request, running: Running) -> None:
        """The handler of a request has ended."""
        self._listener.finished(running)
        error = running.error
        if isinstance(error, ClientGone):
            running.error = None  # whoever wrote was told, and had nothing else to do
        elif isinstance(error, Exception):
            running.error = None
            _log.error("the handler of %s failed", request.path, exc_info=error)
        if request.ended or request.gone:
            return
        if isinstance(error, asyncio.CancelledError):  # the listener stops: there is nobody to tell
            self.abort()
            return
        if error is None:
            _log.error("the handler of %s did not answer", request.path)
        self._unanswered(request)

    def _unanswered(self, request: Request) -> None:
        """What the handler left of an answer cannot be made up; where it left all of it, say so."""
        if request.started:
            self.abort()
            return
        request.keep_alive = False
        request.reply(500, (_JSON,), _body(Refusal(500, "GP-1008", "The gateway failed on this request.")))

    def answered(self, request: Request) -> None:
        """The answer to a request is complete: on to the next one."""
        if request is not self._request or self._state != _BUSY:
            return
        self._request = None
        if not request.keep_alive or not self.keeps():  # it may be that only a stream's end tells
            self._close()
            return
        self._state = _HEAD
        if not self._rest:
            self._due(self._limits.idle_timeout)
        else:
            self._received_ns = time.perf_counter_ns()
            self._due(self._limits.head_timeout)
            self._loop.call_soon(self._next)

    def _next(self) -> None:
        if self._state == _HEAD and self._rest:
            self._read_rest()

    def keeps(self) -> bool:
        """Whether the connection goes on after the answer that now begins."""
        return not self._last and not self._listener.draining

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
        self._listener.refused(self._peer if request is None else request.client, refusal)
        body = _body(refusal)
        head = responses.head(refusal.status, (_JSON, *refusal.headers), len(body), keep_alive=False)
        transport.write(head if request is not None and request.method == "HEAD" else head + body)
        self._linger(transport)

    def _linger(self, transport: asyncio.Transport) -> None:
        """Say no more, and read on for a while: closing on unread bytes resets, and may take the answer with it."""
        self._flush()
        self._due(self._limits.linger)
        if transport.can_write_eof():
            transport.write_eof()

    def _close(self) -> None:
        """Close behind what is written, and cut where the client does not read it."""
        self._flush()
        self._state = _DEAF
        transport = self._transport
        if transport is None:
            return
        if self._last:
            self._linger(transport)
        else:
            self._due(self._limits.write_timeout)
            transport.close()

    def drain(self) -> None:
        """The listener stops: close when idle, else behind the answer."""
        if self._state == _HEAD and not self._rest:
            self._close()

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
            if not self._still_reads():
                self.abort()
        elif self._state == _BODY:
            waited = now - self._began
            slow = waited > limits.rate_grace and self._incoming.body_bytes < limits.min_body_rate * waited
            if slow or waited >= limits.body_timeout:
                self._refuse(bad("The body did not come in time.", 408))
            else:
                self._due(min(_RATE_EVERY, limits.body_timeout - waited))
        elif self._rest:
            self._refuse(bad("The head did not come in time.", 408))
        elif not self._still_reads():
            self._close()

    def _still_reads(self) -> bool:
        """Whether the client takes what was written to it, however slowly. If so, it is asked again later."""
        unsent = 0 if self._transport is None else self._transport.get_write_buffer_size()
        progress = unsent not in (0, self._unsent)
        self._unsent = unsent
        if progress:
            self._due(self._limits.write_timeout)
        elif unsent:
            self.abort()
        return progress


def _body(refusal: Refusal) -> bytes:
    return json.dumps({"code": refusal.code, "message": refusal.reason}).encode("utf-8")

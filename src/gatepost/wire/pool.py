"""The HTTP/1.1 client towards one origin: kept connections, deadlines, backpressure, and no request sent twice."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from gatepost.wire.errors import ConnectError, Cut, Malformed, TimedOut, TooLarge, UpstreamError
from gatepost.wire.exchange import Exchange
from gatepost.wire.response import Response, ResponseHead
from gatepost.wire.running import Together, as_task
from gatepost.wire.sockets import spoken
from gatepost.wire.tls import client_context

__all__ = [
    "ConnectError", "Cut", "Malformed", "Pool", "Response", "TimedOut", "Timeouts", "TooLarge", "UpstreamError",
]  # fmt: skip

Headers = Sequence[tuple[bytes, bytes]]
_HTTPS: Final = "https"
_METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_BODILESS: Final = frozenset({"GET", "DELETE", "OPTIONS"})
_NAME: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_HOST: Final = re.compile(r"[^\x00-\x20\x7f\"%/<>?@\\^`{|}]+")
_TARGET: Final = re.compile(r"/[!-~]*")
_REMEMBERED: Final = 64
_LONGEST_HEAD: Final = 2048


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Deadlines in seconds; None is no deadline."""

    connect: float = 5.0
    """To get a connection, waiting for a free one included."""
    first_byte: float = 60.0
    """From sending the request to the end of the response's head."""
    total: float | None = 300.0
    """From sending the request to the end of the response."""
    idle: float | None = 300.0
    """Between two pieces of the response's body."""


class Pool:
    """Connections to one origin.

    Nothing is ever sent again: a request fails with what went wrong, and `UpstreamError.sent` says whether the server
    may have seen it. Redirects are returned like any other response.

    Args:
        url: http or https, with the path that requests go to unless they name another.
        ssl_context: for https; None verifies against the system's roots.
        max_connections: more requests than that wait, at most for the connect deadline.
        max_idle, idle_seconds: how many connections are kept unused, and for how long; less long where the server
            says so (`Keep-Alive`).

    Raises:
        ValueError: the URL is none that can be reached.
    """

    def __init__(
        self,
        url: str,
        *,
        ssl_context: ssl.SSLContext | None = None,
        timeouts: Timeouts | None = None,
        max_connections: int = 256,
        max_idle: int = 64,
        idle_seconds: float = 30.0,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", _HTTPS) or not parts.hostname or _HOST.fullmatch(parts.hostname) is None:
            raise ValueError(f"not an http(s) URL: {url!r}")
        tls = parts.scheme == _HTTPS
        self.base_path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._host = parts.hostname if parts.hostname.isascii() else parts.hostname.encode("idna").decode("ascii")
        self._port = parts.port or (443 if tls else 80)
        name = f"[{self._host}]" if ":" in self._host else self._host
        self._authority = (name if parts.port is None else f"{name}:{parts.port}").encode("ascii")
        self._tls = (ssl_context or client_context()) if tls else None
        self._timeouts = timeouts or Timeouts()
        self._max_connections = max_connections
        self._max_idle = max_idle
        self._idle_seconds = idle_seconds
        self._idle: list[Exchange] = []
        self._open: set[Exchange] = set()
        self._taken = 0
        """Places taken of `max_connections`: open connections and those being opened."""
        self._waiters: deque[asyncio.Future[Exchange | None]] = deque()
        self._starts: dict[tuple[str, str], bytes] = {}
        self.heads: dict[bytes, ResponseHead] = {}
        """The heads of the last whole responses behind which their connection was kept, by their bytes."""
        self.answered = Together()
        """Those whose responses came in this turn, while there were others to wait for."""
        self._closed = False
        self._start("GET", self.base_path)

    async def request(
        self,
        method: str,
        headers: Headers,
        body: bytes = b"",
        *,
        path: str | None = None,
        timeouts: Timeouts | None = None,
    ) -> Response:
        """Send one request and return its response as soon as the head is there.

        Args:
            method: any but HEAD and CONNECT.
            headers: everything but Host and Content-Length, which follow from the origin and the body.
            path: the target in place of `base_path`.

        Raises:
            UpstreamError: `ConnectError`, `TimedOut`, `Cut`, `Malformed`.
            ValueError: the method, the target or a header cannot be sent. Nothing was.
        """
        head = self.prepare(method, headers, path)
        data = with_body(head, body) if body or method not in _BODILESS else head + b"\r\n"
        return await self.send(data, timeouts)

    def prepare(self, method: str, headers: Headers, path: str | None = None) -> bytes:
        """The beginning of a request's head, for `with_body`. Arguments and what it raises are those of `request`."""
        return self._start(method, path or self.base_path) + _checked_lines(headers)

    async def send(self, data: bytes, timeouts: Timeouts | None = None) -> Response:
        """`request`, with the bytes of the whole request. Raises `UpstreamError`."""
        deadlines = timeouts or self._timeouts
        exchange = (self._take_idle() if self._idle else None) or await self._another(deadlines.connect)
        head = exchange.send(data, deadlines)
        try:
            return await head
        except asyncio.CancelledError:
            exchange.call_off(head)
            raise

    @property
    def busy(self) -> bool:
        """Whether responses are awaited."""
        return self._taken > len(self._idle)

    async def close(self) -> None:
        """Close every connection; requests in flight fail with `Cut`."""
        self._closed = True
        for exchange in list(self._open):
            exchange.give_up()
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_exception(ConnectError("the pool is closed", sent=False))

    @property
    def connections(self) -> int:
        """Open connections, idle ones included."""
        return len(self._open)

    # -- connections -----------------------------------------------------------------------------------------------

    def _take_idle(self) -> Exchange | None:
        now = self._idle[-1].time()
        while self._idle:
            exchange = self._idle.pop()
            if exchange.usable(now):
                return exchange
            exchange.close()
        return None

    async def _another(self, seconds: float) -> Exchange:
        """A connection where none is idle: a new one, or the next that somebody gives back."""
        await as_task()
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(seconds):
                while self._taken >= self._max_connections:
                    exchange = await self._wait(loop)
                    if exchange is None:
                        break
                    if exchange.usable(loop.time()):
                        return exchange
                    exchange.close()
                else:
                    self._taken += 1
                return await self._connect(loop)
        except TimeoutError:
            raise TimedOut("connect", seconds, sent=False) from None

    async def _wait(self, loop: asyncio.AbstractEventLoop) -> Exchange | None:
        """A connection given back, or None: the place of a closed one, which is taken already."""
        waiter: asyncio.Future[Exchange | None] = loop.create_future()
        self._waiters.append(waiter)
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.cancelled():
                if waiter in self._waiters:
                    self._waiters.remove(waiter)
            elif waiter.exception() is None:  # it came in the same moment: somebody else's, then
                self._pass_on(waiter.result())
            raise

    async def _connect(self, loop: asyncio.AbstractEventLoop) -> Exchange:
        """Open a connection in a place that is taken already."""
        exchange: Exchange | None = None
        try:
            if self._closed:
                raise ConnectError("the pool is closed", sent=False)
            server_name = self._host if self._tls is not None else None
            _, exchange = await loop.create_connection(
                lambda: Exchange(self, loop), self._host, self._port, ssl=self._tls, server_hostname=server_name
            )
            if self._closed or not exchange.usable(exchange.idle_since):
                exchange.close()
                raise ConnectError("the connection was closed at once", sent=False)
        except (OSError, UnicodeError) as error:
            raise ConnectError(_why(error), sent=False) from None
        else:
            self._open.add(exchange)
            return exchange
        finally:
            if exchange is None or exchange not in self._open:
                self._free_place()

    def returned(self, exchange: Exchange, promised: float) -> None:
        """A connection is free again after a whole, clean response; the server keeps it for `promised` seconds."""
        exchange.idle(min(promised, self._idle_seconds))
        if self._waiters or self._closed or len(self._idle) >= self._max_idle:
            self._pass_on(exchange)
        else:
            self._idle.append(exchange)

    def _pass_on(self, exchange: Exchange | None) -> None:
        """Give a connection, or a free place (None), to the first who waits, else keep it."""
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(exchange)
                return
        if exchange is None:
            self._taken -= 1
        elif self._closed or len(self._idle) >= self._max_idle:
            exchange.close()
        else:
            self._idle.append(exchange)

    def learn(self, data: bytes, head: ResponseHead) -> None:
        """Remember the head of a whole, clean response, unless its body's end is llhttp's to find."""
        end = data.find(b"\r\n\r\n") + 4
        if head.length == len(data) - end and end <= _LONGEST_HEAD:
            if len(self.heads) >= _REMEMBERED:
                self.heads.clear()
            self.heads[data[:end]] = head

    def lost(self, exchange: Exchange) -> None:
        """A connection is closed; whoever waits may open another."""
        if exchange in self._idle:
            self._idle.remove(exchange)
        if exchange in self._open:
            self._open.discard(exchange)
            self._free_place()

    def _free_place(self) -> None:
        self._pass_on(None)

    # -- the request's bytes ---------------------------------------------------------------------------------------

    def _start(self, method: str, target: str) -> bytes:
        """The request line and Host."""
        start = self._starts.get((method, target))
        if start is None:
            if method not in _METHODS:
                raise ValueError(f"the method {method!r} is not sent")
            if _TARGET.fullmatch(target) is None:
                raise ValueError(f"the target {target!r} is not a path of visible ASCII characters")
            start = b"%b %b HTTP/1.1\r\nhost: %b\r\n" % (method.encode(), target.encode(), self._authority)
            if len(self._starts) < _REMEMBERED:
                self._starts[method, target] = start
        return start


def with_body(prepared: bytes, body: bytes) -> bytes:
    """The bytes of a request whose head was prepared."""
    return b"%bcontent-length: %d\r\n\r\n%b" % (prepared, len(body), body)


def _checked_lines(headers: Headers) -> bytes:
    for name, value in headers:
        if _NAME.fullmatch(name) is None:
            raise ValueError(f"{name!r} is not a header name")
        if b"\n" in value or b"\r" in value or b"\0" in value:
            raise ValueError(f"the value of the header {name!r} holds a line end or NUL")
    return b"".join([b"%b: %b\r\n" % header for header in headers])


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not valid: {error.verify_message}"
    if isinstance(error, OSError):
        return spoken(error)
    return str(error) or type(error).__name__

"""The HTTP/1.1 client towards one origin: kept connections, deadlines, backpressure, and no request sent twice."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from gatepost.wire.errors import ConnectError, TimedOut, UpstreamError
from gatepost.wire.response import Exchange, Response
from gatepost.wire.tls import client_context

Headers = Sequence[tuple[bytes, bytes]]
_HTTPS: Final = "https"


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Deadlines in seconds; None is no deadline."""

    connect: float = 5.0
    """To get a connection, waiting for a free one included."""
    first_byte: float = 60.0
    """From sending the request to the head of the response."""
    total: float | None = 300.0
    """From sending the request to the end of the response."""
    idle: float | None = 300.0
    """Between two pieces of the response's body."""


class Pool:
    """Connections to one origin.

    Nothing is ever sent again: a request fails with what went wrong, and `UpstreamError.sent` says whether the server
    may have seen it. Redirects are returned like any other response.
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
        """Args: url: http or https, with the path that requests go to unless they name another."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", _HTTPS) or parts.hostname is None:
            raise ValueError(f"not an http(s) URL: {url!r}")
        tls = parts.scheme == _HTTPS
        self.base_path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._host = parts.hostname
        self._port = parts.port or (443 if tls else 80)
        self._tls = (ssl_context or client_context()) if tls else None
        self._timeouts = timeouts or Timeouts()
        self._max_connections = max_connections
        self._max_idle = max_idle
        self._idle_seconds = idle_seconds
        self._idle: list[tuple[Exchange, float]] = []
        self._open: set[Exchange] = set()
        self._connecting = 0
        self._waiters: deque[asyncio.Future[Exchange | None]] = deque()
        self._prefixes: dict[tuple[str, str], bytes] = {}
        self._authority = parts.netloc.rpartition("@")[2].encode("ascii")
        self._closed = False

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
            headers: everything but Host and Content-Length, which follow from the origin and the body.
            path: the target in place of `base_path`.

        Raises:
            UpstreamError: `ConnectError`, `TimedOut`, `Cut`, `Malformed`.
        """
        deadlines = timeouts or self._timeouts
        exchange = self._take_idle() or await self._connection(deadlines.connect)
        data = self._head(method, path or self.base_path, headers, len(body)) + body
        return await exchange.send(data, method, deadlines)

    async def close(self) -> None:
        """Close every connection; requests in flight fail with `Cut`."""
        self._closed = True
        for exchange in list(self._open):
            exchange.abort()
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
        now = asyncio.get_running_loop().time()
        while self._idle:
            exchange, since = self._idle.pop()
            if now - since < self._idle_seconds and exchange.usable:
                return exchange
            exchange.abort()
        return None

    async def _connection(self, seconds: float) -> Exchange:
        try:
            async with asyncio.timeout(seconds):
                while len(self._open) + self._connecting >= self._max_connections:
                    waiter: asyncio.Future[Exchange | None] = asyncio.get_running_loop().create_future()
                    self._waiters.append(waiter)
                    exchange = await waiter
                    if exchange is not None and exchange.usable:
                        return exchange
                return await self._connect()
        except TimeoutError:
            raise TimedOut("connect", seconds, sent=False) from None

    async def _connect(self) -> Exchange:
        if self._closed:
            raise ConnectError("the pool is closed", sent=False)
        loop = asyncio.get_running_loop()
        self._connecting += 1
        try:
            server_name = self._host if self._tls is not None else None
            _, exchange = await loop.create_connection(
                lambda: Exchange(self), self._host, self._port, ssl=self._tls, server_hostname=server_name
            )
        except (OSError, ssl.SSLError, UnicodeError) as error:
            raise ConnectError(_why(error), sent=False) from None
        finally:
            self._connecting -= 1
        self._open.add(exchange)
        return exchange

    def returned(self, exchange: Exchange) -> None:
        """A connection is free again after a whole, clean response."""
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(exchange)
                return
        if self._closed or len(self._idle) >= self._max_idle:
            exchange.abort()
        else:
            self._idle.append((exchange, asyncio.get_running_loop().time()))

    def lost(self, exchange: Exchange) -> None:
        """A connection is closed; whoever waits may open another."""
        self._open.discard(exchange)
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    def _head(self, method: str, path: str, headers: Headers, length: int) -> bytes:
        key = (method, path)
        prefix = self._prefixes.get(key)
        if prefix is None:
            prefix = b"%b %b HTTP/1.1\r\nhost: %b\r\n" % (method.encode(), path.encode("ascii"), self._authority)
            if len(self._prefixes) < 64:
                self._prefixes[key] = prefix
        out = bytearray(prefix)
        for name, value in headers:
            if b"\r" in value or b"\n" in value or b"\0" in value:
                raise UpstreamError(f"the header {name!r} cannot be sent", sent=False)
            out += name
            out += b": "
            out += value
            out += b"\r\n"
        if length or method not in ("GET", "HEAD", "DELETE"):
            out += b"content-length: %d\r\n" % length
        out += b"\r\n"
        return bytes(out)


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not valid: {error.verify_message}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__

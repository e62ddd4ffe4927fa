"""The HTTP/1.1 listener: bytes in, complete requests out, everything else refused.

asyncio protocols on httptools (llhttp, strict). A handler gets a request only when its body is whole; a caller can be
turned away earlier, when the head is there. Deadlines are held by one sweep over all connections, so that a request
costs no timer.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from gatepost.wire.connection import Connection
from gatepost.wire.limits import Limits, Refusal
from gatepost.wire.names import Names, Proxies
from gatepost.wire.request import ClientGone, Request
from gatepost.wire.responses import refresh_date

__all__ = ["ClientGone", "Handler", "Limits", "Listener", "Refusal", "Request"]

Handler = Callable[[Request], Coroutine[Any, Any, None]]
OnHead = Callable[[Request], Refusal | None]
OnRefused = Callable[[str, Refusal], None]


def _no_refusal(_: Request) -> Refusal | None:
    return None


def _unrecorded(_: str, __: Refusal) -> None:
    return None


class Listener:
    """Listens on one address and calls `handler` for each complete request.

    Args:
        handler: called in a task of its own for each request; it answers through the `Request`.
        on_head: called when a head is complete, before the body is read; a `Refusal` ends it there.
        on_refused: called with the client's address for each request that is answered with a `Refusal`.
        allowed_hosts: names to answer to, with or without a port. None: loopback names on a loopback address, any
            name on another (which TLS then vouches for).
        allowed_origins: `Origin` values besides pages of this machine.
        trusted_proxies: networks whose `X-Forwarded-For` is believed.
    """

    def __init__(
        self,
        handler: Handler,
        *,
        on_head: OnHead | None = None,
        on_refused: OnRefused | None = None,
        limits: Limits | None = None,
        allowed_hosts: frozenset[str] | None = None,
        allowed_origins: frozenset[str] = frozenset(),
        trusted_proxies: Sequence[str] = (),
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.handler = handler
        self.on_head = on_head or _no_refusal
        self.on_refused = on_refused or _unrecorded
        self.limits = limits or Limits()
        self.proxies = Proxies(trusted_proxies)
        self.names = Names("localhost", allowed_hosts, allowed_origins)
        self.draining = False
        self.open: set[Connection] = set()
        self._allowed = (allowed_hosts, allowed_origins)
        self._empty = asyncio.Event()
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._sweeper: asyncio.Task[None] | None = None

    async def start(self, host: str, port: int) -> None:
        """Begin to listen; port 0 takes a free one. Raises `OSError` where the address cannot be had."""
        self.names = Names(host, *self._allowed)
        refresh_date()
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Connection(self), host, port, ssl=self._tls, backlog=1024)
        self._sweeper = asyncio.ensure_future(self._sweep())

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Where it listens: (address, port)."""
        return [] if self._server is None else [s.getsockname()[:2] for s in self._server.sockets]

    @property
    def connections(self) -> int:
        """Open connections."""
        return len(self.open)

    @property
    def requests_in_flight(self) -> int:
        """Requests that a handler is at work on."""
        return sum(connection.busy for connection in self.open)

    async def drain(self, seconds: float) -> None:
        """Accept nothing more, let requests finish for so long, then cut what is left."""
        self.draining = True
        if self._server is not None:
            self._server.close()
        for connection in list(self.open):
            connection.drain()
        self._empty.clear()
        if self.open:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._empty.wait(), seconds)
        for connection in list(self.open):
            connection.abort()
        if self._sweeper is not None:
            self._sweeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sweeper

    def closed(self, connection: Connection) -> None:
        """A connection tells that it is closed."""
        self.open.discard(connection)
        if not self.open:
            self._empty.set()

    async def _sweep(self) -> None:
        limits = self.limits
        shortest = min(limits.head_timeout, limits.body_timeout, limits.idle_timeout, limits.linger)
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(min(1.0, shortest / 4))
            refresh_date()
            now = loop.time()
            for connection in list(self.open):
                connection.check_deadline(now)

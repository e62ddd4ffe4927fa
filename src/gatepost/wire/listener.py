"""The HTTP/1.1 listener: bytes in, complete requests out, everything else refused.

asyncio protocols on httptools (llhttp, strict). A handler gets a request only when its body is whole; a caller can be
turned away earlier, when the head is there.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final

from gatepost.errors import GatepostError
from gatepost.wire.connection import Connection
from gatepost.wire.head import Head, Line, request_line
from gatepost.wire.known_lines import KnownLines
from gatepost.wire.limits import Limits, Refusal
from gatepost.wire.names import Names, Proxies
from gatepost.wire.request import ClientGone, Request
from gatepost.wire.running import Running, Together
from gatepost.wire.sockets import spoken

__all__ = ["ClientGone", "Handler", "Limits", "Listener", "Refusal", "Request"]

Handler = Callable[[Request], Coroutine[Any, Any, None]]
OnHead = Callable[[Request], Refusal | None]
OnRefused = Callable[[str, Refusal], None]

_log = logging.getLogger(__name__)
_BACKLOG: Final = 1024
_REMEMBERED: Final = 256
_REMEMBERED_LENGTH: Final = 256
_REMEMBERED_HEADS: Final = 512
_REMEMBERED_HEAD_LENGTH: Final = 2048
_CALLED_OFF_SECONDS: Final = 2.0
"""How long `drain` waits for handlers that it has cancelled."""


class Listener:
    """Listens on one address and calls `handler` for each complete request.

    Args:
        handler: called for each request; it answers through the `Request`. It runs as a `wire.running.Running`: before
            it asks for the current task, as `asyncio.timeout` does, it awaits `as_task()`. Where it fails before it
            answers, the client gets 500, and the connection is closed.
        on_head: called when a head is complete, before the body is read; a `Refusal` ends it there.
        on_refused: called with the client's address for each request that is answered with a `Refusal`, and for each
            that broke off in the middle.
        allowed_hosts: names to answer to, with or without a port. None: loopback names on a loopback address, any
            name on another (which TLS then vouches for).
        allowed_origins: `Origin` values besides pages of this machine.
        trusted_proxies: addresses and networks whose `X-Forwarded-For` is believed.
        tls: see `gatepost.wire.tls.server_context`.
        on_turn: called when the handlers of all requests that came in one turn of the loop have begun.

    Raises:
        GatepostError: GP-6004, a trusted proxy is no address or network.
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
        on_turn: Callable[[], object] | None = None,
    ) -> None:
        self.handler = handler
        self.limits = limits or Limits()
        self.proxies = Proxies(trusted_proxies)
        self.names = Names("localhost", allowed_hosts, allowed_origins)
        self.draining = False
        self._on_head = on_head
        self._on_refused = on_refused
        self._allowed = (allowed_hosts, allowed_origins)
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._open: set[Connection] = set()
        self.running: set[Running] = set()
        self.beginning = Together(on_turn)
        """Handlers of the requests that came in this turn."""
        self.known_lines = KnownLines()
        self.heads: dict[bytes, Head] = {}
        """The last heads that were accepted, by their bytes."""
        self._lines: dict[bytes, Line] = {}
        self._quiet = asyncio.Event()

    async def start(self, host: str, port: int) -> None:
        """Begin to listen; port 0 takes a free one.

        Raises:
            GatepostError: GP-6003, the address cannot be had.
        """
        self.names = Names(host, *self._allowed)
        loop = asyncio.get_running_loop()
        handshake = self.limits.head_timeout if self._tls is not None else None
        try:
            self._server = await loop.create_server(
                lambda: Connection(self, loop),
                host,
                port,
                ssl=self._tls,
                ssl_handshake_timeout=handshake,
                backlog=_BACKLOG,
            )
        except OSError as error:
            raise GatepostError(
                "GP-6003",
                f"{host}:{port} cannot be listened on: {spoken(error)}.",
                "Choose another address, or end what listens there.",
            ) from None

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Where it listens: (address, port)."""
        return [] if self._server is None else [s.getsockname()[:2] for s in self._server.sockets]

    @property
    def connections(self) -> int:
        """Open connections."""
        return len(self._open)

    @property
    def requests_in_flight(self) -> int:
        """Requests that a handler is at work on."""
        return len(self.running)

    async def drain(self, seconds: float) -> None:
        """Accept nothing more, let requests finish for so long, then cut the connections and cancel the handlers."""
        self.draining = True
        if self._server is not None:
            self._server.close()
        for connection in list(self._open):
            connection.drain()
        if self._open or self.running:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._quiet.wait(), seconds)
        for connection in list(self._open):
            connection.abort()
        if self.running:
            for running in list(self.running):
                running.cancel()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._quiet.wait(), _CALLED_OFF_SECONDS)

    # -- called by connections -------------------------------------------------------------------------------------

    def opened(self, connection: Connection) -> Refusal | None:
        """A connection begins; perhaps it is one too many."""
        full = len(self._open) >= self.limits.max_connections
        self._open.add(connection)
        if self.draining:
            return Refusal(503, "GP-1014", "The gateway is stopping.")
        if full:
            return Refusal(503, "GP-1014", "Too many connections are open.")
        return None

    def closed(self, connection: Connection) -> None:
        """A connection is closed."""
        self._open.discard(connection)
        self._note_quiet()

    def judge_head(self, request: Request) -> Refusal | None:
        """What `on_head` says. Where it fails, nobody has judged the request: it is refused."""
        if self._on_head is None:
            return None
        try:
            return self._on_head(request)
        except Exception:
            _log.exception("the head of %s could not be judged", request.path)
            return Refusal(500, "GP-1008", "The gateway failed on this request.")

    def refused(self, client: str, refusal: Refusal) -> None:
        """Tell of a refusal."""
        if self._on_refused is None:
            return
        try:
            self._on_refused(client, refusal)
        except Exception:
            _log.exception("a refusal of %s could not be told of", client)

    def line(self, line: bytes) -> Line | Refusal:
        """Read a request line. Clients repeat theirs: the last ones are remembered."""
        known = self._lines.get(line)
        if known is not None:
            return known
        read = request_line(line, self.limits.max_target)
        if not isinstance(read, Refusal) and len(line) <= _REMEMBERED_LENGTH:
            if len(self._lines) >= _REMEMBERED:
                self._lines.clear()
            self._lines[line] = read
        return read

    def learn(self, data: bytes, head: Head) -> None:
        """Remember a head that was accepted, unless its body's end is llhttp's to find."""
        if len(data) <= _REMEMBERED_HEAD_LENGTH and b"transfer-encoding" not in head.values:
            if len(self.heads) >= _REMEMBERED_HEADS:
                self.heads.clear()
            self.heads[data] = head

    def finished(self, running: Running) -> None:
        """A handler is done."""
        self.running.discard(running)
        self._note_quiet()

    def _note_quiet(self) -> None:
        if self.draining and not self._open and not self.running:
            self._quiet.set()

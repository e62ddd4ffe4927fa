"""One complete HTTP request, and the way to answer it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from gatepost.wire import responses
from gatepost.wire.head import Head
from gatepost.wire.running import Running

if TYPE_CHECKING:
    from gatepost.wire.connection import Connection

_log = logging.getLogger(__name__)

Headers = Sequence[tuple[bytes, bytes]]


class ClientGone(Exception):
    """The client closed the connection before its answer was complete."""


class Request(msgspec.Struct, eq=False):
    """A request whose body is whole. It is answered once: by `reply`, or by `start`, `write` and `end`.

    Attributes:
        head: its head, which other requests may share.
        body: the whole body.
        client: the client's IP address.
        received_ns: `time.perf_counter_ns()` when its first byte was seen.
        context: free for whoever serves it.
        running: its handler on its way.
        gone: whether the client left before the answer ended.
        started: whether an answer has begun.
        ended: whether the answer is complete.
    """

    _connection: Connection
    head: Head
    client: str
    received_ns: int
    keep_alive: bool
    body: bytes = b""
    context: Any = None
    running: Running | None = None
    gone: bool = False
    started: bool = False
    ended: bool = False
    _on_gone: list[Callable[[], object]] | None = None

    @property
    def method(self) -> str:
        """In upper case."""
        return self.head.method

    @property
    def path(self) -> str:
        """The raw path, not decoded, before `?`."""
        return self.head.path

    @property
    def query(self) -> str:
        """What stands behind `?`, or empty."""
        return self.head.query

    @property
    def headers(self) -> Headers:
        """Names in lower case, in the order they came."""
        return self.head.headers

    def header(self, name: bytes) -> bytes | None:
        """The first value of a header by its lower-case name, None where it is absent."""
        return self.head.values.get(name)

    def cancel(self) -> None:
        """Call the handler off: `CancelledError` is raised where it waits."""
        if self.running is not None:
            self.running.cancel()

    def on_gone(self, callback: Callable[[], object]) -> None:
        """Call this when the client leaves before the answer ended; at once where it has left already."""
        if self.gone:
            callback()
        elif self._on_gone is None:
            self._on_gone = [callback]
        else:
            self._on_gone.append(callback)

    def reply(self, status: int, headers: Headers, body: bytes = b"") -> None:
        """Answer with a whole body. Nothing is sent where the client has left.

        Raises:
            ValueError: a header holds a line end.
        """
        if self.gone:
            return
        connection = self._connection
        head = responses.head(status, headers, len(body), keep_alive=self._keeps())
        self._begin()
        self._ended()
        connection.send(head if self.head.method == "HEAD" else head + body)
        connection.answered(self)

    def start(self, status: int, headers: Headers) -> None:
        """Begin an answer that comes in pieces: chunked, or for HTTP/1.0 until the connection closes."""
        if self.gone:
            return
        framing = responses.CHUNKED if self.head.newer else responses.UNTIL_CLOSE
        head = responses.head(status, headers, framing, keep_alive=self._keeps())
        self._begin()
        self._connection.stream(head)

    @property
    def flows(self) -> bool:
        """Whether the client is there and reads as quickly as it is written to: `push` is as good as `write` then."""
        return not (self.gone or self._connection.paused)

    def push(self, chunk: bytes) -> None:
        """Send one piece without waiting for a slow client; for the last small one.

        Raises:
            RuntimeError: no answer is under way.
        """
        if self.gone:
            return
        if not self.started or self.ended:
            raise RuntimeError("no answer is under way")
        if not chunk or self.method == "HEAD":
            return
        if not self.head.newer:
            self._connection.stream(chunk)
        else:
            self._connection.stream(b"%x\r\n%b\r\n" % (len(chunk), chunk))

    async def write(self, chunk: bytes) -> None:
        """Send one piece, and wait while the client is slow. Raises `ClientGone`."""
        if self.gone:
            raise ClientGone
        self.push(chunk)
        connection = self._connection
        if connection.paused:
            await connection.drained()
            if self.gone:
                raise ClientGone

    async def resumed(self) -> bytes | None:
        """The answer's last piece, where its source ended before that and is taken up again on the client's behalf.

        None where a client does that itself, as over HTTP.
        """
        return None

    def end(self) -> None:
        """End an answer that came in pieces."""
        if self.gone or self.ended:
            return
        if not self.started:
            raise RuntimeError("no answer is under way")
        self._ended()
        if self.head.newer and self.method != "HEAD":
            self._connection.stream(b"0\r\n\r\n", last=True)
        self._connection.answered(self)

    def abort(self) -> None:
        """Cut the connection, so that the client sees that its answer is not whole."""
        self._connection.abort()

    def left(self) -> None:
        """The connection tells that the client has left."""
        self.gone = True
        callbacks, self._on_gone = self._on_gone, None
        for callback in callbacks or ():
            try:
                callback()
            except Exception:
                _log.exception("the handler of %s could not be told that its client has left", self.path)

    def handled(self, running: Running) -> None:
        """The handler has ended."""
        self.running = None
        self._connection.handled(self, running)

    def _keeps(self) -> bool:
        self.keep_alive = self.keep_alive and self._connection.keeps()
        return self.keep_alive

    def _ended(self) -> None:
        self.ended = True
        self._on_gone = None  # a callback of the request's own would keep it alive until the collector comes

    def _begin(self) -> None:
        if self.started:
            raise RuntimeError("the request is answered already")
        self.started = True

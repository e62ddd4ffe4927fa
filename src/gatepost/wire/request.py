"""One complete HTTP request, and the way to answer it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from gatepost.wire import responses

if TYPE_CHECKING:
    from gatepost.wire.connection import Connection

Headers = Sequence[tuple[bytes, bytes]]


class ClientGone(Exception):
    """The client closed the connection before its answer was complete."""


class Request:
    """A request whose body is whole.

    Attributes:
        method: in upper case.
        path: the raw path, not decoded, before `?`.
        query: what stands behind `?`, or empty.
        headers: names in lower case, in the order they came.
        body: the whole body.
        client: the client's IP address.
        received_ns: `time.perf_counter_ns()` when its first byte was seen.
        context: free for whoever serves it.
        gone: whether the client left before the answer ended.
        started: whether an answer has begun.
    """

    __slots__ = (
        "_connection", "_first", "_on_gone", "body", "client", "context", "ended", "gone", "headers", "keep_alive",
        "method", "path", "query", "received_ns", "started",
    )  # fmt: skip

    def __init__(
        self,
        connection: Connection,
        method: str,
        target: str,
        headers: list[tuple[bytes, bytes]],
        first: dict[bytes, bytes],
        client: str,
        received_ns: int,
        *,
        keep_alive: bool,
    ) -> None:
        self._connection = connection
        self._first = first
        self._on_gone: Callable[[], object] | None = None
        self.method = method
        self.path, _, self.query = target.partition("?")
        self.headers = headers
        self.body = b""
        self.client = client
        self.received_ns = received_ns
        self.keep_alive = keep_alive
        self.context: Any = None
        self.gone = False
        self.started = False
        self.ended = False

    def header(self, name: bytes) -> bytes | None:
        """The value of a header by its lower-case name, None where it is absent."""
        return self._first.get(name)

    def on_gone(self, callback: Callable[[], object]) -> None:
        """Call this when the client leaves before the answer ended; at once where it has left already."""
        if self.gone:
            callback()
        else:
            self._on_gone = callback

    def reply(self, status: int, headers: Headers, body: bytes = b"") -> None:
        """Answer with a whole body. Nothing is sent where the client has left."""
        if self.gone:
            return
        self.started = True
        text = responses.head(status, headers, len(body), keep_alive=self.keep_alive)
        self._connection.send(text if self.method == "HEAD" else text + body)
        self._finish()

    def start(self, status: int, headers: Headers) -> None:
        """Begin an answer that comes in pieces."""
        if self.gone:
            return
        self.started = True
        self._connection.send(responses.head(status, headers, None, keep_alive=self.keep_alive))

    def push(self, chunk: bytes) -> None:
        """Send one piece without waiting for a slow client; for the last small one."""
        if chunk and not self.gone:
            self._connection.send(b"%x\r\n%b\r\n" % (len(chunk), chunk))

    async def write(self, chunk: bytes) -> None:
        """Send one piece, and wait while the client is slow. Raises `ClientGone`."""
        if self.gone:
            raise ClientGone
        self.push(chunk)
        waiting = self._connection.writable
        if waiting is not None:
            await waiting
            if self.gone:
                raise ClientGone

    def end(self) -> None:
        """End an answer that came in pieces."""
        if not self.gone and not self.ended:
            self._connection.send(b"0\r\n\r\n")
            self._finish()

    def abort(self) -> None:
        """Cut the connection, so that the client sees that its answer is not whole."""
        self._connection.abort()

    def left(self) -> None:
        """The connection tells that the client has left."""
        self.gone = True
        if self._on_gone is not None:
            self._on_gone()

    def _finish(self) -> None:
        self.ended = True
        self._on_gone = None
        self._connection.finished(self)

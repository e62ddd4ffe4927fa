"""One response of an upstream, read piece by piece."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any, Final

import msgspec

from gatepost.wire.errors import TooLarge, UpstreamError
from gatepost.wire.running import Signal

if TYPE_CHECKING:
    from gatepost.wire.exchange import Exchange

_HIGH_WATER: Final = 64 * 1024


class ResponseHead:
    """The head of a response. Servers repeat theirs to the byte within a second; it is read once then.

    Attributes:
        status: the HTTP status.
        headers: names in lower case, in the order they came; not to be changed.
        length: the Content-Length, None where there is none.
        kept_for: how many seconds the server keeps the connection.
        memo: what others worked out from nothing but this head, under keys of their own.
    """

    __slots__ = ("headers", "kept_for", "length", "memo", "status")

    def __init__(self, status: int, headers: list[tuple[bytes, bytes]], length: int | None, kept_for: float) -> None:
        self.status = status
        self.headers = headers
        self.length = length
        self.kept_for = kept_for
        self.memo: dict[object, Any] = {}


class Response(msgspec.Struct, eq=False):
    """A response, whose body is to be read once, by `read` or by `chunks`. Without an exchange it is complete.

    Attributes:
        head: its head, which other responses may share.
        asked_at: when its request was sent, in the loop's time.
    """

    _exchange: Exchange | None
    head: ResponseHead
    asked_at: float
    _chunks: list[bytes]
    _unread: int = 0
    _error: UpstreamError | None = None
    _waiter: Signal[None] | None = None

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.head.status

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """Names in lower case, in the order they came."""
        return self.head.headers

    def header(self, name: bytes) -> bytes | None:
        """The first value of a header by its lower-case name, None where it is absent."""
        for key, value in self.headers:
            if key == name:
                return value
        return None

    @property
    def complete(self) -> bool:
        """Whether the whole body is there, so that reading it does not wait."""
        return self._exchange is None and self._error is None

    @property
    def size(self) -> int:
        """How much of the body is there and was not taken."""
        return self._unread

    def taken(self) -> bytes:
        """What is there of the body."""
        chunks, self._chunks, self._unread = self._chunks, [], 0
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    async def read(self, limit: int) -> bytes:
        """The whole body, of up to `limit` bytes.

        Raises:
            UpstreamError: `TooLarge`, `Cut`, `Malformed`, `TimedOut`. The connection is closed then.
        """
        length = self.head.length
        if length is not None and length > limit:
            self.abort()
            raise TooLarge(f"the response is longer than {limit} bytes", sent=True)
        if self.complete and self._unread <= limit:
            return self.taken()
        whole = bytearray()
        async for chunk in self.chunks():
            whole += chunk
            if len(whole) > limit:
                self.abort()
                raise TooLarge(f"the response is longer than {limit} bytes", sent=True)
        return bytes(whole)

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """The pieces of the body as they come. While they are not taken, little more than 64 KiB is read ahead.

        Leaving the iteration early closes the connection.

        Raises:
            UpstreamError: `Cut`, `Malformed`, `TimedOut`, behind the pieces that came before.
        """
        try:
            while piece := await self.piece():
                yield piece
        finally:
            self.abort()

    async def piece(self) -> bytes:
        """What has come of the body since the last one, at least one byte; nothing at its end. Raises as `chunks` does.

        Whoever does not read to the end calls `abort`.
        """
        chunks = self._chunks
        while not chunks:
            if self._error is not None:
                raise self._error
            if self._exchange is None:
                return b""
            self._waiter = Signal()
            try:
                await self._waiter
            finally:
                self._waiter = None
        piece = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        chunks.clear()
        self._unread = 0
        if self._exchange is not None:
            self._exchange.resume()
        return piece

    def abort(self) -> None:
        """Close the connection unless the response is complete: the server is told that nobody reads on."""
        if self._exchange is not None:
            self._exchange.give_up()

    # -- called by the exchange ------------------------------------------------------------------------------------

    def feed(self, chunk: bytes) -> bool:
        """Take a piece of the body, of which `arrived` tells later. Returns whether it is enough for now."""
        self._chunks.append(chunk)
        self._unread += len(chunk)
        return self._unread > _HIGH_WATER

    def arrived(self) -> None:
        """Whoever reads goes on, before this returns, if there is anything to read or it has ended."""
        waiter = self._waiter
        if waiter is not None and not waiter.done and (self._chunks or self._exchange is None):
            waiter.set_result(None)

    def finish(self, error: UpstreamError | None = None) -> None:
        """The body is complete, or never will be."""
        self._exchange = None
        self._error = error

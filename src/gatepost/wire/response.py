"""One response of an upstream, read piece by piece."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Final

from gatepost.wire.errors import TooLarge, UpstreamError

if TYPE_CHECKING:
    from gatepost.wire.exchange import Exchange

_HIGH_WATER: Final = 64 * 1024


class Response:
    """The head of a response, and its body to be read once, by `read` or by `chunks`.

    Attributes:
        status: the HTTP status.
        headers: names in lower case, in the order they came.
    """

    __slots__ = ("_chunks", "_error", "_exchange", "_length", "_loop", "_unread", "_waiter", "headers", "status")

    def __init__(
        self,
        exchange: Exchange,
        loop: asyncio.AbstractEventLoop,
        status: int,
        headers: list[tuple[bytes, bytes]],
        length: int | None,
    ) -> None:
        self.status = status
        self.headers = headers
        self._loop = loop
        self._exchange: Exchange | None = exchange  # until the response is complete
        self._length = length
        self._chunks: list[bytes] = []
        self._unread = 0
        self._error: UpstreamError | None = None
        self._waiter: asyncio.Future[None] | None = None

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

    async def read(self, limit: int) -> bytes:
        """The whole body, of up to `limit` bytes.

        Raises:
            UpstreamError: `TooLarge`, `Cut`, `Malformed`, `TimedOut`. The connection is closed then.
        """
        chunks = self._chunks
        if self._length is not None and self._length > limit:
            self.abort()
            raise TooLarge(f"the response is longer than {limit} bytes", sent=True)
        if self._exchange is None and self._error is None and self._unread <= limit:
            # The usual case: all of it came with the head.
            body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
            chunks.clear()
            self._unread = 0
            return body
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
        chunks = self._chunks
        try:
            while True:
                if chunks:
                    piece = chunks[0] if len(chunks) == 1 else b"".join(chunks)
                    chunks.clear()
                    self._unread = 0
                    if self._exchange is not None:
                        self._exchange.resume()
                    yield piece
                elif self._error is not None:
                    raise self._error
                elif self._exchange is None:
                    return
                else:
                    self._waiter = self._loop.create_future()
                    await self._waiter
        finally:
            self._waiter = None
            self.abort()

    def abort(self) -> None:
        """Close the connection unless the response is complete: the server is told that nobody reads on."""
        if self._exchange is not None:
            self._exchange.give_up()

    # -- called by the exchange ------------------------------------------------------------------------------------

    def feed(self, chunk: bytes) -> bool:
        """Take a piece of the body. Returns whether it is enough for now."""
        self._chunks.append(chunk)
        self._unread += len(chunk)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
        return self._unread > _HIGH_WATER

    def finish(self, error: UpstreamError | None = None) -> None:
        """The body is complete, or never will be."""
        self._exchange = None
        self._error = error
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

"""What goes out on one connection: what is ready together leaves together, and nobody runs ahead of the client."""

from __future__ import annotations

import asyncio
from typing import Final

_TOGETHER: Final = 32 * 1024
"""So many bytes of a stream are gathered at most before they are written."""


class Outgoing(asyncio.Protocol):
    """The writing half of a connection.

    Args:
        write_timeout: seconds after which a client that reads nothing is cut off.

    Attributes:
        paused: whether the client is slow: so much is waiting for it that nothing should be added.
    """

    __slots__ = ("_drains", "_gathered", "_loop", "_pieces", "_transport", "_write_timeout", "paused")

    def __init__(self, loop: asyncio.AbstractEventLoop, write_timeout: float) -> None:
        self._loop = loop
        self._write_timeout = write_timeout
        self._transport: asyncio.Transport | None = None
        self.paused = False
        self._pieces: list[bytes] = []
        self._gathered = 0
        self._drains: list[asyncio.Future[None]] = []

    def pause_writing(self) -> None:
        self.paused = True

    def resume_writing(self) -> None:
        self.paused = False
        drains, self._drains = self._drains, []
        for drain in drains:
            if not drain.done():
                drain.set_result(None)

    def send(self, data: bytes) -> None:
        """Write to the client."""
        if self._pieces:
            self._flush()
        if self._transport is not None:
            self._transport.write(data)

    def stream(self, piece: bytes, *, last: bool = False) -> None:
        """Write a piece of an answer. Those of one turn leave together: each write wakes the client."""
        pieces = self._pieces
        if not pieces and not last:
            self._loop.call_soon(self._flush)
        pieces.append(piece)
        self._gathered += len(piece)
        if last or self._gathered > _TOGETHER:  # beyond it the transport says whether the client is slow
            self._flush()

    def _flush(self) -> None:
        pieces, self._pieces, self._gathered = self._pieces, [], 0
        if pieces and self._transport is not None:
            self._transport.write(b"".join(pieces))

    async def drained(self) -> None:
        """Wait until the client has read most of what was written. One that reads nothing for long is cut off."""
        drain: asyncio.Future[None] = self._loop.create_future()
        self._drains.append(drain)
        handle = self._loop.call_later(self._write_timeout, self.abort)
        try:
            await drain
        finally:
            handle.cancel()

    def abort(self) -> None:
        """Cut the connection. Nothing is written from here on; `connection_lost` follows."""
        self._flush()
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()

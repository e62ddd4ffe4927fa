"""What a program sent for one reader and was not read yet: in order, and bounded by whoever fills it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from gatepost.upstreams.base import UpstreamFailed


class Mailbox:
    """A queue of encoded messages with one reader.

    Args:
        high: unread bytes over which `on_full(True)` is called, unless it is a single message; `on_full(False)` follows
            when half of them are left.
        on_full: tells the one who fills it to stop or to go on.
    """

    __slots__ = ("_closed", "_error", "_high", "_messages", "_on_full", "_size", "_waiter", "full")

    def __init__(self, high: int, on_full: Callable[[bool], None]) -> None:
        self.full = False
        self._high = high
        self._on_full = on_full
        self._messages: deque[bytes] = deque()
        self._size = 0
        self._closed = False
        self._error: UpstreamFailed | None = None
        self._waiter: asyncio.Future[None] | None = None

    def put(self, message: bytes) -> None:
        """Add a message; after `close` it is thrown away."""
        if self._closed:
            return
        self._messages.append(message)
        self._size += len(message)
        self._wake()
        if self._size > self._high and len(self._messages) > 1 and not self.full:
            self.full = True
            self._on_full(True)

    def close(self, error: UpstreamFailed | None = None) -> None:
        """No more will come. The reader gets what is there, then the end, or `error`."""
        if not self._closed:
            self._closed, self._error = True, error
            self._wake()

    def discard(self) -> None:
        """The reader is gone: forget what is there, and close."""
        self.close()
        self._messages.clear()
        self._size = 0
        self._relieve()

    @property
    def only_answer(self) -> bool:
        """Whether all there is and ever will be is one message."""
        return self._closed and self._error is None and len(self._messages) == 1

    async def ready(self) -> None:
        """Wait until there is a message, or the end. Raises the error it was closed with, where nothing came before."""
        while not self._messages and not self._closed:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        if not self._messages and self._error is not None:
            raise self._error

    async def next(self) -> bytes | None:
        """The next message, or None at the end. Raises the error it was closed with."""
        await self.ready()
        if not self._messages:
            return None
        message = self._messages.popleft()
        self._size -= len(message)
        if self._size <= self._high // 2:
            self._relieve()
        return message

    def _relieve(self) -> None:
        if self.full:
            self.full = False
            self._on_full(False)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

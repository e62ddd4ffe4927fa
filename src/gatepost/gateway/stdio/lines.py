"""Standard input and output as lines: bounded, and never blocking the event loop."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Final

_CHUNK: Final = 64 * 1024
"""Bytes read at once: what a pipe holds, and small enough for an allocator to have at hand."""
_HIGH_WATER: Final = 256 * 1024


class Inlet:
    """Reads lines from a descriptor: a pipe, a socket, a terminal or a file.

    Args:
        most: bytes that a line may have; a longer one is skipped to its end.
        on_line: gets each line without its newline, empty ones left out.
        on_read: called when the lines that were there have been given out.
        on_too_long: called once for each line that is skipped.
        on_end: called once, at the end of the input.
    """

    def __init__(
        self,
        descriptor: int,
        most: int,
        on_line: Callable[[bytes], None],
        on_read: Callable[[], None],
        on_too_long: Callable[[], None],
        on_end: Callable[[], None],
    ) -> None:
        self._descriptor = descriptor
        self._most = most
        self._on_line = on_line
        self._on_read = on_read
        self._on_too_long = on_too_long
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self._rest = b""
        self._skipping = False
        self._reading = self._ended = self._polled = False

    def resume(self) -> None:
        """Read, or read on."""
        if self._reading or self._ended:
            return
        self._reading = True
        try:
            self._loop.add_reader(self._descriptor, self._read)
            self._polled = True
        except (PermissionError, OSError):  # a file is always ready, and cannot be waited for
            self._polled = False
            self._loop.call_soon(self._read)

    def pause(self) -> None:
        """Read nothing until `resume`."""
        if self._reading:
            self._reading = False
            if self._polled:
                self._loop.remove_reader(self._descriptor)

    def _read(self) -> None:
        if not self._reading:
            return
        try:
            chunk = os.read(self._descriptor, _CHUNK)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            chunk = b""
        if not chunk:
            self.pause()
            self._ended = True
            if self._rest and not self._skipping:
                self._on_line(self._rest)
                self._on_read()
            self._on_end()
            return
        if not self._rest and not self._skipping and chunk.find(b"\n") == len(chunk) - 1 <= self._most:
            self._on_line(chunk[:-1])  # the usual case: one whole line
        else:
            self._feed(chunk)
        self._on_read()
        if self._reading and not self._polled:
            self._loop.call_soon(self._read)

    def _feed(self, chunk: bytes) -> None:
        *lines, rest = (self._rest + chunk).split(b"\n") if b"\n" in chunk else (self._rest + chunk,)
        self._rest = rest
        for line in lines:
            if self._skipping:
                self._skipping = False
            elif len(line) > self._most:
                self._on_too_long()
            elif line and not line.isspace():
                self._on_line(line)
        if len(self._rest) > self._most:
            self._rest = b""
            if not self._skipping:
                self._skipping = True
                self._on_too_long()
        elif self._skipping:
            self._rest = b""


class Outlet:
    """Writes lines to a descriptor: at once where that is possible, else when the other end has read.

    Args:
        on_gone: called once, when nobody can read any more.
        on_flow: called with False when so much waits that nothing should be added, which is not refused for all that;
            with True when all of it is written.

    Attributes:
        gone: whether nobody can.
    """

    def __init__(self, descriptor: int, on_gone: Callable[[], None], on_flow: Callable[[bool], None]) -> None:
        self._descriptor = descriptor
        self._on_gone = on_gone
        self._on_flow = on_flow
        self._flowing = True
        self._loop = asyncio.get_running_loop()
        self._backlog = bytearray()
        self._waiters: list[asyncio.Future[None]] = []
        self.gone = False
        self._blocked = os.get_blocking(descriptor)
        os.set_blocking(descriptor, False)

    @property
    def paused(self) -> bool:
        """Whether so much is waiting that nothing should be added."""
        return len(self._backlog) > _HIGH_WATER

    def line(self, data: bytes) -> None:
        """Write one message. Line ends in it stand between JSON's tokens, where a space says the same."""
        if self.gone:
            return
        if b"\n" in data or b"\r" in data:
            data = data.replace(b"\n", b" ").replace(b"\r", b" ")
        data += b"\n"
        if self._backlog:
            self._backlog += data
        else:
            written = self._try(data)
            if written == len(data) or self.gone:
                return
            self._backlog += data[written:]
            self._loop.add_writer(self._descriptor, self._write)
        if self._flowing and self.paused:
            self._flowing = False
            self._on_flow(False)

    async def drained(self) -> None:
        """Wait until everything is written, or nobody reads any more."""
        if self._backlog and not self.gone:
            waiter: asyncio.Future[None] = self._loop.create_future()
            self._waiters.append(waiter)
            await waiter

    def close(self) -> None:
        """Leave the descriptor as it was."""
        if self._backlog:
            self._loop.remove_writer(self._descriptor)
        os.set_blocking(self._descriptor, self._blocked)

    def _try(self, data: bytes | bytearray) -> int:
        try:
            return os.write(self._descriptor, data)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError:
            self.gone = True
            self._loop.call_soon(self._on_gone)
            return 0

    def _write(self) -> None:
        del self._backlog[: self._try(self._backlog)]
        if self.gone:
            self._backlog.clear()
        if not self._backlog:
            self._loop.remove_writer(self._descriptor)
            waiters, self._waiters = self._waiters, []
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_result(None)
            if not self._flowing:
                self._flowing = True
                self._on_flow(True)

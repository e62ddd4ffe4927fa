"""The ends of a program's pipes that the gateway holds, as asyncio protocols."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, cast

_WINDOW: Final = 0.1


class Tap(asyncio.Protocol):
    """Reads a pipe, and stops reading while anyone holds it or while it floods.

    Args:
        on_data: gets each chunk; returns how much of it is to be charged as a flood.
        on_gone: called once, at end of file.
        most: the charge allowed in a tenth of a second; over it the pipe rests for as long.
    """

    def __init__(self, on_data: Callable[[bytes], int], on_gone: Callable[[], None], most: int) -> None:
        self.gone = False
        self._on_data = on_data
        self._on_gone = on_gone
        self._most = most
        self._holders: set[str] = set()
        self._wide = False
        self._window = 0.0
        self._charged = 0
        self._loop = asyncio.get_running_loop()
        self.transport: asyncio.ReadTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.ReadTransport, transport)

    def data_received(self, data: bytes) -> None:
        charge = self._on_data(data)
        if not charge:
            return
        now = self._loop.time()
        if now - self._window > _WINDOW:
            self._window, self._charged = now, 0
        self._charged += charge
        if self._charged > self._most:
            self.hold("flood")
            self._loop.call_later(_WINDOW, self.release, "flood")

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self.gone = True
        self._on_gone()

    @property
    def held(self) -> bool:
        """Whether reading rests at the moment."""
        return bool(self._holders)

    def hold(self, who: str) -> None:
        """Read nothing until `who` releases."""
        if self._wide or self.gone or self.transport is None:
            return
        if not self._holders and not self.transport.is_closing():
            self.transport.pause_reading()
        self._holders.add(who)

    def release(self, who: str) -> None:
        """Read on, unless another still holds."""
        if who in self._holders:
            self._holders.remove(who)
            if not self._holders and not self.gone and self.transport is not None and not self.transport.is_closing():
                self.transport.resume_reading()

    def open_wide(self) -> None:
        """Let nobody hold it any more: the program is to be able to write its last and end."""
        for who in list(self._holders):
            self.release(who)
        self._wide = True


class Spout(asyncio.BaseProtocol):
    """Writes a pipe; `writable` is a future while the other end does not read fast enough, else None."""

    def __init__(self) -> None:
        self.writable: asyncio.Future[None] | None = None
        self.transport: asyncio.WriteTransport | None = None
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.WriteTransport, transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self.resume_writing()

    def pause_writing(self) -> None:
        if self.writable is None:
            self.writable = self._loop.create_future()

    def resume_writing(self) -> None:
        if self.writable is not None:
            self.writable.set_result(None)
            self.writable = None

    @property
    def open(self) -> bool:
        """Whether anything can still be written."""
        return self.transport is not None and not self.transport.is_closing()

    def write(self, data: bytes) -> None:
        """Write, or do nothing where the pipe is closed."""
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(data)


class Wire(asyncio.Protocol):
    """The gateway's end of the socket to a guard.

    Args:
        on_line: gets each line the guard writes.
        on_gone: called once, when the guard has closed its end.
    """

    def __init__(self, on_line: Callable[[bytes], None], on_gone: Callable[[], None]) -> None:
        self._on_line = on_line
        self._on_gone = on_gone
        self._rest = b""
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._on_line(line)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._on_gone()

    def write(self, data: bytes) -> bool:
        """Write; False where the guard is gone."""
        if self.transport is None or self.transport.is_closing():
            return False
        self.transport.write(data)
        return True

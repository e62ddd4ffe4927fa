"""An HTTP server that does exactly what a test says, byte by byte, and counts what it was sent."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import uvloop

SECONDS = 20.0
"""How long a test may take before it has failed."""


def run(test: Coroutine[Any, Any, None], *, loop: str = "uvloop") -> None:
    """Run a test on the event loop that the gateway runs on, or on the standard library's."""

    async def limited() -> None:
        async with asyncio.timeout(SECONDS):
            await test

    if loop == "uvloop":
        uvloop.run(limited())
    else:
        asyncio.run(limited())


async def until(condition: Callable[[], object]) -> None:
    """Wait until a condition holds."""
    while not condition():
        await asyncio.sleep(0.002)


class Connection:
    """One accepted connection."""

    def __init__(self, server: Upstream, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._server = server
        self.reader = reader
        self.writer = writer

    async def request(self) -> bytes:
        """Read one request and note it; `EOFError` where the client closes in place of one."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = 0
        for line in head.split(b"\r\n"):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        whole = head + await self.reader.readexactly(length)
        self._server.requests.append(whole)
        return whole

    async def send(self, data: bytes) -> None:
        """Send, and wait while the client reads slowly."""
        self.writer.write(data)
        self._server.sent += len(data)
        await self.writer.drain()

    async def flood(self, piece: bytes, most: int) -> None:
        """Send a piece again and again, until it is `most` bytes or the client has gone."""
        for _ in range(most // len(piece)):
            await self.send(piece)

    async def closed(self) -> None:
        """Wait until the client closes the connection, or cuts it."""
        with contextlib.suppress(ConnectionError):
            while await self.reader.read(65536):
                pass
        self._server.closed_by_client += 1

    def reset(self) -> None:
        """Cut the connection with RST."""
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Script = Callable[[Connection], Awaitable[None]]


class Upstream:
    """Use as `async with Upstream(script) as server`. The script is run for each connection.

    Attributes:
        requests: each request as it came, in order.
        accepted: how many connections there were.
        closed_by_client: how many of them `Connection.closed` saw the end of.
        sent: how many bytes the connections were given to send.
    """

    def __init__(self, script: Script, *, tls: ssl.SSLContext | None = None) -> None:
        self._script = script
        self._tls = tls
        self._tasks: set[asyncio.Task[None]] = set()
        self.requests: list[bytes] = []
        self.accepted = 0
        self.closed_by_client = 0
        self.sent = 0

    async def __aenter__(self) -> Upstream:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls, limit=1 << 26)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    @property
    def url(self) -> str:
        return f"{'http' if self._tls is None else 'https'}://127.0.0.1:{self.port}/mcp"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.accepted += 1
        try:
            await self._script(Connection(self, reader, writer))
        except (EOFError, ConnectionError, asyncio.CancelledError):
            pass  # the client has gone, or the test is over
        finally:
            writer.close()
            self._tasks.discard(task)


def answer(body: bytes = b"ok", *headers: bytes, status: bytes = b"200 OK") -> bytes:
    """The bytes of a response with a Content-Length."""
    lines = b"".join(header + b"\r\n" for header in headers)
    return b"HTTP/1.1 %b\r\n%bContent-Length: %d\r\n\r\n%b" % (status, lines, len(body), body)


def always(data: bytes) -> Script:
    """A script that sends the same for each request, however many come on a connection."""

    async def script(connection: Connection) -> None:
        while True:
            await connection.request()
            await connection.send(data)

    return script


def once(data: bytes) -> Script:
    """A script that sends this to the first request, and then waits for the client to close."""

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(data)
        await connection.closed()

    return script

"""A server that answers with whatever bytes a test tells it to, and records what it was sent."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from gatepost.wire.pool import Pool

Script = Callable[["Exchange"], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Exchange:
    """One request that arrived, on connection number `connection` (counted from 0)."""

    def __init__(self, connection: int, head: bytes, body: bytes, writer: asyncio.StreamWriter) -> None:
        self.connection, self.head, self.body, self.writer = connection, head, body, writer

    @property
    def lines(self) -> list[bytes]:
        return self.head.removesuffix(b"\r\n\r\n").split(b"\r\n")

    async def send(self, *parts: bytes) -> None:
        for part in parts:
            self.writer.write(part)
            await self.writer.drain()

    def close(self) -> None:
        self.writer.close()

    def reset(self) -> None:
        self.writer.transport.abort()


def says(*parts: bytes, close: bool = False) -> Script:
    """Answers every request with these bytes."""

    async def script(exchange: Exchange) -> None:
        await exchange.send(*parts)
        if close:
            exchange.close()

    return script


class Answering:
    """Use as `async with Answering(script) as upstream`. `exchanges` are the requests in order."""

    def __init__(self, script: Script | None = None) -> None:
        self.exchanges: list[Exchange] = []
        self.connections = 0
        self.open = 0
        self.script = script or says(OK)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Answering:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=1 << 22)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/mcp"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()

    def pool(self, **options: object) -> Pool:
        return Pool(self.url, **options)  # type: ignore[arg-type]

    def close_all(self) -> None:
        """Close every connection as a server does that has waited long enough."""
        for writer in list(self._writers):
            writer.close()

    def say_to_all(self, data: bytes) -> None:
        for writer in self._writers:
            writer.write(data)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = self.connections
        self.connections += 1
        self.open += 1
        self._writers.add(writer)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = 0
                for line in head.lower().split(b"\r\n"):
                    if line.startswith(b"content-length:"):
                        length = int(line[15:])
                exchange = Exchange(number, head, await reader.readexactly(length), writer)
                self.exchanges.append(exchange)
                await self.script(exchange)
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            self.open -= 1
            self._writers.discard(writer)
            writer.close()

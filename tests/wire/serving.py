"""A listener with a handler that records, and raw sockets to speak to it."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import uvloop

from gatepost.wire.listener import Limits, Listener, Refusal, Request

T = TypeVar("T")
SECONDS = 10.0
"""Nothing in these tests takes so long."""


def run(main: Coroutine[Any, Any, T], *, loop: str = "uvloop") -> T:
    """Run on uvloop, or on the standard library's loop."""

    async def bounded() -> T:
        async with asyncio.timeout(3 * SECONDS):
            return await main

    if loop == "uvloop":
        return uvloop.run(bounded())
    return asyncio.run(bounded())


async def until(condition: Callable[[], Any]) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(SECONDS):
        while not condition():
            await asyncio.sleep(0.002)


class Serving:
    """A listener on a free port. Use as `async with Serving(…) as serving`.

    `requests` are those that reached the handler, `refusals` those that the listener told of. A `handler` replaces the
    one that echoes the body.
    """

    def __init__(self, handler: Callable[[Request], Awaitable[None]] | None = None, **options: Any) -> None:
        self.requests: list[Request] = []
        self.refusals: list[tuple[str, Refusal]] = []
        self._handler = handler
        options.setdefault("limits", Limits(linger=0.2))
        options.setdefault("on_refused", lambda client, refusal: self.refusals.append((client, refusal)))
        self.listener = Listener(self._handle, **options)

    async def _handle(self, request: Request) -> None:
        self.requests.append(request)
        if self._handler is not None:
            await self._handler(request)
        else:
            request.reply(200, ((b"content-type", b"text/plain"),), request.body)

    async def __aenter__(self) -> Serving:
        await self.listener.start("127.0.0.1", 0)
        self.port = self.listener.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.listener.drain(0.05)

    async def connect(self, tls: ssl.SSLContext | None = None) -> Client:
        """A raw connection to it."""
        name = "localhost" if tls is not None else None
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=tls, server_hostname=name)
        return Client(reader, writer)

    async def exchange(self, *parts: bytes, half_close: bool = False) -> bytes:
        """Send these bytes on a connection of their own and return all that comes back until it is closed."""
        client = await self.connect()
        for part in parts:
            await client.send(part)
        if half_close:
            client.writer.write_eof()
        answer = await client.rest()
        client.close()
        return answer


class Answer:
    """One response."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """A raw connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        try:
            await self.writer.drain()
        except ConnectionError:
            return  # it was refused while it was still being sent

    async def line(self) -> bytes:
        async with asyncio.timeout(SECONDS):
            return await self.reader.readuntil(b"\r\n")

    async def answer(self) -> Answer:
        """The next response, its body whole."""
        async with asyncio.timeout(SECONDS):
            head = await self.reader.readuntil(b"\r\n\r\n")
            first, *lines = head[:-4].decode("latin-1").split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            status = int(first.split(" ")[1])
            if headers.get("transfer-encoding") == "chunked":
                body = b"".join([chunk async for chunk in self.chunks()])
            else:
                body = await self.reader.readexactly(int(headers.get("content-length", "0")))
            return Answer(status, headers, body)

    async def chunks(self) -> AsyncIterator[bytes]:
        """The chunks of a chunked body."""
        while chunk := await self.chunk():
            yield chunk

    async def chunk(self) -> bytes:
        """The next chunk of a chunked body, empty at its end."""
        async with asyncio.timeout(SECONDS):
            size = int(await self.reader.readuntil(b"\r\n"), 16)
            return (await self.reader.readexactly(size + 2))[:-2]

    async def rest(self) -> bytes:
        """All that comes until the connection is closed."""
        data = bytearray()
        async with asyncio.timeout(SECONDS):
            try:
                while piece := await self.reader.read(65536):
                    data += piece
            except ConnectionError:
                return bytes(data)
        return bytes(data)

    def close(self) -> None:
        self.writer.close()

    def reset(self) -> None:
        self.writer.transport.abort()


def post(body: bytes = b"{}", path: str = "/mcp/s/", *headers: str) -> bytes:
    """A request as a well-behaved client sends it."""
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", *headers, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


def chunked(*chunks: bytes) -> bytes:
    """A request with a chunked body."""
    body = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
    return b"POST /mcp/s/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n" + body

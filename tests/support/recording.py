"""An MCP-shaped HTTP server that records every request it gets, and answers as a test tells it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass(slots=True)
class Seen:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    disconnected: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Answer = Callable[[Seen, asyncio.StreamWriter], Awaitable[None]]


def head(status: int = 200, media: str = "application/json", *extra: str, length: int | None = None) -> bytes:
    """A response head. Without `length` the body ends with the connection."""
    lines = [f"HTTP/1.1 {status} X", f"content-type: {media}", *extra]
    lines.append("connection: close" if length is None else f"content-length: {length}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def json_answer(value: Any, status: int = 200, *extra: str) -> Answer:
    """Answers every request with one JSON value; the string "ID" anywhere in it becomes the request's id."""

    async def answer(seen: Seen, writer: asyncio.StreamWriter) -> None:
        id = json.dumps(seen.json.get("id")) if seen.body else "null"
        body = json.dumps(value).replace('"ID"', id).encode()
        writer.write(head(status, "application/json", *extra, length=len(body)) + body)
        await writer.drain()

    return answer


def raw_answer(*parts: bytes, then: Callable[[Seen], Awaitable[None]] | None = None) -> Answer:
    """Answers with these bytes, each part on its own; b"ID" in a part becomes the request's id."""

    async def answer(seen: Seen, writer: asyncio.StreamWriter) -> None:
        id = json.dumps(seen.json.get("id")).encode() if seen.body else b"null"
        for part in parts:
            writer.write(part.replace(b'"ID"', id))
            await writer.drain()
        if then is not None:
            await then(seen)
        writer.close()

    return answer


def sse(*messages: Any, id_from: int | None = None) -> bytes:
    """An event-stream body of messages."""
    out = b""
    for index, message in enumerate(messages):
        data = message if isinstance(message, str) else json.dumps(message)
        if id_from is not None:
            out += f"id: e:{id_from + index}\n".encode()
        out += b"".join(f"data: {line}\n".encode() for line in data.split("\n")) + b"\n"
    return out


OK: dict[str, Any] = {"jsonrpc": "2.0", "id": "ID", "result": {"content": [], "isError": False}}


class Recorder:
    """The server. `seen` are its requests in order; `answer` decides what the next ones get."""

    def __init__(self, answer: Answer | None = None) -> None:
        self.seen: list[Seen] = []
        self.bytes_in = 0
        self.answer: Answer = answer or json_answer(OK)
        self._server: asyncio.Server | None = None
        self._arrived = asyncio.Condition()
        self._writers: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=1 << 20)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/mcp"

    async def arrived(self, count: int) -> None:
        """Wait until so many requests have come."""
        async with asyncio.timeout(10), self._arrived:
            await self._arrived.wait_for(lambda: len(self.seen) >= count)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while True:
                raw = await reader.readuntil(b"\r\n\r\n")
                first, *lines = raw[:-4].decode("latin-1").split("\r\n")
                headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                self.bytes_in += len(raw) + len(body)
                method, path, _ = first.split(" ")
                seen = Seen(method, path, headers, body)
                self.seen.append(seen)
                async with self._arrived:
                    self._arrived.notify_all()
                answering = asyncio.ensure_future(self.answer(seen, writer))
                watching = asyncio.ensure_future(self._watch(reader, seen, answering))
                await asyncio.gather(answering, watching, return_exceptions=True)
                if writer.is_closing() or seen.disconnected.is_set():
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            self._writers.discard(writer)
            writer.close()

    @staticmethod
    async def _watch(reader: asyncio.StreamReader, seen: Seen, answering: asyncio.Future[None]) -> None:
        while not answering.done():
            if reader.at_eof():
                seen.disconnected.set()
                return
            await asyncio.wait({answering}, timeout=0.01)

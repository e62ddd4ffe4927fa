"""The upstream of a play: it answers every call with success, and remembers every request that reached it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gatepost.wire import strictjson

_MOST_HEAD = 64 * 1024


@dataclass(frozen=True, slots=True)
class Reached:
    """One request as it arrived."""

    headers: bytes
    body: bytes

    @property
    def tool(self) -> str | None:
        """The name of the tool it calls, if it calls one."""
        try:
            message = json.loads(self.body)
        except ValueError:
            return None
        if not isinstance(message, dict) or message.get("method") != "tools/call":
            return None
        return str(message["params"]["name"])


class Recorder:
    """Use as `async with Recorder() as recorder`; `url` is where it listens, on loopback.

    Attributes:
        reached: the requests, in order.
        text: what a call answers with.
        fails: whether it answers with an HTTP error that quotes the request, as careless servers do.
        tools: what it lists as its tools.
    """

    def __init__(self) -> None:
        self.reached: list[Reached] = []
        self.text = "done"
        self.fails = False
        self.tools: list[Mapping[str, Any]] = []
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Recorder:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=_MOST_HEAD)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        await asyncio.gather(*self._serving, return_exceptions=True)

    @property
    def url(self) -> str:
        """Where it listens."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/mcp"

    def fresh(self) -> None:
        """Forget what reached it, and answer as usual."""
        self.reached.clear()
        self.text, self.fails = "done", False

    def calls(self) -> list[str]:
        """The tools that were called, in order."""
        return [tool for one in self.reached if (tool := one.tool) is not None]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                body = await reader.readexactly(_length(head))
                self.reached.append(Reached(head, body))
                writer.write(self._answer(head, body))
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            return
        finally:
            self._writers.discard(writer)
            writer.close()

    def _answer(self, head: bytes, body: bytes) -> bytes:
        if self.fails:
            return _response("500 Oops", "text/plain", b"Traceback: " + head + body)
        try:
            asked = json.loads(body)
        except ValueError:
            asked = None
        asked = asked if isinstance(asked, dict) else {}
        result: dict[str, Any] = {"content": [{"type": "text", "text": self.text}], "isError": False}
        if asked.get("method") == "tools/list":
            result = {"tools": self.tools}
        answer = strictjson.write({"jsonrpc": "2.0", "id": asked.get("id"), "result": result})
        return _response("200 OK", "application/json", answer)


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


def _response(status: str, media: str, body: bytes) -> bytes:
    return f"HTTP/1.1 {status}\r\ncontent-type: {media}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body

"""Answers that the bridge makes, in the shape of `upstreams.base.Reply`."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Callable
from typing import Any

from gatepost.mcp.message import Id
from gatepost.upstreams.base import Kind
from gatepost.wire import sse, strictjson

KEEP_ALIVE = sse.Event(b": keep-alive\n\n", None, None, None, None)


class Made:
    """One JSON-RPC message, or nothing but a status."""

    def __init__(self, body: dict[str, Any] | None = None, *, status: int = 200) -> None:
        self.status = status
        self.headers: list[tuple[bytes, bytes]] = []
        self.kind: Kind = "empty" if body is None else "json"
        self._body = b"" if body is None else strictjson.write(body)

    async def body(self, limit: int) -> bytes:  # noqa: ARG002
        """See `Reply.body`. What was read to make it was within a limit already."""
        return self._body

    async def events(self) -> AsyncGenerator[sse.Event, None]:
        """See `Reply.events`."""
        if self._body:
            yield sse.Event(sse.encode(self._body), self._body, None, None, None)

    def abort(self) -> None:
        """See `Reply.abort`; there is nothing to give up."""


class Streamed:
    """A stream of events.

    Args:
        events: what it consists of.
        leave: called when nobody reads on, also after the end.
    """

    status = 200
    kind: Kind = "sse"

    def __init__(self, events: AsyncGenerator[sse.Event, None], leave: Callable[[], None]) -> None:
        self.headers: list[tuple[bytes, bytes]] = []
        self._events = events
        self._leave = leave

    async def body(self, limit: int) -> bytes:  # noqa: ARG002
        """See `Reply.body`: a stream has none."""
        return b""

    async def events(self) -> AsyncGenerator[sse.Event, None]:
        """See `Reply.events`."""
        async with contextlib.aclosing(self._events) as events:
            async for event in events:
                yield event

    def abort(self) -> None:
        """See `Reply.abort`."""
        self._leave()


def result(id: Id | None, value: dict[str, Any]) -> dict[str, Any]:
    """A successful response."""
    return {"jsonrpc": "2.0", "id": id, "result": value}


def error(id: Id | None, code: int, message: str) -> dict[str, Any]:
    """A failed response."""
    return {"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}}


def event(message: dict[str, Any]) -> sse.Event:
    """A message as an event."""
    data = strictjson.write(message)
    return sse.Event(sse.encode(data), data, None, None, None)


def notification(method: str, params: dict[str, Any]) -> sse.Event:
    """A notification as an event."""
    return event({"jsonrpc": "2.0", "method": method, "params": params})

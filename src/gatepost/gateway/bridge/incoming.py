"""What a server sends for one request, read by a task of its own: so the request can be left waiting for a person."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Final, Literal

from gatepost.mcp.message import Message, MessageError, parse
from gatepost.upstreams.base import Reply, UpstreamFailed

_log: Final = logging.getLogger(__name__)
_AHEAD: Final = 4
"""Messages read ahead. One may have 16 MiB."""
_END_SECONDS: Final = 1.0

Item = Message | Literal["alive"] | None
"""A message; a sign of life without one; or the end."""


class SessionGone(Exception):
    """The server answered 404: it does not know the session (any more), and has done nothing."""


class Incoming:
    """The messages of one answer.

    Args:
        server: its name, for what is said of a failure.
        post: sends the request.
        most: bytes that an answer which is no stream may have.
        dropped: told why a message was not one.
        in_session: whether 404 means that the server does not know the session.
    """

    def __init__(
        self,
        server: str,
        post: Callable[[], Awaitable[Reply]],
        most: int,
        dropped: Callable[[str], None],
        *,
        in_session: bool,
    ) -> None:
        self.resting = False
        """Whether nobody reads: notifications are thrown away meanwhile."""
        self._server = server
        self._most = most
        self._dropped = dropped
        self._in_session = in_session
        self._queue: asyncio.Queue[Item | Exception] = asyncio.Queue(_AHEAD)
        self._reply: Reply | None = None
        self._task = asyncio.ensure_future(self._read(post))

    async def next(self) -> Item:
        """What came next. Raises `UpstreamFailed` and `SessionGone`."""
        item = await self._queue.get()
        if isinstance(item, Exception):
            raise item
        return item

    def offer(self, message: Message) -> bool:
        """Add a message that came another way. False where there is no room."""
        try:
            self._queue.put_nowait(message)
        except asyncio.QueueFull:
            return False
        return True

    def fail(self, error: Exception) -> None:
        """End it: whoever reads gets `error`."""
        self.abort()
        while not self._queue.empty():
            self._queue.get_nowait()
        self._queue.put_nowait(error)

    def finish(self) -> None:
        """The answer is there. The end of its stream may follow, so that the connection is kept."""
        if not self._task.done():
            asyncio.get_running_loop().call_later(_END_SECONDS, self.abort)

    def abort(self) -> None:
        """Read no more; the server is told as its transport tells it."""
        self._task.cancel()
        if self._reply is not None:
            self._reply.abort()

    async def _read(self, post: Callable[[], Awaitable[Reply]]) -> None:
        end: Exception | None = None
        try:
            reply = self._reply = await post()
            if reply.status == 404 and self._in_session:
                reply.abort()
                raise SessionGone
            if reply.kind == "sse":
                await self._events(reply)
            elif reply.kind == "json":
                await self._queue.put(self._parsed(await reply.body(self._most), reply.status))
            else:
                raise self._invalid(f"it answered HTTP {reply.status} without a message")
        except (UpstreamFailed, SessionGone) as error:
            end = error
        except Exception:
            # Whoever waits for this has to hear of it, whatever it was.
            _log.exception("the answer of %s cannot be read", self._server)
            end = self._invalid("it cannot be read")
        await self._queue.put(end)

    async def _events(self, reply: Reply) -> None:
        async with contextlib.aclosing(reply.events()) as events:
            async for event in events:
                if not event.data:
                    if not self.resting:
                        await self._queue.put("alive")
                    continue
                try:
                    message = parse(event.data)
                except MessageError as error:
                    self._dropped(str(error))
                    continue
                if not (self.resting and message.kind == "notification"):
                    await self._queue.put(message)

    def _parsed(self, body: bytes, status: int) -> Message:
        try:
            message = parse(body)
        except MessageError as error:
            self._dropped(str(error))
            http = "" if 200 <= status < 300 else f" It answered HTTP {status}."
            raise self._invalid(f"{error.message}{http}") from None
        return message

    def _invalid(self, why: str) -> UpstreamFailed:
        text = f"The server {self._server!r} gave no valid answer: {why}"
        return UpstreamFailed("GP-3003", self._server, text, sent=True)

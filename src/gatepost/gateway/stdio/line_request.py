"""One line as the request that the main path serves, and its answer as lines."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final

from gatepost.mcp.message import Id
from gatepost.wire import sse
from gatepost.wire.head import Head
from gatepost.wire.request import ClientGone, Headers, Request

if TYPE_CHECKING:
    from gatepost.gateway.stdio.front import Front

INITIALIZES: Final = "initializes"
"""Under this key a head's memo says that its request begins a session."""
_NO_CONNECTION: Final[Any] = None
"""What is answered goes to `_front`."""


class LineRequest(Request):
    """A `Request` whose client is on standard input.

    Attributes:
        id: of the message, where it is a request.
        unreadable: whether it may be a request whose id could not be read, so that a refusal is to be shown.
        status: what HTTP would have answered with; 0 before.
        subscribes: whether it stays open by design.
        silent: whether the client wants to hear no more of it.
        answered: whether an answer to it was passed on, or need not be any more.
        last_event: the id of the last event of its stream, to take it up again.
        retry: seconds after which the server wants that.
        goes_on: set when there is no more to wait for on the stream that was taken up again.
        answer: what came on it in the end.
    """

    id: Id | None = None
    unreadable: bool = False
    subscribes: bool = False
    silent: bool = False
    answered: bool = False
    status: int = 0
    last_event: str | None = None
    retry: float = 1.0
    goes_on: asyncio.Event | None = None
    answer: bytes | None = None
    _front: Any = None
    _parser: sse.Parser | None = None

    @classmethod
    def of(cls, front: Front, head: Head, body: bytes, context: Any, id: Id | None) -> LineRequest:
        """A line that came from the client of `front`."""
        now = time.perf_counter_ns()
        return cls(_NO_CONNECTION, head, "stdio", now, True, body, context, id=id, _front=front)

    @property
    def initializes(self) -> bool:
        """Whether it is the `initialize` of a legacy session."""
        return self.head.memo.get(INITIALIZES) is True

    def reply(self, status: int, headers: Headers, body: bytes = b"") -> None:
        """Answer with one message. What is no JSON-RPC message has no place on standard output."""
        if self.gone:
            return
        self._begin()
        self.ended = True
        self._front.replied(self, status, headers, body)

    def start(self, status: int, headers: Headers) -> None:
        """Begin an answer of several messages."""
        if self.gone:
            return
        self._begin()
        self._front.began(self, status, headers)

    @property
    def flows(self) -> bool:
        """See `Request.flows`."""
        return not (self.gone or self._front.outlet.paused)

    async def resumed(self) -> bytes | None:
        """See `Request.resumed`."""
        if self.gone or self.answered:
            return None
        answer: bytes | None = await self._front.resumed(self)
        return answer

    def push(self, chunk: bytes) -> None:
        """Pass on the messages of a piece of an event stream."""
        if self.gone:
            return
        # A lone CR ends a line too: what stands behind it need not be data, and was not judged as such.
        if (
            chunk.startswith(b"data: ")
            and chunk.endswith(b"\n\n")
            and chunk.count(b"\n") == 2
            and chunk.find(b"\r") < 0
        ):
            self._front.message(self, chunk[6:-2])
            return
        if self._parser is None:
            self._parser = sse.Parser()
        for event in self._parser.feed(chunk):
            if event.id is not None:
                self.last_event = event.id
            if event.retry is not None:
                self.retry = min(int(event.retry[:9]) / 1000, 60.0)
            if event.data:
                self._front.message(self, event.data)

    async def write(self, chunk: bytes) -> None:
        """Pass on a piece, and wait while the client is slow. Raises `ClientGone`."""
        if self.gone:
            raise ClientGone
        self.push(chunk)
        if self._front.outlet.paused:
            await self._front.outlet.drained()
            if self.gone:
                raise ClientGone

    def end(self) -> None:
        """End an answer of several messages."""
        self.ended = True

    def abort(self) -> None:
        """Say no more."""
        self.left()

"""A client's connection over standard input and output: its lines go through the main path one by one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Final, Protocol

import msgspec

from gatepost.gateway import answers
from gatepost.gateway.core import Gateway
from gatepost.gateway.pipeline import handle
from gatepost.gateway.stdio.heads import Heads
from gatepost.gateway.stdio.line_request import LineRequest
from gatepost.gateway.stdio.lines import Outlet
from gatepost.gateway.stdio.peek import Broken, Peek, peek
from gatepost.gateway.stdio.station import CLIENT_ADDRESS, Station
from gatepost.gateway.stdio.streams import Streams
from gatepost.gateway.stdio.waiting import Waiting
from gatepost.mcp import replies
from gatepost.mcp.message import INVALID_REQUEST, Id, MessageError, parse
from gatepost.mcp.refused import Refused
from gatepost.upstreams.base import LISTEN, UpstreamFailed
from gatepost.upstreams.exchange import CANCELLED
from gatepost.wire.request import Headers
from gatepost.wire.running import Running

MOST_IN_FLIGHT: Final = 1024
"""Requests in flight, after which nothing more is read."""
_MOST_HELD: Final = 4 * 1024 * 1024
_INTERNAL_ERROR: Final = -32603
_FAULT: Final = "The call could not be served: this is a fault in Gatepost. Nothing is known of its outcome."
_CHANGED: Final = "notifications/tools/list_changed"
_NEED_TOOLS: Final = frozenset({"tools/call", "tools/list"})


class _Initialized(msgspec.Struct):
    protocolVersion: str = ""  # noqa: N815 - the protocol's name


class _Answer(msgspec.Struct):
    result: _Initialized | None = None
    error: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


_initialized: Final = msgspec.json.Decoder(_Answer).decode


class Host(Protocol):
    """What a connection wants of the process it is in."""

    async def opened(self) -> None:
        """Return when the journal is open and the program runs. Asked before the first line is looked at."""

    def flow(self, flowing: bool, /) -> None:
        """Read nothing more for now, or read on."""

    def idle(self) -> None:
        """The last of the lines in hand is done with."""

    def failed(self) -> None:
        """A fault, after which the client would wait for ever."""


class Front:
    """What a client's connection has between its lines.

    Args:
        outlet: where answers and events go.
    """

    def __init__(self, gateway: Gateway, station: Station, outlet: Outlet, host: Host) -> None:
        self.outlet = outlet
        self._gateway = gateway
        self._station = station
        self._host = host
        self._loop = asyncio.get_running_loop()
        self._heads = Heads(station.caller.server_name)
        self._in_flight: dict[Id, LineRequest] = {}
        self._running: set[Running] = set()
        self._streams = Streams(self, gateway, station, self._heads)
        self._beside: set[asyncio.Task[None]] = set()
        self._waiting = Waiting(self._take, self._spawn, self._check_flow)
        self._beginning = False
        """Whether lines wait for a session to begin: all but answers to what the server asks meanwhile."""
        self._waited = b""
        self._flowing = True
        self._subscriptions = 0

    # -- from the client

    def line(self, line: bytes) -> None:
        """Take one line."""
        if self._waiting.lines is None or (self._beginning and peek(line).method is None):
            self._take(line)
        else:
            self._waiting.add(line)

    def too_long(self, most: int) -> None:
        """A line was skipped because it has more than `most` bytes."""
        text = f"The message is longer than {most} bytes."
        caller = self._station.caller
        answers.record_refusal(
            self._gateway, 413, "GP-1008", text, CLIENT_ADDRESS, server=caller.server_name, grant=caller.grant
        )
        self.outlet.line(replies.error(None, INVALID_REQUEST, text, {"code": "GP-1008"}))

    @property
    def in_hand(self) -> int:
        """Lines that were read and are not done with: held back, or in flight. Without those that stay open by
        design."""
        return len(self._running) + len(self._waiting) - self._subscriptions

    @property
    def in_flight(self) -> int:
        """Requests without an answer, those that are taken up again included; without those that stay open."""
        return len(self._in_flight) - self._subscriptions

    def _take(self, line: bytes) -> None:
        station, seen = self._station, peek(line)
        method, version = seen.method, seen.version
        if not station.known:
            self._waiting.hold(partial(self._begin, line, seen), line)
            return
        if method in _NEED_TOOLS and not station.defined and line is not self._waited:
            self._waited = line  # once: a server may say again and again that its tools changed
            self._waiting.hold(station.define, line)
            return
        station.refresh()
        caller, heads = station.caller, self._heads
        modern = heads.modern = version is not None or (heads.session is None and heads.modern)
        if modern and method == CANCELLED:
            self._leave(line)
            return
        id = seen.id if method is not None else None
        request = LineRequest.of(self, heads.of(seen, line, caller.upstream.tools, modern=modern), line, caller, id)
        if id is not None:
            if id in self._in_flight:
                answers.refuse(self._gateway, request, caller, _taken(id), id)
                return
            self._in_flight[id] = request
            if method == LISTEN:
                request.subscribes = True
                self._subscriptions += 1
            if len(self._in_flight) >= MOST_IN_FLIGHT:
                self._check_flow()
        elif method is None:
            request.unreadable = seen.id is None or isinstance(seen, Broken)
        elif method == "notifications/initialized":
            self._waiting.hold(partial(self._initialize, request))
            return
        elif method == CANCELLED:
            self._silence(line)
        if request.initializes:
            self._waiting.hold(partial(self._answer_first, request))
            return
        self._run(request)

    def _run(self, request: LineRequest) -> None:
        self._start(request, partial(self._done, request))

    def _start(self, request: LineRequest, done: Callable[[Running], None]) -> None:
        running = Running(handle(self._gateway, request), self._loop, done)
        request.running = running
        self._running.add(running)
        running.start()

    def _done(self, request: LineRequest, running: Running) -> None:
        self._running.discard(running)
        if not self._running:
            self._host.idle()
        self._subscriptions -= request.subscribes
        id = request.id
        if id is not None:
            if not request.answered and not request.gone:
                self._answer(request, replies.error(id, _INTERNAL_ERROR, _FAULT))
            if self._in_flight.get(id) is request:
                del self._in_flight[id]
        if not self._flowing:
            self._check_flow()

    # -- what the next lines wait for

    async def _begin(self, line: bytes, seen: Peek) -> None:
        """Before the first line: the journal, the program, and what the server speaks."""
        await self._host.opened()
        try:
            await self._station.meet(parse(line))
        except MessageError as why:
            self._waiting.withdraw(line)
            self._refuse(why, seen)
        except UpstreamFailed as why:
            self._waiting.withdraw(line)
            if seen.method is not None and seen.id is not None:
                self.outlet.line(replies.error(seen.id, int(why.code[3:]), str(why), {"code": why.code}))

    def _refuse(self, why: MessageError, seen: Peek) -> None:
        request = LineRequest.of(self, self._heads.bare, b"", self._station.caller, None)
        request.unreadable = seen.id is None or seen.method is None
        answers.refuse(self._gateway, request, self._station.caller, why, why.id)

    async def _answer_first(self, request: LineRequest) -> None:
        """A session begins. What follows belongs to it: also from a client that does not wait for the answer."""
        over = asyncio.Event()

        def done(running: Running) -> None:
            self._done(request, running)
            over.set()

        self._beginning = True
        self._start(request, done)
        await over.wait()
        self._beginning = False

    async def _initialize(self, request: LineRequest) -> None:
        """The client is initialized: the server hears of it before anything else, and may speak from now on."""
        await handle(self._gateway, request)
        if self._heads.session is not None:
            self._spawn(self._streams.listen())

    # -- cancelling

    def _leave(self, line: bytes) -> None:
        """A modern client calls a request off: what closing the response stream is over HTTP."""
        request = self._in_flight.get(_cancelled(line))
        if request is not None:
            request.left()

    def _silence(self, line: bytes) -> None:
        """A legacy client calls a request off. The server hears of it; the client wants no answer any more."""
        request = self._in_flight.get(_cancelled(line))
        if request is not None and request.head.method == "POST":
            request.silent = True
            self._answered(request, b"")

    # -- to the client

    def replied(self, request: LineRequest, status: int, headers: Headers, body: bytes) -> None:
        """The main path answers with one body."""
        request.status = status
        if request.id is None:
            if request.unreadable and body:
                self.outlet.line(body)
            return
        if not self._put_off(request, body):
            self._learn(request, headers, body)
            self._answer(request, body)

    def began(self, request: LineRequest, status: int, headers: Headers) -> None:
        """The main path begins a stream."""
        request.status = status
        self._learn(request, headers, b"")

    def message(self, request: LineRequest, data: bytes) -> None:
        """One message of a stream."""
        seen = peek(data)
        if seen.method == _CHANGED:
            self._station.changed()
        elif seen.method is None and seen.id is not None:
            asked = request if request.id == seen.id else self._in_flight.get(seen.id)
            if asked is not None:
                if self._put_off(asked, data):
                    return
                if asked.initializes:
                    self._learn(asked, (), data)
                self._answer(asked, data)
                if asked is not request:
                    self._in_flight.pop(seen.id, None)
                return
        if not request.silent:
            self.outlet.line(data)

    def _answer(self, request: LineRequest, body: bytes) -> None:
        if not request.silent and body:
            self.outlet.line(body)
        self._answered(request, body)

    def _answered(self, request: LineRequest, body: bytes) -> None:
        request.answered = True
        if request.goes_on is not None:
            request.answer = body
            request.goes_on.set()

    async def resumed(self, request: LineRequest) -> bytes | None:
        """The answer to a request whose stream ended before it: see `Streams.resumed`."""
        return await self._streams.resumed(request)

    def _learn(self, request: LineRequest, headers: Headers, body: bytes) -> None:
        """What later heads say: the session, and the revision that was agreed on."""
        if not request.initializes:
            return
        for name, value in headers:
            if name == b"mcp-session-id":
                self._heads.session = value
        if body:
            self._heads.version = _agreed(body) or self._heads.version

    def _put_off(self, request: LineRequest, body: bytes) -> bool:
        """Whether an answer is not passed on yet: a program has refused `initialize`, and may have done so because it
        speaks the modern era alone."""
        if not request.initializes or not self._station.unsure:
            return False
        if not (_is_refusal(body) and self._station.refused()):
            self._station.unsure = False
            return False
        request.answered = True
        self._waiting.hold(partial(self._once_more, request, body))
        return True

    async def _once_more(self, request: LineRequest, refused: bytes) -> None:
        """Bridge the client to a program of the modern era alone, or pass on that it refuses `initialize`."""
        if await self._station.is_modern():
            again = LineRequest.of(self, request.head, request.body, self._station.caller, request.id)
            if again.id is not None:
                self._in_flight[again.id] = again
            await self._answer_first(again)
        else:
            self._answer(request, refused)

    # -- the end

    async def close(self) -> None:
        """Call off what is in flight, and end the session."""
        for task in list(self._beside):
            task.cancel()
        for request in list(self._in_flight.values()):
            request.left()
        self._streams.close()
        if self._heads.session is not None:
            await handle(self._gateway, LineRequest.of(self, self._heads.ending(), b"", self._station.caller, None))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._beside.add(task)
        task.add_done_callback(self._over)

    def _over(self, task: asyncio.Task[None]) -> None:
        self._beside.discard(task)
        if not task.cancelled() and (fault := task.exception()) is not None:
            self._loop.call_exception_handler({"message": "a part of the connection failed", "exception": fault})
            self._host.failed()

    def _check_flow(self) -> None:
        flowing = self._waiting.size <= _MOST_HELD and len(self._in_flight) < MOST_IN_FLIGHT
        if flowing is not self._flowing:
            self._flowing = flowing
            self._host.flow(flowing)


def _taken(id: Id) -> Refused:
    return Refused(400, INVALID_REQUEST, "GP-1013", f"The id {id!r} is in flight already.")


def _cancelled(line: bytes) -> Id:
    """The id of the request that a `notifications/cancelled` is about; empty where it names none."""
    try:
        id = parse(line).params.get("requestId")
    except MessageError:
        return ""
    return id if isinstance(id, str) or type(id) is int else ""


def _is_refusal(body: bytes) -> bool:
    """Whether a server has answered with an error; those that the gateway makes name a code of its own."""
    try:
        error = _initialized(body).error
    except msgspec.MsgspecError:
        return False
    return error is not msgspec.UNSET and b'"GP-' not in bytes(error)


def _agreed(body: bytes) -> bytes | None:
    """The revision in the answer to `initialize`, where a header may carry it."""
    try:
        answer = _initialized(body)
    except msgspec.MsgspecError:
        return None
    version = "" if answer.result is None else answer.result.protocolVersion
    return version.encode("ascii") if version.isascii() and version.isprintable() and version else None

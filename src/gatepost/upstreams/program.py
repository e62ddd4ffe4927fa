"""The one program of one client: what `gatepost run` stands in front of.

Nobody shares it, so the client's own ids go up unchanged: an answer is passed on as the line it came in. How it ended
is for whoever started it to pass on; it is started again only where finding out its era was what ended it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable
from typing import Any, Final

import msgspec

from gatepost.mcp.message import Id, Message, MessageError, parse
from gatepost.upstreams.base import LISTEN, Headers, Kind, OnDropped, Reply, UpstreamFailed
from gatepost.upstreams.child import Child, End
from gatepost.upstreams.config import ServerConfig
from gatepost.upstreams.drops import Drops
from gatepost.upstreams.exchange import CANCELLED, PROGRESS, StdioReply
from gatepost.upstreams.mailbox import Mailbox
from gatepost.upstreams.unasked import Unasked
from gatepost.wire import sse, strictjson
from gatepost.wire.running import Signal, as_task

_SUBSCRIPTION: Final = "io.modelcontextprotocol/subscriptionId"
_CANCELLED_KEPT: Final = 1024
_QUESTIONS_KEPT: Final = 64
NOT_STARTED: Final = 127
"""The exit code of a program that could not be started, as a shell says it."""
_CANCEL_GRACE: Final = 5.0
"""Seconds a program has to answer a request after its client cancelled it (most do not answer any more)."""


class _Peek(msgspec.Struct, gc=False):
    """As much of a line as says where it belongs. Whoever it is for reads it strictly."""

    id: str | int | None = None
    method: str | None = None


_peek: Final = msgspec.json.Decoder(_Peek).decode


class _Pending:
    """One request in flight."""

    __slots__ = ("answered", "began", "box", "first", "message", "sent", "token")

    def __init__(self, message: Message, began: float) -> None:
        self.message = message
        self.token: Any = message.meta().get("progressToken")
        self.began = began
        self.first: Signal[Reply] = Signal()
        self.box: Mailbox | None = None
        self.sent = False


class Program:
    """A program behind `base.Upstream`, for one client. Sessions play no part: whatever the key, it is this program.

    Args:
        config: the server; its `command` is set.
        on_end: called once, when the program has ended and all it wrote was read.
        on_dropped: told of each message that was not passed on.

    Attributes:
        modern: whether 2026-07-28 is spoken with it, where a program asks for nothing.
        spare: whether its end is told to nobody, because it may be started again.
        signalled: whether its client has asked it to end. From then on its next end is the last, spare or not.
    """

    def __init__(
        self, config: ServerConfig, on_end: Callable[[End], None], *, on_dropped: OnDropped | None = None
    ) -> None:
        self.config = config
        self.child = self._made()
        self.modern = self.spare = self.signalled = False
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self._drops = Drops(config.name, on_dropped)
        self._pending: dict[Id, _Pending] = {}
        self._cancelled: deque[Id] = deque(maxlen=_CANCELLED_KEPT)
        self._questions: dict[Id, _Pending | None] = {}
        self._unasked = Unasked()
        self._full = 0
        self._timer: asyncio.TimerHandle | None = None

    def _made(self) -> Child:
        child = Child(self.config, self._on_line, lambda end: self._ended(child, end), own_stderr=False)
        return child

    async def start(self) -> None:
        """Start it. Raises UpstreamFailed (GP-3005, GP-3002)."""
        await self.child.start()

    async def restart(self) -> bool:
        """End it, if it has not ended, and start it once more. False where it is not spare, or its client wants it
        ended; and where it does not start, of which its end is told."""
        if self.signalled or not self.spare:
            return False
        old, self.child = self.child, self._made()
        await old.stop()
        try:
            await self.child.start()
        except UpstreamFailed as why:
            self._on_end(End(code=NOT_STARTED, why=str(why)))
            return False
        return True

    def keep(self) -> None:
        """It is not spare any more. Where it has ended meanwhile, its end is told."""
        self.spare = False
        if self.child.end is not None:
            self._on_end(self.child.end)

    @property
    def in_flight(self) -> int:
        """Requests that it has to answer, without those that stay open by design."""
        return sum(1 for pending in self._pending.values() if pending.message.method != LISTEN)

    # -- base.Upstream

    async def post(self, body: bytes, message: Message, headers: Headers, session: str | None) -> Reply:  # noqa: ARG002
        """See `Upstream.post`. An id that is in flight already is refused as the protocol wants it."""
        if message.kind != "request" or message.id is None:
            return await self._tell(body, message)
        id, name = message.id, self.config.name
        if id in self._pending:
            raise UpstreamFailed("GP-3002", name, f"A request with the id {id!r} is in flight already.", sent=False)
        if len(self._pending) >= self.config.limits.in_flight:
            text = f"The server {name!r} has {len(self._pending)} requests to answer already."
            raise UpstreamFailed("GP-3002", name, text, sent=False)
        pending = self._pending[id] = _Pending(message, self._loop.time())
        if self._timer is None:
            self._timer = self._loop.call_later(self.config.limits.answer, self._sweep)
        try:
            await self.child.send(body)
            pending.sent = True
            reply = await pending.first
            if reply.kind == "sse":
                await as_task()
        except BaseException:
            self._give_up(pending, "The caller has left.")
            raise
        return reply

    async def listen(self, headers: Headers, session: str | None) -> Reply:  # noqa: ARG002
        """See `Upstream.listen`. A new listener takes the place of the last."""
        await as_task()
        box = Mailbox(self.config.limits.reply_queue, self._count_full)
        self._unasked.listen(box)
        return StdioReply(self.config, "sse", box, self.config.limits.listen_idle, lambda: self._unasked.leave(box))

    async def delete(self, headers: Headers, session: str | None) -> Reply:  # noqa: ARG002
        """See `Upstream.delete`; the program ends with its client, not with a session."""
        return StdioReply(self.config, "empty", status=200)

    async def close(self) -> None:
        """Stop it; calls in flight fail with GP-3005."""
        await self.child.stop()

    def status(self) -> dict[str, Any]:
        """See `Upstream.status`."""
        return {
            "transport": "stdio",
            "program": self.config.command[0],
            "pid": self.child.pid,
            "in_flight": len(self._pending),
            "dropped": self._drops.status(),
        }

    # -- towards the program

    async def _tell(self, body: bytes, message: Message) -> Reply:
        if message.method == CANCELLED:
            pending = self._in_flight(message.params.get("requestId"))
            if pending is None:
                return StdioReply(self.config, "empty", status=202)
            self._loop.call_later(_CANCEL_GRACE, self._end_cancelled, pending)
        await self.child.send(body)
        return StdioReply(self.config, "empty", status=202)

    def _in_flight(self, id: Any) -> _Pending | None:
        """The request with this id, which may be anything that JSON has."""
        return self._pending.get(id) if isinstance(id, str) or type(id) is int else None

    def _end_cancelled(self, pending: _Pending) -> None:
        """Its client cancelled it, and the program has said nothing since."""
        name = self.config.name
        if self._in_flight(pending.message.id) is pending:
            text = f"The request to the server {name!r} was cancelled by its client."
            self._fail(pending, UpstreamFailed("GP-3002", name, text, sent=True))

    def _give_up(self, pending: _Pending, why: str) -> None:
        """Nobody waits for this request any more: forget it and tell the program."""
        id = pending.message.id
        if id is not None and self._in_flight(id) is pending:
            del self._pending[id]
            self._say_cancelled(pending, why)
        if pending.box is not None:
            pending.box.discard()

    def _say_cancelled(self, pending: _Pending, why: str) -> None:
        """Tell the program; its answer may cross that."""
        id = pending.message.id
        if id is not None and pending.sent and pending.message.method != "initialize":
            self._cancelled.append(id)
            params = {"requestId": id, "reason": why}
            self.child.send_soon(strictjson.write({"jsonrpc": "2.0", "method": CANCELLED, "params": params}))

    # -- from the program

    def _on_line(self, line: bytes) -> bool:
        try:
            peek = _peek(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            self._drops.add("a line on standard output that is not a message")
            return False
        if peek.method is None and peek.id is not None:
            return self._answer(peek.id, line)
        try:
            message = parse(line)
        except MessageError as error:
            self._drops.add(f"a line on standard output that is not a message: {error.message}")
            return False
        if message.kind == "response":
            self._drops.add("an answer without an id")
            return False
        return self._route(message)

    def _answer(self, id: Id, line: bytes) -> bool:
        pending = self._pending.pop(id, None)
        if pending is None:
            if id in self._cancelled:
                return True  # it crossed the cancellation
            self._drops.add("an answer with an id that no request in flight has")
            return False
        if pending.box is None:
            pending.first.set_result(_Answer(line))
        else:
            pending.box.put(line)
            pending.box.close()
        return True

    def _route(self, message: Message) -> bool:
        if self.modern and message.kind == "request":
            self._drops.add(f"a request ({message.method}) from a 2026-07-28 server, which may not send any")
            return False
        pending = self._asked_for(message)
        data = message.encode()
        if pending is not None:
            self._box(pending).put(data)
            if message.method == CANCELLED and pending.message.method == LISTEN:
                # The server tears a subscription down: no answer follows.
                self._pending.pop(pending.message.id or 0, None)
                self._box(pending).close()
            return True
        if self._unasked.heard:
            self._unasked.put(data)
            return True
        if self.modern:
            self._drops.add(f"a notification ({message.method}) that belongs to no request in flight")
            return False
        given_up = self._unasked.keep(data)
        for _ in range(given_up):
            self._drops.add("a message that nobody was there to receive")
        return not given_up

    def _asked_for(self, message: Message) -> _Pending | None:
        """The request in flight that a message belongs to, where it belongs to one."""
        params = message.params
        if message.method == PROGRESS:
            token = params.get("progressToken")
            for pending in self._pending.values():
                if type(pending.token) is type(token) and pending.token == token is not None:
                    return pending
        subscription = message.meta().get(_SUBSCRIPTION)
        if message.method == CANCELLED and subscription is None:
            subscription = params.get("requestId")
        listening = self._in_flight(subscription)
        if listening is not None and (message.method != CANCELLED or listening.message.method == LISTEN):
            return listening
        if self.modern:
            return self._newest() if message.method == "notifications/message" else None
        found = None if self._unasked.heard else self._newest()
        if message.kind == "request":
            found = self._newest() if len(self._pending) == 1 else found
            if message.id is not None:
                self._questions[message.id] = found
                if len(self._questions) > _QUESTIONS_KEPT:
                    del self._questions[next(iter(self._questions))]
        elif message.method == CANCELLED and isinstance(subscription, str | int):
            # What takes a question back goes the way of the question, so that it does not overtake it.
            asked = self._questions.pop(subscription, None)
            if asked is not None and self._in_flight(asked.message.id) is asked:
                return asked
        return found

    def _newest(self) -> _Pending | None:
        return next(reversed(self._pending.values()), None)

    def _box(self, pending: _Pending) -> Mailbox:
        """The queue of a request whose answer has become a stream."""
        if pending.box is None:
            limits = self.config.limits
            pending.box = Mailbox(limits.reply_queue, self._count_full)
            idle = limits.listen_idle if pending.message.method == LISTEN else limits.stream_idle
            reply = StdioReply(
                self.config, "sse", pending.box, idle, lambda: self._give_up(pending, "The caller does not read on.")
            )
            pending.first.set_result(reply)
        return pending.box

    def _count_full(self, full: bool) -> None:
        self._full += 1 if full else -1
        if self._full:
            self.child.hold()
        else:
            self.child.release()

    # -- ends

    def _sweep(self) -> None:
        """Fail what has waited too long. One timer for all, so that a call sets none."""
        self._timer = None
        limits, now, name = self.config.limits, self._loop.time(), self.config.name
        for pending in list(self._pending.values()):
            if pending.box is None:
                if now - pending.began >= limits.answer:
                    text = f"The server {name!r} did not answer within {limits.answer:g} s."
                    self._say_cancelled(pending, "It took too long.")
                    self._fail(pending, UpstreamFailed("GP-3002", name, text, sent=pending.sent))
                continue
            total = limits.listen_total if pending.message.method == LISTEN else limits.stream_total
            if now - pending.began >= total:
                text = f"The answer of the server {name!r} lasted longer than {total:g} s."
                self._say_cancelled(pending, "It took too long.")
                self._fail(pending, UpstreamFailed("GP-3004", name, text, sent=True))
        if self._pending:
            oldest = next(iter(self._pending.values()))
            self._timer = self._loop.call_later(max(1.0, oldest.began + limits.answer - now), self._sweep)

    def _fail(self, pending: _Pending, error: UpstreamFailed) -> None:
        if pending.box is None:
            self._pending.pop(pending.message.id or 0, None)
            pending.first.set_exception(error)
        else:
            pending.box.close(error)
            self._pending.pop(pending.message.id or 0, None)

    def _ended(self, child: Child, end: End) -> None:
        name = self.config.name
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for pending in list(self._pending.values()):
            text = f"The program of the server {name!r} {end} before it answered."
            self._fail(pending, UpstreamFailed("GP-3005", name, text, sent=pending.sent))
        self._unasked.close()
        if child is self.child and (self.signalled or not self.spare):
            self._on_end(end)


class _Answer:
    """A line that answers, in the shape of `base.Reply`."""

    __slots__ = ("_line", "headers", "kind", "status")

    def __init__(self, line: bytes) -> None:
        self._line = line
        self.status = 200
        self.kind: Kind = "json"
        self.headers: list[tuple[bytes, bytes]] = []

    async def body(self, limit: int) -> bytes:  # noqa: ARG002
        """See `Reply.body`. A line is bounded already."""
        return self._line

    async def events(self) -> AsyncGenerator[sse.Event, None]:
        """See `Reply.events`."""
        yield sse.Event(sse.encode(self._line), self._line, None, None, None)

    def abort(self) -> None:
        """See `Reply.abort`; there is nothing to give up."""

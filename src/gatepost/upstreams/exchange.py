"""Requests and answers on one program's standard streams: own ids on the way up, the client's on the way back.

What is common to both eras; `session.py` (legacy: one program per session) and `shared.py` (2026-07-28: one for all)
say where the messages go that are not answers.
"""

from __future__ import annotations

import asyncio
import json
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncGenerator, Callable
from typing import Any, Final

from gatepost.mcp.message import Id, Message, MessageError, parse
from gatepost.upstreams.base import LISTEN, Kind, UpstreamFailed
from gatepost.upstreams.child import Child, End
from gatepost.upstreams.config import ServerConfig
from gatepost.upstreams.drops import Drops
from gatepost.upstreams.mailbox import Mailbox
from gatepost.wire import sse, strictjson

CANCELLED: Final = "notifications/cancelled"
PROGRESS: Final = "notifications/progress"
_CANCELLED_KEPT: Final = 1024


class Pending:
    """One request in flight."""

    __slots__ = ("box", "client_id", "id", "message", "sent", "timer", "token")

    def __init__(self, id: int, message: Message, box: Mailbox) -> None:
        self.id = id
        self.client_id: Id = message.id  # type: ignore[assignment]
        self.message = message
        self.token: Any = message.meta().get("progressToken")
        self.box = box
        self.sent = False
        self.timer: asyncio.TimerHandle | None = None


class Exchange(ABC):
    """One program and the requests in flight on it.

    Args:
        config: the server.
        drops: counts what cannot be delivered.
        on_end: called once with this object and how the program ended, after everything in flight has failed.
    """

    def __init__(self, config: ServerConfig, drops: Drops, on_end: Callable[[Exchange, End], None]) -> None:
        self.config = config
        self.child = Child(config, self._on_line, self._ended)
        self.last_used = asyncio.get_running_loop().time()
        self.answers = 0
        self.stopped = False
        self._drops = drops
        self._on_end = on_end
        self._pending: dict[int, Pending] = {}
        self._next_id = 1
        self._cancelled: deque[int] = deque(maxlen=_CANCELLED_KEPT)
        self._loop = asyncio.get_running_loop()

    # -- towards the program

    async def request(self, message: Message) -> StdioReply:
        """Send a request and wait for the first message that belongs to it. Raises UpstreamFailed."""
        limits, name = self.config.limits, self.config.name
        if len(self._pending) >= limits.in_flight:
            raise UpstreamFailed(
                "GP-3002", name, f"The server {name!r} has {limits.in_flight} requests to answer already.", sent=False
            )
        self.last_used = self._loop.time()
        pending = self._open(message)
        try:
            async with asyncio.timeout(limits.answer):
                await self.child.send(strictjson.write(self._outgoing(pending)))
                pending.sent = True
                await pending.box.ready()
        except TimeoutError:
            self.give_up(pending, "It took too long.")
            raise UpstreamFailed(
                "GP-3002", name, f"The server {name!r} did not answer within {limits.answer:g} s.", sent=pending.sent
            ) from None
        except BaseException:
            self.give_up(pending, "The caller has left.")
            raise
        if pending.box.only_answer:
            return StdioReply(self.config, "json", pending.box, 0, pending.box.discard)
        listens = message.method == LISTEN
        if pending.id in self._pending:
            total = limits.listen_total if listens else limits.stream_total
            pending.timer = self._loop.call_later(total, self._expire, pending, total)
        idle = limits.listen_idle if listens else limits.stream_idle
        return StdioReply(
            self.config, "sse", pending.box, idle, lambda: self.give_up(pending, "The caller does not read on.")
        )

    async def tell(self, message: Message) -> None:
        """Send a notification or response. Raises UpstreamFailed."""
        self.last_used = self._loop.time()
        limits, name = self.config.limits, self.config.name
        try:
            async with asyncio.timeout(limits.answer):
                await self.child.send(message.encode())
        except TimeoutError:
            text = f"The server {name!r} did not read its input within {limits.answer:g} s."
            raise UpstreamFailed("GP-3002", name, text, sent=False) from None

    def give_up(self, pending: Pending, why: str) -> None:
        """Nobody waits for this request any more: forget it and tell the program."""
        if self._forget(pending) and pending.sent and pending.message.method != "initialize":
            self._cancelled.append(pending.id)
            self.child.send_soon(
                strictjson.write(
                    {"jsonrpc": "2.0", "method": CANCELLED, "params": {"requestId": pending.id, "reason": why}}
                )
            )
        pending.box.discard()

    async def stop(self) -> None:
        """Fail what is in flight, then stop the program; returns when it has ended."""
        self.stopped = True
        self._fail_all("was stopped", "")
        await self.child.stop()

    @property
    def busy(self) -> bool:
        """Whether anybody waits for something from the program."""
        return bool(self._pending)

    def status(self) -> dict[str, Any]:
        """What there is to say of it, for `Upstream.status`."""
        return {
            "pid": self.child.pid,
            "started": self.child.started,
            "in_flight": len(self._pending),
            "answers": self.answers,
        }

    def _open(self, message: Message) -> Pending:
        id, self._next_id = self._next_id, self._next_id + 1
        box = Mailbox(self.config.limits.reply_queue, lambda full: self._pressure(pending, full))
        pending = Pending(id, message, box)
        self._pending[id] = pending
        return pending

    def _outgoing(self, pending: Pending) -> dict[str, Any]:
        """The body as the program gets it."""
        return {**pending.message.body, "id": pending.id}

    # -- from the program

    def _on_line(self, line: bytes) -> bool:
        try:
            message = parse(line)
        except MessageError as error:
            return self._unreadable(line, error.message)
        if message.kind == "response":
            return self._answer(message)
        return self._route(message)

    def _answer(self, message: Message) -> bool:
        pending = self._pending.get(message.id) if type(message.id) is int else None
        if pending is None:
            if message.id in self._cancelled:
                return True  # it crossed the cancellation
            before = type(message.id) is int and 0 < message.id < self._next_id
            self._drops.add(
                "a second answer to the same request" if before else "an answer with an id that no request had"
            )
            return False
        self.answers += 1
        self._forget(pending)
        pending.box.put(strictjson.write(self._incoming(pending, message.body)))
        pending.box.close()
        return True

    def _incoming(self, pending: Pending, body: dict[str, Any]) -> dict[str, Any]:
        """An answer's body as the client gets it."""
        return {**body, "id": pending.client_id}

    @abstractmethod
    def _route(self, message: Message) -> bool:
        """Deliver a notification or request of the program. False where it had to be dropped."""

    @abstractmethod
    def _pressure(self, pending: Pending, full: bool) -> None:
        """The reply of a request has too much, or again little, that was not read."""

    def _unreadable(self, line: bytes, why: str) -> bool:
        """A line that is no message. Where it tries to be an answer, its request fails at once instead of waiting."""
        self._drops.add(f"a line on standard output that is not a message: {why}")
        pending = self._pending.get(_id_of(line))
        if pending is None:
            return False
        name = self.config.name
        self._fail(pending, UpstreamFailed("GP-3003", name, f"The answer of {name!r} is not valid: {why}", sent=True))
        return True

    # -- ends

    def _ended(self, end: End) -> None:
        self._fail_all(str(end), self.child.last_words())
        self._on_end(self, end)

    def _fail_all(self, what: str, hint: str) -> None:
        name = self.config.name
        for pending in list(self._pending.values()):
            text = f"The program of the server {name!r} {what} before it answered."
            self._fail(pending, UpstreamFailed("GP-3005", name, text, hint, sent=pending.sent))

    def _expire(self, pending: Pending, seconds: float) -> None:
        name = self.config.name
        text = f"The answer of the server {name!r} lasted longer than {seconds:g} s."
        pending.box.close(UpstreamFailed("GP-3004", name, text, sent=True))
        self.give_up(pending, "It took too long.")

    def _fail(self, pending: Pending, error: UpstreamFailed) -> None:
        self._forget(pending)
        pending.box.close(error)

    def _forget(self, pending: Pending) -> bool:
        """Take it out of the tables. False where it was out already."""
        if pending.timer is not None:
            pending.timer.cancel()
        return self._pending.pop(pending.id, None) is not None


class StdioReply:
    """A program's answer in the shape of an HTTP reply (`base.Reply`).

    Args:
        kind: "json", "sse" or "empty".
        box: the messages.
        idle: seconds between two of them.
        on_abandon: called when the reader gives up.
    """

    def __init__(
        self,
        config: ServerConfig,
        kind: Kind,
        box: Mailbox | None = None,
        idle: float = 0,
        on_abandon: Callable[[], None] | None = None,
        *,
        status: int = 200,
    ) -> None:
        self.status = status
        self.headers: list[tuple[bytes, bytes]] = []
        self.kind: Kind = kind
        self._config = config
        self._box = box
        self._idle = idle
        self._on_abandon = on_abandon

    async def body(self, limit: int) -> bytes:
        """See `Reply.body`; there is no waiting here."""
        data = await self._box.next() if self._box is not None else None
        if data is None:
            return b""
        if len(data) > limit:
            name = self._config.name
            text = f"The answer of the server {name!r} has more than {limit} bytes."
            raise UpstreamFailed("GP-3004", name, text, sent=True)
        return data

    async def events(self) -> AsyncGenerator[sse.Event, None]:
        """See `Reply.events`. Leaving the iteration early gives the answer up."""
        try:
            while self._box is not None:
                async with asyncio.timeout(self._idle):
                    data = await self._box.next()
                if data is None:
                    return
                yield sse.Event(sse.encode(data), data, None, None, None)
        except TimeoutError:
            name = self._config.name
            text = f"The server {name!r} sent nothing for {self._idle:g} s in the middle of its answer."
            raise UpstreamFailed("GP-3002", name, text, sent=True) from None
        finally:
            self.abort()

    def abort(self) -> None:
        """See `Reply.abort`."""
        if self._on_abandon is not None:
            self._on_abandon()


def _id_of(line: bytes) -> int:
    """The integer id of something that looks like an answer but is not strict JSON; -1 where there is none."""
    if not line.lstrip().startswith(b"{"):
        return -1
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return -1
    if not isinstance(value, dict) or "method" in value or type(value.get("id")) is not int:
        return -1
    id: int = value["id"]
    return id

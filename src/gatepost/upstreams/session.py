"""A legacy session's program (up to 2025-11-25): it is the session's alone.

The gateway's own ids go up here as well, so that an answer can be told from a second one; progress tokens and the
program's own requests pass unchanged. Where a message goes that answers nothing:

* progress: to the reply whose request brought the token;
* a request of the program: to the only reply in flight, else the listening stream, else the newest reply in flight;
* anything else: to the listening stream, else the newest reply in flight;
* where there is none of these, it waits (the oldest is dropped) for the next stream or reply.

When a reader is slow, the program's output is not read on.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from gatepost.mcp.message import Message
from gatepost.upstreams.base import UpstreamFailed
from gatepost.upstreams.child import End
from gatepost.upstreams.config import ServerConfig
from gatepost.upstreams.drops import Drops
from gatepost.upstreams.exchange import CANCELLED, PROGRESS, Exchange, Pending, StdioReply
from gatepost.upstreams.mailbox import Mailbox

_WAITING_MESSAGES: Final = 256
_WAITING_BYTES: Final = 1024 * 1024
_CANCEL_GRACE: Final = 5.0
"""Seconds a program has to answer a request after its client cancelled it (most do not answer any more)."""


class SessionExchange(Exchange):
    """One legacy session on its own program."""

    def __init__(self, config: ServerConfig, drops: Drops, on_end: Callable[[Exchange, End], None]) -> None:
        super().__init__(config, drops, on_end)
        self._listener: Mailbox | None = None
        self._listen_timer: asyncio.TimerHandle | None = None
        self._waiting: deque[bytes] = deque()
        self._waiting_size = 0
        self._full = 0

    @property
    def busy(self) -> bool:
        return super().busy or self._listener is not None

    def status(self) -> dict[str, Any]:
        """With `waiting`: messages that nobody was there for yet."""
        return {**super().status(), "waiting": len(self._waiting), "listening": self._listener is not None}

    def listen(self) -> StdioReply:
        """The listening stream. A new one takes the place of the last (its client has most likely gone)."""
        self._stop_listening()
        limits = self.config.limits
        box = Mailbox(limits.reply_queue, self._count_full)
        self._listener = box
        self._listen_timer = self._loop.call_later(limits.listen_total, self._end_listening, box)
        self.last_used = self._loop.time()
        self._deliver_waiting(box)
        return StdioReply(self.config, "sse", box, limits.listen_idle, lambda: self._abandon_listening(box))

    async def tell(self, message: Message) -> None:
        if message.method == CANCELLED:
            await self._cancel(message)
        else:
            await super().tell(message)

    async def _cancel(self, message: Message) -> None:
        """The client cancels: its id is not the program's. An id that is not in flight is nothing to tell of."""
        wanted = message.params.get("requestId")
        for pending in self._pending.values():
            if type(pending.client_id) is type(wanted) and pending.client_id == wanted:
                self._loop.call_later(_CANCEL_GRACE, self._end_cancelled, pending)
                await super().tell(message.with_params({**message.params, "requestId": pending.id}))
                return

    def _end_cancelled(self, pending: Pending) -> None:
        name = self.config.name
        text = f"The request to the server {name!r} was cancelled by its client."
        if self._forget(pending):
            pending.box.close(UpstreamFailed("GP-3002", name, text, sent=True))

    def _open(self, message: Message) -> Pending:
        pending = super()._open(message)
        self._deliver_waiting(pending.box)
        return pending

    def _route(self, message: Message) -> bool:
        data = message.encode()
        target = self._target(message)
        if target is not None:
            target.put(data)
            return True
        self._waiting.append(data)
        self._waiting_size += len(data)
        complete = True
        while len(self._waiting) > _WAITING_MESSAGES or self._waiting_size > _WAITING_BYTES:
            self._waiting_size -= len(self._waiting.popleft())
            self._drops.add("a message that nobody was there to receive")
            complete = False
        return complete

    def _target(self, message: Message) -> Mailbox | None:
        if message.method == PROGRESS:
            token = message.params.get("progressToken")
            for pending in reversed(self._pending.values()):
                if type(pending.token) is type(token) and pending.token == token is not None:
                    return pending.box
        if message.kind == "request" and len(self._pending) == 1:
            return self._newest()
        return self._listener or self._newest()

    def _newest(self) -> Mailbox | None:
        for pending in reversed(self._pending.values()):
            return pending.box
        return None

    def _deliver_waiting(self, box: Mailbox) -> None:
        while self._waiting:
            box.put(self._waiting.popleft())
        self._waiting_size = 0

    def _pressure(self, pending: Pending, full: bool) -> None:  # noqa: ARG002
        self._count_full(full)

    def _count_full(self, full: bool) -> None:
        self._full += 1 if full else -1
        if self._full:
            self.child.hold()
        else:
            self.child.release()

    async def stop(self) -> None:
        """End the listening stream as well."""
        self._stop_listening()
        await super().stop()

    def _ended(self, end: End) -> None:
        self._stop_listening()
        super()._ended(end)

    def _stop_listening(self) -> None:
        if self._listener is not None:
            self._end_listening(self._listener)

    def _end_listening(self, box: Mailbox) -> None:
        box.close()
        self._forget_listener(box)

    def _abandon_listening(self, box: Mailbox) -> None:
        box.discard()
        self._forget_listener(box)

    def _forget_listener(self, box: Mailbox) -> None:
        if self._listener is box:
            self._listener = None
            if self._listen_timer is not None:
                self._listen_timer.cancel()

"""A server that is a program: one for each legacy session, one shared by all callers of 2026-07-28."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from functools import partial
from typing import Any, Final, TypeVar

from gatepost.mcp.message import Message
from gatepost.upstreams.backoff import Backoff
from gatepost.upstreams.base import Headers, OnDropped, UpstreamFailed
from gatepost.upstreams.child import End
from gatepost.upstreams.config import ServerConfig
from gatepost.upstreams.drops import Drops
from gatepost.upstreams.exchange import Exchange, StdioReply
from gatepost.upstreams.session import SessionExchange
from gatepost.upstreams.shared import SharedExchange
from gatepost.wire.running import as_task

_E = TypeVar("_E", bound=Exchange)
_PROTOCOL_VERSION: Final = "io.modelcontextprotocol/protocolVersion"


class StdioUpstream:
    """A program behind `base.Upstream`. Programs start when they are first needed, and again with back-off.

    A reply has the status that HTTP would have: 200, 202 for what is not answered, 404 for a session that is not (or no
    longer) there, 405 for a listening stream without one. Headers play no part.

    Args:
        config: the server; its `command` is set.
        on_dropped: told of each message that was not passed on (at most 5,000 a second: a flood is read slowly).
    """

    def __init__(self, config: ServerConfig, *, on_dropped: OnDropped | None = None) -> None:
        limits = config.limits
        self.config = config
        self._loop = asyncio.get_running_loop()
        self._drops = Drops(config.name, on_dropped)
        self._backoff = Backoff(limits.restart_first, limits.restart_most, time.monotonic)
        self._shared: Exchange | None = None
        self._starting: asyncio.Task[Exchange] | None = None
        self._sessions: dict[str, SessionExchange] = {}
        self._starts = 0
        self._unexpected_ends = 0
        self._newest: Exchange | None = None
        self._last_end: dict[str, Any] | None = None
        self._reaper: asyncio.TimerHandle | None = None
        self._background: set[asyncio.Task[None]] = set()
        self._closed = False

    # -- base.Upstream

    async def post(
        self,
        body: bytes,  # noqa: ARG002
        message: Message,
        headers: Headers,  # noqa: ARG002
        session: str | None,
    ) -> StdioReply:
        """See `Upstream.post`. `body` and `headers` are not used: the message is written with the gateway's own id."""
        await as_task()
        if session is None:
            return await self._post_shared(message)
        exchange = self._sessions.get(session)
        if exchange is not None:
            return await _post(self.config, exchange, message)
        if message.method != "initialize":
            return StdioReply(self.config, "empty", status=404)
        try:
            return await _post(self.config, await self._open_session(session), message)
        except BaseException:
            # Nobody learns the session's id, so nobody could use or end it.
            self._end_session(session)
            raise

    async def listen(self, headers: Headers, session: str | None) -> StdioReply:  # noqa: ARG002
        """See `Upstream.listen`."""
        await as_task()
        if session is None:
            return StdioReply(self.config, "empty", status=405)
        exchange = self._sessions.get(session)
        return StdioReply(self.config, "empty", status=404) if exchange is None else exchange.listen()

    async def delete(self, headers: Headers, session: str | None) -> StdioReply:  # noqa: ARG002
        """See `Upstream.delete`. The program is stopped behind the caller's back, which takes up to four seconds."""
        if session is None:
            return StdioReply(self.config, "empty", status=405)
        if session not in self._sessions:
            return StdioReply(self.config, "empty", status=404)
        self._end_session(session)
        return StdioReply(self.config, "empty", status=200)

    async def close(self) -> None:
        """Stop every program; calls in flight fail with GP-3005."""
        self._closed = True
        if self._reaper is not None:
            self._reaper.cancel()
        if self._starting is not None:
            self._starting.cancel()
        for session in list(self._sessions):
            self._end_session(session)
        if self._shared is not None:
            self._run(self._shared.stop())
        while self._background:
            await asyncio.wait(self._background)

    def status(self) -> dict[str, Any]:
        """See `Upstream.status`. `stderr` is that of the program started last, up to 64 KiB."""
        exchanges = [*self._sessions.values(), *([self._shared] if self._shared else [])]
        return {
            "transport": "stdio",
            "program": self.config.command[0],
            "programs": [{**exchange.status(), "shared": exchange is self._shared} for exchange in exchanges],
            "starts": self._starts,
            "unexpected_ends": self._unexpected_ends,
            "restart_in": round(self._backoff.remaining, 3),
            "last_end": self._last_end,
            "dropped": self._drops.status(),
            "stderr": self._newest.child.stderr() if self._newest else "",
        }

    # -- the shared program

    async def _post_shared(self, message: Message) -> StdioReply:
        modern = _PROTOCOL_VERSION in message.meta()
        if message.kind == "response" or (message.kind == "request" and message.method != "initialize" and not modern):
            # A legacy message without a session: the program could not tell whose it is.
            return StdioReply(self.config, "empty", status=400)
        return await _post(self.config, await self._get_shared(), message)

    async def _get_shared(self) -> Exchange:
        if self._shared is not None:
            return self._shared
        if self._starting is None:
            exchange = SharedExchange(self.config, self._drops, self._ended)
            self._starting = self._loop.create_task(self._start(exchange))
            self._starting.add_done_callback(self._shared_started)
        # Whoever waits may leave; the others still get the program.
        return await asyncio.shield(self._starting)

    def _shared_started(self, task: asyncio.Task[SharedExchange]) -> None:
        self._starting = None
        if not task.cancelled() and task.exception() is None and task.result().child.end is None:
            self._shared = task.result()

    # -- sessions

    async def _open_session(self, session: str) -> SessionExchange:
        most, name = self.config.limits.sessions, self.config.name
        if len(self._sessions) >= most:
            raise UpstreamFailed(
                "GP-1012",
                name,
                f"The server {name!r} has {most} sessions, each with its own program, and takes no more.",
                "End one, or wait until an idle one is stopped.",
                sent=False,
            )
        exchange = SessionExchange(self.config, self._drops, partial(self._session_ended, session))
        self._sessions[session] = exchange
        self._reap_later()
        return await self._start(exchange)

    def _end_session(self, session: str) -> None:
        exchange = self._sessions.pop(session, None)
        if exchange is not None:
            self._run(exchange.stop())

    def _session_ended(self, session: str, exchange: Exchange, end: End) -> None:
        if self._sessions.get(session) is exchange:
            del self._sessions[session]
        self._ended(exchange, end)

    def _reap_later(self) -> None:
        if self._reaper is None and self._sessions and not self._closed:
            self._reaper = self._loop.call_later(min(30.0, self.config.limits.session_idle / 2), self._reap)

    def _reap(self) -> None:
        self._reaper = None
        oldest = self._loop.time() - self.config.limits.session_idle
        for session, exchange in list(self._sessions.items()):
            if not exchange.busy and exchange.last_used < oldest:
                self._end_session(session)
        self._reap_later()

    # -- starts and ends

    async def _start(self, exchange: _E) -> _E:
        """Start a program, after the wait that earlier failures call for, where that is short enough."""
        deadline = self._loop.time() + self.config.limits.connect
        while remaining := self._backoff.remaining:
            if self._loop.time() + remaining > deadline:
                raise self._resting(remaining)
            await asyncio.sleep(remaining)
        if self._closed:
            raise self._failed("is being stopped")
        self._starts += 1
        self._newest = exchange
        try:
            await exchange.child.start()
        except BaseException as error:
            self._run(exchange.child.gone())
            if isinstance(error, UpstreamFailed):
                self._backoff.failed(0)
            raise
        return exchange

    def _resting(self, seconds: float) -> UpstreamFailed:
        times = self._backoff.failures
        last = self._last_end["how"] if self._last_end else "could not be started"
        words = self._newest.child.last_words() if self._newest else ""
        return self._failed(
            f"has failed {times} times in a row (it {last}) and is started again in {seconds:.1f} s", words
        )

    def _failed(self, what: str, hint: str = "") -> UpstreamFailed:
        name = self.config.name
        return UpstreamFailed("GP-3005", name, f"The program of the server {name!r} {what}.", hint, sent=False)

    def _ended(self, exchange: Exchange, end: End) -> None:
        if self._shared is exchange:
            self._shared = None
        self._run(exchange.child.gone())
        if exchange.stopped:
            return
        self._unexpected_ends += 1
        if exchange.answers == 0 or not isinstance(exchange, SessionExchange):
            # A session's program that worked before it ended says nothing of the next session's: a caller that crashes
            # its own must not keep others from starting theirs.
            self._backoff.failed(time.time() - exchange.child.started)
        self._last_end = {"time": time.time(), "how": str(end), "stderr": exchange.child.last_words()}

    def _run(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(coroutine)
        self._background.add(task)
        task.add_done_callback(self._background.discard)


async def _post(config: ServerConfig, exchange: Exchange, message: Message) -> StdioReply:
    if message.kind == "request":
        return await exchange.request(message)
    await exchange.tell(message)
    return StdioReply(config, "empty", status=202)

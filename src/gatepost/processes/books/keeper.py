"""The holder's side: rows and reservations of other processes, taken into this one's journal and ledger."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from gatepost.errors import GatepostError
from gatepost.journal import Journal, JournalUnavailable
from gatepost.journal.calls import Decided, Record, Settled
from gatepost.journal.writer import UNKNOWN
from gatepost.processes.books import words
from gatepost.quota import Count, Exhausted, Ledger, Reservation
from gatepost.wire.running import Running

_T = TypeVar("_T")
_PATIENCE: Final = 10.0
"""Seconds that a `run` has to let go."""
_NOBODY: Final = 1.0
"""Seconds for whoever has the lock to listen, or to be done: a start, a command on the journal."""
_PAUSE: Final = 0.01
_LOCKED: Final = "GP-6002"


class Keeper:
    """Serves a journal and a ledger on a socket.

    Args:
        on_yield: called where another process asks for the books; None where they are not given away.
        at_once: whether a guest's row is written as it comes, and not with all of the turn: where a process has few
            calls of its own.
    """

    def __init__(
        self,
        journal: Journal,
        ledger: Ledger,
        on_yield: Callable[[], None] | None = None,
        *,
        at_once: bool = False,
    ) -> None:
        self.journal = journal
        self.ledger = ledger
        self.on_yield = on_yield
        self.at_once = at_once
        self.guests: set[Guest] = set()
        self._server: asyncio.AbstractServer | None = None
        self._path: Path | None = None

    async def listen(self, path: Path) -> None:
        """Begin. The journal's lock is held, so a socket that lies there is nobody's any more."""
        path.unlink(missing_ok=True)  # noqa: ASYNC240 - once, in a local folder
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(lambda: Guest(self, loop), str(path))
        path.chmod(0o600)  # noqa: ASYNC240 - the same
        self._path = path

    def close(self) -> None:
        """End: guests see it at once. Call it while the journal can still be written."""
        if self._server is not None:
            self._server.close()
            self._server = None
        if self._path is not None:
            self._path.unlink(missing_ok=True)
            self._path = None
        for guest in list(self.guests):
            guest.leave()


class Guest(asyncio.Protocol):
    """One other process."""

    def __init__(self, keeper: Keeper, loop: asyncio.AbstractEventLoop) -> None:
        self._keeper = keeper
        self._loop = loop
        self._frames = words.Frames()
        self._transport: asyncio.Transport | None = None
        self._greeted = False
        self._waits = False
        """Whether it waits for a row that has come just now."""
        self._reserved: set[str] = set()
        """What was taken for calls whose row is not written yet."""
        self._in_flight: set[str] = set()
        """Its calls without an outcome."""
        self._serving: set[Running] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._keeper.guests.add(self)
        self._send(words.Hello(words.VERSION, os.getpid()))

    def data_received(self, data: bytes) -> None:
        try:
            for body in self._frames.feed(data):
                self._take(words.read_asked(body))
            if self._keeper.at_once and self._waits:
                self._keeper.journal.write_now()
            self._waits = False
        except (ValueError, TypeError):  # msgspec's are ValueErrors too
            self.leave()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self.leave()

    def leave(self) -> None:
        """It is gone, or is cut off. What was only reserved was never sent; what was recorded may have been."""
        transport, self._transport = self._transport, None
        if transport is None:
            return
        transport.abort()
        self._keeper.guests.discard(self)
        for id in self._reserved:
            self._run(self._release_quietly(id))
        for decision_id in self._in_flight:
            self._settle_unknown(decision_id)
        self._reserved.clear()
        self._in_flight.clear()

    def _take(self, message: words.Asked) -> None:
        if isinstance(message, words.Hello):
            self._greeted = message.version == words.VERSION
            if not self._greeted:
                self.leave()
            return
        if not self._greeted:
            raise ValueError("not a guest of this version")
        if isinstance(message, words.Append):
            self._waits = True
            self._run(self._append(message.n, words.unpacked(message.row)))
        elif isinstance(message, words.Post):
            self._post(words.unpacked(message.row))
        elif isinstance(message, words.Reserve):
            self._run(self._reserve(message))
        elif isinstance(message, words.Admit):
            self._waits = True
            self._run(self._reserve(message.asked, words.admitted(message)))
        elif isinstance(message, words.Undo):
            self._undo(message.id)
        elif isinstance(message, words.Release):
            self._run(self._release(message))
        elif isinstance(message, words.Flush):
            self._run(self._flush(message.n))
        elif self._keeper.on_yield is None:
            self._send(words.Failed(message.n, "this process keeps the books"))
        else:
            self._send(words.Done(message.n))
            self._loop.call_soon(self._keeper.on_yield)

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        running = Running(work, self._loop, self._serving.discard)
        self._serving.add(running)
        running.start()

    async def _append(self, n: int, record: Record) -> None:
        why = await self._written(record)
        self._send(words.Done(n) if why is None else words.Failed(n, why))

    async def _written(self, record: Record) -> str | None:
        """Have a row written. Returns why it could not be, as a phrase."""
        # Before its row is written, for its outcome may stand behind it in the same read, and the end of the guest too.
        if isinstance(record, Decided):
            if record.reservation is not None:
                self._reserved.discard(record.reservation)
            if record.decision == "allow" or not record.enforced:
                self._in_flight.add(record.decision_id)
        try:
            await self._keeper.journal.append(record)
        except JournalUnavailable as why:
            if isinstance(record, Decided):
                await self._not_recorded(record)
            return why.reason
        return None

    async def _not_recorded(self, record: Decided) -> None:
        self._in_flight.discard(record.decision_id)
        if record.reservation is None:
            return
        if self._transport is None:
            await self._release_quietly(record.reservation)
        else:
            self._reserved.add(record.reservation)  # it is for the guest to give back

    def _post(self, record: Record) -> None:
        if isinstance(record, Settled):
            self._in_flight.discard(record.decision_id)
        self._keeper.journal.post(record)

    async def _reserve(self, asked: words.Reserve, row: Decided | None = None) -> None:
        """Answer a `Reserve`, or an `Admit` with its row."""
        ledger = self._keeper.ledger
        outcome: Reservation | Exhausted | None
        try:
            if asked.id:
                outcome = await ledger.reserve(asked, asked.uses, asked.id)
            else:
                outcome = await ledger.look(asked, asked.uses)
        except Exception as why:
            self._send(words.Failed(asked.n, str(why)))
            return
        if isinstance(outcome, Exhausted):
            place = next(i for i, use in enumerate(asked.uses) if use is outcome.use)
            self._send(words.Exceeded(asked.n, place, outcome.remaining, outcome.retry_at, outcome.counts))
        elif outcome is None:
            self._send(words.Done(asked.n))
        elif self._transport is None:
            await ledger.release(outcome.id)
        else:
            self._reserved.add(outcome.id)
            recorded = row is not None and await self._admitted(row, outcome.counts)
            self._send(words.Reserved(asked.n, outcome.counts, recorded))

    async def _admitted(self, row: Decided, counts: Sequence[Count]) -> bool:
        """Have the row of a granted call written. Whether it is: not where shadow mode let the call pass a limit, for
        then the guest has more to say in it."""
        if any(count.over for count in counts):
            return False
        row.limits = [count.as_record() for count in counts]
        return await self._written(row) is None

    def _undo(self, id: str) -> None:
        """A call that its guest has called off, with what is known of it here so far."""
        if id in self._in_flight:
            self._in_flight.discard(id)
            self._run(self._never_left(id))
        elif id in self._reserved:
            self._reserved.discard(id)
            self._run(self._release_quietly(id))

    async def _never_left(self, decision_id: str) -> None:
        journal = self._keeper.journal
        if await self._keeper.ledger.release(decision_id):
            journal.post({"kind": "released", "decision_id": decision_id, "reservation": decision_id})
        outcome = UNKNOWN | {"carried_out": False, "error_class": "client_gone"}
        journal.post({"kind": "settled", "decision_id": decision_id, **outcome})

    async def _release(self, asked: words.Release) -> None:
        self._reserved.discard(asked.id)
        self._send(words.Done(asked.n, await self._keeper.ledger.release(asked.id)))

    async def _release_quietly(self, id: str) -> None:
        await self._keeper.ledger.release(id)

    async def _flush(self, n: int) -> None:
        await self._keeper.journal.flush()
        self._send(words.Done(n))

    def _settle_unknown(self, decision_id: str) -> None:
        self._keeper.journal.post({"kind": "settled", "decision_id": decision_id, **UNKNOWN})

    def _send(self, message: words.Answered) -> None:
        if self._transport is not None:
            self._transport.write(words.frame(message))


def taken_over(open: Callable[[], _T], path: Path) -> _T:
    """What `open` opens, where need be after a `run` that holds the books has let go of them.

    Raises what `open` raises; `GatepostError` GP-6002 where another process holds them that does not let go.
    """
    began, asked = time.monotonic(), False
    while True:
        try:
            return open()
        except GatepostError as why:
            if why.code != _LOCKED:
                raise
            answer = _asked_to_yield(path)
            asked = asked or answer is True
            if answer is False or time.monotonic() - began > (_PATIENCE if asked else _NOBODY):
                raise
        time.sleep(_PAUSE)


def _asked_to_yield(path: Path) -> bool | None:
    """Ask whoever holds the books for them: whether it lets go. None where nobody is there to be asked."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_PATIENCE)
        try:
            connection.connect(str(path))
        except OSError:
            return None
        try:
            connection.sendall(words.frame(words.Hello(words.VERSION, os.getpid())) + words.frame(words.Yield(1)))
            frames = words.Frames()
            while chunk := connection.recv(65536):
                for body in frames.feed(chunk):
                    if isinstance(words.read_answered(body), words.Failed):
                        return False
        except OSError:
            return True  # it is gone by now
    return True

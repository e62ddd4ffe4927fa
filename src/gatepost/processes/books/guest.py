"""A guest's side: a journal and a ledger that another process keeps."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from typing import Any, Final, cast

from gatepost.journal import JournalUnavailable
from gatepost.journal.calls import Decided, Record
from gatepost.processes.books import words
from gatepost.quota import Exhausted, Reservation, Subject, Use
from gatepost.wire.running import Signal

_LATER_SECONDS: Final = 0.005
"""Until a row that nobody waits for is sent by itself: the next call's row usually takes it along before that."""
PATIENCE: Final = 10.0
"""Seconds without an answer, after which the keeper is taken for gone."""
_GONE: Final = "the process that keeps the journal is gone"


class Lost(Exception):
    """The keeper went before it answered."""


class Link(asyncio.Protocol):
    """The connection to the keeper.

    Args:
        on_lost: called once, when it is gone.
        on_answers: called when all that was asked is answered, and who waited has gone on.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        on_lost: Callable[[], None],
        on_answers: Callable[[], None] | None = None,
    ) -> None:
        self.lost = False
        self.greeted: asyncio.Future[bool] = loop.create_future()
        self._loop = loop
        self._on_lost = on_lost
        self._on_answers = on_answers
        self._frames = words.Frames()
        self._transport: asyncio.Transport | None = None
        self._number = 0
        self._unsent: list[bytes] = []
        self._asked: dict[int, tuple[Signal[Any], float, bool]] = {}

    @property
    def waiting(self) -> int:
        """Questions without an answer."""
        return len(self._asked)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(words.frame(words.Hello(words.VERSION, os.getpid())))

    def data_received(self, data: bytes) -> None:
        try:
            for body in self._frames.feed(data):
                answer = words.read_answered(body)
                if isinstance(answer, words.Hello):
                    if not self.greeted.done():
                        self.greeted.set_result(answer.version == words.VERSION)
                    continue
                asked = self._asked.pop(answer.n, None)
                if asked is None:
                    continue
                if asked[2] and isinstance(answer, words.Failed):
                    asked[0].set_exception(JournalUnavailable(answer.why))
                else:
                    asked[0].set_result(answer)
        except ValueError:
            self.close()
        if self._on_answers is not None and not self._asked:
            self._on_answers()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self.lost = True
        if not self.greeted.done():
            self.greeted.set_result(False)
        self._on_lost()
        asked, self._asked = self._asked, {}
        for signal, _, row in asked.values():
            signal.set_exception(JournalUnavailable(_GONE) if row else Lost(_GONE))

    def close(self) -> None:
        """Cut it; whoever waits gets `Lost`."""
        if self._transport is not None:
            self._transport.abort()

    def check(self) -> None:
        """Cut it where the keeper does not answer any more."""
        oldest = next(iter(self._asked.values()), None)
        if oldest is not None and self._loop.time() - oldest[1] > PATIENCE:
            self.close()

    def number(self) -> int:
        """For the next question."""
        self._number += 1
        return self._number

    def ask(self, question: Any, *, row: bool = False) -> Signal[Any]:
        """Send a question. Its signal fails with `Lost` where the keeper goes; a row's with `JournalUnavailable`, also
        where the keeper could not write it."""
        signal: Signal[Any] = Signal()
        if self.lost or self._transport is None:
            signal.set_exception(JournalUnavailable(_GONE) if row else Lost(_GONE))
        else:
            self._asked[question.n] = (signal, self._loop.time(), row)
            frame = words.frame(question)
            if self._unsent:
                self._unsent.append(frame)
                self._send()
            else:
                self._transport.write(frame)
        return signal

    def tell(self, message: Any) -> None:
        """Send what is not answered: with the next question, or by itself a few milliseconds later. Each time that it
        is woken, the keeper takes a processor from whoever the client waits for."""
        if self.lost:
            return
        if not self._unsent:
            self._loop.call_later(_LATER_SECONDS, self._send)
        self._unsent.append(words.frame(message))

    def _send(self) -> None:
        unsent, self._unsent = self._unsent, []
        if unsent and not self.lost and self._transport is not None:
            self._transport.write(b"".join(unsent))


class GuestJournal:
    """`journal.recorder.Recorder` over a link."""

    unhealthy_because = _GONE

    def __init__(self, link: Link) -> None:
        self._link = link

    @property
    def healthy(self) -> bool:
        """Whether the keeper is there."""
        return not self._link.lost

    @property
    def pending(self) -> int:
        """Questions to the keeper without an answer."""
        return self._link.waiting

    def append(self, record: Record) -> Signal[None]:
        """See `Journal.append`: one round trip."""
        return self._link.ask(words.Append(self._link.number(), words.packed(record)), row=True)

    def post(self, record: Record) -> None:
        """See `Journal.post`."""
        self._link.tell(words.Post(words.packed(record)))


class GuestLedger:
    """`quota.Ledger` over a link. Where the keeper is gone it raises, and nothing is allowed that counts."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def look(self, call: Subject, uses: Sequence[Use]) -> Exhausted | None:
        """See `Ledger.look`."""
        answer = await self._link.ask(self._question(call, uses, ""))
        if isinstance(answer, words.Exceeded):
            return _exhausted(answer, uses)
        if isinstance(answer, words.Done):
            return None
        raise ValueError(answer.why if isinstance(answer, words.Failed) else "no answer to a question")

    async def reserve(self, call: Subject, uses: Sequence[Use], id: str | None = None) -> Reservation | Exhausted:
        """See `Ledger.reserve`; the id has to be given, for the keeper's would not be known here in time."""
        if id is None:
            raise ValueError("a guest names its reservations")
        outcome, _ = await self._taken(self._question(call, uses, id), uses, id)
        return outcome

    async def admit(self, call: Subject, uses: Sequence[Use], row: Decided) -> tuple[Reservation | Exhausted, bool]:
        """See `gateway.core.Admitting`: one round trip."""
        id = row.decision_id
        asked = self._question(call, uses, id)
        return await self._taken(words.Admit(asked.n, asked, words.packed(row)), uses, id)

    async def _taken(
        self, question: words.Reserve | words.Admit, uses: Sequence[Use], id: str
    ) -> tuple[Reservation | Exhausted, bool]:
        try:
            answer = await self._link.ask(question)
        except asyncio.CancelledError:
            # Nobody here will know what was taken, so nobody would give it back.
            self._link.tell(words.Undo(id))
            raise
        if isinstance(answer, words.Reserved):
            return Reservation(id, answer.counts), answer.recorded
        if isinstance(answer, words.Exceeded):
            return _exhausted(answer, uses), False
        raise ValueError(answer.why if isinstance(answer, words.Failed) else "no answer to a reservation")

    async def release(self, id: str) -> bool:
        """See `Ledger.release`. Where the keeper is gone, its successor knows nothing of it."""
        try:
            answer = await self._link.ask(words.Release(self._link.number(), id))
        except Lost:
            return False
        return isinstance(answer, words.Done) and answer.given

    def settle(self, id: str) -> None:
        """See `Ledger.settle`: the keeper's journal does that itself."""

    def _question(self, call: Subject, uses: Sequence[Use], id: str) -> words.Reserve:
        return words.Reserve(
            self._link.number(),
            call.grant_id,
            call.identity,
            call.server,
            [
                words.Use(
                    use.counter,
                    use.window,
                    use.scope,
                    use.max,
                    use.amount,
                    use.algorithm,
                    use.rule,
                    use.on_deny,
                    use.enforced,
                )
                for use in uses
            ],
            id,
        )


def _exhausted(answer: words.Exceeded, uses: Sequence[Use]) -> Exhausted:
    return Exhausted(uses[answer.use], answer.remaining, answer.retry_at, answer.counts)

"""Where a `run` finds the books: with another process, or, where nobody keeps them, in its own hands."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from typing import Final

from gatepost.errors import GatepostError
from gatepost.journal import Journal, JournalUnavailable
from gatepost.journal.calls import Record
from gatepost.journal.recorder import Recorder
from gatepost.keys import Keyring
from gatepost.paths import DataFolder
from gatepost.processes.books.guest import GuestJournal, GuestLedger, Link
from gatepost.processes.books.keeper import Keeper
from gatepost.quota import Exhausted, Ledger, MemoryLedger, Reservation, Subject, Use
from gatepost.wire.running import Signal

_LOCKED: Final = "GP-6002"
_PAUSE: Final = 0.02
_TROUBLE: Final = 1.0
_GREETING: Final = 2.0
_PATIENCE: Final = 30.0
"""Seconds to find the books at the start: whoever has the lock may be reading a long journal."""
_COURTESY: Final = 0.2
"""Seconds that a `serve` which asked for the books is left alone with the lock."""


class Nothing:
    """Journal and ledger of a process that has neither just now: everything is refused."""

    healthy = False
    pending = 0
    unhealthy_because = "nobody keeps the journal at this moment"

    def append(self, record: Record) -> Signal[None]:  # noqa: ARG002
        signal: Signal[None] = Signal()
        signal.set_exception(JournalUnavailable(self.unhealthy_because))
        return signal

    def post(self, record: Record) -> None:
        """Nobody can take it."""

    async def look(self, call: Subject, uses: Sequence[Use]) -> Exhausted | None:  # noqa: ARG002
        raise ValueError(self.unhealthy_because)

    async def reserve(
        self,
        call: Subject,  # noqa: ARG002
        uses: Sequence[Use],  # noqa: ARG002
        id: str | None = None,  # noqa: ARG002
    ) -> Reservation | Exhausted:
        raise ValueError(self.unhealthy_because)

    async def release(self, id: str) -> bool:  # noqa: ARG002
        return False

    def settle(self, id: str) -> None: ...


class Shelf:
    """Keeps a process supplied with journal and ledger.

    Args:
        path: of the socket.
        use: called with what is to be used from now on.
        on_answers: called when another process that keeps the books has answered all that it was asked.

    Attributes:
        nothing: what is used while there are none.
    """

    def __init__(
        self,
        folder: DataFolder,
        keyring: Keyring,
        path: str,
        use: Callable[[Recorder, Ledger], None],
        on_answers: Callable[[], None] | None = None,
    ) -> None:
        self.nothing = Nothing()
        self._folder = folder
        self._keyring = keyring
        self._path = folder.socket(path)
        self._use = use
        self._on_answers = on_answers
        self._loop = asyncio.get_running_loop()
        self._journal: Journal | None = None
        self._keeper: Keeper | None = None
        self._link: Link | None = None
        self._seeking: asyncio.Task[None] | None = None
        self._closed = False

    async def open(self) -> None:
        """Find the books for the first time. Raises `GatepostError`: GP-6002 where whoever has them shares nothing."""
        deadline = self._loop.time() + _PATIENCE
        while not await self._found():
            if self._loop.time() > deadline:
                raise GatepostError(
                    _LOCKED,
                    f"Another process writes the journal in {self._folder.journal}, and shares it with nobody.",
                    "Is it a Gatepost of another version? Stop it, or choose another folder with --data DIR.",
                )
            await asyncio.sleep(_PAUSE)

    @property
    def asking(self) -> bool:
        """Whether another process is waited for."""
        return self._link is not None and self._link.waiting > 0

    def check(self) -> None:
        """Once a second: notice a keeper that hangs."""
        if self._link is not None:
            self._link.check()

    async def close(self) -> None:
        """Let go. What was queued is written."""
        self._closed = True
        if self._seeking is not None:
            self._seeking.cancel()
        if self._link is not None and not self._link.lost:
            await self._flushed(self._link)
            self._link.close()
        self._let_go()

    @staticmethod
    async def _flushed(link: Link) -> None:
        from gatepost.processes.books import words
        from gatepost.processes.books.guest import Lost

        # This process ends: whoever keeps the books settles as unknown what it does not hear of any more.
        with contextlib.suppress(Lost, TimeoutError):
            async with asyncio.timeout(_GREETING):
                await link.ask(words.Flush(link.number()))

    def _let_go(self) -> None:
        keeper, self._keeper = self._keeper, None
        journal, self._journal = self._journal, None
        if keeper is not None:
            keeper.close()
        if journal is not None:
            journal.close()

    # -- the search

    async def _found(self) -> bool:
        return await self._joined() or await self._taken()

    async def _joined(self) -> bool:
        """Take part in what another process keeps."""
        link = Link(self._loop, self._lost, self._on_answers)
        try:
            await self._loop.create_unix_connection(lambda: link, str(self._path))
            async with asyncio.timeout(_GREETING):
                welcome = await link.greeted
        except (OSError, TimeoutError):
            link.close()
            return False
        if not welcome or link.lost:
            link.close()
            return False
        self._link = link
        self._use(GuestJournal(link), GuestLedger(link))
        return True

    async def _taken(self) -> bool:
        """Hold the lock, and share what it is for."""
        ledger = MemoryLedger(time.time)
        try:
            journal = Journal.open(self._folder.journal / "data", "data", self._keyring, ledger=ledger, clock=time.time)
        except GatepostError as why:
            if why.code != _LOCKED:
                raise
            return False
        self._journal = journal
        keeper = self._keeper = Keeper(journal, ledger, self._give_away, at_once=True)
        self._use(journal, ledger)
        await keeper.listen(self._path)
        return True

    def _lost(self) -> None:
        """The keeper is gone. A link that never was in use is none of it."""
        if self._link is None or not self._link.lost:
            return
        self._link = None
        self._seek_after(0)

    def _give_away(self) -> None:
        """A `serve` wants to keep the books."""
        self._use(self.nothing, self.nothing)
        self._let_go()
        self._seek_after(_COURTESY)

    def _seek_after(self, seconds: float) -> None:
        self._use(self.nothing, self.nothing)
        if not self._closed:
            self._seeking = self._loop.create_task(self._seek(seconds))

    async def _seek(self, seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                if await self._found():
                    return
                seconds = _PAUSE
            except GatepostError as why:  # the journal cannot be read or written: that takes longer to mend
                self.nothing.unhealthy_because, seconds = why.message, _TROUBLE

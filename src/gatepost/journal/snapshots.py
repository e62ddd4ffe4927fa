"""When a snapshot of a journal is made, and of what: so that a start has few rows to read."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

import msgspec

from gatepost.journal.chain import Chain
from gatepost.journal.in_flight import InFlight
from gatepost.journal.rows import Signer, timestamp
from gatepost.journal.saver import Saver
from gatepost.journal.snapshot import Snapshot
from gatepost.journal.state import Recoverable

_WORTH_SAVING: Final = 1000  # rows that the next start reads in a few hundredths of a second, without a snapshot
_log: Final = logging.getLogger("gatepost.journal")


class Snapshots:
    """The snapshots of one chain, each after so many rows or so long.

    Args:
        rows, seconds: one follows whichever comes first.
        unsaved: rows that the last one does not cover.

    Attributes:
        unsaved: the same, as it is now: whoever writes rows counts them here.
    """

    def __init__(
        self,
        chain: Chain,
        ledger: Recoverable,
        in_flight: InFlight,
        signer: Signer,
        *,
        rows: int,
        seconds: float,
        unsaved: int,
        clock: Callable[[], float],
    ) -> None:
        self.unsaved = unsaved
        self._chain = chain
        self._ledger = ledger
        self._in_flight = in_flight
        self._rows = rows
        self._seconds = seconds
        self._clock = clock
        self._saver = Saver(chain.folder, signer)
        self._at = clock() + seconds

    def after_rows(self) -> None:
        """Make one where so many rows were written since the last."""
        if self.unsaved >= self._rows and not self._saver.busy:
            self._save()

    def after_a_while(self) -> None:
        """Make one where so long has passed since the last, and there is anything new."""
        if self.unsaved and self._clock() >= self._at and not self._saver.busy:
            self._save()

    def close(self, *, last: bool) -> None:
        """Wait for what is under way. With `last`, one of now is made before, if it saves the next start anything.

        Raises `OSError`.
        """
        if last and self.unsaved >= _WORTH_SAVING:
            self._saver.save(self._chain.duplicate(), self._frozen())
        self._saver.wait()

    def _save(self) -> None:
        self._at = self._clock() + self._seconds
        frozen = self._frozen()
        try:
            self._saver.save_aside(self._chain.duplicate(), frozen)
        except OSError as error:
            _log.warning("no snapshot of the journal could be begun, the next start takes longer: %s", error)

    def _frozen(self) -> Callable[[], Snapshot]:
        """The state as of the last row, as a function that finishes the snapshot in another thread."""
        state = self._ledger.freeze(self._in_flight.held())
        chain, in_flight, at = self._chain, self._in_flight.calls(), timestamp(self._clock())
        segment, offset, head = chain.segment.first, chain.offset, chain.head
        self.unsaved = 0
        return lambda: Snapshot(
            chain=chain.name,
            segment=segment,
            offset=offset,
            seq=head.seq,
            hash=head.hash,
            time=at,
            in_flight=in_flight,
            state=msgspec.Raw(state()),
        )

"""The calls that were let through, and of which no row says yet how they ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gatepost.journal.calls import Decided, Record, Settled
from gatepost.journal.rows import is_forwarded
from gatepost.journal.state import Recoverable


class InFlight:
    """Kept up with each batch of rows; a call that has ended is settled with the ledger.

    Args:
        found: decision id and reservation of those that are in flight at the start.
    """

    def __init__(self, found: Mapping[str, str | None], ledger: Recoverable) -> None:
        self._reservations = dict(found)
        self._ledger = ledger

    def note(self, records: Iterable[Record]) -> None:
        """Rows were written."""
        reservations = self._reservations
        for record in records:
            if record.__class__ is Decided:
                if record.decision == "allow" or not record.enforced:
                    reservations[record.decision_id] = record.reservation
            elif record.__class__ is Settled:
                self._settled(record.decision_id)
            elif isinstance(record, dict):
                self._note_event(record)

    def _note_event(self, record: Mapping[str, object]) -> None:
        kind, decision = record["kind"], str(record.get("decision_id"))
        if kind == "decided":
            if is_forwarded(record):
                reservation = record.get("reservation")
                self._reservations[decision] = None if reservation is None else str(reservation)
        elif kind == "settled":
            self._settled(decision)
        elif kind == "released" and decision in self._reservations:
            self._reservations[decision] = None

    def _settled(self, decision: str) -> None:
        reservation = self._reservations.pop(decision, None)
        if reservation is not None:
            self._ledger.settle(reservation)

    def held(self) -> set[str]:
        """The reservations that may still be given back."""
        return {reservation for reservation in self._reservations.values() if reservation is not None}

    def calls(self) -> list[tuple[str, str | None]]:
        """Decision id and reservation of each, the oldest first."""
        return list(self._reservations.items())

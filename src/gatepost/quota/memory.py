"""The ledger in memory: what one gateway process counts with. It is rebuilt from the journal at start.

It never suspends, so that on one event loop every call is one step. Memory is bounded by the counters that are used
within the windows that run, however many identities come and go.
"""

from __future__ import annotations

import itertools
import secrets
import time
from collections.abc import Callable, Container, Mapping, Sequence
from typing import Any, Final

from gatepost.quota import amounts, snapshot
from gatepost.quota.fixed import FixedCounters, Key
from gatepost.quota.ledger import Count, Exhausted, Reservation, Subject, Use
from gatepost.quota.sliding import SlidingCounters
from gatepost.quota.windows import SECOND, canonical, sliding

Counters = FixedCounters | SlidingCounters
Charge = tuple[Counters, Key, int, int]
"""What a reservation took from one counter: its window's counters, its key, the amount and the mark."""

_HELD: Final = 65_536
_SWEEP: Final = SECOND
_FREED_A_CALL: Final = 16


class MemoryLedger:
    """A `Ledger` in memory. Not for more than one thread.

    Args:
        clock: epoch seconds. Going back has no effect: the ledger's own time stands still until it is passed again.
        held: how many reservations may be released at most; beyond it the oldest can no longer be.
    """

    def __init__(self, clock: Callable[[], float] = time.time, *, held: int = _HELD) -> None:
        self._clock = clock
        self._most_held = held
        self._now = 0
        self._next_sweep = 0
        self._counters: dict[tuple[str | int, str], Counters] = {}  # by window as the uses spell it, and algorithm
        self._held: dict[str, list[Charge]] = {}
        self._ended: list[dict[Key, Any]] = []
        self._prefix = secrets.token_hex(8)
        self._numbers = itertools.count(1)

    async def look(self, call: Subject, uses: Sequence[Use]) -> Exhausted | None:
        """See `Ledger.look`."""
        outcome = self._weigh(call, uses)
        return outcome if isinstance(outcome, Exhausted) else None

    async def reserve(self, call: Subject, uses: Sequence[Use], id: str | None = None) -> Reservation | Exhausted:
        """See `Ledger.reserve`."""
        if id is None:
            id = f"{self._prefix}{next(self._numbers):x}"
        elif id in self._held:
            raise ValueError(f"the reservation {id} is held already")
        outcome = self._weigh(call, uses)
        if isinstance(outcome, Exhausted):
            return outcome
        counts, charges = outcome
        taken = [(each, key, amount, each.add(key, amount)) for each, key, amount in charges if amount]
        if taken:
            self._hold(id, taken)
        return Reservation(id, counts)

    async def release(self, id: str) -> bool:
        """See `Ledger.release`."""
        self._advance()
        return self._give_back(id)

    def settle(self, id: str) -> None:
        """See `Ledger.settle`."""
        self._held.pop(id, None)

    def forget(self) -> None:
        """Forgets what has ended. Every call does a part of this by itself; a timer may call it on a quiet ledger."""
        self._advance()
        self._sweep()
        self._ended.clear()

    def __len__(self) -> int:
        """How many counters are kept."""
        return sum(len(counters) for counters in self._unique())

    # -- counting ---------------------------------------------------------------------------------------------------

    def _weigh(
        self, call: Subject, uses: Sequence[Use]
    ) -> Exhausted | tuple[tuple[Count, ...], list[tuple[Counters, Key, int]]]:
        """Compares every use with its counter: who blocks, or the counts and what each counter is to take."""
        now = self._advance()
        at = now / SECOND
        opened, ended, micro = self._counters, self._ended, amounts.micro
        counts: list[Count] = []
        charges: list[tuple[Counters, Key, int]] = []
        blocking: tuple[Use, Counters, Key, int, int] | None = None
        for use in uses:
            scope = use.scope
            if scope == "grant":
                key = (scope, call.grant_id, call.server, use.counter)
            elif scope == "identity":
                key = (scope, call.identity, "", use.counter)
            elif scope == "server":
                key = (scope, call.server, call.server, use.counter)
            else:
                raise ValueError(f"{scope!r} is not a scope")
            algorithm = use.algorithm
            counters = opened.get((use.window, algorithm))
            if counters is None:
                counters = self._open(use.window, algorithm)
            if now >= counters.end:
                counters.enter(now, ended)
            amount = micro(use.amount)
            for charged in charges:
                if charged[0] is counters and charged[1] == key:
                    if charged[2] != amount:
                        raise ValueError(f"two limits take different amounts from the counter {use.counter}")
                    break
            else:
                charges.append((counters, key, amount))
            total, frees_at = counters.read(key)
            enforced = use.enforced
            if blocking is None and enforced and total + amount > micro(use.max):
                blocking = (use, counters, key, amount, total)
            counts.append(
                Count(
                    use.counter,
                    counters.name,
                    scope,
                    use.max,
                    use.amount,
                    total,
                    total + amount,
                    frees_at / SECOND,
                    use.rule,
                    enforced,
                    algorithm,
                    at,
                )
            )
        if blocking is not None:
            return _exhausted(*blocking, tuple([count.untaken() for count in counts]))
        return tuple(counts), charges

    def _hold(self, id: str, charges: list[Charge]) -> None:
        held = self._held
        held[id] = charges
        if len(held) > self._most_held:
            del held[next(iter(held))]

    def _give_back(self, id: str) -> bool:
        given = False
        for counters, key, amount, mark in self._held.pop(id, ()):
            counters.enter(self._now, self._ended)
            if counters.take_back(key, mark, amount):
                given = True
        return given

    def _open(self, window: str | int, algorithm: str) -> Counters:
        """The counters of a window that was not used yet, or not by this spelling."""
        if algorithm not in ("fixed", "sliding"):
            raise ValueError(f"{algorithm!r} is not an algorithm")
        unit = canonical(window) if algorithm == "fixed" else sliding(window)
        counters = self._counters.get((unit, algorithm))
        if counters is None:
            counters = FixedCounters(unit, self._now) if algorithm == "fixed" else SlidingCounters(int(unit), self._now)
            self._counters[unit, algorithm] = counters
        self._counters[window, algorithm] = counters
        return counters

    # -- time -------------------------------------------------------------------------------------------------------

    def _advance(self) -> int:
        """Moves the ledger's clock, and forgets a little of what has ended, so that no call pays for much of it."""
        now = int(self._clock() * SECOND)
        if now > self._now:
            self._now = now
            if now >= self._next_sweep:
                self._sweep()
        ended = self._ended
        if ended:
            last = ended[-1]
            for _ in range(min(len(last), _FREED_A_CALL)):
                last.popitem()
            if not last:
                ended.pop()
        return self._now

    def _sweep(self) -> None:
        now = self._now
        for spelling, counters in list(self._counters.items()):
            counters.enter(now, self._ended)
            if not len(counters):
                del self._counters[spelling]
        self._next_sweep = now + _SWEEP

    def _unique(self) -> list[Counters]:
        return [counters for (window, _), counters in self._counters.items() if counters.window == window]

    # -- recovery ---------------------------------------------------------------------------------------------------

    def freeze(self, recorded: Container[str] | None = None) -> Callable[[], bytes]:
        """Copies the state at once, and returns a function that encodes the copy, which another thread may call.

        Args:
            recorded: the ids of the reservations whose decided rows are in the journal and neither settled nor
                released there. Others that are held here are left out, so that the snapshot is exactly what those
                rows say. None: all are recorded.
        """
        copies = {counters: counters.copy() for counters in self._unique()}
        kept: dict[str, list[Charge]] = {}
        unrecorded: list[Charge] = []
        for id, charges in self._held.items():
            # What was taken from counters that have all ended since cannot be given back any more.
            running = [charge for charge in charges if charge[0] in copies]
            if recorded is None or id in recorded:
                kept[id] = running
            else:
                unrecorded += running
        now = self._now

        def encode() -> bytes:
            for counters, key, amount, mark in unrecorded:
                copies[counters].take_back(key, mark, amount)
            return snapshot.encode(now, copies.values(), kept)

        return encode

    def snapshot(self) -> bytes:
        """The whole state, for `restore`: UTF-8 JSON."""
        return self.freeze()()

    def restore(self, state: bytes) -> None:
        """Replaces the state by a snapshot's. Raises `ValueError` where it is not one; nothing is changed then."""
        now, counters, held = snapshot.decode(state)
        self._now = now
        self._next_sweep = 0
        self._counters = {(each.window, each.algorithm): each for each in counters}
        self._held = held
        self._ended = []

    def replay(self, record: Mapping[str, Any]) -> None:
        """Applies one row of the journal: what a `decided` row took, what a `released` one gave back.

        Rows come in the order of the chain; `settled` ones are for `settle`. Time is the rows' own.
        """
        if record["kind"] == "released":
            self._give_back(record["reservation"])
        elif record["kind"] == "decided" and record.get("limits") and record.get("reservation"):
            self._replay_decided(record)

    def _replay_decided(self, record: Mapping[str, Any]) -> None:
        taken: dict[tuple[Counters, Key], Charge] = {}
        for limit in record["limits"]:
            amount = _millionths(limit["after"]) - _millionths(limit["before"])
            if not amount:
                continue
            at = round(limit["at"] * SECOND)
            self._now = max(self._now, at)
            scope = limit["scope"]
            owner = record["grant_id"] if scope == "grant" else record[scope]
            key = (scope, owner, "" if scope == "identity" else record["server"], limit["counter"])
            counters = self._counters.get((limit["window"], limit["algorithm"]))
            if counters is None:
                counters = self._open(limit["window"], limit["algorithm"])
            counters.enter(self._now, self._ended)
            if (counters, key) not in taken:
                taken[counters, key] = (counters, key, amount, counters.add_at(key, amount, at))
        if taken:
            self._hold(record["reservation"], list(taken.values()))
        self._ended.clear()


def _millionths(text: str) -> int:
    if text.isdigit():
        return int(text) * amounts.MILLION
    whole, _, rest = text.partition(".")
    return int(whole) * amounts.MILLION + int(rest.ljust(6, "0"))


def _exhausted(use: Use, counters: Counters, key: Key, amount: int, total: int, counts: tuple[Count, ...]) -> Exhausted:
    most = amounts.micro(use.max)
    retry_at = None if amount > most else counters.fits_at(key, most - amount) / SECOND
    return Exhausted(use, amounts.decimal(max(most - total, 0)), retry_at, counts)

"""Counters of one sliding window, in slots of a sixtieth of it.

At any instant the slot that runs and the 60 before it count whole. A span of the window's length touches at most those
61 slots, so no such span ever admits more than the limit.

Counters live in two generations: a counter that is used moves into the young one, and once a whole span has passed the
old generation is dropped and the young becomes old. What is dropped has not been used for a span, so memory holds no
more than the counters used during the last two spans, and dropping costs no search.
"""

from __future__ import annotations

from typing import Any

from gatepost.quota.fixed import Key
from gatepost.quota.windows import SECOND, name

SLOTS = 60
_SPAN = SLOTS + 1


class _Slots:
    """One counter: the amount used in each slot, oldest first, and their total."""

    __slots__ = ("total", "used")

    def __init__(self) -> None:
        self.total = 0
        self.used: dict[int, int] = {}

    def drop_before(self, oldest: int) -> None:
        used = self.used
        while used:
            slot = next(iter(used))
            if slot >= oldest:
                return
            self.total -= used.pop(slot)


class SlidingCounters:
    """All counters of one sliding window of `window` seconds. Totals are millionths, instants microseconds."""

    __slots__ = ("_old", "_turn", "_width", "_young", "end", "name", "slot", "window")
    algorithm = "sliding"

    def __init__(self, window: int, now: int) -> None:
        self.window = window
        self.name = name(window)
        self._width = window * SECOND
        self.slot = self._slot(now)
        self.end = self._start(self.slot + 1)
        self._turn = self.slot + _SPAN
        self._young: dict[Key, _Slots] = {}
        self._old: dict[Key, _Slots] = {}

    def _slot(self, instant: int) -> int:
        return instant * SLOTS // self._width

    def _start(self, slot: int) -> int:
        """The first whole microsecond of a slot."""
        return -(-slot * self._width // SLOTS)

    def enter(self, now: int, ended: list[dict[Key, Any]]) -> None:
        """Moves to the slot that holds `now`; the generations that have ended are put into `ended`."""
        if now < self.end:
            return
        slot = self.slot = self._slot(now)
        self.end = self._start(slot + 1)
        if slot >= self._turn:
            ended.append(self._old)
            self._old = self._young
            self._young = {}
            if slot >= self._turn + _SPAN:  # nobody moved the counters for another whole span
                ended.append(self._old)
                self._old = {}
            self._turn = slot + _SPAN

    def _find(self, key: Key) -> _Slots | None:
        counter = self._young.get(key) or self._old.get(key)
        if counter is not None:
            counter.drop_before(self.slot - SLOTS)
        return counter

    def read(self, key: Key) -> tuple[int, int]:
        """The counter's total, and the instant at which its oldest slot leaves the span."""
        counter = self._find(key)
        if counter is None or not counter.used:
            return 0, self._start(self.slot + _SPAN)
        return counter.total, self._start(next(iter(counter.used)) + _SPAN)

    def add(self, key: Key, amount: int) -> int:
        """Adds in the slot that runs, and returns the mark that `take_back` needs."""
        slot = self.slot
        counter = self._young.get(key)
        if counter is None:
            counter = self._young[key] = self._old.pop(key) if key in self._old else _Slots()
        counter.used[slot] = counter.used.get(slot, 0) + amount
        counter.total += amount
        return slot

    def add_at(self, key: Key, amount: int, at: int) -> int:
        """Adds at an instant that may have passed; one that has left the span is no part of it."""
        now, self.slot = self.slot, self._slot(at)
        mark = self.slot
        if mark >= now - SLOTS:
            self.add(key, amount)
            counter = self._young[key]
            counter.used = dict(sorted(counter.used.items()))
        self.slot = now
        return mark

    def take_back(self, key: Key, mark: int, amount: int) -> bool:
        """Subtracts what was added under `mark`, if its slot still counts."""
        counter = self._find(key)
        if counter is None or mark not in counter.used:
            return False
        counter.used[mark] -= amount
        counter.total -= amount
        if not counter.used[mark]:
            del counter.used[mark]
        return True

    def fits_at(self, key: Key, room: int) -> int:
        """The instant from which the total is at most `room`."""
        counter = self._find(key)
        if counter is not None:
            total = counter.total
            for slot, amount in counter.used.items():
                total -= amount
                if total <= room:
                    return self._start(slot + _SPAN)
        return self._start(self.slot)

    def copy(self) -> SlidingCounters:
        """A copy for a snapshot."""
        twin = SlidingCounters(self.window, 0)
        twin.slot, twin.end, twin._turn = self.slot, self.end, self._turn
        for ours, theirs in ((self._old, twin._old), (self._young, twin._young)):
            for key, counter in ours.items():
                kept = theirs[key] = _Slots()
                kept.total, kept.used = counter.total, counter.used.copy()
        return twin

    def items(self) -> list[tuple[Key, dict[int, int]]]:
        """Every counter and its slots."""
        found: list[tuple[Key, dict[int, int]]] = []
        for key, counter in (*self._old.items(), *self._young.items()):
            counter.drop_before(self.slot - SLOTS)
            if counter.used:
                found.append((key, counter.used))
        return found

    def put(self, key: Key, used: dict[int, int]) -> None:
        """Puts a counter as `items` gave it."""
        counter = self._young[key] = _Slots()
        counter.used, counter.total = used, sum(used.values())

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

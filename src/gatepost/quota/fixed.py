"""Counters of one fixed window: one total each, all forgotten together when the window ends."""

from __future__ import annotations

from typing import Any

from gatepost.quota.windows import edges, name

Key = tuple[str, str, str, str]
"""Scope, its id, the server (empty for scope identity), counter name."""


class FixedCounters:
    """All counters of one canonical window. Totals are millionths, instants microseconds."""

    __slots__ = ("end", "name", "start", "totals", "window")
    algorithm = "fixed"

    def __init__(self, window: str | int, now: int) -> None:
        self.window = window
        self.name = name(window)
        self.start, self.end = edges(window, now)
        self.totals: dict[Key, int] = {}

    def enter(self, now: int, ended: list[dict[Key, Any]]) -> None:
        """Moves to the window that holds `now`; the counters that ended with the old one are put into `ended`."""
        if now >= self.end:
            ended.append(self.totals)
            self.totals = {}
            self.start, self.end = edges(self.window, now)

    def read(self, key: Key) -> tuple[int, int]:
        """The counter's total, and the instant at which the window next gives something back."""
        return self.totals.get(key, 0), self.end

    def add(self, key: Key, amount: int) -> int:
        """Adds in the window that runs, and returns the mark that `take_back` needs."""
        totals = self.totals
        totals[key] = totals.get(key, 0) + amount
        return self.start

    def add_at(self, key: Key, amount: int, at: int) -> int:
        """Adds at an instant that may have passed; one before the window that runs is no part of it."""
        return self.add(key, amount) if at >= self.start else edges(self.window, at)[0]

    def take_back(self, key: Key, mark: int, amount: int) -> bool:
        """Subtracts what was added under `mark`, if its window still runs."""
        if mark != self.start or key not in self.totals:
            return False
        rest = self.totals[key] - amount
        if rest:
            self.totals[key] = rest
        else:
            del self.totals[key]
        return True

    def fits_at(self, key: Key, room: int) -> int:  # noqa: ARG002 - the shape is shared with the sliding counters
        """The instant from which the total is at most `room`."""
        return self.end

    def copy(self) -> FixedCounters:
        """A copy for a snapshot, cheap enough for the event loop: the totals are shared values."""
        twin = FixedCounters(self.window, self.start)
        twin.totals = self.totals.copy()
        return twin

    def __len__(self) -> int:
        return len(self.totals)

"""The calls of the last so many seconds, kept up by reading on in the log: for a view that is always of now."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import Final

from gatepost.audit.stats import Call, Outcome, Refused, Settled, Stats, read
from gatepost.audit.tail import START, Place, read_on
from gatepost.journal.rows import epoch, timestamp
from gatepost.journal.segments import chains, lines, segments

_BATCH: Final = 20_000
_BACKLOG: Final = 16 << 20
"""Bytes of what was written before that are looked through at the beginning, at most."""


class Window:
    """The newest `seconds` of the log in `DATA/journal`. For one thread."""

    def __init__(self, journal: Path, seconds: float) -> None:
        self.seconds = seconds
        self._journal = journal
        self._places: dict[str, Place] = {}
        self._calls: dict[str, Call] = {}  # by decision id, oldest first
        self._outcomes: dict[str, Outcome] = {}
        self._refused: deque[Refused] = deque()

    def catch_up(self, now: float) -> None:
        """Take in what the log has gained, and leave out what is older than the window at `now` (epoch seconds)."""
        for folder in chains(self._journal):
            if folder.name == "admin":
                continue
            place = self._places.get(folder.name) or _begin(folder)
            while True:
                found, place = read_on(folder, place, _BATCH)
                for _, text in found:
                    self._take(text)
                if len(found) < _BATCH:
                    break
            self._places[folder.name] = place
        self._forget(timestamp(now - self.seconds))

    def stats(self) -> Stats:
        """The sums over the window."""
        sums = Stats()
        for id, call in self._calls.items():
            sums.add(call, self._outcomes.get(id))
        for refused in self._refused:
            sums.refused[refused.code] += refused.times
        return sums

    def newest(self, count: int) -> list[tuple[Call, Outcome | None]]:
        """The last calls with their outcomes, newest first."""
        ids = list(self._calls)[-count:] if count > 0 else []
        return [(self._calls[id], self._outcomes.get(id)) for id in reversed(ids)]

    def rates(self, now: float, slots: int) -> list[int]:
        """How many calls fell into each of `slots` equal parts of the window, the oldest part first."""
        found = [0] * slots
        begin, width = now - self.seconds, self.seconds / slots
        for call in self._calls.values():
            slot = int((epoch(call.time) - begin) / width)
            if 0 <= slot < slots:
                found[slot] += 1
        return found

    def _take(self, text: bytes) -> None:
        what = read(text)
        if isinstance(what, Call):
            self._calls[what.decision_id] = what
        elif isinstance(what, Settled):
            if what.decision_id in self._calls:
                self._outcomes[what.decision_id] = what.outcome
        elif what is not None:
            self._refused.append(what)

    def _forget(self, before: str) -> None:
        old = []
        for id, call in self._calls.items():
            if call.time >= before:
                break
            old.append(id)
        for id in old:
            del self._calls[id]
            self._outcomes.pop(id, None)
        while self._refused and self._refused[0].time < before:
            self._refused.popleft()


def _begin(folder: Path) -> Place:
    """Where to begin: at the first line of the chain's last megabytes."""
    left = _BACKLOG
    place = START
    for segment in reversed(segments(folder)):
        size = segment.path.stat().st_size
        if size > left:
            for offset, text in lines(segment.path, size - left):
                return Place(segment.first, offset + len(text) + 1)
            return place
        left -= size
        place = Place(segment.first, 0)
    return place

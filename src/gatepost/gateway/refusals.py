"""Rows for refused requests, capped: a flood of them must not become a flood of the journal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Refusals:
    """Passes on so many refusals a second; the rest is counted, and the count becomes one row in the next second."""

    def __init__(self, per_second: int, clock: Callable[[], float], write: Callable[..., None]) -> None:
        """Args: write: called with the fields of one `refused` row."""
        self._per_second = per_second
        self._clock = clock
        self._write = write
        self._second = 0
        self._passed = 0
        self._suppressed = 0

    def note(self, **fields: Any) -> None:
        """One refusal."""
        self.flush()
        if self._passed >= self._per_second:
            self._suppressed += 1
            return
        self._passed += 1
        self._write(**fields)

    def flush(self) -> None:
        """Write the row for what was suppressed in a second that has passed. Called on a timer too."""
        second = int(self._clock())
        if second == self._second:
            return
        if self._suppressed:
            self._write(status=None, code=None, reason="more refusals in the second before", count=self._suppressed)
        self._second, self._passed, self._suppressed = second, 0, 0

"""Counts what a server sent and nobody could be given, and tells of it without being flooded."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from gatepost.upstreams.base import OnDropped

_TOLD_PER_SECOND: Final = 10


class Drops:
    """The dropped messages and unreadable lines of one server.

    Args:
        server: its name.
        on_dropped: told of each, at most ten times a second; the next call then says how many were not told.
        clock: seconds, monotonic.
    """

    def __init__(self, server: str, on_dropped: OnDropped | None, clock: Callable[[], float] = time.monotonic) -> None:
        self.count = 0
        self.last = ""
        self._server = server
        self._on_dropped = on_dropped
        self._clock = clock
        self._second = 0.0
        self._told = 0
        self._untold = 0

    def add(self, why: str) -> None:
        """One message was dropped because of `why` (a phrase)."""
        self.count += 1
        self.last = why
        now = self._clock()
        if now - self._second >= 1:
            self._second, self._told = now, 0
        if self._on_dropped is None or self._told >= _TOLD_PER_SECOND:
            self._untold += 1
            return
        self._told += 1
        more, self._untold = self._untold, 0
        self._on_dropped(self._server, f"{why} (and {more} more before)" if more else why)

    def status(self) -> dict[str, Any]:
        """`{"count": …, "last": …}`."""
        return {"count": self.count, "last": self.last}

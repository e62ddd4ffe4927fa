"""An event loop that stays awake for a moment after something has happened."""

from __future__ import annotations

import asyncio
import os
import time
from typing import Final

_NANOSECONDS: Final = 100_000
"""About what it takes to send a processor to sleep and to wake it twice, on a virtual machine."""


class Awake:
    """Keeps a loop from sleeping while the next message is likely to come at once.

    A core that sleeps takes 20 to 40 µs to wake on a virtual machine, and a call through `run` wakes it twice: that is
    more than all that is done for the call. So the loop looks again for a tenth of a millisecond after each message
    before it sleeps. Where there is one core alone, whoever is waited for needs it, and nothing is done.

    A process that is kept on one core of several is likely to share it with the others of its kind, though hardly with
    its client and its program: it stays awake for those, and not while it `rests` for another `run`.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._alone = (os.cpu_count() or 1) < 2
        self._confined = _cores() < 2
        self._until = 0
        self._awake = False

    def stir(self) -> None:
        """Something has happened."""
        if self._alone:
            return
        self._until = time.perf_counter_ns() + _NANOSECONDS
        if not self._awake:
            self._awake = True
            self._loop.call_soon(self._look)

    def rest(self) -> None:
        """What comes next comes of another process that is likely to run where this one does."""
        if self._confined:
            self._until = 0

    def _look(self) -> None:
        if time.perf_counter_ns() < self._until:
            self._loop.call_soon(self._look)
        else:
            self._awake = False


def _cores() -> int:
    """How many this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1

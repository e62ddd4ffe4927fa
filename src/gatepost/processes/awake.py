"""An event loop that stays awake for a moment after something has happened."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from typing import Final

_NANOSECONDS: Final = 100_000
"""About what it takes to send a processor to sleep and to wake it twice, on a virtual machine."""
_IN_VAIN: Final = 8
_PAUSE: Final = 64


class Awake:
    """Keeps a loop from sleeping while the next message is likely to come at once.

    A core that sleeps takes 20 to 40 µs to wake on a virtual machine, and a call through the gateway wakes it twice:
    that is as much as all that is done for the call. So the loop looks again for a tenth of a millisecond after each
    message before it sleeps. Where nothing came of that 8 times in a row, it does so after every 64th message alone:
    whoever is waited for takes longer, or needs the very core. Where there is one core alone, nothing is done.

    A process that is kept on one core of several is likely to share it with the others of its kind, though hardly with
    its client and its program: it stays awake for those, and not while it `rests` for another `run`.

    Args:
        clock: in nanoseconds, never backwards.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, clock: Callable[[], int] = time.perf_counter_ns) -> None:
        self._loop = loop
        self._clock = clock
        self._alone = (os.cpu_count() or 1) < 2
        self._confined = _cores() < 2
        self._until = 0
        self._awake = False
        self._stirred = False
        self._in_vain = 0  # how often in a row it stayed awake for nothing
        self._pause = 0  # how many messages it is not to stay awake for

    def stir(self) -> None:
        """Something has happened."""
        self._stirred = True
        if not self._awake and not self._alone:
            if self._pause:
                self._pause -= 1
                return
            self._awake = True
            self._until = 0
            self._loop.call_soon(self._look)

    def rest(self) -> None:
        """What comes next comes of another process that is likely to run where this one does."""
        if self._confined:
            self._stirred = False
            self._until = 0

    def _look(self) -> None:
        now = self._clock()
        if self._stirred:
            self._stirred = False
            if self._until:
                self._in_vain = 0
            self._until = now + _NANOSECONDS
        elif now >= self._until:
            self._awake = False
            if self._until:
                self._in_vain += 1
                if self._in_vain >= _IN_VAIN:
                    self._pause = _PAUSE
            return
        self._loop.call_soon(self._look)


def _cores() -> int:
    """How many this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1

"""What tasks and processes of one machine wait for: their turn at a lock file, and their turn to write to Trakt."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from gatepost_media.common.files import locked, read_private, write_private

_GLANCE = 0.05
_PATIENCE = 30.0


@asynccontextmanager
async def held(path: Path, patience: float = _PATIENCE) -> AsyncIterator[None]:
    """The lock file, held by the block alone among all processes. A killed process gives it back.

    Raises:
        TimeoutError: somebody else held it for `patience` seconds.
        OSError: the file cannot be opened.
    """
    until = time.monotonic() + patience
    while True:
        with locked(path, wait=False) as got:
            if got:
                yield
                return
        if time.monotonic() > until:
            raise TimeoutError(f"{path} is held by another process")
        await asyncio.sleep(_GLANCE)


class Pace:
    """Lets one write through every `interval` seconds: Trakt counts them per account, so all processes keep one pace.

    The file holds the time, in seconds since 1970, from which the next write may start. Each writer takes the next turn
    by moving that time on, then waits for it. A clock that was set back holds nobody longer than `queue` turns.
    """

    def __init__(self, file: Path, interval: float = 1.0, queue: int = 120) -> None:
        self._file = file
        self._interval = interval
        self._queue = queue

    async def turn(self) -> None:
        """Returns when the caller may write. Raises OSError (TimeoutError among them) if the file cannot be used."""
        wait = await self.take(time.time())
        if wait > 0:
            await asyncio.sleep(wait)

    async def take(self, now: float) -> float:
        """Takes the next turn and says in how many seconds it comes; `now` is in seconds since 1970."""
        async with held(self._file.with_suffix(".lock")):
            latest = now + self._interval * self._queue
            mine = max(now, min(_time_in(read_private(self._file)), latest))
            write_private(self._file, f"{mine + self._interval:.3f}\n".encode())
            return mine - now


def _time_in(text: bytes | None) -> float:
    try:
        found = float(text or b"0")
    except ValueError:
        return 0.0
    return found if math.isfinite(found) else 0.0

"""Telling Trakt, one thing after the other, until it has heard: with back-off while it is out of order.

The queue is short-lived state of one process. What Trakt refuses for good (an item it does not know) is noted and
dropped; what fails for now (no connection, 5xx, 429, a sign-in that has ended) is tried again, and what was overtaken
meanwhile is left out. A play is never left out. Sending a stop again after its answer was lost is safe: Trakt answers
409 for a play it has just recorded, which is success.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from gatepost_media.common.errors import MediaError, NotConfigured, NotFound, NotSignedIn, RateLimited, Unreachable
from gatepost_media.sync.playing import Action, Send, still_due
from gatepost_media.trakt.client import ScrobbleOutcome

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
REMEMBERED = 50
QUEUE = 1_000
"""More than this many undelivered words are not kept; what is not a play goes first."""

Teller = Callable[[Send], Awaitable[ScrobbleOutcome]]


@dataclass(frozen=True, slots=True)
class Told:
    """What became of one word to Trakt. `outcome` is start, pause, play, already recorded, unknown or refused."""

    at: float
    item: str
    action: Action
    progress: float
    outcome: str
    detail: str | None = None


class Delivery:
    """The queue, and the task that empties it (`run`)."""

    def __init__(self, tell: Teller, *, first_pause: float = FIRST_PAUSE) -> None:
        self._tell = tell
        self._first_pause = first_pause
        self._queue: list[Send] = []
        self._more = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self.told: deque[Told] = deque(maxlen=REMEMBERED)
        self.counts: Counter[str] = Counter()
        self.problem: str | None = None
        """Why the first in the queue could not be delivered yet."""

    @property
    def waiting(self) -> int:
        """How many words are not delivered yet."""
        return len(self._queue)

    def add(self, sends: Sequence[Send]) -> None:
        """Queues what has to be sent."""
        self._queue.extend(sends)
        if len(self._queue) > QUEUE:
            plays = [each for each in self._queue if each.is_play]
            self._queue = plays[-QUEUE:]
        if self._queue:
            self._idle.clear()
            self._more.set()

    async def drained(self) -> None:
        """Returns when nothing waits."""
        await self._idle.wait()

    async def run(self) -> None:
        """Delivers until it is cancelled."""
        failures = 0
        while True:
            await self._more.wait()
            self._more.clear()
            while self._queue:
                send = self._queue[0]
                try:
                    outcome = await self._tell(send)
                except (Unreachable, RateLimited, NotSignedIn, NotConfigured) as error:
                    self.problem = str(error)
                    await asyncio.sleep(self._pause(failures, error))
                    failures += 1
                    self._queue = _behind(still_due(self._queue), send)
                    continue
                except NotFound as error:
                    self._note(send, "unknown", str(error))
                except MediaError as error:
                    self._note(send, "refused", str(error))
                else:
                    self._note(send, _said(outcome), outcome.expires_at)
                failures, self.problem = 0, None
                # `add` may have made a shorter queue of it while Trakt was asked.
                if self._queue and self._queue[0] is send:
                    self._queue.pop(0)
            self._idle.set()

    def _pause(self, failures: int, error: MediaError) -> float:
        if isinstance(error, RateLimited) and error.retry_after is not None:
            return min(max(error.retry_after, self._first_pause), 10 * LONGEST_PAUSE)
        return min(self._first_pause * (1 << min(failures, 10)), LONGEST_PAUSE)

    def _note(self, send: Send, outcome: str, detail: str | None) -> None:
        self.counts[outcome] += 1
        self.told.append(Told(time.time(), send.item, send.action, round(send.progress, 2), outcome, detail))


def _behind(queue: list[Send], failed: Send) -> list[Send]:
    """The queue with everything on the failed item at its end: a title that Trakt fails over must hold up no other."""
    about = (failed.session, failed.item)
    same = [each for each in queue if (each.session, each.item) == about]
    return [each for each in queue if (each.session, each.item) != about] + same


def _said(outcome: ScrobbleOutcome) -> str:
    if outcome.already:
        return "already recorded"
    return "play" if outcome.action == "scrobble" else outcome.action

"""When a program that keeps ending may be started again."""

from __future__ import annotations

from collections.abc import Callable


class Backoff:
    """Exponential waits between the starts of one server's program.

    Args:
        first: seconds before the first restart; doubled with every further failure.
        most: the longest wait. A program that ran for at least as long begins a new count.
        clock: seconds, monotonic.
    """

    def __init__(self, first: float, most: float, clock: Callable[[], float]) -> None:
        self.failures = 0
        self._first = first
        self._most = most
        self._clock = clock
        self._not_before = 0.0

    def failed(self, lived: float) -> None:
        """A start failed, or a program ended unexpectedly after `lived` seconds."""
        if lived >= self._most:
            self.failures = 0
        self.failures += 1
        # 2**1000 is no float; the exponent is long irrelevant by then.
        self._not_before = self._clock() + min(self._first * 2 ** min(self.failures - 1, 60), self._most)

    @property
    def remaining(self) -> float:
        """Seconds until a start is allowed; 0 when it is."""
        return max(0.0, self._not_before - self._clock())

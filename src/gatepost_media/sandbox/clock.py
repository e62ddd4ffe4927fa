"""The time inside the sandbox: real time, moved forward on demand."""

from __future__ import annotations

import time


class Clock:
    """Seconds since 1970 as every stand-in sees them. `advance` makes tokens, codes and check-ins grow old at once."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def now(self) -> float:
        """The present, in seconds with their fractions."""
        return time.time() + self._ahead

    def second(self) -> int:
        """The present, in whole seconds."""
        return int(self.now())

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass. Time does not go back: a negative number is refused."""
        if seconds < 0:
            raise ValueError("time in the sandbox only goes forward")
        self._ahead += seconds

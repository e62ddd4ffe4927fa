"""Lines that wait for what has to be done before them, in the order they came."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any


class Waiting:
    """A queue that is there while something is under way.

    Args:
        take: gets each line when its turn has come; it may hold those behind it back again.
        spawn: runs what is waited for.
        on_change: called when lines were added or taken out.

    Attributes:
        lines: what waits; None where nothing is waited for.
        size: bytes of what was added while something was waited for.
    """

    def __init__(
        self,
        take: Callable[[bytes], None],
        spawn: Callable[[Coroutine[Any, Any, None]], None],
        on_change: Callable[[], None],
    ) -> None:
        self.lines: deque[bytes] | None = None
        self.size = 0
        self._take = take
        self._spawn = spawn
        self._on_change = on_change
        self._under_way = 0

    def __len__(self) -> int:
        """Lines that are not taken yet. What is done for one that was taken already counts while it is under way."""
        return len(self.lines or ()) or self._under_way

    def add(self, line: bytes) -> None:
        """A line behind all that wait; something is waited for."""
        assert self.lines is not None
        self.lines.append(line)
        self.size += len(line)
        self._on_change()

    def hold(self, work: Callable[[], Coroutine[Any, Any, None]], *lines: bytes) -> None:
        """Take no line before `work()` is done, nor before all else that lines wait for; begin with `lines` then.

        `work` is called when its turn comes: a coroutine made before would be left over where that is called off.
        """
        if self.lines is None:
            self.lines = deque()
        self.lines.extend(lines)
        self._under_way += 1
        self._spawn(self._released(work))

    def withdraw(self, line: bytes) -> None:
        """The first that waits is not to be taken, where it is this one."""
        if self.lines and self.lines[0] is line:
            self.lines.popleft()

    async def _released(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        await work()
        self._under_way -= 1
        if self._under_way:
            return
        held, self.lines, self.size = self.lines or deque(), None, 0
        while held:
            self._take(held.popleft())
            if self.lines is not None:  # the rest waits for the same
                self.lines.extend(held)
                self.size = sum(map(len, self.lines))
                break
        self._on_change()

"""What a program says that belongs to no request of its client: for whoever listens, and kept until somebody does."""

from __future__ import annotations

from collections import deque
from typing import Final

from gatepost.upstreams.mailbox import Mailbox

_WAITING_MESSAGES: Final = 256
_WAITING_BYTES: Final = 1024 * 1024


class Unasked:
    """Messages for one listener. The oldest of those that wait go first where they are too many."""

    def __init__(self) -> None:
        self._listener: Mailbox | None = None
        self._waiting: deque[bytes] = deque()
        self._size = 0

    @property
    def heard(self) -> bool:
        """Whether somebody listens."""
        return self._listener is not None

    def listen(self, box: Mailbox) -> None:
        """Put them in here from now on, first those that wait. It takes the place of the last listener."""
        self.close()
        self._listener = box
        while self._waiting:
            box.put(self._waiting.popleft())
        self._size = 0

    def leave(self, box: Mailbox) -> None:
        """Nobody reads this box any more."""
        box.discard()
        if self._listener is box:
            self._listener = None

    def put(self, message: bytes) -> None:
        """A message that somebody listens for."""
        assert self._listener is not None
        self._listener.put(message)

    def keep(self, message: bytes) -> int:
        """A message that nobody listens for yet. Returns how many were given up for it."""
        self._waiting.append(message)
        self._size += len(message)
        given_up = 0
        while len(self._waiting) > _WAITING_MESSAGES or self._size > _WAITING_BYTES:
            self._size -= len(self._waiting.popleft())
            given_up += 1
        return given_up

    def close(self) -> None:
        """There will be no more for whoever listens."""
        if self._listener is not None:
            self._listener.close()

"""Counts what a server sent and nobody could be given."""

from __future__ import annotations

from typing import Any

from gatepost.upstreams.base import OnDropped


class Drops:
    """The dropped messages and unreadable lines of one server.

    Args:
        server: its name.
        on_dropped: told of each.
    """

    def __init__(self, server: str, on_dropped: OnDropped | None) -> None:
        self.count = 0
        self.last = ""
        self._server = server
        self._on_dropped = on_dropped

    def add(self, why: str) -> None:
        """One message was dropped because of `why` (a phrase)."""
        self.count += 1
        self.last = why
        if self._on_dropped is not None:
            self._on_dropped(self._server, why)

    def status(self) -> dict[str, Any]:
        """`{"count": …, "last": …}`."""
        return {"count": self.count, "last": self.last}

"""No gateway: the load generator talks to the upstream. What the machine's other core can carry."""

from __future__ import annotations

from bench.contenders.base import Contender, Place
from bench.load import Target


class Direct(Contender):
    key = "direct"
    title = "direct"
    note = "no gateway; load generator and upstream share a core, so this is the most that any contender can show"

    def start(self, place: Place) -> None:
        self.target = Target(place.upstream, "/mcp")

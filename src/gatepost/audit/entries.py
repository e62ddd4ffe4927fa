"""Entries: what readers of the log see. A call's two rows, decided and settled, are one entry; any other row is one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from gatepost.journal.rows import epoch, is_forwarded

OUTCOME: Final = (
    "carried_out",
    "upstream_status",
    "is_error",
    "error_class",
    "latency_us",
    "upstream_us",
    "bytes_in",
    "bytes_out",
)
"""The members of a settled row that an entry takes over."""


def join(row: Mapping[str, Any], settled: Mapping[str, Any] | None) -> dict[str, Any]:
    """The entry of a row: a `decided` one gets its outcome's members, and `settled_seq` and `settled_time`.

    Without a settled row they are None, except that a refused call was, by its decision, not carried out.
    """
    entry = dict(row)
    if row["kind"] == "decided":
        outcome = {} if settled is None else settled
        entry.update((key, outcome.get(key)) for key in OUTCOME)
        entry["settled_seq"] = outcome.get("seq")
        entry["settled_time"] = outcome.get("time")
        if settled is None and not is_forwarded(row):
            entry["carried_out"] = False
    return entry


def cursor(entry: Mapping[str, Any]) -> str:
    """The entry's place in the order of the log, for `after`."""
    return f"{entry['time']}/{entry['chain']}/{entry['seq']}"


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries are meant; what is None does not narrow.

    Attributes:
        grant, identity, server, tool: exact, as recorded; `grant` is the label.
        decision: "allow", "deny" or "approve".
        kind: of the row, such as "decided" (calls), "refused", "admin".
        since, until: epoch seconds, of the row's time; since is inside, until outside.
    """

    grant: str | None = None
    identity: str | None = None
    server: str | None = None
    tool: str | None = None
    decision: str | None = None
    kind: str | None = None
    since: float | None = None
    until: float | None = None

    def wanted(self) -> dict[str, str]:
        """The members that are to be equal, times apart."""
        return {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if field.name not in ("since", "until") and getattr(self, field.name) is not None
        }

    def as_record(self) -> dict[str, str | float]:
        """What is narrowed, by member."""
        times = {"since": self.since, "until": self.until}
        return {**self.wanted(), **{name: time for name, time in times.items() if time is not None}}

    def matches(self, row: Mapping[str, Any]) -> bool:
        """Whether a row (not a settled one) is meant."""
        return all(row.get(key) == value for key, value in self.wanted().items()) and self.in_time(row["time"])

    def in_time(self, time: str) -> bool:
        """Whether an instant, as records carry it, lies between `since` and `until`."""
        at = epoch(time)
        return (self.since is None or at >= self.since) and (self.until is None or at < self.until)

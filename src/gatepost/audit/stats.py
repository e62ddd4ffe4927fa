"""What the log adds up to: calls and denials, the rules and tools that come up most, the servers that are slowest.

Read from the segments themselves, which no index and no other process is needed for.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from gatepost.journal.rows import timestamp
from gatepost.journal.segments import chains, last_row, lines, segments

_PATIENCE: Final = 3600.0
"""Seconds after `until` for which the outcome of a call is still looked for."""


class Outcome(msgspec.Struct, frozen=True):
    """How a call ended; the members of a settled row."""

    carried_out: bool | str
    is_error: bool | None = None
    error_class: str | None = None
    latency_us: int | None = None
    upstream_us: int | None = None


class Call(msgspec.Struct, frozen=True):
    """A judged call; the members of a decided row."""

    time: str
    decision_id: str
    grant: str
    server: str
    method: str
    tool: str | None
    policy: str | None
    decision: str
    enforced: bool
    rule: str

    @property
    def denied(self) -> bool:
        """Whether it was kept from its server by the decision."""
        return self.enforced and self.decision != "allow"


class _Row(msgspec.Struct):
    kind: str
    time: str
    decision_id: str | None = None
    grant: str | None = None
    server: str | None = None
    method: str = ""
    tool: str | None = None
    policy: str | None = None
    decision: str = ""
    enforced: bool = True
    rule: str = ""
    code: str | None = None
    count: int = 1
    carried_out: bool | str = False
    is_error: bool | None = None
    error_class: str | None = None
    latency_us: int | None = None
    upstream_us: int | None = None

    def call(self) -> Call:
        return Call(
            self.time,
            self.decision_id or "",
            self.grant or "",
            self.server or "",
            self.method,
            self.tool,
            self.policy,
            self.decision,
            self.enforced,
            self.rule,
        )

    def outcome(self) -> Outcome:
        return Outcome(self.carried_out, self.is_error, self.error_class, self.latency_us, self.upstream_us)


_decode = msgspec.json.Decoder(_Row).decode


class Refused(NamedTuple):
    """A request that was refused before any rule was read; `times` may stand for many, whose code is not known."""

    time: str
    code: str
    times: int


class Settled(NamedTuple):
    """The outcome of the call with this decision id."""

    decision_id: str
    outcome: Outcome


def read(text: bytes) -> Call | Settled | Refused | None:
    """What a line of the log adds; None for a row of another kind, and for what is no record."""
    try:
        row = _decode(text)
    except (ValueError, RecursionError):
        return None
    if row.kind == "decided":
        return row.call()
    if row.kind == "settled":
        return Settled(row.decision_id or "", row.outcome())
    return Refused(row.time, row.code or "", row.count) if row.kind == "refused" else None


@dataclass(slots=True)
class Numbers:
    """Of one tool, grant or server: how many calls, and how they went.

    Attributes:
        denied: kept from the server by a rule, a limit, or for want of a policy.
        errors: carried out, with a result that says it is an error.
        failed: allowed, and no whole answer came.
    """

    calls: int = 0
    denied: int = 0
    errors: int = 0
    failed: int = 0


@dataclass(slots=True)
class Latency:
    """Microseconds that a server took, one for each answered call."""

    taken: array[int] = field(default_factory=lambda: array("Q"))

    def at(self, *percents: int) -> list[int | None]:
        """The values that so many of a hundred do not exceed (nearest rank); None without any."""
        ordered = sorted(self.taken)
        if not ordered:
            return [None] * len(percents)
        return [ordered[max(0, -(-len(ordered) * percent // 100) - 1)] for percent in percents]


@dataclass(slots=True)
class Stats:
    """The sums.

    Attributes:
        total: of all calls.
        shadowed: calls let through that a rule in shadow mode would have denied.
        open: calls whose outcome is not known, or not yet.
        refused: requests refused before any rule was read, by code; "" counts those of which only the number is known.
        rules: calls by (policy, rule, decision as it is shown), of those that a rule decided.
        tools: by (server, tool or method).
        grants: by label.
        servers: by name.
        upstream: what each server took.
        added: what the gateway added.
    """

    total: Numbers = field(default_factory=Numbers)
    shadowed: int = 0
    open: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    rules: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    tools: dict[tuple[str, str], Numbers] = field(default_factory=dict)
    grants: dict[str, Numbers] = field(default_factory=dict)
    servers: dict[str, Numbers] = field(default_factory=dict)
    upstream: dict[str, Latency] = field(default_factory=dict)
    added: Latency = field(default_factory=Latency)

    def add(self, call: Call, outcome: Outcome | None) -> None:
        """One call, with its outcome where there is one."""
        word = call.decision if call.enforced else f"{call.decision} (shadow)"
        if call.rule:  # what opens a session, and the like, is judged by none
            self.rules[call.policy or "", call.rule, word] += 1
        self.shadowed += not call.enforced
        failed = errors = 0
        if not call.denied:
            if outcome is None:
                self.open += 1
            elif outcome.carried_out is not True:
                failed = 1
            else:
                errors = bool(outcome.is_error)
                self._time(call.server, outcome)
        for numbers in (
            self.total,
            self.tools.setdefault((call.server, call.tool or call.method), Numbers()),
            self.grants.setdefault(call.grant, Numbers()),
            self.servers.setdefault(call.server, Numbers()),
        ):
            numbers.calls += 1
            numbers.denied += call.denied
            numbers.errors += errors
            numbers.failed += failed

    def _time(self, server: str, outcome: Outcome) -> None:
        if outcome.upstream_us is not None and outcome.latency_us is not None:
            self.upstream.setdefault(server, Latency()).taken.append(max(0, outcome.upstream_us))
            self.added.taken.append(max(0, outcome.latency_us - outcome.upstream_us))


def stats(
    journal: Path,
    *,
    since: float | None = None,
    until: float | None = None,
    grant: str | None = None,
    server: str | None = None,
) -> Stats:
    """The sums of `DATA/journal` over the calls judged from `since` on and before `until` (epoch seconds).

    Args:
        grant, server: only calls with this grant (its label), to this server. Refusals have no grant as a rule: they
            are counted where neither is given, or by the server that was asked for.
    """
    found = Stats()
    waiting: dict[str, Call] = {}
    begin = "" if since is None else timestamp(since)
    end = "~" if until is None else timestamp(until)
    patience = "~" if until is None else timestamp(until + _PATIENCE)
    for text in _lines(journal, begin):
        try:
            row = _decode(text)
        except (ValueError, RecursionError):
            continue  # not a record: the verifier names it
        if row.time >= end and (not waiting or row.time >= patience):
            break
        if row.kind == "settled":
            call = waiting.pop(row.decision_id or "", None)
            if call is not None:
                found.add(call, row.outcome())
        elif not begin <= row.time < end or (server is not None and row.server != server):
            continue
        elif row.kind == "refused" and grant is None:
            found.refused[row.code or ""] += row.count
        elif row.kind == "decided" and (grant is None or row.grant == grant):
            call = row.call()
            if call.denied:
                found.add(call, None)
            else:
                waiting[call.decision_id] = call
    for call in waiting.values():
        found.add(call, None)
    return found


def _lines(journal: Path, begin: str) -> Iterator[bytes]:
    """The lines of the chain of calls from the first segment on that may hold a row of `begin` or later."""
    for folder in chains(journal):
        if folder.name == "admin":
            continue
        for segment in segments(folder):
            try:
                last = last_row(segment.path)
                if last is not None and last["time"] < begin:
                    continue
                for _, text in lines(segment.path):
                    yield text
            except FileNotFoundError:
                continue  # removed under the retention in the meantime

"""The table: every contender under the same load, in turns."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from statistics import median

from bench.contenders.airlock import Airlock
from bench.contenders.base import Contender
from bench.contenders.contextforge import ContextForge
from bench.contenders.direct import Direct
from bench.contenders.envoy import Envoy
from bench.contenders.fastmcp_proxy import FastMCPDefault, FastMCPProxy
from bench.contenders.gatepost import Full, FullProgram, Gatepost, PassThrough
from bench.contenders.mcp_proxy import McpProxy
from bench.contenders.nginx import Nginx
from bench.contenders.supergateway import Supergateway
from bench.procs import BenchError
from bench.report import Bar, Section, count, micros, times
from bench.rig import Counting, NothingAnswered, Rig

LEVELS = (1, 16, 64)
OURS = ("full", "pass")
OTHERS = ("nginx", "envoy", "fastmcp", "airlock", "contextforge")
BRIDGES = ("mcp-proxy", "supergateway")
"""They put a program on HTTP, and are compared with Gatepost in front of the same program."""

# against, least requests/s at c=64 as a ratio, most p50 at c=1 as a ratio
BARS = (("envoy", "Envoy", 1.0, 1.0), ("nginx", "nginx", 0.2, 2.5), ("fastmcp", "FastMCP's proxy", 20.0, 0.25))


@dataclass(slots=True)
class Turn:
    """One contender at one concurrency in one round."""

    rate: float
    p50: float
    p99: float
    cpu: float
    busy: float


@dataclass(slots=True)
class Row:
    """What was measured of one contender."""

    contender: Contender
    turns: dict[int, list[Turn]] = field(default_factory=lambda: {level: [] for level in LEVELS})
    calls: int = 0
    rss: float = 0.0
    side: float | None = None
    void: str | None = None
    silent: dict[int, float] = field(default_factory=dict)
    """Concurrencies at which a round ended without one answer, and its seconds."""

    def of(self, level: int, name: str) -> float:
        return median(getattr(turn, name) for turn in self.turns[level])

    def has(self, level: int) -> bool:
        return bool(self.turns[level]) and self.void is None and level not in self.silent


def contenders() -> list[Contender]:
    in_front_of_http = [Direct(), Nginx(), Envoy(), PassThrough(), Full(), FastMCPProxy(), FastMCPDefault()]
    return [*in_front_of_http, Airlock(), ContextForge(), FullProgram(), McpProxy(), Supergateway()]


def run(rig: Rig, skipped: list[str]) -> Section:
    wanted = [one for one in contenders() if rig.chosen is None or one.key in rig.chosen]
    rows, without = start(rig, wanted)
    for number in range(rig.scale.rounds):
        for row in rows:
            if row.void is None and number < row.contender.most_rounds:
                rig.say(f"round {number + 1} of {rig.scale.rounds}: {row.contender.title}")
                turn(rig, row)
    for row in rows:
        if row.void is None and isinstance(row.contender, Gatepost):
            row.side = indexing(row)
        row.contender.stop()
        if row.void is not None:
            without[row.contender] = row.void
    skipped += [f"{contender.title}: {why}" for contender, why in without.items()]
    return section(rig, [row for row in rows if row.void is None], without)


def start(rig: Rig, wanted: list[Contender]) -> tuple[list[Row], dict[Contender, str]]:
    """Those that run, and why the others do not."""
    rows, without = [], {}
    for contender in wanted:
        why = contender.missing()
        if why is None:
            try:
                rig.launch(contender)
                contender.pause()
                rows.append(Row(contender))
                continue
            except BenchError as error:
                why = str(error)
        rig.say(f"without {contender.title}: {why}")
        without[contender] = why
    return rows, without


def turn(rig: Rig, row: Row) -> None:
    """All concurrencies of one contender, after a second of warming up."""
    contender = row.contender
    contender.resume()
    behind = contender.program or rig.upstream
    before = behind.count()
    seconds = max(rig.scale.seconds, contender.least_seconds)
    try:
        rig.load(contender.target, min(16, max(contender.levels)), max(1, contender.least_seconds / 2), behind)
        for level in contender.levels:
            cpu = contender.cpu()
            try:
                done = rig.load(contender.target, level, seconds, behind)
            except NothingAnswered:
                if level == 1:  # not slow, but broken
                    raise
                row.silent[level] = seconds
                continue
            used = contender.cpu() - cpu
            row.turns[level].append(
                Turn(done.rate, done.p50, done.p99, used / done.requests * 1e6, used / done.seconds)
            )
    except BenchError as error:
        row.void = str(error)
        rig.say(f"{contender.title}: {error}")
    if contender.finishes:
        rest(behind, contender.finishes)
    row.calls += behind.count() - before
    row.rss = contender.rss()
    contender.pause()


def rest(behind: Counting, most: float, quiet: float = 1.0) -> None:
    """Waits, `most` seconds at most, until `quiet` seconds have passed without a call at the upstream: what a pause
    cuts in two has no fair outcome.
    """
    began, seen = time.monotonic(), -1
    while seen != (seen := behind.count()) and time.monotonic() - began < most:
        time.sleep(quiet)


def indexing(row: Row) -> float:
    """CPU microseconds of the worker per call, once it has caught up with the journal."""
    assert isinstance(row.contender, Gatepost)
    row.contender.resume()
    row.contender.settle()
    return row.contender.side_cpu() / row.calls * 1e6


def section(rig: Rig, rows: list[Row], without: dict[Contender, str]) -> Section:
    page = Section("throughput", "Throughput and latency")
    found = {row.contender.key: row for row in rows}
    page.data = {
        key: {
            "turns": {str(level): [asdict(turn) for turn in turns] for level, turns in row.turns.items()},
            "rss_mib": row.rss,
            "calls": row.calls,
            "indexing_us_per_call": row.side,
        }
        for key, row in found.items()
    }
    for bridge, ours, others in ((False, OURS, OTHERS), (True, ("full-program",), BRIDGES)):
        chosen = [row for row in rows if row.contender.bridge is bridge]
        absent = {contender.title: why for contender, why in without.items() if contender.bridge is bridge}
        if bridge and (chosen or absent):
            page.say("### HTTP in front of a program", "")
            page.say("A program that speaks over its standard input and output, one instance for all connections.", "")
        if chosen:
            ratios(page, found, ours, others)
        if chosen or absent:
            absolute(page, chosen, absent)
    page.bars = bars(found)
    page.say("Contenders:", "")
    page.say(*(f"* **{row.contender.title}**: {row.contender.note}." for row in rows if row.contender.note))
    if not rig.cores.shared:
        return page
    page.say("", "This machine gave the benchmark one core only: gateway, load and upstream shared it.")
    return page


def ratios(page: Section, found: dict[str, Row], ours: Sequence[str], against: Sequence[str]) -> None:
    others = [key for key in against if key in found]
    lines = []
    for key in ours:
        if key not in found:
            continue
        mine = found[key]
        for label, level, name in (
            ("requests/s at c=64", 64, "rate"),
            ("p50 at c=1", 1, "p50"),
            ("p99 at c=64", 64, "p99"),
            ("CPU per request", 64, "cpu"),
        ):
            cells = [
                times(mine.of(level, name) / found[o].of(level, name))
                if found[o].has(level) and mine.has(level)
                else "–"
                for o in others
            ]
            lines.append([f"{mine.contender.title}: {label}", *cells])
    if lines and others:
        page.say("Ratios: Gatepost's figure by the other's. More is better for requests/s, less for the rest.")
        page.table(["", *(f"against {found[o].contender.title}" for o in others)], lines)


def absolute(page: Section, rows: list[Row], without: dict[str, str]) -> None:
    for level in LEVELS if rows else LEVELS[:1]:
        page.say(f"{level} connection{'s' if level > 1 else ''}:")
        lines = []
        for row in rows:
            if level in row.silent:
                # whatever other rounds were: their median would be that of the quicker ones
                why = f"not one call of {level} was answered within {row.silent[level]:g} s"
                lines.append([row.contender.title, why, "", "", "", ""])
            if not row.has(level):
                continue
            alone = row.contender.key == "direct"
            cpu, busy = (
                ("–", "–") if alone else (f"{row.of(level, 'cpu'):,.1f} µs", f"{row.of(level, 'busy') * 100:.0f} %")
            )
            lines.append(
                [
                    row.contender.title,
                    count(row.of(level, "rate")),
                    micros(row.of(level, "p50")),
                    micros(row.of(level, "p99")),
                    cpu,
                    busy,
                ]
            )
        if level == LEVELS[0]:
            lines += [[title, f"skipped: {short(why)}", "", "", "", ""] for title, why in without.items()]
        page.table(["", "requests/s", "p50", "p99", "CPU per request", "of its core"], lines)
    if not rows:
        return
    memory = [
        [row.contender.title, f"{row.rss:.0f} MiB", count(row.calls)] for row in rows if row.contender.key != "direct"
    ]
    if memory:
        page.say("Resident memory at the end of the rounds:")
        page.table(["", "RSS", "calls until then"], memory)
    side = [[row.contender.title, f"{row.side:,.1f} µs"] for row in rows if row.side is not None]
    if side:
        page.say("Beside the main path, in the worker (CPU per call, both rows of the record):")
        page.table(["journal indexing", "CPU per call"], side)


def short(why: str) -> str:
    """A reason that fits into a cell of a table."""
    line = why.splitlines()[0].replace("|", "/")
    return line if len(line) <= 120 else f"{line[:120]}…"


def bars(found: dict[str, Row]) -> list[Bar]:
    made = []
    full = found.get("full")
    for key, name, least, most in BARS:
        other = found.get(key)
        what = f"full against {name}"
        rate, wait = f"≥ {least:g} × requests/s at c=64", f"≤ {most:g} × p50 at c=1"
        if full is None or other is None or not (full.has(64) and other.has(64)):
            made += [Bar(what, rate, "–", None), Bar(what, wait, "–", None)]
            continue
        ratio, shown = rate_ratio(full, other)
        made.append(Bar(what, rate, shown, ratio >= least))
        ratio = full.of(1, "p50") / other.of(1, "p50")
        made.append(Bar(what, wait, times(ratio), ratio <= most))
    return made


def rate_ratio(mine: Row, other: Row) -> tuple[float, str]:
    """Requests/s against another's, which is what was promised. Where the load's core held the other back, so that it
    could have served more, CPU per request is shown beside it.
    """
    measured = mine.of(64, "rate") / other.of(64, "rate")
    by_cpu = other.of(64, "cpu") / mine.of(64, "cpu")
    if other.of(64, "busy") >= 0.9 or by_cpu >= measured:
        return measured, times(measured)
    return measured, f"{times(measured)} ({times(by_cpu)} by CPU per request: the other's core had time left)"

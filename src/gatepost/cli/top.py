"""`gatepost top`: what goes through the gateway now, in a terminal."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from gatepost.cli.command import Command, Place, json_option

if TYPE_CHECKING:
    from gatepost.audit.stats import Call, Outcome, Stats
    from gatepost.audit.window import Window
    from gatepost.paths import DataFolder

_STATUS_SECONDS = 1.0
_WIDTH = 100
"""Columns of a frame that goes nowhere in particular."""
_NARROW = 110
"""Columns from which on lists stand side by side."""


@click.command(
    "top",
    cls=Command,
    examples="""
    gatepost top                      # until q or Ctrl-C
    gatepost top --window 10m
    gatepost top --once > now.txt     # one picture; so is any output that is no terminal
    """,
)
@click.option("--window", metavar="DURATION", default="1m", show_default=True, help="The time that is looked back.")
@click.option(
    "--interval",
    metavar="SECONDS",
    type=click.FloatRange(0.2, 60),
    default=1.0,
    show_default=True,
    help="How often the picture is drawn.",
)
@click.option("--once", is_flag=True, help="Draw one picture and end.")
@json_option
@click.pass_context
def top(context: click.Context, window: str, interval: float, once: bool, as_json: bool) -> None:
    """Watch the calls as they come.

    Rates, servers with their times, the rules and tools that come up most, and the newest calls. It reads the log that
    is being written and asks the data plane how it is; nothing is slowed down by it. q or Ctrl-C ends it.
    """
    import sys

    from gatepost.audit.window import Window
    from gatepost.cli.log import existing
    from gatepost.cli.output import emit, terminal_width
    from gatepost.cli.values import duration

    place = context.find_object(Place)
    assert place is not None  # every command of ours has one
    data = existing(place)
    view = View(data, Window(data.journal, float(duration(window)) or 1.0))
    if as_json:
        emit(view.as_dict())
    elif once or not (sys.stdout.isatty() and sys.stdin.isatty()):
        for line in view.lines(terminal_width() or _WIDTH, None):
            click.echo(line)
    else:
        from gatepost.cli.screen import live

        live(view.lines, interval, coloured=context.color is not False)


@dataclass(slots=True)
class View:
    """What is shown of one data folder."""

    data: DataFolder
    window: Window

    def lines(self, width: int, height: int | None) -> list[str]:
        """The picture of this moment, at most `width` columns and `height` lines."""
        from gatepost.cli.frame import beside, cut

        now = time.time()
        status = self._look(now)
        sums = self.window.stats()
        said = [*self._head(now, status, sums, width), ""]
        blocks = [_servers(sums, status, width, self.window.seconds)]
        if width >= _NARROW:
            half = (width - 4) // 2
            blocks.append(beside(_tools(sums, half), _rules(sums, half), half))
        else:
            blocks += [_tools(sums, width), _rules(sums, width)]
        for block in blocks:
            said += [*block, ""] if block else []
        if not sums.total.calls:
            return [cut(line, width) for line in [*said, "Nothing was called."][:height]]
        room = 15 if height is None else max(0, height - len(said) - 1)
        if room:
            said += _newest(self.window.newest(room), width)
        return [cut(line, width) for line in said[:height]]

    def as_dict(self) -> dict[str, Any]:
        """The same for programs."""
        from gatepost.cli.output import utc
        from gatepost.cli.stats import as_dict

        now = time.time()
        status = self._look(now)
        shown = None if status is None else {key: value for key, value in status.items() if key != "servers"}
        return {
            "time": utc(now),
            "window_seconds": self.window.seconds,
            "data_plane": shown,
            **as_dict(self.window.stats(), 10),
        }

    def _look(self, now: float) -> dict[str, Any] | None:
        from gatepost.processes.ops import ask_now

        self.window.catch_up(now)
        return ask_now(self.data.socket("dataplane.sock"), {"op": "status"}, seconds=_STATUS_SECONDS)

    def _head(self, now: float, status: Mapping[str, Any] | None, sums: Stats, width: int) -> list[str]:
        from gatepost.cli.frame import bars, milliseconds
        from gatepost.cli.output import clean, count, local, style

        seconds, total = self.window.seconds, sums.total
        clock = local(now)[11:]
        where = style(clean(str(self.data.root)), dim=True)
        p50, p95 = sums.added.at(50, 95)
        span = f"{seconds / 60:g} min" if seconds >= 60 else f"{seconds:g} s"
        counts = [count(total.calls, "call"), f"{total.denied:,} denied", count(total.errors, "error")]
        counts += [f"{total.failed:,} failed", f"{sums.refused.total():,} refused"]
        if p50 is not None:
            counts.append(f"added {milliseconds(p50)}, p95 {milliseconds(p95)}")
        rate = f"{total.calls / seconds:,.1f} calls/s"
        graph = bars(self.window.rates(now, max(10, min(60, width - 40))))
        return [
            f"{style('gatepost', bold=True)}  {_state(status)}  {style(clock, dim=True)}  {where}",
            f"{style(rate, bold=True)}  {style(graph, fg='cyan')}  {style(f'the last {span}', dim=True)}",
            "  ".join(counts),
        ]


def _state(status: Mapping[str, Any] | None) -> str:
    from gatepost.cli.output import style

    if status is None:
        return style("serve is not running", fg="red")
    if not status.get("ready"):
        return style("not ready: " + "; ".join(str(each) for each in status.get("reasons") or ()), fg="red")
    flying, sessions, streams = (int(status.get(key) or 0) for key in ("in_flight", "sessions", "streams"))
    return style("ready", fg="green") + f"  {flying:,} in flight, {sessions:,} sessions, {streams:,} streams"


def _servers(sums: Stats, status: Mapping[str, Any] | None, width: int, seconds: float) -> list[str]:
    from gatepost.cli.frame import grid, milliseconds
    from gatepost.cli.output import style
    from gatepost.cli.stats import slowest

    known: Mapping[str, Any] = (status or {}).get("servers") or {}
    times = dict(slowest(sums))
    rows = []
    for name in [*times, *sorted(known.keys() - times.keys())]:
        numbers, taken = sums.servers.get(name), times.get(name) or [None, None, None]
        wrong = _wrong(known.get(name) or {})
        rows.append(
            [
                name,
                style(wrong, fg="yellow") if wrong else "",
                *(
                    ["0", "·", "·", "·"]
                    if numbers is None
                    else [
                        f"{numbers.calls / seconds * 60:,.0f}",
                        *(f"{n:,}" if n else "·" for n in (numbers.denied, numbers.errors, numbers.failed)),
                    ]
                ),
                *[milliseconds(each) for each in taken],
            ]
        )
    return grid(["SERVER", "", "CALLS/MIN", "DENIED", "ERRORS", "FAILED", "P50", "P95", "LONGEST"], rows, width, 7)


def _wrong(status: Mapping[str, Any]) -> str:
    """What a running data plane knows to be wrong with a server, in a few words."""
    if wait := status.get("restart_in"):
        return f"starts again in {wait:.0f} s"
    return ""


def _tools(sums: Stats, width: int) -> list[str]:
    from gatepost.cli.frame import grid

    found = sorted(sums.tools.items(), key=lambda item: (-item[1].calls, item[0]))[:8]
    rows = [[tool, server, f"{n.calls:,}", f"{n.denied:,}" if n.denied else "·"] for (server, tool), n in found]
    return grid(["TOOL", "SERVER", "CALLS", "DENIED"], rows, width, 2)


def _rules(sums: Stats, width: int) -> list[str]:
    """Rules that denied something first; what is allowed as usual says least."""
    from gatepost.cli.frame import grid
    from gatepost.cli.output import decision

    found = sorted(sums.rules.items(), key=lambda item: (item[0][2] == "allow", -item[1], item[0]))[:8]
    rows = [[rule, policy or "(none)", decision(effect), f"{calls:,}"] for (policy, rule, effect), calls in found]
    return grid(["RULE", "POLICY", "DECISION", "CALLS"], rows, width, 1)


def _newest(calls: list[tuple[Call, Outcome | None]], width: int) -> list[str]:
    from gatepost.cli.frame import grid
    from gatepost.cli.output import decision, local, style

    rows = []
    for call, outcome in calls:
        effect = decision(call.decision) if call.enforced else style(f"{call.decision} (shadow)", dim=True)
        what = call.tool or call.method
        rows.append([local(call.time)[11:], call.grant, call.server, what, effect, call.rule, _end(call, outcome)])
    return grid(["TIME", "GRANT", "SERVER", "CALL", "DECISION", "RULE", "TOOK"], rows, width, 1)


def _end(call: Call, outcome: Outcome | None) -> str:
    from gatepost.cli.frame import milliseconds
    from gatepost.cli.output import style

    if call.denied:
        return ""
    if outcome is None:
        return style("running", dim=True)
    if outcome.carried_out is not True:
        return style(outcome.error_class or "unknown", fg="yellow")
    took = milliseconds(outcome.latency_us)
    return style(f"error {took}", fg="yellow") if outcome.is_error else took

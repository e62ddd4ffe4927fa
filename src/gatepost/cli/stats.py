"""`gatepost log stats`: what the log adds up to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

from gatepost.cli.command import Command, Place, json_option

if TYPE_CHECKING:
    from gatepost.audit.stats import Numbers, Stats

_K = TypeVar("_K")


@click.command(
    "stats",
    cls=Command,
    examples="""
    gatepost log stats                            # the last 24 hours
    gatepost log stats --since 30d --server files
    gatepost log stats --since 2026-11-01 --until 2026-12-01 --json
    """,
)
@click.option("--grant", metavar="LABEL", help="Only calls with this grant.")
@click.option("--server", metavar="S", help="Only calls to this server.")
@click.option(
    "--since", metavar="WHEN", default="24h", show_default=True, help="From then on: 2h ago is 2h; or 2026-11-21."
)
@click.option("--until", metavar="WHEN", help="Only before then; as --since.")
@click.option(
    "--top",
    type=click.IntRange(1, 1000),
    default=10,
    show_default=True,
    metavar="N",
    help="So many lines of each list.",
)
@json_option
@click.pass_obj
def stats(
    place: Place, grant: str | None, server: str | None, since: str, until: str | None, top: int, as_json: bool
) -> None:
    """Add up calls, denials, rules, tools and how long servers took.

    A call counts as denied where a rule or a limit kept it from its server, as failed where it was allowed and no whole
    answer came, and as an error where the answer says that it is one. Times are of answered calls.
    """
    from gatepost.audit.stats import stats as add_up
    from gatepost.cli.log import existing
    from gatepost.cli.output import emit, local
    from gatepost.cli.values import moment

    data, begin, end = existing(place), moment(since), moment(until)
    found = add_up(data.journal, since=begin, until=end, grant=grant, server=server)
    if as_json:
        emit({**_span(begin, end), **as_dict(found, top)})
        return
    click.echo(click.style(f"From {local(begin)} to {local(end, missing='now')}", bold=True))
    for line in lines(found, top):
        click.echo(line)


def _span(begin: float | None, end: float | None) -> dict[str, Any]:
    from gatepost.cli.output import utc

    return {"since": utc(begin), "until": utc(end)}


def as_dict(found: Stats, top: int) -> dict[str, Any]:
    """The sums for programs; lists hold the `top` most, times are microseconds."""
    p50, p95 = found.added.at(50, 95)
    return {
        "calls": found.total.calls,
        "allowed": found.total.calls - found.total.denied,
        "denied": found.total.denied,
        "shadowed": found.shadowed,
        "errors": found.total.errors,
        "failed": found.total.failed,
        "open": found.open,
        "refused": dict(found.refused),
        "added_us": {"p50": p50, "p95": p95},
        "rules": [
            {"policy": policy or None, "rule": rule, "decision": decision, "calls": calls}
            for (policy, rule, decision), calls in found.rules.most_common(top)
        ],
        "tools": [{"server": server, "tool": tool, **_numbers(n)} for (server, tool), n in _most(found.tools, top)],
        "grants": [{"grant": grant, **_numbers(numbers)} for grant, numbers in _most(found.grants, top)],
        "servers": [
            {"server": server, **_numbers(found.servers[server]), "upstream_us": dict(zip(_TIMES, taken, strict=True))}
            for server, taken in slowest(found)[:top]
        ],
    }


_TIMES = ("p50", "p95", "max")


def lines(found: Stats, top: int) -> list[str]:
    """The sums for people."""
    from gatepost.cli.frame import grid, milliseconds
    from gatepost.cli.output import count, decision, style, terminal_width

    width, total = terminal_width(), found.total
    if not total.calls and not found.refused:
        return ["Nothing was called."]
    p50, p95 = found.added.at(50, 95)
    said = [
        f"  {count(total.calls, 'call')}: {total.calls - total.denied:,} let through, {total.denied:,} denied",
        f"  of those, {total.errors:,} were answered with an error, {total.failed:,} failed, {found.open:,} are open",
    ]
    if found.shadowed:
        said.append(f"  {count(found.shadowed, 'call')} would be denied, were the rule not in shadow mode")
    if p50 is not None:
        said.append(
            f"  the gateway added {milliseconds(p50)} to half of them, {milliseconds(p95)} to 95 of 100 at most"
        )
    if found.refused:
        codes = ", ".join(f"{code or 'more'} {times:,}" for code, times in found.refused.most_common(top))
        said.append(f"  refused before any rule: {found.refused.total():,} ({codes})")

    def block(title: str, headers: list[str], rows: list[list[str]], numbers: int) -> None:
        if rows:
            said.extend(["", style(title, bold=True), *grid(headers, rows, width, numbers)])

    block(
        "Rules",
        ["RULE", "POLICY", "DECISION", "CALLS"],
        [
            [rule, policy or "(none)", decision(effect), f"{calls:,}"]
            for (policy, rule, effect), calls in found.rules.most_common(top)
        ],
        1,
    )
    block(
        "Tools",
        ["TOOL", "SERVER", *_HEADERS],
        [[tool, server, *_cells(numbers)] for (server, tool), numbers in _most(found.tools, top)],
        len(_HEADERS),
    )
    block(
        "Grants",
        ["GRANT", *_HEADERS],
        [[grant, *_cells(numbers)] for grant, numbers in _most(found.grants, top)],
        len(_HEADERS),
    )
    block(
        "Servers, the slowest first",
        ["SERVER", *_HEADERS, "P50", "P95", "LONGEST"],
        [
            [server, *_cells(found.servers[server]), *[milliseconds(each) for each in taken]]
            for server, taken in slowest(found)[:top]
        ],
        len(_HEADERS) + 3,
    )
    return said


_HEADERS = ("CALLS", "DENIED", "ERRORS", "FAILED")


def slowest(found: Stats) -> list[tuple[str, list[int | None]]]:
    """Every server with the times of half, of 95 in a hundred, and the longest, by the second of these."""
    taken = {server: found.upstream[server].at(50, 95, 100) for server in found.upstream}
    times = {server: taken.get(server, [None, None, None]) for server in found.servers}
    return sorted(times.items(), key=lambda item: (-(item[1][1] if item[1][1] is not None else -1), item[0]))


def _most(counted: Mapping[_K, Numbers], top: int) -> Iterable[tuple[_K, Numbers]]:
    return sorted(counted.items(), key=lambda item: (-item[1].calls, str(item[0])))[:top]


def _numbers(numbers: Numbers) -> dict[str, int]:
    return {
        "calls": numbers.calls,
        "denied": numbers.denied,
        "errors": numbers.errors,
        "failed": numbers.failed,
    }


def _cells(numbers: Numbers) -> list[str]:
    return [f"{number:,}" if number else "·" for number in _numbers(numbers).values()]

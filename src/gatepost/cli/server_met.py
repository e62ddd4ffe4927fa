"""`gatepost server show` and `server list` for servers that only `gatepost run` knows: nobody has registered them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from gatepost.cli.server_scan import to_accept

if TYPE_CHECKING:
    from gatepost.catalogue.listed import ListedTool
    from gatepost.control.pins import Waiting
    from gatepost.definitions.pinfile import PinFile
    from gatepost.paths import DataFolder

_LAST_CALLS = 10
_PINS = {"changed": "differs", "new": "is new"}


def show_met(data: DataFolder, name: str, pins: PinFile, *, as_json: bool) -> None:
    """All that is known of the server: its tools as it last listed them, which of them wait, its last calls."""
    from gatepost.audit import Filter
    from gatepost.catalogue.listed import read_tools
    from gatepost.cli.output import count, emit, fields, heading, local, table, utc
    from gatepost.cli.records import COLUMNS, columns, entries
    from gatepost.control import run_pins

    listed, waiting = pins.tools(), run_pins.waiting(pins)
    tools, seen = read_tools(listed), pins.path.stat().st_mtime
    calls: list[dict[str, Any]] = []
    if data.journal.exists():
        calls = entries(data, Filter(server=name, kind="decided"), _LAST_CALLS)
    if as_json:
        emit(
            {
                "name": name,
                "known_through": "run",
                "pins": str(pins.path),
                "listed_at": utc(seen),
                "waiting": {each.name: each.kind for each in waiting},
                "definitions": listed,
                "calls": calls,
            }
        )
        return
    pairs = [
        ("known through", "gatepost run: it is registered nowhere, and its policy is the file that run was given"),
        ("last changed", local(seen)),
        ("drift", ", ".join(_drift(waiting)) or "none"),
    ]
    if waiting:
        pairs.append(("to be accepted", to_accept(name, tuple(each.name for each in waiting))))
    pairs.append(("pins", str(pins.path)))
    click.echo(click.style(name, bold=True))
    fields(pairs)
    heading(count(len(tools), "tool"))
    if tools:
        table(["TOOL", "CATEGORY", "PIN", "DESCRIPTION"], _rows(tools, waiting))
    heading("Last calls")
    if calls:
        table(COLUMNS, [columns(call) for call in calls])
    else:
        click.echo("  None are in the log.")
    click.echo()
    click.echo(f"To put it behind `gatepost serve` too: gatepost server add {name} --help")


def _drift(waiting: Sequence[Waiting]) -> list[str]:
    kinds = [each.kind for each in waiting]
    return [f"{kinds.count(kind):,} {kind}" for kind in dict.fromkeys(kinds)]


def _rows(tools: Sequence[ListedTool], waiting: Sequence[Waiting]) -> list[list[str]]:
    kinds = {each.name: each.kind for each in waiting}
    return [
        [
            tool.name,
            "" if tool.classification.confidence == "low" else tool.classification.category,
            _PINS.get(kinds.get(tool.name, ""), "holds"),
            tool.description,
        ]
        for tool in tools
    ]


def show_others(names: Sequence[str]) -> None:
    """Name those that are in no list of registered servers."""
    if names:
        shown = ", ".join(names)
        click.echo(f"Known through `gatepost run` alone: {shown} (gatepost server show NAME).")

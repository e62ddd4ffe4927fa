"""`gatepost server accept`: a changed or new tool is looked at, and used from then on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from gatepost.cli.command import Command, Place, json_option

if TYPE_CHECKING:
    from gatepost.catalogue.listed import ListedTool
    from gatepost.control.pins import Touched, Waiting
    from gatepost.definitions.difference import Change

    _Told = tuple[Waiting, ListedTool | None, ListedTool | None, tuple[Touched, ...]]

_WORDS = {"changed": "has changed", "new": "is new", "gone": "is no longer listed"}
_SHOWN_CHANGES = 40


@click.command(
    "accept",
    cls=Command,
    examples="""
    # What has changed, before anything is accepted:
    gatepost server accept files --dry-run

    # One tool, then all that wait:
    gatepost server accept files read_file
    gatepost server accept files
    """,
)
@click.argument("name")
@click.argument("tool", required=False)
@click.option("--dry-run", is_flag=True, help="Show what would be accepted, and accept nothing.")
@json_option
@click.pass_obj
def accept(place: Place, name: str, tool: str | None, dry_run: bool, as_json: bool) -> int:
    """Put changed and new tools of a server into use, as they are listed now.

    Shows of each what differs from the definition that was accepted before, what kind of tool it is now and was, and
    what the policies on the server say of it. What is accepted is what is shown: a tool that changes again meanwhile
    is refused. A tool that is gone is forgotten, so that it counts as new if it ever comes back.

    NAME is a registered server, or one that only `gatepost run` has met under this name.

    With --dry-run, exit code 1 where something waits.
    """
    from gatepost.cli.output import count, emit
    from gatepost.cli.session import actor, opened, value_of
    from gatepost.control import pins, run_pins
    from gatepost.control.tools import list_tools

    of_run = run_pins.of_run(place.folder(), name)
    if of_run is not None:
        found = pins.chosen(name, run_pins.waiting(of_run), tool)
        told: list[_Told] = [(one, *_classes(one, of_run.tools()), ()) for one in found]
    else:
        with opened(place) as store:
            found = pins.chosen(name, pins.waiting(store, name), tool)
            listed = [one.tool for one in list_tools(store, name)] if found else []
            told = [
                (one, *_classes(one, listed), () if one.listed is None else pins.touched(store, name, one.listed))
                for one in found
            ]
    if as_json:
        emit({"server": name, "accepted": not dry_run, "tools": [_as_dict(*each) for each in told]})
    else:
        for each in told:
            _show(*each)
    if found and not dry_run:
        with opened(place, create=True) as store:
            if of_run is None:
                value_of(pins.accept(store, actor(), name, found))
            else:
                value_of(run_pins.accept(store, actor(), name, of_run, found))
    if as_json:
        return 1 if dry_run and found else 0
    if not found:
        click.echo(f"Nothing of {name} waits to be accepted.")
    elif dry_run:
        click.echo(f"{count(len(found), 'tool')} would be accepted.")
    else:
        click.echo(f"Accepted {count(len(found), 'tool')} of {name}.")
    return 1 if dry_run and found else 0


def _classes(one: Waiting, listed: list[dict[str, Any]]) -> tuple[ListedTool | None, ListedTool | None]:
    """The tool as the catalogue read it before, and reads it now; among its siblings of now."""
    from gatepost.catalogue.listed import read_tools

    others = [tool for tool in listed if tool.get("name") != one.name]
    before = None if one.pinned is None else read_tools([one.pinned, *others])[0]
    now = None if one.listed is None else read_tools([one.listed.tool, *others])[0]
    return before, now


def _as_dict(
    one: Waiting, before: ListedTool | None, now: ListedTool | None, touched: tuple[Touched, ...]
) -> dict[str, Any]:
    return {
        "tool": one.name,
        "kind": one.kind,
        "changes": [change.as_dict() for change in one.changes()],
        "before": None if before is None else before.classification.as_dict(),
        "now": None if now is None else now.classification.as_dict(),
        "category": None if one.listed is None else one.listed.category,
        "policies": [policy.as_dict() for policy in touched],
    }


def _show(one: Waiting, before: ListedTool | None, now: ListedTool | None, touched: tuple[Touched, ...]) -> None:
    from gatepost.cli.output import clean, fields, style
    from gatepost.definitions.difference import spelled

    click.echo(f"{style(one.name, bold=True)} {_WORDS[one.kind]}")
    changes = one.changes()
    for change in changes[:_SHOWN_CHANGES]:
        click.echo("  " + _line(change))
    if len(changes) > _SHOWN_CHANGES:
        click.echo(f"  and {len(changes) - _SHOWN_CHANGES} more differences (--json shows them)")
    pairs = []
    if one.kind == "new" and now is not None:
        pairs.append(("it says", spelled(now.description) or "nothing"))
    if now is not None:
        found = now.classification
        was = "" if before is None or before.category == found.category else f", before: {before.category}"
        pairs.append(("reads as", f"{found.category}, risk {found.severity}, confidence {found.confidence}{was}"))
        pairs.append(("because", "; ".join(str(evidence) for evidence in found.evidence) or "nothing could be read"))
    if one.listed is not None and one.listed.category is not None:
        pairs.append(("you said", one.listed.category))
    pairs += [
        (
            "policy " + policy.policy,
            policy.effect + (f", for {', '.join(policy.grants)}" if policy.grants else ", for no grant yet"),
        )
        for policy in touched
    ]
    fields([(name, clean(value)) for name, value in pairs])
    click.echo()


def _line(change: Change) -> str:
    """A difference in colours, which say the same as its marks."""
    from gatepost.cli.output import style

    marks = {"same": "{}", "cut": "{}", "removed": "[-{}-]", "added": "{{+{}+}}"}
    colours = {"removed": "red", "added": "green"}
    pieces = [style(marks[kind].format(text), fg=colours.get(kind), dim=kind == "cut") for kind, text in change.pieces]
    return f"{style(change.where, bold=True)}  " + " ".join(pieces)

"""`gatepost policy recommend`: the policy we would begin with."""

from __future__ import annotations

from typing import Any

import click

from gatepost.cli.command import Command, Place, json_option

PROFILE_NAMES = ("standard", "read-only", "no-deletes", "approve-critical", "approve-changes", "observe")
"""Those of `gatepost.catalogue.recommend`, here so that help needs no import; a test holds the two together."""


@click.command(
    "recommend",
    cls=Command,
    examples="""
    # Look at it, then put it in force:
    gatepost policy recommend files
    gatepost policy recommend files | gatepost policy add files-standard - --server files

    # For one task, and for some tools only:
    gatepost policy recommend files --profile read-only
    gatepost policy recommend files --tool read_file --tool write_file

    # With rules for arguments, whose folders, hosts and sums are yours to change:
    gatepost policy recommend files --arguments > policy.json
    """,
)
@click.argument("server")
@click.option("--tool", "names", multiple=True, metavar="T", help="Only for this tool. May be repeated.")
@click.option("--profile", type=click.Choice(PROFILE_NAMES), default="standard", show_default=True, help="The task.")
@click.option("--arguments", is_flag=True, help="Put the suggested rules for arguments in, with example values.")
@json_option
@click.pass_obj
def recommend(place: Place, server: str, names: tuple[str, ...], profile: str, arguments: bool, as_json: bool) -> None:
    """Print the policy we recommend for SERVER.

    What its tools do is worked out from their definitions: reads are free, writes 30 a minute and executions 10 a
    minute for each grant, what destroys is hidden, what costs money asks a person, and everything else is denied. The
    policy goes to standard output; what was thought goes to stderr. See each tool with `gatepost catalogue show`.
    """
    import json

    from gatepost.catalogue.recommend import PROFILES
    from gatepost.catalogue.recommend import recommend as make
    from gatepost.cli.catalogue_tools import known as known_of
    from gatepost.cli.output import emit, progress
    from gatepost.control.suggest import nearest
    from gatepost.errors import GatepostError

    found = known_of(place, server)
    if found.note:
        progress(found.note)
    tools = found.tools
    known = {tool.name: tool for tool in tools}
    for name in names:
        if name not in known:
            raise GatepostError(
                "GP-4003",
                f"The server {server} defines no tool {name!r}.",
                nearest(name, list(known)) or "See its tools with `gatepost server show`.",
            )
    chosen = tuple(known[name] for name in dict.fromkeys(names)) if names else tools
    made = make(chosen, about=server, profile=PROFILES[profile], arguments=arguments)
    if as_json:
        emit(
            {
                "server": server,
                "profile": profile,
                "document": made.document,
                "tools": [{"name": tool.name, **tool.classification.as_dict()} for tool in chosen],
                "suggestions": [one.as_dict() for one in made.suggestions],
                "notes": list(made.notes),
            }
        )
        return
    click.echo(json.dumps(made.document, indent=2, ensure_ascii=False))
    _say(chosen, made, arguments)


def _say(tools: Any, made: Any, arguments: bool) -> None:
    """The counts, the notes and the suggestions, on stderr."""
    from collections import Counter

    from gatepost.catalogue.classification import CATEGORIES
    from gatepost.cli.output import clean, count, progress

    counted = Counter(tool.category for tool in tools)
    progress(
        f"{count(len(tools), 'tool')}: " + ", ".join(f"{counted[one]} {one}" for one in CATEGORIES if counted[one])
    )
    for note in made.notes:
        progress(note)
    doubtful = [tool.name for tool in tools if tool.classification.confidence == "low"]
    if doubtful:
        progress(f"Not clear from their definitions, look at them: {clean(', '.join(doubtful[:10]))}")
    if not made.suggestions:
        return
    if arguments:
        progress("Change the example values of the rules for arguments:")
    else:
        progress(f"{count(len(made.suggestions), 'rule')} for arguments could be added (--arguments):")
    for one in made.suggestions[:12]:
        progress(f"  {one.tool}: {one.parameter}: {one.reason}")
    if len(made.suggestions) > 12:
        progress(f"  and {len(made.suggestions) - 12} more; --json lists all.")

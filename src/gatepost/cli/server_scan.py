"""`gatepost server scan`: a registered server is read again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gatepost.cli.command import Command, Place, json_option

if TYPE_CHECKING:
    from gatepost.control.store import Store
    from gatepost.definitions.drift import Drift
    from gatepost.processes.scanning import Found

_SHOWN_WAITING = 10
_SCANS_AGAIN = 3


@click.command(
    "scan",
    cls=Command,
    examples="""
    gatepost server scan files
    gatepost server scan files --markdown > files.md
    """,
)
@click.argument("name")
@click.option("--markdown", "as_markdown", is_flag=True, help="Print the page as Markdown.")
@json_option
@click.pass_obj
def scan(place: Place, name: str, as_markdown: bool, as_json: bool) -> int:
    """Read a server again: print its page, and what has changed.

    A tool that is new, or whose definition is not the pinned one, is out of use until `gatepost server accept`, unless
    `gatepost server set --drift` says otherwise. The page is that of `gatepost scan`. Exit code 1 where something has
    changed, waits to be accepted, or is wrong with the server's lists.
    """
    from gatepost.catalogue.scanned import scan_markdown, scan_page
    from gatepost.cli.output import count, emit
    from gatepost.cli.scan import show_page
    from gatepost.cli.session import opened
    from gatepost.control.servers import show_server
    from gatepost.control.tools import list_tools, tool_names

    if as_json and as_markdown:
        raise click.UsageError("Give --json or --markdown, not both.")
    with opened(place) as store:
        found, drift = _scanned(store, name)
        waiting = show_server(store, name).waiting
        page = scan_page(
            name,
            found.tools,
            said_categories={one.name: one.category for one in list_tools(store, name)},
            others=tool_names(store, but=name),
            eras=found.eras,
            versions=found.versions,
            info=found.info,
            resources=found.resources,
            templates=found.templates,
            prompts=found.prompts,
            problems=found.problems,
        )
    code = 1 if drift or waiting or found.problems else 0
    if as_json:
        emit({"drift": drift.as_dict(), "waiting": list(waiting), **page.as_dict()})
        return code
    if as_markdown:
        click.echo(scan_markdown(page))
    else:
        show_page(page, registered=True)
        click.echo()
    said = count(len(found.tools), "tool")
    click.echo(f"{said}: {drift}" if drift else f"{said}, nothing has changed.", err=as_markdown)
    for word, names in (("added", drift.added), ("removed", drift.removed), ("changed", drift.changed)):
        for tool in names:
            click.echo(f"  {word:8} {tool}", err=as_markdown)
    if waiting:
        click.echo(f"To be accepted: {to_accept(name, waiting)}", err=as_markdown)
    return code


def _scanned(store: Store, name: str, again: int = _SCANS_AGAIN) -> tuple[Found, Drift]:
    """What was found, stored, and how it differs from what was known; asked again where that changed meanwhile."""
    from gatepost.cli.output import progress
    from gatepost.cli.reaching import ask_all
    from gatepost.cli.session import actor, value_of
    from gatepost.control.servers import read_target
    from gatepost.control.tools import store_scan
    from gatepost.errors import GatepostError

    target = read_target(store, name)
    found = ask_all(target)
    if found.failure is not None:
        raise found.failure  # a part of the list is not taken for the whole of it
    try:
        done = store_scan(
            store, actor(), name, found.tools, of=target, info=found.info, eras=found.eras, versions=found.versions
        )
        return found, value_of(done)
    except GatepostError as error:
        if error.code != "GP-4004" or not again:
            raise
        progress(f"{error.message} Scanning it again …")
    return _scanned(store, name, again - 1)


def to_accept(name: str, waiting: tuple[str, ...]) -> str:
    """The tools that wait, and the command that accepts them."""
    from gatepost.cli.output import clean

    names = ", ".join(clean(tool) for tool in waiting[:_SHOWN_WAITING])
    more = f" and {len(waiting) - _SHOWN_WAITING:,} more" if len(waiting) > _SHOWN_WAITING else ""
    return f"{names}{more} (gatepost server accept {name})"

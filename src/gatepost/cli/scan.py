"""`gatepost scan`: the page of a server that is not registered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from gatepost.cli.command import Command, Place, json_option, server_options

if TYPE_CHECKING:
    from gatepost.catalogue.scanned import Offer, ScanPage
    from gatepost.control.target import Target
    from gatepost.processes.scanning import Found

_SHOWN = 50
_INSTRUCTIONS = 400


@click.command(
    "scan",
    cls=Command,
    examples="""
    # A program, started without a shell, asked, and ended:
    gatepost scan -- npx -y @modelcontextprotocol/server-everything

    # A server at a URL, with a credential from a file:
    gatepost scan --url https://api.githubcopilot.com/mcp/ --header "Authorization: Bearer @github.token"

    # The page as Markdown, and what is to be looked at as JSON:
    gatepost scan --markdown -- uvx mcp-server-git > git.md
    gatepost scan --json -- uvx mcp-server-git | jq .findings

    # Its definitions as they are, to be imported into the index:
    gatepost scan --raw -- uvx mcp-server-git > scans/git.json; gatepost catalogue import scans
    """,
)
@server_options
@click.option("--markdown", "as_markdown", is_flag=True, help="Print the page as Markdown.")
@click.option("--raw", is_flag=True, help="Print what it lists as it is, as JSON: for `gatepost catalogue import`.")
@json_option
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def scan(
    place: Place,
    url: str | None,
    headers: tuple[str, ...],
    variables: tuple[str, ...],
    as_markdown: bool,
    raw: bool,
    as_json: bool,
    command: tuple[str, ...],
) -> int:
    """Look at a server before it is put behind the gateway.

    It is asked for its tools, resources and prompts, in whichever protocol revision it speaks; none of them is used,
    and nothing is stored. Its page says what each tool can do, what in its definitions is to be looked at first, and
    which policy to begin with. A program runs with your rights while it is asked, as any program you start.

    Lists are read up to 1,000 pages and 100,000 entries; what is wrong with one is said, and the rest is shown. Nothing
    that a schema refers to is fetched. Exit code 1 where a list is wrong, or a finding is of high or critical severity.
    """
    from gatepost.catalogue.scanned import scan_markdown, scan_page
    from gatepost.cli.output import emit
    from gatepost.cli.reaching import ask_all, target_of
    from gatepost.control.names import server_name

    if [as_json, as_markdown, raw].count(True) > 1:
        raise click.UsageError("Give one of --json, --markdown and --raw.")
    target = target_of(server_name(_address(url, command)), url, headers, variables, command)
    found = ask_all(target)
    page = scan_page(
        _name(target, found),
        found.tools,
        others=_others(place),
        eras=found.eras,
        versions=found.versions,
        info=found.info,
        resources=found.resources,
        templates=found.templates,
        prompts=found.prompts,
        problems=(*found.problems, *_left_out(found)),
    )
    if raw:
        click.echo(_as_listed(page.page.name, found))
    elif as_json:
        emit(page.as_dict())
    elif as_markdown:
        click.echo(scan_markdown(page))
    else:
        show_page(page)
    return 1 if page.wants_a_look else 0


def show_page(found: ScanPage, *, registered: bool = False) -> None:
    """Prints the page of a server that was just read."""
    from gatepost.cli.catalogue import show_server_page
    from gatepost.cli.output import clean, count, heading, spoken

    said = found.said
    title = f" ({said['title']})" if "title" in said else ""
    more = [("speaks", spoken(found.eras, found.versions))]
    if said:
        more.append(("calls itself", f"{said.get('name', '')}{title} {said.get('version', '')}".strip()))
    if found.instructions:
        cut = " …" if len(found.instructions) > _INSTRUCTIONS else ""
        more.append(("instructions", " ".join(found.instructions[:_INSTRUCTIONS].split()) + cut))
    show_server_page(found.page, more, registered=registered)
    _offers(count(len(found.resources), "resource"), found.resources)
    _offers(count(len(found.templates), "resource template"), found.templates)
    _offers(count(len(found.prompts), "prompt"), found.prompts)
    if found.problems:
        heading("Wrong with its lists")
        for problem in found.problems:
            click.echo(f"  {clean(problem)}")


def _offers(title: str, offers: Sequence[Offer]) -> None:
    from gatepost.cli.output import heading, table

    if not offers:
        return
    heading(title)
    table(["NAME", "WHAT"], [[one.name, one.what] for one in offers[:_SHOWN]])
    if len(offers) > _SHOWN:
        click.echo(f"and {len(offers) - _SHOWN:,} more (--json shows them)")


def _name(target: Target, found: Found) -> str:
    """What it calls itself, else its host or its program."""
    name = found.info["serverInfo"].get("name")
    if isinstance(name, str) and name.strip():
        return name.strip()[:80]
    return _address(target.url, target.command)


def _address(url: str | None, command: Sequence[str]) -> str:
    """Its host or its program, where it has not said what it calls itself."""
    if url is not None:
        try:
            return urlsplit(url).hostname or "server"
        except ValueError:
            return "server"  # what is wrong with the address is said when it is looked at
    return command[0].rpartition("/")[2] if command else ""


def _as_listed(name: str, found: Found) -> str:
    """What it said, in the form that an index is made from; every number as it was spelled."""
    from datetime import UTC, datetime

    from gatepost.wire import strictjson

    said = {
        "server": name,
        "serverInfo": found.info["serverInfo"],
        "instructions": found.info["instructions"],
        "eras": list(found.eras),
        "versions": list(found.versions),
        "scanned_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "tools": found.tools,
        "resources": list(found.resources),
        "resourceTemplates": list(found.templates),
        "prompts": list(found.prompts),
        "problems": list(found.problems),
    }
    return strictjson.write(said).decode()


def _others(place: Place) -> dict[str, list[str]]:
    """The tools of registered servers, to compare names with; none where nothing is registered here."""
    from gatepost.cli.session import opened
    from gatepost.control.tools import tool_names
    from gatepost.errors import GatepostError

    try:
        with opened(place) as store:
            return tool_names(store)
    except GatepostError:
        return {}


def _left_out(found: Found) -> tuple[str, ...]:
    """What a registration would leave out of the tools."""
    import time

    from gatepost.definitions.listing import read_listing

    return read_listing(found.tools, now=time.time()).problems

"""`gatepost server`: the MCP servers behind the gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from gatepost.cli.command import Command, Place, group, json_option, server_options
from gatepost.cli.server_accept import accept
from gatepost.cli.server_import import import_
from gatepost.cli.server_keeping import arguments, set_
from gatepost.cli.server_scan import scan, to_accept

if TYPE_CHECKING:
    from gatepost.definitions.definition import Definition

_SHOWN_STDERR_LINES = 20
_SHOWN_NAMES = 40


@group(
    "server",
    examples="""
    gatepost server add git -- uvx mcp-server-git
    gatepost server show git
    """,
)
def server() -> None:
    """The MCP servers behind the gateway."""


@server.command(
    "add",
    cls=Command,
    examples="""
    # A program that speaks over stdio; what follows -- is started without a shell:
    gatepost server add files -- npx -y @modelcontextprotocol/server-filesystem ~/Documents

    # A server at a URL, with its own credential from a file:
    gatepost server add github --url https://api.githubcopilot.com/mcp/ --header "Authorization: Bearer @github.token"

    # A program that finds its key in the environment:
    gatepost server add weather --env API_KEY=env:WEATHER_KEY -- uvx weather-mcp
    """,
)
@click.argument("name")
@server_options
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def add(
    place: Place,
    name: str,
    url: str | None,
    headers: tuple[str, ...],
    variables: tuple[str, ...],
    command: tuple[str, ...],
) -> None:
    """Put a server behind the gateway as NAME.

    It is asked first which protocol revisions it speaks and which tools it has. One that does not start or does not
    answer is refused, and nothing is stored. What in its definitions a person should look at first is shown.
    """
    from gatepost.cli.catalogue import show_findings
    from gatepost.cli.catalogue_tools import findings_in
    from gatepost.cli.output import fields, spoken, style
    from gatepost.cli.reaching import ask, target_of
    from gatepost.cli.session import actor, opened, value_of
    from gatepost.cli.values import given
    from gatepost.control.names import check_server
    from gatepost.control.servers import add_scanned, list_servers
    from gatepost.control.tools import list_tools
    from gatepost.errors import GatepostError

    given(check_server, name)
    target = target_of(name, url, headers, variables, command)
    with opened(place, create=True) as store:
        # Said before the server is asked, and held again when it is stored.
        if any(known.name == name for known in list_servers(store)):
            raise GatepostError("GP-4002", f"There is a server {name} already.", "Choose another name.")
        found = ask(target)
        done = add_scanned(store, actor(), target, found)
        added = value_of(done)
        names = [tool.name for tool in list_tools(store, name)]
        to_look_at = findings_in(store, name)
    shown = ", ".join(names[:_SHOWN_NAMES])
    more = f" and {len(names) - _SHOWN_NAMES:,} more" if len(names) > _SHOWN_NAMES else ""
    click.echo(style(f"Added {name}.", bold=True))
    fields(
        [
            ("speaks", spoken(found.eras, found.versions)),
            ("tools", f"{added.tools:,}: {shown}{more}" if names else "none"),
        ]
    )
    show_findings(to_look_at)
    click.echo()
    click.echo("Next: a policy that says what may be called, then a grant for who may call it:")
    click.echo(f"  gatepost policy recommend {added.name} > policy.json     # one to begin with")
    click.echo(f"  gatepost policy add {added.name} policy.json --server {added.name}")
    click.echo(f"  gatepost grant add my-agent --server {added.name} --policy {added.name}")


@server.command(
    "list",
    cls=Command,
    examples="""
    gatepost server list
    gatepost server list --json | jq -r '.[].name'
    """,
)
@json_option
@click.pass_obj
def list_(place: Place, as_json: bool) -> None:
    """List the servers.

    Those that only `gatepost run` has met are named below; they are registered nowhere, and not part of --json.
    """
    from gatepost.cli.output import clean, emit, local, table
    from gatepost.cli.server_met import show_others
    from gatepost.cli.session import opened
    from gatepost.control import run_pins
    from gatepost.control.servers import list_servers

    data = place.folder(create=False)
    met = run_pins.met(data)
    servers = []
    if data.store.exists() or not met:
        with opened(place) as store:
            servers = list_servers(store)
    if as_json:
        emit([_times_in_utc(known.as_dict()) for known in servers])
        return
    others = [name for name in met if name not in {known.name for known in servers}]
    if not servers:
        click.echo("No server is registered. gatepost server add --help shows how to add one.")
        show_others(others)
        return
    table(
        ["NAME", "REACHED BY", "ERAS", "TOOLS", "GRANTS", "SCANNED", "DRIFT"],
        [
            [
                known.name,
                known.url or clean(" ".join(known.command)),
                ", ".join(known.eras),
                str(known.tools),
                str(len(known.grants)),
                local(known.scanned_at),
                known.drift or "",
            ]
            for known in servers
        ],
    )
    show_others(others)


@server.command(
    "show",
    cls=Command,
    examples="""
    gatepost server show files
    """,
)
@click.argument("name")
@json_option
@click.pass_obj
def show(place: Place, name: str, as_json: bool) -> None:
    """Show a server and its tools.

    With their categories, what has drifted, what in their definitions is to be looked at, the protocol revisions it
    speaks, and what a running program last said on stderr. Of a server that only `gatepost run` has met under this
    name: its tools, what has drifted, and its last calls.
    """
    from gatepost.cli.catalogue import show_findings
    from gatepost.cli.catalogue_tools import findings_in
    from gatepost.cli.output import count, emit, fields, heading, local, spoken, table
    from gatepost.cli.running import pairs as running_pairs
    from gatepost.cli.server_keeping import span
    from gatepost.cli.server_met import show_met
    from gatepost.cli.session import opened
    from gatepost.control import run_pins
    from gatepost.control.servers import show_server
    from gatepost.control.tools import list_tools
    from gatepost.processes.ops import ask_now

    of_run = run_pins.of_run(place.folder(), name)
    if of_run is not None:
        show_met(place.folder(), name, of_run, as_json=as_json)
        return
    with opened(place) as store:
        known = show_server(store, name)
        tools = list_tools(store, name)
        found = findings_in(store, name)
    status = ask_now(place.folder().socket("dataplane.sock"), {"op": "status"}, seconds=2.0) or {}
    running = (status.get("servers") or {}).get(name)
    if as_json:
        emit(
            {
                **_times_in_utc(known.as_dict()),
                "definitions": [_definition(tool) for tool in tools],
                "findings": [one.as_dict() for one in found],
                "running": running,
            }
        )
        return
    pairs = [("reached by", known.url or " ".join(known.command))]
    if known.headers:
        pairs.append(("headers", ", ".join(header for header, _ in known.headers)))
    if known.env:
        pairs.append(("variables", ", ".join(known.env)))
    pairs += [
        ("speaks", spoken(known.eras, known.versions)),
        ("added", local(known.created_at)),
        ("scanned", local(known.scanned_at, missing="never")),
        ("drift", f"{known.drift or 'none'} ({known.drift_mode})"),
        ("grants", ", ".join(known.grants) or "none"),
    ]
    if known.waiting:
        pairs.append(("to be accepted", to_accept(known.name, known.waiting)))
    if known.keep_arguments is not None:
        pairs.append(("arguments", f"kept for {span(known.keep_arguments)}, encrypted"))
    if running is not None:
        pairs += running_pairs(running)
    click.echo(click.style(name, bold=True))
    fields(pairs)
    show_findings(found)
    heading(count(len(tools), "tool"))
    if tools:
        table(
            ["TOOL", "CATEGORY", "PIN", "SEEN", "DESCRIPTION"],
            [
                [
                    tool.name,
                    tool.category or "",
                    "differs" if tool.name in known.waiting else "holds",
                    local(tool.seen_at),
                    str(tool.tool.get("description") or ""),
                ]
                for tool in tools
            ],
        )
    _show_stderr(running)


@server.command(
    "remove",
    cls=Command,
    examples="""
    gatepost server remove files
    gatepost server remove files --force    # its grants are revoked with it
    """,
)
@click.argument("name")
@click.option("--force", is_flag=True, help="Also where grants are in use on it; they are revoked.")
@click.pass_obj
def remove(place: Place, name: str, force: bool) -> None:
    """Take a server away. The log keeps what happened on it."""
    from gatepost.cli.session import actor, opened, value_of
    from gatepost.control.servers import remove_server

    with opened(place) as store:
        revoked = value_of(remove_server(store, actor(), name, force=force))
    click.echo(f"Removed {name}.")
    if revoked:
        click.echo(f"Revoked with it: {', '.join(revoked)}")


@server.command(
    "set-category",
    cls=Command,
    examples="""
    # A policy's "@destructive" now applies to it:
    gatepost server set-category files move_file destructive

    # Back to not classified:
    gatepost server set-category files move_file none
    """,
)
@click.argument("name")
@click.argument("tool")
@click.argument("category", type=click.Choice(["read", "write", "execute", "destructive", "financial", "none"]))
@click.pass_obj
def set_category(place: Place, name: str, tool: str, category: str) -> None:
    """Say what kind of tool TOOL is.

    Policies that speak of categories ("@destructive") then apply to it.
    """
    from gatepost.cli.session import actor, opened, value_of
    from gatepost.control import tools

    with opened(place) as store:
        value_of(tools.set_category(store, actor(), name, tool, None if category == "none" else category))
    click.echo(f"{tool} of {name}: {'not classified' if category == 'none' else category}.")


def _times_in_utc(values: dict[str, Any]) -> dict[str, Any]:
    from gatepost.cli.output import utc

    return {key: utc(value) if key.endswith("_at") else value for key, value in values.items()}


def _definition(tool: Definition) -> dict[str, Any]:
    from gatepost.cli.output import utc

    return {
        "name": tool.name,
        "category": tool.category,
        "hash": tool.hash,
        "seen_at": utc(tool.seen_at),
        "tool": tool.tool,
    }


def _show_stderr(status: dict[str, Any] | None) -> None:
    from gatepost.cli.output import clean, heading

    said = str((status or {}).get("stderr") or "")
    lines = said.splitlines()
    if not lines:
        return
    heading("Last words on stderr" + (f" (of {len(lines)} lines)" if len(lines) > _SHOWN_STDERR_LINES else ""))
    for line in lines[-_SHOWN_STDERR_LINES:]:
        click.echo(f"  {clean(line)}")


server.add_command(scan)
server.add_command(accept)
server.add_command(import_)
server.add_command(set_)
server.add_command(arguments)

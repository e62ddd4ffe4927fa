"""`gatepost catalogue`: what tools can do, and why that needs a policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gatepost.cli.catalogue_index import export, import_, search
from gatepost.cli.command import Command, Place, group, json_option

if TYPE_CHECKING:
    from gatepost.catalogue.findings import Finding
    from gatepost.catalogue.pages import ServerPage, ToolPage


_SHOWN_FINDINGS = 30


@group(
    "catalogue",
    examples="""
    gatepost catalogue search delete branch
    gatepost catalogue show files/write_file
    """,
)
def catalogue() -> None:
    """What each tool can do, and which rule suits it."""


@catalogue.command(
    "show",
    cls=Command,
    examples="""
    gatepost catalogue show files                # the server: tools by risk, what its definitions cost
    gatepost catalogue show files/write_file     # one tool: why it needs a policy, and which
    gatepost catalogue show playwright           # a well-known server that is not registered here
    gatepost catalogue show files --markdown > files.md
    """,
)
@click.argument("what", metavar="SERVER[/TOOL]")
@click.option("--markdown", "as_markdown", is_flag=True, help="Print the page as Markdown.")
@json_option
@click.pass_obj
def show(place: Place, what: str, as_markdown: bool, as_json: bool) -> None:
    """Show the page of a server, or of one of its tools.

    All of it comes from the definitions as the last scan found them; see `gatepost server scan`. A server that is not
    registered is looked for in the index: what you imported, then what comes with Gatepost.
    """
    from gatepost.catalogue.markdown import server_markdown, tool_markdown
    from gatepost.catalogue.pages import server_page, tool_page
    from gatepost.cli.catalogue_tools import known_as
    from gatepost.cli.output import emit, progress
    from gatepost.control.suggest import nearest
    from gatepost.errors import GatepostError

    if as_json and as_markdown:
        raise click.UsageError("Give --json or --markdown, not both.")
    server, name, found = known_as(place, what)
    if found.note:
        progress(found.note)
    if not name:
        whole = server_page(server, found.tools, found.findings)
        if as_json:
            emit({**whole.as_dict(), "source": found.source, "about": dict(found.facts)})
        elif as_markdown:
            click.echo(server_markdown(whole, found.facts))
        else:
            show_server_page(whole, found.facts)
        return
    known = {tool.name: tool for tool in found.tools}
    if name not in known:
        raise GatepostError(
            "GP-4003",
            f"The server {server} defines no tool {name!r}.",
            nearest(name, list(known)) or f"See its tools with `gatepost catalogue show {server}`.",
        )
    page = tool_page(server, known[name], found.findings)
    if as_json:
        emit(page.as_dict())
    elif as_markdown:
        click.echo(tool_markdown(page))
    else:
        _show_tool(page)


@catalogue.command(
    "build",
    cls=Command,
    examples="""
    # The pages of all servers, to be opened from the disk or put on any web server:
    gatepost catalogue build --out site

    # Those of your own only, or of some:
    gatepost catalogue build --out site --registered
    gatepost catalogue build --out site --server files --server git
    """,
)
@click.option("--out", required=True, type=click.Path(path_type=Path), metavar="FOLDER", help="Where the site goes.")
@click.option("--server", "names", multiple=True, metavar="S", help="Only this server. May be repeated.")
@click.option("--registered", "registered_only", is_flag=True, help="Only registered servers.")
@json_option
@click.pass_obj
def build(place: Place, out: Path, names: tuple[str, ...], registered_only: bool, as_json: bool) -> None:
    """Write the catalogue as a static site: plain pages that need no server and no script.

    The registered servers are in it, and the well-known ones that come with Gatepost. A folder that an earlier build
    made is replaced as a whole; any other that holds something is left alone.
    """
    from gatepost.catalogue.site import site
    from gatepost.cli.catalogue_folder import write_site
    from gatepost.cli.catalogue_tools import all_known
    from gatepost.cli.output import count, emit

    if names and registered_only:
        raise click.UsageError("Give --server or --registered, not both.")
    servers = all_known(place, names, registered_only=registered_only)
    pages = write_site(
        out,
        site(
            {name: one.tools for name, one in servers.items()},
            {name: one.findings for name, one in servers.items()},
            {name: one.facts for name, one in servers.items()},
        ),
    )
    if as_json:
        emit({"out": str(out), "servers": len(servers), "files": pages})
        return
    tools = sum(len(one.tools) for one in servers.values())
    click.echo(f"{count(len(servers), 'server')} with {count(tools, 'tool')} in {out}; open {out / 'index.html'}.")


def show_server_page(page: ServerPage, more: Sequence[tuple[str, str]] = (), *, registered: bool = True) -> None:
    """Prints the page of a server, with `more` fields at its head."""
    from gatepost.catalogue.pages import WINDOW
    from gatepost.cli.output import clean, count, fields, heading, style, table

    click.echo(style(page.name, bold=True))
    heaviest = f"; {page.heaviest.name} costs most, {page.heaviest.tokens:,}" if page.heaviest else ""
    fields(
        [
            *more,
            (
                "tools",
                ", ".join(f"{number} {category}" for category, number in page.counts.items() if number) or "none",
            ),
            ("definitions", f"about {page.tokens:,} tokens, {page.share:.1%} of {WINDOW:,}{heaviest}"),
        ]
    )
    for note in page.recommendation.notes:
        click.echo(clean(note))
    show_findings(page.findings)
    if not page.tools:
        return
    heading(f"{count(len(page.tools), 'tool')} by risk")
    table(
        ["TOOL", "CATEGORY", "RISK", "SURE", "SIGNALS"],
        [
            [
                tool.name,
                tool.category,
                tool.classification.severity,
                tool.classification.confidence,
                ", ".join(tool.classification.signals),
            ]
            for tool in page.tools
        ],
    )
    heading("The recommended policy")
    click.echo(_policy_text(page.recommendation.document))
    if not registered:
        return
    click.echo()
    click.echo("Its policy:   gatepost policy recommend " + clean(page.name))
    click.echo(f"One tool:     gatepost catalogue show {clean(page.name)}/{clean(page.tools[0].name)}")


def _policy_text(document: Mapping[str, Any]) -> str:
    """A policy as JSON with a line for each tool, for a page of many tools has to be read."""
    import json

    members = []
    for key, value in document.items():
        text = json.dumps(value)
        if key == "tools" and value:
            entries = ",\n".join(f"    {json.dumps(tool)}: {json.dumps(entry)}" for tool, entry in value.items())
            text = f"{{\n{entries}\n  }}"
        members.append(f"  {json.dumps(key)}: {text}")
    return "{\n" + ",\n".join(members) + "\n}"


def show_findings(findings: Sequence[Finding]) -> None:
    """Prints what in definitions is to be looked at first, and what to do; nothing where there is nothing."""
    from gatepost.catalogue.findings import advice
    from gatepost.cli.output import clean, heading

    if not findings:
        return
    heading("To be looked at first")
    for one in findings[:_SHOWN_FINDINGS]:
        click.echo(f"  {one.severity:9} {clean(str(one))}")
    if len(findings) > _SHOWN_FINDINGS:
        click.echo(f"  and {len(findings) - _SHOWN_FINDINGS:,} more (--json shows them)")
    for kind, todo in advice(findings):
        click.echo(f"  {kind}: {todo}")


def _show_tool(page: ToolPage) -> None:
    import json

    from gatepost.cli.output import clean, fields, heading, style, table

    found = page.tool.classification
    click.echo(f"{style(page.tool.name, bold=True)} of {clean(page.server)}")
    click.echo(clean(page.what) or "It has no description.")
    click.echo()
    fields(
        [
            ("category", f"{found.category}, risk {found.severity}, confidence {found.confidence}"),
            ("parameters", page.parameter_count),
            ("definition", f"about {page.tool.tokens:,} tokens"),
            ("signals", "; ".join(page.signals) or "none"),
        ]
    )
    show_findings(page.findings)
    heading("Why it needs a policy")
    for sentence in page.why:
        click.echo(f"  {clean(sentence)}")
    heading("What decided")
    for line in page.evidence or ("Nothing could be read from its definition.",):
        click.echo(f"  {clean(line)}")
    if page.parameters:
        heading("Parameters")
        table(
            ["NAME", "TYPE", "", "WHAT"],
            [[one.name, one.kind, "required" if one.required else "", one.note] for one in page.parameters],
            indent=2,
        )
    heading("The recommended policy")
    click.echo(json.dumps(page.policy, indent=2))
    for one in page.suggestions:
        yours = f" Change {one.change}." if one.change else ""
        heading(f"For the argument {clean(one.parameter)}, in {one.member}")
        click.echo(f"{clean(one.reason)}{yours}")
        click.echo(json.dumps(one.rule, indent=2))
    heading("To limit its rate, or to block it, as entries of `tools`")
    click.echo(json.dumps(page.rate, indent=2))
    click.echo(json.dumps(page.block, indent=2))
    heading("Attacks that concern it")
    for attack in page.attacks:
        click.echo(f"  {attack.name:26}{attack.title}")
    click.echo("  More of each with `gatepost attack show NAME`.")


catalogue.add_command(search)
catalogue.add_command(import_)
catalogue.add_command(export)

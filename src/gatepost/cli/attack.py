"""`gatepost attack`: the documented attacks on agents and tools, told and played."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from gatepost.cli.command import Command, Place, group, json_option

if TYPE_CHECKING:
    from gatepost.catalogue.attacks import Attack
    from gatepost.catalogue.listed import ListedTool
    from gatepost.drills import Target

_COLOURS = {"stopped": "green", "not stopped": "red", "does not apply": None}


@group(
    "attack",
    examples="""
    gatepost attack list
    gatepost attack run
    """,
)
def attack() -> None:
    """Known attacks: what they are, and what stops them here."""


@attack.command(
    "list",
    cls=Command,
    examples="""
    gatepost attack list
    gatepost attack list --owasp MCP05
    """,
)
@click.option("--owasp", metavar="MCPnn", help="Only those of this entry of the OWASP MCP Top 10.")
@json_option
def list_(owasp: str | None, as_json: bool) -> None:
    """List the attacks."""
    from gatepost.catalogue.attacks import OWASP, attacks
    from gatepost.cli.output import emit, table

    if owasp is not None and owasp.upper() not in OWASP:
        raise click.UsageError(f"--owasp takes one of {', '.join(OWASP)}.")
    found = [one for one in attacks().values() if owasp is None or owasp.upper() in one.owasp]
    if as_json:
        emit([one.as_dict() for one in found])
        return
    table(
        ["ATTACK", "OWASP", "STOPPED", "WHAT"],
        [[one.name, ", ".join(one.owasp), "yes" if one.stops else "no", one.what] for one in found],
    )


@attack.command(
    "show",
    cls=Command,
    examples="""
    gatepost attack show path-traversal
    gatepost attack show tool-poisoning --server files    # and which tools of files it concerns
    """,
)
@click.argument("name")
@click.option("--server", metavar="S", help="Name the tools of this server that it concerns.")
@click.option("--markdown", "as_markdown", is_flag=True, help="Print the page as Markdown.")
@json_option
@click.pass_obj
def show(place: Place, name: str, server: str | None, as_markdown: bool, as_json: bool) -> None:
    """Tell one attack: how it works, where it was seen, what stops it, and what remains.

    With --server, a registered one or one of the index, also which of its tools it concerns: first those in whose
    definitions something of the kind was found.
    """
    from gatepost.catalogue.attacks import OWASP
    from gatepost.catalogue.markdown import attack_markdown
    from gatepost.cli.output import clean, emit, heading, style

    if as_json and as_markdown:
        raise click.UsageError("Give --json or --markdown, not both.")
    (one,) = _named((name,))
    tools = None if server is None else _concerned(place, one, server)
    if as_json:
        emit(one.as_dict() if tools is None else {**one.as_dict(), "tools": tools})
        return
    if as_markdown:
        click.echo(attack_markdown(one, server or "", tools))
        return
    click.echo(style(one.title, bold=True))
    click.echo(one.what)
    for title, text in (
        ("How it works", one.how),
        ("Where it was seen", f"{one.incident}\n{one.source}\n{one.checked}"),
        ("In a specification", one.specification),
        ("What stops it", one.stops or "Nothing here stops it."),
        ("What remains", one.remains),
        ("OWASP MCP Top 10", "\n".join(f"{key} {OWASP[key]}" for key in one.owasp)),
        (f"Tools of {server} it concerns", "none" if tools == [] else ", ".join(map(clean, tools or ()))),
    ):
        if text:
            heading(title)
            click.echo(text)
    click.echo()
    click.echo(f"Play it: gatepost attack run {one.name}")


def _concerned(place: Place, one: Attack, server: str) -> list[str]:
    """The names of a server's tools that an attack concerns, first those in which something of its kind was found."""
    from gatepost.catalogue.findings import about_tool, by_tool
    from gatepost.cli.catalogue_tools import known_as

    _, _, found = known_as(place, server)
    marked = by_tool(found.findings)
    kinds = {tool.name: {each.kind for each in about_tool(marked, tool.name)} for tool in found.tools}
    concerned = [tool.name for tool in found.tools if one.concerns(tool, kinds[tool.name])]
    return sorted(concerned, key=lambda name: not kinds[name] & set(one.findings))


@attack.command(
    "run",
    cls=Command,
    examples="""
    gatepost attack run                                        # all, against a small shop
    gatepost attack run runaway-loop path-traversal
    gatepost attack run --server files --policy files-standard # against what you have
    gatepost attack run --server filesystem                    # against a well-known server, as it was scanned

    # Against one that is not registered:
    gatepost scan --raw -- npx -y @modelcontextprotocol/server-memory > memory.json
    gatepost catalogue import memory.json
    gatepost attack run --server memory
    """,
)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--server", metavar="S", help="Against the tools of this server, registered or in the index.")
@click.option("--policy", metavar="P", help="With this stored policy [default: the recommended one].")
@json_option
@click.pass_obj
def run(place: Place, names: tuple[str, ...], server: str | None, policy: str | None, as_json: bool) -> int:
    """Play attacks against the engine, and say which were stopped and by what.

    A gateway is started in a temporary folder on this machine, with an upstream that only records: of a server its
    definitions are taken, the server itself is never called. Exit code 1 where an attack got through that should have
    been stopped.

    A server that is not registered is scanned first, and the scan is put into the index: see the last example.
    """
    import asyncio

    from gatepost.cli.output import count, emit, progress, style, table
    from gatepost.drills import run as play
    from gatepost.drills import sample_target

    if policy is not None and server is None:
        raise click.UsageError("--policy goes with --server.")
    chosen = _named(names)
    target = sample_target() if server is None else _target(place, server, policy)
    if not as_json:
        progress(f"Playing {count(len(chosen), 'attack')} against {target.server} with {target.policy_name} …")
    results = asyncio.run(play(chosen, target))
    expected = {one.name: bool(one.stops) for one in chosen}
    failed = [one for one in results if one.outcome == "not stopped" and expected[one.attack]]
    if as_json:
        emit(
            {
                "server": target.server,
                "policy": target.policy_name,
                "results": [one.as_dict() for one in results],
                "passed": not failed,
            }
        )
        return 1 if failed else 0
    rows: list[list[Any]] = [[one.attack, style(one.outcome, fg=_COLOURS[one.outcome]), one.by] for one in results]
    table(["ATTACK", "OUTCOME", "BY"], rows)
    click.echo()
    stopped = sum(one.outcome == "stopped" for one in results)
    known = sum(one.outcome == "not stopped" for one in results) - len(failed)
    told = f"{stopped} of {len(results)} stopped"
    if known:
        told += f", {known} that nothing here stops (gatepost attack show)"
    if failed:
        told += f", {len(failed)} that got through: {', '.join(one.attack for one in failed)}"
    click.echo(f"{told}.")
    return 1 if failed else 0


def _named(names: tuple[str, ...]) -> list[Attack]:
    """The attacks of these names, all without one. Raises `GatepostError` GP-4003."""
    from gatepost.catalogue.attacks import attacks
    from gatepost.control.suggest import nearest
    from gatepost.errors import GatepostError

    known = attacks()
    for name in names:
        if name not in known:
            raise GatepostError(
                "GP-4003",
                f"There is no attack {name!r}.",
                nearest(name, list(known)) or "`gatepost attack list` names all.",
            )
    return [known[name] for name in dict.fromkeys(names)] if names else list(known.values())


def _target(place: Place, server: str, policy: str | None) -> Target:
    """A server's tools, wherever they are known from, and a stored policy or the recommended one.

    Raises `GatepostError` GP-4003 (server, its tools, policy), GP-5003.
    """
    from gatepost.cli.catalogue_tools import known_as
    from gatepost.cli.output import progress
    from gatepost.cli.session import opened
    from gatepost.control.policies import show_policy
    from gatepost.control.tools import list_tools
    from gatepost.drills import target_of
    from gatepost.errors import GatepostError

    _, _, found = known_as(place, server)
    if not found.tools:
        raise GatepostError("GP-4003", f"The server {server} has no tools.", "Scan it with `gatepost server scan`.")
    document = None
    listed: dict[str, dict[str, Any]] = {}
    if found.note:
        progress(found.note)
    if policy is not None or not found.note:
        with opened(place) as store:
            document = None if policy is None else (policy, show_policy(store, policy).document)
            listed = {one.name: one.tool for one in list_tools(store, server)} if not found.note else {}
    definitions = [listed.get(tool.name) or _definition(tool) for tool in found.tools]
    return target_of(server, definitions, {tool.name: tool.category for tool in found.tools}, document)


def _definition(tool: ListedTool) -> dict[str, Any]:
    """What is known of a tool's definition, where its server is not registered."""
    schema = {"type": "object"} if tool.schema is None else dict(tool.schema)
    return {"name": tool.name, "description": tool.description, "inputSchema": schema}

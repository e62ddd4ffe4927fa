"""`gatepost policy lint`: what in valid policies may not do what their authors mean."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gatepost.cli.command import Command, Place, json_option

if TYPE_CHECKING:
    from gatepost.control.store import Store

Findings = tuple[str, tuple[tuple[str, str], ...]]
"""A policy's name or file, and its warnings: (JSON pointer, sentence)."""


@click.command(
    "lint",
    cls=Command,
    examples="""
    # Every stored policy, against its server's tools as they are now:
    gatepost policy lint

    # Files, in a build:
    gatepost policy lint policies/*.yaml
    gatepost policy lint draft.yaml --server files
    """,
)
@click.argument("policies", nargs=-1, metavar="[NAME|FILE]…")
@click.option("--server", metavar="S", help="Compare with this server's tools [default: the policy's own].")
@json_option
@click.pass_obj
def lint(place: Place, policies: tuple[str, ...], server: str | None, as_json: bool) -> int:
    """Warn of what is valid and probably not meant.

    A path that is not in a tool's schema, a rule that no call can reach, a glob that outranks nothing, an unknown tool,
    a name or URI that nothing can have, a regex that matches in part, a limit without effect. Without arguments every
    stored policy is looked at: a server's tools may have changed since a policy was written. To hear all errors of a
    file: `gatepost policy check`.

    Exit code 1 where there is a warning.
    """
    from gatepost.cli.output import clean, count, emit, style

    found = _found(place, policies, server)
    if as_json:
        emit([_as_dict(each) for each in found])
    else:
        for name, warnings in found:
            click.echo(f"{style(name, bold=True)}{'' if warnings else '  nothing to say'}")
            for pointer, message in warnings:
                click.echo(f"  {style('warning', fg='yellow')}  {clean(pointer) or '/'}: {clean(message)}")
        total = sum(len(warnings) for _, warnings in found)
        if total:
            click.echo(count(total, "warning"))
        if not found:
            click.echo("There is no policy. gatepost policy add --help shows how to store one.")
    return 1 if any(warnings for _, warnings in found) else 0


def _found(place: Place, policies: tuple[str, ...], server: str | None) -> list[Findings]:
    from gatepost.cli.session import opened
    from gatepost.control.policies import check, check_file, list_policies, show_policy

    files = [Path(text) for text in policies if Path(text).is_file()]
    for text in policies:
        if not Path(text).is_file() and ("/" in text or Path(text).suffix in (".json", ".yaml", ".yml")):
            raise click.UsageError(f"There is no file {text}.")
    if len(files) == len(policies) > 0:
        met = None if server is None else tools_met(place, server)
        if server is None or met is not None:
            return [(str(file), check_file(file, tools=met).warnings) for file in files]
    with opened(place) as store:
        names = policies or tuple(known.name for known in list_policies(store))
        found: list[Findings] = []
        for text in names:
            if Path(text) in files:
                tools = None if server is None else _tools(store, server, named=True)
                found.append((text, check_file(Path(text), tools=tools).warnings))
            else:
                known = show_policy(store, text)
                tools = _tools(store, server or known.server, named=server is not None)
                found.append((text, check(known.text, tools=tools).warnings))
    return found


def tools_met(place: Place, server: str) -> dict[str, Any] | None:
    """The tools of a server that only `gatepost run` knows, as it last listed them; None of any other."""
    from gatepost.control import run_pins

    pins = run_pins.of_run(place.folder(), server)
    return None if pins is None else {tool["name"]: tool for tool in pins.tools()}


def _tools(store: Store, server: str | None, *, named: bool) -> dict[str, Any] | None:
    """A server's tools. None where it has none, or where it is the policy's own (not `named`) and is gone."""
    from gatepost.control.servers import list_servers
    from gatepost.control.tools import list_tools

    if server is None or (not named and not any(known.name == server for known in list_servers(store))):
        return None
    return {known.name: known for known in list_tools(store, server)} or None


def _as_dict(found: Findings) -> dict[str, Any]:
    name, warnings = found
    return {
        "policy": name,
        "warnings": [{"pointer": pointer, "message": message} for pointer, message in warnings],
    }

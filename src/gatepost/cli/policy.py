"""`gatepost policy`: what a grant may do."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gatepost.cli.command import Command, Place, group, json_option
from gatepost.cli.policy_diff import diff
from gatepost.cli.policy_import import import_
from gatepost.cli.policy_lint import lint, tools_met
from gatepost.cli.policy_recommend import recommend
from gatepost.cli.policy_test import test

if TYPE_CHECKING:
    from gatepost.control.policies import Policy
    from gatepost.definitions.definition import Definition

_FILE = click.Path(dir_okay=False, allow_dash=True)


@group(
    "policy",
    examples="""
    gatepost policy add git policy.yaml --server git
    gatepost policy explain --grant my-agent --tool git_log --arguments '{"repo_path": "/src"}'
    """,
)
def policy() -> None:
    """What may be called, with which arguments, how often."""


@policy.command(
    "check",
    cls=Command,
    examples="""
    gatepost policy check policy.yaml
    gatepost policy check - --server files < policy.json    # also against the server's tools
    """,
)
@click.argument("file", type=_FILE)
@click.option("--server", metavar="S", help="Compare it with this server's tools too.")
@json_option
@click.pass_obj
def check(place: Place, file: str, server: str | None, as_json: bool) -> int:
    """Check a policy without storing it.

    Every error at once, and what is probably not meant. Exit code 1 where it is not valid; warnings alone are no
    failure.
    """
    from gatepost.cli.output import clean, emit, style
    from gatepost.control.policies import PolicyRefused
    from gatepost.control.policies import check as check_document

    document = _read(file)
    tools = _tools(place, server) if server is not None else None
    try:
        checked = check_document(document, tools=tools)
    except PolicyRefused as refused:
        if as_json:
            emit(
                {
                    "valid": False,
                    "errors": [{"pointer": pointer, "message": message} for pointer, message in refused.errors],
                    "warnings": [],
                }
            )
            return 1
        for pointer, message in refused.errors:
            click.echo(f"{style('error', fg='red')}    {clean(pointer) or '/'}: {clean(message)}")
        number = len(refused.errors)
        click.echo(f"{number} error{'' if number == 1 else 's'}; the policy is not valid.")
        return 1
    if as_json:
        emit({"valid": True, "errors": [], **checked.as_dict()})
        return 0
    _warn(checked.warnings)
    click.echo(f"{style('valid', fg='green')}    {checked.version}")
    return 0


@policy.command(
    "add",
    cls=Command,
    examples="""
    gatepost policy add files-read policy.yaml --server files

    # A newer version of it; grants that have it are judged by it from their next call on:
    gatepost policy add files-read policy.yaml --server files
    """,
)
@click.argument("name")
@click.argument("file", type=_FILE)
@click.option("--server", required=True, metavar="S", help="The server it is written for.")
@json_option
@click.pass_obj
def add(place: Place, name: str, file: str, server: str, as_json: bool) -> int:
    """Store a policy as NAME, or a new version of it. FILE is JSON or YAML, - is standard input.

    A document with an error is refused as a whole, and the version before stays in force.
    """
    from gatepost.cli.output import clean, emit, style
    from gatepost.cli.session import actor, opened, value_of
    from gatepost.cli.values import given
    from gatepost.control.names import check_policy
    from gatepost.control.policies import PolicyRefused, add_policy

    given(check_policy, name)
    document = _read(file)
    try:
        with opened(place) as store:
            added = value_of(add_policy(store, actor(), name, document, server))
    except PolicyRefused as refused:
        for pointer, message in refused.errors:
            click.echo(f"{style('error', fg='red')}    {clean(pointer) or '/'}: {clean(message)}", err=True)
        raise
    if as_json:
        emit(_as_json(added))
        return 0
    _warn(added.warnings)
    click.echo(f"{style(name, bold=True)} is in force as {added.version}:", err=True)
    click.echo(_pretty(added.document))
    return 0


@policy.command(
    "list",
    cls=Command,
    examples="""
    gatepost policy list
    """,
)
@json_option
@click.pass_obj
def list_(place: Place, as_json: bool) -> None:
    """List the policies with the version in force."""
    from gatepost.cli.output import emit, local, table
    from gatepost.cli.session import opened
    from gatepost.control.grants import list_grants
    from gatepost.control.policies import list_policies

    with opened(place) as store:
        policies = list_policies(store)
        grants = list_grants(store)
    if as_json:
        emit([_as_json(known) for known in policies])
        return
    if not policies:
        click.echo("There is no policy. gatepost policy add --help shows how to store one.")
        return
    used = {known.name: [grant.label for grant in grants if grant.policy == known.name] for known in policies}
    table(
        ["NAME", "SERVER", "VERSION", "SINCE", "GRANTS", "DESCRIPTION"],
        [
            [
                known.name,
                known.server or "",
                known.version[:19],
                local(known.created_at),
                ", ".join(used[known.name]),
                str(known.document.get("description") or ""),
            ]
            for known in policies
        ],
    )


@policy.command(
    "show",
    cls=Command,
    examples="""
    gatepost policy show files-read
    gatepost policy show files-read --version sha256:9f2c… > before.json
    """,
)
@click.argument("name")
@click.option("--version", metavar="V", help="An earlier version, or its first characters.")
@json_option
@click.pass_obj
def show(place: Place, name: str, version: str | None, as_json: bool) -> None:
    """Show a policy's document."""
    from gatepost.cli.output import emit, local
    from gatepost.cli.session import opened
    from gatepost.control.policies import show_policy

    with opened(place) as store:
        known = show_policy(store, name, version)
    if as_json:
        emit(_as_json(known))
        return
    # The document goes to stdout alone, so that it can be put into a file.
    for other in known.versions:
        click.echo(f"{other}{'  shown below' if other == known.version else ''}", err=True)
    state = "in force" if known.current else "not in force"
    click.echo(f"{state}, stored {local(known.created_at)}, for {known.server or 'any server'}", err=True)
    click.echo(_pretty(known.document))


@policy.command(
    "explain",
    cls=Command,
    examples="""
    gatepost policy explain --policy policy.yaml --tool create_refund --arguments '{"amount": 700}'

    # What would happen to this grant's call, with the tool's schema as the server gave it:
    gatepost policy explain --grant laptop --tool read_file --arguments '{"path": "/etc/passwd"}'
    """,
)
@click.option("--policy", "file", metavar="FILE", type=_FILE, help="The policy, as a file.")
@click.option("--grant", "label", metavar="LABEL", help="The policy of this grant, on its server.")
@click.option("--tool", required=True, metavar="T", help="The tool that would be called.")
@click.option("--arguments", default="{}", metavar="JSON", show_default=True, help="Its arguments; @FILE reads a file.")
@json_option
@click.pass_obj
def explain(place: Place, file: str | None, label: str | None, tool: str, arguments: str, as_json: bool) -> int:
    """Show how a call would be judged.

    Every step is shown, with the value of each condition. Nothing is counted or recorded, and no counter is read: a
    limit that is used up denies all the same. Exit code 0 where the call would be allowed, 1 where not.
    """
    from gatepost.cli.explained import Judged, show_explanation
    from gatepost.policy import WITHOUT_POLICY, compile_definition, compile_policy, explain_without_policy
    from gatepost.wire import strictjson

    if (file is None) == (label is None):
        raise click.UsageError("Give either --policy FILE or --grant LABEL.")
    try:
        text = Path(arguments[1:]).read_bytes() if arguments.startswith("@") else arguments.encode()
        values = strictjson.parse(text)
    except OSError as error:
        raise click.UsageError(f"The file {arguments[1:]} cannot be read: {error.strerror}.") from None
    except strictjson.StrictJSONError as error:
        raise click.UsageError(
            f"--arguments is not strict JSON: {error.message} at line {error.line}, column {error.column}."
        ) from None
    if not isinstance(values, dict):
        raise click.UsageError("--arguments is not a JSON object.")

    definition: Definition | None = None
    waits, state = False, None
    if label is not None:
        document, definition, waits, state = _of_grant(place, label, tool)
    else:
        from gatepost.control.policies import check as check_document

        assert file is not None
        document = check_document(_read(file)).text
    category = definition.category if definition is not None else None
    verdict, steps = WITHOUT_POLICY, explain_without_policy()
    if document is not None:
        compiled = compile_policy(document)
        known = compile_definition(definition.tool) if definition is not None else None
        verdict = compiled.decide(tool=tool, arguments=values, category=category, definition=known)
        steps = compiled.explain(tool=tool, arguments=values, category=category, definition=known)
    judged = Judged(
        tool=tool,
        decision=verdict,
        steps=steps,
        known=label is None or definition is not None,
        category=category,
        waits=waits,
        grant=state,
    )
    return show_explanation(judged, as_json=as_json)


def _of_grant(place: Place, label: str, tool: str) -> tuple[str | None, Definition | None, bool, str]:
    """The document a grant is judged by (None without a policy), the definition of the tool on its server, whether that
    is quarantined, and whether the grant is active, expired or revoked."""
    import time

    from gatepost.cli.session import opened
    from gatepost.control.grants import show_grant
    from gatepost.control.policies import show_policy
    from gatepost.control.servers import show_server
    from gatepost.control.tools import list_tools

    with opened(place) as store:
        grant = show_grant(store, label)
        document = show_policy(store, grant.policy).text if grant.policy is not None else None
        tools = list_tools(store, grant.server)
        server = show_server(store, grant.server)
    waits = server.drift_mode == "quarantine" and tool in server.waiting
    definition = next((known for known in tools if known.name == tool), None)
    expired = grant.expires is not None and grant.expires <= time.time()
    state = "revoked" if grant.revoked is not None else "expired" if expired else "active"
    return document, definition, waits, state


def _tools(place: Place, server: str) -> dict[str, Any]:
    from gatepost.cli.session import opened
    from gatepost.control.servers import show_server
    from gatepost.control.tools import list_tools

    met = tools_met(place, server)
    if met is not None:
        return met
    with opened(place) as store:
        show_server(store, server)
        return {known.name: known.tool for known in list_tools(store, server)}


def _read(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise click.UsageError(f"{file} cannot be read: {error.strerror}.") from None


def _pretty(document: Any) -> str:
    import json

    return json.dumps(document, indent=2, ensure_ascii=False)


def _warn(warnings: tuple[tuple[str, str], ...]) -> None:
    from gatepost.cli.output import clean, style

    for pointer, message in warnings:
        click.echo(f"{style('warning', fg='yellow')}  {clean(pointer) or '/'}: {clean(message)}", err=True)


def _as_json(known: Policy) -> dict[str, Any]:
    from gatepost.cli.output import utc

    values = known.as_dict()
    return {**values, "created_at": utc(known.created_at)}


policy.add_command(test)
policy.add_command(diff)
policy.add_command(import_)
policy.add_command(lint)
policy.add_command(recommend)

"""`gatepost server import`: a client's servers put behind the gateway, its file turned over and back."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gatepost.cli.command import Command, Place, json_option
from gatepost.cli.policy_recommend import PROFILE_NAMES

if TYPE_CHECKING:
    from gatepost.connect.reading import ClientFile
    from gatepost.control.target import Target
    from gatepost.errors import GatepostError
    from gatepost.importing.bringing import Brought, Report, Rules
    from gatepost.importing.undo import Undone
    from gatepost.processes.scanning import Found

_AT_ONCE = 4
_WORDS = {
    "new": "would be added",
    "added": "added",
    "present": "there already",
    "governed": "goes through Gatepost already",
    "off": "left: switched off in the client",
    "left": "left as it is",
}


@click.command(
    "import",
    cls=Command,
    examples="""
    # What would happen; nothing is started or changed:
    gatepost server import ~/.cursor/mcp.json --dry-run

    # Every server of Claude Desktop behind Gatepost, and its file turned over to it; then all as it was:
    gatepost server import claude-desktop --rewrite
    gatepost server import claude-desktop --undo

    # Refuse nothing at first; the log shows what would have been refused:
    gatepost server import .mcp.json --rewrite --shadow

    # One policy for all of them:
    gatepost server import ~/.codex/config.toml --rewrite --policy team.yaml
    """,
)
@click.argument("file")
@click.option("--client", metavar="C", help="Whose file it is, as `gatepost connect` names clients [default: told].")
@click.option("--policy", metavar="NAME|FILE", help="What the calls are judged by, in place of a starting policy.")
@click.option("--profile", type=click.Choice(PROFILE_NAMES), help="What `policy recommend` recommends, likewise.")
@click.option("--shadow", is_flag=True, help="The starting policy only records what it would refuse.")
@click.option("--rewrite", is_flag=True, help="Turn the client's file over to the gateway, with a backup beside it.")
@click.option("--undo", is_flag=True, help="Put the file back, and take away what was made for it.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option(
    "--input",
    "inputs",
    multiple=True,
    metavar="ID=SOURCE",
    help="An answer that VS Code would ask for; @FILE, env:NAME.",
)
@click.option("--url", metavar="URL", help="The gateway's address, where it is not the one of this data folder.")
@json_option
@click.pass_obj
def import_(
    place: Place,
    file: str,
    client: str | None,
    policy: str | None,
    profile: str | None,
    shadow: bool,
    rewrite: bool,
    undo: bool,
    dry_run: bool,
    inputs: tuple[str, ...],
    url: str | None,
    as_json: bool,
) -> int:
    """Put every server of a client's file behind the gateway.

    FILE is a client's configuration (mcp.json, claude_desktop_config.json, .cursor/mcp.json, .vscode/mcp.json,
    .mcp.json, Codex's config.toml and the like), or the client's name for its file in the usual place.

    Each server is asked for its tools first. One that cannot be asked, or depends on something that is not here, is
    left as it is in the file and named; the others go on. All variables and headers are sealed in the store; a secret
    among a program's arguments is moved into a sealed variable.

    Without --policy each new server gets a starting policy of its own name: tools that only read, by their definitions,
    are allowed, and resources and prompts too; every other tool stays visible and is refused with a reason. You are
    shown both lists. --profile standard also lets writes through at a bounded rate. A policy that is there already is
    used as it is.

    --rewrite gives out one grant for each server, puts the gateway's address and the token into the file, and leaves
    all else in it alone. --undo puts the file back byte for byte (or, where it has changed since, the entries), revokes
    those grants, and removes the servers that came from it. Running it again does only what is not done yet.

    Exit code 1 where a server had to be left.
    """
    _refuse_mixed(undo=undo, others=[dry_run, rewrite, shadow, bool(policy), bool(profile), bool(inputs)])
    if sum([shadow, policy is not None, profile is not None]) > 1:
        raise click.UsageError("Choose one of --policy, --profile and --shadow.")
    path, client = _file(file, client)
    if undo:
        return _undo(place, path, as_json=as_json)
    client_file = _read(path, client)
    rules = _rules(policy, profile, shadow=shadow)
    if dry_run:
        return _dry(place, client_file, inputs, as_json=as_json)
    return _bring(place, client_file, inputs, rules, rewrite=rewrite, url=url, as_json=as_json)


def _refuse_mixed(*, undo: bool, others: Sequence[bool]) -> None:
    if undo and any(others):
        raise click.UsageError("--undo goes alone.")


def _file(text: str, client: str | None) -> tuple[Path, str | None]:
    """The file that is meant, and whose it is where that was said."""
    from gatepost.connect.clients import CLIENTS, Surroundings

    if client is not None and client not in CLIENTS:
        raise click.UsageError(f"{client} is not a client; they are {', '.join(CLIENTS)}.")
    known = CLIENTS.get(text)
    if known is not None and known.file is not None and not Path(text).exists():
        return known.file(Surroundings.here()), client or text
    return Path(text).expanduser(), client


def _read(path: Path, client: str | None) -> ClientFile:
    from gatepost.connect.clients import Surroundings
    from gatepost.connect.reading import read_client_file

    here = Surroundings.here()
    homes = [here.home] if here.windows_home is None else [here.home, here.windows_home]
    return read_client_file(path, client, homes=homes)


def _rules(policy: str | None, profile: str | None, *, shadow: bool) -> Rules:
    from gatepost.importing.bringing import Rules

    if policy is None:
        return Rules(shadow=shadow, profile=profile)
    if Path(policy).is_file():
        return Rules(document=Path(policy).read_bytes())
    if "/" in policy or Path(policy).suffix in (".json", ".yaml", ".yml"):
        raise click.UsageError(f"There is no file {policy}.")
    return Rules(policy=policy)


def _answers(inputs: Sequence[str]) -> dict[str, str]:
    from gatepost.cli.values import given
    from gatepost.control.secrets import read_secret

    found = {}
    for text in inputs:
        name, equals, source = text.partition("=")
        if not equals or not name:
            raise click.UsageError(f"{name!r} is not an input; write --input ID=@FILE or --input ID=env:NAME.")
        found[name] = given(read_secret, source)
    return found


def _planned(client_file: ClientFile, inputs: Sequence[str], store: Any) -> list[Brought]:
    from gatepost.importing.bringing import plan
    from gatepost.importing.entries import Around

    around = Around(client_file.client.id, os.environ, Path.home(), _answers(inputs))
    return plan(store, client_file, around)


def _dry(place: Place, client_file: ClientFile, inputs: Sequence[str], *, as_json: bool) -> int:
    from gatepost.cli.session import opened
    from gatepost.importing.bringing import Report

    if place.folder(create=False).store.exists():
        with opened(place) as store:
            planned = _planned(client_file, inputs, store)
    else:
        planned = _planned(client_file, inputs, None)
    return _show(client_file, Report(tuple(planned)), as_json=as_json)


def _bring(
    place: Place,
    client_file: ClientFile,
    inputs: Sequence[str],
    rules: Rules,
    *,
    rewrite: bool,
    url: str | None,
    as_json: bool,
) -> int:
    from datetime import datetime

    from gatepost.cli.connect import server_url
    from gatepost.cli.session import actor, opened
    from gatepost.importing.bringing import bring, turn_over

    def address(server: str) -> str:
        return server_url(place, server, url)

    address("any")  # a wrong --url is noticed before anything is started
    with opened(place, create=True) as store:
        report = bring(store, actor(), client_file, _planned(client_file, inputs, store), rules, _scan)
        if rewrite:
            report = turn_over(store, actor(), client_file, report, address, datetime.now())
    code = _show(client_file, report, as_json=as_json)
    if not as_json:
        _next(place, client_file, report, rewrite=rewrite)
    return code


def _scan(targets: Sequence[Target]) -> list[Found | GatepostError]:
    """What each server says of itself, a few asked at a time; says on stderr what is being done."""
    import asyncio

    from gatepost.cli.output import progress
    from gatepost.cli.reaching import lasting
    from gatepost.errors import GatepostError
    from gatepost.processes.scanning import scan

    async def one(target: Target, turn: asyncio.Semaphore) -> Found | GatepostError:
        async with turn:
            progress(f"Asking {target.url} …" if target.url else f"Starting {' '.join(target.command)} …")
            try:
                async with lasting(target.name):
                    return await scan(target)
            except GatepostError as error:
                return error

    async def all_of_them() -> list[Found | GatepostError]:
        turn = asyncio.Semaphore(_AT_ONCE)
        return list(await asyncio.gather(*(one(target, turn) for target in targets)))

    return asyncio.run(all_of_them())


def _show(client_file: ClientFile, report: Report, *, as_json: bool) -> int:
    from gatepost.cli.output import clean, emit, heading, table

    left = any(each.state == "left" for each in report.brought)
    if as_json:
        emit(_as_dict(client_file, report))
        return 1 if left else 0
    for warning in report.warnings:
        click.echo(f"warning: {clean(warning)}", err=True)
    if not report.brought:
        click.echo(f"{client_file.file} lists no server.")
        return 0
    table(
        ["IN THE CLIENT", "SERVER", "POLICY", "WHAT"],
        [[each.listed.name, each.server or "", each.policy or "", _WORDS[each.state]] for each in report.brought],
    )
    for each in report.brought:
        if each.state == "left":
            click.echo(f"{clean(each.listed.name)} is left as it is: {clean(each.why)}")
    started = [each for each in report.brought if each.allowed or each.refused]
    if started:
        heading("The starting policies")
        for each in started:
            click.echo(f"  {each.server}")
            click.echo(f"    allowed: {clean(', '.join(each.allowed)) or 'no tool'}")
            click.echo(f"    refused: {clean(', '.join(each.refused)) or 'no tool'}")
    return 1 if left else 0


def _next(place: Place, client_file: ClientFile, report: Report, *, rewrite: bool) -> None:
    """What was written, and what is to be done now."""
    import shlex
    import shutil

    from gatepost.cli.connect import warn_of_no_gateway

    refused = next((each for each in report.brought if each.refused), None)
    if refused is not None:
        click.echo()
        click.echo("To allow a refused tool, take the action out of its entry:")
        click.echo(f"  gatepost policy show {refused.policy} > {refused.policy}.json")
        click.echo(f"  gatepost policy add {refused.policy} {refused.policy}.json --server {refused.server}")
    stored = report.stored
    if stored is not None:
        click.echo()
        click.echo(f"Written to {stored.file}")
        click.echo(f"Backup:    {stored.backup} (with the secrets that the file held)")
        click.echo(f"Undo:      gatepost server import {shlex.quote(str(client_file.file))} --undo")
        click.echo(client_file.client.load)
        if client_file.client.id == "claude-desktop" and shutil.which("npx") is None:
            click.echo("warning: Claude Desktop needs npx (Node.js 18 or newer) to reach the gateway.", err=True)
        if any((folder / ".git").exists() for folder in stored.file.parents):
            click.echo("warning: The file lies in a git work tree and now holds tokens; do not commit it.", err=True)
        warn_of_no_gateway(place)
    elif not rewrite and any(each.state in ("added", "present") for each in report.brought):
        click.echo()
        click.echo("The client's file is as it was. To turn it over to the gateway:")
        click.echo(f"  gatepost server import {shlex.quote(str(client_file.file))} --rewrite")


def _undo(place: Place, path: Path, *, as_json: bool) -> int:
    from gatepost.cli.output import clean, emit
    from gatepost.cli.session import actor, opened
    from gatepost.importing.undo import undo

    with opened(place) as store:
        undone = undo(store, actor(), path)
    if as_json:
        emit(_undone(path, undone))
        return 1 if undone.left else 0
    if undone.touched and undone.whole:
        click.echo(f"{path.resolve()} is as it was, byte for byte.")
    elif undone.touched:
        click.echo(f"{path.resolve()} had changed since; its entries are put back, the rest is as it is now.")
    for name in undone.left:
        click.echo(f"{clean(name)} was changed or taken out by somebody, and is left so.", file=sys.stderr)
    for backup in undone.backups:
        click.echo(f"The backup {backup} stays, with the secrets that it holds; remove it when all is well.")
    for word, names in (("Revoked", undone.revoked), ("Removed", undone.removed)):
        if names:
            click.echo(f"{word}: {', '.join(names)}")
    if undone.kept:
        click.echo(f"Kept, for other grants are in use on them: {', '.join(undone.kept)}")
    click.echo("Policies and the log stay.")
    return 1 if undone.left else 0


def _undone(path: Path, undone: Undone) -> dict[str, Any]:
    from dataclasses import asdict

    return {"file": str(path.resolve()), **asdict(undone)}


def _as_dict(client_file: ClientFile, report: Report) -> dict[str, Any]:
    stored = report.stored
    return {
        "file": str(client_file.file),
        "client": client_file.client.id,
        "rewritten": stored is not None and stored.changed,
        "backup": None if stored is None or stored.backup is None else str(stored.backup),
        "grants": list(report.grants),
        "warnings": list(report.warnings),
        "servers": [
            {
                "name": each.listed.name,
                "section": list(each.listed.section),
                "state": each.state,
                "why": each.why or None,
                "server": each.server,
                "policy": each.policy,
                "allowed": list(each.allowed),
                "refused": list(each.refused),
            }
            for each in report.brought
        ],
    }

"""`gatepost connect`: what to paste into a client, or merged into its file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gatepost.cli.command import Command, Place, json_option
from gatepost.connect.clients import CLIENTS, Surroundings, Target

if TYPE_CHECKING:
    from pathlib import Path

_DEFAULT_URL = "http://127.0.0.1:7070"


@click.command(
    "connect",
    cls=Command,
    examples="""
    # Show what to paste into Cursor's mcp.json:
    gatepost connect cursor --server files --token @token.txt

    # Put it into Claude Code's own file, with a backup beside it:
    gatepost connect claude-code --server files --token env:FILES_TOKEN --write
    """,
)
@click.argument("client", type=click.Choice(list(CLIENTS)), metavar="CLIENT")
@click.option("--server", required=True, metavar="S", help="The server, as `gatepost server list` names it.")
@click.option(
    "--token",
    required=True,
    metavar="T",
    help="The grant's token; better than the token itself: @FILE, env:NAME, or - for standard input.",
)
@click.option("--write", is_flag=True, help="Merge it into the client's file and keep a backup.")
@click.option("--url", metavar="URL", help="The gateway's address, where it is not the one of this data folder.")
@json_option
@click.pass_obj
def connect(place: Place, client: str, server: str, token: str, write: bool, url: str | None, as_json: bool) -> None:
    """Show a client's configuration for a server behind Gatepost.

    CLIENT is claude-code, claude-desktop, cursor, vscode, codex, gemini-cli, cline, windsurf or generic. The token is
    shown in what is to be pasted and nowhere else; with --write it is not shown at all.
    """
    from datetime import datetime

    from gatepost.cli.output import emit, style
    from gatepost.errors import GatepostError

    chosen = CLIENTS[client]
    target = Target(server, server_url(place, server, url), _token(token))
    file = chosen.file(Surroundings.here()) if chosen.file is not None else None
    if url is None:
        _warn_of_unknown(place, server)
        _warn_of_token(place, server, target.token)
        warn_of_no_gateway(place)

    if write:
        if file is None:
            raise click.UsageError(f"For {chosen.title} there is no file to write; without --write it is shown.")
        from gatepost.connect.merge import store

        try:
            stored = store(chosen, target, file, now=datetime.now())
        except GatepostError:
            click.echo(chosen.snippet(target))
            raise
        _warn_of_readers(stored.file)
        if as_json:
            backup = str(stored.backup) if stored.backup else None
            emit({"client": client, "file": str(stored.file), "changed": stored.changed, "backup": backup})
            return
        if not stored.changed:
            click.echo(f"{stored.file} has it already.")
            return
        click.echo(f"Written to {stored.file}")
        if stored.backup:
            click.echo(f"Backup:    {stored.backup}")
        click.echo(chosen.load)
        return

    if as_json:
        emit(
            {
                "client": client,
                "server": server,
                "url": target.url,
                "file": str(file) if file else None,
                "format": chosen.format,
                "snippet": chosen.snippet(target),
                "notes": [*chosen.notes, *([chosen.load] if chosen.load else [])],
            }
        )
        return
    # What is to be pasted goes to stdout alone, so that it can be piped; the rest is said on stderr.
    where = f"into {file}" if file else "where the client wants it"
    click.echo(style(f"For {chosen.title}, {where}:", bold=True), err=True)
    click.echo(err=True)
    click.echo(chosen.snippet(target), nl=False)
    if chosen.command is not None:
        click.echo(err=True)
        click.echo(style("Or with its own command:", bold=True), err=True)
        click.echo(chosen.command(target), err=True)
    click.echo(err=True)
    for note in (*chosen.notes, chosen.load):
        if note:
            click.echo(note, err=True)


def _warn_of_unknown(place: Place, server: str) -> None:
    """Says where this folder's gateway has no such server: what is written then leads nowhere, for now."""
    from gatepost.cli.naming import known_names
    from gatepost.control.suggest import nearest

    known = [name for name, _ in known_names(place, "server") or []]
    if server not in known:
        hint = nearest(server, known) or f"Add it: gatepost server add {server} --help"
        click.echo(f"warning: No server {server} is registered here yet. {hint}", err=True)


def _warn_of_token(place: Place, server: str, token: str) -> None:
    """Says where the token is not for this server: its calls would be refused, and the client would not say why."""
    from gatepost.cli.naming import known_names, server_of_token
    from gatepost.grants.token import digest

    if not known_names(place, "server"):
        return  # it may be for a gateway elsewhere
    meant = server_of_token(place, digest(token))
    if meant is None:
        click.echo("warning: No grant here has this token, or it is revoked: see gatepost grant list", err=True)
    elif meant != server:
        mend = f"gatepost grant add LABEL --server {server}"
        click.echo(f"warning: This token is for {meant}, and is refused at {server}. Make one: {mend}", err=True)


def warn_of_no_gateway(place: Place) -> None:
    """Warns where no `serve` runs on this folder: a client would reach nothing at the address that it is told."""
    import shlex

    from gatepost.processes.lock import holder

    if holder(place.folder(create=False).run) is None:
        mend = "gatepost serve" if place.data is None else f"gatepost serve --data {shlex.quote(place.data)}"
        click.echo(f"warning: No gateway runs here yet, so the client reaches nothing. Run: {mend}", err=True)


def _warn_of_readers(file: Path) -> None:
    """Says where others on this machine can read the client's file: it holds a token now, and its mode is not ours."""
    import os
    import shlex

    if os.name == "posix" and file.stat().st_mode & 0o077:
        mend = f"chmod 600 {shlex.quote(str(file))}"
        click.echo(f"warning: Others on this machine can read {file}, and the token in it. Mend it: {mend}", err=True)


def _token(text: str) -> str:
    from gatepost.cli.values import WrongUsage, given
    from gatepost.control.secrets import read_secret
    from gatepost.errors import GatepostError
    from gatepost.grants.token import is_well_formed

    token = given(read_secret, text) if text == "-" or text.startswith(("@", "env:")) else text
    if not is_well_formed(token):
        raise WrongUsage(
            GatepostError(
                "GP-4005",
                "This is not a token of Gatepost: it begins with gp_, has 52 characters, and its last six are a "
                "checksum.",
                "Copy it again, or make a new one: gatepost grant rotate LABEL",
            )
        )
    return token


def server_url(place: Place, server: str, url: str | None) -> str:
    """The server's address at the gateway: `--url`, else that of the running or the last `serve`, else the default."""
    import re

    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,62}", server):
        raise click.UsageError(f"{server} is not a server's name.")
    if url is None:
        from gatepost.processes.lock import last_known

        facts = last_known(place.folder(create=False).run)
        url = str(facts.get("public_url") or facts.get("data_plane") or _DEFAULT_URL)
    if not re.match(r"https?://[^/?#\s]+", url) or "?" in url or "#" in url:
        raise click.UsageError(f"{url} is not an http or https address.")
    return f"{url.rstrip('/')}/mcp/{server}/"

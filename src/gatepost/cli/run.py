"""`gatepost run`: one server under a policy, as one line in a client's own configuration."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from gatepost.cli.command import Command, Place

if TYPE_CHECKING:
    from gatepost.definitions.pinfile import Mode
    from gatepost.processes.policy_file import PolicyFile

_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")
_LAUNCHERS = frozenset({"npx", "uvx", "node", "python", "python3", "uv", "bunx", "pnpm", "deno", "docker", "env"})


@click.command(
    "run",
    cls=Command,
    examples="""
    # In a client's configuration, where it said: npx -y @modelcontextprotocol/server-filesystem ~/Documents
    gatepost run --policy files.yaml -- npx -y @modelcontextprotocol/server-filesystem ~/Documents

    # A server over HTTP, for a client that only starts programs; its secret is in a file:
    gatepost run --policy github.yaml --upstream https://api.githubcopilot.com/mcp/ \\
      --header "Authorization: Bearer @github.token"

    # What came of it:
    gatepost log show
    """,
)
@click.option(
    "--policy",
    "policy_file",
    metavar="FILE",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The policy that judges every call, YAML or JSON. A change of it counts from the next call on.",
)
@click.option("--name", metavar="NAME", help="The server's name in the log and in counters [default: the command's].")
@click.option("--identity", metavar="WHO", help="For whom calls are counted and recorded [default: user@host].")
@click.option("--upstream", "url", metavar="URL", help="A server over streamable HTTP, instead of a command.")
@click.option(
    "--header",
    "headers",
    metavar='"NAME: SOURCE"',
    multiple=True,
    help="Sent to --upstream with every request; SOURCE is @FILE or env:VARIABLE. May be repeated.",
)
@click.option(
    "--drift",
    type=click.Choice(["warn", "quarantine", "off"]),
    default="warn",
    show_default=True,
    help="What becomes of a tool whose definition is not what it was when the server was first met: told of and used, "
    "out of use until `gatepost server accept NAME`, or used without a word.",
)
@click.option(
    "--timeout",
    metavar="SECONDS",
    type=click.FloatRange(1, 86400),
    default=300,
    show_default=True,
    help="How long the server may take to begin an answer. A call that takes longer fails; others go on.",
)
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def run(
    place: Place,
    policy_file: Path,
    name: str | None,
    identity: str | None,
    url: str | None,
    headers: tuple[str, ...],
    drift: str,
    timeout: float,
    command: tuple[str, ...],
) -> int:
    """Put one server under a policy, without a daemon.

    Speaks MCP on standard input and output as the server itself would: write it into a client's configuration in front
    of the command that is there. The program gets the client's environment, folder, standard error and signals, and its
    exit code is passed on (128 and its number for a signal, 127 where it cannot be started).

    All runs and a `serve` on one data folder share one log and one set of counters.
    """
    from gatepost.cli.output import clean
    from gatepost.cli.values import given
    from gatepost.control.names import check_identity, check_server
    from gatepost.control.secrets import parse_header
    from gatepost.control.target import Target, check_target
    from gatepost.processes.running import Orders, main, whoami

    if (url is None) == (not command):
        raise click.UsageError("Give either --upstream URL, or -- and the command that starts the server.")
    if headers and url is None:
        raise click.UsageError("--header goes with --upstream; a program has its client's environment.")
    if any(header.replace(":", " ").split()[-1:] == ["-"] for header in headers):
        raise click.UsageError("Standard input is the client's here; give a header's value as @FILE or env:VARIABLE.")
    policy = _policy(policy_file)
    name = name or _name(command, url)
    given(check_server, name)
    if identity:
        given(check_identity, identity)
    sent = tuple(given(parse_header, header) for header in headers)
    target = Target(name=name, url=url, headers=sent, command=command)
    for warning in given(check_target, target):
        click.echo(f"warning: {clean(warning)}", err=True)
    orders = Orders(
        name=name,
        policy=policy,
        identity=identity or whoami(),
        drift=cast("Mode", drift),
        patience=timeout,
        command=command,
        url=url,
        headers=target.headers,
    )
    return main(place.folder(), orders)


def _policy(file: Path) -> PolicyFile:
    """The policy in a file. Raises `UsageError` where it cannot be read, `GatepostError` GP-2001 with every mistake."""
    from gatepost.processes.policy_file import PolicyFile

    try:
        return PolicyFile(file)
    except OSError as error:
        raise click.UsageError(f"{file} cannot be read: {error.strerror}.") from None


def _name(command: tuple[str, ...], url: str | None) -> str:
    """A server's name from its command's or its host's."""
    if url is not None:
        from urllib.parse import urlsplit

        said = urlsplit(url).hostname or ""
    else:
        said = Path(command[0]).stem
        if said in _LAUNCHERS:
            # What is launched says more than what launches it.
            words = [word for word in command[1:] if not word.startswith("-")]
            said = Path(words[0].partition("@")[0] or words[0].rpartition("/")[2]).stem if words else said
    return _NOT_IN_NAMES.sub("-", said.lower()).strip("-")[:63] or "server"

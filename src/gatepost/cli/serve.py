"""`gatepost serve`: runs the gateway until it is told to stop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gatepost.cli.command import Command, Place
from gatepost.cli.values import given

if TYPE_CHECKING:
    from gatepost.paths import DataFolder
    from gatepost.processes.supervisor import Running, ServeOptions


def _address(_context: click.Context, parameter: click.Parameter, value: str) -> str:
    host, colon, port = value.rpartition(":")
    if not (colon and host and port.isdigit() and int(port) <= 65535):
        raise click.BadParameter(f"{value} is not HOST:PORT, such as {parameter.default}.")
    return value


def _networks(_context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    if values:
        from gatepost.wire.names import Proxies

        given(Proxies, values)
    return values


def _public_url(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    if value is None:
        return None
    from gatepost.wire.listen_policy import check_public_url

    return given(check_public_url, value)


@click.command(
    "serve",
    cls=Command,
    examples="""
    # On this machine only:
    gatepost serve

    # For a network, behind a proxy that terminates TLS:
    gatepost serve --listen 0.0.0.0:7070 --behind-proxy --trusted-proxy 10.0.0.0/8 --public-url https://mcp.example.com

    # For a network, with its own certificate:
    gatepost serve --listen 0.0.0.0:7443 --tls-cert cert.pem --tls-key key.pem
    """,
)
@click.option(
    "--listen",
    metavar="HOST:PORT",
    default="127.0.0.1:7070",
    show_default=True,
    callback=_address,
    help="For the agents; port 0 takes a free one.",
)
@click.option(
    "--console",
    metavar="HOST:PORT",
    default="127.0.0.1:7071",
    show_default=True,
    callback=_address,
    help="For the status page, on this machine only.",
)
@click.option("--behind-proxy", is_flag=True, help="A proxy in front of --listen terminates TLS.")
@click.option(
    "--trusted-proxy",
    "trusted_proxies",
    metavar="NETWORK",
    multiple=True,
    callback=_networks,
    help="Whose word on a client's address counts, such as 10.0.0.0/8; may be repeated.",
)
@click.option(
    "--public-url",
    metavar="URL",
    callback=_public_url,
    help="The address that clients use. Without it: the first name in --tls-cert, or else the one of --listen.",
)
@click.option("--tls-cert", metavar="FILE", type=click.Path(dir_okay=False), help="Certificate chain, PEM.")
@click.option("--tls-key", metavar="FILE", type=click.Path(dir_okay=False), help="Its private key, PEM.")
@click.option(
    "--sync",
    type=click.Choice(["os", "full"]),
    default="os",
    show_default=True,
    help="When a decision counts as recorded: handed to the system (survives a crash of Gatepost), or on the disk "
    "(survives a loss of power too, and is slower).",
)
@click.pass_obj
def serve(
    place: Place,
    listen: str,
    console: str,
    behind_proxy: bool,
    trusted_proxies: tuple[str, ...],
    public_url: str | None,
    tls_cert: str | None,
    tls_key: str | None,
    sync: str,
) -> int:
    """Run the gateway.

    That is the data plane for agents, and a worker with a status page. One serve runs per data folder. SIGTERM and
    Ctrl-C let the calls in flight end first; a second one does not. The log is kept for good, unless `journal
    retention`, or before it GATEPOST_LOG_MAX_AGE (such as 90d) and GATEPOST_LOG_MAX_BYTES, say otherwise.
    """
    import asyncio

    from gatepost.processes.supervisor import ServeOptions

    if (tls_cert is None) != (tls_key is None):
        raise click.UsageError("--tls-cert and --tls-key go together.")
    options = ServeOptions(
        listen=listen,
        console=console,
        behind_proxy=behind_proxy,
        trusted_proxies=trusted_proxies,
        public_url=public_url,
        tls_cert=tls_cert,
        tls_key=tls_key,
        sync=sync,
    )
    return asyncio.run(_run(place.folder(), options))


async def _run(data: DataFolder, options: ServeOptions) -> int:
    import asyncio
    import signal

    from gatepost.cli.main import INTERRUPTED
    from gatepost.processes.supervisor import StartFailed, Supervisor

    supervisor = Supervisor(data, options, say=lambda sentence: click.echo(sentence, err=True))
    received: list[int] = []

    def stop(number: int) -> None:
        received.append(number)
        if len(received) == 1:
            click.echo("Stopping: calls in flight end first.", err=True)
        supervisor.stop()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop, number)
    try:
        await supervisor.run(lambda running: _announce(data, running))
    except StartFailed:
        return 1
    return INTERRUPTED if received and received[0] == signal.SIGINT else 0


def _announce(data: DataFolder, running: Running) -> None:
    import shlex

    from gatepost import __version__
    from gatepost.cli.output import fields, heading, style
    from gatepost.paths import data_folder

    click.echo(style(f"Gatepost {__version__} runs.", bold=True))
    places = [("agents", f"{running.public_url}/mcp/SERVER/")]
    if running.public_url != running.data_plane:
        places.append(("listens on", running.data_plane))
    fields([*places, ("status page", running.console), ("data", str(data.root))])
    if not _anything_registered(data):
        heading("Nothing is behind it yet. In another terminal:")
        chosen = f" --data {shlex.quote(str(data.root))}" if data_folder() != data.root else ""
        for line in (
            f"gatepost server add files{chosen} -- npx -y @modelcontextprotocol/server-filesystem ~/Documents",
            f"gatepost policy add files policy.yaml --server files{chosen}",
            f"gatepost grant add my-agent --server files --policy files{chosen}",
            f"gatepost connect claude-code --server files --token T --write{chosen}",
        ):
            click.echo(f"  {line}")
    click.echo()
    click.echo("Ctrl-C ends it.")


def _anything_registered(data: DataFolder) -> bool:
    """Whether the feed that the data plane reads names a server."""
    import contextlib
    import sqlite3

    with contextlib.closing(sqlite3.connect(f"{data.store.as_uri()}?mode=ro", uri=True)) as store:
        row = store.execute("SELECT 1 FROM published WHERE kind = 'server' AND body IS NOT NULL LIMIT 1").fetchone()
    return row is not None

"""How a command line says where a server is, and asking it."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from gatepost.control.target import Target
    from gatepost.processes.scanning import Found
    from gatepost.upstreams.scan import ServerInfo

    Scan = Callable[[Target, Callable[[ServerInfo], None]], Awaitable[Found]]


_PATIENCE = 3
"""Seconds after which it is said that a server takes its time."""
_REMINDED = 10


def target_of(
    name: str, url: str | None, headers: tuple[str, ...], variables: tuple[str, ...], command: tuple[str, ...]
) -> Target:
    """What `--url`, `--header`, `--env` and what follows `--` say.

    Raises `click.UsageError` where they do not go together, or one is none that can be used.
    """
    from gatepost.cli.values import given
    from gatepost.control.secrets import parse_env, parse_header
    from gatepost.control.target import Target, check_target

    if (url is None) == (not command):
        raise click.UsageError("Give either --url URL, or -- and the command that starts the server.")
    if headers and url is None:
        raise click.UsageError("--header goes with --url; a program gets its secrets with --env.")
    if variables and url is not None:
        raise click.UsageError("--env goes with a command; a URL gets its secrets with --header.")
    target = Target(
        name=name,
        url=url,
        headers=tuple(given(parse_header, header) for header in headers),
        command=command,
        env=dict(given(parse_env, variable) for variable in variables),
        # It starts where this command was typed, as it would from a shell.
        cwd=str(Path.cwd()) if command else None,
    )
    given(check_target, target)
    return target


def ask(target: Target) -> Found:
    """What a server says of itself, and its tools; says on stderr what is being done, and what is wrong with them."""
    from gatepost.cli.output import clean
    from gatepost.processes.scanning import scan

    found = _asked(target, scan, "Reading its tools …")
    for problem in found.problems:
        click.echo(f"warning: {clean(problem)}", err=True)
    return found


def ask_all(target: Target) -> Found:
    """All that a server says and offers; says on stderr what is being done."""
    from gatepost.processes.scanning import scan_all

    return _asked(target, scan_all, "Reading what it has …")


def _asked(target: Target, scan: Scan, then: str) -> Found:
    import asyncio

    from gatepost.cli.output import progress, spoken

    def heard(info: ServerInfo) -> None:
        progress(f"It speaks {spoken(info.eras, info.versions)}. {then}")

    progress(f"Asking {target.url} …" if target.url else f"Starting {' '.join(target.command)} …")

    async def run() -> Found:
        async with lasting():
            return await scan(target, heard)

    return asyncio.run(run())


@asynccontextmanager
async def lasting(server: str | None = None) -> AsyncIterator[None]:
    """Says in a terminal, on stderr, that what is done within takes long, for as long as it does.

    Args:
        server: whose answer it is, where several are asked at once.
    """
    import asyncio

    waiting = asyncio.create_task(_say_that_it_lasts(server)) if sys.stderr.isatty() else None
    try:
        yield
    finally:
        if waiting is not None:
            waiting.cancel()


async def _say_that_it_lasts(server: str | None) -> None:
    import asyncio

    from gatepost.cli.output import progress

    seconds = _PATIENCE
    await asyncio.sleep(seconds)
    while True:
        progress(f"Still waiting{f' for {server}' if server else ''}, for {seconds} s by now; Ctrl-C gives up.")
        await asyncio.sleep(_REMINDED)
        seconds += _REMINDED

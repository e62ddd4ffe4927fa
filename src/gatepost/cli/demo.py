"""`gatepost demo`: the whole thing on sample data, told step by step."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gatepost.cli.command import Command, Place

if TYPE_CHECKING:
    import asyncio

    from gatepost.control.servers import Server
    from gatepost.demo.agent import Outcome
    from gatepost.demo.media import Media
    from gatepost.demo.published import Published
    from gatepost.demo.stage import Stage
    from gatepost.paths import DataFolder
    from gatepost.processes.supervisor import Running, ServeOptions

_NEEDED_SECONDS = 8.0
_BURST = 12
_SHOWN_ROWS = 6
_PLAY_SECONDS = 20
_INDENT = 3


@click.command(
    "demo",
    cls=Command,
    examples="""
    gatepost demo
    gatepost demo --once    # end after the script; exit code 0 if all came out as it should
    """,
)
@click.option("--once", is_flag=True, help="End after the script instead of staying up.")
@click.pass_obj
def demo(place: Place, once: bool) -> int:
    """See it work, on sample data.

    The bundled servers for Plex and Trakt in front of a sandbox that stands in for both, the published policies, a
    grant for each, and a scripted agent that runs away and is stopped. Everything lies in a temporary folder that goes
    at the end, unless --data names one. Nothing of yours is touched. Ctrl-C ends it.
    """
    import asyncio
    import tempfile

    from gatepost.paths import DataFolder

    if place.data is not None:
        return asyncio.run(_Demo(place.folder(), temporary=False).run(once=once))
    with tempfile.TemporaryDirectory(prefix="gatepost-demo-") as folder:
        return asyncio.run(_Demo(DataFolder(Path(folder)), temporary=True).run(once=once))


class _Demo:
    """One run of the demo on one data folder."""

    def __init__(self, data: DataFolder, *, temporary: bool) -> None:
        self._data = data
        self._temporary = temporary
        self._wrong: list[str] = []

    async def run(self, *, once: bool) -> int:
        from gatepost.demo.media import sandbox

        _say("Gatepost demo", bold=True)
        _say("Sample data only; nothing of yours is touched.")
        _title(1, "The bundled MCP servers, in front of a sandbox that stands in for Plex and Trakt")
        async with sandbox() as media:
            return await self._run(media, once=once)

    async def _run(self, media: Media, *, once: bool) -> int:
        import asyncio
        import contextlib
        import signal

        from gatepost.cli.main import INTERRUPTED
        from gatepost.control.store import open_store
        from gatepost.demo.stage import prepare
        from gatepost.processes.supervisor import StartFailed, Supervisor

        signing_in = asyncio.create_task(media.sign_in())
        with open_store(self._data) as store:
            stage = await prepare(store, media, _server_added)
        _title(2, "The published policies, and a grant for each")
        _policies()

        supervisor = Supervisor(self._data, _options(), say=lambda sentence: click.echo(sentence, err=True), quiet=True)
        interrupted = asyncio.Event()

        def interrupt() -> None:
            interrupted.set()
            supervisor.stop()

        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, interrupt)
        running: list[Running] = []
        up = asyncio.Event()

        def started(where: Running) -> None:
            running.append(where)
            up.set()

        serving = asyncio.create_task(supervisor.run(started))
        stopped = asyncio.create_task(interrupted.wait())
        waiting = asyncio.create_task(up.wait())
        story: asyncio.Task[None] | None = None
        try:
            await asyncio.wait([waiting, serving], return_when=asyncio.FIRST_COMPLETED)
            if not running:
                await serving
                return INTERRUPTED
            story = asyncio.create_task(self._story(running[0], stage, media, signing_in, stays=not once))
            await asyncio.wait([story, stopped, serving], return_when=asyncio.FIRST_COMPLETED)
            if story.done():
                story.result()
                if not once:
                    click.echo()
                    _say(
                        "It stays up for you to try. Ctrl-C ends it" + (" and removes all." if self._temporary else ".")
                    )
                    await stopped
        except StartFailed as failed:
            click.echo(str(failed), err=True)
            return 1
        finally:
            for task in (story, stopped, waiting, signing_in):
                if task is not None:
                    task.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await task
            supervisor.stop()
            await asyncio.gather(serving, return_exceptions=True)
        if self._wrong:
            for sentence in self._wrong:
                click.echo(f"unexpected: {sentence}", err=True)
            return 1
        return INTERRUPTED if interrupted.is_set() else 0

    async def _story(
        self, running: Running, stage: Stage, media: Media, signing_in: asyncio.Task[bool], *, stays: bool
    ) -> None:
        await self._ordinary(running, stage)
        self._expect(await signing_in, "the sandbox's Trakt did not let the demo sign in")
        await self._runaway(running, stage)
        await self._scrobbled(running, stage, media)
        await self._others(running, stage)
        await self._log()
        if stays:
            _title(8, "Try it yourself")
            _try_it(running, stage)

    async def _ordinary(self, running: Running, stage: Stage) -> None:
        """An agent that does its work, and once tries something else."""
        from gatepost.demo.agent import connected
        from gatepost.demo.published import EXPORT, LIBRARIES

        _title(3, "An agent at work: the official MCP client, with the grant “librarian”")
        url = f"{running.data_plane}/mcp/plex/"
        async with connected(url, stage.tokens[LIBRARIES.grant]) as agent:
            names = await agent.tools()
            _line("tools/list", "", f"{len(names)} tools")
            libraries = await agent.call("get_libraries", {})
            titles = [each["title"] for each in libraries.content.get("libraries", ())]
            _outcome("get_libraries", libraries, ", ".join(titles) if libraries.allowed else libraries.reason)
            films = await agent.call("browse_library", {"libraryKey": "1", "limit": 4})
            found = [f"{each['title']} ({each['year']})" for each in films.content.get("items", ())]
            _outcome("browse_library", films, ", ".join(found) if films.allowed else films.reason)
            other = await agent.call(EXPORT.name, EXPORT.arguments)
            _outcome(EXPORT.name, other, other.reason)
        self._expect(bool(titles and found), "the libraries were not listed")
        self._expect(not other.allowed, "export_library was let through under a policy that denies it")

    async def _runaway(self, running: Running, stage: Stage) -> None:
        """An agent in a loop: the eleventh call of the minute is stopped, and so are all after it."""
        from gatepost.demo.agent import connected
        from gatepost.demo.published import SCROBBLE

        _title(4, "An agent that runs away: the same call, over and over")
        url = f"{running.data_plane}/mcp/plex/"
        async with connected(url, stage.tokens[SCROBBLE.grant]) as agent:
            await _fresh_minute()
            outcomes = [await agent.call(SCROBBLE.name, SCROBBLE.arguments) for _ in range(_BURST)]
        for number, outcome in enumerate(outcomes, start=1):
            _outcome(f"call {number:>2}", outcome, "forwarded to the server" if outcome.allowed else outcome.reason)
        self._expect_limit(SCROBBLE, outcomes)
        denied = next((outcome for outcome in outcomes if not outcome.allowed), None)
        if denied is not None:
            _say(
                "   That sentence is what the agent's model reads, so that it can wait instead of trying on.", dim=True
            )

    async def _scrobbled(self, running: Running, stage: Stage, media: Media) -> None:
        """The ten calls that were let through did something: what plays on Plex is told to Trakt."""
        import asyncio

        from gatepost.demo.agent import connected
        from gatepost.demo.published import HISTORY

        _title(5, "What the first ten did: somebody plays a film on Plex, and Trakt knows")
        plays: list[dict[str, Any]] = []
        async with connected(f"{running.data_plane}/mcp/trakt/", stage.tokens[HISTORY.grant]) as agent:
            before = len((await agent.call("fetch_history", {})).content.get("items", ()))
            await media.play()
            _line("Plex", "", "plays A Trip to the Moon, 240 times as fast as Méliès meant it")
            for _ in range(_PLAY_SECONDS * 4):
                await asyncio.sleep(0.25)
                plays = (await agent.call("fetch_history", {})).content.get("items", [])
                if len(plays) > before:
                    break
        seen = len(plays) == before + 1
        _line("fetch_history", "✓" if seen else "✗", f"newest play: {plays[0]['title']}" if plays else "no play")
        self._expect(seen, "the film that was played is not in Trakt's history")

    async def _others(self, running: Running, stage: Stage) -> None:
        """Every other published policy, each to its limit."""
        from gatepost.cli.output import table
        from gatepost.demo.agent import connected
        from gatepost.demo.published import ALL, SCROBBLE

        _title(6, "The other published policies, each asked for more than it allows")
        rows = []
        for policy in ALL:
            if policy is SCROBBLE:
                continue
            calls = _BURST if policy.per_minute is None else policy.per_minute + 2
            async with connected(f"{running.data_plane}/mcp/{policy.server}/", stage.tokens[policy.grant]) as agent:
                await _fresh_minute()
                outcomes = [await agent.call(policy.name, policy.arguments) for _ in range(calls)]
            self._expect_limit(policy, outcomes)
            allowed = sum(outcome.allowed for outcome in outcomes)
            rows.append([policy.name, policy.meaning, str(calls), str(allowed), str(calls - allowed)])
        table(["POLICY", "ALLOWS", "CALLS", "LET THROUGH", "STOPPED"], rows, indent=_INDENT)

    async def _log(self) -> None:
        """What the log says of it, and that nobody has changed it since."""
        import asyncio

        from gatepost.audit import Filter, verify_folder
        from gatepost.cli.output import table
        from gatepost.cli.records import COLUMNS, columns, entries
        from gatepost.demo.published import SCROBBLE
        from gatepost.keys import Keyring

        _title(7, "The log")
        found = await asyncio.to_thread(entries, self._data, Filter(grant=SCROBBLE.grant), _SHOWN_ROWS)
        table(COLUMNS, [columns(entry) for entry in found], indent=_INDENT)
        key = Keyring.open(self._data.keys, create=False).verify_key
        verdict = await asyncio.to_thread(verify_folder, self._data.journal, key)
        _line(
            "gatepost log verify", "✓" if verdict.ok else "✗", f"{verdict.rows} records, each bound to the one before"
        )
        self._expect(verdict.ok, "the log does not verify")

    def _expect(self, condition: bool, otherwise: str) -> None:
        if not condition:
            self._wrong.append(otherwise)

    def _expect_limit(self, policy: Published, outcomes: list[Outcome]) -> None:
        """The first calls are let through up to the limit, every one after it is stopped."""
        allowed = [outcome.allowed for outcome in outcomes]
        most = len(outcomes) if policy.per_minute is None else policy.per_minute
        right = allowed == [True] * most + [False] * (len(outcomes) - most)
        self._expect(right, f"{policy.name} let {sum(allowed)} of {len(outcomes)} calls through")


async def _fresh_minute() -> None:
    """Limits are per calendar minute; with too little of it left, the show waits for the next one."""
    import asyncio
    import time

    left = 60 - time.time() % 60
    if left < _NEEDED_SECONDS:
        _say(
            f"This minute has {left:.0f} s left; waiting for a fresh one, because limits count by the minute …",
            dim=True,
        )
        await asyncio.sleep(left + 0.05)


def _options() -> ServeOptions:
    """The usual addresses, or free ones where those are taken."""
    import socket

    from gatepost.processes.supervisor import ServeOptions

    def usual_or_free(address: str) -> str:
        host, _, port = address.rpartition(":")
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, int(port)))
            except OSError:
                return f"{host}:0"
        return address

    usual = ServeOptions()
    return ServeOptions(listen=usual_or_free(usual.listen), console=usual_or_free(usual.console))


def _server_added(server: Server, tools: tuple[str, ...]) -> None:
    from gatepost.cli.output import spoken

    _line(server.name, "✓", f"speaks {spoken(server.eras, server.versions)}")
    _line("", "", f"{len(tools)} tools, among them {', '.join(tools[:4])}")


def _policies() -> None:
    from gatepost.cli.output import table
    from gatepost.demo.published import ALL

    table(
        ["GRANT", "POLICY", "ALLOWS"], [[policy.grant, policy.name, policy.meaning] for policy in ALL], indent=_INDENT
    )


def _try_it(running: Running, stage: Stage) -> None:
    from gatepost.connect.clients import CLIENTS, Target
    from gatepost.demo.published import SCROBBLE

    target = Target("plex", f"{running.data_plane}/mcp/plex/", stage.tokens[SCROBBLE.grant])
    _line("agents", "", f"{running.data_plane}/mcp/plex/ and {running.data_plane}/mcp/trakt/")
    _line("status page", "", running.console)
    command = CLIENTS["claude-code"].command
    assert command is not None
    _line("Claude Code", "", command(target))
    _line("Cursor", "", "in ~/.cursor/mcp.json:")
    for line in CLIENTS["cursor"].snippet(target).splitlines():
        click.echo(f"{' ' * (_INDENT + 23)}{line}")
    _line("other clients", "", "gatepost connect --help")


def _title(number: int, text: str) -> None:
    from gatepost.cli.output import style

    click.echo()
    click.echo(f"{style(str(number), fg='cyan')}{' ' * (_INDENT - 1)}{style(text, bold=True)}")


def _say(text: str, *, bold: bool = False, dim: bool = False) -> None:
    from gatepost.cli.output import style

    click.echo(style(text, bold=bold or None, dim=dim or None))


def _line(name: str, mark: str, text: str) -> None:
    from gatepost.cli.output import clean, style

    shown = style(mark, fg="green" if mark == "✓" else "red") if mark else " "
    click.echo(f"{' ' * _INDENT}{clean(name):<20} {shown} {clean(text)}".rstrip())


def _outcome(name: str, outcome: Outcome, text: str) -> None:
    _line(name, "✓" if outcome.allowed else "✗", text)

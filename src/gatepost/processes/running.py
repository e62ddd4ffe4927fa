"""`gatepost run`: a client's line of configuration as a gateway of its own, on standard input and output."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import getpass
import hashlib
import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from gatepost.definitions.pinfile import FOLDER, Mode, PinFile
from gatepost.errors import GatepostError
from gatepost.gateway.core import Gateway
from gatepost.gateway.stdio import Front
from gatepost.gateway.stdio.lines import Inlet, Outlet
from gatepost.gateway.stdio.station import Station
from gatepost.gateway.stdio.toolbox import Toolbox
from gatepost.grants.table import Grant
from gatepost.journal import Journal
from gatepost.journal.recorder import Recorder
from gatepost.keys import Keyring
from gatepost.paths import DataFolder
from gatepost.processes import memory
from gatepost.processes.awake import Awake
from gatepost.processes.books import SOCKET, GuestLedger, Shelf
from gatepost.processes.policy_file import PolicyFile
from gatepost.quota import Ledger
from gatepost.upstreams import connect
from gatepost.upstreams.base import Upstream, UpstreamFailed
from gatepost.upstreams.child import End
from gatepost.upstreams.config import Limits as ServerLimits
from gatepost.upstreams.config import ServerConfig
from gatepost.upstreams.program import NOT_STARTED, Program
from gatepost.wire.limits import Limits

_SIGNALLED: Final = 128
_TICK: Final = 1.0
_LOOK: Final = 0.005
_LINGER: Final = 5.0
"""Seconds that a program has to end after its input did and nothing is asked of it any more."""
_LAST_ANSWERS: Final = 10.0
"""Seconds that a program has for what it was asked before its client left; then it sees the end of its input, too."""
_LAST_LINES: Final = 2.0
_ENDING: Final = ("SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM")
_FORWARDED: Final = (*_ENDING, "SIGUSR1", "SIGUSR2", "SIGWINCH", "SIGCONT")


@dataclass(frozen=True, slots=True)
class Orders:
    """What `gatepost run` was told.

    Attributes:
        name: of the server, in the log and in counters.
        policy: the file with what judges its calls.
        identity: for whom calls are counted.
        drift: what becomes of a tool that is not as it was when the server was first met.
        patience: seconds that a server has for the first of its answer.
        command, cwd, env: the program; empty for a URL.
        url, headers: the server over HTTP.
    """

    name: str
    policy: PolicyFile
    identity: str
    drift: Mode = "warn"
    patience: float = ServerLimits().answer
    command: tuple[str, ...] = ()
    url: str | None = None
    headers: tuple[tuple[str, str], ...] = ()

    def server(self) -> ServerConfig:
        """The server. A program has the client's own environment and folder."""
        limits = ServerLimits(answer=self.patience, stream_idle=max(self.patience, ServerLimits().stream_idle))
        if self.url is not None:
            return ServerConfig(self.name, url=self.url, headers=self.headers, limits=limits, registered=False)
        env = {name: value for name, value in os.environ.items() if name}
        # The era is found out on the program itself; that it has sessions is for the client's side alone.
        eras = frozenset({"legacy"})
        return ServerConfig(
            self.name,
            command=self.command,
            env=env,
            cwd=str(Path.cwd()),
            eras=eras,
            limits=limits,
            registered=False,
        )

    def grant(self) -> Grant:
        """The implicit grant: the same for every run of this server by this identity, so that they share counters."""
        id = "run-" + hashlib.sha256(f"{self.name}\0{self.identity}".encode()).hexdigest()[:16]
        return Grant(
            id=id,
            label=self.name,
            identity=self.identity,
            server=self.name,
            policy=self.policy.name,
            policy_version=None,  # the station puts in that of the moment
            expires=None,
            revoked=None,
        )


def whoami() -> str:
    """`user@host`."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # no such user, as in some containers
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


class Run:
    """One client, one server, one policy."""

    def __init__(self, folder: DataFolder, orders: Orders, stdin: int, stdout: int) -> None:
        self._orders = orders
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[int] = self._loop.create_future()
        self._input_over = asyncio.Event()
        self._room = self._client_reads = True
        self._awake = Awake(self._loop)
        keyring = Keyring.open(folder.keys)
        config = orders.server()
        self._program = Program(config, self._program_ended, on_dropped=self._dropped) if orders.command else None
        self._own: Journal | None = None
        self._books = Shelf(folder, keyring, SOCKET, self._use, self._awake.stir)
        self.gateway = Gateway(
            keyring=keyring,
            journal=self._books.nothing,
            ledger=self._books.nothing,
            connect=self._connect,
            rescan=self._rescan,
        )
        pins = PinFile(folder.root / FOLDER, orders.name)
        toolbox = Toolbox(orders.name, pins, orders.drift, _classes, self.gateway.note)
        self._station = Station(self.gateway, config, orders.policy, orders.grant(), self._program, toolbox)
        self._outlet = Outlet(stdout, self._input_over.set, self._read_by_client)
        self._front = Front(self.gateway, self._station, self._outlet, self)
        most = Limits().max_body
        self._inlet = Inlet(
            stdin, most, self._front.line, self._read, lambda: self._front.too_long(most), self._input_over.set
        )
        self._starting: asyncio.Task[None] | None = None

    async def run(self) -> int:
        """Serve the client until it leaves, the program ends, or a signal says so. Returns the exit code."""
        for number in self._signals():
            self._loop.add_signal_handler(number, self._signalled, number)
        self._starting = self._loop.create_task(self._start())
        ticking = self._loop.create_task(self._tick())
        leaving = self._loop.create_task(self._leave())
        self._inlet.resume()
        try:
            return await self._ended
        finally:
            for task in (ticking, leaving, self._starting):
                task.cancel()
            self._inlet.pause()
            await self._close()

    # -- beginning

    async def _start(self) -> None:
        program = None if self._program is None else self._loop.create_task(self._program.start())
        try:
            await self._books.open()
            if program is not None:
                await program
        except UpstreamFailed as why:
            self._fail(why, NOT_STARTED)
        except GatepostError as why:
            self._fail(why, 1)
        except Exception:
            self._end(1)
            raise

    def _use(self, journal: Recorder, ledger: Ledger) -> None:
        self.gateway.journal, self.gateway.ledger = journal, ledger
        self.gateway.admitting = ledger if isinstance(ledger, GuestLedger) else None
        self._own = journal if isinstance(journal, Journal) else None

    def _read(self) -> None:
        """All lines that were there are judged: their rows are this turn's, and need not wait for its end."""
        if self._own is not None:
            self._own.write_now()
        self._awake.stir()
        if self._books.asking:
            self._awake.rest()

    def idle(self) -> None:
        """See `front.Host`. A call's outcome is written while its client reads the answer, not before the next call."""
        if self._own is not None:
            self._loop.call_soon(self._own.write_now)
        self._awake.stir()

    async def opened(self) -> None:
        """See `front.Host`."""
        assert self._starting is not None
        await asyncio.shield(self._starting)

    def _fail(self, why: GatepostError, code: int) -> None:
        print(f"error {why.code}: {why}", file=sys.stderr, flush=True)
        self._end(code)

    def _connect(self, config: ServerConfig) -> Upstream:
        return connect(config, on_dropped=self._dropped) if self._program is None else self._program

    async def _rescan(self, _: str) -> None:
        await self._station.define()

    def _dropped(self, server: str, why: str) -> None:
        self.gateway.metrics.dropped[server] += 1
        self.gateway.drops.note(server=server, grant_id=None, reason=why)

    def failed(self) -> None:
        """See `front.Host`. A client that sees its server end knows more than one that waits."""
        self._end(1)

    def flow(self, flowing: bool, /) -> None:
        """See `front.Host`."""
        self._room = flowing
        self._steer()

    def _read_by_client(self, flowing: bool, /) -> None:
        """A client that does not read its answers is not read from: what waits for it would grow without an end."""
        self._client_reads = flowing
        self._steer()

    def _steer(self) -> None:
        if self._room and self._client_reads and not self._ended.done():
            self._inlet.resume()
        else:
            self._inlet.pause()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK)
            self.gateway.refusals.flush()
            self.gateway.drops.flush()
            self._books.check()

    # -- ending

    def _signals(self) -> list[signal.Signals]:
        """A program gets every signal that a client may send; without one, those that end are enough."""
        names = _FORWARDED if self._program is not None else _ENDING
        return [signal.Signals[name] for name in names if hasattr(signal, name)]

    def _signalled(self, number: signal.Signals) -> None:
        program = self._program
        if program is not None and program.child.pid is not None:
            program.child.signal(number)
        if number.name not in _ENDING:
            return
        if program is not None:
            program.signalled = True
        if program is None or program.child.pid is None or program.spare:
            self._end(_SIGNALLED + number)

    def _program_ended(self, end: End) -> None:
        self._end(_SIGNALLED + end.signal if end.signal is not None else end.code or 0)

    def _end(self, code: int) -> None:
        if not self._ended.done():
            self._ended.set_result(code)

    async def _leave(self) -> None:
        """The client has closed its side: what it sent is still done, then the server's side is closed too."""
        await self._input_over.wait()
        await self.opened()
        front, program = self._front, self._program
        if program is None:
            await _until(lambda: self._outlet.gone or not (front.in_hand or front.in_flight))
            self._end(0)
            return
        # Many programs drop what they have in hand when their input ends, so it ends when they are done.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_ANSWERS):
                await _until(lambda: self._outlet.gone or not front.in_hand)
        program.child.close_input()
        await _until(lambda: self._outlet.gone or not program.in_flight)
        await asyncio.sleep(_LINGER)
        await program.child.stop()

    async def _close(self) -> None:
        gateway = self.gateway
        gateway.stopping = True
        with contextlib.suppress(GatepostError, TimeoutError):
            async with asyncio.timeout(_LAST_LINES):
                await self._front.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_LINES):
                await self._outlet.drained()
        await gateway.close()
        if self._program is not None:
            await self._program.close()
        gateway.refusals.flush()
        gateway.drops.flush()
        await self._books.close()
        self._outlet.close()


def _classes(tools: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """What kind of act each tool is, as the catalogue reads it; without those of which it is not sure."""
    from gatepost.catalogue.listed import read_tools  # takes a while, and most policies speak of no categories

    found = ((tool.name, tool.classification) for tool in read_tools(tools))
    return {name: kind.category for name, kind in found if kind.confidence != "low"}


async def _until(true: Callable[[], bool]) -> None:
    """Look again and again: once in the life of a process, where nothing else would tell."""
    while True:
        if true():
            return
        await asyncio.sleep(_LOOK)


async def _main(folder: DataFolder, orders: Orders, stdin: int, stdout: int) -> int:
    run = Run(folder, orders, stdin, stdout)
    memory.settle()
    return await run.run()


def main(folder: DataFolder, orders: Orders) -> int:
    """Run until the client or the program is gone. Standard output carries the protocol alone: whatever else is
    printed in this process goes to standard error."""
    stdout = os.dup(1)
    os.dup2(2, 1)
    runner: Callable[[Any], int] = asyncio.run
    with contextlib.suppress(ImportError):  # Windows has no uvloop
        import uvloop

        runner = uvloop.run
    return runner(functools.partial(_main, folder, orders, 0, stdout)())

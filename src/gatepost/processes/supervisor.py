"""`gatepost serve`: starts the worker and the data plane, starts again what crashes, and ends both.

The worker starts first, because it makes the keys and brings the store up to date; the data plane starts when the
worker is ready. At the end the data plane goes first, so that the worker still indexes its last rows.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from gatepost import __version__
from gatepost.paths import DataFolder
from gatepost.processes import lifeline
from gatepost.processes.lock import ServeLock

READY_SECONDS = 120.0
DRAIN_SECONDS = 35.0
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0
_STEADY_SECONDS = 60.0
_LONGEST_LINE = 1024 * 1024
_KEPT_WORDS = 4096

DATA_PLANE = "data plane"
WORKER = "worker"


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """What `serve` was told; the fields are its options. Addresses are HOST:PORT, port 0 takes a free one."""

    listen: str = "127.0.0.1:7070"
    console: str = "127.0.0.1:7071"
    behind_proxy: bool = False
    trusted_proxies: tuple[str, ...] = ()
    public_url: str | None = None
    tls_cert: str | None = None
    tls_key: str | None = None
    sync: str = "os"

    def data_plane_arguments(self) -> list[str]:
        """The data plane's own options, without its address."""
        arguments = ["--sync", self.sync]
        if self.behind_proxy:
            arguments.append("--behind-proxy")
        for network in self.trusted_proxies:
            arguments += ["--trusted-proxy", network]
        for name, value in (
            ("--public-url", self.public_url),
            ("--tls-cert", self.tls_cert),
            ("--tls-key", self.tls_key),
        ):
            if value is not None:
                arguments += [name, value]
        return arguments


@dataclass(frozen=True, slots=True)
class Running:
    """Where it listens: base URLs without a path. `public_url` is what clients are told."""

    data_plane: str
    console: str
    public_url: str


class StartFailed(Exception):
    """A process ended before it was ready. The text is what it said on stderr, or empty where that was passed on."""


@dataclass(slots=True)
class _Child:
    """One supervised process: what it is called, its module, its arguments and how it stands."""

    name: str
    module: str
    arguments: list[str]
    address_option: str
    address: str
    process: asyncio.subprocess.Process | None = None
    url: str = ""
    public_url: str = ""
    started: float = 0.0
    pause: float = _FIRST_PAUSE
    last_words: bytearray = field(default_factory=bytearray)
    pumps: set[asyncio.Task[None]] = field(default_factory=set)

    def pump(self, work: Coroutine[Any, Any, None]) -> None:
        """Runs `work`, which reads one of the process's outputs, until that output ends."""
        task = asyncio.create_task(work)
        self.pumps.add(task)
        task.add_done_callback(self.pumps.discard)


class Supervisor:
    """Runs the two processes on one data folder.

    Args:
        data: the data folder; its lock is taken by `run`.
        options: what to pass on.
        say: is called with a sentence when something happens that an operator should know.
        quiet: the processes' stderr is kept back, and shown only where one does not start.
    """

    def __init__(
        self, data: DataFolder, options: ServeOptions, *, say: Callable[[str], None], quiet: bool = False
    ) -> None:
        self._data = data
        self._options = options
        self._say = say
        self._quiet = quiet
        self._stopping = asyncio.Event()
        self._killing = asyncio.Event()
        root = ["--data", str(data.root)]
        self._worker = _Child(WORKER, "gatepost.processes.worker", root, "--console", options.console)
        self._data_plane = _Child(
            DATA_PLANE,
            "gatepost.processes.dataplane",
            [*root, *options.data_plane_arguments()],
            "--listen",
            options.listen,
        )

    def stop(self) -> None:
        """Ends `run` after both processes have drained; a second call ends them at once."""
        if self._stopping.is_set():
            self._killing.set()
        self._stopping.set()

    async def run(self, started: Callable[[Running], None]) -> None:
        """Takes the lock, starts both, calls `started` when both are ready, and returns when `stop` was called.

        Raises:
            GatepostError: GP-6002, when another serve runs on the folder.
            StartFailed: when one of them does not become ready; nothing is left running.
        """
        lock = ServeLock.take(self._data.run)
        reading, writing = os.pipe()
        try:
            facts: dict[str, object] = {"pid": os.getpid(), "version": __version__, "started": time.time()}
            lock.describe(facts)
            for child in (self._worker, self._data_plane):
                await self._start(child, reading)
            running = Running(
                data_plane=self._data_plane.url,
                console=self._worker.url,
                public_url=self._data_plane.public_url,
            )
            lock.describe(facts | dataclasses.asdict(running))
            started(running)
            keepers = [asyncio.create_task(self._keep(child, reading)) for child in (self._worker, self._data_plane)]
            await self._stopping.wait()
            for keeper in keepers:
                keeper.cancel()
            await asyncio.gather(*keepers, return_exceptions=True)
        except StartFailed:
            if not self._stopping.is_set():
                raise
        finally:
            for child in (self._data_plane, self._worker):
                await self._end(child)
            os.close(reading)
            os.close(writing)
            lock.release()

    async def _start(self, child: _Child, lifeline_descriptor: int) -> None:
        """Starts one process and waits for the line that says it is ready."""
        child.started = time.monotonic()
        child.process = await asyncio.create_subprocess_exec(
            sys.executable,
            # Not the current folder first on the module path: a file lying there must not become part of a gateway.
            "-P",
            "-m",
            child.module,
            *child.arguments,
            child.address_option,
            child.address,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE if self._quiet else None,
            env={**os.environ, lifeline.VARIABLE: str(lifeline_descriptor)},
            pass_fds=(lifeline_descriptor,),
            # Away from the terminal's own Ctrl-C, so that the order of ending is ours.
            start_new_session=True,
            limit=_LONGEST_LINE,
        )
        if child.process.stderr is not None:
            child.last_words.clear()
            child.pump(_listen_to(child.process.stderr, child.last_words))
        stopping = asyncio.create_task(self._stopping.wait())
        ready = asyncio.create_task(_ready_line(child.process))
        try:
            await asyncio.wait({ready, stopping}, timeout=READY_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            said = ready.result() if ready.done() else None
        finally:
            for task in (stopping, ready):
                task.cancel()
            await asyncio.gather(stopping, ready, return_exceptions=True)
        if said is None:
            await self._end(child)
            raise StartFailed(child.last_words.decode("utf-8", "replace").strip())
        child.url = url = str(said["address"])
        child.public_url = str(said.get("public", url))
        # A restart shall come back to the same place, whatever port was free the first time.
        child.address = urlsplit(url).netloc
        assert child.process.stdout is not None
        child.pump(_pass_on(child.process.stdout))

    async def _keep(self, child: _Child, lifeline_descriptor: int) -> None:
        """Starts the process again whenever it ends, with pauses that double while it keeps failing."""
        while True:
            assert child.process is not None
            code = await child.process.wait()
            if time.monotonic() - child.started > _STEADY_SECONDS:
                child.pause = _FIRST_PAUSE
            self._say(f"The {child.name} ended ({_how(code)}); it starts again in {child.pause:g} s.")
            await asyncio.sleep(child.pause)
            child.pause = min(child.pause * 2, _LONGEST_PAUSE)
            try:
                await self._start(child, lifeline_descriptor)
            except StartFailed:
                continue
            self._say(f"The {child.name} runs again.")

    async def _end(self, child: _Child) -> None:
        """Lets one process drain, for a bounded time."""
        process = child.process
        if process is None:
            return
        if process.returncode is None:
            _signal(process, signal.SIGTERM)
            ended = asyncio.create_task(process.wait())
            killing = asyncio.create_task(self._killing.wait())
            await asyncio.wait({ended, killing}, timeout=DRAIN_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if not ended.done():
                _signal(process, signal.SIGKILL)
            await ended
            killing.cancel()
        for pump in list(child.pumps):
            await pump


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    """Sends a signal past `Process.send_signal`, which would take the exit code of a process that has just ended, and
    leave whoever waits for it without one."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(process.pid, number)


async def _ready_line(process: asyncio.subprocess.Process) -> dict[str, object] | None:
    """What the first line says that it is ready; None when the process closes its output before."""
    assert process.stdout is not None
    while line := await process.stdout.readline():
        try:
            said = json.loads(line)
        except ValueError:
            sys.stderr.buffer.write(line)
            continue
        if isinstance(said, dict) and said.get("ready") is True:
            return said
    return None


async def _pass_on(output: asyncio.StreamReader) -> None:
    """Passes on what a process prints later, so that its pipe never fills."""
    while chunk := await output.read(65536):
        sys.stderr.buffer.write(chunk)
        sys.stderr.buffer.flush()


async def _listen_to(output: asyncio.StreamReader, last_words: bytearray) -> None:
    """Keeps the end of what a process says on stderr."""
    while chunk := await output.read(65536):
        last_words += chunk
        del last_words[:-_KEPT_WORDS]


def _how(code: int) -> str:
    return f"exit {code}" if code >= 0 else f"signal {-code}"

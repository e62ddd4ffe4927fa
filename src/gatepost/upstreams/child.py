"""One running program of a stdio server, behind its guard: its pipes, its last words, its end.

The gateway starts `guard.py`, which starts the program (see there and docs/decisions/0005-stdio-children.md). The
program's pipes are the gateway's own; the guard only watches. Everything here runs on one event loop.
"""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gatepost.upstreams import environment, guard
from gatepost.upstreams.base import UpstreamFailed
from gatepost.upstreams.config import ServerConfig
from gatepost.upstreams.lines import LineSplitter, LineTooLong
from gatepost.upstreams.pipes import Spout, Tap, Wire
from gatepost.wire.running import as_task

_STDERR_KEPT: Final = 64 * 1024
_LAST_WORDS: Final = 300
_USELESS_LINES: Final = 500
"""Lines of no use that a program may write in a tenth of a second before it is read more slowly."""
_STDERR_BYTES: Final = 1024 * 1024
"""The same for bytes of standard error."""
_LINGER: Final = 1.0
"""Seconds that pipes and guard may outlast each other before the end is taken as complete, or is waited for."""
_GUARD_PATIENCE: Final = 8.0
"""Seconds a guard has to kill everything before it is killed itself."""


@dataclass(frozen=True, slots=True)
class End:
    """How a program ended: by exit code or signal (both None: unknown), and why, where the gateway ended it."""

    code: int | None = None
    signal: int | None = None
    why: str = ""

    def __str__(self) -> str:
        if self.why:
            return self.why
        if self.signal is not None:
            return f"was ended by {_signal_name(self.signal)}"
        return "has ended" if self.code is None else f"has ended with exit code {self.code}"


class Child:
    """A program that is starting, running or stopping.

    Args:
        config: the server; its `command` is set.
        on_line: gets each line of standard output and says whether it was of use. Lines of no use are read slowly.
        on_end: called once after a successful `start`, when the program has ended and all it wrote was read.
        own_stderr: whether its standard error is read here; else the program inherits Gatepost's own.
    """

    def __init__(
        self,
        config: ServerConfig,
        on_line: Callable[[bytes], bool],
        on_end: Callable[[End], None],
        *,
        own_stderr: bool = True,
    ) -> None:
        self.config = config
        self.pid: int | None = None
        self.started = time.time()
        self.end: End | None = None
        self._on_line = on_line
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self._running: asyncio.Future[None] = self._loop.create_future()
        self._gone = asyncio.Event()
        self._splitter = LineSplitter(config.limits.message)
        self._stderr = bytearray()
        self._in = Spout()
        self._turn = asyncio.Lock()
        self._out = Tap(self._read_stdout, self._stdout_gone, _USELESS_LINES)
        self._err = Tap(self._read_stderr, self._check_end, _STDERR_BYTES)
        self._err.gone = not own_stderr
        self._wire = Wire(self._told, self._guard_gone)
        self._guard: subprocess.Popen[bytes] | None = None
        self._report = End()
        self._why = ""
        self._watched = True
        self._stopping = False
        self._goodbye: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the program and wait until it runs (which says nothing of whether it answers). Called once.

        Raises:
            UpstreamFailed: GP-3005 where it cannot be started, GP-3002 where that takes too long.
        """
        patience = self.config.limits.connect
        if self._stopping:
            raise self._failed("GP-3005", "is being stopped")
        try:
            async with asyncio.timeout(patience):
                await self._open()
                await self._running
        except BaseException as error:
            self._on_end = _ignore
            self.kill("could not be started")
            if isinstance(error, TimeoutError):
                raise self._failed("GP-3002", f"did not start within {patience:g} s") from None
            if isinstance(error, OSError):
                raise self._failed("GP-3005", f"cannot be started: {error.strerror}") from error
            raise

    async def _open(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                process = self._guard = _start_guard(theirs.fileno(), own_stderr=not self._err.gone)
            except BaseException:
                ours.close()
                raise
        ours.setblocking(False)
        await self._loop.create_unix_connection(lambda: self._wire, sock=ours)
        env = {**environment.inherited(), **self.config.env}
        self._wire.write(guard.encode_order(list(self.config.command), env, _folder(self.config)))
        await self._loop.connect_write_pipe(lambda: self._in, process.stdin)
        await self._loop.connect_read_pipe(lambda: self._out, process.stdout)
        if process.stderr is not None:
            await self._loop.connect_read_pipe(lambda: self._err, process.stderr)

    def _failed(self, code: str, what: str, hint: str = "") -> UpstreamFailed:
        name = self.config.name
        return UpstreamFailed(code, name, f"The program of the server {name!r} {what}.", hint, sent=False)

    # -- its input

    async def send(self, line: bytes) -> None:
        """Write one line (given without its newline) to standard input, in the order of the calls.

        Waits while the program does not read. Raises UpstreamFailed (GP-3005) when it has ended or is being stopped.
        """
        if self._in.writable is None and not self._turn.locked():
            if not (self._in.open or self._stopping):
                await as_task()
                await self._goes_within(_LINGER)  # most have ended, and how says more than that nothing is read
            self._write(line)
            return
        async with self._turn:
            while self._in.writable is not None:
                await asyncio.shield(self._in.writable)
            self._write(line)

    def send_soon(self, line: bytes) -> None:
        """Write one short line without waiting; nothing happens where the program has ended."""
        self._in.write(line + b"\n")

    def _write(self, line: bytes) -> None:
        if self.end is not None:
            raise self._failed("GP-3005", str(self.end), self.last_words())
        if self._stopping or not self._in.open:
            raise self._failed("GP-3005", "does not read its standard input any more", self.last_words())
        self._in.write(line + b"\n")

    # -- its output

    def hold(self) -> None:
        """Read nothing from standard output until `release`: whoever the messages are for is slow."""
        self._out.hold("readers")

    def release(self) -> None:
        """Read on after `hold`."""
        self._out.release("readers")

    def _read_stdout(self, chunk: bytes) -> int:
        if self._stopping:
            return 0
        try:
            lines = self._splitter.feed(chunk)
        except LineTooLong as error:
            self.kill(f"was ended because it wrote {error}")
            return 0
        return sum(1 for line in lines if line and not line.isspace() and not self._on_line(line))

    def _read_stderr(self, chunk: bytes) -> int:
        self._stderr += chunk
        if len(self._stderr) > _STDERR_KEPT:
            del self._stderr[:-_STDERR_KEPT]
        return len(chunk)

    def stderr(self) -> str:
        """The last 64 KiB of standard error, as text."""
        return self._stderr.decode(errors="replace")

    def last_words(self) -> str:
        """`Its last line on standard error: …`, or an empty string where it wrote none."""
        line = self.stderr().rstrip().rpartition("\n")[2].strip()
        line = "".join(character if character.isprintable() else " " for character in line)
        return f"Its last line on standard error: {line[:_LAST_WORDS]}" if line else ""

    # -- its end

    def close_input(self) -> None:
        """Let it see the end of its input; what it still writes is read."""
        if self._in.transport is not None:
            self._in.transport.close()

    def signal(self, number: int) -> None:
        """Send a signal to its process group."""
        try:
            if self.pid is not None and self.end is None:
                os.killpg(self.pid, number)
        except (ProcessLookupError, PermissionError):
            pass  # it is just ending

    async def stop(self) -> None:
        """Close its input, wait, SIGTERM to its group, wait, SIGKILL to everything; returns when it has ended.

        What it still writes is not read any more.
        """
        grace = self.config.limits.stop_grace
        self._stopping = True
        if self._guard is None:
            self._finish()
        self._out.open_wide()
        if self._in.transport is not None:
            self._in.transport.close()
        if await self._goes_within(grace):
            return
        self._wire.write(b"T")
        if await self._goes_within(grace):
            return
        self.kill("was killed because it did not end when asked to")
        await self.gone()

    async def gone(self) -> None:
        """Return when it has ended and nothing of it is left, not even a zombie."""
        await self._gone.wait()

    def kill(self, why: str) -> None:
        """End it and everything it started, at once; `why` is kept as the reason."""
        self._why = self._why or why
        self._stopping = True
        self._out.open_wide()
        if self._guard is None:
            self._finish()
        elif self._wire.write(b"K"):
            self._loop.call_later(_GUARD_PATIENCE, self._kill_guard)
        else:
            self._kill_guard()

    def _kill_guard(self) -> None:
        """The last resort, for a guard that does not do its duty any more."""
        if self.end is None and self._guard is not None:
            self._kill_group()
            self._guard.kill()
            self._finish()

    def _kill_group(self) -> None:
        try:
            if self.pid is not None:
                os.killpg(self.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass  # nobody is left in it

    async def _goes_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self.gone()
        except TimeoutError:
            return False
        return True

    def _told(self, line: bytes) -> None:
        """One line from the guard (its docstring lists them)."""
        kind, _, value = line.partition(b" ")
        if kind == b"S":
            self.pid = int(value)
            if not self._running.done():
                self._running.set_result(None)
        elif kind == b"F":
            if not self._running.done():
                self._running.set_exception(self._not_started(int(value)))
        else:
            self._report = End(code=int(value)) if kind == b"X" else End(signal=int(value))

    def _not_started(self, number: int) -> UpstreamFailed:
        program, folder = self.config.command[0], _folder(self.config)
        if number == errno.ENOENT and not Path(folder).is_dir():
            return self._failed("GP-3005", f"cannot be started in {folder!r}: there is no such folder")
        if number == errno.ENOENT:
            how = "set PATH for it (gatepost server add --env PATH=…)"
            if not self.config.registered:
                how = "set PATH where the client's file sets variables: many clients have one that is not your shell's"
            return self._failed(
                "GP-3005", f"cannot be started: {program!r} was not found", f"Give its full path, or {how}."
            )
        return self._failed("GP-3005", f"cannot be started: {program!r}: {os.strerror(number)}")

    def _guard_gone(self) -> None:
        """The guard closed its end: all it watched is over. Where it was killed itself, it is ended from here."""
        self._watched = False
        if not self._running.done():
            self._running.set_exception(self._failed("GP-3005", "cannot be started: its guard ended"))
        if self._report == End():
            self._kill_group()
        self._check_end()
        self._loop.call_later(_LINGER, self._stop_lingering)

    def _stdout_gone(self) -> None:
        self._check_end()
        self._loop.call_later(_LINGER, self._say_goodbye)

    def _say_goodbye(self) -> None:
        """It closed its output and runs on: a server's way to leave (2026-07-28 stdio, "Shutdown")."""
        if self._watched and not self._stopping:
            self._why = "has closed its standard output"
            self._goodbye = self._loop.create_task(self.stop())

    def _check_end(self) -> None:
        if not self._watched and self._out.gone and self._err.gone:
            self._finish()

    def _stop_lingering(self) -> None:
        """A process that escaped may hold the pipes open; but what waits for a slow reader is not given up."""
        if self.end is None and self._out.held:
            self._loop.call_later(_LINGER, self._stop_lingering)
        else:
            self._finish()

    def _finish(self) -> None:
        if self.end is not None:
            return
        self.end = End(self._report.code, self._report.signal, self._why)
        self._close_pipes()
        self._on_end(self.end)
        self._reap()

    def _close_pipes(self) -> None:
        transports = (self._in.transport, self._out.transport, self._err.transport, self._wire.transport)
        for transport in transports:
            if transport is not None:
                transport.close()
        if self._guard is not None:
            for pipe, transport in zip(
                (self._guard.stdin, self._guard.stdout, self._guard.stderr), transports, strict=False
            ):
                if transport is None and pipe is not None:
                    pipe.close()

    def _reap(self) -> None:
        """Collect the guard's exit status, which may follow the end of its socket by a moment."""
        if self._guard is not None and self._guard.poll() is None:
            self._loop.call_later(0.01, self._reap)
        else:
            self._gone.set()


def _start_guard(control: int, *, own_stderr: bool) -> subprocess.Popen[bytes]:
    """Start a guard with one end of the socket and the pipes; takes about a millisecond."""
    return subprocess.Popen(
        [sys.executable, "-I", "-S", str(Path(guard.__file__)), str(control)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE if own_stderr else None,
        bufsize=0,
        pass_fds=(control,),
        start_new_session=True,
    )


def _folder(config: ServerConfig) -> str:
    try:
        return config.cwd or str(Path.home())
    except RuntimeError:  # a user without a home, as in some containers
        return "/"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _ignore(_: End) -> None:
    """For a program that never ran there is nobody to tell."""

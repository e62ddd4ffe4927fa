"""The guard of one stdio server: starts its program, and ends everything that program started when Gatepost is gone.

Run by path, isolated and without site-packages: `python -I -S guard.py FD`. FD is one end of a socket pair whose other
end only the gateway holds. The guard is the parent of the program, which runs in a session and process group of its
own; the program's standard streams are the gateway's pipes, and the guard keeps no copy of them.

The gateway writes one start order (`encode_order`), then at any time the byte `T` (SIGTERM to the group) or `K`
(SIGKILL to everything). The guard writes one line for each thing that happens:

    S <pid>         the program runs
    F <errno>       it could not be started; the guard ends
    X <code>        it ended with this exit code
    G <signal>      it was ended by this signal

End of file on FD means that the gateway is gone, however it went: SIGTERM to the group, a moment, SIGKILL to all. The
same happens to what the program leaves behind when it ends by itself. On Linux the guard is a subreaper, so processes
that left the group come back to it and are ended too, and a guard that is itself killed takes the program with it
(PR_SET_PDEATHSIG, safe here because the guard has one thread).

This file imports nothing outside the standard library and little of that: it adds less than 20 ms to the start of a
server. `_signal` is the C half of `signal`; the other half imports `enum`, which would cost 8 ms more.
"""

from __future__ import annotations

import os
import select
import sys
import time

TYPE_CHECKING = False  # what `typing` would say, without importing it
if TYPE_CHECKING:
    import signal
else:
    try:
        import _signal as signal
    except ImportError:  # an interpreter that builds it otherwise
        import signal

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_GONE_GRACE = 1.0
"""Seconds between SIGTERM and SIGKILL when the gateway is gone."""
_LEFTOVER_GRACE = 0.5
"""Seconds between SIGTERM and SIGKILL for what a program that ended left behind."""
_KILL_PATIENCE = 5.0
"""Seconds to wait for killed processes to be gone (one may hang in the kernel)."""


def encode_order(command: list[str], env: dict[str, str], cwd: str) -> bytes:
    """The start order: a length of four bytes, then NUL-separated the folder, the arguments, an empty field, `K=V`…"""
    fields = [cwd, str(len(command)), *command, *(f"{name}={value}" for name, value in env.items())]
    payload = b"\0".join(os.fsencode(field) for field in fields)
    return len(payload).to_bytes(4, "big") + payload


def _read_order(control: int) -> tuple[str, list[str], dict[str, str]] | None:
    """The order, or None where the gateway went away before it was complete."""
    buffer = b""
    while len(buffer) < 4 or len(buffer) < 4 + int.from_bytes(buffer[:4], "big"):
        chunk = os.read(control, 65536)
        if not chunk:
            return None
        buffer += chunk
    cwd, count, *rest = [os.fsdecode(field) for field in buffer[4:].split(b"\0")]
    arguments, variables = rest[: int(count)], rest[int(count) :]
    return cwd, arguments, dict(variable.split("=", 1) for variable in variables)


def _prctl(option: int, value: int) -> None:
    """prctl(2), on Linux; elsewhere nothing. A refusal only means the weaker guarantee of other systems."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _start(cwd: str, command: list[str], env: dict[str, str]) -> tuple[int, int]:
    """Fork and execute the program. Returns its pid and 0, or 0 and the errno."""
    guard = os.getpid()
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)  # also loads ctypes before the fork
    failed_read, failed_write = os.pipe()  # closes itself when exec succeeds
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != guard:  # the guard died before the line above
                os._exit(127)
            # Python ignores these two, and what is ignored stays ignored across exec.
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)
            signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_SETMASK, ())
            os.chdir(cwd)
            os.execvpe(command[0], command, env)  # noqa: S606 (no shell is the point)
        except OSError as error:
            os.write(failed_write, str(error.errno).encode())
        finally:
            os._exit(127)
    os.close(failed_write)
    failure = os.read(failed_read, 16)
    os.close(failed_read)
    if failure:
        os.waitpid(pid, 0)
        return 0, int(failure)
    return pid, 0


def _let_go_of_streams() -> None:
    """Hold no copy of the program's pipes: their ends must be seen when the program closes them."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    os.close(nothing)


def _children() -> list[int]:
    """Pids of the guard's own children, adopted ones included (Linux; elsewhere the group has to do)."""
    found = []
    me = str(os.getpid()).encode()
    for entry in os.scandir("/proc") if sys.platform == "linux" else ():
        if entry.name.isdigit():
            try:
                with open(f"{entry.path}/stat", "rb") as stat:
                    parent = stat.read().rpartition(b")")[2].split()[1]
            except OSError:
                continue
            if parent == me:
                found.append(int(entry.name))
    return found


class _Guard:
    def __init__(self, control: int, wake: int, program: int) -> None:
        self._control = control
        self._wake = wake
        self._program = program
        self._running = True
        self._poller = select.poll()
        self._poller.register(wake, select.POLLIN)
        self._poller.register(control, select.POLLIN)

    def watch(self) -> None:
        """Until the program has ended or the gateway is gone; then end the rest."""
        while self._running:
            ready = {fd for fd, _ in self._poller.poll()}
            if self._wake in ready and self._woken():
                self._end(_GONE_GRACE)
                return
            if self._control in ready:
                orders = self._orders()
                if orders is None:
                    self._end(_GONE_GRACE)
                    return
                if b"K" in orders:
                    self._end(0)
                    return
                if b"T" in orders:
                    self._signal_group(signal.SIGTERM)
        self._end(_LEFTOVER_GRACE)

    def _orders(self) -> bytes | None:
        try:
            return os.read(self._control, 64) or None
        except OSError:
            return None

    def _woken(self) -> bool:
        """Reap what ended. True where the guard itself was asked to end."""
        numbers = os.read(self._wake, 512)
        self._reap()
        return signal.SIGTERM in numbers or signal.SIGINT in numbers or signal.SIGHUP in numbers

    def _reap(self) -> bool:
        """Collect every child that has ended. False when none is left."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if pid == self._program:
                self._running = False
                if os.WIFSIGNALED(status):
                    _tell(self._control, f"G {os.WTERMSIG(status)}")
                else:
                    _tell(self._control, f"X {os.waitstatus_to_exitcode(status)}")

    def _end(self, grace: float) -> None:
        """End the group and everything adopted: asked first, where there is a grace."""
        if grace:
            self._signal_group(signal.SIGTERM)
            self._wait_until_alone(grace)
        deadline = time.monotonic() + _KILL_PATIENCE
        while self._anyone_left() and time.monotonic() < deadline:
            self._signal_group(signal.SIGKILL)
            for pid in _children():
                _kill(pid)
            self._wait_until_alone(0.05)

    def _wait_until_alone(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while self._anyone_left():
            left = deadline - time.monotonic()
            if left <= 0:
                return
            if self._control_ordered_kill(min(left, 0.05)):
                return

    def _control_ordered_kill(self, seconds: float) -> bool:
        """Wait; True when the gateway, still there, wants it over at once."""
        for fd, _ in self._poller.poll(seconds * 1000):
            if fd == self._wake:
                os.read(self._wake, 512)
            else:
                orders = self._orders()
                if orders is None:
                    self._poller.unregister(self._control)
                elif b"K" in orders:
                    return True
        return False

    def _anyone_left(self) -> bool:
        if self._reap():
            return True
        try:
            os.killpg(self._program, 0)
        except ProcessLookupError:
            return False
        except PermissionError:  # macOS, where only zombies are left in the group
            return False
        return True

    def _signal_group(self, number: int) -> None:
        try:
            os.killpg(self._program, number)
        except (ProcessLookupError, PermissionError):
            pass  # nobody is left in it, or only zombies


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass  # it ended meanwhile, or runs as another user


def _tell(control: int, line: str) -> None:
    try:
        os.write(control, line.encode() + b"\n")
    except OSError:
        pass  # the gateway is gone, which the next read notices


def main(control: int) -> None:
    """Guard one program; `control` is the descriptor of the socket to the gateway."""
    os.set_inheritable(control, False)
    wake, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)  # the wake-up descriptor tells
    order = _read_order(control)
    if order is None:
        return
    program, errno = _start(*order)
    if not program:
        _tell(control, f"F {errno}")
        return
    _tell(control, f"S {program}")
    _let_go_of_streams()
    _Guard(control, wake, program).watch()


if __name__ == "__main__":
    main(int(sys.argv[1]))

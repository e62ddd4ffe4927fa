"""Child processes of the benchmark: started on one core, measured through /proc, ended without leftovers."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

TICK = 1 / os.sysconf("SC_CLK_TCK")
ROOT = Path(__file__).parent.parent
PAGE = os.sysconf("SC_PAGE_SIZE")


class BenchError(Exception):
    """Something that makes a measurement void; the message says what."""


class Child:
    """One started program in its own process group, with everything it starts."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        core: int | None,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path = ROOT,
    ) -> None:
        self.log = log
        with log.open("ab") as sink:
            self.process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                env={**os.environ, **(env or {})},
                cwd=cwd,
                start_new_session=True,
                preexec_fn=None if core is None else lambda: os.sched_setaffinity(0, {core}),
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    def tree(self) -> list[int]:
        """This process and its descendants that are alive."""
        found, waiting = [], [self.pid]
        while waiting:
            pid = waiting.pop()
            found.append(pid)
            for task in Path(f"/proc/{pid}/task").glob("*/children"):
                try:
                    waiting.extend(int(child) for child in task.read_text().split())
                except OSError:  # the thread ended between the listing and the read
                    continue
        return found

    def pause(self) -> None:
        """Stops the whole group, so that it takes no time from the contender whose turn it is."""
        for pid in self.tree():
            os.kill(pid, signal.SIGSTOP)

    def resume(self) -> None:
        for pid in self.tree():
            os.kill(pid, signal.SIGCONT)

    def stop(self, seconds: float = 15) -> None:
        if self.process.poll() is None:
            self.resume()
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                pass
        try:  # whatever is left of the group
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()

    def tail(self, lines: int = 12) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def until(self, ready: Callable[[], bool], what: str, seconds: float = 30) -> None:
        """Waits until `ready()` is true. Raises BenchError with the end of the log when the process ends or the time
        is over.
        """
        end = time.monotonic() + seconds
        while not ready():
            if self.process.poll() is not None:
                raise BenchError(f"{what}: ended with status {self.process.returncode}: {self.tail()}")
            if time.monotonic() > end:
                raise BenchError(f"{what}: not ready after {seconds:.0f} s: {self.tail()}")
            time.sleep(0.02)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def accepts(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def cpu_seconds(pids: Sequence[int]) -> float:
    """User and system time of these processes so far, all threads, to the clock tick (10 ms)."""
    total = 0.0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += (int(fields[11]) + int(fields[12])) * TICK
    return total


def rss_mib(pids: Sequence[int]) -> float:
    """Resident memory of these processes in MiB (shared pages counted for each)."""
    total = 0
    for pid in pids:
        try:
            total += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
        except OSError:
            continue
    return total / 2**20


def command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def get(url: str, seconds: float = 5, fields: Mapping[str, str] | None = None) -> bytes:
    with urllib.request.urlopen(urllib.request.Request(url, headers=dict(fields or {})), timeout=seconds) as answer:
        content: bytes = answer.read()
    return content


def get_json(url: str, seconds: float = 5, fields: Mapping[str, str] | None = None) -> Any:
    return json.loads(get(url, seconds, fields))


def post(
    port: int, path: str, fields: Sequence[tuple[str, str]], content: bytes, seconds: float = 30
) -> tuple[int, bytes]:
    """One POST on a connection of its own. Returns (status, body, event streams reduced to their last `data`)."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", data=content, headers=dict(fields), method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=seconds) as answer:
            status, body, kind = answer.status, answer.read(), answer.headers.get_content_type()
    except urllib.error.HTTPError as error:
        status, body, kind = error.code, error.read(), error.headers.get_content_type()
    if kind == "text/event-stream":
        events = re.findall(rb"^data: ?(.*)$", body.replace(b"\r\n", b"\n"), re.MULTILINE)
        body = events[-1] if events else b""
    return status, body

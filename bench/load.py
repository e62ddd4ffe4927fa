"""The load: wrk where it is installed, else a generator of our own, closed loop, on the core of the load.

`run` keeps `concurrency` connections busy with tool calls for some seconds and says how many were answered, and how
quickly.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from bench import traffic
from bench.procs import BenchError

HERE = Path(__file__).parent
_runs = itertools.count()


@dataclass(frozen=True, slots=True)
class Target:
    """Where calls go: a port on 127.0.0.1, the path of the MCP endpoint, and a bearer token where one is asked for."""

    port: int
    path: str
    token: str | None = None
    tool: str = traffic.TOOL
    """What the tool of the load is called there: some gateways give tools names of their own."""
    session: str | None = None
    """Where only revisions before 2026-07-28 are spoken: the session's id, or "" where none is kept. Else None."""


@dataclass(frozen=True, slots=True)
class Load:
    """One run: answered requests, seconds, latencies in microseconds, failures of any kind."""

    requests: int
    seconds: float
    p50: float
    p99: float
    longest: float
    errors: dict[str, int]

    @property
    def rate(self) -> float:
        return self.requests / self.seconds


def generator() -> str:
    return "wrk" if shutil.which("wrk") else "bench.rawload"


class Generator:
    """Starts load runs whose files are in `folder`, pinned to `core`."""

    def __init__(self, folder: Path, core: int) -> None:
        self.folder = folder
        self.core = core
        self.wrk = shutil.which("wrk")

    def run(self, target: Target, concurrency: int, seconds: float) -> Load:
        """Raises BenchError when the generator fails or any request fails."""
        running = self.start(target, concurrency, seconds)
        return self.finish(running, seconds)

    def start(self, target: Target, concurrency: int, seconds: float) -> subprocess.Popen[str]:
        if self.wrk is None:
            command = [
                sys.executable,
                "-m",
                "bench.rawload",
                str(target.port),
                target.path,
                "--concurrency",
                str(concurrency),
            ]
            command += ["--seconds", str(seconds), "--first-id", str(_next_id()), "--token", target.token or ""]
            command += ["--tool", target.tool]
            if target.session is not None:
                command.append(f"--session={target.session}")
        else:
            url = f"http://127.0.0.1:{target.port}{target.path}"
            command = [self.wrk, "-t1", f"-c{concurrency}", f"-d{max(1, round(seconds))}s", "--timeout", "60s"]
            command += ["-s", str(HERE / "wrk.lua"), url, "--", str(self._parts(target)), str(_next_id())]
        return subprocess.Popen(
            command,
            cwd=HERE.parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=lambda: os.sched_setaffinity(0, {self.core}),
        )

    def finish(self, running: subprocess.Popen[str], seconds: float) -> Load:
        try:
            printed, _ = running.communicate(timeout=seconds + 90)
        except subprocess.TimeoutExpired:
            running.kill()
            raise BenchError("the load generator did not end") from None
        line = next((line[6:] for line in printed.splitlines() if line.startswith("BENCH ")), None)
        if line is None:
            raise BenchError(f"the load generator failed: {printed.strip()[-400:]}")
        found = json.loads(line)
        kinds = ("status", "connect", "read", "write", "timeout")
        errors = {kind: found[kind] for kind in kinds if found[kind]}
        return Load(found["requests"], found["seconds"], found["p50"], found["p99"], found["max"], errors)

    def _parts(self, target: Target) -> Path:
        """The Lua file with the requests for this target."""
        file = self.folder / f"parts-{target.port}.lua"
        pairs = traffic.templates(target.port, target.path, target.token, target.tool, target.session)
        file.write_text("return {" + ",".join(f"{{{_lua(before)},{_lua(after)}}}" for before, after in pairs) + "}\n")
        return file


def _next_id() -> int:
    """The first id of a run: runs are ten million apart, so no id is used twice (they wrap after ninety runs)."""
    span = 9 * 10 ** (traffic.ID_DIGITS - 1)
    return 10 ** (traffic.ID_DIGITS - 1) + next(_runs) * 10_000_000 % span


def _lua(text: bytes) -> str:
    return '"' + "".join(f"\\{byte:03d}" for byte in text) + '"'

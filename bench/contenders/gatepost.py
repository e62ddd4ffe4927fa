"""Gatepost, set up and started through its command line as a user would.

`pass` has a grant and the policy `{"version":"1","default":"allow"}`. `full` has a grant, argument validation, a
policy with four argument rules and two limits, and everything that comes with them: strict parse, the decision
durable before the call is forwarded, the outcome recorded. `check` shows that `full` denies what its rules forbid.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
from pathlib import Path
from typing import Any

from bench import traffic
from bench.contenders.base import Contender, Place, expect_result, send
from bench.load import Target
from bench.procs import ROOT, BenchError, Child, command_line, cpu_seconds, free_port, get, rss_mib
from bench.program import Program
from bench.session import opened

SERVER = "up"
DATA_PLANE = "gatepost.processes.dataplane"
COMMAND = [str(Path(sys.executable).with_name("gatepost"))]


class Gatepost(Contender):
    """Common part; subclasses say which policy."""

    policy: dict[str, Any] = traffic.PASS_POLICY

    def __init__(self) -> None:
        super().__init__()
        self.data = Path()
        self.port = 0

    def missing(self) -> str | None:
        return None if Path(COMMAND[0]).exists() else "gatepost is not installed (pip install -e .)"

    def start(self, place: Place) -> None:
        self.data = place.folder / "data"
        token = self.add_server(SERVER, ["--url", f"http://127.0.0.1:{place.upstream}/mcp"], self.policy)
        self.before_serve()
        self.serve(place)
        self.target = Target(self.port, f"/mcp/{SERVER}", token)

    def before_serve(self) -> None:
        """For sections that want more in the data folder than one server."""

    def add_server(self, name: str, where: list[str], policy: dict[str, Any]) -> str:
        """Adds a server with its policy and one grant. Returns the grant's token."""
        self.cli("server", "add", name, *where)
        file = self.data.parent / f"{name}.json"
        file.write_text(json.dumps(policy))
        self.cli("policy", "add", f"{name}-policy", str(file), "--server", name)
        granted = self.cli("grant", "add", f"bench-{name}", "--server", name, "--policy", f"{name}-policy", "--json")
        try:
            return str(json.loads(granted)["token"])
        except (ValueError, KeyError):
            raise BenchError(f"gatepost grant add printed no token: {granted[:200]!r}") from None

    def serve(self, place: Place) -> None:
        """`gatepost serve`, its data plane on the gateway's core and everything else on the side core."""
        self.port, console = free_port(), free_port()
        listen = ["--listen", f"127.0.0.1:{self.port}", "--console", f"127.0.0.1:{console}"]
        child = Child([*COMMAND, "serve", *listen], core=None, log=place.folder / "serve.log", env=self.env())
        self.children = [child]
        child.until(self.ready, "gatepost serve", 60)
        for pid in child.tree():
            if Program.runs_in(pid):
                continue  # it has chosen its core itself
            core = place.cores.gateway if pid in self.gateway_pids() else place.cores.side
            for thread in Path(f"/proc/{pid}/task").iterdir():
                os.sched_setaffinity(int(thread.name), {core})

    def ready(self) -> bool:
        try:
            get(f"http://127.0.0.1:{self.port}/readyz", 1)
        except urllib.error.HTTPError:  # 503: up, but not ready
            return False
        except OSError:  # not listening yet
            return False
        return True

    def cli(self, *arguments: str, seconds: float = 120) -> str:
        """Runs one gatepost command on this data folder. Returns its stdout; raises BenchError when it fails."""
        done = subprocess.run(
            [*COMMAND, *arguments],
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
            cwd=ROOT,
            env=self.env(),
        )
        if done.returncode != 0:
            raise BenchError(f"gatepost {' '.join(arguments[:3])}: {done.stderr.strip()[-400:]}")
        return done.stdout

    def env(self) -> dict[str, str]:
        return {**os.environ, "GATEPOST_DATA": str(self.data)}

    def gateway_pids(self) -> list[int]:
        """The data plane: the one process on the main path."""
        return [pid for child in self.children for pid in child.tree() if DATA_PLANE in command_line(pid)]

    def side_pids(self) -> list[int]:
        """Supervisor and worker."""
        main = self.gateway_pids()
        found = (pid for child in self.children for pid in child.tree() if pid not in main)
        return [pid for pid in found if not Program.runs_in(pid)]

    def side_rss(self) -> float:
        return rss_mib(self.side_pids())

    def settle(self, seconds: float = 300) -> None:
        """Waits until the worker has indexed what there is. Raises BenchError after `seconds`."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            before = cpu_seconds(self.side_pids())
            time.sleep(1.5)
            if cpu_seconds(self.side_pids()) - before < 0.1:
                return
        raise BenchError("the worker did not catch up with the journal")


class PassThrough(Gatepost):
    key = "pass"
    title = "Gatepost, pass-through"
    note = "a grant and a policy that allows everything; strict parse, decision and outcome recorded"


class Full(Gatepost):
    key = "full"
    title = "Gatepost, full"
    note = (
        "a grant, strict parse, argument validation, four argument rules, two limits, the decision durable against "
        "`kill -9` before the call is forwarded, the outcome recorded"
    )
    policy = traffic.FULL_POLICY

    def check(self) -> None:
        super().check()
        forbidden = {
            "too much": {**traffic.CALLS[0], "amount": 10001},
            "test charge": {**traffic.CALLS[0], "charge": "ch_test_1"},
            "foreign callback": {**traffic.CALLS[2], "callback": "https://db.internal/x"},
            "currency": {**traffic.CALLS[0], "currency": "chf"},
        }
        for name, arguments in forbidden.items():
            status, body = send(self.target, traffic.TOOL, arguments)
            if status != 200 or b"[POLICY DENIED]" not in body:
                raise BenchError(f"Gatepost did not deny by the rule on {name}: {status} {body[:300]!r}")
        expect_result(self, *send(self.target, traffic.TOOL, traffic.CALLS[3]))


class FullProgram(Full):
    """`full` in front of a program, for clients of 2025-11-25: what mcp-proxy and supergateway are compared with."""

    key = "full-program"
    title = "Gatepost, full, in front of a program"
    note = "what `full` does, for the same calls in front of the same program as the two bridges"
    bridge = True

    def start(self, place: Place) -> None:
        self.data = place.folder / "data"
        self.program = Program(place.folder, place.cores.load)
        token = self.add_server(SERVER, ["--", *self.program.command], self.policy)
        self.serve(place)
        self.target = opened(Target(self.port, f"/mcp/{SERVER}", token))

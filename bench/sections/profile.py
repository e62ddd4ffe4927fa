"""Where the time of a call goes: the data plane of `full` under a profiler, by module, and its user and system time
without one.

py-spy is used where it is installed, because it does not slow down what it looks at; else the data plane runs under
cProfile.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

from bench.contenders.base import Place
from bench.contenders.gatepost import DATA_PLANE, Full
from bench.machine import search_path
from bench.procs import TICK, BenchError, Child, free_port
from bench.report import Section
from bench.rig import Rig

LEVEL = 16
CAVEAT = ", which counts C functions with their caller and weighs small Python functions too heavily"
LEAST = 0.01
"""Parts below this share are summed up in one line."""


class UnderProfile(Full):
    """The data plane alone (no supervisor, no worker), under cProfile, writing what it found to `out`."""

    out = Path()

    def serve(self, place: Place) -> None:
        self.port = free_port()
        self.out = place.folder / "profile.json"
        command = [sys.executable, "-m", "bench.profiled", str(self.out), "--data", str(self.data)]
        command += ["--listen", f"127.0.0.1:{self.port}"]
        child = Child(command, core=place.cores.gateway, log=place.folder / "serve.log", env=self.env())
        self.children = [child]
        child.until(self.ready, DATA_PLANE, 60)

    def gateway_pids(self) -> list[int]:
        return [child.pid for child in self.children]


def run(rig: Rig, skipped: list[str]) -> Section:
    del skipped
    page = Section("profile", "Where the time goes")
    plain = rig.launch(Full())
    rig.load(plain.target, LEVEL, 1)
    before = times_of(plain.gateway_pids()[0])
    done = rig.load(plain.target, LEVEL, max(2, rig.scale.seconds))
    after = times_of(plain.gateway_pids()[0])
    user, system = ((b - a) / done.requests * 1e6 for a, b in zip(before, after, strict=True))
    if spy := shutil.which("py-spy", path=search_path()):
        tool, shares = "py-spy", sampled(rig, plain, spy)
        plain.stop()
    else:
        plain.stop()
        tool, shares = "cProfile", profiled(rig)
    page.data = {"user_us": user, "system_us": system, "tool": tool, "shares": shares}
    page.say(
        f"Without a profiler, at {LEVEL} connections: {user + system:.1f} µs of CPU a call, {user:.1f} µs of it in the "
        f"process itself and {system:.1f} µs in the kernel (sockets, epoll, the journal's writes).",
        "",
        f"By module, seen by {tool}{CAVEAT if tool == 'cProfile' else ''}:",
    )
    named = [(name, share) for name, share in shares.items() if share >= LEAST]
    rest = 1 - sum(share for _, share in named)
    rows = [[f"`{name}`", f"{share * 100:.0f} %"] for name, share in named]
    page.table(["", "share"], [*rows, ["everything below 1 %", f"{rest * 100:.0f} %"]])
    return page


def times_of(pid: int) -> tuple[float, float]:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) * TICK, int(fields[12]) * TICK


def profiled(rig: Rig) -> dict[str, float]:
    gateway = rig.launch(UnderProfile())
    rig.load(gateway.target, LEVEL, 1)
    child = gateway.children[0]
    child.process.send_signal(signal.SIGUSR1)
    rig.load(gateway.target, LEVEL, max(3, rig.scale.seconds))
    child.process.send_signal(signal.SIGUSR2)
    child.until(gateway.out.exists, "the profile")
    if (kept := os.environ.get("BENCH_KEEP_PROFILE")) is not None:
        shutil.copy(gateway.out.with_suffix(".pstats"), kept)
    gateway.stop()
    found: dict[str, float] = json.loads(gateway.out.read_text())
    return shares_of(Counter(found))


def sampled(rig: Rig, gateway: Full, spy: str) -> dict[str, float]:
    out = rig.folder / "samples.txt"
    seconds = max(3, round(rig.scale.seconds))
    command = [spy, "record", "--pid", str(gateway.gateway_pids()[0]), "--rate", "500", "--duration", str(seconds)]
    command += ["--format", "raw", "--output", str(out)]
    watcher = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    rig.load(gateway.target, LEVEL, seconds + 1)
    said = watcher.communicate(timeout=60)[0]
    if watcher.returncode != 0:
        raise BenchError(f"py-spy: {said.decode(errors='replace')[-300:]}")
    counted: Counter[str] = Counter()
    for line in out.read_text().splitlines():
        stack, _, number = line.rpartition(" ")
        if "(threading.py:" in stack.partition(";")[0]:
            continue  # another thread than the event loop's: they wait, and are taken for busy
        leaf = stack.split(";")[-1]
        file = leaf[leaf.find("(") + 1 : leaf.rfind(":")]
        counted[module_of(file)] += int(number)
    return shares_of(counted)


def module_of(file: str) -> str:
    """`gatepost.wire.listener` for a file of ours, else the name of the package or of the file."""
    path = Path(file)
    parts = path.with_suffix("").parts
    for name in ("gatepost", "site-packages"):
        if name in parts[:-1]:
            at = len(parts) - 1 - parts[::-1].index(name)
            return ".".join(parts[at:]) if name == "gatepost" else parts[at + 1]
    return path.stem if path.suffix == ".py" else file


def shares_of(counted: Counter[str]) -> dict[str, float]:
    whole = counted.total()
    return {name: part / whole for name, part in counted.most_common()}

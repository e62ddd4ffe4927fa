"""An export of a million rows, a scan, and ten thousand changed grants while calls run: what the calls notice.

The jobs are the command line and a process with the control functions. They run at the lowest priority on the side
core: on a machine with two cores that is the one of the load generator, which must not wait for them, or it would
measure itself.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from bench.contenders.gatepost import COMMAND, SERVER, Full
from bench.load import Load
from bench.procs import ROOT, BenchError
from bench.report import Bar, Section, count, micros, times
from bench.rig import Rig

LEVEL = 16
MOST = 1.5
LONGEST = 600


class Many(Full):
    """`full`, with ten thousand further grants and two more policies to put them under."""

    def __init__(self, grants: int) -> None:
        super().__init__()
        self.grants = grants

    def before_serve(self) -> None:
        for name in ("before", "after"):
            file = self.data.parent / f"{name}.json"
            file.write_text(f'{{"version": "1", "default": "allow", "description": "{name}"}}')
            self.cli("policy", "add", name, str(file), "--server", SERVER)
        ended("adding grants", self.bulk("add", "before"))

    def bulk(self, what: str, policy: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "bench.grants", str(self.data), what, str(self.grants), policy]
        return self.job(command, self.data.parent / f"{what}.log")

    def job(self, command: list[str], out: Path) -> subprocess.Popen[bytes]:
        with out.open("wb") as sink:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.PIPE,
                cwd=ROOT,
                env=self.env(),
                start_new_session=True,
                preexec_fn=yield_to_others,
            )


def run(rig: Rig, skipped: list[str]) -> Section:
    del skipped
    page = Section("busy", "Calls while an export, a scan and 10,000 changed grants run")
    rig.say(f"adding {rig.scale.grants:,} grants")
    gateway = rig.launch(Many(rig.scale.grants))
    fill(rig, gateway)
    before = [rig.load(gateway.target, LEVEL, rig.scale.seconds) for _ in range(rig.scale.rounds)]
    during, jobs, rows = while_jobs_run(rig, gateway)
    after = [rig.load(gateway.target, LEVEL, rig.scale.seconds) for _ in range(rig.scale.rounds)]
    gateway.stop()
    quiet = before + after
    ratio = median(one.p99 for one in during) / median(one.p99 for one in quiet)
    page.data = {
        "quiet": figures(quiet),
        "during": figures(during),
        "jobs_seconds": jobs,
        "exported_rows": rows,
        "ratio": ratio,
    }
    page.say(
        f"{LEVEL} connections, policy `full`, before, during and after the jobs: `log export` of {count(rows)} rows, "
        f"`server scan` over and over, {count(rig.scale.grants)} grants put under another policy one by one, then a "
        "new version of a policy that all of them have. The jobs run at the lowest priority beside the load generator."
    )
    page.table(
        ["", "requests/s", "p50", "p99", "longest"],
        [["quiet", *cells(quiet)], ["while the jobs run", *cells(during)]],
    )
    page.table(["job", "took"], [[name, f"{seconds:.1f} s"] for name, seconds in jobs.items()])
    what = f"export of {count(rows)} rows, scan, {count(rig.scale.grants)} changed grants: p99 of calls"
    met = ratio <= MOST if rig.scale.name == "full" else None
    page.bars = [Bar(what, f"≤ {MOST} × quiet", times(ratio), met)]
    return page


def fill(rig: Rig, gateway: Many) -> None:
    """Makes calls until the log has the rows to export, two for each call, and lets the worker index them."""
    began = rig.upstream.count()
    wanted = rig.scale.calls // 2
    rig.say(f"{wanted:,} calls to fill the log")
    while rig.upstream.count() - began < wanted:
        rig.load(gateway.target, 64, 10 if rig.scale.name == "full" else 1)
    rig.say("waiting for the index")
    gateway.settle(LONGEST)


def while_jobs_run(rig: Rig, gateway: Many) -> tuple[list[Load], dict[str, float], int]:
    """Load runs until every job has ended. Returns them, how long each job took, and the rows of the export."""
    exported = gateway.data.parent / "export.jsonl"
    scan = [*COMMAND, "server", "scan", SERVER]
    began = time.monotonic()
    running = {
        "log export": gateway.job([*COMMAND, "log", "export", "--format", "jsonl"], exported),
        "grants, one by one": gateway.bulk("attach", "after"),
    }
    scanning = gateway.job(scan, gateway.data.parent / "scan.log")
    took: dict[str, float] = {}
    during: list[Load] = []
    edited = False
    while running:
        if time.monotonic() - began > LONGEST:
            raise BenchError(f"{', '.join(running)} did not end within {LONGEST} s")
        during.append(rig.load(gateway.target, LEVEL, rig.scale.seconds))
        if scanning.poll() is not None:
            ended("server scan", scanning)
            took.setdefault("server scan, the first", time.monotonic() - began)
            scanning = gateway.job(scan, gateway.data.parent / "scan.log")
        for name, job in list(running.items()):
            if job.poll() is not None:
                ended(name, job)
                took[name] = time.monotonic() - began
                del running[name]
        if "grants, one by one" in took and not edited:
            edited = True
            running["a new version of their policy"] = gateway.bulk("edit", "after")
    ended("server scan", scanning)
    with exported.open("rb") as lines:
        rows = sum(1 for _ in lines)
    exported.unlink()
    return during, took, rows


def yield_to_others() -> None:
    """Lowest priority, for the session as well where the kernel schedules by session (autogroup)."""
    os.nice(19)
    group = Path("/proc/self/autogroup")
    if group.exists():
        group.write_text("19")


def ended(name: str, job: subprocess.Popen[bytes]) -> None:
    """Waits for a job. Raises BenchError with what it said, unless it succeeded."""
    said = job.communicate(timeout=LONGEST)[1].decode(errors="replace")
    if job.returncode != 0:
        raise BenchError(f"{name} failed with status {job.returncode}: {said.strip()[-300:]}")


def figures(runs: list[Load]) -> dict[str, object]:
    return {
        "rate": median(one.rate for one in runs),
        "p50_us": median(one.p50 for one in runs),
        "p99_us": median(one.p99 for one in runs),
        "p99_us_of_each_run": [one.p99 for one in runs],
        "longest_us": max(one.longest for one in runs),
    }


def cells(runs: list[Load]) -> list[str]:
    middle = [median(getattr(one, name) for one in runs) for name in ("p50", "p99")]
    return [count(median(one.rate for one in runs)), *map(micros, middle), micros(max(one.longest for one in runs))]

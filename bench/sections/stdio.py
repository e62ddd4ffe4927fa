"""`gatepost run` between a client and a program: the time that it adds, beside a bare relay in Python."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

from bench import traffic
from bench.contenders.gatepost import COMMAND
from bench.procs import ROOT, BenchError
from bench.report import Bar, Section, micros
from bench.rig import Rig

BAR = 60.0
WARM = 200
A_SAMPLE = 10
"""Calls for each of the scale's samples: one takes so little that few say little."""
SECONDS = 30

TITLES = {
    "direct": "the program alone",
    "poll": "bare relay, `poll`, `read` and `write`",
    "asyncio": "bare relay, asyncio's streams",
    "pass": "`gatepost run`, pass-through",
    "full": "`gatepost run`, full",
    "guest": "`gatepost run`, full, where another process keeps the journal",
}


class Talk:
    """A program on three pipes, of which one call after the other is asked."""

    def __init__(self, command: list[str], core: int, log: Path) -> None:
        with log.open("ab") as sink:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=sink,
                bufsize=0,
                cwd=ROOT,
                preexec_fn=lambda: os.sched_setaffinity(0, {core}),
            )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._into, self._out = self.process.stdin.fileno(), self.process.stdout.fileno()
        self._id = 100_000_000

    def timed(self, number: int) -> float:
        """Microseconds of one call. Raises BenchError where the answer is not the program's."""
        self._id += 1
        line = traffic.call(traffic.CALLS[number % len(traffic.CALLS)], self._id) + b"\n"
        began = time.perf_counter_ns()
        answer = self._asked(line)
        took = (time.perf_counter_ns() - began) / 1000
        if b'"re_3PqL8w2eZvKYlo2C\\"' not in answer:
            raise BenchError(f"not the program's answer: {answer[:300]!r}")
        return took

    def listed(self) -> None:
        """Begin as a client does, so that nothing is left to be done at the first call."""
        for method in ("server/discover", "tools/list"):
            self._id += 1
            answer = self._asked(traffic.body(method, {"_meta": traffic.meta()}, self._id) + b"\n")
            if b'"result"' not in answer:
                raise BenchError(f"{method}: {answer[:300]!r}")

    def _asked(self, line: bytes) -> bytes:
        os.write(self._into, line)
        answer = b""
        while not answer.endswith(b"\n"):
            chunk = os.read(self._out, 65536)
            if not chunk:
                raise BenchError("the program has ended")
            answer += chunk
        return answer

    def stop(self) -> None:
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
        self.process.terminate()
        try:
            self.process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def run(rig: Rig, skipped: list[str]) -> Section:
    del skipped
    page = Section("stdio", "Standard input and output: `gatepost run`")
    folder = rig.folder / "stdio"
    folder.mkdir()
    talks: dict[str, Talk] = {}
    keepers: list[Talk] = []
    took: dict[str, list[float]] = {key: [] for key in TITLES}
    try:
        keepers.append(start(rig, folder, "guest", "keeper"))
        keepers[0].listed()
        for key in TITLES:
            talks[key] = start(rig, folder, key, key)
            talks[key].listed()
            for number in range(WARM):
                talks[key].timed(number)
        for number in range(rig.scale.rounds):
            rig.say(f"round {number + 1} of {rig.scale.rounds}")
            for key, talk in talks.items():
                took[key] += [talk.timed(call) for call in range(rig.scale.samples * A_SAMPLE)]
    finally:
        for talk in (*talks.values(), *keepers):
            talk.stop()
    middle = {key: median(values) for key, values in took.items()}
    page.data = {"median_us": middle}
    page.say(
        "One client, one call after the other, over pipes. The relay or `run` has the gateway's core; client and "
        "program share the other. `pass` allows everything; `full` has four argument rules and two limits; both parse "
        "strictly, validate arguments and have the decision in the journal before the call goes on."
    )
    rows = [
        [title, micros(middle[key]), over(middle, key, "poll"), over(middle, key, "asyncio")]
        for key, title in TITLES.items()
    ]
    page.table(["", "p50", "over the relay on `poll`", "over the relay on asyncio"], rows)
    added = middle["full"] - middle["poll"]
    shown = f"{micros(added)} (over asyncio's streams: {micros(middle['full'] - middle['asyncio'])})"
    page.bars = [Bar("`run`, full, added to the p50 of a bare relay", f"≤ {BAR:.0f} µs", shown, added <= BAR)]
    return page


def over(middle: dict[str, float], key: str, relay: str) -> str:
    return "–" if key in ("direct", "poll", "asyncio") else micros(middle[key] - middle[relay])


def start(rig: Rig, folder: Path, key: str, log: str) -> Talk:
    """One contender in front of a program of its own."""
    program = [sys.executable, "-m", "bench.stdio_upstream", "--core", str(rig.cores.load)]
    command = program
    if key in ("poll", "asyncio"):
        command = [sys.executable, "-m", "bench.relay", key, *program]
    elif key != "direct":
        policy: dict[str, Any] = traffic.PASS_POLICY if key == "pass" else traffic.FULL_POLICY
        file = folder / f"{key}.json"
        file.write_text(json.dumps(policy))
        # Each has a folder of its own but the guest, which shares its keeper's.
        command = [*COMMAND, "run", "--data", str(folder / key), "--policy", str(file), "--name", "up", "--", *program]
    return Talk(command, rig.cores.gateway, folder / f"{log}.log")

"""A client of a program on three pipes, which asks one call after the other and times each."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import Any

from bench import traffic
from bench.procs import ROOT, BenchError

SECONDS = 30
WARM = 200


class Talk:
    """A started program, kept on `core` with what it starts; `legacy`: it is spoken to in 2025-11-25."""

    def __init__(self, command: list[str], core: int, log: Path, *, legacy: bool = False) -> None:
        self.log = log
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
        self._legacy = legacy

    def begin(self, warm: int = WARM) -> None:
        """Begins as a client does, and makes some calls, so that nothing is left to be done at the first that counts.
        Raises BenchError.
        """
        if self._legacy:
            about = {"name": "bench", "version": "1.0.0"}
            self._result("initialize", {"protocolVersion": traffic.LEGACY, "capabilities": {}, "clientInfo": about})
            self._send(traffic.body("notifications/initialized", {}, None) + b"\n")
            self._result("tools/list", {})
        else:
            for method in ("server/discover", "tools/list"):
                self._result(method, {"_meta": traffic.meta()})
        for number in range(warm):
            self.timed(number)

    def timed(self, number: int) -> float:
        """Microseconds of one call. Raises BenchError where the answer is not the program's."""
        self._id += 1
        form = traffic.legacy_call if self._legacy else traffic.call
        line = form(traffic.CALLS[number % len(traffic.CALLS)], self._id) + b"\n"
        began = time.perf_counter_ns()
        answer = self._asked(line)
        took = (time.perf_counter_ns() - began) / 1000
        if b'"re_3PqL8w2eZvKYlo2C\\"' not in answer:
            raise BenchError(f"not the program's answer: {answer[:300]!r}")
        return took

    def _result(self, method: str, params: dict[str, Any]) -> None:
        self._id += 1
        answer = self._asked(traffic.body(method, params, self._id) + b"\n")
        if b'"result"' not in answer:
            raise BenchError(f"{method}: {answer[:300]!r}")

    def _asked(self, line: bytes) -> bytes:
        self._send(line)
        answer = b""
        while not answer.endswith(b"\n"):
            chunk = os.read(self._out, 65536)
            if not chunk:
                raise BenchError(f"the program has ended: {self.log.read_text(errors='replace')[-300:]}")
            answer += chunk
        return answer

    def _send(self, line: bytes) -> None:
        try:
            os.write(self._into, line)
        except BrokenPipeError:
            raise BenchError(f"the program has ended: {self.log.read_text(errors='replace')[-300:]}") from None

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

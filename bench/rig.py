"""What every section stands on: the cores, the upstream, the load generator, and contenders that end with the run."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Protocol, TypeVar

from bench.contenders.base import Contender, Place
from bench.load import Generator, Load, Target
from bench.machine import Cores
from bench.procs import BenchError, Child, accepts, free_port, get_json

AnyContender = TypeVar("AnyContender", bound=Contender)


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is measured: `full` is what gets published, `quick` shows within minutes that everything works."""

    name: str
    rounds: int
    seconds: float
    calls: int
    """Calls before memory is judged, and rows of the export."""
    grants: int
    samples: int
    """Single requests of the sections that time one request after the other."""


FULL = Scale("full", rounds=5, seconds=4, calls=1_000_000, grants=10_000, samples=300)
QUICK = Scale("quick", rounds=2, seconds=1, calls=30_000, grants=200, samples=40)
TINY = Scale("tiny", rounds=1, seconds=1, calls=500, grants=3, samples=3)


class NothingAnswered(BenchError):
    """Not one call was answered in the time of a run."""


class Counting(Protocol):
    """What stands behind a contender, and counts."""

    def count(self) -> int:
        """Tool calls answered so far."""
        ...


class Upstream:
    """A running bench/upstream.py."""

    def __init__(self, folder: Path, core: int, fillers: int = 0) -> None:
        self.port = free_port()
        command = [sys.executable, "-m", "bench.upstream", "--port", str(self.port), "--tools", str(fillers)]
        self.child = Child(command, core=core, log=folder / f"upstream-{self.port}.log")
        self.child.until(lambda: accepts(self.port), "the upstream")

    def count(self) -> int:
        """Tool calls answered so far."""
        return int(get_json(f"http://127.0.0.1:{self.port}/count")["calls"])

    def hanging(self) -> int:
        """Calls that it is holding without an answer."""
        return int(get_json(f"http://127.0.0.1:{self.port}/count")["hanging"])


class Rig:
    """Context manager; on leaving, everything that was started has ended and the files are gone."""

    def __init__(self, scale: Scale, chosen: Sequence[str] | None = None) -> None:
        self.scale = scale
        self.chosen = chosen
        """Keys of the contenders that take part in the table; None: all."""
        self.cores = Cores.choose()
        self._stack = ExitStack()
        self._began = time.monotonic()

    def __enter__(self) -> Rig:
        self.folder = Path(self._stack.enter_context(TemporaryDirectory(prefix="gatepost-bench-")))
        before = os.sched_getaffinity(0)
        self._stack.callback(os.sched_setaffinity, 0, before)
        os.sched_setaffinity(0, {self.cores.load})  # this process is load too, where it sends single requests
        try:
            self.generator = Generator(self.folder, self.cores.load)
            self.upstream = self.new_upstream()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def new_upstream(self, fillers: int = 0) -> Upstream:
        upstream = Upstream(self.folder, self.cores.load, fillers)
        self._stack.callback(upstream.child.stop)
        return upstream

    def launch(self, contender: AnyContender, upstream: Upstream | None = None) -> AnyContender:
        """Starts and checks a contender. Raises BenchError; nothing of it is left running then."""
        folder = self.folder / f"{contender.key}-{len(list(self.folder.iterdir()))}"
        folder.mkdir()
        try:
            contender.start(Place(folder, self.cores, (upstream or self.upstream).port))
            contender.check()
        except BaseException:
            contender.stop()
            raise
        self._stack.callback(contender.stop)
        return contender

    def load(self, target: Target, concurrency: int, seconds: float, upstream: Counting | None = None) -> Load:
        """One run. Raises BenchError where anything was answered with an error, or not by the upstream: then it is
        void. NothingAnswered, one of them, where no call was answered in that time.
        """
        behind = upstream or self.upstream
        before = behind.count()
        done = self.generator.run(target, concurrency, seconds)
        served = behind.count() - before
        if done.errors:
            raise BenchError(f"void: the load generator saw errors: {done.errors}")
        if served < done.requests:
            raise BenchError(f"void: {done.requests - served} of {done.requests} calls never reached the upstream")
        if not done.requests:
            raise NothingAnswered(f"void: nothing was answered within {seconds:g} s")
        return done

    def say(self, text: str) -> None:
        """A line of progress on stderr, so that stdout stays free for the result."""
        print(f"[{time.monotonic() - self._began:6.0f} s] {text}", file=sys.stderr, flush=True)

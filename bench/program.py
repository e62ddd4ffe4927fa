"""The program behind contenders that put programs on HTTP: its command line, and how many calls it has answered."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from bench.procs import ROOT, command_line

MODULE = "bench.stdio_upstream"


class Program:
    """Started by the contender itself, maybe several times; every one of them adds to the same count."""

    def __init__(self, folder: Path, core: int) -> None:
        self._answered = folder / "answered"
        self._answered.touch()
        python = [shutil.which("env") or "env", f"PYTHONPATH={ROOT}", sys.executable]  # wherever it is started
        self.command = [*python, "-m", MODULE, "--core", str(core), "--count", str(self._answered), "--legacy"]

    @staticmethod
    def runs_in(pid: int) -> bool:
        """Whether this process is the program, and not one that was told to start it."""
        return command_line(pid).split()[1:3] == ["-m", MODULE]

    def count(self) -> int:
        """Tool calls answered so far."""
        return self._answered.stat().st_size

"""Runs the real program as a child process, on a real data folder."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gatepost.cli.main import run

TINY = Path(__file__).with_name("tiny_server.py")
SECONDS = 60


@dataclass(frozen=True)
class Ran:
    """How a command ended: its exit code and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Program:
    """`gatepost`, on one data folder."""

    data: Path

    def __call__(self, *arguments: str, stdin: str = "", env: dict[str, str] | None = None) -> Ran:
        done = subprocess.run(
            [sys.executable, "-m", "gatepost", *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
            env=self.environment(env),
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def quick(self, *arguments: str) -> Ran:
        """The command within this process: for what leads up to a test's subject, and for what came of it."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run([*arguments, "--data", str(self.data)])
        return Ran(code, out.getvalue(), err.getvalue())

    def read(self, *arguments: str) -> Any:
        """What a reading command prints with `--json`, by `quick`."""
        return self.quick(*arguments, "--json").json

    @contextlib.contextmanager
    def started(self, *arguments: str, env: dict[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
        """A command that goes on; both its outputs are pipes. It is killed at the end, and where a test hangs on it."""
        process = subprocess.Popen(
            [sys.executable, "-u", "-m", "gatepost", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment(env),
        )
        deadline = threading.Timer(SECONDS, process.kill)
        deadline.start()
        try:
            yield process
        finally:
            deadline.cancel()
            process.kill()
            process.communicate()

    def environment(self, more: dict[str, str] | None = None) -> dict[str, str]:
        """This process's environment with the data folder in it, and nothing about terminals."""
        kept = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "NO_COLOR", "FORCE_COLOR")}
        return {**kept, "GATEPOST_DATA": str(self.data), **(more or {})}

    def add_tiny(self, name: str, tools: Path, *options: str) -> Ran:
        """Registers a tiny server whose tools are in the file `tools`."""
        return self("server", "add", name, *options, "--", sys.executable, str(TINY), str(tools))


TOOLS = [
    {
        "name": "read_file",
        "description": "Reads a file.",
        "inputSchema": {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]},
    },
    {"name": "delete_file", "description": "Deletes a file.", "inputSchema": {"type": "object"}},
]
POLICY = """
version: "1"
description: Reading below /srv/notes
default: deny
tools:
  read_file:
    require:
      - name: in-notes
        conditions: [{path: args.path, op: path_within, value: [/srv/notes]}]
        on_deny: Only files below /srv/notes may be read.
    limits: [{counter: reads, window: minute, max: 100}]
"""

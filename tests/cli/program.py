"""Runs the real program as a child process, on a real data folder."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
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

    def read(self, *arguments: str) -> Any:
        """What a reading command prints with `--json`, run within this process, where it is not the test's subject."""
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            assert run([*arguments, "--data", str(self.data), "--json"]) in (0, 1)
        return json.loads(out.getvalue())

    def start(self, *arguments: str, env: dict[str, str] | None = None) -> subprocess.Popen[str]:
        """Starts a command that goes on; both its outputs are pipes."""
        return subprocess.Popen(
            [sys.executable, "-u", "-m", "gatepost", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment(env),
        )

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

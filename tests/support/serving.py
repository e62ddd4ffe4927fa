"""`gatepost serve` as a process of its own, and the official client that reaches it."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.cli.program import Program, Ran


class Serving:
    """A running `serve`: `gatepost(...)` runs a command on its data folder."""

    def __init__(self, program: Program, process: subprocess.Popen[str], port: int, console: int) -> None:
        self.program, self.process, self.port, self.console = program, process, port, console

    def __call__(self, *arguments: str, stdin: str = "") -> Ran:
        return self.program(*arguments, stdin=stdin)

    def ok(self, *arguments: str, stdin: str = "") -> Ran:
        """Run a command that has to succeed."""
        ran = self.program(*arguments, stdin=stdin)
        assert ran.code == 0, ran.err + ran.out
        return ran

    def url(self, server: str) -> str:
        return f"http://127.0.0.1:{self.port}/mcp/{server}/"


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(*options: str, at: Path | None = None) -> Iterator[Serving]:
    """Start `serve` on a new data folder, or on the one `at` a path, and end it."""
    with tempfile.TemporaryDirectory(prefix="gp-") as folder:
        program = Program(at or Path(folder) / "data")
        port, console = free_port(), free_port()
        addresses = ("--listen", f"127.0.0.1:{port}", "--console", f"127.0.0.1:{console}")
        with (Path(folder) / "serve.log").open("w") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "gatepost", "serve", *addresses, *options],
                env=program.environment(),
                stdout=log,
                stderr=log,
                text=True,
            )
        try:
            wait_ready(process, port, Path(folder) / "serve.log")
            yield Serving(program, process, port, console)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            process.wait(60)


def wait_ready(process: subprocess.Popen[str], port: int, log: Path) -> None:
    """Wait until the data plane can decide, count and record."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("serve did not become ready:\n" + log.read_text())


@asynccontextmanager
async def official_client(url: str, token: str, **options: Any) -> AsyncIterator[Client]:
    """The official SDK's client on a gateway's URL."""
    async with (
        httpx2.AsyncClient(headers={"authorization": f"Bearer {token}"}, timeout=30) as http,
        Client(streamable_http_client(url, http_client=http), **options) as client,
    ):
        yield client


def token_of(ran: Ran) -> str:
    """The token that `grant add --json` printed."""
    token = json.loads(ran.out)["token"]
    assert isinstance(token, str)
    return token

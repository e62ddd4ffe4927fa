"""A running `gatepost serve`, and a plain HTTP client for what it serves."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

from gatepost.processes.lock import holder
from tests.cli.program import Program

SECONDS = 60.0
_T = TypeVar("_T")


def eventually(look: Callable[[], _T | None], seconds: float = SECONDS) -> _T:
    """What `look` returns as soon as that is neither None nor False."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found is not None and found is not False:
            return found
        assert time.monotonic() < deadline, f"nothing came of {look} within {seconds} s"
        time.sleep(0.02)


Answer = tuple[int, dict[str, str], bytes]


@dataclass
class Serving:
    """One `serve`: its process, what it said of itself in the lock, and the program for its folder."""

    gatepost: Program
    process: subprocess.Popen[str]
    facts: dict[str, Any]

    def http(
        self, base: str, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """One request to "data_plane" or "console"."""
        connection = http.client.HTTPConnection(urlsplit(self.facts[base]).netloc, timeout=SECONDS)
        try:
            content = None if body is None else json.dumps(body).encode()
            connection.request(method, path, content, headers or {})
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def post(self, server: str, token: str, message: dict[str, Any], session: str | None) -> Answer:
        """One message of 2025-11-25 with a grant's token."""
        headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
        }
        if session is not None:
            headers |= {"MCP-Protocol-Version": "2025-11-25", "Mcp-Session-Id": session}
        return self.http("data_plane", "POST", f"/mcp/{server}/", {"jsonrpc": "2.0", **message}, headers)

    def session(self, server: str, token: str) -> Session:
        """A client that has been through `initialize`."""
        about = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
        message = {"id": 0, "method": "initialize", "params": about}

        def initialized() -> str | None:
            # On a machine that is busy enough, a program may take longer to start than the gateway waits for it.
            return self.post(server, token, message, None)[1].get("mcp-session-id")

        opened = Session(self, server, token, eventually(initialized))
        assert self.post(server, token, {"method": "notifications/initialized"}, opened.id)[0] == 202
        return opened

    def children(self) -> dict[str, int]:
        """The process ids of the data plane and the worker."""
        found = {}
        for entry in os.listdir("/proc"):
            if not entry.isdigit():
                continue
            try:
                with open(f"/proc/{entry}/stat") as stat, open(f"/proc/{entry}/cmdline") as command:
                    parent = int(stat.read().rpartition(")")[2].split()[1])
                    words = command.read()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if parent == self.process.pid:
                for name in ("dataplane", "worker"):
                    if f"gatepost.processes.{name}" in words:
                        found[name] = int(entry)
        return found


@dataclass(frozen=True)
class Session:
    """A client's session on one server."""

    serving: Serving
    server: str
    token: str
    id: str

    def call(self, tool: str, arguments: dict[str, Any]) -> tuple[int, str]:
        """The HTTP status of a tool call, and the text that came back (the whole answer where there is no result)."""
        message = {"id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}
        status, headers, body = self.serving.post(self.server, self.token, message, self.id)
        if headers.get("content-type", "").startswith("text/event-stream"):
            body = next(line[5:] for line in body.splitlines() if line.startswith(b"data:") and line[5:].strip())
        answer = json.loads(body)
        return status, answer["result"]["content"][0]["text"] if "result" in answer else body.decode()


@contextmanager
def serving(gatepost: Program, *options: str, env: dict[str, str] | None = None) -> Iterator[Serving]:
    """`gatepost serve` on free ports, ended with SIGTERM."""
    arguments = ["serve", "--listen", "127.0.0.1:0", "--console", "127.0.0.1:0", *options]
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "gatepost", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=gatepost.environment(env),
    )

    def ready() -> dict[str, Any] | None:
        assert process.poll() is None, process.communicate()
        facts = holder(gatepost.data / "run")
        return facts if facts and "data_plane" in facts else None

    try:
        yield Serving(gatepost, process, eventually(ready))
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


def alive(pid: int) -> bool:
    """Whether a process runs (one that is dead and not collected yet does not)."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False

"""`gatepost run` as a client starts it: a process with three pipes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PLAIN = str(Path(__file__).parents[1] / "e2e" / "servers" / "plain.py")
OPEN: dict[str, Any] = {"version": "1", "default": "allow"}


def run_arguments(data: Path, policy: dict[str, Any], *more: str) -> list[str]:
    """The command line of `gatepost run` with a policy that is written for it."""
    data.parent.mkdir(parents=True, exist_ok=True)
    file = data.parent / f"policy-{abs(hash(json.dumps(policy)))}.json"
    file.write_text(json.dumps(policy))
    return [sys.executable, "-m", "gatepost", "run", "--data", str(data), "--policy", str(file), *more]


class RunClient:
    """A client that writes lines and reads lines."""

    def __init__(self, arguments: Sequence[str], **options: Any) -> None:
        self.process = subprocess.Popen(
            arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "RUN_TEST_MARK": "here"},
            **options,
        )
        self.pid = self.process.pid
        self.heard: list[dict[str, Any]] = []
        self._next = 0
        self._errors: list[str] = []
        self._said = threading.Condition()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._said:
                self._errors.append(line.decode().rstrip())
                self._said.notify_all()

    def errors(self) -> list[str]:
        """All of standard error, after the end."""
        self._listener.join(10)
        return self._errors

    def until_said(self, text: str) -> None:
        """Wait for a line on standard error that holds a text."""
        with self._said:
            assert self._said.wait_for(lambda: any(text in line for line in self._errors), 30), self._errors

    def send(self, message: dict[str, Any] | bytes) -> None:
        """Write one line."""
        assert self.process.stdin is not None
        line = message if isinstance(message, bytes) else json.dumps(message).encode()
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def read(self) -> dict[str, Any]:
        """Read one line, which has to be a message. A program that says nothing for a minute is killed."""
        assert self.process.stdout is not None
        hung = threading.Timer(60, self.process.kill)
        hung.start()
        try:
            line = self.process.stdout.readline()
        finally:
            hung.cancel()
        assert line, f"standard output has ended, and standard error says: {self.errors()}"
        message = json.loads(line)
        assert message["jsonrpc"] == "2.0"
        assert isinstance(message, dict)
        return message

    def ask(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """The answer to a request. Notifications may come before it, at any time, and are kept in `heard`."""
        self.send(self.request(method, params))
        while "id" not in (answer := self.read()):
            self.heard.append(answer)
        assert answer["id"] == self._next, answer
        return answer

    def request(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """A request with the next id."""
        self._next += 1
        return {"jsonrpc": "2.0", "id": self._next, "method": method, "params": params or {}}

    def initialize(self) -> dict[str, Any]:
        """Begin a legacy session."""
        client = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
        answer = self.ask("initialize", client)
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return answer

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The answer to a tool call."""
        return self.ask("tools/call", {"name": tool, "arguments": arguments})

    def text(self, tool: str, **arguments: Any) -> str:
        """The text of a tool's result."""
        return str(self.call(tool, **arguments)["result"]["content"][0]["text"])

    def leave(self) -> int:
        """Close standard input, and wait for the exit code."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(30)

    def rest(self) -> bytes:
        """What else is on standard output."""
        assert self.process.stdout is not None
        return bytes(self.process.stdout.read())


@contextmanager
def running(data: Path, policy: dict[str, Any], *more: str, **options: Any) -> Iterator[RunClient]:
    """A client of `gatepost run` in front of tests/e2e/servers/plain.py, or of what `more` names."""
    target = [] if "--" in more or "--upstream" in more else ["--", sys.executable, PLAIN]
    client = RunClient(run_arguments(data, policy, *more, *target), **options)
    try:
        yield client
    finally:
        client.process.kill()
        client.process.wait(30)
        for pipe in (client.process.stdin, client.process.stdout):
            if pipe is not None:
                pipe.close()

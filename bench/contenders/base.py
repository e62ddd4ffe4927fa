"""What the benchmark asks of a contender."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from bench import traffic
from bench.load import Target
from bench.machine import Cores
from bench.procs import BenchError, Child, cpu_seconds, post, rss_mib
from bench.program import Program


@dataclass(frozen=True, slots=True)
class Place:
    """Where a contender runs: its own folder, the cores, and the port of the upstream."""

    folder: Path
    cores: Cores
    upstream: int


class Contender:
    """A gateway in front of the upstream. Subclasses start it and say what is missing on this machine."""

    key = ""
    title = ""
    note = ""
    levels: tuple[int, ...] = (1, 16, 64)
    """The concurrencies at which it is measured."""
    bridge = False
    """Whether it stands in front of a program, and not of the HTTP upstream."""
    least_seconds = 0.0
    """What a round lasts at least: of those that answer some dozens of calls a second."""
    finishes = 0.0
    """Seconds that it may need at most for calls whose client has left, where it goes on with them."""
    most_rounds = 5
    """Fewer where a round is long because of that, so that the whole run stays short."""

    def __init__(self) -> None:
        self.children: list[Child] = []
        self.target = Target(0, "/mcp")
        self.program: Program | None = None
        """What it stands in front of where that is a program and not the HTTP upstream."""

    def missing(self) -> str | None:
        """Why it cannot run on this machine, or None."""
        return None

    def start(self, place: Place) -> None:
        """Starts it and waits until it accepts calls. Raises BenchError."""
        raise NotImplementedError

    def check(self) -> None:
        """Shows that it does what its row says, before anything is measured. Raises BenchError."""
        for arguments in traffic.CALLS:
            expect_result(self, *send(self.target, self.target.tool, arguments))

    def gateway_pids(self) -> list[int]:
        """The processes whose CPU time and memory are the gateway's: not the program behind it."""
        return [pid for child in self.children for pid in child.tree() if not Program.runs_in(pid)]

    def side_pids(self) -> list[int]:
        """Processes that work beside the main path (Gatepost's worker, which indexes the journal), measured on their
        own line.
        """
        return []

    def cpu(self) -> float:
        return cpu_seconds(self.gateway_pids())

    def side_cpu(self) -> float:
        return cpu_seconds(self.side_pids())

    def rss(self) -> float:
        return rss_mib(self.gateway_pids())

    def pause(self) -> None:
        for child in self.children:
            child.pause()

    def resume(self) -> None:
        for child in self.children:
            child.resume()

    def stop(self) -> None:
        for child in self.children:
            child.stop()
        self.children = []


def send(
    target: Target, tool: str, arguments: dict[str, object], *, header_name: str | None = None
) -> tuple[int, bytes]:
    """One tool call; `header_name` puts another tool's name into `Mcp-Name`."""
    fields = traffic.headers("tools/call", header_name or tool, target.token, target.session)
    form = traffic.call if target.session is None else traffic.legacy_call
    return post(target.port, target.path, fields, form(arguments, 424242, tool))


def expect_denied(contender: Contender, tool: str, arguments: dict[str, object], why: str) -> None:
    """Raises BenchError unless this call is answered with an error: else the comparison would be void."""
    status, body = send(contender.target, tool, arguments)
    try:
        message = json.loads(body)
        if status >= 400 or "error" in message or message["result"].get("isError"):
            return
    except (ValueError, KeyError, TypeError):
        pass
    raise BenchError(f"{contender.title} let a call pass that {why} forbids ({status} {body[:200]!r})")


def expect_result(contender: Contender, status: int, body: bytes) -> None:
    try:
        message = json.loads(body)
        if status == 200 and message["id"] == 424242 and not message["result"].get("isError"):
            return
    except (ValueError, KeyError, TypeError):
        pass
    raise BenchError(f"{contender.title}: a call that should pass was answered {status} {body[:300]!r}")

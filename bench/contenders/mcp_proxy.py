"""mcp-proxy (PyPI): a program on streamable HTTP, or an HTTP server on standard input and output; never HTTP to HTTP.

So it is measured in front of a program here, beside Gatepost in front of the same one, and from standard input to HTTP
in the section on stdio. It judges and records nothing. It speaks 2025-11-25. Chosen in its favour: one session (a third
less time a call than with `--stateless`), JSON answers (its default), no access log, httptools beside it.
"""

from __future__ import annotations

from bench import installed
from bench.contenders.base import Contender, Place
from bench.load import Target
from bench.procs import Child, accepts, free_port
from bench.program import Program
from bench.session import opened


class McpProxy(Contender):
    key = "mcp-proxy"
    title = "mcp-proxy, in front of a program"
    note = "a bridge from HTTP to a program, one session, JSON answers, access log off; no rules, no record"
    bridge = True
    most_rounds = 3

    def missing(self) -> str | None:
        return None if installed.program(self.key, "mcp-proxy") else f"not installed, {installed.HOW}"

    def start(self, place: Place) -> None:
        port = free_port()
        self.program = Program(place.folder, place.cores.load)
        command = [str(installed.program(self.key, "mcp-proxy")), "--host", "127.0.0.1", "--port", str(port)]
        command += ["--log-level", "WARNING", "--", *self.program.command]
        child = Child(command, core=place.cores.gateway, log=place.folder / "mcp-proxy.log")
        self.children = [child]
        child.until(lambda: accepts(port), self.title, 60)
        self.target = opened(Target(port, "/mcp"))

"""supergateway (npm): a program on streamable HTTP, or an HTTP server on standard input and output; never HTTP to HTTP.

Measured where mcp-proxy is. Chosen in its favour: `--stateful` and one session of 2025-11-25, because without a session
(and for each call of 2026-07-28) it starts the program anew for every call; no log.
"""

from __future__ import annotations

import shlex

from bench import installed
from bench.contenders.base import Contender, Place
from bench.load import Target
from bench.procs import Child, accepts, free_port
from bench.program import Program
from bench.session import opened

ENTRY = "dist/index.js"


class Supergateway(Contender):
    key = "supergateway"
    title = "supergateway, in front of a program"
    note = "a bridge from HTTP to a program, one session, logging off; no rules, no record"
    bridge = True
    most_rounds = 3

    def missing(self) -> str | None:
        return None if installed.script(self.key, ENTRY) else f"not installed, {installed.HOW}"

    def start(self, place: Place) -> None:
        port = free_port()
        self.program = Program(place.folder, place.cores.load)
        command = [*(installed.script(self.key, ENTRY) or []), "--stdio", shlex.join(self.program.command)]
        command += ["--outputTransport", "streamableHttp", "--stateful", "--port", str(port), "--logLevel", "none"]
        child = Child(command, core=place.cores.gateway, log=place.folder / "supergateway.log")
        self.children = [child]
        child.until(lambda: accepts(port), self.title, 60)
        self.target = opened(Target(port, "/mcp"))

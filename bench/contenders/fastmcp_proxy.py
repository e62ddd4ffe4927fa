"""FastMCP's proxy over streamable HTTP: `create_proxy(…).http_app()` under uvicorn, as its deployment guide has it.

Chosen in its favour: all calls share one connected backend session (its default opens an HTTP client and a session
for each request, which is measured on a line of its own); stateless towards clients; JSON answers instead of an event
stream per call; calls of the 2026-07-28 revision, which need no handshake; uvicorn with uvloop and httptools, without
access log.
"""

from __future__ import annotations

import importlib.util
import sys

from bench.contenders.base import Contender, Place
from bench.load import Target
from bench.procs import Child, accepts, free_port


class FastMCPProxy(Contender):
    key = "fastmcp"
    title = "FastMCP's proxy"
    note = (
        "create_proxy() with one shared backend session, under uvicorn with uvloop and httptools, stateless, "
        "JSON answers, access log off"
    )
    factory = "shared"

    def missing(self) -> str | None:
        absent = [name for name in ("fastmcp", "uvicorn") if importlib.util.find_spec(name) is None]
        return f"{', '.join(absent)} not installed" if absent else None

    def start(self, place: Place) -> None:
        port = free_port()
        command = [sys.executable, "-m", "uvicorn", f"bench.contenders.fastmcp_app:{self.factory}", "--factory"]
        command += ["--host", "127.0.0.1", "--port", str(port), "--no-access-log", "--log-level", "warning"]
        command += ["--loop", "uvloop", "--http", "httptools"]
        env = {
            "BENCH_UPSTREAM": f"http://127.0.0.1:{place.upstream}/mcp",
            "FASTMCP_LOG_LEVEL": "ERROR",
            "FASTMCP_CHECK_FOR_UPDATES": "off",
        }
        child = Child(command, core=place.cores.gateway, log=place.folder / "fastmcp.log", env=env)
        self.children = [child]
        self.target = Target(port, "/mcp")
        child.until(lambda: accepts(port), self.title, 60)


class FastMCPDefault(FastMCPProxy):
    key = "fastmcp-default"
    title = "FastMCP's proxy, a session per request"
    note = "create_proxy(URL), its default; measured with one connection only"
    factory = "default"
    levels = (1,)

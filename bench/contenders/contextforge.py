"""ContextForge (PyPI `mcp-contextforge-gateway`): streamable HTTP in and out, set up through its API.

The upstream is registered as one of its gateways, and a virtual server of its own offers the one tool that the
benchmark calls: that is its allow list. It speaks 2025-11-25. Chosen in its favour: one session, in which it keeps its
session with the upstream too (without one it opens a new one for every call; with sixteen it is no quicker); JSON
answers; caches in memory instead of its database; its rate limit, which stops at 100 calls a minute, off, and so are
compression, correlation ids, security headers, token usage and structured logs, and the jobs on its metrics; no access
log.

It goes on with calls whose client has left, and has a minute for each by its own clock. What was left of a turn timed
out while it stood still for the others, and took calls of its next turn along, which were answered with that error.
Standing still is none of its faults: so what is left of a turn is waited for, and no check of its upstream's health
counts.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
from typing import Any

from bench import installed, traffic
from bench.contenders.base import Contender, Place, expect_denied
from bench.load import Target
from bench.procs import BenchError, Child, free_port, get, get_json, post
from bench.session import opened

ADMIN = "admin@example.com"
START = 120.0
"""Seconds: its first start runs all migrations of its tables."""

LEAN = (
    "RATE_LIMITING_ENABLED",
    "COMPRESSION_ENABLED",
    "CORRELATION_ID_ENABLED",
    "SECURITY_HEADERS_ENABLED",
    "TOKEN_USAGE_LOGGING_ENABLED",
    "STRUCTURED_LOGGING_ENABLED",
    "METRICS_AGGREGATION_ENABLED",
    "METRICS_ROLLUP_ENABLED",
    "METRICS_CLEANUP_ENABLED",
    "MCPGATEWAY_UI_ENABLED",
)


class ContextForge(Contender):
    key = "contextforge"
    title = "ContextForge"
    note = (
        "bearer token (JWT), a virtual server with one tool, SQLite, one worker, one session, caches in memory, rate "
        "limit and middleware that can be turned off turned off; calls of 2025-11-25"
    )
    least_seconds = 8.0
    most_rounds = 3
    finishes = 30.0

    def __init__(self) -> None:
        super().__init__()
        self.forbidden = ""

    def missing(self) -> str | None:
        return None if installed.program(self.key, "mcpgateway") else f"not installed, {installed.HOW}"

    def start(self, place: Place) -> None:
        port = free_port()
        env = settings(place)
        command = [str(installed.program(self.key, "mcpgateway")), "--host", "127.0.0.1", "--port", str(port)]
        command += ["--workers", "1", "--no-access-log", "--log-level", "warning"]
        child = Child(
            command, core=place.cores.gateway, log=place.folder / "contextforge.log", env=env, cwd=place.folder
        )
        self.children = [child]
        child.until(lambda: healthy(port), self.title, START)
        token = self._token(place, env)
        api = Api(port, token)
        api.post(
            "/gateways", {"name": "up", "url": f"http://127.0.0.1:{place.upstream}/mcp", "transport": "STREAMABLEHTTP"}
        )
        names = {tool["originalName"]: tool for tool in api.get("/tools")}
        tool = names[traffic.TOOL]
        self.forbidden = names[traffic.FORBIDDEN]["name"]
        server = {"name": "bench", "description": "bench", "associated_tools": [tool["id"]]}
        made = api.post("/servers", {"server": server})
        self.target = opened(Target(port, f"/servers/{made['id']}/mcp/", token, tool["name"]))

    def check(self) -> None:
        super().check()
        expect_denied(self, self.forbidden, {}, "its virtual server")

    def _token(self, place: Place, env: dict[str, str]) -> str:
        """As its documentation has it: made by a program of its own."""
        command = [str(installed.program(self.key, "python")), "-m", "mcpgateway.utils.create_jwt_token"]
        command += ["--username", ADMIN, "--exp", "1440", "--secret", env["JWT_SECRET_KEY"]]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            cwd=place.folder,
            env={**os.environ, **env},
        )
        if done.returncode != 0 or not done.stdout.strip():
            raise BenchError(f"{self.title} made no token: {done.stderr[-300:]}")
        return done.stdout.split()[-1]


class Api:
    """Its administrative API."""

    def __init__(self, port: int, token: str) -> None:
        self.port = port
        self.fields = [("Authorization", f"Bearer {token}"), ("Content-Type", "application/json")]

    def post(self, path: str, content: dict[str, Any]) -> Any:
        status, body = post(self.port, path, self.fields, json.dumps(content).encode())
        if status >= 300:
            raise BenchError(f"ContextForge: POST {path}: {status} {body[:300]!r}")
        return json.loads(body)

    def get(self, path: str) -> Any:
        return get_json(f"http://127.0.0.1:{self.port}{path}", 30, dict(self.fields))


def settings(place: Place) -> dict[str, str]:
    return {
        "JWT_SECRET_KEY": secrets.token_hex(32),
        "AUTH_ENCRYPTION_SECRET": secrets.token_hex(32),
        "PLATFORM_ADMIN_EMAIL": ADMIN,
        "PLATFORM_ADMIN_PASSWORD": f"A-{secrets.token_hex(16)}-9!",
        "DATABASE_URL": f"sqlite:///{place.folder / 'mcp.db'}",
        "CACHE_TYPE": "memory",
        "USE_STATEFUL_SESSIONS": "true",
        "JSON_RESPONSE_ENABLED": "true",
        "UNHEALTHY_THRESHOLD": "-1",
        "HEALTH_CHECK_INTERVAL": "86400",
        "TOOL_TIMEOUT": "600",
        "SSRF_ALLOW_LOCALHOST": "true",
        "SSRF_ALLOW_PRIVATE_NETWORKS": "true",
        "LOG_LEVEL": "ERROR",
        **dict.fromkeys(LEAN, "false"),
    }


def healthy(port: int) -> bool:
    try:
        get(f"http://127.0.0.1:{port}/health", 2)
    except OSError:  # not listening yet, or not ready
        return False
    return True

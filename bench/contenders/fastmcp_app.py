"""The ASGI applications of the FastMCP contenders, in a module of their own because uvicorn imports them by name."""

from __future__ import annotations

import os

from fastmcp import Client
from fastmcp.server import create_proxy
from starlette.types import ASGIApp, Receive, Scope, Send

from bench.traffic import MODERN

UPSTREAM = os.environ["BENCH_UPSTREAM"]


class Shared:
    """A proxy whose calls all use one backend session, connected when the server starts."""

    def __init__(self) -> None:
        self.client = Client(UPSTREAM, mode=MODERN)
        self.app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.app is None:
            await self.client.__aenter__()
            self.app = create_proxy(self.client, name="bench").http_app(
                path="/mcp", stateless_http=True, json_response=True
            )
        await self.app(scope, receive, send)


def shared() -> Shared:
    return Shared()


def default() -> ASGIApp:
    """As its documentation begins: a session, and an HTTP client, per request."""
    return create_proxy(UPSTREAM, name="bench").http_app(path="/mcp", stateless_http=True, json_response=True)

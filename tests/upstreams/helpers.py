"""What the tests of the upstreams share: messages, a scripted server, and waiting on conditions."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import uvloop

from gatepost.mcp.message import Message, from_body
from gatepost.upstreams.base import Reply, Upstream
from gatepost.upstreams.config import Limits, ServerConfig
from gatepost.upstreams.stdio import StdioUpstream

SERVERS = Path(__file__).parent / "servers"
PREFIX = "io.modelcontextprotocol/"
META = {PREFIX + "protocolVersion": "2026-07-28", PREFIX + "clientCapabilities": {}}
QUICK = Limits(connect=5, answer=10, probe=10, stop_grace=0.3, restart_first=0.05, restart_most=5)


def run(test: Coroutine[Any, Any, None], *, uv: bool = False, seconds: float = 30) -> None:
    """Run a test's coroutine to its end, within a time limit."""
    factory = uvloop.new_event_loop if uv else None
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(asyncio.wait_for(test, seconds))


def scripted(*flags: str, limits: Limits = QUICK, **settings: Any) -> ServerConfig:
    """The configuration of a scripted server (`servers/scripted.py`)."""
    command = (sys.executable, "-I", "-S", str(SERVERS / "scripted.py"), *flags)
    return ServerConfig("scripted", command=command, limits=limits, **settings)


def request(method: str, params: dict[str, Any] | None = None, id: int | str = 1) -> Message:
    return from_body({"jsonrpc": "2.0", "id": id, "method": method, "params": params or {}})


def notification(method: str, params: dict[str, Any] | None = None) -> Message:
    return from_body({"jsonrpc": "2.0", "method": method, "params": params or {}})


def initialize(id: int | str = "init") -> Message:
    client = {"name": "test", "version": "1"}
    return request("initialize", {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client}, id)


def call(name: str, id: int | str = 1, *, modern: bool = False, token: Any = None, **arguments: Any) -> Message:
    meta: dict[str, Any] = dict(META) if modern else {}
    if token is not None:
        meta["progressToken"] = token
    return request("tools/call", {"name": name, "arguments": arguments, **({"_meta": meta} if meta else {})}, id)


async def post(upstream: Upstream, message: Message, session: str | None = None) -> Reply:
    return await upstream.post(message.encode(), message, [], session)


async def messages(reply: Reply) -> list[dict[str, Any]]:
    """Every message of a reply, whichever kind it is."""
    if reply.kind == "json":
        return [json.loads(await reply.body(2**30))]
    return [json.loads(event.data) async for event in reply.events() if event.data is not None]


async def answer(upstream: Upstream, message: Message, session: str | None = None) -> dict[str, Any]:
    """The last message of the reply to a request: its response."""
    return (await messages(await post(upstream, message, session)))[-1]


def said(response: dict[str, Any]) -> Any:
    """What a scripted tool answered."""
    return json.loads(response["result"]["content"][0]["text"])


@asynccontextmanager
async def running(config: ServerConfig, **settings: Any) -> AsyncIterator[StdioUpstream]:
    upstream = StdioUpstream(config, **settings)
    try:
        yield upstream
    finally:
        await upstream.close()


@asynccontextmanager
async def session(config: ServerConfig, key: str = "s", **settings: Any) -> AsyncIterator[StdioUpstream]:
    """An upstream with one initialized legacy session."""
    async with running(config, **settings) as upstream:
        response = await answer(upstream, initialize(), key)
        assert response["id"] == "init", response
        assert (await post(upstream, notification("notifications/initialized"), key)).status == 202
        yield upstream


async def eventually(condition: Callable[[], Any], seconds: float = 10) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"did not happen within {seconds} s"
        await asyncio.sleep(0.01)


def alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] != "Z" if stat.parent.parent.exists() else True
    except FileNotFoundError:
        return False

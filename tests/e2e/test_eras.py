"""Every client in front of every server: the official SDK on both ends, each of one protocol era alone.

Each test is a row of the matrix in docs/eras.md.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from gatepost.upstreams.config import ServerConfig
from gatepost.upstreams.scan import list_tools, probe
from tests.support.rig import Rig

SCRIPT = str(Path(__file__).parent / "servers" / "one_era.py")
POLICY: dict[str, Any] = {
    "version": "1",
    "default": "allow",
    "hide": ["delete_*"],
    "tools": {
        "add": {
            "deny_if": [{"conditions": [{"path": "args.a", "op": "gt", "value": 100}], "on_deny": "Too large."}],
        },
        "greet": {"limits": [{"counter": "greets", "window": "month", "max": 2}]},
    },
    "resources": {"allow": ["note://open/*"]},
    "prompts": {"allow": ["hello"]},
}


class Cell(NamedTuple):
    """One client in front of one server."""

    client: str
    server: str
    transport: str
    more: tuple[str, ...] = ()


TO_LEGACY = [
    Cell("modern", "legacy", "http"),
    Cell("modern", "legacy", "http", ("--json",)),
    Cell("modern", "legacy", "stdio"),
]
CELLS = TO_LEGACY


def named(cell: Cell) -> str:
    return f"{cell.client} to {cell.server} over {cell.transport}{' '.join(cell.more)}"


each = pytest.mark.parametrize("cell", CELLS, ids=named)


@asynccontextmanager
async def governed(rig: Rig, cell: Cell) -> AsyncIterator[str]:
    """Register a real server of one era, and give the token of a grant for it."""
    process = None
    if cell.transport == "stdio":
        config = ServerConfig("s", command=(sys.executable, SCRIPT, cell.server, "stdio", *cell.more))
    else:
        command = [sys.executable, SCRIPT, cell.server, "http", *cell.more]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        config = ServerConfig("s", url=(await asyncio.to_thread(process.stdout.readline)).strip())
    try:
        info = await probe(config)
        assert info.eras == {cell.server}
        tools = await list_tools(config, info)
        rig.publish(
            "server",
            "s",
            {
                "name": "s",
                "url": config.url,
                "headers": [],
                "command": list(config.command),
                "env": {},
                "eras": sorted(info.eras),
                "versions": list(info.versions),
                "tools": {tool["name"]: {"tool": tool, "hash": "sha256:x", "category": None} for tool in tools},
            },
        )
        yield rig.grant("s", POLICY)
    finally:
        if process is not None:
            process.kill()
            process.wait()


@asynccontextmanager
async def client(rig: Rig, token: str, cell: Cell, **options: Any) -> AsyncIterator[Client]:
    url = f"http://127.0.0.1:{rig.port}/mcp/s/"
    mode = "legacy" if cell.client == "legacy" else "2026-07-28"
    async with (
        httpx2.AsyncClient(headers={"authorization": f"Bearer {token}"}, timeout=30) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode, **options) as connected,
    ):
        yield connected


@asynccontextmanager
async def agent(folder: Path, cell: Cell, **options: Any) -> AsyncIterator[tuple[Rig, Client]]:
    async with Rig(folder) as rig, governed(rig, cell) as token, client(rig, token, cell, **options) as connected:
        yield rig, connected


def text(result: Any) -> str:
    return "".join(part.text for part in result.content)


@each
def test_a_client_lists_and_calls_tools_and_policy_rules(tmp_path: Path, cell: Cell) -> None:
    async def run() -> None:
        async with agent(tmp_path, cell) as (rig, connected):
            listed = {tool.name for tool in (await connected.list_tools()).tools}
            assert "add" in listed
            assert "delete_everything" not in listed
            assert text(await connected.call_tool("add", {"a": 2, "b": 3})) == "5"
            denied = await connected.call_tool("add", {"a": 101, "b": 3})
            assert denied.is_error
            assert text(denied) == "[POLICY DENIED] Too large."
            with pytest.raises(MCPError, match="Unknown tool: delete_everything"):
                await connected.call_tool("delete_everything", {})
            failed = await connected.call_tool("fail", {})
            assert failed.is_error
            rows = [row for row in rig.rows("decided") if row["tool"] == "add"]
            assert [row["decision"] for row in rows] == ["allow", "deny"]

    asyncio.run(run())


@pytest.mark.parametrize("cell", TO_LEGACY, ids=named)
def test_a_client_of_both_eras_finds_a_server_of_one(tmp_path: Path, cell: Cell) -> None:
    async def run() -> None:
        async with Rig(tmp_path) as rig, governed(rig, cell) as token:
            url = f"http://127.0.0.1:{rig.port}/mcp/s/"
            async with (
                httpx2.AsyncClient(headers={"authorization": f"Bearer {token}"}, timeout=30) as http,
                Client(streamable_http_client(url, http_client=http)) as connected,
            ):
                assert connected.protocol_version == "2026-07-28"
                assert connected.instructions == "One era alone."
                assert connected.server_info is not None
                assert (connected.server_info.name, connected.server_info.version) == ("one-era", "7")
                assert text(await connected.call_tool("add", {"a": 2, "b": 3})) == "5"

    asyncio.run(run())

"""`gatepost run` in front of programs of one era, with clients of the other, through the official SDK."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.shared.exceptions import MCPError

from tests.support.node_servers import script
from tests.support.running import OPEN, run_arguments, running

SERVERS = Path(__file__).parent / "servers"
MODES = {"legacy": "legacy", "modern": "2026-07-28", "both": "auto"}


def touchy(era: str, other: str) -> list[str]:
    return ["--", sys.executable, str(SERVERS / "touchy.py"), era, other]


@asynccontextmanager
async def official(folder: Path, client: str, target: list[str], **options: Any) -> AsyncIterator[Client]:
    command, *arguments = run_arguments(folder / "data", OPEN, *target)
    parameters = StdioServerParameters(command=command, args=arguments, env=dict(os.environ))
    with (folder / "errors").open("w") as errors:
        async with Client(stdio_client(parameters, errlog=errors), mode=MODES[client], **options) as connected:
            yield connected


def used(folder: Path, client: str, target: list[str]) -> str:
    """The revision in which a client is served, after a list and a call."""

    async def use() -> str:
        async with official(folder, client, target) as connected:
            assert "add" in [tool.name for tool in (await connected.list_tools()).tools]
            result = await connected.call_tool("add", {"a": 1, "b": 2})
            assert result.content[0].text == "3"  # type: ignore[union-attr]
            return str(connected.protocol_version)

    return asyncio.run(use())


def starts(folder: Path) -> int:
    return (folder / "errors").read_text().count("touchy is here")


def test_a_legacy_client_reaches_a_program_of_the_python_sdk_that_speaks_the_modern_era_alone(tmp_path: Path) -> None:
    """The SDK holds a program to the era of its first request, so it is started again to be asked."""
    target = ["--", sys.executable, str(SERVERS / "one_era.py"), "modern", "stdio"]
    assert used(tmp_path, "legacy", target) == "2025-11-25"


def test_what_a_hasty_client_writes_behind_initialize_is_answered_where_the_program_is_asked_twice(
    tmp_path: Path,
) -> None:
    target = ["--", sys.executable, str(SERVERS / "one_era.py"), "modern", "stdio"]
    with running(tmp_path / "data", OPEN, *target) as client:
        info = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
        first, second = client.request("initialize", info), client.request("tools/list")
        client.send(json.dumps(first).encode() + b"\n" + json.dumps(second).encode())
        assert {client.read()["id"], client.read()["id"]} == {first["id"], second["id"]}


def test_a_legacy_client_reaches_a_program_of_the_typescript_sdk_that_speaks_the_modern_era_alone(
    tmp_path: Path,
) -> None:
    node, sdk = script("@modelcontextprotocol/server", "dist/stdio.mjs")
    file = tmp_path / "server.mjs"
    file.write_text(TYPESCRIPT.replace("MODULES", str(Path(sdk).parents[3])))
    assert used(tmp_path, "legacy", ["--", node, str(file)]) == "2025-11-25"


TYPESCRIPT = """
import { McpServer } from "MODULES/@modelcontextprotocol/server/dist/index.mjs";
import { serveStdio } from "MODULES/@modelcontextprotocol/server/dist/stdio.mjs";
import { z } from "MODULES/zod/index.js";
serveStdio(() => {
  const server = new McpServer({ name: "one-era", version: "1" });
  server.registerTool("add", { inputSchema: z.object({ a: z.number(), b: z.number() }) },
    async ({ a, b }) => ({ content: [{ type: "text", text: String(a + b) }] }));
  return server;
}, { legacy: "reject" });
"""


@pytest.mark.parametrize("other", ["refuses", "refuses-and-ends"])
def test_a_legacy_client_reaches_a_modern_program_that_does_not_survive_its_initialize(
    tmp_path: Path, other: str
) -> None:
    assert used(tmp_path, "legacy", touchy("modern", other)) == "2025-11-25"
    assert starts(tmp_path) == 2


@pytest.mark.parametrize("client", ["modern", "both"])
def test_a_modern_client_reaches_a_legacy_program_that_ends_at_any_first_request_but_its_own(
    tmp_path: Path, client: str
) -> None:
    assert used(tmp_path, client, touchy("legacy", "ends")) == "2026-07-28"
    assert starts(tmp_path) == 2


@pytest.mark.parametrize(("client", "era"), [("legacy", "legacy"), ("modern", "modern")])
def test_a_program_of_the_clients_own_era_is_started_once(tmp_path: Path, client: str, era: str) -> None:
    used(tmp_path, client, touchy(era, "ends"))
    assert starts(tmp_path) == 1


def test_a_program_that_refuses_both_eras_is_heard(tmp_path: Path) -> None:
    async def use() -> None:
        with pytest.raises(BaseException) as caught:
            async with official(tmp_path, "legacy", touchy("legacy", "refuses-all")):
                raise AssertionError("it was served")
        assert caught.group_contains(MCPError, match="Not in this era") or caught.match("Not in this era")

    asyncio.run(use())
    assert starts(tmp_path) == 2


def test_a_program_that_ends_before_it_answers_initialize_is_not_started_again(tmp_path: Path) -> None:
    with running(tmp_path / "data", OPEN, *touchy("modern", "ends")) as client:
        answer = client.ask("initialize", {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {}})
        assert answer["error"]["data"]["code"] == "GP-3005"
        assert client.process.wait(30) == 3
        assert client.errors().count("touchy is here") == 1


def test_a_program_that_lacks_a_setting_says_so_once(tmp_path: Path) -> None:
    with running(tmp_path / "data", OPEN, "--", "/bin/sh", "-c", "echo no key >&2; exit 9") as client:
        client.send(client.request("initialize", {"protocolVersion": "2025-11-25", "capabilities": {}}))
        assert client.process.wait(30) == 9
        assert client.errors().count("no key") == 1


def test_a_program_that_ends_at_every_start_ends_run_with_its_exit_code(tmp_path: Path) -> None:
    with running(tmp_path / "data", OPEN, "--", "/bin/sh", "-c", "echo no key >&2; exit 9") as client:
        client.send(client.request("server/discover", {"_meta": MODERN}))
        assert client.process.wait(30) == 9
        assert "no key" in client.errors()


MODERN = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "t", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}


def test_a_signal_while_the_era_is_asked_for_ends_the_program_for_good(tmp_path: Path) -> None:
    silent = ["--", "/bin/sh", "-c", "echo up >&2; exec sleep 600"]
    with running(tmp_path / "data", OPEN, *silent) as client:
        client.send(client.request("server/discover", {"_meta": MODERN}))
        client.until_said("up")
        client.process.send_signal(signal.SIGTERM)
        assert client.process.wait(30) == 128 + signal.SIGTERM
        assert client.errors().count("up") == 1


def test_a_program_that_takes_its_time_to_end_is_not_started_again_by_a_question_for_its_era(tmp_path: Path) -> None:
    slow = 'trap "echo ending >&2; read line; exit 7" TERM; echo up >&2; while :; do sleep 0.1; done'
    with running(tmp_path / "data", OPEN, "--", "/bin/sh", "-c", slow) as client:
        client.until_said("up")
        client.process.send_signal(signal.SIGTERM)
        client.until_said("ending")
        client.send(client.request("server/discover", {"_meta": MODERN}))
        assert client.process.wait(30) == 7
        assert client.errors().count("up") == 1

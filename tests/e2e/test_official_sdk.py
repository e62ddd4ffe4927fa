"""The official SDK on both ends, the gateway in between: each era over HTTP and in front of a program."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp_types import ElicitResult

from gatepost.upstreams.config import ServerConfig
from gatepost.upstreams.scan import list_tools, probe
from tests.support.rig import Rig

SCRIPT = str(Path(__file__).parent / "servers" / "all_round.py")
POLICY = {
    "version": "1",
    "default": "deny",
    "hide": ["delete_*"],
    "tools": {
        "add": {
            "deny_if": [{"conditions": [{"path": "args.a", "op": "gt", "value": 100}], "on_deny": "Too large."}],
            "limits": [{"counter": "adds", "window": "month", "max": 3}],
        },
        "steps": {},
        "greet": {},
        "fail": {},
    },
    "resources": {"allow": ["note://open/*"]},
    "prompts": {"allow": ["hello"]},
}
Behind = Literal["stdio", "http", "http-json"]
Mode = Literal["auto", "legacy"]
MATRIX = [(behind, mode) for behind in ("stdio", "http", "http-json") for mode in ("auto", "legacy")]


@asynccontextmanager
async def governed(rig: Rig, behind: Behind) -> AsyncIterator[str]:
    """Register a real server, and give the token of a grant for it."""
    process = None
    if behind == "stdio":
        config = ServerConfig("s", command=(sys.executable, SCRIPT, "stdio"))
    else:
        more = ["--json"] if behind == "http-json" else []
        process = subprocess.Popen([sys.executable, SCRIPT, "http", *more], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        config = ServerConfig("s", url=(await asyncio.to_thread(process.stdout.readline)).strip())
    try:
        info = await probe(config)
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
async def client(rig: Rig, token: str, mode: Mode, **options: Any) -> AsyncIterator[Client]:
    url = f"http://127.0.0.1:{rig.port}/mcp/s/"
    async with (
        httpx2.AsyncClient(headers={"authorization": f"Bearer {token}"}, timeout=30) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode, **options) as connected,
    ):
        yield connected


def text(result: Any) -> str:
    return "".join(part.text for part in result.content)


@pytest.mark.parametrize(("behind", "mode"), MATRIX)
def test_an_agent_lists_calls_and_is_refused_through_the_gateway(tmp_path: Path, behind: Behind, mode: Mode) -> None:
    async def run() -> None:
        progress: list[float] = []

        async def told(done: float, total: float | None, message: str | None) -> None:
            progress.append(done)

        async with Rig(tmp_path) as rig, governed(rig, behind) as token, client(rig, token, mode) as agent:
            assert agent.protocol_version == ("2026-07-28" if mode == "auto" else "2025-11-25")
            assert agent.instructions == "A bit of everything."
            assert {tool.name for tool in (await agent.list_tools()).tools} == {"add", "steps", "greet", "fail"}
            assert text(await agent.call_tool("add", {"a": 2, "b": 3})) == "5"

            denied = await agent.call_tool("add", {"a": 101, "b": 3})
            assert denied.is_error
            assert text(denied) == "[POLICY DENIED] Too large."
            assert denied.meta is not None
            assert denied.meta["dev.gatepost/decision"]["rule"] == "/tools/add/deny_if/args.a-gt"
            invalid = await agent.call_tool("add", {"a": "2", "b": 3})
            assert invalid.is_error
            assert text(invalid).startswith("[POLICY DENIED]")

            for _ in range(2):
                assert not (await agent.call_tool("add", {"a": 1, "b": 1})).is_error
            limited = await agent.call_tool("add", {"a": 1, "b": 1})
            assert limited.is_error
            assert "Limit of 3 per month reached for add" in text(limited)

            with pytest.raises(MCPError, match="Unknown tool: delete_everything"):
                await agent.call_tool("delete_everything", {})
            assert text(await agent.call_tool("steps", {"count": 3}, progress_callback=told)) == "done"
            assert progress == ([] if behind == "http-json" else [1, 2, 3])
            failed = await agent.call_tool("fail", {})
            assert failed.is_error
            assert text(failed) == "Error executing tool fail"

            listed = await agent.list_resource_templates()
            assert [t.uri_template for t in listed.resource_templates] == ["note://open/{name}"]
            assert (await agent.list_resources()).resources == []
            read = await agent.read_resource("note://open/a")
            assert read.contents[0].text == "the open note a"  # type: ignore[union-attr]
            with pytest.raises(MCPError, match="POLICY DENIED"):
                await agent.read_resource("note://shut/one")
            assert [prompt.name for prompt in (await agent.list_prompts()).prompts] == ["hello"]
            assert "Ada" in (await agent.get_prompt("hello", {"who": "Ada"})).messages[0].content.text  # type: ignore[union-attr]
            with pytest.raises(MCPError, match="POLICY DENIED"):
                await agent.get_prompt("secret")

    asyncio.run(run())


@pytest.mark.parametrize(("behind", "mode"), [pair for pair in MATRIX if pair[0] != "http-json"])
def test_a_server_asks_the_user_through_the_gateway(tmp_path: Path, behind: Behind, mode: Mode) -> None:
    async def run() -> None:
        async def answer(_: Any, params: Any) -> ElicitResult:
            assert params.message == "Who is there?"
            return ElicitResult(action="accept", content={"name": "Ada"})

        async with (
            Rig(tmp_path) as rig,
            governed(rig, behind) as token,
            client(rig, token, mode, elicitation_callback=answer) as agent,
        ):
            assert text(await agent.call_tool("greet", {})) == "Hello Ada"
            if mode == "legacy":
                told = await rig.until(lambda: rig.rows("server_request"))
                assert told[0]["method"] == "elicitation/create"

    asyncio.run(run())


@pytest.mark.parametrize("behind", ["stdio", "http"])
def test_many_agents_share_one_server(tmp_path: Path, behind: Behind) -> None:
    async def run() -> None:
        async with Rig(tmp_path) as rig, governed(rig, behind):
            tokens = [rig.grant("s", POLICY, label=f"agent-{n}") for n in range(6)]

            async def work(token: str, number: int) -> list[str]:
                async with client(rig, token, "auto" if number % 2 else "legacy") as agent:
                    calls = (agent.call_tool("add", {"a": number, "b": n}) for n in range(5))
                    return [text(result) for result in await asyncio.gather(*calls)]

            results = await asyncio.gather(*(work(token, number) for number, token in enumerate(tokens)))
            for number, answers in enumerate(results):
                sums = [answer for answer in answers if not answer.startswith("[POLICY DENIED]")]
                assert len(sums) == 3
                assert set(sums) <= {str(number + n) for n in range(5)}

    asyncio.run(run())

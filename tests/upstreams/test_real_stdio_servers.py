"""Programs that others wrote, scanned and called as they are."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gatepost.mcp.message import from_body
from gatepost.upstreams.config import Limits, ServerConfig
from gatepost.upstreams.scan import list_tools, probe
from tests.support import node_servers
from tests.upstreams.helpers import META, answer, initialize, messages, notification, post, request, run, running

LIMITS = Limits(stop_grace=1.0)


def python_server(name: str, *arguments: str) -> ServerConfig:
    """A server installed beside the Python that runs the tests."""
    program = shutil.which(name, path=str(Path(sys.executable).parent))
    assert program is not None, f"{name} is in the test extra"
    return ServerConfig(name.replace("_", "-"), command=(program, *arguments), limits=LIMITS)


def test_mcp_server_time_answers_in_every_era_it_says_it_speaks() -> None:
    async def test() -> None:
        config = python_server("mcp-server-time", "--local-timezone", "UTC")
        info = await probe(config)
        assert "legacy" in info.eras
        tools = await list_tools(config, info)
        assert {"get_current_time", "convert_time"} <= {tool["name"] for tool in tools}
        arguments = {"source_timezone": "UTC", "time": "12:00", "target_timezone": "Asia/Tokyo"}
        params = {"name": "convert_time", "arguments": arguments}
        async with running(config) as upstream:
            await answer(upstream, initialize(), "s")
            await post(upstream, notification("notifications/initialized"), "s")
            response = await answer(upstream, request("tools/call", params, "t"), "s")
            assert response["id"] == "t"
            assert "21:00" in response["result"]["content"][0]["text"]
            if "modern" in info.eras:
                modern = await answer(upstream, request("tools/call", {**params, "_meta": META}, "t"))
                assert modern["result"]["content"] == response["result"]["content"]

    run(test())


def test_mcp_server_git_reads_a_repository(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)

    async def test() -> None:
        config = python_server("mcp-server-git", "--repository", str(tmp_path))
        info = await probe(config)
        assert "git_status" in {tool["name"] for tool in await list_tools(config, info)}
        async with running(config) as upstream:
            await answer(upstream, initialize(), "s")
            await post(upstream, notification("notifications/initialized"), "s")
            params = {"name": "git_status", "arguments": {"repo_path": str(tmp_path)}}
            response = await answer(upstream, request("tools/call", params), "s")
            assert "No commits yet" in json.dumps(response["result"]["content"])

    run(test())


def everything() -> ServerConfig:
    node, script = node_servers.script("@modelcontextprotocol/server-everything", "dist/index.js")
    return ServerConfig("everything", command=(node, script, "stdio"), limits=LIMITS)


def test_server_everything_lists_even_the_tools_that_need_a_capable_client() -> None:
    config = everything()

    async def test() -> None:
        info = await probe(config)
        tools = {tool["name"] for tool in await list_tools(config, info)}
        assert {"echo", "trigger-long-running-operation", "trigger-sampling-request", "get-roots-list"} <= tools

    run(test())


def test_server_everything_reports_progress_and_asks_its_client_back() -> None:
    config = everything()

    async def test() -> None:
        async with running(config) as upstream:
            start = {**initialize().params, "capabilities": {"sampling": {}}}
            await answer(upstream, request("initialize", start), "s")
            await post(upstream, notification("notifications/initialized"), "s")
            long = {
                "name": "trigger-long-running-operation",
                "arguments": {"duration": 0.3, "steps": 3},
                "_meta": {"progressToken": "p"},
            }
            *progress, response = await messages(await post(upstream, request("tools/call", long, 9), "s"))
            reported = [m["params"] for m in progress if m["method"] == "notifications/progress"]
            assert [params["progress"] for params in reported] == [1, 2, 3]
            assert {params["progressToken"] for params in reported} == {"p"}
            assert response["id"] == 9

            sampling = {"name": "trigger-sampling-request", "arguments": {"prompt": "hi", "maxTokens": 5}}
            reply = await post(upstream, request("tools/call", sampling, 10), "s")
            events = reply.events()
            while (asked := json.loads((await anext(events)).data or b""))["method"] != "sampling/createMessage":
                pass
            result = {"role": "assistant", "model": "m", "content": {"type": "text", "text": "sampled words"}}
            await post(upstream, from_body({"jsonrpc": "2.0", "id": asked["id"], "result": result}), "s")
            response = json.loads((await anext(events)).data or b"")
            assert response["id"] == 10 and "sampled words" in json.dumps(response["result"])

    run(test())


@pytest.mark.slow
def test_server_everything_starts_through_npx() -> None:
    npx = shutil.which("npx")
    if npx is None:
        pytest.skip("npx is not installed")

    async def test() -> None:
        command = (npx, "-y", "@modelcontextprotocol/server-everything")
        info = await probe(ServerConfig("everything", command=command, limits=LIMITS))
        assert "legacy" in info.eras

    run(test(), seconds=120)

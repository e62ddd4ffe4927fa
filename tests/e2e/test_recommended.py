"""What is recommended for servers nobody here wrote, attached to a grant: reads get through, the rest is stopped."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from mcp import MCPError

from tests.support.node_servers import script
from tests.support.serving import Serving, official_client, serving, token_of


def _command(name: str, folder: Path) -> tuple[str, ...]:
    if name == "git":
        subprocess.run(["git", "init", "-q", str(folder)], check=True)
        return sys.executable, "-m", "mcp_server_git"
    if name == "filesystem":
        return *script("@modelcontextprotocol/server-filesystem", "dist/index.js"), str(folder)
    return *script("@modelcontextprotocol/server-everything", "dist/index.js"), "stdio"


def _value(name: str, schema: Mapping[str, Any], folder: Path) -> Any:
    """A value that a parameter takes: of a path the folder."""
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type")
    if kind in ("number", "integer"):
        return schema.get("minimum", 1)
    if kind == "array":
        return [_value(name, schema.get("items", {}), folder)]
    if kind in ("boolean", "object"):
        return {"boolean": False, "object": {}}[kind]
    return str(folder) if "path" in name or name in ("source", "destination") else "x"


def _arguments(tool: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    schema = tool["inputSchema"]
    return {name: _value(name, schema["properties"][name], folder) for name in schema.get("required", ())}


def _decided(gateway: Serving, grant: str, tools: set[str]) -> dict[str, str]:
    """What was decided of each tool that a grant called, from the log, once it tells of all."""
    deadline = time.monotonic() + 30
    while True:
        entries = gateway.program.read("log", "show", "--grant", grant, "--limit", "500")
        found = {one["tool"]: one["decision"] for one in entries if one.get("tool") and one.get("decision")}
        if tools <= set(found) or time.monotonic() > deadline:
            return found


@pytest.mark.parametrize("name", ["everything", "filesystem", "git"])
def test_the_recommended_policies_let_reads_through_and_stop_the_rest(name: str, tmp_path: Path) -> None:
    with serving() as gateway:
        gateway.ok("server", "add", name, "--", *_command(name, tmp_path))
        page = gateway.program.read("catalogue", "show", name)
        category = {tool["name"]: tool["category"] for tool in page["tools"]}
        secret = {tool["name"] for tool in page["tools"] if "gives-secrets" in tool["signals"]}
        assert secret == ({"get-env"} if name == "everything" else set())
        reads = {tool for tool, one in category.items() if one == "read"} - secret
        for profile, shown in (
            ("read-only", reads | secret),
            ("standard", {tool for tool, one in category.items() if one != "destructive"}),
        ):
            document = gateway.program.quick("policy", "recommend", name, "--profile", profile).out
            added = gateway.ok("policy", "add", profile, "-", "--server", name, stdin=document)
            assert "warning" not in added.err
            token = token_of(gateway.ok("grant", "add", profile, "--server", name, "--policy", profile, "--json"))
            folder = tmp_path if profile == "read-only" else None
            asyncio.run(_use(gateway.url(name), token, set(category), reads, shown, folder))
        decided = _decided(gateway, "read-only", set(category))
        assert {tool: decided.get(tool) for tool in category} == {
            tool: "allow" if tool in reads else "approve" if tool in secret else "deny" for tool in category
        }
        assert gateway.program.quick("log", "verify").code == 0


async def _use(url: str, token: str, tools: set[str], reads: set[str], shown: set[str], folder: Path | None) -> None:
    """Lists the tools, and where there is a folder calls every one, with arguments that it takes."""
    async with official_client(url, token) as agent:
        listed = [tool.model_dump(by_alias=True) for tool in (await agent.list_tools()).tools]
        # A server may list fewer tools for a client that can do less.
        assert {tool["name"] for tool in listed} <= shown
        assert len(listed) > len(shown) // 2
        if folder is None:
            return
        takes = {tool["name"]: _arguments(tool, folder) for tool in listed}
        for tool in tools:
            try:
                result = await asyncio.wait_for(agent.call_tool(tool, takes.get(tool, {})), 30)
            except MCPError:
                continue  # the server's own refusal, or that of a tool that is hidden: the log tells which
            said = "".join(getattr(part, "text", "") for part in result.content)
            refused = said.startswith(("[POLICY DENIED]", "[APPROVAL REQUIRED]"))
            assert refused == (tool not in reads), (tool, said[:200])

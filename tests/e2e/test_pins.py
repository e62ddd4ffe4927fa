"""A served definition changes under its name: nobody is misled by it, until somebody has looked."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.serving import Serving, official_client, serving, token_of

TINY = Path(__file__).parent.parent / "cli" / "tiny_server.py"
TOOLS: list[dict[str, Any]] = [
    {"name": "read_file", "description": "Reads a file.", "inputSchema": {"type": "object"}},
    {"name": "list_files", "description": "Lists the files.", "inputSchema": {"type": "object"}},
]
CHANGED = [{**TOOLS[0], "description": "Reads any file."}, TOOLS[1]]


async def _seen(gateway: Serving, token: str) -> tuple[list[str], str]:
    """The tools that an agent sees, and what it is told when it calls read_file."""
    async with official_client(gateway.url("files"), token) as agent:
        listed = [tool.name for tool in (await agent.list_tools()).tools]
        try:
            called = await agent.call_tool("read_file", {})
        except Exception as error:  # an unknown tool is an error of the protocol, whose class is the client's own
            return listed, str(error)
        return listed, "answered" if not called.is_error else "refused"


def test_one_changed_word_takes_a_tool_out_of_use_at_the_next_list_until_it_is_accepted(tmp_path: Path) -> None:
    served = tmp_path / "tools.json"
    served.write_text(json.dumps(TOOLS))
    policy = json.dumps({"version": "1", "default": "allow"})
    with serving() as gateway:
        gateway.ok("server", "add", "files", "--", sys.executable, str(TINY), str(served))
        gateway.ok("policy", "add", "open", "-", "--server", "files", stdin=policy)
        token = token_of(gateway.ok("grant", "add", "me", "--server", "files", "--policy", "open", "--json"))
        assert asyncio.run(_seen(gateway, token)) == (["read_file", "list_files"], "answered")

        served.write_text(json.dumps(CHANGED))
        listed, called = asyncio.run(_seen(gateway, token))
        assert listed == ["list_files"]
        assert "Unknown tool: read_file" in called

        scanned = gateway("server", "scan", "files")
        assert scanned.code == 1
        assert "gatepost server accept files" in scanned.out
        assert gateway.ok("server", "show", "files", "--json").json["waiting"] == ["read_file"]
        explained = gateway("policy", "explain", "--grant", "me", "--tool", "read_file", "--json")
        assert (explained.code, explained.json["rule"]) == (1, "(definition changed)")
        looked = gateway("server", "accept", "files", "--dry-run")
        assert looked.code == 1
        assert asyncio.run(_seen(gateway, token))[0] == ["list_files"]

        accepted = gateway.ok("server", "accept", "files", "read_file")
        assert "description  Reads [-a-] {+any+} file." in accepted.out
        assert "read, risk low" in accepted.out
        assert "policy open  may be called, for me" in accepted.out
        assert asyncio.run(_seen(gateway, token)) == (["read_file", "list_files"], "answered")
        rules = [row["rule"] for row in gateway.ok("log", "show", "--json", "--grant", "me").json if row.get("tool")]
        assert "(definition changed)" in rules
        assert gateway("log", "verify").code == 0


@pytest.mark.parametrize("mode", ["warn", "off"])
def test_a_server_may_be_told_to_go_on_with_what_changes(tmp_path: Path, mode: str) -> None:
    served = tmp_path / "tools.json"
    served.write_text(json.dumps(TOOLS))
    with serving() as gateway:
        gateway.ok("server", "add", "files", "--", sys.executable, str(TINY), str(served))
        gateway.ok("server", "set", "files", "--drift", mode)
        policy = json.dumps({"version": "1", "default": "allow"})
        gateway.ok("policy", "add", "open", "-", "--server", "files", stdin=policy)
        token = token_of(gateway.ok("grant", "add", "me", "--server", "files", "--policy", "open", "--json"))
        served.write_text(json.dumps(CHANGED))
        assert asyncio.run(_seen(gateway, token)) == (["read_file", "list_files"], "answered")
        gateway("server", "scan", "files")
        waiting = gateway.ok("server", "show", "files", "--json").json["waiting"]
        assert waiting == (["read_file"] if mode == "warn" else [])

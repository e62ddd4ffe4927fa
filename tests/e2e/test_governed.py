"""Servers nobody here wrote, clients nobody here wrote, and `gatepost` between them, all through its commands."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from gatepost.grants.token import new_token
from tests.support.node_servers import script
from tests.support.serving import Serving, official_client, serving, token_of


def text(result: Any) -> str:
    return "".join(part.text for part in result.content)


def logged(gateway: Serving, *options: str, count: int = 1) -> list[dict[str, Any]]:
    """What `log show` tells, once it tells so much."""
    deadline = time.monotonic() + 15
    while True:
        entries: list[dict[str, Any]] = gateway.ok("log", "show", "--json", *options).json
        if len(entries) >= count or time.monotonic() > deadline:
            return entries


def told(gateway: Serving, server: str, token: str) -> tuple[int, dict[str, str]]:
    """The status and the body with which the holder of a token is refused."""
    request = urllib.request.Request(gateway.url(server), b"{}", {"Authorization": f"Bearer {token}"})
    with pytest.raises(urllib.error.HTTPError) as refused, urllib.request.urlopen(request):
        pass
    return refused.value.code, json.loads(refused.value.read())


def test_reads_within_one_folder_work_and_everything_else_is_denied(tmp_path: Path) -> None:
    node, server = script("@modelcontextprotocol/server-filesystem", "dist/index.js")
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "note.txt").write_text("a note")
    policy = tmp_path / "policy.yaml"
    policy.write_text(
        f"""
version: "1"
default: deny
tools:
  read_text_file:
    require:
      - conditions: [{{path: args.path, op: path_within, value: ["{folder}"]}}]
        on_deny: Only files in documents.
  list_directory: {{}}
"""
    )
    with serving() as gateway:
        gateway.ok("server", "add", "files", "--", node, server, str(tmp_path))
        gateway.ok("policy", "add", "files-read", str(policy), "--server", "files")
        token = token_of(gateway.ok("grant", "add", "me", "--server", "files", "--policy", "files-read", "--json"))
        entry = json.loads(gateway.ok("connect", "generic", "--server", "files", "--token", token).out)["mcpServers"]

        async def work() -> None:
            url = entry["files"]["url"]
            async with official_client(url, entry["files"]["headers"]["Authorization"].split()[1]) as agent:
                assert text(await agent.call_tool("read_text_file", {"path": str(folder / "note.txt")})) == "a note"
                outside = await agent.call_tool("read_text_file", {"path": str(folder / ".." / "secret")})
                assert text(outside) == "[POLICY DENIED] Only files in documents."
                written = await agent.call_tool("write_file", {"path": str(folder / "x"), "content": "x"})
                assert text(written).startswith("[POLICY DENIED]")

        asyncio.run(work())
        assert not (folder / "x").exists()
        decisions = [(entry.get("tool"), entry.get("decision")) for entry in logged(gateway, "--grant", "me", count=5)]
        assert ("read_text_file", "allow") in decisions
        assert ("read_text_file", "deny") in decisions
        assert ("write_file", "deny") in decisions
        assert gateway("log", "verify").code == 0


def test_git_status_is_read_and_a_commit_is_not_made(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    policy = json.dumps({"version": "1", "default": "deny", "tools": {"git_status": {}}})
    with serving() as gateway:
        gateway.ok("server", "add", "git", "--", sys.executable, "-m", "mcp_server_git")
        gateway.ok("policy", "add", "git-read", "-", "--server", "git", stdin=policy)
        token = token_of(gateway.ok("grant", "add", "me", "--server", "git", "--policy", "git-read", "--json"))

        async def work() -> None:
            async with official_client(gateway.url("git"), token) as agent:
                status = await agent.call_tool("git_status", {"repo_path": str(tmp_path)})
                assert "No commits yet" in text(status)
                commit = await agent.call_tool("git_commit", {"repo_path": str(tmp_path), "message": "x"})
                assert text(commit).startswith("[POLICY DENIED]")

        asyncio.run(work())


def test_the_inspector_lists_and_calls_through_the_gateway() -> None:
    node, inspector = script("@modelcontextprotocol/inspector", "clients/launcher/build/index.js")
    everything = script("@modelcontextprotocol/server-everything", "dist/index.js")
    policy = json.dumps({"version": "1", "default": "deny", "hide": ["get-env"], "tools": {"echo": {}}})
    with serving() as gateway:
        gateway.ok("server", "add", "all", "--", *everything, "stdio")
        gateway.ok("policy", "add", "echo", "-", "--server", "all", stdin=policy)
        token = token_of(gateway.ok("grant", "add", "me", "--server", "all", "--policy", "echo", "--json"))

        def inspect(*arguments: str) -> str:
            command = [node, inspector, "--cli", gateway.url("all"), "--transport", "http"]
            header = ["--header", f"Authorization: Bearer {token}"]
            done = subprocess.run(
                [*command, *header, *arguments], capture_output=True, text=True, timeout=60, check=False
            )
            return done.stdout + done.stderr

        listed = inspect("--method", "tools/list")
        assert '"echo"' in listed
        assert "get-env" not in listed
        assert "Echo: hello" in inspect("--method", "tools/call", "--tool-name", "echo", "--tool-arg", "message=hello")
        assert "POLICY DENIED" in inspect(
            "--method", "tools/call", "--tool-name", "get-sum", "--tool-arg", "a=1", "b=2"
        )


def test_a_change_is_in_force_at_the_next_request() -> None:
    allow = json.dumps({"version": "1", "default": "deny", "tools": {"get_current_time": {}}})
    deny = json.dumps({"version": "1", "default": "deny"})
    with serving() as gateway:
        gateway.ok("server", "add", "time", "--", sys.executable, "-m", "mcp_server_time")
        gateway.ok("policy", "add", "p", "-", "--server", "time", stdin=allow)
        gateway.ok("policy", "add", "nothing", "-", "--server", "time", stdin=deny)
        token = token_of(gateway.ok("grant", "add", "me", "--server", "time", "--policy", "p", "--json"))

        async def refused(with_token: str) -> str:
            try:
                async with official_client(gateway.url("time"), with_token) as agent:
                    result = await agent.call_tool("get_current_time", {"timezone": "UTC"})
                    return text(result) if result.is_error else ""
            except BaseException as error:
                return repr(error)

        assert asyncio.run(refused(token)) == ""
        gateway.ok("grant", "attach", "me", "--policy", "nothing")
        assert "[POLICY DENIED]" in asyncio.run(refused(token))
        gateway.ok("grant", "attach", "me", "--policy", "p")
        gateway.ok("policy", "add", "p", "-", "--server", "time", stdin=deny)
        assert "[POLICY DENIED]" in asyncio.run(refused(token))
        gateway.ok("policy", "add", "p", "-", "--server", "time", stdin=allow)
        bad = gateway("policy", "add", "p", "-", "--server", "time", stdin='{"version":"1","default":"alow"}')
        assert bad.code == 1
        assert "/default" in bad.err + bad.out
        assert asyncio.run(refused(token)) == ""
        rotated = token_of(gateway.ok("grant", "rotate", "me", "--overlap", "1h", "--json"))
        assert asyncio.run(refused(rotated)) == ""
        assert asyncio.run(refused(token)) == ""
        newest = token_of(gateway.ok("grant", "rotate", "me", "--json"))
        assert asyncio.run(refused(newest)) == ""
        for old in (token, rotated):
            message = "This token was rotated: the grant has another in its place. Ask its owner for that one."
            assert told(gateway, "time", old) == (401, {"code": "GP-1001", "message": message})
        unknown = {"code": "GP-1001", "message": "The bearer token is not known here."}
        assert told(gateway, "time", new_token()) == (401, unknown)
        gateway.ok("grant", "revoke", "me")
        assert asyncio.run(refused(rotated)) != ""
        assert asyncio.run(refused(token)) != ""


@pytest.mark.parametrize("signal_name", ["SIGTERM", "SIGINT"])
def test_serve_ends_on_a_signal_with_its_programs(signal_name: str) -> None:
    import signal

    with serving() as gateway:
        gateway.ok("server", "add", "time", "--", sys.executable, "-m", "mcp_server_time")
        policy = json.dumps({"version": "1", "default": "allow"})
        gateway.ok("policy", "add", "p", "-", "--server", "time", stdin=policy)
        token = token_of(gateway.ok("grant", "add", "me", "--server", "time", "--policy", "p", "--json"))

        async def work() -> None:
            async with official_client(gateway.url("time"), token) as agent:
                assert not (await agent.call_tool("get_current_time", {"timezone": "UTC"})).is_error

        asyncio.run(work())
        gateway.process.send_signal(getattr(signal, signal_name))
        assert gateway.process.wait(45) == (0 if signal_name == "SIGTERM" else 130)
        marker = str(gateway.program.data)
        left = subprocess.run(["pgrep", "-f", marker], capture_output=True, text=True, check=False).stdout.split()
        assert left == []

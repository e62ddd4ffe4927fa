"""The Plex server as a person starts it: as a process, over stdio and over HTTP, in both eras, and as it is ended."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from gatepost_media.plex.server import toolset
from gatepost_media.sandbox import Sandbox

pytestmark = pytest.mark.anyio

ERAS = ("legacy", "auto")
PROGRAM = [sys.executable, "-c", "from gatepost_media.cli.main import main; main()", "plex"]
TOKEN = "a-token-of-the-test"


def environment(box: Sandbox, home: Path) -> dict[str, str]:
    return {**os.environ, **box.environment(), "GATEPOST_MEDIA_HOME": str(home)}


@asynccontextmanager
async def over_stdio(box: Sandbox, home: Path, mode: str, *options: str) -> AsyncIterator[Client]:
    command, *arguments = PROGRAM
    settings = environment(box, home)
    started = StdioServerParameters(command=command, args=[*arguments, *options], env=settings, cwd=home)
    async with Client(started, mode=mode) as client:  # type: ignore[arg-type]
        yield client


@asynccontextmanager
async def over_http(box: Sandbox, home: Path, mode: str, *options: str) -> AsyncIterator[Client]:
    with HttpServer(box, home, *options) as (url, _):
        async with (
            httpx2.AsyncClient(headers={"authorization": f"Bearer {TOKEN}"}, timeout=30) as http,
            Client(streamable_http_client(url, http_client=http), mode=mode) as client,  # type: ignore[arg-type]
        ):
            yield client


class HttpServer:
    """A process that serves HTTP on a free port, and its address."""

    def __init__(self, box: Sandbox, home: Path, *options: str) -> None:
        settings = {**environment(box, home), "GATEPOST_MEDIA_TOKEN": TOKEN}
        command = [*PROGRAM, "--http", "--port", "0", *options]
        self._process = subprocess.Popen(command, env=settings, cwd=home, stderr=subprocess.PIPE, text=True)

    def __enter__(self) -> tuple[str, subprocess.Popen[str]]:
        assert self._process.stderr is not None
        return self._process.stderr.readline().split("listening on ")[1].strip(), self._process

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.communicate()


@pytest.mark.parametrize("mode", ERAS)
@pytest.mark.parametrize("transport", [over_stdio, over_http])
async def test_tools_are_listed_with_true_hints_and_called(tmp_path: Path, transport, mode: str) -> None:
    async with Sandbox() as box, transport(box, tmp_path, mode) as client:
        listed = {tool.name: tool for tool in (await client.list_tools()).tools}
        declared = {tool.name: tool for tool in toolset().listed(write=False)}
        assert listed.keys() == declared.keys()
        for name, tool in listed.items():
            hints = tool.annotations
            assert hints.read_only_hint == (declared[name].effect == "read")
            assert hints.destructive_hint == (declared[name].effect == "destructive")
            assert hints.idempotent_hint == declared[name].idempotent
            assert hints.open_world_hint == declared[name].open_world
        result = await client.call_tool("browse_libraries", {})
        assert [each["title"] for each in result.structured_content["libraries"]] == ["Films", "Series", "Music"]
        hidden = await client.call_tool("delete_playlist", {"playlistId": "1"})
        assert hidden.is_error
        assert "without --write" in hidden.content[0].text


async def test_stdout_carries_frames_only_and_the_token_is_on_neither_stream(tmp_path: Path) -> None:
    async with Sandbox() as box:
        hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
        frames = [
            {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello},
            {"jsonrpc": "2.0", "method": "notifications/initialized"},
            {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "get_libraries", "arguments": {}}},
        ]
        server = await anyio.open_process(PROGRAM, env=environment(box, tmp_path), cwd=tmp_path)
        async with server:
            await server.stdin.send("".join(json.dumps(frame) + "\n" for frame in frames).encode())
            said = b""
            while b'"id":2' not in said:
                said += await server.stdout.receive()
            await server.stdin.aclose()
            async for chunk in server.stdout:
                said += chunk
            told = b"".join([chunk async for chunk in server.stderr])
        assert [json.loads(line)["id"] for line in said.splitlines()] == [1, 2]
        assert box.plex_token.encode() not in said + told
        assert server.returncode == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_in_the_middle_of_an_export_leaves_no_file(tmp_path: Path, number: int) -> None:
    async with Sandbox() as box:
        box.fault("plex", "slow", 1, path="/library/sections/1/all", seconds=600)
        hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
        export = {"name": "export_library", "arguments": {"libraryKey": "1"}}
        frames = [
            {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello},
            {"jsonrpc": "2.0", "method": "notifications/initialized"},
            {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": export},
        ]
        async with await anyio.open_process(
            [*PROGRAM, "--write"], env=environment(box, tmp_path), cwd=tmp_path
        ) as server:
            await server.stdin.send("".join(json.dumps(frame) + "\n" for frame in frames).encode())
            while not any(each.path == "/library/sections/1/all" for each in box.requests):
                await anyio.sleep(0.01)
            assert len(list((tmp_path / "exports").iterdir())) == 1
            server.send_signal(number)
            await server.wait()
        assert server.returncode == 128 + number
        assert list((tmp_path / "exports").iterdir()) == []


async def test_http_wants_the_token_before_anything_else_and_only_names_of_this_machine(tmp_path: Path) -> None:
    async with Sandbox() as box:
        with HttpServer(box, tmp_path) as (url, server):
            ask = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
            accept = {"accept": "application/json, text/event-stream"}
            async with httpx2.AsyncClient(timeout=30) as http:
                wrong = (
                    {},
                    {"authorization": "Bearer x"},
                    {"authorization": TOKEN},
                    {"authorization": f"Basic {TOKEN}"},
                )
                for headers in wrong:
                    answer = await http.post(url, json=ask, headers={**accept, **headers})
                    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
                right = {**accept, "authorization": f"Bearer {TOKEN}"}
                answer = await http.post(url, json=ask, headers={**right, "host": "attacker.example"})
                assert answer.status_code == 421
                answer = await http.post(url, json=ask, headers={**right, "origin": "https://attacker.example"})
                assert answer.status_code == 403
            assert url.startswith("http://127.0.0.1:")
            assert server.poll() is None
        assert box.requests == []


def _run(*options: str, home: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    given = {**os.environ, "GATEPOST_MEDIA_HOME": str(home), **settings}
    return subprocess.run(
        [*PROGRAM, *options], capture_output=True, text=True, env=given, cwd=home, stdin=subprocess.DEVNULL, check=False
    )


def test_http_binds_to_loopback_only_and_says_when_a_port_is_taken(tmp_path: Path) -> None:
    refused = _run("--http", "--host", "0.0.0.0", home=tmp_path)
    assert refused.returncode == 1
    assert refused.stderr.splitlines()[-1].startswith("error: --host must be one of 127.0.0.1, ::1, localhost")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refused = _run("--http", "--port", port, home=tmp_path)
    assert refused.returncode == 1
    assert "Choose another with --port." in refused.stderr


def test_a_token_is_made_once_and_kept_private(tmp_path: Path) -> None:
    _run("--http", "--host", "10.0.0.1", home=tmp_path)
    token = (tmp_path / "http-token").read_text()
    assert len(token) >= 32
    assert (tmp_path / "http-token").stat().st_mode & 0o777 == 0o600
    said = _run("--http", "--host", "10.0.0.1", home=tmp_path)
    assert (tmp_path / "http-token").read_text() == token
    assert token not in said.stdout + said.stderr
    short = _run("--http", home=tmp_path, GATEPOST_MEDIA_TOKEN="short")
    assert short.returncode == 1
    assert "16 or more" in short.stderr
    folder = _run("--http", "--token-file", str(tmp_path), home=tmp_path)
    assert folder.stderr.startswith(f"error: {tmp_path} cannot be read: Is a directory.")
    (tmp_path / "file").write_text("no folder")
    unusable = _run("--http", home=tmp_path, GATEPOST_MEDIA_HOME=str(tmp_path / "file"))
    assert unusable.stderr.startswith(f"error: The state folder {tmp_path / 'file'} cannot be used: ")


def test_settings_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    for name, value in (
        ("PLEX_URL", "plex.local:32400"),
        ("PLEX_URL", "http://user:secret@127.0.0.1"),
        ("TRAKT_API_URL", "ftp://x"),
        ("GATEPOST_MEDIA_REPLY_TOKENS", "many"),
    ):
        refused = _run(home=tmp_path, **{name: value})
        assert refused.returncode == 1
        assert refused.stderr.startswith(f"error: {name}")
        assert "secret" not in refused.stderr


def test_the_tools_can_be_printed_and_help_teaches_with_an_example(tmp_path: Path) -> None:
    printed = _run("--list", "--json", "--write", home=tmp_path)
    assert {row["name"] for row in json.loads(printed.stdout)} == toolset().tools.keys()
    few = _run("--list", "--profile", "plex-read", home=tmp_path)
    assert "get_libraries" in few.stdout
    assert "sonarr" not in few.stdout
    shown = _run("--help", home=tmp_path)
    assert "gatepost-media plex --profile plex-read" in shown.stdout
    wrong = _run("--profile", "everything", home=tmp_path)
    assert wrong.returncode == 2
    assert "full, plex-read, music, arr, trakt-sync" in wrong.stderr

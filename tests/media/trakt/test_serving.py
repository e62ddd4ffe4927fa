"""The Trakt server as it is started: over stdio and over HTTP, in both protocol eras, with a real client."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
from anyio import run_process
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from gatepost_media.sandbox import Sandbox
from tests.media.trakt.support import TRAKT, ask, refused, sign_in, to_trakt

pytestmark = pytest.mark.anyio

ERAS = ("legacy", "auto")
PROGRAM = [sys.executable, "-c", "from gatepost_media.cli.main import main; main()", "trakt"]


def environment(box: Sandbox, home: Path) -> dict[str, str]:
    return {**os.environ, **box.environment(), "GATEPOST_MEDIA_HOME": str(home)}


@asynccontextmanager
async def over_stdio(box: Sandbox, home: Path, mode: str, *options: str) -> AsyncIterator[Client]:
    command, *arguments = PROGRAM
    started = StdioServerParameters(command=command, args=[*arguments, *options], env=environment(box, home))
    async with Client(started, mode=mode) as client:  # type: ignore[arg-type]
        yield client


@asynccontextmanager
async def over_http(box: Sandbox, home: Path, mode: str, *options: str) -> AsyncIterator[Client]:
    settings = {**environment(box, home), "GATEPOST_MEDIA_TOKEN": "a-token-of-the-test"}
    command = [*PROGRAM, "--http", "--port", "0", *options]
    with subprocess.Popen(command, env=settings, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        try:
            url = server.stderr.readline().split("listening on ")[1].strip()
            async with (
                httpx2.AsyncClient(headers={"authorization": "Bearer a-token-of-the-test"}, timeout=30) as http,
                Client(streamable_http_client(url, http_client=http), mode=mode) as client,  # type: ignore[arg-type]
            ):
                assert (await http.post(url, headers={"authorization": "Bearer another"})).status_code == 401
                yield client
        finally:
            server.terminate()
            server.wait()


@pytest.mark.parametrize("mode", ERAS)
@pytest.mark.parametrize("transport", [over_stdio, over_http])
async def test_tools_are_listed_and_called_over_either_transport_in_either_era(tmp_path: Path, transport, mode) -> None:
    async with Sandbox() as box:
        sign_in(box, tmp_path)
        async with transport(box, tmp_path, mode) as client:
            listed = {tool.name: tool for tool in (await client.list_tools()).tools}
            assert set(listed) == {tool.name for tool in TRAKT.listed(write=False)}
            for name, tool in listed.items():
                hints = tool.annotations
                assert hints is not None
                assert hints.read_only_hint == (TRAKT.tools[name].effect == "read")
                assert hints.destructive_hint == (TRAKT.tools[name].effect == "destructive")
                assert hints.open_world_hint is True
            assert (await ask(client, "fetch_user_watched_movies"))["items"]
            assert "must match" in await refused(client, "fetch_show_summary", show_id="../sync/history")
            assert {seen.path for seen in to_trakt(box)} == {"/sync/watched/movies"}


async def test_write_and_profile_choose_what_is_listed(tmp_path: Path) -> None:
    async with Sandbox() as box, over_stdio(box, tmp_path, "auto", "--write", "--profile", "trakt-sync") as client:
        listed = {tool.name for tool in (await client.list_tools()).tools}
        assert {"add_to_history", "start_device_auth", "fetch_history"} <= listed
        assert "fetch_trending_movies" not in listed


async def test_stdout_carries_frames_only_and_no_secret_reaches_either_stream(tmp_path: Path) -> None:
    async with Sandbox() as box:
        tokens = sign_in(box, tmp_path)
        hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
        frames = [
            {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello},
            {"jsonrpc": "2.0", "method": "notifications/initialized"},
            {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "clear_auth", "arguments": {}}},
        ]
        settings = environment(box, tmp_path)
        sent = "".join(json.dumps(frame) + "\n" for frame in frames).encode()
        done = await run_process(PROGRAM, input=sent, env=settings)
        answers = [json.loads(line) for line in done.stdout.decode().splitlines()]
        assert {answer.get("id") for answer in answers} <= {1, 2, None}
        for secret in (tokens.access_token, tokens.refresh_token, box.trakt_client_id, box.trakt_client_secret):
            assert secret.encode() not in done.stdout + done.stderr


def test_the_tools_can_be_printed_without_a_server(tmp_path: Path) -> None:
    printed = subprocess.run(
        [*PROGRAM, "--list", "--json", "--write"], capture_output=True, text=True, check=True, env={**os.environ}
    )
    assert {row["name"] for row in json.loads(printed.stdout)} == TRAKT.tools.keys()


def test_help_says_what_is_needed_with_an_example() -> None:
    printed = subprocess.run([*PROGRAM, "--help"], capture_output=True, text=True, check=True)
    assert "TRAKT_CLIENT_ID" in printed.stdout
    assert "gatepost-media trakt --write" in printed.stdout


def test_a_profile_that_is_not_there_is_wrong_usage_and_names_those_that_are() -> None:
    printed = subprocess.run([*PROGRAM, "--profile", "music"], capture_output=True, text=True)
    assert printed.returncode == 2
    assert "discover" in printed.stderr

"""Scanning servers over HTTP."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from gatepost.upstreams import connect
from gatepost.upstreams.base import UpstreamFailed
from gatepost.upstreams.config import Limits, ServerConfig
from gatepost.upstreams.scan import list_tools, probe
from tests.support import node_servers
from tests.support.recording import Recorder, head, json_answer, raw_answer
from tests.upstreams.helpers import META, PREFIX, QUICK, SERVERS, initialize, messages, notification, request, run

NO_METHOD = {"jsonrpc": "2.0", "id": "ID", "error": {"code": -32601, "message": "Method not found"}}


@contextmanager
def sdk_server(*flags: str) -> Iterator[str]:
    """The URL of a server on the official SDK."""
    command = [sys.executable, str(SERVERS / "sdk_server.py"), "http", *flags]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate()


def config(url: str, limits: Limits = QUICK, **settings: Any) -> ServerConfig:
    return ServerConfig("web", url=url, limits=limits, **settings)


def modern_headers(method: str, *more: tuple[bytes, bytes]) -> list[tuple[bytes, bytes]]:
    return [(b"mcp-protocol-version", b"2026-07-28"), (b"mcp-method", method.encode()), *more]


@pytest.mark.parametrize("flags", [(), ("--json",)], ids=["streams", "json"])
def test_a_server_on_the_official_sdk_speaks_both_eras_and_is_called_in_both(flags: tuple[str, ...]) -> None:
    async def test(url: str) -> None:
        info = await probe(config(url))
        assert (info.eras, info.versions) == ({"legacy", "modern"}, ("2025-11-25", "2026-07-28"))
        assert info.server_info["name"] == "sdk-server" and info.instructions == "Adds."
        for eras in ({"legacy"}, {"modern"}):
            tools = await list_tools(config(url), replace(info, eras=frozenset(eras)))
            assert {tool["name"] for tool in tools} == {"add", "steps", "change"}
        upstream = connect(config(url))
        try:
            await _call_legacy(upstream)
            await _call_modern(upstream)
        finally:
            await upstream.close()

    with sdk_server(*flags) as url:
        run(test(url))


async def _call_legacy(upstream: Any) -> None:
    started = initialize()
    reply = await upstream.post(started.encode(), started, [], None)
    session = next(value.decode() for name, value in reply.headers if name == b"mcp-session-id")
    await messages(reply)
    headers = [(b"mcp-protocol-version", b"2025-11-25")]
    initialized = notification("notifications/initialized")
    assert (await upstream.post(initialized.encode(), initialized, headers, session)).kind == "empty"
    add = request("tools/call", {"name": "add", "arguments": {"a": 1, "b": 2}}, "sum")
    response = (await messages(await upstream.post(add.encode(), add, headers, session)))[-1]
    assert (response["id"], response["result"]["content"][0]["text"]) == ("sum", "3")
    assert (await upstream.delete(headers, session)).status == 200
    assert (await upstream.post(add.encode(), add, headers, session)).status == 404


async def _call_modern(upstream: Any) -> None:
    params = {"name": "steps", "arguments": {"count": 2}, "_meta": {**META, "progressToken": "t"}}
    steps = request("tools/call", params, 5)
    headers = modern_headers("tools/call", (b"mcp-name", b"steps"))
    *progress, response = await messages(await upstream.post(steps.encode(), steps, headers, None))
    assert [m["params"]["progress"] for m in progress] in ([1, 2], [])  # none where the server answers with JSON
    assert response["result"]["content"][0]["text"] == "done"


def test_a_modern_subscription_is_open_until_it_is_given_up() -> None:
    async def test(url: str) -> None:
        upstream = connect(config(url))
        params = {"_meta": META, "notifications": {"resourceSubscriptions": ["note://one"]}}
        listen = request("subscriptions/listen", params, "sub")
        reply = await upstream.post(listen.encode(), listen, modern_headers("subscriptions/listen"), None)
        events = (event async for event in reply.events() if event.data)
        assert json.loads((await anext(events)).data or b"")["method"] == "notifications/subscriptions/acknowledged"
        change = request("tools/call", {"name": "change", "arguments": {}, "_meta": META})
        headers = modern_headers("tools/call", (b"mcp-name", b"change"))
        await messages(await upstream.post(change.encode(), change, headers, None))
        updated = json.loads((await anext(events)).data or b"")
        assert updated["method"] == "notifications/resources/updated"
        assert updated["params"]["_meta"][PREFIX + "subscriptionId"] == "sub"
        reply.abort()
        await upstream.close()

    with sdk_server() as url:
        run(test(url))


def test_the_same_server_over_stdio_speaks_both_eras_too() -> None:
    async def test() -> None:
        command = (sys.executable, str(SERVERS / "sdk_server.py"), "stdio")
        info = await probe(ServerConfig("sdk", command=command))
        assert info.eras == {"legacy", "modern"}
        for eras in ({"legacy"}, {"modern"}):
            tools = await list_tools(ServerConfig("sdk", command=command), replace(info, eras=frozenset(eras)))
            assert {tool["name"] for tool in tools} == {"add", "steps", "change"}

    run(test(), seconds=60)


def test_server_everything_over_http_is_legacy_and_its_session_is_ended() -> None:
    node, script = node_servers.script("@modelcontextprotocol/server-everything", "dist/index.js")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [node, script, "streamableHttp"], env={"PORT": str(port)}, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL
    )

    async def test() -> None:
        url = f"http://127.0.0.1:{port}/mcp"
        info = await probe(config(url))
        assert info.eras == {"legacy"}
        assert "echo" in {tool["name"] for tool in await list_tools(config(url), info)}

    try:
        assert process.stderr is not None
        while b"listening" not in (line := process.stderr.readline()):
            assert line, "it ended"
        run(test())
    finally:
        process.kill()
        process.communicate()


def test_a_scan_sends_the_metadata_and_headers_that_the_revision_owes() -> None:
    async def test() -> None:
        async with Recorder(json_answer(NO_METHOD)) as server:
            with pytest.raises(UpstreamFailed, match="speaks no revision of MCP"):
                await probe(config(server.url))
            discover, start = server.seen
            assert discover.json["method"] == discover.headers["mcp-method"] == "server/discover"
            assert discover.headers["mcp-protocol-version"] == "2026-07-28"
            assert discover.json["params"]["_meta"][PREFIX + "protocolVersion"] == "2026-07-28"
            assert discover.json["params"]["_meta"][PREFIX + "clientInfo"]["name"] == "gatepost"
            assert start.json["method"] == "initialize"
            assert "mcp-protocol-version" not in start.headers and "mcp-session-id" not in start.headers

    run(test())


@pytest.mark.parametrize("status", [401, 403])
def test_a_server_that_wants_a_credential_says_how_to_give_one(status: int) -> None:
    async def test() -> None:
        async with Recorder(raw_answer(head(status, "text/plain", "www-authenticate: Bearer", length=0))) as server:
            with pytest.raises(UpstreamFailed, match="wants a credential") as failure:
                await probe(config(server.url))
            assert failure.value.code == "GP-3001"
            assert "--header 'Authorization: @FILE'" in failure.value.hint
            with pytest.raises(UpstreamFailed, match="does not accept the credential it is given"):
                await probe(config(server.url, headers=(("Authorization", "Bearer x"),)))

    run(test())


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (raw_answer(head(200, "text/html", length=6) + b"<html>"), "HTTP 200 without a JSON-RPC message"),
        (raw_answer(head(404, "application/json", length=17) + b'{"error":"wrong"}'), "HTTP 404"),
        (raw_answer(head(405, "text/plain", length=0)), "HTTP 405"),
        (raw_answer(head(200, "text/event-stream") + b": nothing\n\n"), "closed the stream without an answer"),
    ],
)
def test_what_is_not_an_mcp_server_is_said_to_be_none(answer: Any, why: str) -> None:
    async def test() -> None:
        async with Recorder(answer) as server:
            with pytest.raises(UpstreamFailed, match="does not answer as an MCP server") as failure:
                await probe(config(server.url))
            assert failure.value.code == "GP-3003" and why in failure.value.message
            assert "The old HTTP+SSE transport of 2024-11-05 is not spoken." in failure.value.hint

    run(test())


def test_a_server_that_cannot_be_reached_is_asked_once() -> None:
    async def test() -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        with pytest.raises(UpstreamFailed) as failure:
            await probe(config(f"http://127.0.0.1:{port}/mcp"))
        assert (failure.value.code, failure.value.sent) == ("GP-3001", False)

    run(test())


def test_a_redirect_is_not_followed_by_a_scan_either() -> None:
    async def test() -> None:
        async with Recorder(raw_answer(head(307, "text/plain", "location: /elsewhere", length=0))) as server:
            with pytest.raises(UpstreamFailed) as failure:
                await probe(config(server.url))
            assert failure.value.code == "GP-3006"

    run(test())


async def _hang(seen: Any) -> None:
    await seen.disconnected.wait()


def test_a_server_that_answers_nothing_has_one_deadline_for_all_that_it_is_asked() -> None:
    async def test() -> None:
        # a second step of its own would run into the deadline of the whole scan
        limits = replace(QUICK, silence=0.1, probe=0.5, scan=0.9)
        async with Recorder(raw_answer(then=_hang)) as server:
            with pytest.raises(UpstreamFailed, match=r"said nothing within 0\.5 s: .* to initialize\.") as failure:
                await probe(config(server.url, limits))
            assert failure.value.code == "GP-3002"

    run(test())


def test_a_server_that_hangs_on_a_request_it_does_not_know_is_recognised_before_its_time_is_over() -> None:
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": {"name": "old", "version": "1"}}

    async def serve(seen: Any, writer: asyncio.StreamWriter) -> None:
        if seen.method == "DELETE" or seen.json["method"] == "initialize":
            body = {} if seen.method == "DELETE" else {"jsonrpc": "2.0", "id": seen.json["id"], "result": hello}
            await json_answer(body)(seen, writer)
        elif seen.json["method"] == "notifications/initialized":
            await raw_answer(head(202, "application/json", length=0))(seen, writer)
        else:
            await _hang(seen)

    async def test() -> None:
        async with Recorder(serve) as server:
            info = await probe(config(server.url, replace(QUICK, silence=1.5, probe=2)))
            assert (info.eras, info.server_info["name"]) == (frozenset({"legacy"}), "old")

    run(test())


def test_a_whole_scan_has_a_deadline() -> None:
    async def test() -> None:
        limits = replace(QUICK, scan=0.3)
        async with Recorder(raw_answer(then=_hang)) as server:
            with pytest.raises(UpstreamFailed, match=r"took longer than 0\.3 s") as failure:
                await probe(config(server.url, limits))
            assert failure.value.code == "GP-3002"
            async with asyncio.timeout(5):
                await server.seen[0].disconnected.wait()

    run(test())

"""Every client in front of every server: the official SDK on both ends, each of one protocol era alone.

Each test is a row of the matrix in docs/eras.md.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp.shared.message import ClientMessageMetadata
from mcp.shared.subscriptions import ToolsListChanged
from mcp_types import (
    CreateMessageResult,
    ElicitResult,
    EmptyResult,
    ListRootsResult,
    PromptReference,
    Request,
    ResourceUpdatedNotification,
    Root,
    TextContent,
    ToolListChangedNotification,
)
from pydantic import FileUrl

from gatepost.upstreams.config import ServerConfig
from gatepost.upstreams.scan import list_tools, probe
from tests.support.rig import Rig

SCRIPT = str(Path(__file__).parent / "servers" / "one_era.py")
POLICY: dict[str, Any] = {
    "version": "1",
    "default": "deny",
    "hide": ["delete_*"],
    "tools": {
        "add": {
            "deny_if": [{"conditions": [{"path": "args.a", "op": "gt", "value": 100}], "on_deny": "Too large."}],
        },
        **{
            name: {}
            for name in ("fail", "steps", "greet_both", "ask_model", "where", "wait", "whisper", "change", "sign_in")
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
TO_MODERN = [
    Cell("legacy", "modern", "http"),
    Cell("legacy", "modern", "http", ("--json",)),
    Cell("legacy", "modern", "stdio"),
]
SAME = [Cell(era, era, transport) for era in ("legacy", "modern") for transport in ("http", "stdio")]
CELLS: list[Any] = [*TO_LEGACY, *TO_MODERN, *(pytest.param(cell, marks=pytest.mark.slow) for cell in SAME)]
# With answers that are no streams, the SDK's legacy server asks nobody, and its modern one hears of no cancellation.
STREAMED = [cell for cell in CELLS if cell not in (TO_LEGACY[1], TO_MODERN[1])]


pytestmark = pytest.mark.filterwarnings("ignore:.* as of 2026-07-28")


def named(cell: Cell) -> str:
    return f"{cell.client} to {cell.server} over {cell.transport}{' '.join(cell.more)}"


each = pytest.mark.parametrize("cell", CELLS, ids=named)
streamed = pytest.mark.parametrize("cell", STREAMED, ids=named)
_known: dict[tuple[str, ...], dict[str, Any]] = {}


@pytest.fixture(scope="module")
def running() -> Iterator[dict[tuple[str, ...], str]]:
    """The URLs of the servers over HTTP, each started when it is first needed."""
    processes: list[subprocess.Popen[str]] = []

    class Running(dict[tuple[str, ...], str]):
        def __missing__(self, key: tuple[str, ...]) -> str:
            command = [sys.executable, SCRIPT, key[0], "http", *key[1:]]
            process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            processes.append(process)
            assert process.stdout is not None
            self[key] = process.stdout.readline().strip()
            return self[key]

    yield Running()
    for process in processes:
        process.kill()
        process.wait()


async def governed(rig: Rig, cell: Cell, running: Mapping[tuple[str, ...], str]) -> str:
    """Register a real server of one era, and return the token of a grant for it."""
    key = (cell.server, *cell.more)
    config = over_http = ServerConfig("s", url=await asyncio.to_thread(lambda: running[key]))
    if cell.transport == "stdio":
        config = ServerConfig("s", command=(sys.executable, SCRIPT, cell.server, "stdio", *cell.more))
    known = _known.get(key)
    if known is None:
        info = await probe(over_http)
        assert info.eras == {cell.server}
        tools = await list_tools(over_http, info)
        known = _known[key] = {
            "eras": sorted(info.eras),
            "versions": list(info.versions),
            "tools": {tool["name"]: {"tool": tool, "hash": "sha256:x", "category": None} for tool in tools},
        }
    where: dict[str, Any] = {"url": config.url, "headers": [], "command": list(config.command), "env": {}}
    rig.publish("server", "s", {"name": "s", **where, **known})
    return rig.grant("s", POLICY)


@asynccontextmanager
async def client(rig: Rig, token: str, cell: Cell, **options: Any) -> AsyncIterator[Client]:
    url = f"http://127.0.0.1:{rig.port}/mcp/s/"
    mode = options.pop("mode", "legacy" if cell.client == "legacy" else "2026-07-28")
    async with (
        httpx2.AsyncClient(headers={"authorization": f"Bearer {token}"}, timeout=30) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode, **options) as connected,
    ):
        yield connected


@asynccontextmanager
async def agent(folder: Path, cell: Cell, running: Any, **options: Any) -> AsyncIterator[tuple[Rig, Client]]:
    async with Rig(folder) as rig:
        token = await governed(rig, cell, running)
        async with client(rig, token, cell, **options) as connected:
            yield rig, connected


def text(result: Any) -> str:
    return "".join(part.text for part in result.content)


async def elicited(_: Any, params: Any) -> ElicitResult:
    assert params.message == "Who is there?"
    return ElicitResult(action="accept", content={"name": "Ada"})


async def sampled(_: Any, params: Any) -> CreateMessageResult:
    said = TextContent(type="text", text=f"so {params.messages[0].content.text}")
    return CreateMessageResult(role="assistant", model="m", content=said)


async def rooted(_: Any) -> ListRootsResult:
    return ListRootsResult(roots=[Root(uri=FileUrl("file:///home/ada"))])


@each
def test_a_client_meets_a_server_lists_and_calls_by_its_rules(tmp_path: Path, cell: Cell, running: Any) -> None:
    async def run() -> None:
        async with agent(tmp_path, cell, running) as (rig, connected):
            assert connected.protocol_version == ("2025-11-25" if cell.client == "legacy" else "2026-07-28")
            listed = {tool.name for tool in (await connected.list_tools()).tools}
            assert "add" in listed
            assert "delete_everything" not in listed
            assert text(await connected.call_tool("add", {"a": 2, "b": 3})) == "5"
            if cell.client == "legacy":
                await connected.send_ping()
            denied = await connected.call_tool("add", {"a": 101, "b": 3})
            assert denied.is_error
            assert text(denied) == "[POLICY DENIED] Too large."
            with pytest.raises(MCPError, match="Unknown tool: delete_everything"):
                await connected.call_tool("delete_everything", {})
            assert (await connected.call_tool("fail", {})).is_error
            rows = [row for row in rig.rows("decided") if row["tool"] == "add"]
            assert [row["decision"] for row in rows] == ["allow", "deny"]
            assert not rig.rows("refused")

            templates = (await connected.list_resource_templates()).resource_templates
            assert [template.uri_template for template in templates] == ["note://open/{name}"]
            assert (await connected.list_resources()).resources == []
            read = await connected.read_resource("note://open/a")
            assert read.contents[0].text == "the open note a"  # type: ignore[union-attr]
            with pytest.raises(MCPError, match="POLICY DENIED"):
                await connected.read_resource("note://shut/one")
            assert [prompt.name for prompt in (await connected.list_prompts()).prompts] == ["hello"]
            said = (await connected.get_prompt("hello", {"who": "Ada"})).messages[0].content
            assert said.text == "Say hello to Ada"  # type: ignore[union-attr]
            with pytest.raises(MCPError, match="POLICY DENIED"):
                await connected.get_prompt("secret")
            ref = PromptReference(type="ref/prompt", name="hello")
            completed = await connected.complete(ref, {"name": "who", "value": "Ad"})
            assert completed.completion.values == ["Ad!"]
            with pytest.raises(MCPError, match="POLICY DENIED"):
                await connected.complete(PromptReference(type="ref/prompt", name="secret"), {"name": "a", "value": ""})

    asyncio.run(run())


@pytest.mark.parametrize("cell", TO_LEGACY, ids=named)
def test_a_client_of_both_eras_finds_a_server_of_one(tmp_path: Path, cell: Cell, running: Any) -> None:
    async def run() -> None:
        async with Rig(tmp_path) as rig:
            token = await governed(rig, cell, running)
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


@streamed
def test_progress_reaches_the_client_that_asked_for_it(tmp_path: Path, cell: Cell, running: Any) -> None:
    async def run() -> None:
        told: list[tuple[float, float | None, str | None]] = []

        async def tell(progress: float, total: float | None, message: str | None) -> None:
            told.append((progress, total, message))

        async with agent(tmp_path, cell, running) as (_, connected):
            calls = [connected.call_tool("steps", {"count": 3}, progress_callback=tell) for _ in range(2)]
            assert [text(result) for result in await asyncio.gather(*calls)] == ["done", "done"]
            assert sorted(told) == sorted([(n, 3, f"step {n}") for n in (1, 2, 3)] * 2)

    asyncio.run(run())


@pytest.mark.parametrize("cell", [cell for cell in CELLS if cell != TO_MODERN[1]], ids=named)
def test_a_call_that_its_client_cancels_is_cancelled_at_the_server(tmp_path: Path, cell: Cell, running: Any) -> None:
    async def run() -> None:
        async with agent(tmp_path, cell, running) as (rig, connected):
            call = asyncio.ensure_future(connected.call_tool("wait", {"folder": str(tmp_path)}))
            await rig.until(lambda: (tmp_path / "started").exists())
            call.cancel()
            await rig.until(lambda: (tmp_path / "cancelled").exists())
            assert text(await connected.call_tool("add", {"a": 2, "b": 3})) == "5"

    asyncio.run(run())


@pytest.mark.parametrize("cell", [cell for cell in CELLS if cell != TO_LEGACY[1]], ids=named)
def test_a_server_asks_the_person_the_model_and_for_roots_in_the_middle_of_a_call(
    tmp_path: Path, cell: Cell, running: Any
) -> None:
    async def run() -> None:
        options = {"elicitation_callback": elicited, "sampling_callback": sampled, "list_roots_callback": rooted}
        async with agent(tmp_path, cell, running, **options) as (_, connected):
            assert text(await connected.call_tool("greet", {})) == "Hello Ada"
            assert text(await connected.call_tool("ask_model", {})) == "It says so Well?"
            assert text(await connected.call_tool("greet_both", {})) == "Hello Ada: so Well?"
            assert text(await connected.call_tool("where", {})) == "file:///home/ada"
            # The limit is two a month: an answer on the way counts the call no second time.
            assert text(await connected.call_tool("greet", {})) == "Hello Ada"
            assert "Limit of 2 per month" in text(await connected.call_tool("greet", {}))

    asyncio.run(run())


@each
def test_a_server_that_may_not_ask_the_client_says_so(tmp_path: Path, cell: Cell, running: Any) -> None:
    async def run() -> None:
        async with agent(tmp_path, cell, running) as (_, connected):
            for name in ("greet", "ask_model"):
                try:
                    assert (await connected.call_tool(name, {})).is_error
                except MCPError as error:
                    assert error.error.code < 0
            assert text(await connected.call_tool("add", {"a": 2, "b": 3})) == "5"

    asyncio.run(run())


@pytest.mark.parametrize("accepts", [True, False])
@each
def test_a_server_wants_an_address_to_be_opened(tmp_path: Path, cell: Cell, running: Any, accepts: bool) -> None:
    """2025-11-25 says it with an error (-32042) or asks, 2026-07-28 asks by the call's result."""

    async def opened(_: Any, params: Any) -> ElicitResult:
        assert (params.mode, params.url) == ("url", "https://example.test/sign-in")
        if accepts:
            (tmp_path / "signed").touch()
        return ElicitResult(action="accept" if accepts else "decline")

    async def run() -> None:
        async with agent(tmp_path, cell, running, elicitation_callback=opened) as (_, connected):
            call = connected.call_tool("sign_in", {"folder": str(tmp_path)})
            if (cell.client, cell.server) == ("legacy", "legacy"):
                with pytest.raises(MCPError) as caught:
                    await call
                assert caught.value.error.code == -32042
            elif accepts:
                assert text(await call) == "signed in"
            elif cell.server == "modern":
                assert text(await call) == "not signed in"
            else:
                with pytest.raises(MCPError, match="was refused"):
                    await call

    asyncio.run(run())


@pytest.mark.parametrize("cell", [*TO_LEGACY, *TO_MODERN], ids=named)
def test_a_server_that_wants_an_address_opened_by_a_client_that_opens_none_is_told(
    tmp_path: Path, cell: Cell, running: Any
) -> None:
    async def run() -> None:
        async with agent(tmp_path, cell, running) as (_, connected):
            with pytest.raises(MCPError) as caught:
                await connected.call_tool("sign_in", {"folder": str(tmp_path)})
            assert caught.value.error.code == (-32021 if cell.client == "modern" else -32603)
            assert text(await connected.call_tool("add", {"a": 2, "b": 3})) == "5"

    asyncio.run(run())


@each
def test_a_client_hears_of_changes_that_its_policy_shows_it(tmp_path: Path, cell: Cell, running: Any) -> None:
    async def run() -> None:
        heard: list[Any] = []

        async def hear(message: Any) -> None:
            if isinstance(message, ToolListChangedNotification):
                heard.append("tools")
            elif isinstance(message, ResourceUpdatedNotification):
                heard.append(message.params.uri)

        async with agent(tmp_path, cell, running, message_handler=hear) as (rig, connected):
            if cell.client == "legacy":
                await rig.until(lambda: rig.gateway.streams)
                await connected.subscribe_resource("note://open/a")
                with pytest.raises(MCPError, match="POLICY DENIED"):
                    await connected.subscribe_resource("note://shut/one")
                assert text(await connected.call_tool("change", {})) == "changed"
                await rig.until(lambda: len(heard) == 2)
                await connected.unsubscribe_resource("note://open/a")
            else:
                uris = ["note://open/a", "note://shut/one"]
                async with connected.listen(tools_list_changed=True, resource_subscriptions=uris) as subscription:
                    assert text(await connected.call_tool("change", {})) == "changed"
                    for _ in range(2):
                        event = await anext(subscription)
                        heard.append("tools" if isinstance(event, ToolsListChanged) else event.uri)  # type: ignore[union-attr]
            assert set(heard) >= {"tools", "note://open/a"}
            assert "note://shut/one" not in heard
            await rig.until(lambda: rig.rescans)

    asyncio.run(run())


@streamed
def test_log_messages_reach_the_call_that_asked_at_its_level(tmp_path: Path, cell: Cell, running: Any) -> None:
    async def run() -> None:
        heard: list[Any] = []

        async def hear(params: Any) -> None:
            heard.append(params.data)

        level = {} if cell.client == "legacy" else {"log_level": "error"}
        async with agent(tmp_path, cell, running, logging_callback=hear, **level) as (_, connected):
            if cell.client == "legacy":
                await connected.set_logging_level("error")
            assert text(await connected.call_tool("whisper", {})) == "logged"
            # Without a bridge the server itself goes by the level, and this legacy one takes it and does not.
            assert heard == (["psst", "help"] if cell.client == cell.server == "legacy" else ["help"])

    asyncio.run(run())


class Said(Request[dict[str, Any], str]):
    """Any request, also one that the SDK's client has no method for."""


async def answered(connected: Client, method: str, params: dict[str, Any] | None = None) -> int:
    """The code that a request is refused with; 0 where it is not."""
    try:
        await connected.session.send_request(Said(method=method, params=params or {}), EmptyResult)
    except MCPError as error:
        return error.error.code
    return 0


HELLO = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}}
NOTE = {"uri": "note://open/a"}
OF_LEGACY: list[tuple[str, dict[str, Any]]] = [
    ("initialize", HELLO),
    ("resources/subscribe", NOTE),
    ("resources/unsubscribe", NOTE),
]
OF_MODERN: list[tuple[str, dict[str, Any]]] = [("server/discover", {}), ("subscriptions/listen", {"notifications": {}})]
TASKS: list[tuple[str, dict[str, Any]]] = [
    ("tasks/list", {}),
    ("tasks/get", {"taskId": "t"}),
    ("tasks/result", {"taskId": "t"}),
]
TASKS += [("tasks/cancel", {"taskId": "t"})]


@each
def test_what_is_not_of_the_clients_era_or_has_no_counterpart_is_refused(
    tmp_path: Path, cell: Cell, running: Any
) -> None:
    async def run() -> None:
        async with agent(tmp_path, cell, running) as (rig, connected):
            refused = OF_LEGACY if cell.client == "modern" else OF_MODERN
            if cell.client != cell.server:
                refused = [*refused, *TASKS]
                if cell.client == "modern":
                    refused = [*refused, ("logging/setLevel", {"level": "error"})]
            found = {method: await answered(connected, method, params) for method, params in refused}
            assert found == dict.fromkeys(found, -32601)
            await rig.until(lambda: rig.rows("refused"))  # written a moment after the answer
            assert {row["code"] for row in rig.rows("refused")} == {"GP-1010"}
            if cell.client != cell.server:
                assert await answered(connected, "ping") == 0
                call = {"name": "add", "arguments": {"a": 1, "b": 2}, "task": {"ttl": 1000}}
                assert await answered(connected, "tools/call", call) == -32602
            assert text(await connected.call_tool("add", {"a": 2, "b": 3})) == "5"

    asyncio.run(run())


@pytest.mark.parametrize("cell", [*TO_LEGACY, *TO_MODERN], ids=named)
def test_what_is_not_bridged_is_not_announced_and_no_stream_can_be_taken_up_again(
    tmp_path: Path, cell: Cell, running: Any
) -> None:
    async def run() -> None:
        tokens: list[str] = []

        async def token(value: str) -> None:
            tokens.append(value)

        # A client that only speaks the modern era need not ask what there is; one of both does.
        mode = "legacy" if cell.client == "legacy" else "auto"
        async with agent(tmp_path, cell, running, mode=mode) as (_, connected):
            can = connected.server_capabilities
            assert can is not None
            assert can.tools is not None
            assert can.tasks is None
            assert not can.extensions
            request = Said(method="tools/call", params={"name": "steps", "arguments": {"count": 2}})
            metadata = ClientMessageMetadata(on_resumption_token_update=token)
            await connected.session.send_request(request, EmptyResult, metadata=metadata)
            assert tokens == []

    asyncio.run(run())


@pytest.mark.parametrize("transport", ["http", "stdio"])
def test_a_program_is_not_let_ask_where_nobody_can_tell_in_which_call(
    tmp_path: Path, transport: str, running: Any
) -> None:
    async def run() -> None:
        cell = Cell("modern", "legacy", transport)
        async with agent(tmp_path, cell, running, elicitation_callback=elicited) as (rig, connected):
            waiting = asyncio.ensure_future(connected.call_tool("wait", {"folder": str(tmp_path)}))
            await rig.until(lambda: (tmp_path / "started").exists())
            if transport == "http":  # a server behind HTTP asks in the answer to the call
                assert text(await connected.call_tool("greet", {})) == "Hello Ada"
            else:
                with pytest.raises(MCPError, match="cannot be told"):
                    await connected.call_tool("greet", {})
            waiting.cancel()

    asyncio.run(run())


@pytest.mark.parametrize("revision", ["2024-11-05", "2025-03-26", "2025-06-18"])
def test_a_modern_client_reaches_a_server_of_an_older_revision(tmp_path: Path, revision: str, running: Any) -> None:
    async def run() -> None:
        cell = Cell("modern", "legacy", "http", ("--revision", revision))
        async with agent(tmp_path, cell, running) as (rig, connected):
            assert rig.gateway.snapshot.servers["s"].config.versions == (revision,)
            assert text(await connected.call_tool("add", {"a": 2, "b": 3})) == "5"

    asyncio.run(run())

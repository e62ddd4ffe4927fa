"""A server on the official SDK that speaks one era alone: `one_era.py ERA TRANSPORT [--json] [--revision R]`.

Over HTTP it prints its URL once it listens. `--revision` is the legacy revision that it insists on.
"""

import argparse
import asyncio
import json
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

import anyio
import uvicorn
from mcp.server.lowlevel.server import NotificationOptions
from mcp.server.mcpserver import Context, Elicit, ListRoots, MCPServer, Resolve, Sample
from mcp.server.runner import serve_loop
from mcp.server.stdio import stdio_server
from mcp.shared.exceptions import MCPError, UrlElicitationRequiredError
from mcp_types import (
    Completion,
    CreateMessageResult,
    ElicitRequest,
    ElicitRequestURLParams,
    EmptyResult,
    InputRequiredResult,
    ListRootsResult,
    SamplingMessage,
    SetLevelRequestParams,
    SubscribeRequestParams,
    TextContent,
    UnsubscribeRequestParams,
)
from pydantic import BaseModel

parser = argparse.ArgumentParser()
parser.add_argument("era", choices=("legacy", "modern"))
parser.add_argument("transport", choices=("stdio", "http"))
parser.add_argument("--json", action="store_true")
parser.add_argument("--revision")
told = parser.parse_args()
legacy = told.era == "legacy"
MODERN = "2026-07-28"


async def only_this_era(ctx: Any, call_next: Callable[[Any], Awaitable[Any]]) -> Any:
    if ctx.method == "initialize" and not legacy:
        raise MCPError(
            code=-32022, message="Unsupported protocol version", data={"supported": [MODERN], "requested": "x"}
        )
    if ctx.method == "server/discover" and legacy:
        raise MCPError(code=-32601, message="Method not found")
    result = await call_next(ctx)
    if ctx.method == "initialize" and told.revision:
        return {**result, "protocolVersion": told.revision}
    return result


server = MCPServer("one-era", version="7", instructions="One era alone.", middleware=[only_this_era])
inner = server._lowlevel_server


class Name(BaseModel):
    name: str


async def who() -> Elicit[Name]:
    return Elicit("Who is there?", Name)


async def opinion() -> Sample:
    return Sample([SamplingMessage(role="user", content=TextContent(type="text", text="Well?"))], max_tokens=10)


async def folders() -> ListRoots:
    return ListRoots()


@server.tool()
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@server.tool()
def delete_everything() -> str:
    """Delete everything."""
    return "gone"


@server.tool()
def fail() -> str:
    """Fail."""
    raise ValueError("it went wrong")


@server.tool()
async def steps(count: int, context: Context) -> str:
    """Report progress."""
    for step in range(1, count + 1):
        await context.report_progress(step, count, f"step {step}")
    return "done"


@server.tool()
async def greet(name: Annotated[Name, Resolve(who)]) -> str:
    """Ask who is there."""
    return f"Hello {name.name}"


@server.tool()
async def greet_both(
    name: Annotated[Name, Resolve(who)], said: Annotated[CreateMessageResult, Resolve(opinion)]
) -> str:
    """Ask who is there, then a model."""
    return f"Hello {name.name}: {said.content.text}"  # type: ignore[union-attr]


@server.tool()
async def ask_model(said: Annotated[CreateMessageResult, Resolve(opinion)]) -> str:
    """Ask the client's model."""
    return f"It says {said.content.text}"  # type: ignore[union-attr]


@server.tool()
async def where(roots: Annotated[ListRootsResult, Resolve(folders)]) -> str:
    """Ask for the client's roots."""
    return ", ".join(str(root.uri) for root in roots.roots)


ADDRESS = "https://example.test/sign-in"


@server.tool()
async def sign_in(folder: str, context: Context) -> str | InputRequiredResult:
    """Want somebody to have signed in elsewhere, which a file in a folder says."""
    if Path(folder, "signed").exists():
        return "signed in"
    if legacy:
        raise UrlElicitationRequiredError(
            [ElicitRequestURLParams(message="Sign in.", url=ADDRESS, elicitation_id="e1")]
        )
    if context.input_responses is not None:
        return "not signed in"
    asked = ElicitRequest(params=ElicitRequestURLParams(message="Sign in.", url=ADDRESS))
    return InputRequiredResult(input_requests={"sign-in": asked})


@server.tool()
async def wait(folder: str, context: Context) -> str:
    """Wait to be cancelled, and say so in a file."""
    Path(folder, "started").touch()
    try:
        await asyncio.Event().wait()
    finally:
        Path(folder, "cancelled").touch()
    return "never"


@server.tool()
async def whisper(context: Context) -> str:
    """Log something."""
    await context.info("psst")
    await context.error("help")
    return "logged"


@server.tool()
async def change(context: Context) -> str:
    """Say that the tools, and a note, have changed."""
    if legacy:
        await context.session.send_tool_list_changed()
        await context.session.send_resource_updated("note://open/a")
        await context.session.send_resource_updated("note://shut/one")
    else:
        await context.notify_tools_changed()
        await context.notify_resource_updated("note://open/a")
        await context.notify_resource_updated("note://shut/one")
    return "changed"


@server.resource("note://open/{name}")
def open_note(name: str) -> str:
    """An open note."""
    return f"the open note {name}"


@server.resource("note://shut/one")
def shut_note() -> str:
    """A shut note."""
    return "secret"


@server.prompt()
def hello(who: str) -> str:
    """Say hello."""
    return f"Say hello to {who}"


@server.prompt()
def secret() -> str:
    """A secret."""
    return "secret"


@server.completion()  # type: ignore[no-untyped-call, untyped-decorator]
async def complete(ref: Any, argument: Any, context: Any) -> Completion:
    return Completion(values=[argument.value + "!"])


if legacy:

    async def nothing(ctx: Any, params: Any) -> EmptyResult:
        return EmptyResult()

    inner.add_request_handler("resources/subscribe", SubscribeRequestParams, nothing)
    inner.add_request_handler("resources/unsubscribe", UnsubscribeRequestParams, nothing)
    inner.add_request_handler("logging/setLevel", SetLevelRequestParams, nothing)
changes = NotificationOptions(tools_changed=True, prompts_changed=True, resources_changed=True)
options = inner.create_initialization_options(changes)
inner.create_initialization_options = lambda *_, **__: options  # type: ignore[method-assign]


async def run_stdio() -> None:
    async with stdio_server() as (read, write):
        if legacy:
            async with inner.lifespan(inner) as state:
                await serve_loop(inner, read, write, lifespan_state=state, init_options=options)
        else:
            await inner.run(read, write, options)


def run_http() -> None:
    served = server.streamable_http_app(json_response=told.json)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        version = dict(scope.get("headers", ())).get(b"mcp-protocol-version", b"").decode()
        if scope["type"] == "http" and (version == MODERN) == legacy:
            body: dict[str, Any] = {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "Bad Request"}}
            if not legacy:
                body["error"] |= {"code": -32022, "data": {"supported": [MODERN], "requested": version or "x"}}
            headers = [(b"content-type", b"application/json")]
            await send({"type": "http.response.start", "status": 400, "headers": headers})
            await send({"type": "http.response.body", "body": json.dumps(body).encode()})
            return
        await served(scope, receive, send)

    listener = socket.create_server(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listener.getsockname()[1]}/mcp", flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])


if told.transport == "stdio":
    anyio.run(run_stdio)
else:
    run_http()

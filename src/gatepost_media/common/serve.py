"""A toolset as an MCP server, over stdio or streamable HTTP; the SDK speaks both protocol eras on either.

On stdio, stdout carries protocol frames only: the SDK points the process's own standard output at stderr while it
serves. The HTTP transport binds to loopback addresses only and wants a bearer token on every request.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import logging
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any

import mcp_types as types
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError

from gatepost_media import __version__
from gatepost_media.common.calling import call, failed
from gatepost_media.common.errors import BadArgument, MediaError, NotFound
from gatepost_media.common.process import Process
from gatepost_media.common.settings import Settings
from gatepost_media.common.tools import FULL, Context, Tool, Toolset

if TYPE_CHECKING:
    from mcp.server.context import ServerRequestContext
    from starlette.types import ASGIApp, Receive, Scope, Send

    Request = ServerRequestContext[Process, Any]

_CLOSING = 5.0


def build(
    toolset: Toolset, settings: Settings, *, write: bool = False, profiles: Sequence[str] = (FULL,)
) -> Server[Process]:
    """The server that offers a toolset. Raises ValueError for an unknown profile."""
    shown = {tool.name: tool for tool in toolset.listed(write=write, profiles=profiles)}
    described: list[types.Tool] = []

    @contextlib.asynccontextmanager
    async def lifespan(_server: Server[Process]) -> AsyncIterator[Process]:
        process = Process(settings, write=write)
        try:
            yield process
        finally:
            await process.aclose()

    async def list_tools(_request: Request, _params: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        if not described:
            described.extend(_described(tool, nulls=toolset.nulls) for tool in shown.values())
        return types.ListToolsResult(tools=described)

    async def call_tool(request: Request, params: types.CallToolRequestParams) -> types.CallToolResult:
        tool = shown.get(params.name)
        if tool is not None:
            return await call(tool, params.arguments or {}, request.lifespan_context, request.session.report_progress)
        hidden = toolset.tools.get(params.name)
        if hidden is None:
            raise MCPError(types.INVALID_PARAMS, f"Unknown tool: {_short(params.name)}")
        if hidden.needs_write and not write:
            return failed(f"{hidden.name} changes things, and this server was started without --write.")
        return failed(f"{hidden.name} is not in the profile this server was started with ({', '.join(profiles)}).")

    async def list_resources(
        request: Request, _params: types.PaginatedRequestParams | None
    ) -> types.ListResourcesResult:
        fixed = [
            types.Resource(
                uri=each.uri, name=each.name, title=each.title, description=each.description, mime_type=each.mime_type
            )
            for each in toolset.resources
            if not each.is_template
        ]
        for lister in toolset.listers:
            for one in await lister(Context(request.lifespan_context)):
                fixed.append(
                    types.Resource(
                        uri=one.uri,
                        name=one.name,
                        title=one.title,
                        description=one.description or None,
                        mime_type=one.mime_type,
                    )
                )
        return types.ListResourcesResult(resources=fixed)

    async def list_templates(
        _request: Request, _params: types.PaginatedRequestParams | None
    ) -> types.ListResourceTemplatesResult:
        return types.ListResourceTemplatesResult(
            resource_templates=[
                types.ResourceTemplate(
                    uri_template=each.uri,
                    name=each.name,
                    title=each.title,
                    description=each.description,
                    mime_type=each.mime_type,
                )
                for each in toolset.resources
                if each.is_template
            ]
        )

    async def read_resource(request: Request, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
        for each in toolset.resources:
            parts = each.match(params.uri)
            if parts is None:
                continue
            try:
                text = await each.read(Context(request.lifespan_context), **parts)
            except (NotFound, BadArgument) as error:
                raise MCPError(types.INVALID_PARAMS, str(error)) from None
            except MediaError as error:
                raise MCPError(types.INTERNAL_ERROR, str(error)) from None
            return types.ReadResourceResult(
                contents=[types.TextResourceContents(uri=params.uri, mime_type=each.mime_type, text=text)]
            )
        raise MCPError(types.INVALID_PARAMS, f"Unknown resource: {_short(params.uri)}")

    async def list_prompts(_request: Request, _params: types.PaginatedRequestParams | None) -> types.ListPromptsResult:
        return types.ListPromptsResult(
            prompts=[
                types.Prompt(
                    name=each.name,
                    title=each.title,
                    description=each.description,
                    arguments=[
                        types.PromptArgument(name=one.name, description=one.description, required=one.required)
                        for one in each.arguments
                    ],
                )
                for each in toolset.prompts.values()
            ]
        )

    async def get_prompt(_request: Request, params: types.GetPromptRequestParams) -> types.GetPromptResult:
        prompt = toolset.prompts.get(params.name)
        if prompt is None:
            raise MCPError(types.INVALID_PARAMS, f"Unknown prompt: {_short(params.name)}")
        given = dict(params.arguments or {})
        known = {each.name for each in prompt.arguments}
        for name in given:
            if name not in known:
                raise MCPError(types.INVALID_PARAMS, f"{_short(name)}: is not an argument of this prompt.")
        for each in prompt.arguments:
            if each.required and not given.get(each.name):
                raise MCPError(types.INVALID_PARAMS, f"{each.name}: is required.")
        message = types.PromptMessage(role="user", content=types.TextContent(text=prompt.write(given)))
        return types.GetPromptResult(description=prompt.description, messages=[message])

    return Server(
        toolset.name,
        version=__version__,
        instructions=toolset.instructions,
        lifespan=lifespan,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_list_resources=list_resources,
        on_list_resource_templates=list_templates,
        on_read_resource=read_resource,
        on_list_prompts=list_prompts,
        on_get_prompt=get_prompt,
        get_tool_input_schema=lambda name: shown[name].arguments.schema(nulls=toolset.nulls) if name in shown else None,
    )


def _described(tool: Tool, *, nulls: bool) -> types.Tool:
    return types.Tool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=tool.arguments.schema(nulls=nulls),
        output_schema=tool.output_schema,
        annotations=types.ToolAnnotations(
            title=tool.title,
            read_only_hint=tool.effect == "read",
            destructive_hint=tool.effect == "destructive",
            idempotent_hint=tool.idempotent,
            open_world_hint=tool.open_world,
        ),
    )


def _short(text: str) -> str:
    shown = "".join(character if character.isprintable() else "?" for character in text)
    return shown if len(shown) <= 80 else shown[:80] + "…"


def run_stdio(server: Server[Process]) -> None:
    """Serves one client on stdin and stdout until stdin ends, or a signal comes."""
    _quiet_logging()
    asyncio.run(_stdio(server))


async def _stdio(server: Server[Process]) -> None:
    from mcp.server.stdio import stdio_server

    processes: list[Process] = []
    within = server.lifespan

    @contextlib.asynccontextmanager
    async def seen(of: Server[Process]) -> AsyncIterator[Process]:
        async with within(of) as process:
            processes.append(process)
            yield process

    server.lifespan = seen
    loop = asyncio.get_running_loop()
    ending: set[asyncio.Task[None]] = set()

    def ended(number: int) -> None:
        ending.add(loop.create_task(_end(processes, number)))

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended, number)
    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())


async def _end(processes: list[Process], number: int) -> None:
    """Ends what runs, then the process. A thread waits in a read of stdin that nothing can call back, hence _exit."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_CLOSING):
            for process in processes:
                await process.aclose()
    os._exit(128 + number)


def run_http(server: Server[Process], listener: socket.socket, *, token: str) -> None:
    """Serves streamable HTTP at /mcp of a listening socket (common/access.py) until a signal comes."""
    import uvicorn

    _quiet_logging()
    host, port = listener.getsockname()[:2]
    app = Bearer(server.streamable_http_app(host=host), token)
    with listener:
        print(f"listening on http://{f'[{host}]' if ':' in host else host}:{port}/mcp", file=sys.stderr, flush=True)
        config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="on", timeout_graceful_shutdown=3)
        uvicorn.Server(config).run(sockets=[listener])


class Bearer:
    """Lets a request through that carries the token, and answers 401 to any other before a byte of its body is read."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._expected = f"Bearer {token}".encode("ascii")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            given = [value for name, value in scope["headers"] if name == b"authorization"]
            if len(given) != 1 or not hmac.compare_digest(given[0], self._expected):
                headers = [
                    (b"www-authenticate", b"Bearer"),
                    (b"content-type", b"text/plain"),
                    (b"content-length", b"0"),
                ]
                await send({"type": "http.response.start", "status": 401, "headers": headers})
                await send({"type": "http.response.body", "body": b""})
                return
        await self._app(scope, receive, send)


def _quiet_logging() -> None:
    """Warnings and worse to stderr; the HTTP library would log addresses of requests at a lower level."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")

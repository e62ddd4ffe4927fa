"""A server on the official SDK, which serves both eras: `sdk_server.py stdio`, or `sdk_server.py http [--json]`.

Over HTTP it prints its URL once it listens.
"""

import argparse
import socket

import uvicorn
from mcp.server.mcpserver import Context, MCPServer

options = argparse.ArgumentParser()
options.add_argument("transport", choices=["stdio", "http"])
options.add_argument("--json", action="store_true", help="answer with JSON instead of event streams (HTTP)")
options = options.parse_args()

server = MCPServer("sdk-server", instructions="Adds.")


@server.tool()
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@server.tool()
async def steps(count: int, context: Context) -> str:
    """Report progress."""
    for step in range(1, count + 1):
        await context.report_progress(step, count)
    return "done"


@server.tool()
async def change(context: Context) -> str:
    """Tell subscribers that a note changed."""
    await context.notify_resource_updated("note://one")
    return "changed"


@server.resource("note://{name}")
def note(name: str) -> str:
    """A note."""
    return f"the note {name}"


if options.transport == "stdio":
    server.run()
else:
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listener.getsockname()[1]}/mcp", flush=True)
    app = server.streamable_http_app(json_response=options.json)
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])

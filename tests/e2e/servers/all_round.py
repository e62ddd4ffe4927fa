"""A server on the official SDK with a bit of everything: `all_round.py stdio|http [legacy|modern|both]`.

Over HTTP it prints its URL once it listens.
"""

import socket
import sys
from typing import Annotated

import uvicorn
from mcp.server.mcpserver import Context, Elicit, MCPServer, Resolve
from pydantic import BaseModel

transport = sys.argv[1]
server = MCPServer("all-round", instructions="A bit of everything.")


class Name(BaseModel):
    name: str


@server.tool()
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@server.tool()
def delete_everything() -> str:
    """Delete everything."""
    return "gone"


@server.tool()
async def steps(count: int, context: Context) -> str:
    """Report progress."""
    for step in range(1, count + 1):
        await context.report_progress(step, count)
    return "done"


async def who_is_there() -> Elicit[Name]:
    return Elicit("Who is there?", Name)


@server.tool()
async def greet(name: Annotated[Name, Resolve(who_is_there)]) -> str:
    """Ask who is there: in the middle of the call in the legacy era, in a second round in the modern one."""
    return f"Hello {name.name}"


@server.tool()
def fail() -> str:
    """Fail."""
    raise ValueError("it went wrong")


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


if transport == "stdio":
    server.run()
else:
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listener.getsockname()[1]}/mcp", flush=True)
    app = server.streamable_http_app(json_response="--json" in sys.argv)
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])

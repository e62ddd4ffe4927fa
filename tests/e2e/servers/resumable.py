"""A legacy server on the official SDK over HTTP that keeps its events, and cuts a call's stream in its middle.

It prints its URL once it listens.
"""

import socket

import uvicorn
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.streamable_http import EventCallback, EventMessage, EventStore
from mcp_types import JSONRPCMessage

server = MCPServer("resumable")


class Kept(EventStore):
    """All events, by their numbers."""

    def __init__(self) -> None:
        self.events: list[tuple[str, JSONRPCMessage | None]] = []

    async def store_event(self, stream_id: str, message: JSONRPCMessage | None) -> str:
        self.events.append((stream_id, message))
        return str(len(self.events) - 1)

    async def replay_events_after(self, last_event_id: str, send_callback: EventCallback) -> str | None:
        last = int(last_event_id)
        stream = self.events[last][0]
        for number, (of, message) in enumerate(self.events):
            if number > last and of == stream and message is not None:
                await send_callback(EventMessage(message, str(number)))
        return stream


@server.tool()
async def cut(context: Context) -> str:
    """Report progress, lose the connection, report more and answer."""
    await context.report_progress(1, 3)
    await context.close_sse_stream()
    await context.report_progress(2, 3)
    await context.report_progress(3, 3)
    return "whole"


listener = socket.create_server(("127.0.0.1", 0))
print(f"http://127.0.0.1:{listener.getsockname()[1]}/mcp", flush=True)
app = server.streamable_http_app(event_store=Kept(), retry_interval=50)
uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])

"""The MCP server behind every contender: as quick as Python can make one, so that the gateway is what is measured.

It understands just what the contenders send (HTTP/1.1 with Content-Length), speaks both eras without sessions, and
counts the tool calls it has answered at `GET /count`: the benchmark compares that with what the load generator got,
so that a denied call is noticed.

    python -m bench.upstream --port 0 --tools 1000        (prints the port)
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Iterator
from typing import Any, cast

import msgspec
import uvloop

from bench import traffic

ANSWER = (
    b',"result":{"resultType":"complete","content":[{"type":"text","text":"{\\"refund\\":\\"re_3PqL8w2eZvKYlo2C\\",'
    b'\\"status\\":\\"succeeded\\"}"}],"structuredContent":{"refund":"re_3PqL8w2eZvKYlo2C","status":"succeeded"},"isError":false}}'
)
JSON_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
SSE_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\nX-Accel-Buffering: no\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)
PROGRESS_EVENTS = 50
PROGRESS_TEXT = "x" * 900
RESULT_TEXT = "y" * 50_000
INFO = {"name": "bench-upstream", "version": "1.0.0"}


class Params(msgspec.Struct):
    name: str = ""
    meta: dict[str, Any] = msgspec.field(default_factory=dict, name="_meta")
    protocol: str = msgspec.field(default="", name="protocolVersion")


class Message(msgspec.Struct):
    method: str
    id: msgspec.Raw = msgspec.Raw(b"")
    params: Params = msgspec.field(default_factory=Params)


parse = msgspec.json.Decoder(Message).decode


class State:
    """What the connections share: the count of answered tool calls, and the tools."""

    def __init__(self, fillers: int) -> None:
        self.calls = 0
        self.hanging = 0
        self.tools = traffic.TOOLS + traffic.filler_tools(fillers)
        self.listing = json.dumps(self.tools, separators=(",", ":")).encode()


class Connection(asyncio.Protocol):
    transport: asyncio.Transport

    def __init__(self, state: State) -> None:
        self.state = state
        self.rest = b""
        self.waiting = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        if self.waiting:
            self.state.hanging -= 1

    def data_received(self, data: bytes) -> None:
        if self.rest:
            data = self.rest + data
            self.rest = b""
        while data:
            end = data.find(b"\r\n\r\n") + 4
            if end < 4:
                break
            head = data[:end].lower()
            at = head.find(b"\r\ncontent-length:")
            size = 0 if at < 0 else int(head[at + 17 : head.find(b"\r\n", at + 17)])
            if len(data) < end + size:
                break
            content = data[end : end + size]
            data = data[end + size :]
            self.request(head, content)
        self.rest = data

    def request(self, head: bytes, content: bytes) -> None:
        if not head.startswith(b"post "):
            if head.startswith(b"get /count "):
                self.reply(json.dumps({"calls": self.state.calls, "hanging": self.state.hanging}).encode())
            else:
                self.transport.write(b"HTTP/1.1 405 Method Not Allowed\r\nAllow: POST\r\nContent-Length: 0\r\n\r\n")
            return
        message = parse(content)
        if message.method == "tools/call":
            self.call(message)
        elif not message.id:
            self.transport.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
        elif message.method == "tools/list":
            self.result(
                message,
                b'{"resultType":"complete","ttlMs":1000,"cacheScope":"public","tools":' + self.state.listing + b"}",
            )
        elif message.method in ("initialize", "server/discover"):
            self.result(message, json.dumps(introduction(message)).encode())
        elif message.method == "ping":
            self.result(message, b"{}")
        else:
            error = b'{"jsonrpc":"2.0","id":' + message.id + b',"error":{"code":-32601,"message":"Method not found"}}'
            self.reply(error, b"HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: ")

    def call(self, message: Message) -> None:
        name = message.params.name
        if name == traffic.HANGING:
            self.waiting = True
            self.state.hanging += 1
            return
        self.state.calls += 1
        if name == traffic.STREAMED:
            self.transport.write(SSE_HEAD)
            self.stream(report(message))
            return
        self.reply(b'{"jsonrpc":"2.0","id":' + message.id + ANSWER)

    def stream(self, events: Iterator[bytes]) -> None:
        """Writes one event per turn of the loop, as a server does that makes them one after the other."""
        if self.transport.is_closing():
            return
        event = next(events, None)
        if event is None:
            self.transport.write(b"0\r\n\r\n")
            return
        self.transport.write(b"%x\r\n%b\r\n" % (len(event), event))
        asyncio.get_running_loop().call_soon(self.stream, events)

    def result(self, message: Message, result: bytes) -> None:
        self.reply(b'{"jsonrpc":"2.0","id":' + message.id + b',"result":' + result + b"}")

    def reply(self, content: bytes, head: bytes = JSON_HEAD) -> None:
        self.transport.write(head + str(len(content)).encode() + b"\r\n\r\n" + content)


def introduction(message: Message) -> dict[str, Any]:
    capabilities = {"tools": {}}
    if message.method == "initialize":
        return {"protocolVersion": message.params.protocol, "capabilities": capabilities, "serverInfo": INFO}
    return {
        "resultType": "complete",
        "supportedVersions": [traffic.MODERN],
        "capabilities": capabilities,
        "_meta": {"io.modelcontextprotocol/serverInfo": INFO},
        "ttlMs": 3_600_000,
        "cacheScope": "public",
    }


def report(message: Message) -> Iterator[bytes]:
    """About 100 KB of server-sent events: 50 progress notifications of 1 KB, then a result of 50 KB."""
    token = message.params.meta.get("progressToken")
    for number in range(PROGRESS_EVENTS):
        params = {"progressToken": token, "progress": number, "total": PROGRESS_EVENTS, "message": PROGRESS_TEXT}
        yield event({"jsonrpc": "2.0", "method": "notifications/progress", "params": params})
    result = {"resultType": "complete", "content": [{"type": "text", "text": RESULT_TEXT}], "isError": False}
    yield event({"jsonrpc": "2.0", "id": json.loads(bytes(message.id)), "result": result})


def event(message: dict[str, Any]) -> bytes:
    return b"event: message\ndata: " + json.dumps(message, separators=(",", ":")).encode() + b"\n\n"


async def serve(port: int, fillers: int) -> None:
    state = State(fillers)
    server = await asyncio.get_running_loop().create_server(lambda: Connection(state), "127.0.0.1", port, backlog=2048)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.upstream", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--tools", type=int, default=0, help="further tools to list beside the four of the benchmark")
    options = parser.parse_args()
    uvloop.run(serve(options.port, options.tools))


if __name__ == "__main__":
    main()

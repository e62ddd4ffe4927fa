"""A legacy server over HTTP that cuts a call's connection in the middle of its stream, and can be asked for the rest.

Run as `cut_off.py ANSWER`: with `error` the rest is an error, with `gone` it is not to be had. It prints its URL.
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KIND = sys.argv[1]
TOOL = {"name": "cut", "inputSchema": {"type": "object"}}
EVENT = (
    b"id: 1\nretry: 10\ndata: "
    + json.dumps(
        {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "half"}}
    ).encode()
)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    asked: Any = None

    def do_POST(self) -> None:
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        method, id = message["method"], message.get("id")
        if method == "tools/call":
            Handler.asked = id
            self.stream()
            self.wfile.write(b"%x\r\n%b\n\n\r\n" % (len(EVENT) + 2, EVENT))
            self.close_connection = True  # without the chunk that ends it
            return
        results: dict[str, Any] = {
            "initialize": {
                "protocolVersion": "2025-11-25",
                "capabilities": {"tools": {}, "logging": {}},
                "serverInfo": {"name": "c", "version": "1"},
            },
            "tools/list": {"tools": [TOOL]},
        }
        if id is None:
            self.send_response(202)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        known = {"result": results[method]} if method in results else {"error": {"code": -32601, "message": "unknown"}}
        body = json.dumps({"jsonrpc": "2.0", "id": id, **known}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Mcp-Session-Id", "s1")
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        if KIND == "gone" or self.headers["Last-Event-ID"] != "1":
            self.send_response(405)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.stream()
        answer = {"jsonrpc": "2.0", "id": Handler.asked, "error": {"code": 7, "message": "No."}}
        event = b"id: 2\ndata: " + json.dumps(answer).encode() + b"\n\n"
        self.wfile.write(b"%x\r\n%b\r\n0\r\n\r\n" % (len(event), event))

    def do_DELETE(self) -> None:
        self.send_response(204)
        self.end_headers()

    def stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(f"http://127.0.0.1:{server.server_address[1]}/mcp", flush=True)
server.serve_forever()

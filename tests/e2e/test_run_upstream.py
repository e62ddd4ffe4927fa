"""`gatepost run` in front of a server over HTTP that misbehaves: the client reads what was judged, and nothing else."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.running import OPEN, running


class _Legacy(http.server.BaseHTTPRequestHandler):
    """A legacy server that answers a call with the event that it was given, in which ID stands for the call's id."""

    event = b""

    def do_POST(self) -> None:
        message = json.loads(self.rfile.read(int(self.headers["content-length"])))
        id, method = message.get("id"), message.get("method")
        if id is None:
            self._answer(202, "text/plain", b"")
        elif method == "tools/call":
            self._answer(200, "text/event-stream", self.event.replace(b"ID", json.dumps(id).encode()))
        else:
            info = {"name": "s", "version": "1"}
            known: dict[str, Any] = {
                "initialize": {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": info},
                "tools/list": {"tools": [{"name": "t", "inputSchema": {"type": "object"}}]},
            }
            error = {"error": {"code": -32601, "message": "Method not found"}}
            body = {"jsonrpc": "2.0", "id": id} | ({"result": known[method]} if method in known else error)
            self._answer(200, "application/json", json.dumps(body).encode())

    def do_GET(self) -> None:
        self._answer(405, "text/plain", b"")

    def _answer(self, status: int, media: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", media)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def server(event: bytes) -> Iterator[str]:
    handler = type("Handler", (_Legacy,), {"event": event})
    served = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{served.server_address[1]}/mcp"
    finally:
        served.shutdown()
        thread.join()
        served.server_close()


def test_comments_between_carriage_returns_are_no_part_of_the_message(tmp_path: Path) -> None:
    """To a reader of lines that end in LF alone, the comments of this event would be members of the result."""
    event = (
        b'data: {"jsonrpc":"2.0","id":ID,"result":{"content":[],"x"\r: "\rdata: :1}}'
        b'\r: ","tools":[{"name":"hidden_one"}]}}\n\n'
    )
    with server(event) as url, running(tmp_path / "data", OPEN, "--upstream", url) as client:
        client.initialize()
        assert client.call("t")["result"] == {"content": [], "x": 1}

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
    with serving(type("Handler", (_Legacy,), {"event": event})) as url:
        yield url + "/mcp"


@contextmanager
def serving(handler: type[http.server.BaseHTTPRequestHandler]) -> Iterator[str]:
    served = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{served.server_address[1]}"
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


def test_a_server_that_wants_a_credential_or_is_elsewhere_is_answered_with_what_to_give_to_run(tmp_path: Path) -> None:
    """None of it is registered here, so that no command but `run` itself can be told."""

    class Refusing(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(401 if self.path == "/closed" else 308)
            self.send_header("location", "/mcp/")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with serving(Refusing) as url:
        said = {}
        for path in ("/closed", "/moved"):
            with running(tmp_path / "data", OPEN, "--upstream", url + path) as client:
                asked = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {}}
                said[path] = client.ask("initialize", asked)["error"]["message"]
                assert client.leave() == 0
    assert said["/closed"].endswith("Give one with: --header 'Authorization: @FILE' (or env:NAME).")
    assert said["/moved"].endswith("If that is its address, give that one.")

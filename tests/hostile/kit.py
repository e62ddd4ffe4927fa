"""What every hostile server has in common: how it is asked over HTTP and stdio, and a good answer to depart from.

A behaviour is a subclass of `Hostile` in `servers.py`. It overrides `texts`, the message texts that it answers with,
where the fault lies in what is said; `http` or `stdio`, where it lies in how. It misbehaves only when tools are listed
or called; sessions are opened properly, so that the fault is met on every path.
"""

from __future__ import annotations

import json
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, ClassVar

HIDDEN = "hidden_one"
"""The tool that no client may hear of."""
CANARY = "canary-7f3a91"
"""Stands in whatever must not be passed on."""
TOOLS = [{"name": "t", "inputSchema": {"type": "object"}}, {"name": HIDDEN, "inputSchema": {"type": "object"}}]
FOREVER = 3600.0

Send = Callable[[bytes], None]
KINDS: dict[str, type[Hostile]] = {}


@dataclass(frozen=True)
class Asked:
    """One request: its JSON-RPC message, and over HTTP the port of a listener that nobody should ever reach."""

    message: dict[str, Any]
    trap: int = 0

    @property
    def id(self) -> Any:
        return self.message.get("id")

    @property
    def lists(self) -> bool:
        return self.message.get("method") == "tools/list"


def response(id: Any, result: Any) -> bytes:
    """The text of a response."""
    return json.dumps({"jsonrpc": "2.0", "id": id, "result": result}).encode()


def result(asked: Asked, **more: Any) -> dict[str, Any]:
    """What a good server would say; the list has a hidden tool among it."""
    if asked.lists:
        return {"resultType": "complete", "tools": TOOLS, **more}
    return {"resultType": "complete", "content": [{"type": "text", "text": "done"}], **more}


def bad(asked: Asked) -> dict[str, Any]:
    """A result that must not arrive: the hidden tool alone, or the canary."""
    if asked.lists:
        return {"resultType": "complete", "tools": TOOLS[1:]}
    return {"resultType": "complete", "content": [{"type": "text", "text": CANARY}]}


def head(media: str = "application/json", *lines: str, status: str = "200 OK") -> bytes:
    """A response head; the body ends with the connection unless a line says otherwise."""
    fields = [f"content-type: {media}", "connection: close", *lines]
    return "\r\n".join([f"HTTP/1.1 {status}", *fields, "", ""]).encode()


def event(text: bytes) -> bytes:
    """A message as one server-sent event."""
    return b"data: " + text + b"\n\n"


class Reset(Exception):
    """Raised by a behaviour to have its connection reset."""


class Hostile:
    """A server that behaves, for the others to depart from; by itself it is the control.

    Attributes:
        transports: over which its fault exists.
        stream: over HTTP it answers with an event stream.
    """

    transports: ClassVar[frozenset[str]] = frozenset({"http", "stdio"})
    stream: ClassVar[bool] = False

    def __init_subclass__(cls) -> None:
        KINDS[kind_name(cls)] = cls

    def texts(self, asked: Asked) -> Iterator[bytes]:
        """The messages it answers with, each as its text."""
        yield response(asked.id, result(asked))

    def http(self, asked: Asked, send: Send) -> None:
        """A whole HTTP response; the connection is closed afterwards."""
        send(head("text/event-stream" if self.stream else "application/json"))
        for text in self.texts(asked):
            send(event(text) if self.stream else text)

    def stdio(self, asked: Asked, send: Send) -> None:
        """Lines on standard output."""
        for text in self.texts(asked):
            send(text + b"\n")


def kind_name(cls: type[Hostile]) -> str:
    """`WrongId` → `wrong-id`."""
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in cls.__name__).lstrip("-")


def courtesy(message: dict[str, Any]) -> bytes | None:
    """The answer to whatever opens a session, None for what is to be answered badly."""
    method, id = message.get("method"), message.get("id")
    about = {"name": "hostile", "version": "1"}
    if method == "initialize":
        version = message["params"]["protocolVersion"]
        return response(id, {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": about})
    if method == "server/discover":
        found = {"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}, "resultType": "complete"}
        return response(id, found)
    return response(id, {"resultType": "complete"}) if method == "ping" else None


def stdio(kind: Hostile, lines: BinaryIO, out: BinaryIO) -> None:
    """Serve on standard input and output, each request in a thread of its own."""
    lock = threading.Lock()

    def send(raw: bytes) -> None:
        with lock:
            out.write(raw)
            out.flush()

    for line in lines:
        message = json.loads(line)
        if "id" not in message or "method" not in message:
            continue
        polite = courtesy(message)
        if polite is not None:
            send(polite + b"\n")
        else:
            threading.Thread(target=kind.stdio, args=(Asked(message), send), daemon=True).start()


def http(kind: Hostile, listener: socket.socket, trap: int) -> None:
    """Serve on a socket, one request for each connection, until the process ends."""
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=_answer, args=(kind, connection, trap), daemon=True).start()


def _answer(kind: Hostile, connection: socket.socket, trap: int) -> None:
    with connection:
        raw = b""
        while b"\r\n\r\n" not in raw:
            piece = connection.recv(65536)
            if not piece:
                return
            raw += piece
        begin, _, body = raw.partition(b"\r\n\r\n")
        fields = dict(line.lower().split(b":", 1) for line in begin.split(b"\r\n")[1:])
        while len(body) < int(fields.get(b"content-length", b"0")):
            body += connection.recv(65536)
        message = json.loads(body) if body else {}
        if "id" not in message:
            connection.sendall(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            return
        polite = courtesy(message)
        try:
            if polite is None:
                kind.http(Asked(message, trap), connection.sendall)
            else:
                session = "mcp-session-id: s1" if message["method"] == "initialize" else "x: y"
                connection.sendall(head("application/json", session, f"content-length: {len(polite)}") + polite)
            connection.shutdown(socket.SHUT_WR)
        except Reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            pass  # the gateway has had enough of it


def main(arguments: list[str]) -> None:
    """`NAME stdio`, or `NAME http`, which prints its URL and the number of connections to the trap as they come."""
    from tests.hostile import servers

    if len(arguments) != 2 or arguments[0] not in KINDS or arguments[1] not in ("http", "stdio"):
        for name in sorted(KINDS):
            about = (KINDS[name].__doc__ or "").splitlines()[0]
            print(f"{name:28} {'/'.join(sorted(KINDS[name].transports)):12} {about}")
        sys.exit(f"{servers.__name__}: say NAME http, or NAME stdio")
    kind = KINDS[arguments[0]]()
    if arguments[1] == "stdio":
        stdio(kind, sys.stdin.buffer, sys.stdout.buffer)
        return
    listener, trap = socket.create_server(("127.0.0.1", 0)), socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    threading.Thread(target=_watch, args=(trap,), daemon=True).start()
    http(kind, listener, trap.getsockname()[1])


def _watch(trap: socket.socket) -> None:
    while True:
        trap.accept()
        print("trapped", flush=True)


def wait() -> None:
    """As long as anybody will."""
    time.sleep(FOREVER)

"""What stands in front of every stand-in: one ASGI application on several ports, the request log, faults on demand."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from starlette.datastructures import Headers, QueryParams
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gatepost_media.sandbox.works import is_number

LOGGED = 20_000
"""So many requests are remembered, the newest."""


@dataclass(slots=True)
class Seen:
    """A request as it arrived. `path` is as sent, percent signs and all; `status` is 0 until it is answered."""

    method: str
    path: str
    query: QueryParams
    headers: Headers
    service: str
    body: bytes = b""
    status: int = 0

    def json(self) -> object:
        """The body, read as JSON."""
        return json.loads(self.body)


@dataclass(slots=True)
class Fault:
    """What the next `times` requests to a service get instead of an answer.

    `kind` is a status ("503", "429", "500", "401"…), "slow" (answered `seconds` late) or "cut" (the connection closes
    in the middle of the answer). A 429 asks to come again in `seconds`. `path` (its beginning) and `method` choose
    among requests; a listener's websocket is meant only by a path that begins with "/:/".
    """

    service: str
    kind: str
    times: int = 1
    path: str = ""
    method: str = ""
    seconds: float = 1.0

    @property
    def status(self) -> int:
        """The status that it answers with; of slow and cut, where that cannot be done, 503."""
        return int(self.kind) if is_number(self.kind) else 503

    def fits(self, service: str, method: str, path: str) -> bool:
        """Whether it is meant for this request."""
        return (
            self.times > 0
            and self.service == service
            and path.startswith(self.path)
            and self.method.upper() in ("", method)
        )


@dataclass(slots=True)
class Front:
    """`apps` by port. Requests are logged before they are judged or answered."""

    apps: dict[int, tuple[str, ASGIApp]] = field(default_factory=dict)
    seen: deque[Seen] = field(default_factory=lambda: deque(maxlen=LOGGED))
    faults: list[Fault] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        service, app = self.apps[scope["server"][1]]
        seen = Seen(
            scope.get("method", "WEBSOCKET"),
            scope.get("raw_path", b"").decode("latin-1"),
            QueryParams(scope["query_string"]),
            Headers(raw=scope["headers"]),
            service,
        )
        if scope["type"] == "websocket":
            self.seen.append(seen)
            fault = self._take(service, seen.method, scope["path"]) if self._spoils_listening() else None
            if fault is None:
                await app(scope, receive, send)
            else:
                await receive()
                await send({"type": "websocket.http.response.start", "status": fault.status, "headers": []})
                await send({"type": "websocket.http.response.body", "body": b""})
            return
        seen.body = await _body(receive)
        if service != "admin":
            self.seen.append(seen)
        if service in ("trakt", "trakt_auth") and scope["path"].startswith("//"):
            scope["path"] = scope["path"][1:]  # what a base address that ends in a slash gives

        given = False

        async def replay() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": seen.body, "more_body": False}

        async def note(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen.status = message["status"]
            await send(message)

        fault = self._take(service, seen.method, scope["path"])
        if fault is None:
            await app(scope, replay, note)
        elif fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
            await app(scope, replay, note)
        elif fault.kind == "cut":
            await _cut(app, scope, replay, note)
        else:
            await _refuse(fault, note)

    def _spoils_listening(self) -> bool:
        """Whether a fault names the notifications. Others are for requests, and wait for one."""
        return any(fault.path.startswith("/:/") for fault in self.faults)

    def _take(self, service: str, method: str, path: str) -> Fault | None:
        for fault in self.faults:
            if fault.fits(service, method, path):
                fault.times -= 1
                if fault.times == 0:
                    self.faults.remove(fault)
                return fault
        return None


async def _body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def _refuse(fault: Fault, send: Send) -> None:
    headers: list[tuple[bytes, bytes]] = [(b"content-type", b"text/html")]
    if fault.kind in ("429", "503"):
        headers.append((b"retry-after", f"{fault.seconds:g}".encode()))
    await send({"type": "http.response.start", "status": fault.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"<html>the sandbox was asked for this</html>"})


async def _cut(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer, but stop halfway and leave: the server then closes the connection."""
    messages: list[Message] = []

    async def keep(message: Message) -> None:
        messages.append(message)

    await app(scope, receive, keep)
    start, body = messages[0], b"".join(_bodies(messages))
    headers = [(name, value) for name, value in start["headers"] if name != b"content-length"]
    await send({**start, "headers": [*headers, (b"content-length", str(len(body) + 1).encode())]})
    await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})


def _bodies(messages: Iterable[Message]) -> Iterable[bytes]:
    return (message.get("body", b"") for message in messages if message["type"] == "http.response.body")

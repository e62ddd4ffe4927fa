"""The sandbox's own controls over HTTP: play something, spoil requests, let time pass, see what was asked.

Loopback only; what changes something has to be JSON, so that a web page cannot send it.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, cast

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from gatepost_media.sandbox.front import Seen
from gatepost_media.sandbox.works import is_number

if TYPE_CHECKING:
    from gatepost_media.sandbox.box import Sandbox

KINDS = ("slow", "cut", *(str(status) for status in range(400, 600)))
Handler = Callable[[Request], Awaitable[Response]]


class Wrong(ValueError):
    """What was sent cannot be done; its text says why."""


def box_of(request: Request) -> Sandbox:
    """The sandbox that this request came to."""
    return cast("Sandbox", request.app.state.box)


def _reply(content: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(content) + b"\n", status, media_type="application/json")


async def _sent(request: Request) -> Mapping[str, object]:
    try:
        read = json.loads(await request.body() or b"{}")
    except ValueError:
        read = None
    if not isinstance(read, dict):
        raise Wrong("send a JSON object")
    return read


def _number(said: Mapping[str, object], name: str, default: float) -> float:
    value = said.get(name, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
        raise Wrong(f"{name}: not a number from 0 on")
    return float(value)


def _text(said: Mapping[str, object], name: str, default: str = "") -> str:
    value = said.get(name, default)
    if not isinstance(value, (str, int)):
        raise Wrong(f"{name}: not a text")
    return str(value)


async def overview(request: Request) -> Response:
    """Where everything is, what plays, and what is spoiled."""
    box = box_of(request)
    playing = [
        {
            "session": one.id,
            "title": one.work.title,
            "account": one.account.name,
            "state": one.state,
            "offset": one.offset,
        }
        for one in box.plex.sessions.values()
    ]
    faults = [{"service": one.service, "kind": one.kind, "times": one.times, "path": one.path} for one in box.faults]
    listeners = len(box.plex.listeners)
    return _reply({"environment": box.environment(), "playing": playing, "faults": faults, "listeners": listeners})


async def play(request: Request) -> Response:
    box, said = box_of(request), await _sent(request)
    account, device = int(_number(said, "account", 1)), int(_number(said, "device", 1))
    try:
        playback = box.play(
            _text(said, "ratingKey"),
            _number(said, "speed", 60),
            account=account,
            device=device,
            offset=int(_number(said, "offset", 0)),
        )
    except KeyError:
        raise Wrong("ratingKey, account or device: there is none of that number") from None
    return _reply({"session": playback.id, "title": playback.work.title}, 201)


async def control(request: Request) -> Response:
    """`do`: pause, resume, buffer, stop, or seek to `percent`."""
    box, said = box_of(request), await _sent(request)
    playback = box.plex.sessions.get(request.path_params["id"])
    if playback is None:
        raise Wrong("there is no such session")
    match said.get("do"):
        case "pause":
            playback.pause()
        case "resume":
            playback.resume()
        case "buffer":
            playback.buffer()
        case "stop":
            playback.stop()
        case "seek":
            playback.seek_to(min(_number(said, "percent", 0), 100))
        case _:
            raise Wrong("do: pause, resume, buffer, stop or seek")
    return _reply({"state": playback.state, "offset": playback.offset})


async def spoil(request: Request) -> Response:
    box, said = box_of(request), await _sent(request)
    service, kind = _text(said, "service"), _text(said, "kind")
    if service not in box.services or kind not in KINDS:
        raise Wrong(f"service: one of {', '.join(box.services)}; kind: slow, cut or a status from 400 on")
    box.fault(
        service,
        kind,
        int(_number(said, "times", 1)),
        path=_text(said, "path"),
        method=_text(said, "method"),
        seconds=_number(said, "seconds", 1),
    )
    return _reply({"faults": len(box.faults)}, 201)


async def heal(request: Request) -> Response:
    box_of(request).faults.clear()
    return _reply({"faults": 0})


def _seen_row(seen: Seen) -> dict[str, object]:
    query = "&".join(f"{name}={value}" for name, value in seen.query.multi_items() if name != "X-Plex-Token")
    return {"service": seen.service, "method": seen.method, "path": seen.path, "query": query, "status": seen.status}


async def requests(request: Request) -> Response:
    """The newest last; `service` and `limit` choose."""
    service, limit = request.query_params.get("service"), request.query_params.get("limit", "100")
    rows = [_seen_row(seen) for seen in box_of(request).requests if service in (None, seen.service)]
    return _reply(rows[-int(limit) :] if is_number(limit) and int(limit) else rows)


async def forget(request: Request) -> Response:
    box_of(request).forget_requests()
    return _reply([])


async def advance(request: Request) -> Response:
    seconds = _number(await _sent(request), "seconds", 0)
    box_of(request).advance(seconds)
    return _reply({"now": box_of(request).clock.second()})


async def decide(request: Request) -> Response:
    """`allow` true or false, of a Trakt device's user code; of a PIN only true."""
    box, said, code = box_of(request), await _sent(request), request.path_params["code"]
    allow = said.get("allow", True) is True
    try:
        if request.url.path.startswith("/pins/"):
            box.approve_pin(code)
        elif allow:
            box.approve_device(code)
        else:
            box.deny_device(code)
    except KeyError:
        raise Wrong("there is no such code") from None
    return _reply({"code": code, "allowed": allow})


async def drop(request: Request) -> Response:
    box_of(request).drop_listeners()
    return _reply({"dropped": True})


def _told(answer: Handler) -> Handler:
    """What is wrong is a 400 with a sentence."""

    async def handler(request: Request) -> Response:
        if request.method != "GET" and "json" not in request.headers.get("content-type", ""):
            return _reply({"error": "send it as application/json"}, 415)
        try:
            return await answer(request)
        except Wrong as wrong:
            return _reply({"error": str(wrong)}, 400)

    return handler


class _HostGuard:
    """Only to those who call it by a loopback name: a page whose name was pointed here is refused."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        host = Request(scope).headers.get("host", "").rpartition(":")[0]
        known = host in ("127.0.0.1", "localhost")
        await (self._app if known else _reply({"error": "unknown host"}, 421))(scope, receive, send)


def application(box: Sandbox) -> ASGIApp:
    """The controls as an application."""
    paths: tuple[tuple[str, str, Handler], ...] = (
        ("GET", "/", overview),
        ("POST", "/play", play),
        ("POST", "/sessions/{id}", control),
        ("POST", "/faults", spoil),
        ("DELETE", "/faults", heal),
        ("GET", "/requests", requests),
        ("DELETE", "/requests", forget),
        ("POST", "/advance", advance),
        ("POST", "/devices/{code}", decide),
        ("POST", "/pins/{code}", decide),
        ("POST", "/listeners/drop", drop),
    )
    app = Starlette(routes=[Route(path, _told(handler), methods=[method]) for method, path, handler in paths])
    app.state.box = box
    return _HostGuard(app)

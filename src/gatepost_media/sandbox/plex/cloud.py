"""plex.tv's stand-in: PINs, the account and its servers."""

from __future__ import annotations

import datetime as dt
import hashlib
import html
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import parse_qsl

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from gatepost_media.sandbox.plex.answer import Row, answer, wants_json
from gatepost_media.sandbox.plex.state import FRIENDLY_NAME, MACHINE, VERSION, Plex
from gatepost_media.sandbox.works import Kind, Work

PIN_LIVES = 1800
USER_ID = 500_001


@dataclass(slots=True)
class Pin:
    """A code that somebody has to approve while signed in. `token` is "" until then."""

    id: int
    code: str
    client: str
    product: str
    made: int
    token: str = ""
    denied: bool = False


@dataclass(slots=True)
class Cloud:
    """What plex.tv knows: PINs that were asked for, and the owner's watchlist (the newest first)."""

    plex: Plex
    plex_url: str
    approve: bool
    pins: dict[int, Pin] = field(default_factory=dict)
    watchlist: list[tuple[int, Work]] = field(default_factory=list)
    watched: set[str] = field(default_factory=set)
    view_state_sync: bool = False

    def approve_pin(self, code: str) -> None:
        """Do what a signed-in person does on plex.tv/link. Raises KeyError if no PIN has that code."""
        pin = next((pin for pin in self.pins.values() if pin.code == code), None)
        if pin is None:
            raise KeyError(code)
        pin.token = self.plex.token

    def discover_key(self, work: Work) -> str:
        """Its number in Plex's own catalogue."""
        return hashlib.sha256(str(work.key).encode()).hexdigest()[:24]

    def by_discover_key(self, key: str) -> Work | None:
        """The film or show of that number."""
        return next((work for work in self.catalogue() if self.discover_key(work) == key), None)

    def catalogue(self) -> Iterable[Work]:
        """Films and shows, those that the server does not have among them."""
        for kind in cast(Sequence[Kind], ("movie", "show")):
            yield from self.plex.works.by_kind[kind]


def cloud_of(request: Request) -> Cloud:
    return cast(Cloud, request.app.state.cloud)


def _flat(request: Request, name: str, content: Row, status: int = 200) -> Response:
    if wants_json(request):
        return Response(msgspec.json.encode(content), status, media_type="application/json")
    return answer(request, name, content, status)


def error(request: Request, status: int, code: int, message: str) -> Response:
    errors: list[Row] = [{"code": code, "message": message, "status": status}]
    if wants_json(request):
        return Response(msgspec.json.encode({"errors": errors}), status, media_type="application/json")
    return answer(request, "errors", {"error": errors}, status)


def _given(request: Request, name: str) -> str:
    return request.headers.get(name) or request.query_params.get(name) or ""


async def _posted(request: Request, name: str) -> str:
    return dict(parse_qsl((await request.body()).decode(errors="replace"))).get(name, "")


def _iso(seconds: int) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _pin_row(cloud: Cloud, pin: Pin) -> Row:
    left = max(pin.made + PIN_LIVES - cloud.plex.clock.second(), 0)
    return {
        "id": pin.id,
        "code": pin.code,
        "product": pin.product,
        "trusted": False,
        "qr": f"https://plex.tv/api/v2/pins/qr/{pin.code}",
        "clientIdentifier": pin.client,
        "location": {
            "code": "US",
            "european_union_member": False,
            "continent_code": "NA",
            "country": "United States",
            "city": "",
            "time_zone": "America/New_York",
            "postal_code": "",
            "in_privacy_restricted_country": False,
            "in_privacy_restricted_region": False,
            "subdivisions": "",
            "coordinates": "0, 0",
        },
        "expiresIn": left,
        "createdAt": _iso(pin.made),
        "expiresAt": _iso(pin.made + PIN_LIVES),
        "authToken": pin.token or None,
        "newRegistration": None,
    }


async def make_pin(request: Request) -> Response:
    cloud, client = cloud_of(request), _given(request, "X-Plex-Client-Identifier")
    if not client:
        return error(request, 400, 1000, "X-Plex-Client-Identifier is missing")
    strong = request.query_params.get("strong") or await _posted(request, "strong")
    code = (
        secrets.token_urlsafe(18)
        if strong in ("true", "1")
        else "".join(secrets.choice("ABCDEFGHJKLMNPQRSTUVWXYZ23456789") for _ in range(4))
    )
    pin = Pin(
        len(cloud.pins) + 1_000_000_001, code, client, _given(request, "X-Plex-Product"), cloud.plex.clock.second()
    )
    if cloud.approve:
        pin.token = cloud.plex.token
    cloud.pins[pin.id] = pin
    made = _pin_row(cloud, pin)
    made["authToken"] = None
    return _flat(request, "pin", made, 201)


async def check_pin(request: Request) -> Response:
    cloud = cloud_of(request)
    pin = cloud.pins.get(request.path_params["id"])
    client = _given(request, "X-Plex-Client-Identifier")
    expired = pin is not None and pin.made + PIN_LIVES <= cloud.plex.clock.second()
    if pin is None or expired or (client and client != pin.client):
        return error(request, 404, 1020, "Code not found or expired")
    return _flat(request, "pin", _pin_row(cloud, pin))


async def link(request: Request) -> Response:
    """The page where a person approves: one button for each PIN that waits."""
    cloud = cloud_of(request)
    if request.method == "POST":
        code = await _posted(request, "code")
        try:
            cloud.approve_pin(code)
        except KeyError:
            return HTMLResponse("<p>There is no such code.</p>", 404)
        return HTMLResponse("<p>Signed in. You can close this page.</p>")
    waiting = [pin for pin in cloud.pins.values() if not pin.token]
    forms = "".join(
        f'<form method="post"><p>{html.escape(pin.product or pin.client)} '
        f'<button name="code" value="{html.escape(pin.code)}">Allow</button></p></form>'
        for pin in waiting
    )
    return HTMLResponse(
        f"<title>Sandbox: sign in</title><h1>Programs that want to sign in</h1>{forms or '<p>None.</p>'}"
    )


def signed_in(request: Request) -> bool:
    return _given(request, "X-Plex-Token") == cloud_of(request).plex.token


async def user(request: Request) -> Response:
    if not signed_in(request):
        return error(request, 401, 1001, "User could not be authenticated")
    cloud = cloud_of(request)
    content: Row = {
        "id": USER_ID,
        "uuid": "5a4db0c500000001",
        "username": "sandbox",
        "title": "sandbox",
        "email": "sandbox@example.com",
        "friendlyName": "sandbox",
        "locale": None,
        "confirmed": True,
        "joinedAt": cloud.plex.started - 86_400 * 3650,
        "emailOnlyAuth": False,
        "hasPassword": True,
        "protected": False,
        "thumb": "https://plex.tv/users/5a4db0c500000001/avatar",
        "authToken": cloud.plex.token,
        "mailingListStatus": "unsubscribed",
        "mailingListActive": False,
        "scrobbleTypes": "",
        "country": "US",
        "pin": "",
        "restricted": False,
        "anonymous": False,
        "home": False,
        "guest": False,
        "homeSize": 1,
        "homeAdmin": False,
        "maxHomeSize": 15,
        "rememberExpiresAt": cloud.plex.started + 1_209_600,
        "adsConsent": None,
        "experimentalFeatures": False,
        "twoFactorEnabled": False,
        "backupCodesCreated": False,
        "subscription": {
            "active": True,
            "subscribedAt": _iso(cloud.plex.started).replace("T", " ").replace("Z", " UTC"),
            "status": "Active",
            "paymentService": "",
            "plan": "lifetime",
            "features": [],
        },
        "entitlements": [],
        "roles": [],
        "profile": {
            "autoSelectAudio": True,
            "defaultAudioLanguage": "en",
            "defaultSubtitleLanguage": "en",
            "autoSelectSubtitle": 0,
            "defaultSubtitleAccessibility": 0,
            "defaultSubtitleForced": 0,
        },
        "services": [],
    }
    return _flat(request, "user", content)


async def resources(request: Request) -> Response:
    if not signed_in(request):
        return error(request, 401, 1001, "User could not be authenticated")
    cloud = cloud_of(request)
    port = int(cloud.plex_url.rpartition(":")[2])
    connections: list[Row] = [
        {
            "protocol": "http",
            "address": "127.0.0.1",
            "port": port,
            "uri": cloud.plex_url,
            "local": True,
            "relay": False,
            "IPv6": False,
        }
    ]
    server: Row = {
        "name": FRIENDLY_NAME,
        "product": "Plex Media Server",
        "productVersion": VERSION,
        "platform": "Linux",
        "platformVersion": "6",
        "device": "PC",
        "clientIdentifier": MACHINE,
        "createdAt": _iso(cloud.plex.started),
        "lastSeenAt": _iso(cloud.plex.started),
        "provides": "server",
        "ownerId": None,
        "sourceTitle": None,
        "publicAddress": "127.0.0.1",
        "accessToken": cloud.plex.token,
        "owned": True,
        "home": False,
        "synced": False,
        "relay": False,
        "presence": True,
        "httpsRequired": False,
        "publicAddressMatches": True,
        "dnsRebindingProtection": False,
        "natLoopbackSupported": False,
    }
    if wants_json(request):
        return Response(msgspec.json.encode([{**server, "connections": connections}]), media_type="application/json")
    return answer(request, "resources", {"resource": [{**server, "connections": {"connection": connections}}]})


async def sign_out(request: Request) -> Response:
    return (
        Response(status_code=204)
        if signed_in(request)
        else error(request, 401, 1001, "User could not be authenticated")
    )


async def ping(request: Request) -> Response:
    return (
        _flat(request, "pong", {})
        if signed_in(request)
        else error(request, 401, 1001, "User could not be authenticated")
    )


async def opt_outs(request: Request) -> Response:
    """The sources of Plex's own that somebody does not want to see: none is named."""
    if not signed_in(request):
        return error(request, 401, 1001, "User could not be authenticated")
    return _flat(request, "optOuts", {"optOut": []})


async def view_state_sync(request: Request) -> Response:
    """Whether plex.tv may know what is watched (GET), or that it may or may not (PUT)."""
    if not signed_in(request):
        return error(request, 401, 1001, "User could not be authenticated")
    cloud = cloud_of(request)
    if request.method == "PUT":
        cloud.view_state_sync = _given(request, "consent") in ("true", "True", "1")
        return Response(status_code=204)
    return _flat(request, "viewStateSync", {"consent": cloud.view_state_sync})


def plex_tv(cloud: Cloud) -> Starlette:
    """plex.tv as an application."""
    app = Starlette(
        routes=[
            Route("/api/v2/pins", make_pin, methods=["POST"]),
            Route("/api/v2/pins/{id:int}", check_pin),
            Route("/api/v2/user", user),
            Route("/api/v2/resources", resources),
            Route("/api/v2/user/view_state_sync", view_state_sync, methods=["GET", "PUT"]),
            Route("/api/v2/user/{uuid}/settings/opt_outs", opt_outs),
            Route("/api/v2/users/signout", sign_out, methods=["DELETE"]),
            Route("/api/v2/ping", ping),
            Route("/link", link, methods=["GET", "POST"]),
            Route("/auth", link, methods=["GET", "POST"]),
        ]
    )
    app.state.cloud = cloud
    return app

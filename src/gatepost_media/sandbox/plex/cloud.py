"""plex.tv's stand-in: what it knows, and signing in with a PIN."""

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
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from gatepost_media.sandbox.plex.answer import Row, answer, wants_json
from gatepost_media.sandbox.plex.state import Plex
from gatepost_media.sandbox.works import Kind, Work

PIN_LIVES = 1800


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


def flat(request: Request, name: str, content: Row, status: int = 200) -> Response:
    """An answer without a container around it."""
    if wants_json(request):
        return Response(msgspec.json.encode(content), status, media_type="application/json")
    return answer(request, name, content, status)


def error(request: Request, status: int, code: int, message: str) -> Response:
    errors: list[Row] = [{"code": code, "message": message, "status": status}]
    if wants_json(request):
        return Response(msgspec.json.encode({"errors": errors}), status, media_type="application/json")
    return answer(request, "errors", {"error": errors}, status)


def given(request: Request, name: str) -> str:
    """What a header says, or the query."""
    return request.headers.get(name) or request.query_params.get(name) or ""


async def _posted(request: Request, name: str) -> str:
    return dict(parse_qsl((await request.body()).decode(errors="replace"))).get(name, "")


def iso(seconds: int) -> str:
    """A time as plex.tv writes it."""
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
        "createdAt": iso(pin.made),
        "expiresAt": iso(pin.made + PIN_LIVES),
        "authToken": pin.token or None,
        "newRegistration": None,
    }


async def make_pin(request: Request) -> Response:
    cloud, client = cloud_of(request), given(request, "X-Plex-Client-Identifier")
    if not client:
        return error(request, 400, 1000, "X-Plex-Client-Identifier is missing")
    strong = request.query_params.get("strong") or await _posted(request, "strong")
    code = (
        secrets.token_urlsafe(18)
        if strong in ("true", "1")
        else "".join(secrets.choice("ABCDEFGHJKLMNPQRSTUVWXYZ23456789") for _ in range(4))
    )
    pin = Pin(
        len(cloud.pins) + 1_000_000_001, code, client, given(request, "X-Plex-Product"), cloud.plex.clock.second()
    )
    if cloud.approve:
        pin.token = cloud.plex.token
    cloud.pins[pin.id] = pin
    made = _pin_row(cloud, pin)
    made["authToken"] = None
    return flat(request, "pin", made, 201)


async def check_pin(request: Request) -> Response:
    cloud = cloud_of(request)
    pin = cloud.pins.get(request.path_params["id"])
    client = given(request, "X-Plex-Client-Identifier")
    expired = pin is not None and pin.made + PIN_LIVES <= cloud.plex.clock.second()
    if pin is None or expired or (client and client != pin.client):
        return error(request, 404, 1020, "Code not found or expired")
    return flat(request, "pin", _pin_row(cloud, pin))


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
    return given(request, "X-Plex-Token") == cloud_of(request).plex.token

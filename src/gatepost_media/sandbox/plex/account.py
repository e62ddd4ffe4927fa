"""plex.tv's stand-in: the account, its servers and its settings; and all its paths."""

from __future__ import annotations

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gatepost_media.sandbox.plex.answer import Row, answer, wants_json
from gatepost_media.sandbox.plex.cloud import (
    Cloud,
    check_pin,
    cloud_of,
    error,
    flat,
    given,
    iso,
    link,
    make_pin,
    signed_in,
)
from gatepost_media.sandbox.plex.state import FRIENDLY_NAME, MACHINE, VERSION

USER_ID = 500_001


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
            "subscribedAt": iso(cloud.plex.started).replace("T", " ").replace("Z", " UTC"),
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
    return flat(request, "user", content)


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
        "createdAt": iso(cloud.plex.started),
        "lastSeenAt": iso(cloud.plex.started),
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
        flat(request, "pong", {})
        if signed_in(request)
        else error(request, 401, 1001, "User could not be authenticated")
    )


async def opt_outs(request: Request) -> Response:
    """The sources of Plex's own that somebody does not want to see: none is named."""
    if not signed_in(request):
        return error(request, 401, 1001, "User could not be authenticated")
    return flat(request, "optOuts", {"optOut": []})


async def view_state_sync(request: Request) -> Response:
    """Whether plex.tv may know what is watched (GET), or that it may or may not (PUT)."""
    if not signed_in(request):
        return error(request, 401, 1001, "User could not be authenticated")
    cloud = cloud_of(request)
    if request.method == "PUT":
        cloud.view_state_sync = given(request, "consent") in ("true", "True", "1")
        return Response(status_code=204)
    return flat(request, "viewStateSync", {"consent": cloud.view_state_sync})


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

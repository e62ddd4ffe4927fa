"""The Plex stand-in as an application: who it is, who may ask, and all its paths."""

from __future__ import annotations

import base64

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from gatepost_media.sandbox.plex import (
    choices,
    collections,
    edits,
    hubs,
    items,
    matching,
    notify,
    pictures,
    playlists,
    queues,
    sections,
    sessions,
    shelves,
)
from gatepost_media.sandbox.plex.answer import Row, answer, container
from gatepost_media.sandbox.plex.sections import missing, plex_of
from gatepost_media.sandbox.plex.state import MACHINE, VERSION, Plex

_PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
"""One grey point: every poster there is."""


def routes() -> list[Route | WebSocketRoute]:
    """Every path; where two fit, the first one answers."""
    parts = (
        sections,
        shelves,
        choices,
        sessions,
        notify,
        playlists,
        queues,
        collections,
        hubs,
        edits,
        pictures,
        matching,
        items,
    )
    return [*ROUTES, *(route for part in parts for route in part.ROUTES), *choices.LAST_ROUTES]


def application(plex: Plex) -> ASGIApp:
    """The server for `plex`."""
    app = Starlette(routes=routes())
    app.state.plex = plex
    return _Guard(app, plex)


class _Guard:
    """Nothing but the server's name without its token, which comes in a header or in the query."""

    def __init__(self, app: ASGIApp, plex: Plex) -> None:
        self._app, self._plex = app, plex

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request({**scope, "type": "http"})
        token = request.headers.get("X-Plex-Token") or request.query_params.get("X-Plex-Token")
        if scope["path"] == "/identity" or token == self._plex.token:
            await self._app(scope, receive, send)
            return
        refusal = HTMLResponse(
            "<html><head><title>Unauthorized</title></head><body><h1>401 Unauthorized</h1></body></html>", 401
        )
        if scope["type"] == "websocket":
            await send({"type": "websocket.http.response.start", "status": 401, "headers": refusal.raw_headers})
            await send({"type": "websocket.http.response.body", "body": refusal.body})
        else:
            await refusal(scope, receive, send)


def configuration(plex: Plex) -> Row:
    """What the server says of itself."""
    return {
        "size": 0,
        "allowCameraUpload": False,
        "allowChannelAccess": False,
        "allowMediaDeletion": True,
        "allowSharing": True,
        "allowSync": False,
        "allowTuners": False,
        "backgroundProcessing": True,
        "certificate": False,
        "companionProxy": True,
        "countryCode": "usa",
        "diagnostics": "logs,databases",
        "eventStream": True,
        "friendlyName": plex.preferences["FriendlyName"],
        "hubSearch": True,
        "itemClusters": True,
        "livetv": 7,
        "machineIdentifier": MACHINE,
        "mediaProviders": True,
        "multiuser": True,
        "myPlex": True,
        "myPlexMappingState": "mapped",
        "myPlexSigninState": "ok",
        "myPlexSubscription": True,
        "myPlexUsername": "sandbox@example.com",
        "ownerFeatures": "session_kick,webhooks",
        "platform": "Linux",
        "platformVersion": "6",
        "pluginHost": False,
        "pushNotifications": False,
        "readOnlyLibraries": False,
        "sync": False,
        "transcoderActiveVideoSessions": 0,
        "transcoderAudio": True,
        "transcoderLyrics": True,
        "transcoderPhoto": True,
        "transcoderSubtitles": True,
        "transcoderVideo": True,
        "transcoderVideoBitrates": "64,96,208,320,720,1500,2000,3000,4000,8000,10000,12000,20000",
        "transcoderVideoQualities": "0,1,2,3,4,5,6,7,8,9,10,11,12",
        "transcoderVideoResolutions": "128,128,160,240,320,480,768,720,720,1080,1080,1080,1080",
        "updatedAt": plex.started,
        "updater": True,
        "version": VERSION,
        "voiceSearch": True,
    }


async def root(request: Request) -> Response:
    listing = [
        {"count": 1, "key": name, "title": name} for name in ("activities", "hubs", "library", "playlists", "status")
    ]
    return container(request, {**configuration(plex_of(request)), "size": len(listing), "Directory": listing})


async def stop_scans(request: Request) -> Response:
    """Scans are over at once here; there is none to stop."""
    return container(request, {**configuration(plex_of(request)), "Directory": []})


async def identity(request: Request) -> Response:
    return container(
        request, {"size": 0, "claimed": True, "machineIdentifier": MACHINE, "version": VERSION, "apiVersion": "1.2.2"}
    )


async def library(request: Request) -> Response:
    names = ("sections", "recentlyAdded", "onDeck")
    content: Row = {
        "size": len(names),
        "allowSync": False,
        "art": "",
        "content": "",
        "identifier": "com.plexapp.plugins.library",
        "mediaTagPrefix": "/system/bundle/media/flags/",
        "mediaTagVersion": 1,
        "title1": "Plex Library",
    }
    return container(request, {**content, "Directory": [{"key": name, "title": name} for name in names]})


async def preferences(request: Request) -> Response:
    plex = plex_of(request)
    if request.method == "PUT":
        plex.preferences.update(request.query_params)
        return Response(status_code=200)
    settings = [
        {
            "id": name,
            "label": name,
            "summary": "",
            "type": "text",
            "default": "",
            "value": value,
            "hidden": False,
            "advanced": False,
            "group": "general",
        }
        for name, value in plex.preferences.items()
    ]
    return container(request, {"size": len(settings), "Setting": settings})


async def activities(request: Request) -> Response:
    plex = plex_of(request)
    if request.method == "DELETE":
        return Response(status_code=200) if plex.activities.pop(request.path_params["id"], None) else missing()
    return container(request, {"size": len(plex.activities), "Activity": list(plex.activities.values())})


async def clients(request: Request) -> Response:
    """Players that can be told what to play: none is."""
    return container(request, {"size": 0, "Server": []})


async def providers(request: Request) -> Response:
    """The one provider: the library."""
    features = [
        {"key": "/library/sections", "type": "content"},
        {"key": "/hubs/search", "type": "search"},
        {"key": "/playlists", "type": "playlist"},
        {"key": "/:/timeline", "type": "timeline", "scrobbleKey": "/:/scrobble", "unscrobbleKey": "/:/unscrobble"},
        {"key": "/:/rate", "type": "rate"},
    ]
    provider = {
        "identifier": "com.plexapp.plugins.library",
        "title": "Library",
        "types": "video,audio",
        "protocols": "stream",
        "Feature": features,
    }
    return container(request, {**configuration(plex_of(request)), "size": 1, "MediaProvider": [provider]})


async def updates(request: Request) -> Response:
    return container(
        request,
        {"size": 0, "canInstall": False, "autoUpdateVersion": 0, "checkedAt": plex_of(request).started, "status": 0},
    )


async def check_for_update(_: Request) -> Response:
    """There is never one."""
    return Response(status_code=200)


async def butler(request: Request) -> Response:
    """What the server does by night: nothing."""
    return answer(request, "ButlerTasks", {"ButlerTask": []})


async def nothing(request: Request) -> Response:
    """Lists that are empty here: nothing is transcoded, and no traffic is counted."""
    return container(request, {"size": 0})


async def account(request: Request) -> Response:
    content = {
        "authToken": "",
        "username": "sandbox@example.com",
        "mappingState": "mapped",
        "signInState": "ok",
        "subscriptionActive": "1",
        "subscriptionState": "Active",
    }
    return answer(request, "MyPlex", content)


async def picture(_: Request) -> Response:
    return Response(_PICTURE, media_type="image/png")


ROUTES = [
    Route("/", root),
    Route("/identity", identity),
    Route("/library/sections/all/refresh", stop_scans, methods=["DELETE"]),
    Route("/library", library),
    Route("/library/", library),
    Route("/:/prefs", preferences, methods=["GET", "PUT"]),
    Route("/activities", activities),
    Route("/activities/{id}", activities, methods=["DELETE"]),
    Route("/clients", clients),
    Route("/media/providers", providers),
    Route("/updater/status", updates),
    Route("/updater/check", check_for_update, methods=["PUT"]),
    Route("/butler", butler),
    Route("/transcode/sessions", nothing),
    Route("/statistics/bandwidth", nothing),
    Route("/statistics/resources", nothing),
    Route("/myplex/account", account),
    Route("/photo/:/transcode", picture),
    Route("/library/metadata/{key:int}/thumb/{at:int}", picture),
    Route("/library/metadata/{key:int}/art/{at:int}", picture),
    Route("/library/sections/{key:int}/composite/{at:int}", picture),
    Route("/:/resources/{name}", picture),
]

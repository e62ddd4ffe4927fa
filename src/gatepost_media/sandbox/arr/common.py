"""What Sonarr and Radarr share: the key, profiles, folders, commands, pages, and how they refuse."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from gatepost_media.sandbox.clock import Clock
from gatepost_media.sandbox.trakt.state import stamp
from gatepost_media.sandbox.works import GENERATED, Work, Works, is_number

Row = dict[str, object]

PROFILES: tuple[Row, ...] = (
    {"id": 1, "name": "Any", "upgradeAllowed": False, "cutoff": 1, "items": []},
    {"id": 4, "name": "HD-1080p", "upgradeAllowed": False, "cutoff": 9, "items": []},
)


@dataclass(slots=True)
class Had:
    """A series or film that is looked after. `missing` are the works under it that have no file."""

    id: int
    work: Work
    folder: str
    profile: int
    monitored: bool
    added: int
    missing: set[Work] = field(default_factory=set)
    availability: str = "released"


class Arr:
    """One Sonarr or one Radarr. `name` is "Sonarr" or "Radarr", `id_name` what it knows works by."""

    def __init__(self, name: str, works: Works, clock: Clock, folder: str, version: str) -> None:
        self.name, self.works, self.clock, self.folder, self.version = name, works, clock, folder, version
        self.key = secrets.token_hex(16)
        self.had: dict[int, Had] = {}
        self.commands: list[Row] = []
        self.queue: list[tuple[int, Had, Work]] = []
        self.started = clock.second()

    def have(self, work: Work, *, missing: Sequence[Work] = (), profile: int = 4, monitored: bool = True) -> Had:
        """Look after a work from now on."""
        had = Had(len(self.had) + 1, work, self.folder, profile, monitored, self.clock.second(), set(missing))
        self.had[had.id] = had
        return had

    def of(self, work: Work) -> Had | None:
        """The entry for a work, if there is one."""
        return next((had for had in self.had.values() if had.work is work), None)

    def search(self, had: Sequence[Had]) -> None:
        """Look for what is missing of them: the first of each is found and queued."""
        for one in had:
            queued = {work for _, _, work in self.queue}
            lost = next((work for work in sorted(one.missing, key=lambda work: work.key) if work not in queued), None)
            if lost is not None and one.monitored:
                self.queue.append((9000 + len(self.queue), one, lost))


def arr_of(request: Request) -> Arr:
    """The service that this request came to."""
    return cast(Arr, request.app.state.arr)


def reply(content: object, status: int = 200) -> Response:
    """`content` as JSON."""
    return Response(msgspec.json.encode(content), status, media_type="application/json")


def refused(field_name: str, message: str, value: object, code: str) -> Response:
    """400, with a list of what is wrong."""
    problem = {"propertyName": field_name, "errorMessage": message, "attemptedValue": value, "severity": "error"}
    return reply(
        [{**problem, "errorCode": code, "formattedMessageArguments": [], "formattedMessagePlaceholderValues": {}}], 400
    )


def not_found() -> Response:
    """404, as they say it."""
    return reply({"message": "NotFound", "description": "NotFound"}, 404)


async def sent(request: Request) -> Mapping[str, object]:
    """The object that was sent; an empty one if it is none."""
    try:
        read = json.loads(await request.body() or b"{}")
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}


def number_of(work: Work, name: str) -> int:
    """Its TVDB or TMDB number; where the real one is not known, one that no work has."""
    return int(work.known_ids.get(name, GENERATED + work.key))


def wrong(arr: Arr, body: Mapping[str, object]) -> Response | None:
    """What is wrong with a profile or a folder, if anything is."""
    profile, folder = body.get("qualityProfileId"), body.get("rootFolderPath")
    if profile not in [one["id"] for one in PROFILES]:
        return refused("QualityProfileId", "Quality Profile does not exist", profile, "QualityProfileExistsValidator")
    if not isinstance(folder, str) or folder.rstrip("/") != arr.folder:
        return refused("RootFolderPath", f"Root folder '{folder}' does not exist", folder, "RootFolderExistsValidator")
    return None


def pages(request: Request, rows: Sequence[Row], order: str) -> Response:
    """One page, with how many there are."""
    query = request.query_params
    page, size = _whole(query.get("page"), 1), _whole(query.get("pageSize"), 10)
    if query.get("sortDirection", "ascending").startswith("desc"):
        rows = list(reversed(rows))
    chosen = list(rows[(page - 1) * size : page * size])
    described = {"sortKey": query.get("sortKey", order), "sortDirection": query.get("sortDirection", "ascending")}
    return reply({"page": page, "pageSize": size, **described, "totalRecords": len(rows), "records": chosen})


def _whole(text: str | None, default: int) -> int:
    return max(int(text), 1) if text and is_number(text) else default


def download(arr: Arr, number: int, title: str) -> Row:
    """What a queued download says of itself."""
    return {
        "id": number,
        "title": title,
        "size": 700_000_000,
        "sizeleft": 350_000_000,
        "timeleft": "00:10:00",
        "estimatedCompletionTime": stamp(arr.clock.now() + 600),
        "added": stamp(arr.started),
        "status": "downloading",
        "trackedDownloadStatus": "ok",
        "trackedDownloadState": "downloading",
        "statusMessages": [],
        "downloadId": f"SANDBOX{number}",
        "protocol": "torrent",
        "downloadClient": "Sandbox",
        "indexer": "Sandbox",
        "quality": {"quality": {"id": 9, "name": "HDTV-1080p"}},
    }


async def status(request: Request) -> Response:
    arr = arr_of(request)
    return reply(
        {
            "appName": arr.name,
            "instanceName": arr.name,
            "version": arr.version,
            "buildTime": stamp(arr.started),
            "isDebug": False,
            "isProduction": True,
            "isAdmin": False,
            "isUserInteractive": False,
            "startupPath": f"/app/{arr.name.lower()}/bin",
            "appData": "/config",
            "osName": "ubuntu",
            "osVersion": "24.04",
            "isLinux": True,
            "isDocker": True,
            "mode": "console",
            "branch": "main",
            "authentication": "forms",
            "urlBase": "",
            "runtimeName": ".NET",
            "startTime": stamp(arr.started),
            "packageVersion": "sandbox",
        }
    )


async def profiles(_: Request) -> Response:
    return reply(PROFILES)


async def folders(request: Request) -> Response:
    return reply(
        [
            {
                "id": 1,
                "path": arr_of(request).folder,
                "accessible": True,
                "freeSpace": 500_000_000_000,
                "unmappedFolders": [],
            }
        ]
    )


async def nothing(_: Request) -> Response:
    return reply([])


async def commands(request: Request) -> Response:
    """All that were given, or one of them."""
    arr, asked = arr_of(request), request.path_params.get("id")
    if asked is None:
        return reply(arr.commands)
    return next((reply(command) for command in arr.commands if command["id"] == asked), not_found())


async def command(request: Request) -> Response:
    """SeriesSearch, MoviesSearch, MissingEpisodeSearch, MissingMoviesSearch and Refresh…: done at once."""
    arr, body = arr_of(request), await sent(request)
    name = str(body.get("name", ""))
    known = {
        "MissingEpisodeSearch",
        "MissingMoviesSearch",
        "SeriesSearch",
        "MoviesSearch",
        "RefreshSeries",
        "RefreshMovie",
        "RssSync",
    }
    if name not in known:
        return reply({"message": f"Unknown command '{name}'", "description": ""}, 400)
    asked = body.get("movieIds", [body["seriesId"]] if "seriesId" in body else [])
    chosen = [had for had in arr.had.values() if isinstance(asked, list) and had.id in asked]
    if name in ("SeriesSearch", "MoviesSearch"):
        if not chosen:
            return not_found()
        arr.search(chosen)
    elif name.startswith("Missing"):
        arr.search(list(arr.had.values()))
    now = stamp(arr.clock.now())
    made: Row = {
        "id": len(arr.commands) + 1,
        "name": name,
        "commandName": name,
        "body": dict(body),
        "priority": "normal",
        "status": "queued",
        "result": "unknown",
        "queued": now,
        "trigger": "manual",
        "sendUpdatesToClient": True,
        "updateScheduledTask": True,
    }
    arr.commands.append({**made, "status": "completed", "result": "successful", "started": now, "ended": now})
    return reply(made, 201)


class Guard:
    """401 without the key, which comes in a header or in the query."""

    def __init__(self, app: ASGIApp, arr: Arr) -> None:
        self._app, self._arr = app, arr

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        given = request.headers.get("x-api-key") or request.query_params.get("apikey")
        if given == self._arr.key:
            await self._app(scope, receive, send)
        else:
            await reply({"error": "Unauthorized"}, 401)(scope, receive, send)


ROUTES = [
    Route("/api/v3/system/status", status),
    Route("/api/v3/qualityprofile", profiles),
    Route("/api/v3/rootfolder", folders),
    Route("/api/v3/tag", nothing),
    Route("/api/v3/health", nothing),
    Route("/api/v3/command", commands, methods=["GET"]),
    Route("/api/v3/command/{id:int}", commands, methods=["GET"]),
    Route("/api/v3/command", command, methods=["POST"]),
]

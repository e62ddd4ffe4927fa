"""Sonarr: series, their episodes, what is missing, what comes."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from gatepost_media.sandbox.arr import common
from gatepost_media.sandbox.arr.common import (
    Arr,
    Had,
    Row,
    arr_of,
    not_found,
    number_of,
    pages,
    refused,
    reply,
    sent,
    wrong,
)
from gatepost_media.sandbox.clock import Clock
from gatepost_media.sandbox.trakt.state import moment, stamp
from gatepost_media.sandbox.works import Work, Works, day_to_seconds, is_number, slugify, sort_title

MONITORS = (
    "all",
    "future",
    "missing",
    "existing",
    "firstSeason",
    "latestSeason",
    "lastSeason",
    "pilot",
    "recent",
    "none",
)


def sonarr(works: Works, clock: Clock) -> Arr:
    """A Sonarr that has two series whole but for two episodes, and one that goes on."""
    arr = Arr("Sonarr", works, clock, "/tv", "4.0.15.2941")
    hillbillies, beyond, card = (works.by_key[key] for key in (2001, 2033, 2900))
    late = [leaf for leaf in hillbillies.leaves() if leaf.parent is not None and leaf.parent.index == 2][2:]
    first = arr.have(hillbillies, missing=late)
    arr.have(beyond)
    arr.have(card, missing=list(card.leaves()))
    arr.queue.append((9000, first, late[0]))
    return arr


def _airs(episode: Work) -> int:
    return day_to_seconds(episode.released) + 72_000 if episode.released else 0


def episode_row(arr: Arr, had: Had, episode: Work, *, series: bool = False) -> Row:
    """An episode; with its series, if that is asked for."""
    season = episode.parent.index if episode.parent is not None else 0
    row: Row = {
        "id": episode.key,
        "seriesId": had.id,
        "tvdbId": number_of(episode, "tvdb"),
        "episodeFileId": 0 if episode in had.missing else episode.key,
        "seasonNumber": season,
        "episodeNumber": episode.index,
        "title": episode.title,
        "airDate": episode.released,
        "airDateUtc": stamp(_airs(episode)),
        "runtime": episode.duration // 60_000,
        "overview": episode.about.summary,
        "hasFile": episode not in had.missing,
        "monitored": had.monitored,
        "unverifiedSceneNumbering": False,
    }
    if series:
        row["series"] = series_row(arr, had.work, had)
    return row


def series_row(arr: Arr, show: Work, had: Had | None) -> Row:
    """A series, looked after or only looked up."""
    now = arr.clock.second()
    leaves = list(show.leaves())
    aired = [leaf for leaf in leaves if _airs(leaf) <= now]
    lost = had.missing if had is not None else set(leaves)
    files = sum(1 for leaf in leaves if leaf not in lost)
    row: Row = {
        "title": show.title,
        "sortTitle": sort_title(show.title),
        "status": "ended" if show.about.status != "continuing" else "continuing",
        "ended": show.about.status != "continuing",
        "overview": show.about.summary,
        "network": show.about.studio,
        "images": [],
        "seasons": [
            {"seasonNumber": season.index, "monitored": had.monitored if had is not None else season.index > 0}
            for season in show.children
        ],
        "year": show.year,
        "runtime": show.duration // 60_000,
        "tvdbId": number_of(show, "tvdb"),
        "tvRageId": 0,
        "tvMazeId": 0,
        "tmdbId": int(show.known_ids.get("tmdb", 0)),
        "imdbId": show.known_ids.get("imdb"),
        "seriesType": "standard",
        "cleanTitle": slugify(show.title).replace("-", ""),
        "titleSlug": slugify(show.title),
        "genres": list(show.about.genres),
        "ratings": {"votes": 100, "value": show.about.rating},
        "certification": show.about.content_rating,
        "folder": show.title,
        "firstAired": f"{show.released}T00:00:00Z",
        "tags": [],
        "useSceneNumbering": False,
        "seasonFolder": True,
        "statistics": {
            "seasonCount": sum(1 for season in show.children if season.index),
            "episodeFileCount": files,
            "episodeCount": len(aired),
            "totalEpisodeCount": len(leaves),
            "sizeOnDisk": files * 700_000_000,
            "percentOfEpisodes": 100 * files / max(len(aired), 1),
        },
    }
    if had is None:
        return {**row, "added": "0001-01-01T00:00:00Z", "monitored": True, "qualityProfileId": 0}
    path = {"path": f"{had.folder}/{show.title}", "rootFolderPath": had.folder}
    return {
        **row,
        **path,
        "id": had.id,
        "qualityProfileId": had.profile,
        "monitored": had.monitored,
        "monitorNewItems": "all",
        "added": stamp(had.added),
    }


async def series(request: Request) -> Response:
    arr, asked = arr_of(request), request.query_params.get("tvdbId")
    chosen = [had for had in arr.had.values() if asked in (None, str(number_of(had.work, "tvdb")))]
    return reply([series_row(arr, had.work, had) for had in chosen])


async def one(request: Request) -> Response:
    arr = arr_of(request)
    had = arr.had.get(request.path_params["id"])
    if had is None:
        return not_found()
    if request.method == "DELETE":
        del arr.had[had.id]
        return reply({})
    return reply(series_row(arr, had.work, had))


async def lookup(request: Request) -> Response:
    arr, term = arr_of(request), request.query_params.get("term", "").strip().lower()
    if not term:
        return refused("term", "'term' must not be empty", term, "NotEmptyValidator")
    return reply([series_row(arr, show, arr.of(show)) for show in _looked_up(arr, term)])


def _looked_up(arr: Arr, term: str) -> Iterable[Work]:
    name, _, value = term.partition(":")
    for show in arr.works.by_kind["show"]:
        if name in ("tvdb", "imdb", "tmdb") and value:
            number = str(number_of(show, "tvdb")) if name == "tvdb" else show.known_ids.get(name, "")
            if number == value.strip():
                yield show
        elif all(word in show.title.lower() for word in term.split()):
            yield show


async def add(request: Request) -> Response:
    """A series by its TVDB number; refused if it is there already, or nobody knows it."""
    arr, body = arr_of(request), await sent(request)
    number = body.get("tvdbId")
    show = next((show for show in arr.works.by_kind["show"] if number_of(show, "tvdb") == number), None)
    if show is None:
        return refused("TvdbId", "A series with this ID was not found.", number, "PredicateValidator")
    if arr.of(show) is not None:
        return refused("TvdbId", "This series has already been added", number, "SeriesExistsValidator")
    if not body.get("title"):
        return refused("Title", "'Title' must not be empty.", body.get("title"), "NotEmptyValidator")
    if (problem := wrong(arr, body)) is not None:
        return problem
    options = body.get("addOptions")
    options = options if isinstance(options, dict) else {}
    if options.get("monitor", "all") not in MONITORS:
        return refused(
            "addOptions.monitor", "The JSON value could not be converted", options.get("monitor"), "JsonException"
        )
    profile = body["qualityProfileId"]
    had = arr.have(
        show,
        missing=list(show.leaves()),
        profile=profile if isinstance(profile, int) else 1,
        monitored=body.get("monitored") is not False,
    )
    if options.get("searchForMissingEpisodes") is True:
        arr.search([had])
    return reply(series_row(arr, show, had), 201)


def _missing(arr: Arr) -> list[tuple[Had, Work]]:
    now = arr.clock.second()
    found = [(had, work) for had in arr.had.values() if had.monitored for work in had.missing if _airs(work) <= now]
    return sorted(found, key=lambda pair: (_airs(pair[1]), pair[1].key))


async def missing(request: Request) -> Response:
    arr = arr_of(request)
    series = request.query_params.get("includeSeries") == "true"
    return pages(request, [episode_row(arr, had, work, series=series) for had, work in _missing(arr)], "airDateUtc")


async def queue(request: Request) -> Response:
    arr, query = arr_of(request), request.query_params
    rows: list[Row] = []
    for number, had, work in arr.queue:
        row = {
            **common.download(arr, number, f"{had.work.title} {work.title}"),
            "seriesId": had.id,
            "episodeId": work.key,
            "languages": [],
        }
        if query.get("includeSeries") == "true":
            row["series"] = series_row(arr, had.work, had)
        if query.get("includeEpisode") == "true":
            row["episode"] = episode_row(arr, had, work)
        rows.append(row)
    return pages(request, rows, "timeleft")


async def calendar(request: Request) -> Response:
    arr, query = arr_of(request), request.query_params
    start, end = moment(query.get("start")), moment(query.get("end"))
    first = arr.clock.second() if start is None else start
    last = first + 2 * 86_400 if end is None else end
    series, unmonitored = query.get("includeSeries") == "true", query.get("unmonitored") == "true"
    chosen = [
        (had, work)
        for had in arr.had.values()
        if had.monitored or unmonitored
        for work in had.work.leaves()
        if first <= _airs(work) <= last
    ]
    chosen.sort(key=lambda pair: _airs(pair[1]))
    return reply([episode_row(arr, had, work, series=series) for had, work in chosen])


async def episodes(request: Request) -> Response:
    arr, asked = arr_of(request), request.query_params.get("seriesId", "")
    had = arr.had.get(int(asked)) if is_number(asked) else None
    return not_found() if had is None else reply([episode_row(arr, had, work) for work in had.work.leaves()])


def application(arr: Arr) -> ASGIApp:
    """Sonarr as an application."""
    app = Starlette(
        routes=[
            *common.ROUTES,
            Route("/api/v3/series", series, methods=["GET"]),
            Route("/api/v3/series", add, methods=["POST"]),
            Route("/api/v3/series/lookup", lookup),
            Route("/api/v3/series/{id:int}", one, methods=["GET", "DELETE"]),
            Route("/api/v3/episode", episodes),
            Route("/api/v3/wanted/missing", missing),
            Route("/api/v3/queue", queue),
            Route("/api/v3/calendar", calendar),
        ]
    )
    app.state.arr = arr
    return common.Guard(app, arr)

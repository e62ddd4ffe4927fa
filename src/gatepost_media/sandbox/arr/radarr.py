"""Radarr: films, what is missing, what comes out."""

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
from gatepost_media.sandbox.works import Work, Works, day_to_seconds, sort_title

AVAILABILITIES = ("tba", "announced", "inCinemas", "released", "preDB")


def radarr(works: Works, clock: Clock) -> Arr:
    """A Radarr that has twelve films and waits for three, one of them not yet out."""
    arr = Arr("Radarr", works, clock, "/movies", "5.26.2.10099")
    for key in range(1001, 1013):
        arr.have(works.by_key[key])
    for key in (1046, 1048, 1900):
        arr.have(works.by_key[key], missing=[works.by_key[key]])
    arr.queue.append((9000, arr.had[13], works.by_key[1046]))
    return arr


def movie_row(arr: Arr, film: Work, had: Had | None) -> Row:
    """A film, looked after or only looked up."""
    file = had is not None and film not in had.missing
    out = bool(film.released) and day_to_seconds(film.released) <= arr.clock.second()
    row: Row = {
        "title": film.title,
        "originalTitle": film.about.original_title or film.title,
        "sortTitle": sort_title(film.title),
        "sizeOnDisk": 700_000_000 * file,
        "status": "released" if out else "announced",
        "overview": film.about.summary,
        "inCinemas": f"{film.released}T00:00:00Z",
        "digitalRelease": f"{film.released}T00:00:00Z",
        "physicalRelease": f"{film.released}T00:00:00Z",
        "images": [],
        "website": "",
        "year": film.year,
        "studio": film.about.studio,
        "hasFile": file,
        "movieFileId": film.key if file else 0,
        "isAvailable": out,
        "runtime": film.duration // 60_000,
        "cleanTitle": film.slug.replace("-", ""),
        "imdbId": film.ids.get("imdb"),
        "tmdbId": number_of(film, "tmdb"),
        "titleSlug": str(number_of(film, "tmdb")),
        "folder": f"{film.title} ({film.year})",
        "genres": list(film.about.genres),
        "tags": [],
        "certification": film.about.content_rating,
        "ratings": {"imdb": {"votes": 100, "value": film.about.rating, "type": "user"}},
        "popularity": 1.0,
    }
    if had is None:
        return {
            **row,
            "added": "0001-01-01T00:00:00Z",
            "monitored": False,
            "qualityProfileId": 0,
            "minimumAvailability": "announced",
        }
    path = {"path": f"{had.folder}/{film.title} ({film.year})", "rootFolderPath": had.folder}
    kept = {
        "qualityProfileId": had.profile,
        "monitored": had.monitored,
        "minimumAvailability": had.availability,
        "added": stamp(had.added),
    }
    return {**row, **path, **kept, "id": had.id}


async def movies(request: Request) -> Response:
    arr, asked = arr_of(request), request.query_params.get("tmdbId")
    chosen = [had for had in arr.had.values() if asked in (None, str(number_of(had.work, "tmdb")))]
    return reply([movie_row(arr, had.work, had) for had in chosen])


async def one(request: Request) -> Response:
    arr = arr_of(request)
    had = arr.had.get(request.path_params["id"])
    if had is None:
        return not_found()
    if request.method == "DELETE":
        del arr.had[had.id]
        return reply({})
    return reply(movie_row(arr, had.work, had))


async def lookup(request: Request) -> Response:
    arr, term = arr_of(request), request.query_params.get("term", "").strip().lower()
    if not term:
        return refused("term", "'term' must not be empty", term, "NotEmptyValidator")
    return reply([movie_row(arr, film, arr.of(film)) for film in _looked_up(arr, term)])


def _looked_up(arr: Arr, term: str) -> Iterable[Work]:
    name, _, value = term.partition(":")
    for film in arr.works.by_kind["movie"]:
        if name in ("tmdb", "imdb") and value:
            if (str(number_of(film, "tmdb")) if name == "tmdb" else film.ids.get("imdb")) == value.strip():
                yield film
        elif all(word in film.title.lower() for word in term.split()):
            yield film


async def add(request: Request) -> Response:
    """A film by its TMDB number; refused if it is there already, or nobody knows it."""
    arr, body = arr_of(request), await sent(request)
    number = body.get("tmdbId")
    film = next((film for film in arr.works.by_kind["movie"] if number_of(film, "tmdb") == number), None)
    if film is None:
        return refused("TmdbId", "A movie with this ID was not found.", number, "PredicateValidator")
    if arr.of(film) is not None:
        return refused("TmdbId", "This movie has already been added", number, "MovieExistsValidator")
    if (problem := wrong(arr, body)) is not None:
        return problem
    availability = body.get("minimumAvailability", "announced")
    if availability not in AVAILABILITIES:
        return refused("minimumAvailability", "The JSON value could not be converted", availability, "JsonException")
    profile = body["qualityProfileId"]
    had = arr.have(
        film,
        missing=[film],
        profile=profile if isinstance(profile, int) else 1,
        monitored=body.get("monitored") is not False,
    )
    had.availability = str(availability)
    options = body.get("addOptions")
    if isinstance(options, dict) and options.get("searchForMovie") is True:
        arr.search([had])
    return reply(movie_row(arr, film, had), 201)


async def missing(request: Request) -> Response:
    arr = arr_of(request)
    lost = [
        had
        for had in arr.had.values()
        if had.monitored and had.missing and day_to_seconds(had.work.released) <= arr.clock.second()
    ]
    lost.sort(key=lambda had: had.work.released)
    return pages(request, [movie_row(arr, had.work, had) for had in lost], "digitalRelease")


async def queue(request: Request) -> Response:
    arr = arr_of(request)
    rows: list[Row] = []
    for number, had, work in arr.queue:
        row = {**common.download(arr, number, work.title), "movieId": had.id, "languages": []}
        if request.query_params.get("includeMovie") == "true":
            row["movie"] = movie_row(arr, had.work, had)
        rows.append(row)
    return pages(request, rows, "timeleft")


async def calendar(request: Request) -> Response:
    arr, query = arr_of(request), request.query_params
    start, end = moment(query.get("start")), moment(query.get("end"))
    first = arr.clock.second() if start is None else start
    last = first + 2 * 86_400 if end is None else end
    unmonitored = query.get("unmonitored") == "true"
    chosen = [
        had
        for had in arr.had.values()
        if (had.monitored or unmonitored) and first <= day_to_seconds(had.work.released) <= last
    ]
    return reply([movie_row(arr, had.work, had) for had in chosen])


def application(arr: Arr) -> ASGIApp:
    """Radarr as an application."""
    app = Starlette(
        routes=[
            *common.ROUTES,
            Route("/api/v3/movie", movies, methods=["GET"]),
            Route("/api/v3/movie", add, methods=["POST"]),
            Route("/api/v3/movie/lookup", lookup),
            Route("/api/v3/movie/{id:int}", one, methods=["GET", "DELETE"]),
            Route("/api/v3/wanted/missing", missing),
            Route("/api/v3/queue", queue),
            Route("/api/v3/calendar", calendar),
        ]
    )
    app.state.arr = arr
    return common.Guard(app, arr)

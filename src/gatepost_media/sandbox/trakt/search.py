"""Searching: by words, and by an id from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gatepost_media.sandbox.trakt.reply import Row, empty, paged, trakt_of
from gatepost_media.sandbox.trakt.shapes import full, named, person
from gatepost_media.sandbox.trakt.state import Trakt
from gatepost_media.sandbox.works import Kind, Person, Work, is_number, slugify

TYPES = ("movie", "show", "episode", "person", "list")


def _words(trakt: Trakt, kind: str, words: str) -> Iterable[tuple[float, Work | Person]]:
    parts = words.lower().split()
    if kind == "person":
        for one in trakt.works.people.values():
            if all(part in one.name.lower() for part in parts):
                yield 1000.0 if one.name.lower() == words.lower() else 100.0, one
    elif kind in ("movie", "show", "episode"):
        for work in trakt.works.by_kind[cast(Kind, kind)]:
            title = work.title.lower()
            if all(part in title for part in parts):
                yield 1000.0 if title == words.lower() else 500.0 if title.startswith(words.lower()) else 100.0, work


def _years(text: str) -> tuple[int, int] | None:
    """ "1926" or "1920-1929"."""
    first, _, last = text.partition("-")
    return (int(first), int(last or first)) if is_number(first) and is_number(last or first) else None


async def by_words(request: Request) -> Response:
    trakt, query = trakt_of(request), request.query_params
    kinds, words = request.path_params["type"].split(","), query.get("query", "").strip()
    if any(kind not in TYPES for kind in kinds) or not words:
        return empty(400)
    found = [pair for kind in kinds for pair in _words(trakt, kind, words)]
    years = _years(query.get("years") or query.get("year") or "")
    if years is not None:
        found = [pair for pair in found if not isinstance(pair[1], Work) or years[0] <= (pair[1].year or 0) <= years[1]]
    if genres := query.get("genres"):
        wanted = set(genres.split(","))
        found = [
            pair
            for pair in found
            if isinstance(pair[1], Work) and wanted & {slugify(one) for one in pair[1].about.genres}
        ]
    found.sort(key=lambda pair: -pair[0])
    whole = full(request)
    return paged(request, found, lambda pair: _row(pair[0], pair[1], whole=whole), default=50)


def _row(score: float | None, hit: Work | Person, *, whole: bool) -> Row:
    if isinstance(hit, Person):
        return {"type": "person", "score": score, "person": person(hit, full=whole)}
    return {"type": hit.kind, "score": score, **named(hit, full=whole)}


async def by_id(request: Request) -> Response:
    """`trakt`, `imdb`, `tmdb` or `tvdb`; `type` chooses among kinds, for numbers of two kinds can be the same."""
    trakt, name, value = trakt_of(request), request.path_params["name"], request.path_params["value"]
    asked = request.query_params.get("type", "movie,show,episode,person").split(",")
    if name not in ("trakt", "imdb", "tmdb", "tvdb"):
        return empty(404)
    hits: list[Work | Person] = []
    for kind in asked:
        if kind == "person":
            hits += [one for one in trakt.works.people.values() if name == "trakt" and str(one.trakt) == value]
        elif kind in ("movie", "show", "episode"):
            work = trakt.works.find(cast(Kind, kind), name, value)
            hits += [work] if work is not None else []
    whole = full(request)
    return paged(request, hits, lambda hit: _row(None, hit, whole=whole), default=50)


ROUTES = [Route("/search/{name}/{value}", by_id), Route("/search/{type}", by_words)]

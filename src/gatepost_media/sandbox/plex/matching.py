"""Finding what a title is: agents, and what they take it for; the tracks that sound alike."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gatepost_media.sandbox.plex.answer import Row, container
from gatepost_media.sandbox.plex.query import TYPES
from gatepost_media.sandbox.plex.render import rows
from gatepost_media.sandbox.plex.sections import listed, matching, missing, plex_of
from gatepost_media.sandbox.plex.state import Plex, has_guids, plex_guid
from gatepost_media.sandbox.works import SECTIONS, Work, is_number


async def agents(request: Request) -> Response:
    """Those that the libraries use."""
    kind = TYPES.get(request.query_params.get("mediaType", ""))
    found: list[Row] = [
        {"hasAttribution": True, "hasPrefs": False, "identifier": section.agent, "name": section.title, "primary": True}
        for section in SECTIONS
        if kind in (None, section.kind)
    ]
    return container(request, {"size": len(found), "Agent": found})


def _candidates(plex: Plex, work: Work, title: str, year: str) -> list[Work]:
    """Titles of the same kind: by an outside id ("imdb-tt0017925", "tmdb://961"), or by title and year."""
    name, _, value = title.replace("://", "-").partition("-")
    same = [other for other in plex.of(work.kind) if other.ids.get(name) == value]
    if same:
        return same
    found = matching(plex, title, (work.kind,)) if title else [work]
    return [other for other in found if year in ("", str(other.year))]


async def matches(request: Request) -> Response:
    """What a title may be, the best first: as agents say it (GET), or as titles (PUT, as the contract has it)."""
    plex, query = plex_of(request), request.query_params
    work = plex.work(request.path_params["key"])
    if work is None:
        return missing()
    title = query.get("title", "" if "year" in query else work.title)
    found = [other for other in _candidates(plex, work, title, query.get("year", "")) if has_guids(other)]
    if request.method == "PUT":
        return container(request, {"size": len(found), "Metadata": rows(plex, found)})
    results: list[Row] = [
        {"guid": plex_guid(other), "name": other.title, "year": other.year, "score": max(100 - at, 0)}
        for at, other in enumerate(found)
    ]
    return container(request, {"size": len(results), "SearchResult": results})


async def nearest(request: Request) -> Response:
    """Tracks, albums or artists that sound like one: here those that share a mood or a genre with it."""
    plex, work = plex_of(request), plex_of(request).work(request.path_params["key"])
    if work is None:
        return missing()
    sound = {*work.about.moods, *work.about.genres}
    alike = [other for other in plex.of(work.kind) if other is not work]
    alike = [other for other in alike if sound & {*other.about.moods, *other.about.genres}]
    return listed(request, alike[: _limit(request)])


def _limit(request: Request) -> int:
    text = request.query_params.get("limit", "")
    return int(text) if is_number(text) else 50


ROUTES = [
    Route("/system/agents", agents),
    Route("/library/metadata/{key}/matches", matches, methods=["GET", "PUT"]),
    Route("/library/metadata/{key}/nearest", nearest),
]

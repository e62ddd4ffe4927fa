"""Single titles: reading them, their children and extras; marking, rating, and keeping a place."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gatepost_media.sandbox.plex.answer import Row, container
from gatepost_media.sandbox.plex.render import metadata
from gatepost_media.sandbox.plex.sections import bad, listed, missing, plex_of
from gatepost_media.sandbox.plex.state import LIBRARY, Plex
from gatepost_media.sandbox.works import Work, is_number


def work_at(request: Request) -> Work | None:
    """The title whose rating key stands in the path."""
    return plex_of(request).work(request.path_params["key"])


async def one(request: Request) -> Response:
    """One title, or several with a comma between, whole."""
    plex = plex_of(request)
    works = [work for key in request.path_params["key"].split(",") if (work := plex.work(key)) is not None]
    if not works:
        from gatepost_media.sandbox.plex.collections import collection_at

        return await collection_at(request)
    content: Row = {"size": len(works), "allowSync": True, "identifier": LIBRARY, "librarySectionID": works[0].section}
    return container(request, {**content, "Metadata": [_whole(plex, work, request) for work in works]})


def _whole(plex: Plex, work: Work, request: Request) -> Row:
    row = metadata(plex, work, full=True)
    if work.key in plex.works.extras and request.query_params.get("includeExtras") == "1":
        clips = [metadata(plex, clip, full=True) for clip in plex.works.extras[work.key]]
        row["Extras"] = {"size": len(clips), "Metadata": clips}
    return row


async def children(request: Request) -> Response:
    work = work_at(request)
    if work is None:
        from gatepost_media.sandbox.plex.collections import items_of

        return await items_of(request)
    return listed(request, [child for child in work.children if child.key not in plex_of(request).gone])


async def leaves(request: Request) -> Response:
    work = work_at(request)
    return missing() if work is None else listed(request, list(work.leaves()) if work.children else [])


async def extras(request: Request) -> Response:
    work = work_at(request)
    return missing() if work is None else listed(request, plex_of(request).works.extras.get(work.key, []))


async def similar(request: Request) -> Response:
    """Titles of the same kind that share a genre."""
    plex, work = plex_of(request), work_at(request)
    if work is None:
        return missing()
    genres = set(work.about.genres)
    alike = [other for other in plex.of(work.kind) if other is not work and genres & set(other.about.genres)]
    return listed(request, alike[:10])


async def delete(request: Request) -> Response:
    plex, work = plex_of(request), work_at(request)
    if work is None:
        return missing()
    plex.gone.add(work.key)
    plex.gone.update(leaf.key for leaf in work.leaves())
    plex.orders.clear()
    plex.listeners.timeline(work, 9)
    return Response(status_code=200)


async def scrobble(request: Request) -> Response:
    return _mark(request, watched=True)


async def unscrobble(request: Request) -> Response:
    return _mark(request, watched=False)


def _mark(request: Request, *, watched: bool) -> Response:
    work = _named(request)
    if isinstance(work, Response):
        return work
    plex_of(request).mark(work, watched=watched)
    plex_of(request).listeners.timeline(work, 5)
    return Response(status_code=200)


def _named(request: Request) -> Work | Response:
    """The title that `key` (a rating key) or `uri` names, or the answer that says what is wrong."""
    query = request.query_params
    key = query.get("key") or query.get("uri", "").rpartition("/")[2]
    if not key or query.get("identifier", LIBRARY) != LIBRARY:
        return bad()
    return plex_of(request).work(key.removeprefix("/library/metadata/")) or missing()


async def rate(request: Request) -> Response:
    """0 to 10; -1 takes the rating back. Collections are rated too."""
    try:
        rating = float(request.query_params.get("rating", ""))
    except ValueError:
        return bad()
    if not -1 <= rating <= 10:
        return bad()
    key = request.query_params.get("key", "")
    collection = plex_of(request).collections.get(int(key)) if is_number(key) else None
    if collection is not None:
        collection.rating = None if rating < 0 else rating
        return Response(status_code=200)
    work = _named(request)
    if isinstance(work, Response):
        return work
    view = plex_of(request).view(work)
    view.rating, view.rated = (None, 0) if rating < 0 else (rating, plex_of(request).clock.second())
    return Response(status_code=200)


async def progress(request: Request) -> Response:
    """Keep a place in a title: `time` in milliseconds."""
    work = _named(request)
    if isinstance(work, Response):
        return work
    time = request.query_params.get("time", "")
    if not is_number(time):
        return bad()
    view = plex_of(request).view(work)
    view.offset, view.last = int(time), plex_of(request).clock.second()
    return Response(status_code=200)


async def forget_place(request: Request) -> Response:
    """Take a title out of what is being watched."""
    work = plex_of(request).work(request.query_params.get("ratingKey", ""))
    if work is None:
        return missing()
    plex_of(request).view(work).offset = 0
    return Response(status_code=200)


BOTH = ["GET", "PUT"]
"""PUT is what the contract asks for; GET is what was there before, and still answers."""

ROUTES = [
    Route("/library/metadata/{key}", one, methods=["GET"]),
    Route("/library/metadata/{key}", delete, methods=["DELETE"]),
    Route("/library/metadata/{key}/children", children),
    Route("/library/metadata/{key}/allLeaves", leaves),
    Route("/library/metadata/{key}/grandchildren", leaves),
    Route("/library/metadata/{key}/extras", extras),
    Route("/library/metadata/{key}/similar", similar),
    Route("/:/scrobble", scrobble, methods=BOTH),
    Route("/:/unscrobble", unscrobble, methods=BOTH),
    Route("/:/rate", rate, methods=BOTH),
    Route("/:/progress", progress, methods=["GET", "PUT", "POST"]),
    Route("/actions/removeFromContinueWatching", forget_place, methods=["PUT"]),
]

"""The discover service's stand-in: the owner's watchlist, and finding what is not in the library."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gatepost_media.sandbox.plex.answer import Row, answer, container, page, wants_json
from gatepost_media.sandbox.plex.cloud import Cloud, cloud_of, error, signed_in
from gatepost_media.sandbox.works import Work, is_number, sort_title


def _discover_row(cloud: Cloud, work: Work, added: int = 0) -> Row:
    key = cloud.discover_key(work)
    row: Row = {
        "ratingKey": key,
        "key": f"/library/metadata/{key}" + ("/children" if work.kind == "show" else ""),
        "guid": f"plex://{work.kind}/{key}",
        "type": work.kind,
        "title": work.title,
        "titleSort": sort_title(work.title),
        "slug": work.slug,
        "year": work.year,
        "duration": work.duration,
        "summary": work.about.summary,
        "contentRating": work.about.content_rating,
        "originallyAvailableAt": work.released,
        "rating": work.about.rating,
        "audienceRating": work.about.rating,
        "studio": work.about.studio,
        "source": "provider://tv.plex.provider.discover",
        "Guid": [{"id": f"{name}://{value}"} for name, value in work.ids.items()],
        "Genre": [{"tag": genre, "id": genre.lower(), "slug": genre.lower()} for genre in work.about.genres],
    }
    if work.kind == "show":
        row["childCount"], row["leafCount"] = len(work.children), len(list(work.leaves()))
    if added:
        row["watchlistedAt"] = added
    return row


async def watchlist(request: Request) -> Response:
    if not signed_in(request):
        return error(request, 401, 1001, "User could not be authenticated")
    cloud, query = cloud_of(request), request.query_params
    found = list(cloud.watchlist)
    if kind := {"1": "movie", "2": "show"}.get(query.get("type", "")):
        found = [entry for entry in found if entry[1].kind == kind]
    name, _, way = query.get("sort", "watchlistedAt:desc").partition(":")
    keys = {
        "titleSort": lambda entry: sort_title(entry[1].title),
        "originallyAvailableAt": lambda entry: entry[1].released,
        "rating": lambda entry: entry[1].about.rating,
    }
    found.sort(key=keys.get(name, lambda entry: entry[0]), reverse=way == "desc")
    first, last = page(request, found, default=20)
    rows = [_discover_row(cloud, work, added) for added, work in found[first:last]]
    return container(
        request,
        {
            "size": len(rows),
            "totalSize": len(found),
            "offset": first,
            "identifier": "tv.plex.provider.discover",
            "librarySectionID": "watchlist",
            "librarySectionTitle": "Watchlist",
            "Metadata": rows,
        },
    )


async def act(request: Request) -> Response:
    """addToWatchlist and removeFromWatchlist."""
    if not signed_in(request):
        return error(request, 401, 1001, "User could not be authenticated")
    cloud = cloud_of(request)
    work = cloud.by_discover_key(request.query_params.get("ratingKey", ""))
    if work is None:
        return error(request, 404, 1003, "Not Found")
    listed = [entry for entry in cloud.watchlist if entry[1] is work]
    if request.url.path.endswith("/addToWatchlist"):
        if not listed:
            cloud.watchlist.append((cloud.plex.clock.second(), work))
    elif listed:
        cloud.watchlist.remove(listed[0])
    return container(request, {"size": 0})


async def mark(request: Request) -> Response:
    """scrobble and unscrobble: seen, or not, as the account knows it; the server is not told."""
    if not signed_in(request):
        return error(request, 401, 1001, "User could not be authenticated")
    cloud, key = cloud_of(request), request.query_params.get("key", "")
    if cloud.by_discover_key(key) is None:
        return error(request, 404, 1003, "Not Found")
    if request.url.path.endswith("/scrobble"):
        cloud.watched.add(key)
    else:
        cloud.watched.discard(key)
    return container(request, {"size": 0})


async def availabilities(request: Request) -> Response:
    """Where else a title can be seen: nowhere."""
    if not signed_in(request):
        return error(request, 401, 1001, "User could not be authenticated")
    if cloud_of(request).by_discover_key(request.path_params["key"]) is None:
        return error(request, 404, 1003, "Not Found")
    return container(request, {"size": 0, "Availability": []})


async def title(request: Request) -> Response:
    if not signed_in(request):
        return error(request, 401, 1001, "User could not be authenticated")
    cloud = cloud_of(request)
    work = cloud.by_discover_key(request.path_params["key"])
    if work is None:
        return error(request, 404, 1003, "Not Found")
    if request.url.path.endswith("/userState"):
        added = next((added for added, listed in cloud.watchlist if listed is work), None)
        key = cloud.discover_key(work)
        state: Row = {"ratingKey": key, "type": work.kind, "viewCount": int(key in cloud.watched), "viewOffset": 0}
        if added is not None:
            state["watchlistedAt"] = added
        return container(request, {"size": 1, "UserState": [state] if not wants_json(request) else state})
    return container(request, {"size": 1, "Metadata": [_discover_row(cloud, work)]})


async def find(request: Request) -> Response:
    cloud, words = cloud_of(request), request.query_params.get("query", "").lower().split()
    kinds = request.query_params.get("searchTypes", "movies,tv")
    limit = request.query_params.get("limit", "10")
    found = [
        work
        for work in cloud.catalogue()
        if ("movies" if work.kind == "movie" else "tv") in kinds and all(word in work.title.lower() for word in words)
    ][: int(limit) if is_number(limit) else 10]
    results = [{"score": 1.0, "Metadata": _discover_row(cloud, work)} for work in found]
    group: Row = {"id": "external", "title": "More Ways To Watch", "size": len(results), "SearchResult": results}
    return container(request, {"identifier": "tv.plex.provider.discover", "size": 1, "SearchResults": [group]})


async def root(request: Request) -> Response:
    """What the service says of itself: Plex's own catalogue is at the same address here."""
    if not signed_in(request):
        return error(request, 401, 1001, "User could not be authenticated")
    content: Row = {"size": 0, "identifier": "tv.plex.provider.discover", "title": "Discover", "types": "movie,show"}
    return answer(request, "MediaProvider", content)


def discover(cloud: Cloud) -> Starlette:
    """discover.provider.plex.tv as an application."""
    app = Starlette(
        routes=[
            Route("/", root),
            Route("/library/sections/watchlist/{filter}", watchlist),
            Route("/actions/addToWatchlist", act, methods=["PUT"]),
            Route("/actions/removeFromWatchlist", act, methods=["PUT"]),
            Route("/actions/scrobble", mark, methods=["GET", "PUT"]),
            Route("/actions/unscrobble", mark, methods=["GET", "PUT"]),
            Route("/library/search", find),
            Route("/library/metadata/{key}", title),
            Route("/library/metadata/{key}/userState", title),
            Route("/library/metadata/{key}/availabilities", availabilities),
        ]
    )
    app.state.cloud = cloud
    return app

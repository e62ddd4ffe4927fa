"""The lists beside `all` that a library's own page names, its folders, and what it says of itself."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gatepost_media.sandbox.plex.answer import Row, container
from gatepost_media.sandbox.plex.query import TYPES, select
from gatepost_media.sandbox.plex.sections import done, listed, missing, plex_of
from gatepost_media.sandbox.plex.state import LIBRARY

_QUERIES = {
    "unwatched": [("unwatched", "1")],
    "inProgress": [("inProgress", "1")],
    "newest": [("sort", "originallyAvailableAt:desc")],
    "recentlyViewed": [("viewCount>>", "0"), ("sort", "lastViewedAt:desc")],
}


async def shelf(request: Request) -> Response:
    """A query that has a name."""
    plex, section = plex_of(request), plex_of(request).section(request.path_params["id"])
    if section is None:
        return missing()
    name = request.url.path.rpartition("/")[2]
    kind = TYPES.get(request.query_params.get("type", "")) or section.kind
    works = select(plex, [*_QUERIES[name], *request.query_params.multi_items()], kind)
    return listed(request, [work for work in works if work.section == section.key], section)


async def folders(request: Request) -> Response:
    """The library by its folders: there is one for each title, and in it the title."""
    plex, section = plex_of(request), plex_of(request).section(request.path_params["id"])
    if section is None:
        return missing()
    rows: list[Row] = [
        {"key": f"/library/metadata/{work.key}", "title": f"{section.path}/{work.key}"}
        for work in plex.of(section.kind)
    ]
    content: Row = {"size": len(rows), "allowSync": False, "identifier": LIBRARY, "title1": section.title}
    return container(request, {**content, "Directory": rows})


async def timeline(request: Request) -> Response:
    """When the library changed last."""
    plex, section = plex_of(request), plex_of(request).section(request.path_params["id"])
    if section is None:
        return missing()
    latest = max((edit.at for edit in plex.edits.values()), default=plex.started)
    content: Row = {"size": 0, "allowSync": True, "content": "secondary", "identifier": LIBRARY}
    content |= {"latestEntryTime": latest, "mediaTagPrefix": "/system/bundle/media/flags/", "mediaTagVersion": 1}
    return container(request, {**content, "title1": section.title, "updateQueueSize": 0, "viewGroup": "secondary"})


async def preferences(request: Request) -> Response:
    """What can be set of a library: who sees it. Nobody else is here, so it stays as it is."""
    section = plex_of(request).section(request.path_params["id"])
    if section is None:
        return missing()
    setting: Row = {"id": "hidden", "label": "Visibility", "summary": "", "type": "int", "default": "0", "value": "0"}
    setting |= {"enumValues": "0:Include everywhere|1:Exclude from home|2:Exclude from home and search"}
    setting |= {"hidden": False, "advanced": False, "group": ""}
    return container(request, {"size": 1, "Setting": [setting]})


ROUTES = [
    *(Route(f"/library/sections/{{id}}/{name}", shelf) for name in _QUERIES),
    Route("/library/sections/{id}/folder", folders),
    Route("/library/sections/{id}/timeline", timeline),
    Route("/library/sections/{id}/prefs", preferences),
    Route("/library/sections/{id}/indexes", done, methods=["DELETE"]),
]

"""Libraries: what there are, what is in them, what was added, what is on deck, and searching by title."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gatepost_media.sandbox.plex.answer import Row, container, page, paged
from gatepost_media.sandbox.plex.meta import meta_of
from gatepost_media.sandbox.plex.query import TYPES, select
from gatepost_media.sandbox.plex.render import rows, value_of
from gatepost_media.sandbox.plex.state import LIBRARY, Plex
from gatepost_media.sandbox.works import SECTIONS, Kind, Section, Work

_TYPE_NUMBERS = {kind: number for number, kind in TYPES.items()}


def plex_of(request: Request) -> Plex:
    """The server that this request came to."""
    return cast(Plex, request.app.state.plex)


def listed(request: Request, works: Sequence[Work], section: Section | None = None) -> Response:
    """A page of titles, as asked for."""
    plex = plex_of(request)
    guids = request.query_params.get("includeGuids") == "1"
    first, last = page(request, works)
    content: Row = {"size": last - first, "allowSync": True, "identifier": LIBRARY}
    headers: dict[str, str] = {}
    if paged(request):
        content |= {"totalSize": len(works), "offset": first}
        headers = {"X-Plex-Container-Start": str(first), "X-Plex-Container-Total-Size": str(len(works))}
    if section is not None:
        content |= {"librarySectionID": section.key, "librarySectionTitle": section.title, "title1": section.title}
    if request.query_params.get("includeMeta") == "1" and section is not None:
        content["Meta"] = meta_of(section)
    content["Metadata"] = rows(plex, works[first:last], guids=guids)
    return container(request, content, headers)


def missing() -> Response:
    """404, as the server says it."""
    return Response(
        "<html><head><title>Not Found</title></head><body><h1>404 Not Found</h1></body></html>",
        404,
        media_type="text/html",
    )


def bad() -> Response:
    """400, as the server says it."""
    return Response(
        "<html><head><title>Bad Request</title></head><body><h1>400 Bad Request</h1></body></html>",
        400,
        media_type="text/html",
    )


def section_row(plex: Plex, section: Section) -> Row:
    """A library, as the list of them has it."""
    return {
        "allowSync": True,
        "art": f"/:/resources/{section.kind}-fanart.jpg",
        "composite": f"/library/sections/{section.key}/composite/{plex.started}",
        "filters": True,
        "refreshing": any(row.get("section") == section.key for row in plex.activities.values()),
        "thumb": f"/:/resources/{section.kind}.png",
        "key": str(section.key),
        "type": section.kind,
        "title": section.title,
        "agent": section.agent,
        "scanner": section.scanner,
        "language": "en-US",
        "uuid": f"5a4db0c5-0000-4000-8000-00000000000{section.key}",
        "updatedAt": plex.started,
        "createdAt": plex.started - 86_400 * 365,
        "scannedAt": plex.scanned[section.key],
        "content": True,
        "directory": True,
        "contentChangedAt": plex.started,
        "hidden": False,
        "Location": [{"id": section.key, "path": section.path}],
    }


async def sections(request: Request) -> Response:
    plex = plex_of(request)
    found = [section_row(plex, section) for section in SECTIONS]
    return container(request, {"size": len(found), "allowSync": False, "title1": "Plex Library", "Directory": found})


async def section(request: Request) -> Response:
    found = plex_of(request).section(request.path_params["id"])
    if found is None:
        return missing()
    names = (
        "all",
        "unwatched",
        "newest",
        "inProgress",
        "recentlyAdded",
        "recentlyViewed",
        "onDeck",
        "collection",
        "genre",
        "year",
        "decade",
        "firstCharacter",
        "folder",
    )
    content: Row = {
        "size": len(names),
        "allowSync": False,
        "content": "secondary",
        "identifier": LIBRARY,
        "librarySectionID": found.key,
        "title1": found.title,
        "viewGroup": "secondary",
        "Directory": [{"key": name, "title": name} for name in names],
    }
    if request.query_params.get("includeDetails") == "1":
        content["Meta"] = meta_of(found)
    return container(request, content)


async def everything(request: Request) -> Response:
    plex = plex_of(request)
    number = request.path_params.get("id")
    found = plex.section(number) if number else None
    if number and found is None:
        return missing()
    kind = TYPES.get(request.query_params.get("type", ""))
    if request.query_params.get("type") == "18":
        from gatepost_media.sandbox.plex.collections import collections

        return await collections(request)
    if kind is None:
        kind = found.kind if found is not None else "movie"
    works = select(plex, request.query_params.multi_items(), kind)
    if found is not None:
        works = [work for work in works if work.section == found.key]
    return listed(request, works, found)


async def leaves(request: Request) -> Response:
    found = plex_of(request).section(request.path_params["id"])
    if found is None:
        return missing()
    kind: dict[str, Kind] = {"movie": "movie", "show": "episode", "artist": "track"}
    asked: Kind = "album" if request.url.path.endswith("/albums") else kind[found.kind]
    return listed(request, select(plex_of(request), request.query_params.multi_items(), asked), found)


async def recently_added(request: Request) -> Response:
    plex, number = plex_of(request), request.path_params.get("id")
    wanted = [plex.section(number)] if number else list(SECTIONS)
    if wanted[0] is None:
        return missing()
    kinds: dict[str, Kind] = {"movie": "movie", "show": "season", "artist": "album"}
    asked = TYPES.get(request.query_params.get("type", ""))
    works = [work for one in wanted if one is not None for work in plex.of(asked or kinds[one.kind])]
    works.sort(key=lambda work: -work.added_at)
    return listed(request, works, wanted[0] if number else None)


def on_deck_of(plex: Plex, section: int = 0) -> list[Work]:
    """What was begun, and the next episode of each show that somebody is watching; the last looked at first."""
    found: dict[int, tuple[int, Work]] = {}
    for key, view in plex.views.items():
        work = plex.work(key)
        if work is None or (section and work.section != section):
            continue
        if work.kind == "movie" and view.offset:
            found[work.key] = (view.last, work)
        elif work.kind == "episode" and (view.offset or view.count) and work.show.key not in found:
            ahead = _next_episode(plex, work.show)
            if ahead is not None:
                found[work.show.key] = (_last_viewed(plex, work.show), ahead)
    return [work for _, work in sorted(found.values(), key=lambda pair: -pair[0])]


def _last_viewed(plex: Plex, show: Work) -> int:
    return max((plex.views[leaf.key].last for leaf in show.leaves() if leaf.key in plex.views), default=0)


def _next_episode(plex: Plex, show: Work) -> Work | None:
    regular = [leaf for leaf in show.leaves() if leaf.parent is not None and leaf.parent.index]
    begun = next((leaf for leaf in regular if leaf.key in plex.views and plex.views[leaf.key].offset), None)
    return begun or next((leaf for leaf in regular if not plex.watched(leaf)), None)


async def on_deck(request: Request) -> Response:
    number = request.path_params.get("id", "0")
    return listed(request, on_deck_of(plex_of(request), int(number)))


def matching(plex: Plex, words: str, kinds: Iterable[Kind]) -> list[Work]:
    """The titles that hold every word; those that begin with the words first."""
    parts = words.lower().split()
    found: list[Work] = []
    for kind in kinds:
        for work in plex.of(kind):
            title = value_of(plex, work, "title").lower() if work.key in plex.edits else work.title.lower()
            if all(part in title for part in parts):
                found.append(work)
    whole = words.lower().strip()
    found.sort(key=lambda work: (work.title.lower() != whole, not work.title.lower().startswith(whole)))
    return found


_SEARCHED: tuple[Kind, ...] = ("movie", "show", "episode", "artist", "album", "track")


async def search(request: Request) -> Response:
    plex, words = plex_of(request), request.query_params.get("query", "").strip()
    number = request.path_params.get("id")
    found = plex.section(number) if number else None
    if not words or (number and found is None):
        return bad() if not words else missing()
    asked = TYPES.get(request.query_params.get("type", ""))
    works = matching(plex, words, (asked,) if asked else _SEARCHED)
    if found is not None:
        works = [work for work in works if work.section == found.key]
    return listed(request, works, found)


async def refresh(request: Request) -> Response:
    """Scan a library: a moment's activity, which listeners hear of."""
    plex, number = plex_of(request), request.path_params.get("id")
    for section in SECTIONS:
        if number in (None, str(section.key)):
            plex.scanned[section.key] = plex.clock.second()
            plex.listeners.scanned(section)
    if number is not None and plex.section(number) is None:
        return missing()
    return Response(status_code=200)


async def done(_: Request) -> Response:
    """Accepted, and nothing more."""
    return Response(status_code=200)


ROUTES = [
    Route("/library/sections", sections),
    Route("/library/sections/", sections),
    Route("/library/sections/all", sections),
    Route("/library/sections/all/refresh", refresh, methods=["GET", "POST"]),
    Route("/library/sections/refresh", refresh, methods=["POST"]),
    Route("/library/sections/{id:int}", section),
    Route("/library/sections/{id}/all", everything),
    Route("/library/sections/{id}/allLeaves", leaves),
    Route("/library/sections/{id}/albums", leaves),
    Route("/library/sections/{id}/recentlyAdded", recently_added),
    Route("/library/sections/{id:int}/onDeck", on_deck),
    Route("/library/sections/{id}/search", search),
    Route("/library/sections/{id}/refresh", refresh, methods=["GET", "POST"]),
    Route("/library/sections/{id}/refresh", done, methods=["DELETE"]),
    Route("/library/sections/{id}/emptyTrash", done, methods=["PUT"]),
    Route("/library/sections/{id}/analyze", done, methods=["PUT"]),
    Route("/library/all", everything),
    Route("/library/recentlyAdded", recently_added),
    Route("/library/onDeck", on_deck),
    Route("/search", search),
]

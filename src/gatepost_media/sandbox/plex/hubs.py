"""Hubs: short lists under a heading each, for a home screen and for search."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gatepost_media.sandbox.plex.answer import Row, container
from gatepost_media.sandbox.plex.render import rows, tag_id
from gatepost_media.sandbox.plex.sections import bad, listed, matching, missing, on_deck_of, plex_of
from gatepost_media.sandbox.plex.state import Plex
from gatepost_media.sandbox.works import SECTIONS, Kind, Section, Work, is_number

_TITLES: dict[Kind, str] = {
    "movie": "Movies",
    "show": "Shows",
    "episode": "Episodes",
    "artist": "Artists",
    "album": "Albums",
    "track": "Tracks",
}


def _hub(
    plex: Plex, identifier: str, title: str, kind: str, works: Sequence[Work], limit: int, *, guids: bool = False
) -> Row:
    shown = works[:limit]
    return {
        "title": title,
        "type": kind,
        "hubIdentifier": identifier,
        "context": f"hub.{identifier}",
        "size": len(shown),
        "more": len(works) > limit,
        "style": "shelf",
        "promoted": True,
        "Metadata": rows(plex, shown, guids=guids),
    }


def _limit(request: Request, default: int) -> int:
    text = request.query_params.get("limit") or request.query_params.get("count") or ""
    return int(text) if is_number(text) else default


async def search(request: Request) -> Response:
    """Titles by kind; people and genres too."""
    plex, words = plex_of(request), request.query_params.get("query", "").strip()
    if not words:
        return bad()
    limit, section = _limit(request, 3), request.query_params.get("sectionId")
    if section is not None and plex.section(section) is None:
        return missing()
    guids = request.query_params.get("includeGuids") == "1"
    hubs: list[Row] = []
    for kind, title in _TITLES.items():
        works = [work for work in matching(plex, words, (kind,)) if section in (None, str(work.section))]
        hubs.append(_hub(plex, kind, title, kind, works, limit, guids=guids))
    for field, title in (("actor", "Actors"), ("director", "Directors"), ("genre", "Genres")):
        hubs.append(_tag_hub(plex, field, title, words, limit))
    return container(request, {"size": len(hubs), "Hub": hubs})


def _tag_hub(plex: Plex, field: str, title: str, words: str, limit: int) -> Row:
    if field == "genre":
        names = dict.fromkeys(
            genre
            for kind in ("movie", "show", "artist")
            for work in plex.works.by_kind[kind]
            for genre in work.about.genres
        )
    elif field == "director":
        names = dict.fromkeys(person.name for work in plex.works.by_kind["movie"] for person in work.about.directors)
    else:
        names = dict.fromkeys(person.name for work in plex.works.by_kind["movie"] for person, _ in work.about.cast)
    found = [name for name in names if words.lower() in name.lower()]
    kind = "role" if field == "actor" else field
    listing = [
        {
            "key": f"/library/sections/1/all?{field}={tag_id(kind, name)}",
            "librarySectionID": 1,
            "librarySectionKey": "/library/sections/1",
            "librarySectionTitle": SECTIONS[0].title,
            "librarySectionType": 1,
            "reason": "section",
            "reasonID": 1,
            "reasonTitle": SECTIONS[0].title,
            "type": "tag",
            "id": tag_id(kind, name),
            "filter": f"{field}={tag_id(kind, name)}",
            "tag": name,
            "tagType": 6 if kind == "role" else 1,
        }
        for name in found[:limit]
    ]
    return {
        "title": title,
        "type": field,
        "hubIdentifier": field,
        "context": f"hub.search.{field}",
        "size": len(listing),
        "more": len(found) > limit,
        "style": "shelf",
        "Directory": listing,
    }


def _home(plex: Plex, section: Section) -> list[tuple[str, str, str, Sequence[Work]]]:
    """A section's hubs: identifier, title, type, and all that is in it."""
    added: dict[str, Kind] = {"movie": "movie", "show": "season", "artist": "album"}
    kind, title = added[section.kind], f"Recently Added in {section.title}"
    newest = sorted(plex.of(kind), key=lambda work: -work.added_at)
    begun = on_deck_of(plex, section.key)
    return [
        (f"{section.kind}.inprogress.{section.key}", "Continue Watching", "mixed", begun),
        (f"{section.kind}.recentlyadded.{section.key}", title, kind, newest),
    ]


async def home(request: Request) -> Response:
    number = request.path_params.get("id")
    chosen = [section for section in SECTIONS if number in (None, str(section.key))]
    if not chosen:
        return missing()
    plex, limit = plex_of(request), _limit(request, 10)
    hubs = [_whole(_hub(plex, *about, limit)) for section in chosen for about in _home(plex, section)]
    return container(request, {"size": len(hubs), "Hub": hubs})


async def continue_watching(request: Request) -> Response:
    plex = plex_of(request)
    hub = _hub(plex, "home.continue", "Continue Watching", "mixed", on_deck_of(plex), _limit(request, 10))
    return container(request, {"size": 1, "Hub": [_whole(hub)]})


def _whole(hub: Row) -> Row:
    """A hub that says where all of it is."""
    return hub | {"key": f"/hubs/items?identifier={hub['hubIdentifier']}"}


async def continue_items(request: Request) -> Response:
    """The same titles without the hub around them; of one section, or of all."""
    number = request.path_params.get("id")
    section = plex_of(request).section(number) if number is not None else None
    if number is not None and section is None:
        return missing()
    return listed(request, on_deck_of(plex_of(request), section.key if section else 0), section)


async def items(request: Request) -> Response:
    """Everything in the hub that `identifier` names."""
    plex, identifier = plex_of(request), request.query_params.get("identifier", "")
    if identifier == "home.continue":
        return await continue_items(request)
    for section in SECTIONS:
        works = {name: works for name, _, _, works in _home(plex, section)}.get(identifier)
        if works is not None:
            return listed(request, works, section)
    return missing()


async def managed(request: Request) -> Response:
    """The hubs that a section's page shows (GET), or as they were (DELETE): nobody moves them here."""
    section = plex_of(request).section(request.path_params["id"])
    if section is None:
        return missing()
    if request.method == "DELETE":
        return Response(status_code=200)
    shown: list[Row] = [
        {
            "identifier": identifier,
            "title": title,
            "deletable": False,
            "homeVisibility": "all",
            "recommendationsVisibility": "all",
            "promotedToRecommended": True,
            "promotedToOwnHome": True,
            "promotedToSharedHome": True,
        }
        for identifier, title, _, _ in _home(plex_of(request), section)
    ]
    return container(request, {"size": len(shown), "Hub": shown})


async def related(request: Request) -> Response:
    """Titles that share a genre, and those by the same director."""
    plex, work = plex_of(request), plex_of(request).work(request.path_params["key"])
    if work is None:
        return missing()
    genres, directors = set(work.about.genres), set(work.about.directors)
    others = [other for other in plex.of(work.kind) if other is not work]
    alike = [other for other in others if genres & set(other.about.genres)]
    hubs = [_hub(plex, f"{work.kind}.similar", "More Like This", work.kind, alike, _limit(request, 10))]
    if directors:
        same = [other for other in others if directors & set(other.about.directors)]
        hubs.append(
            _hub(plex, f"{work.kind}.by.director", "By the Same Director", work.kind, same, _limit(request, 10))
        )
    return container(request, {"size": len(hubs), "Hub": hubs})


ROUTES = [
    Route("/hubs", home),
    Route("/hubs/promoted", home),
    Route("/hubs/search", search),
    Route("/hubs/search/voice", search),
    Route("/hubs/continueWatching", continue_watching),
    Route("/hubs/continueWatching/items", continue_items),
    Route("/hubs/items", items),
    Route("/hubs/sections/{id}", home),
    Route("/hubs/sections/{id}/manage", managed, methods=["GET", "DELETE"]),
    Route("/hubs/sections/{id}/continueWatching/items", continue_items),
    Route("/hubs/metadata/{key}/related", related),
    Route("/library/metadata/{key}/related", related),
]

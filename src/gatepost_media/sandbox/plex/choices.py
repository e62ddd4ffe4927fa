"""What there is to choose from in a library: the values of a field, initials, filters and orders."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gatepost_media.sandbox.plex.answer import Row, container
from gatepost_media.sandbox.plex.meta import filters_of, orders_of
from gatepost_media.sandbox.plex.query import TYPES
from gatepost_media.sandbox.plex.render import tag_id, tags_of, value_of
from gatepost_media.sandbox.plex.sections import missing, plex_of
from gatepost_media.sandbox.plex.state import LIBRARY, Plex
from gatepost_media.sandbox.works import Section, Work

_TYPE_NUMBERS = {kind: number for number, kind in TYPES.items()}


async def choices(request: Request) -> Response:
    """The values that a field has in a section: genres, years, directors…"""
    plex = plex_of(request)
    found, field = plex.section(request.path_params["id"]), request.path_params["field"]
    reader = _CHOICES.get(field)
    if found is None or reader is None:
        return missing()
    kind = TYPES.get(request.query_params.get("type", "")) or found.kind
    values: dict[str, str] = {}
    for work in plex.of(kind):
        if work.section == found.key:
            for key, title in reader(plex, work):
                values.setdefault(key, title)
    number = _TYPE_NUMBERS[kind]
    listing = [
        {
            "fastKey": f"/library/sections/{found.key}/all?type={number}&{field}={key}",
            "key": key,
            "title": title,
            "type": field,
        }
        for key, title in sorted(values.items(), key=lambda pair: pair[1])
    ]
    content: Row = {
        "size": len(listing),
        "allowSync": False,
        "content": "secondary",
        "identifier": LIBRARY,
        "title1": found.title,
    }
    return container(request, {**content, "Directory": listing})


Reader = Callable[[Plex, Work], Iterable[tuple[str, str]]]


def _tags(kind: str) -> Reader:
    return lambda plex, work: [(str(tag_id(kind, name)), name) for name in tags_of(plex, work, kind)]


def _field(name: str) -> Reader:
    return lambda plex, work: [(text, text)] if (text := value_of(plex, work, name)) else []


_CHOICES: dict[str, Reader] = {
    "genre": _tags("genre"),
    "director": _tags("director"),
    "writer": _tags("writer"),
    "actor": _tags("role"),
    "country": _tags("country"),
    "collection": _tags("collection"),
    "mood": _tags("mood"),
    "style": _tags("style"),
    "format": _tags("format"),
    "subformat": _tags("subformat"),
    "label": _tags("label"),
    "year": _field("year"),
    "studio": _field("studio"),
    "contentRating": _field("contentRating"),
    "decade": lambda _, work: [(str(work.year // 10 * 10), f"{work.year // 10 * 10}s")] if work.year else [],
}


async def first_characters(request: Request) -> Response:
    plex = plex_of(request)
    found = plex.section(request.path_params["id"])
    if found is None:
        return missing()
    counts: dict[str, int] = {}
    for work in plex.of(found.kind):
        letter = value_of(plex, work, "titleSort")[:1].upper()
        counts[letter] = counts.get(letter, 0) + 1
    listing = [{"size": count, "key": letter, "title": letter} for letter, count in sorted(counts.items())]
    return container(request, {"size": len(listing), "Directory": listing})


async def filters(request: Request) -> Response:
    return _listing(request, filters_of)


async def orders(request: Request) -> Response:
    return _listing(request, orders_of)


def _listing(request: Request, of: Callable[[Section], list[Row]]) -> Response:
    found = plex_of(request).section(request.path_params["id"])
    if found is None:
        return missing()
    rows = of(found)
    return container(request, {"size": len(rows), "allowSync": False, "identifier": LIBRARY, "Directory": rows})


ROUTES = [
    Route("/library/sections/{id}/firstCharacter", first_characters),
    Route("/library/sections/{id}/firstCharacters", first_characters),
    Route("/library/sections/{id}/filters", filters),
    Route("/library/sections/{id}/sorts", orders),
]
LAST_ROUTES = [Route("/library/sections/{id}/{field}", choices)]
"""After everything that is more exact."""

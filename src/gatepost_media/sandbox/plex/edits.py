"""Changing what is said of titles: `field.value`, `field.locked` and tag lists; asking for a refresh."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gatepost_media.sandbox.plex.collections import edit as edit_collections
from gatepost_media.sandbox.plex.query import TYPES
from gatepost_media.sandbox.plex.render import TAG_TYPES, as_rating, tags_of
from gatepost_media.sandbox.plex.sections import bad, done, missing, plex_of
from gatepost_media.sandbox.plex.state import Plex
from gatepost_media.sandbox.works import Work

FIELDS = (
    "title",
    "titleSort",
    "originalTitle",
    "summary",
    "tagline",
    "studio",
    "contentRating",
    "originallyAvailableAt",
    "year",
    "rating",
    "audienceRating",
    "editionTitle",
)


async def edit_section(request: Request) -> Response:
    """Change the titles that `type` and `id` choose. Without an `id` it is refused: no whole library is edited here."""
    plex, query = plex_of(request), request.query_params
    section, kind = plex.section(request.path_params["id"]), TYPES.get(query.get("type", ""))
    if section is None:
        return missing()
    if "id" in query and query.get("type") == "18":
        return await edit_collections(request)
    if kind is None or "id" not in query:
        return bad()
    works = [plex.work(key) for key in query["id"].split(",")]
    if any(work is None or work.section != section.key or work.kind != kind for work in works):
        return missing()
    for work in works:
        if work is not None:
            apply(plex, work, query.multi_items())
    return Response(status_code=200)


async def edit_title(request: Request) -> Response:
    """The same for titles by key. A bare `title=…` is no change, and is passed over without a word."""
    plex = plex_of(request)
    works = [plex.work(key) for key in request.path_params["key"].split(",")]
    if any(work is None for work in works):
        return missing()
    for work in works:
        if work is not None:
            apply(plex, work, request.query_params.multi_items())
    return Response(status_code=200)


def apply(plex: Plex, work: Work, pairs: Iterable[tuple[str, str]]) -> None:
    """Do what the query says to one title; tell those who listen."""
    replaced: dict[str, list[str]] = {}
    edit = plex.edit(work)
    for name, value in pairs:
        field, _, what = name.partition(".")
        kind = field.partition("[")[0]
        if what == "value" and field in FIELDS:
            edit.values[field] = value
        elif what == "value" and field == "userRating":
            plex.view(work).rating, plex.view(work).rated = as_rating(value), edit.at
        elif what == "locked":
            edit.locked.add(field) if value == "1" else edit.locked.discard(field)
        elif what == "tag.tag" and kind in TAG_TYPES:
            replaced.setdefault(kind, []).append(value)
        elif what == "tag.tag-" and kind in TAG_TYPES:
            gone = {unquote(part).lower() for part in value.split(",")}
            kept = replaced.get(kind) or list(tags_of(plex, work, kind))
            replaced[kind] = [tag for tag in kept if tag.lower() not in gone]
    edit.tags.update({kind: list(dict.fromkeys(tags)) for kind, tags in replaced.items()})
    plex.listeners.timeline(work, 5)


async def refresh(request: Request) -> Response:
    """Read a title's files and its description again."""
    plex, work = plex_of(request), plex_of(request).work(request.path_params["key"])
    if work is None:
        return missing()
    plex.listeners.timeline(work, 5)
    return Response(status_code=200)


ROUTES = [
    Route("/library/sections/{id}/all", edit_section, methods=["PUT"]),
    Route("/library/metadata/{key}", edit_title, methods=["PUT"]),
    Route("/library/metadata/{key}/refresh", refresh, methods=["PUT"]),
    Route("/library/metadata/{key}/analyze", refresh, methods=["PUT"]),
    Route("/library/optimize", done, methods=["PUT"]),
    Route("/library/clean/bundles", done, methods=["PUT"]),
]

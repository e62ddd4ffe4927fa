"""Collections: titles of one library under one name."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gatepost_media.sandbox.plex.answer import Row, container, page
from gatepost_media.sandbox.plex.query import TYPES
from gatepost_media.sandbox.plex.sections import bad, listed, missing, plex_of
from gatepost_media.sandbox.plex.state import LIBRARY, Collection
from gatepost_media.sandbox.plex.uris import BadUri, path_of, works_of
from gatepost_media.sandbox.works import is_number


def collection_row(collection: Collection) -> Row:
    """A collection, as the list of them has it."""
    years = [work.year for work in collection.works if work.year]
    row: Row = {
        "ratingKey": str(collection.key),
        "key": f"/library/collections/{collection.key}/children",
        "guid": f"collection://{collection.key}",
        "type": "collection",
        "subtype": collection.section.kind,
        "title": collection.title,
        "titleSort": collection.title.lower(),
        "summary": collection.summary,
        "index": collection.key,
        "ratingCount": 0,
        "thumb": f"/library/collections/{collection.key}/composite/{collection.made}",
        "addedAt": collection.made,
        "updatedAt": collection.made,
        "childCount": len(collection.works),
        "smart": False,
        "librarySectionID": collection.section.key,
        "librarySectionTitle": collection.section.title,
        "librarySectionKey": f"/library/sections/{collection.section.key}",
    }
    if years:
        row["minYear"], row["maxYear"] = min(years), max(years)
    return row


def _found(request: Request) -> Collection | None:
    key = request.path_params.get("collection") or request.path_params.get("key", "")
    return plex_of(request).collections.get(int(key)) if is_number(key) else None


def _one(request: Request, collection: Collection) -> Response:
    return container(request, {"size": 1, "identifier": LIBRARY, "Metadata": [collection_row(collection)]})


async def collections(request: Request) -> Response:
    """Those of a section, or all."""
    number = request.path_params.get("id")
    if number is not None and plex_of(request).section(number) is None:
        return missing()
    found = [one for one in plex_of(request).collections.values() if number in (None, str(one.section.key))]
    first, last = page(request, found)
    rows = [collection_row(collection) for collection in found[first:last]]
    return container(request, {"size": len(rows), "totalSize": len(found), "offset": first, "Metadata": rows})


async def collection_at(request: Request) -> Response:
    """One of them, or what there is to say where there is none."""
    collection = _found(request)
    return missing() if collection is None else _one(request, collection)


async def items_of(request: Request) -> Response:
    """The titles in one, in its order or in the one that is asked for."""
    collection, order = _found(request), request.query_params.get("sort", "")
    if collection is None:
        return missing()
    works = [work for work in collection.works if work.key not in plex_of(request).gone]
    name, _, way = order.partition(":")
    if name == "titleSort":
        works.sort(key=lambda work: work.title.lower(), reverse=way == "desc")
    elif name in ("year", "addedAt"):
        works.sort(key=lambda work: work.added_at if name == "addedAt" else work.year or 0, reverse=way == "desc")
    return listed(request, works, collection.section)


async def create(request: Request) -> Response:
    plex, query = plex_of(request), request.query_params
    section = plex.section(query.get("sectionId", ""))
    if section is None or not query.get("title") or query.get("type", "1") not in TYPES:
        return bad()
    try:
        works = works_of(plex, path_of(query["uri"])) if query.get("uri") else []
    except BadUri:
        return bad()
    collection = Collection(plex.number(), query["title"], section, works, plex.clock.second())
    plex.collections[collection.key] = collection
    return _one(request, collection)


async def add(request: Request) -> Response:
    collection = _found(request)
    if collection is None:
        return missing()
    try:
        works = works_of(plex_of(request), path_of(request.query_params.get("uri", "")))
    except BadUri:
        return bad()
    collection.works += [work for work in works if work not in collection.works]
    return _one(request, collection)


async def take_out(request: Request) -> Response:
    collection = _found(request)
    if collection is None:
        return missing()
    kept = [work for work in collection.works if str(work.key) != request.path_params["item"]]
    if len(kept) == len(collection.works):
        return missing()
    collection.works = kept
    return _one(request, collection)


async def delete(request: Request) -> Response:
    collection = _found(request)
    if collection is None:
        return missing()
    del plex_of(request).collections[collection.key]
    return Response(status_code=200)


ROUTES = [
    Route("/library/sections/{id}/collections", collections),
    Route("/library/sections/{id}/collection/{collection}", delete, methods=["DELETE"]),
    Route("/library/collections", collections, methods=["GET"]),
    Route("/library/collections", create, methods=["POST"]),
    Route("/library/collections/{collection}", collection_at, methods=["GET"]),
    Route("/library/collections/{collection}", delete, methods=["DELETE"]),
    Route("/library/collections/{collection}/children", items_of),
    Route("/library/collections/{collection}/items", items_of, methods=["GET"]),
    Route("/library/collections/{collection}/items", add, methods=["PUT"]),
    Route("/library/collections/{collection}/items/{item}", take_out, methods=["PUT", "DELETE"]),
]

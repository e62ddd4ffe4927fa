"""Collections: titles of one library under one name, put in by hand or (smart) found by a query."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gatepost_media.sandbox.plex.answer import Row, container, page
from gatepost_media.sandbox.plex.query import TYPES
from gatepost_media.sandbox.plex.sections import bad, listed, missing, plex_of
from gatepost_media.sandbox.plex.state import LIBRARY, MACHINE, Collection, Plex
from gatepost_media.sandbox.plex.uris import BadUri, path_of, works_of
from gatepost_media.sandbox.works import Work, is_number, sort_title

PREFERENCES = {
    "collectionMode": "-1:Library default|0:Hide collection|1:Hide items in this collection|2:Show both",
    "collectionSort": "0:Release date|1:Alphabetical|2:Custom",
}
"""What can be set of a collection, and to what; the first value of each is the default."""


def members(plex: Plex, collection: Collection) -> list[Work]:
    """What is in it, in its own order: by release unless `collectionSort` says otherwise."""
    if collection.smart:
        return works_of(plex, collection.query)
    works = [work for work in collection.works if work.key not in plex.gone]
    match collection.prefs.get("collectionSort", "0"):
        case "0":
            works.sort(key=lambda work: work.released or str(work.year or ""))
        case "1":
            works.sort(key=lambda work: sort_title(work.title).lower())
    return works


def collection_row(plex: Plex, collection: Collection) -> Row:
    """A collection, as the list of them has it."""
    works = members(plex, collection)
    years = [work.year for work in works if work.year]
    row: Row = {
        "ratingKey": str(collection.key),
        "key": f"/library/collections/{collection.key}/children",
        "guid": f"collection://{collection.key}",
        "type": "collection",
        "subtype": collection.section.kind,
        "title": collection.title,
        "titleSort": collection.title_sort or sort_title(collection.title),
        "summary": collection.summary,
        "index": collection.key,
        "ratingCount": 0,
        "thumb": f"/library/collections/{collection.key}/composite/{collection.made}",
        "addedAt": collection.made,
        "updatedAt": collection.made,
        "childCount": len(works),
        "smart": collection.smart,
        "librarySectionID": collection.section.key,
        "librarySectionTitle": collection.section.title,
        "librarySectionKey": f"/library/sections/{collection.section.key}",
    }
    if years:
        row["minYear"], row["maxYear"] = min(years), max(years)
    if collection.smart:
        row["content"] = f"server://{MACHINE}/{LIBRARY}{collection.query}"
    if collection.rating is not None:
        row["userRating"] = collection.rating
    return row | {name: int(value) for name, value in collection.prefs.items()}


def _preferences(collection: Collection) -> Row:
    settings = []
    for name, values in PREFERENCES.items():
        default = values.partition(":")[0]
        row: Row = {"id": name, "label": name, "summary": "", "type": "int", "default": default}
        row |= {"value": collection.prefs.get(name, default), "enumValues": values, "hidden": False, "advanced": True}
        settings.append(row | {"group": ""})
    return {"Setting": settings}


def _found(request: Request) -> Collection | None:
    key = request.path_params.get("collection") or request.path_params.get("key", "")
    return plex_of(request).collections.get(int(key)) if is_number(key) else None


def _one(request: Request, collection: Collection) -> Response:
    row = collection_row(plex_of(request), collection)
    if request.query_params.get("includePreferences") == "1":
        row["Preferences"] = _preferences(collection)
    return container(request, {"size": 1, "identifier": LIBRARY, "Metadata": [row]})


async def collections(request: Request) -> Response:
    """Those of a section, or all."""
    number = request.path_params.get("id")
    if number is not None and plex_of(request).section(number) is None:
        return missing()
    found = [one for one in plex_of(request).collections.values() if number in (None, str(one.section.key))]
    first, last = page(request, found)
    rows = [collection_row(plex_of(request), collection) for collection in found[first:last]]
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
    works = members(plex_of(request), collection)
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
    collection = Collection(plex.number(), query["title"], section, [], plex.clock.second())
    try:
        if query.get("uri"):
            _put(plex, collection, query["uri"], smart=query.get("smart") == "1")
    except BadUri:
        return bad()
    plex.collections[collection.key] = collection
    return _one(request, collection)


def _put(plex: Plex, collection: Collection, uri: str, *, smart: bool) -> None:
    """Put what a URI names into a collection; of a smart one, make it the query. Raises BadUri."""
    path = path_of(uri)
    works = works_of(plex, path)
    if smart:
        collection.query = path
    else:
        collection.works += [work for work in works if work not in collection.works]


async def add(request: Request) -> Response:
    """More titles, or another query for a smart one."""
    collection = _found(request)
    if collection is None:
        return missing()
    try:
        _put(plex_of(request), collection, request.query_params.get("uri", ""), smart=collection.smart)
    except BadUri:
        return bad()
    return _one(request, collection)


async def move(request: Request) -> Response:
    """Put a title behind another one, or first."""
    collection, query = _found(request), request.query_params
    if collection is None:
        return missing()
    moved = next((work for work in collection.works if str(work.key) == request.path_params["item"]), None)
    if moved is None or collection.smart:
        return missing() if moved is None else bad()
    collection.works.remove(moved)
    after = query.get("after", "")
    behind = next((at for at, work in enumerate(collection.works) if str(work.key) == after), -1)
    collection.works.insert(behind + 1, moved)
    return _one(request, collection)


async def preferences(request: Request) -> Response:
    """Set how it is shown and ordered."""
    collection, given = _found(request), request.query_params
    if collection is None:
        return missing()
    for name, values in PREFERENCES.items():
        if name in given and given[name] not in [value.partition(":")[0] for value in values.split("|")]:
            return bad()
    collection.prefs.update({name: given[name] for name in PREFERENCES if name in given})
    return Response(status_code=200)


async def edit(request: Request) -> Response:
    """Change what is said of collections, by `id`: `title.value`, `titleSort.value`, `summary.value`."""
    plex, query = plex_of(request), request.query_params
    keys = query["id"].split(",")
    found = [plex.collections.get(int(key)) if is_number(key) else None for key in keys]
    if any(one is None or str(one.section.key) != request.path_params["id"] for one in found):
        return missing()
    for one in found:
        if one is not None:
            one.title = query.get("title.value") or one.title
            one.title_sort = query.get("titleSort.value", one.title_sort)
            one.summary = query.get("summary.value", one.summary)
    return Response(status_code=200)


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
    Route("/library/collections/{collection}/prefs", preferences, methods=["PUT"]),
    Route("/library/collections/{collection}/items/{item}/move", move, methods=["PUT"]),
    Route("/library/collections/{collection}/items/{item}", take_out, methods=["PUT", "DELETE"]),
]

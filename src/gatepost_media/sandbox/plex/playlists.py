"""Playlists: entries with an id each, or a query; made, read, added to, emptied, moved about, thrown away."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gatepost_media.sandbox.plex.answer import Row, container, page
from gatepost_media.sandbox.plex.render import metadata
from gatepost_media.sandbox.plex.sections import bad, missing, plex_of
from gatepost_media.sandbox.plex.state import LIBRARY, MACHINE, Playlist, Plex
from gatepost_media.sandbox.plex.uris import BadUri, path_of, works_of
from gatepost_media.sandbox.works import Work, is_number

_KIND_OF = {"track": "audio", "movie": "video", "episode": "video", "clip": "video"}


def entries_of(plex: Plex, playlist: Playlist) -> Sequence[tuple[int, Work]]:
    """What is in it, with the id of each entry (0 in a smart playlist)."""
    if not playlist.smart:
        return [(entry, work) for entry, work in playlist.entries if work.key not in plex.gone]
    return [(0, leaf) for work in works_of(plex, playlist.query) for leaf in work.leaves()]


def playlist_row(plex: Plex, playlist: Playlist) -> Row:
    """A playlist, as the list of them has it."""
    entries = entries_of(plex, playlist)
    row: Row = {
        "ratingKey": str(playlist.key),
        "key": f"/playlists/{playlist.key}/items",
        "guid": f"com.plexapp.agents.none://{playlist.key}",
        "type": "playlist",
        "title": playlist.title,
        "titleSort": playlist.title.lower(),
        "summary": playlist.summary,
        "smart": playlist.smart,
        "playlistType": playlist.kind,
        "composite": f"/playlists/{playlist.key}/composite/{playlist.changed}",
        "duration": sum(work.duration for _, work in entries),
        "leafCount": len(entries),
        "addedAt": playlist.made,
        "updatedAt": playlist.changed,
        "readOnly": False,
    }
    if playlist.smart:
        row["content"] = f"server://{MACHINE}/{LIBRARY}{playlist.query}"
    return row


def _one(request: Request, playlist: Playlist) -> Response:
    return container(
        request, {"size": 1, "identifier": LIBRARY, "Metadata": [playlist_row(plex_of(request), playlist)]}
    )


def _found(request: Request) -> Playlist | None:
    key = request.path_params["id"]
    return plex_of(request).playlists.get(int(key)) if is_number(key) else None


async def listing(request: Request) -> Response:
    plex, query = plex_of(request), request.query_params
    found = [
        playlist
        for playlist in plex.playlists.values()
        if query.get("playlistType", playlist.kind) == playlist.kind
        and query.get("smart", str(int(playlist.smart))) == str(int(playlist.smart))
        and query.get("title", "").lower() in playlist.title.lower()
    ]
    first, last = page(request, found)
    rows = [playlist_row(plex, playlist) for playlist in found[first:last]]
    return container(request, {"size": len(rows), "totalSize": len(found), "offset": first, "Metadata": rows})


def _named(plex: Plex, uri: str, kind: str) -> list[Work]:
    """The films, episodes or tracks that a URI names. Raises BadUri, also for those of another kind of playlist."""
    works = [leaf for work in works_of(plex, path_of(uri)) for leaf in work.leaves()]
    if not works or any(_KIND_OF.get(work.kind) != kind for work in works):
        raise BadUri(uri)
    return works


async def create(request: Request) -> Response:
    plex, query = plex_of(request), request.query_params
    title, kind, uri = query.get("title", ""), query.get("type", ""), query.get("uri", "")
    if not title or kind not in ("audio", "video", "photo"):
        return bad()
    now = plex.clock.second()
    playlist = Playlist(plex.number(), title, kind, now, now, query.get("summary", ""))
    try:
        if query.get("smart") == "1":
            playlist.query = path_of(uri)
            works_of(plex, playlist.query)
        elif uri:
            playlist.entries = [(plex.number(), work) for work in _named(plex, uri, kind)]
    except BadUri:
        return bad()
    plex.playlists[playlist.key] = playlist
    return _one(request, playlist)


async def read(request: Request) -> Response:
    playlist = _found(request)
    return missing() if playlist is None else _one(request, playlist)


async def change(request: Request) -> Response:
    playlist, query = _found(request), request.query_params
    if playlist is None:
        return missing()
    playlist.title = query.get("title") or query.get("title.value") or playlist.title
    playlist.summary = query.get("summary", query.get("summary.value", playlist.summary))
    playlist.changed = plex_of(request).clock.second()
    return Response(status_code=204)


async def delete(request: Request) -> Response:
    playlist = _found(request)
    if playlist is None:
        return missing()
    del plex_of(request).playlists[playlist.key]
    return Response(status_code=204)


async def items(request: Request) -> Response:
    plex, playlist = plex_of(request), _found(request)
    if playlist is None:
        return missing()
    entries = entries_of(plex, playlist)
    first, last = page(request, entries)
    guids = request.query_params.get("includeGuids") == "1"
    rows = [
        metadata(plex, work, guids=guids) | ({"playlistItemID": entry} if entry else {})
        for entry, work in entries[first:last]
    ]
    content: Row = {
        "size": len(rows),
        "totalSize": len(entries),
        "offset": first,
        "composite": f"/playlists/{playlist.key}/composite/{playlist.changed}",
        "duration": sum(work.duration for _, work in entries) // 1000,
        "leafCount": len(entries),
        "playlistType": playlist.kind,
        "ratingKey": str(playlist.key),
        "smart": playlist.smart,
        "title": playlist.title,
    }
    headers = {"X-Plex-Container-Start": str(first), "X-Plex-Container-Total-Size": str(len(entries))}
    return container(request, {**content, "Metadata": rows}, headers)


async def add(request: Request) -> Response:
    plex, playlist = plex_of(request), _found(request)
    if playlist is None:
        return missing()
    uri = request.query_params.get("uri", "")
    try:
        if playlist.smart:
            playlist.query = path_of(uri)
            works_of(plex, playlist.query)
        else:
            playlist.entries += [(plex.number(), work) for work in _named(plex, uri, playlist.kind)]
    except BadUri:
        return bad()
    playlist.changed = plex.clock.second()
    return _one(request, playlist)


async def clear(request: Request) -> Response:
    playlist = _found(request)
    if playlist is None:
        return missing()
    if playlist.smart:
        return bad()
    playlist.entries.clear()
    return _one(request, playlist)


async def entry(request: Request) -> Response:
    """Take an entry out (DELETE), or put it behind another one (PUT …/move?after=)."""
    playlist, number = _found(request), request.path_params["entry"]
    if playlist is None:
        return missing()
    place = next((place for place, (entry, _) in enumerate(playlist.entries) if str(entry) == number), None)
    if place is None:
        return missing()
    moved = playlist.entries.pop(place)
    if request.method == "PUT":
        after = request.query_params.get("after", "")
        behind = next((at for at, (entry, _) in enumerate(playlist.entries) if str(entry) == after), -1)
        playlist.entries.insert(behind + 1, moved)
    playlist.changed = plex_of(request).clock.second()
    return _one(request, playlist)


ROUTES = [
    Route("/playlists", listing, methods=["GET"]),
    Route("/playlists/all", listing, methods=["GET"]),
    Route("/playlists", create, methods=["POST"]),
    Route("/playlists/{id}", read, methods=["GET"]),
    Route("/playlists/{id}", change, methods=["PUT"]),
    Route("/playlists/{id}", delete, methods=["DELETE"]),
    Route("/playlists/{id}/items", items, methods=["GET"]),
    Route("/playlists/{id}/items", add, methods=["PUT"]),
    Route("/playlists/{id}/items", clear, methods=["DELETE"]),
    Route("/playlists/{id}/items/{entry}", entry, methods=["DELETE"]),
    Route("/playlists/{id}/items/{entry}/move", entry, methods=["PUT"]),
]

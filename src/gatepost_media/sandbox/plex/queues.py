"""Play queues: what a player goes through, one of it selected, with an "up next" that grows behind that one."""

from __future__ import annotations

import random
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gatepost_media.sandbox.plex.answer import Row, container
from gatepost_media.sandbox.plex.playlists import entries_of
from gatepost_media.sandbox.plex.render import metadata
from gatepost_media.sandbox.plex.sections import bad, missing, plex_of
from gatepost_media.sandbox.plex.state import LIBRARY, Plex
from gatepost_media.sandbox.plex.uris import BadUri, path_of, works_of
from gatepost_media.sandbox.works import Work, is_number

WINDOW = 50
"""So many items are shown on either side of the centre, unless another number is asked for."""


@dataclass(slots=True)
class PlayQueue:
    """Items with an id each. `last_added` is the end of its "up next", None while there is none."""

    id: int
    uri: str
    items: list[tuple[int, Work]]
    selected: int
    shuffled: bool
    version: int = 1
    last_added: int | None = None

    def place(self, item: int | None) -> int | None:
        """Where the item of that id stands."""
        return next((at for at, (number, _) in enumerate(self.items) if number == item), None)


def _named(plex: Plex, request: Request) -> list[Work]:
    """What `playlistID` or `uri` names. Raises BadUri where that is nothing that can be played."""
    query = request.query_params
    number, uri = query.get("playlistID", ""), query.get("uri", "")
    if number:
        playlist = plex.playlists.get(int(number)) if is_number(number) else None
        if playlist is None:
            raise BadUri(number)
        works = [work for _, work in entries_of(plex, playlist)]
    else:
        works = [leaf for work in works_of(plex, path_of(uri)) for leaf in work.leaves()]
        if query.get("continuous") == "1" and len(works) == 1 and works[0].kind == "episode":
            every = list(works[0].show.leaves())
            works = every[every.index(works[0]) :]
    if not works:
        raise BadUri(uri)
    return works


def _found(request: Request) -> PlayQueue | None:
    key = request.path_params["id"]
    return plex_of(request).queues.get(int(key)) if is_number(key) else None


def _answer(request: Request, queue: PlayQueue, *, window: int = WINDOW, center: int | None = None) -> Response:
    plex, query = plex_of(request), request.query_params
    at = queue.place(queue.selected if center is None else center) or 0
    first = max(at - window, 0) if query.get("includeBefore", "1") != "0" else at
    last = at + window + 1 if query.get("includeAfter", "1") != "0" else at + 1
    shown = queue.items[first:last]
    selected = queue.place(queue.selected) or 0
    content: Row = {
        "size": len(shown),
        "identifier": LIBRARY,
        "playQueueID": queue.id,
        "playQueueSelectedItemID": queue.selected,
        "playQueueSelectedItemOffset": selected - first,
        "playQueueSelectedMetadataItemID": queue.items[selected][1].key,
        "playQueueShuffled": queue.shuffled,
        "playQueueSourceURI": queue.uri,
        "playQueueTotalCount": len(queue.items),
        "playQueueVersion": queue.version,
    }
    if queue.last_added is not None:
        content["playQueueLastAddedItemID"] = str(queue.last_added)
    rows = [metadata(plex, work) | {"playQueueItemID": number} for number, work in shown]
    return container(request, {**content, "Metadata": rows})


async def create(request: Request) -> Response:
    """From a URI or a playlist; `key` names the title to begin with."""
    plex, query = plex_of(request), request.query_params
    try:
        works = _named(plex, request)
    except BadUri:
        return bad()
    begin = plex.work(query.get("key", "").removeprefix("/library/metadata/"))
    shuffled = query.get("shuffle") == "1"
    if shuffled:
        random.shuffle(works)  # for variety, not for secrets
        if begin in works:
            works.remove(begin)
            works.insert(0, begin)
    items = [(plex.number(), work) for work in works]
    selected = next((number for number, work in items if work is begin), items[0][0])
    queue = PlayQueue(plex.number(), query.get("uri", ""), items, selected, shuffled)
    plex.queues[queue.id] = queue
    return _answer(request, queue)


async def read(request: Request) -> Response:
    queue, query = _found(request), request.query_params
    if queue is None:
        return missing()
    window, center = query.get("window", ""), query.get("center", "")
    return _answer(
        request,
        queue,
        window=int(window) if is_number(window) else WINDOW,
        center=int(center) if is_number(center) else None,
    )


async def add(request: Request) -> Response:
    """To the end of "up next", or with `next=1` right behind what is selected."""
    plex, queue = plex_of(request), _found(request)
    if queue is None:
        return missing()
    try:
        added = [(plex.number(), work) for work in _named(plex, request)]
    except BadUri:
        return bad()
    behind = queue.place(queue.selected) or 0
    at_end = queue.place(queue.last_added)
    if request.query_params.get("next") == "1" and at_end is not None:
        queue.items[behind + 1 : behind + 1] = added
    else:
        place = behind if at_end is None else at_end
        queue.items[place + 1 : place + 1] = added
        queue.last_added = added[-1][0]
    queue.version += 1
    return _answer(request, queue)


async def clear(request: Request) -> Response:
    """Empty it, but for what is selected: that plays on."""
    queue = _found(request)
    if queue is None:
        return missing()
    queue.items = [entry for entry in queue.items if entry[0] == queue.selected]
    queue.last_added = None
    queue.version += 1
    return _answer(request, queue)


async def item(request: Request) -> Response:
    """Take an item out (DELETE), or put it behind another one or first (PUT …/move?after=)."""
    queue, number = _found(request), request.path_params["item"]
    place = queue.place(int(number)) if queue is not None and is_number(number) else None
    if queue is None or place is None:
        return missing()
    if request.method == "PUT":
        moved = queue.items.pop(place)
        after = request.query_params.get("after", "")
        behind = queue.place(int(after)) if is_number(after) else None
        queue.items.insert(0 if behind is None else behind + 1, moved)
        queue.last_added = None if behind is None else moved[0]
    elif queue.items[place][0] == queue.selected:
        return bad()
    else:
        del queue.items[place]
        queue.last_added = queue.last_added if queue.place(queue.last_added) is not None else None
    queue.version += 1
    return _answer(request, queue)


async def shuffle(request: Request) -> Response:
    """Mix what is not selected, which then stands first."""
    queue = _found(request)
    if queue is None:
        return missing()
    selected = [entry for entry in queue.items if entry[0] == queue.selected]
    others = [entry for entry in queue.items if entry[0] != queue.selected]
    random.shuffle(others)  # for variety, not for secrets
    queue.items, queue.shuffled, queue.last_added = selected + others, True, None
    queue.version += 1
    return _answer(request, queue)


ROUTES = [
    Route("/playQueues", create, methods=["POST"]),
    Route("/playQueues/{id}", read, methods=["GET"]),
    Route("/playQueues/{id}", add, methods=["PUT"]),
    Route("/playQueues/{id}/shuffle", shuffle, methods=["PUT"]),
    Route("/playQueues/{id}/items", clear, methods=["DELETE"]),
    Route("/playQueues/{id}/items/{item}", item, methods=["DELETE"]),
    Route("/playQueues/{id}/items/{item}/move", item, methods=["PUT"]),
]

"""`/sync`: ratings, the watchlist, favourites and the collection."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gatepost_media.sandbox.trakt.items import ALL, PLAYED, asked_type, counts, is_of, read
from gatepost_media.sandbox.trakt.reply import Row, body_of, empty, paged, reply, trakt_of
from gatepost_media.sandbox.trakt.shapes import full, media, named
from gatepost_media.sandbox.trakt.state import Entry, Trakt, moment, stamp
from gatepost_media.sandbox.works import Work, is_number, sort_title


async def ratings(request: Request) -> Response:
    trakt, asked = trakt_of(request), asked_type(request)
    if asked is None:
        return empty(404)
    wanted = {int(part) for part in request.path_params.get("rating", "").split(",") if is_number(part)}
    rows = [
        (work, *rated)
        for work, rated in trakt.ratings.items()
        if is_of(asked, work) and (not wanted or rated[0] in wanted)
    ]
    rows.sort(key=lambda row: -row[2])
    whole = full(request)

    def shape(row: tuple[Work, int, int]) -> Row:
        return {"rated_at": stamp(row[2]), "rating": row[1], "type": row[0].kind, **named(row[0], full=whole)}

    return paged(request, rows, shape)


async def add_ratings(request: Request) -> Response:
    trakt, body = trakt_of(request), await body_of(request)
    if body is None:
        return empty(400)
    sent = read(trakt, body, leaves=False)
    rated: list[Work] = []
    for work, said in sent.found:
        rating = said.get("rating")
        if isinstance(rating, bool) or not isinstance(rating, int) or not 1 <= rating <= 10:
            sent.not_found[f"{work.kind}s"].append({"rating": rating, "ids": said.get("ids")})
            continue
        trakt.ratings[work] = (rating, moment(said.get("rated_at")) or trakt.clock.second())
        trakt.touch(f"{work.kind}s", "rated_at")
        rated.append(work)
    return reply({"added": counts(rated, ALL), "not_found": sent.not_found}, 201)


async def remove_ratings(request: Request) -> Response:
    trakt, body = trakt_of(request), await body_of(request)
    if body is None:
        return empty(400)
    sent = read(trakt, body, leaves=False)
    gone = [work for work, _ in sent.found if trakt.ratings.pop(work, None) is not None]
    return reply({"deleted": counts(gone, ALL), "not_found": sent.not_found})


_ORDERS: dict[str, Callable[[tuple[int, Entry]], object]] = {
    "rank": lambda pair: pair[0],
    "added": lambda pair: -pair[1].at,
    "title": lambda pair: sort_title(pair[1].work.title),
    "released": lambda pair: pair[1].work.released,
    "runtime": lambda pair: pair[1].work.duration,
    "popularity": lambda pair: -pair[1].work.about.rating,
    "percentage": lambda pair: -pair[1].work.about.rating,
    "votes": lambda pair: -pair[1].work.key,
    "my_rating": lambda pair: pair[0],
    "random": lambda pair: hash(pair[1].work.key * 7919),
    "watched": lambda pair: pair[0],
    "collected": lambda pair: pair[0],
}


def entries(request: Request, listed: Sequence[Entry]) -> Response:
    """A list in the order that path or query ask for."""
    asked = asked_type(request)
    by = request.path_params.get("sort") or request.query_params.get("sort_by") or "rank"
    how = request.path_params.get("how") or request.query_params.get("sort_how") or "asc"
    if asked is None or by not in _ORDERS or how not in ("asc", "desc"):
        return empty(404)
    order = [pair for pair in enumerate(listed, 1) if is_of(asked, pair[1].work)]
    order.sort(key=lambda pair: _key(by, pair), reverse=how == "desc")
    whole = full(request)

    def shape(pair: tuple[int, Entry]) -> Row:
        rank, entry = pair
        return {
            "rank": rank,
            "id": entry.id,
            "listed_at": stamp(entry.at),
            "notes": entry.notes,
            "type": entry.work.kind,
            **named(entry.work, full=whole),
        }

    applied = {"X-Sort-By": by, "X-Sort-How": how, "X-Applied-Sort-By": by, "X-Applied-Sort-How": how}
    return paged(request, order, shape, headers=applied)


def _key(by: str, pair: tuple[int, Entry]) -> tuple[float, str, int]:
    value = _ORDERS[by](pair)
    return (float(value), "", pair[0]) if isinstance(value, (int, float)) else (0.0, str(value), pair[0])


def add_entries(trakt: Trakt, body: Row, listed: list[Entry]) -> Response:
    """Put what is not yet there on a list."""
    sent = read(trakt, body, leaves=False)
    known = {entry.work for entry in listed}
    added: list[Work] = []
    existing: list[Work] = []
    for work, said in sent.found:
        if work in known:
            existing.append(work)
            continue
        known.add(work)
        notes = said.get("notes")
        listed.append(Entry(trakt.number(), work, trakt.clock.second(), notes if isinstance(notes, str) else None))
        added.append(work)
    updated = {"updated_at": stamp(trakt.clock.second()), "item_count": len(listed)}
    return reply(
        {"added": counts(added, ALL), "existing": counts(existing, ALL), "not_found": sent.not_found, "list": updated},
        201,
    )


def remove_entries(trakt: Trakt, body: Row, listed: list[Entry]) -> Response:
    """Take what is there off a list."""
    sent = read(trakt, body, leaves=False)
    works = {work for work, _ in sent.found}
    gone = [entry for entry in listed if entry.work in works]
    listed[:] = [entry for entry in listed if entry.work not in works]
    updated = {"updated_at": stamp(trakt.clock.second()), "item_count": len(listed)}
    return reply({"deleted": counts([entry.work for entry in gone], ALL), "not_found": sent.not_found, "list": updated})


def _list_of(request: Request) -> list[Entry]:
    trakt = trakt_of(request)
    return trakt.favorites if "/favorites" in request.url.path else trakt.watchlist


async def watchlist(request: Request) -> Response:
    return entries(request, _list_of(request))


async def change_watchlist(request: Request) -> Response:
    trakt, body = trakt_of(request), await body_of(request)
    if body is None:
        return empty(400)
    trakt.touch("watchlist", "updated_at")
    return (remove_entries if request.url.path.endswith("/remove") else add_entries)(
        trakt, dict(body), _list_of(request)
    )


async def collection(request: Request) -> Response:
    trakt, asked = trakt_of(request), asked_type(request, ("movies", "shows", "episodes"))
    if asked is None or not asked:
        return empty(404)
    whole = full(request)
    if asked in ("movies", "episodes"):
        rows = [pair for pair in trakt.collection.items() if is_of(asked, pair[0])]

        def one(pair: tuple[Work, int]) -> Row:
            return {"collected_at": stamp(pair[1]), "updated_at": stamp(pair[1]), **named(pair[0], full=whole)}

        return paged(request, rows, one)
    shows: dict[Work, list[Work]] = {}
    for work in trakt.collection:
        if work.kind == "episode":
            shows.setdefault(work.show, []).append(work)

    def show(pair: tuple[Work, list[Work]]) -> Row:
        last = stamp(max(trakt.collection[episode] for episode in pair[1]))
        seasons = [
            {
                "number": season.index,
                "episodes": [
                    {"number": episode.index, "collected_at": stamp(trakt.collection[episode])}
                    for episode in season.children
                    if episode in pair[1]
                ],
            }
            for season in pair[0].children
            if any(episode in pair[1] for episode in season.children)
        ]
        return {
            "last_collected_at": last,
            "last_updated_at": last,
            "show": media(pair[0], full=whole),
            "seasons": seasons,
        }

    return paged(request, list(shows.items()), show)


async def change_collection(request: Request) -> Response:
    trakt, body = trakt_of(request), await body_of(request)
    if body is None:
        return empty(400)
    sent = read(trakt, body, leaves=True)
    works = [work for work, _ in sent.found]
    if request.url.path.endswith("/remove"):
        gone = [work for work in works if trakt.collection.pop(work, None) is not None]
        return reply({"deleted": counts(gone, PLAYED), "not_found": sent.not_found})
    fresh = [work for work in works if work not in trakt.collection]
    for work, said in sent.found:
        trakt.collection.setdefault(work, moment(said.get("collected_at")) or trakt.clock.second())
    none: Row = {"movies": 0, "episodes": 0}
    existing = counts([work for work in works if work not in fresh], PLAYED)
    return reply(
        {"added": counts(fresh, PLAYED), "updated": none, "existing": existing, "not_found": sent.not_found}, 201
    )


def _list_routes(name: str) -> list[Route]:
    return [
        Route(f"/sync/{name}", watchlist, methods=["GET"]),
        Route(f"/sync/{name}/{{type}}", watchlist, methods=["GET"]),
        Route(f"/sync/{name}/{{type}}/{{sort}}", watchlist, methods=["GET"]),
        Route(f"/sync/{name}/{{type}}/{{sort}}/{{how}}", watchlist, methods=["GET"]),
        Route(f"/sync/{name}", change_watchlist, methods=["POST"]),
        Route(f"/sync/{name}/remove", change_watchlist, methods=["POST"]),
    ]


ROUTES = [
    Route("/sync/ratings", ratings, methods=["GET"]),
    Route("/sync/ratings/{type}", ratings, methods=["GET"]),
    Route("/sync/ratings/{type}/{rating}", ratings, methods=["GET"]),
    Route("/sync/ratings", add_ratings, methods=["POST"]),
    Route("/sync/ratings/remove", remove_ratings, methods=["POST"]),
    *_list_routes("watchlist"),
    *_list_routes("favorites"),
    Route("/sync/collection/{type}", collection, methods=["GET"]),
    Route("/sync/collection", change_collection, methods=["POST"]),
    Route("/sync/collection/remove", change_collection, methods=["POST"]),
]

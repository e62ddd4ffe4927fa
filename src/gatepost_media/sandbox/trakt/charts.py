"""Charts (trending, popular, most watched…), recommendations, and calendars."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gatepost_media.sandbox.trakt.catalogue import alike
from gatepost_media.sandbox.trakt.reply import Row, empty, paged, reply, trakt_of
from gatepost_media.sandbox.trakt.shapes import full, media
from gatepost_media.sandbox.trakt.state import Trakt, moment, stamp
from gatepost_media.sandbox.works import Kind, Work, day_to_seconds, is_number

PERIODS = ("daily", "weekly", "monthly", "yearly", "all")
CHART = 1000
"""A chart has so many titles at most."""

Handler = Callable[[Request], Awaitable[Response]]
Extra = Callable[[Work, int], Row]
_EXTRAS: dict[str, Extra] = {
    "trending": lambda _, rank: {"watchers": max(CHART - rank, 1)},
    "anticipated": lambda _, rank: {"list_count": max(CHART - rank, 1)},
    "favorited": lambda _, rank: {"user_count": max(CHART - rank, 1)},
    "recommended": lambda _, rank: {"user_count": max(CHART - rank, 1)},
    "boxoffice": lambda _, rank: {"revenue": 100_000 * max(CHART - rank, 1)},
}
_COUNTED = ("played", "watched", "collected")


def _kind(request: Request) -> Kind:
    return "movie" if request.url.path.split("/")[1] == "movies" or request.url.path.endswith("/movies") else "show"


def _best(trakt: Trakt, kind: Kind) -> list[Work]:
    works = trakt.works.by_kind[kind]
    return sorted((work for work in works if work.known_ids), key=lambda work: (-work.about.rating, work.key))[:CHART]


async def chart(request: Request) -> Response:
    trakt, name, kind = trakt_of(request), request.path_params["chart"], _kind(request)
    period = request.path_params.get("period", "weekly")
    if period not in PERIODS:
        return empty(404)
    whole = full(request)
    if name == "anticipated":
        now = trakt.clock.second()
        works = [work for work in trakt.works.by_kind[kind] if _comes(work, now)]
    else:
        works = _best(trakt, kind)
    if name == "popular":
        return paged(request, works, lambda work: media(work, full=whole), default=10)
    ranked = list(enumerate(works))

    def shape(pair: tuple[int, Work]) -> Row:
        rank, work = pair
        if name in _COUNTED:
            many = max(CHART - rank, 1)
            counts = {
                "watcher_count": many,
                "play_count": many * 2,
                "collected_count": many // 2,
                "collector_count": many // 2,
            }
            return {**counts, kind: media(work, full=whole)}
        return {**_EXTRAS[name](work, rank), kind: media(work, full=whole)}

    if name == "boxoffice":
        return reply([shape(pair) for pair in ranked[:10]])
    return paged(request, ranked, shape, default=10)


def _comes(work: Work, now: int) -> bool:
    """Whether some of it is not yet out."""
    return any(leaf.released and day_to_seconds(leaf.released) > now for leaf in work.leaves() if not leaf.known_ids)


async def updates(request: Request) -> Response:
    kind, since = _kind(request), moment(request.path_params.get("start")) or 0
    works = [
        work
        for work in trakt_of(request).works.by_kind[kind]
        if work.known_ids and since < trakt_of(request).clock.second()
    ]
    whole = full(request)
    return paged(
        request, works, lambda work: {"updated_at": stamp(work.added_at), kind: media(work, full=whole)}, default=10
    )


async def recommendations(request: Request) -> Response:
    """Titles that share genres with what was seen; without those that were seen or hidden."""
    trakt, kind, query = trakt_of(request), _kind(request), request.query_params
    seen = {row.work.show if kind == "show" else row.work for row in trakt.history()}
    hidden = trakt.hidden.get("recommendations", {})
    collected = {work.show for work in trakt.collection} if query.get("ignore_collected") == "true" else set()
    listed = {entry.work for entry in trakt.watchlist} if query.get("ignore_watchlisted") == "true" else set()
    liked = [work for work in seen if work.kind == kind and work.known_ids]
    ordered: dict[Work, None] = {}
    for work in liked or _best(trakt, kind)[:3]:
        ordered |= dict.fromkeys(alike(trakt, work))
    ordered |= dict.fromkeys(_best(trakt, kind))
    works = [
        work
        for work in ordered
        if work not in seen and work not in hidden and work not in collected and work not in listed
    ]
    limit = query.get("limit", "10")
    whole = full(request)
    return reply([media(work, full=whole) for work in works[: min(int(limit), 100) if is_number(limit) else 10]])


async def hide(request: Request) -> Response:
    trakt = trakt_of(request)
    kind: Kind = "movie" if request.path_params["kind"] == "movies" else "show"
    work = trakt.by_path(kind, request.path_params["id"])
    if work is None:
        return empty(404)
    trakt.hidden.setdefault("recommendations", {})[work] = trakt.clock.second()
    return empty(204)


async def calendar(request: Request) -> Response:
    """What comes out in so many days from a day on: episodes, first or last ones of a season, films."""
    trakt, where = trakt_of(request), request.path_params
    name, days = where["name"], where.get("days", 7)
    day = where.get("start") or dt.datetime.fromtimestamp(trakt.clock.now(), dt.UTC).date().isoformat()
    first = moment(day)
    if first is None or not 1 <= days <= 33 or where["whose"] not in ("my", "all"):
        return empty(400 if first is None else 404)
    last = first + days * 86_400
    mine = _mine(trakt) if where["whose"] == "my" else None
    kind: Kind = "movie" if name in ("movies", "streaming", "dvd") else "episode"
    works = [
        work
        for work in trakt.works.by_kind[kind]
        if work.released
        and first <= day_to_seconds(work.released) < last
        and (mine is None or work.show in mine)
        and _fits(name, work)
    ]
    works.sort(key=lambda work: (work.released, work.key))
    return reply([_calendar_row(work, whole=full(request)) for work in works])


def _mine(trakt: Trakt) -> set[Work]:
    """What the user watches, collects or wants to see. The show that goes on is everybody's."""
    known = [row.work for row in trakt.history()] + [entry.work for entry in trakt.watchlist] + list(trakt.collection)
    goes_on: Sequence[Work] = [
        work for kind in ("movie", "show") for work in trakt.works.by_kind[kind] if work.about.status == "continuing"
    ]
    return {work.show for work in known} | set(goes_on)


def _fits(name: str, work: Work) -> bool:
    season = work.parent
    if name in ("new", "premieres"):
        return work.index == 1 and (name == "premieres" or (season is not None and season.index == 1))
    if name == "finales":
        return season is not None and season.children[-1] is work
    return True


def _calendar_row(work: Work, *, whole: bool) -> Row:
    if work.kind == "movie":
        return {"released": work.released, "movie": media(work, full=whole)}
    return {
        "first_aired": f"{work.released}T20:00:00.000Z",
        "episode": media(work, full=whole),
        "show": media(work.show, full=whole),
    }


def _calendar_routes() -> list[Route]:
    base = "/calendars/{whose}"
    names = ("shows/new", "shows/premieres", "shows/finales", "shows", "movies", "streaming", "dvd")
    made: list[Route] = []
    for path in names:
        name = path.rpartition("/")[2]
        for ending in ("", "/{start}", "/{start}/{days:int}"):
            made.append(Route(f"{base}/{path}{ending}", _with("name", name, calendar)))
    return made


def _with(key: str, value: str, answer: Handler) -> Handler:
    """The same handler, told which of several names its path has."""

    async def handler(request: Request) -> Response:
        request.path_params[key] = value
        return await answer(request)

    return handler


def _chart_routes() -> list[Route]:
    made: list[Route] = []
    for name in (
        "trending",
        "popular",
        "anticipated",
        "favorited",
        "recommended",
        "played",
        "watched",
        "collected",
        "boxoffice",
    ):
        for kind in ("movies",) if name == "boxoffice" else ("movies", "shows"):
            made += [
                Route(f"/{kind}/{name}", _with("chart", name, chart)),
                Route(f"/{kind}/{name}/{{period}}", _with("chart", name, chart)),
            ]
    return made


ROUTES = [
    *_chart_routes(),
    *(Route(f"/{kind}/updates{ending}", updates) for kind in ("movies", "shows") for ending in ("", "/{start}")),
    Route("/recommendations/{kind}", recommendations, methods=["GET"]),
    Route("/recommendations/{kind}/{id}", hide, methods=["DELETE"]),
    *_calendar_routes(),
]

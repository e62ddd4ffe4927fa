"""`/sync`: plays and watched titles, and when anything last changed."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gatepost_media.sandbox.trakt.items import PLAYED, asked_type, counts, is_of, read
from gatepost_media.sandbox.trakt.reply import Row, body_of, empty, paged, reply, trakt_of
from gatepost_media.sandbox.trakt.shapes import full, media, named
from gatepost_media.sandbox.trakt.state import Watch, moment, stamp
from gatepost_media.sandbox.works import Work, day_to_seconds


async def history(request: Request) -> Response:
    trakt, asked, query = trakt_of(request), asked_type(request), request.query_params
    if asked is None:
        return empty(404)
    rows: Sequence[Watch] = trakt.history()
    item = request.path_params.get("id", "")
    if asked in ("shows", "seasons"):
        rows = [
            row
            for row in rows
            if row.work.kind == "episode"
            and item in ("", str(row.work.show.trakt), str(row.work.parent and row.work.parent.trakt))
        ]
    else:
        rows = [row for row in rows if is_of(asked, row.work) and item in ("", str(row.work.trakt), row.work.slug)]
    start, end = moment(query.get("start_at")), moment(query.get("end_at"))
    if start is not None:
        rows = [row for row in rows if row.at >= start]
    if end is not None:
        rows = [row for row in rows if row.at <= end]
    whole = full(request)

    def shape(row: Watch) -> Row:
        return {
            "id": row.id,
            "watched_at": stamp(row.at),
            "action": row.action,
            "type": row.work.kind,
            **named(row.work, full=whole),
        }

    return paged(request, rows, shape)


async def add_history(request: Request) -> Response:
    trakt, body = trakt_of(request), await body_of(request)
    if body is None:
        return empty(400)
    sent = read(trakt, body, leaves=True)
    now = trakt.clock.second()
    for work, said in sent.found:
        when = said.get("watched_at")
        at = day_to_seconds(work.released) if when == "released" and work.released else moment(when)
        trakt.watch(work, now if at is None else at)
    works = [work for work, _ in sent.found]
    return reply({"added": counts(works, PLAYED), "not_found": sent.not_found}, 201)


async def remove_history(request: Request) -> Response:
    """By title, or by the number of a row (`ids`)."""
    trakt, body = trakt_of(request), await body_of(request)
    if body is None:
        return empty(400)
    sent = read(trakt, body, leaves=True)
    works = {work for work, _ in sent.found}
    asked = body.get("ids")
    numbers = {one for one in asked if isinstance(one, int)} if isinstance(asked, list) else set()
    gone = [row for row in trakt.history() if row.work in works or row.id in numbers]
    lost = sorted(numbers - {row.id for row in gone})
    trakt.watches = [row for row in trakt.watches if row not in gone] if gone else trakt.watches
    return reply({"deleted": counts([row.work for row in gone], PLAYED), "not_found": {**sent.not_found, "ids": lost}})


async def watched(request: Request) -> Response:
    """What was seen, with plays. Of shows the seasons only with `extended=progress`."""
    trakt, asked = trakt_of(request), asked_type(request, ("movies", "shows"))
    if asked is None or not asked:
        return empty(404)
    plays: dict[Work, list[Watch]] = {}
    for row in trakt.history():
        if (row.work.kind == "movie") == (asked == "movies"):
            plays.setdefault(row.work, []).append(row)
    whole = full(request)
    if asked == "movies":
        order = sorted(plays.items(), key=lambda pair: (-len(pair[1]), -pair[1][0].at))

        def movie(pair: tuple[Work, list[Watch]]) -> Row:
            work, rows = pair
            last = stamp(max(row.at for row in rows))
            return {
                "plays": len(rows),
                "last_watched_at": last,
                "last_updated_at": last,
                "movie": media(work, full=whole),
            }

        return paged(request, order, movie)
    shows: dict[Work, dict[Work, list[Watch]]] = {}
    for work, rows in plays.items():
        shows.setdefault(work.show, {})[work] = rows
    progress = "progress" in request.query_params.get("extended", "")
    ranked = sorted(shows.items(), key=lambda pair: -sum(len(rows) for rows in pair[1].values()))
    return paged(request, ranked, lambda pair: _watched_show(pair[0], pair[1], whole=whole, progress=progress))


def _watched_show(show: Work, plays: dict[Work, list[Watch]], *, whole: bool, progress: bool) -> Row:
    last = stamp(max(row.at for rows in plays.values() for row in rows))
    row: Row = {
        "plays": sum(len(rows) for rows in plays.values()),
        "last_watched_at": last,
        "last_updated_at": last,
        "reset_at": None,
        "show": media(show, full=whole),
    }
    if progress:
        row["seasons"] = [
            {
                "number": season.index,
                "episodes": [
                    {
                        "number": episode.index,
                        "plays": len(plays[episode]),
                        "last_watched_at": stamp(max(one.at for one in plays[episode])),
                    }
                    for episode in season.children
                    if episode in plays
                ],
            }
            for season in show.children
            if any(episode in plays for episode in season.children)
        ]
    return row


async def last_activities(request: Request) -> Response:
    trakt = trakt_of(request)
    began = stamp(1_700_000_000)
    row: dict[str, object] = {"all": stamp(max(trakt.activities.values(), default=1_700_000_000))}
    for group, names in (
        (
            "movies",
            (
                "watched_at",
                "collected_at",
                "rated_at",
                "watchlisted_at",
                "favorited_at",
                "commented_at",
                "paused_at",
                "hidden_at",
            ),
        ),
        ("episodes", ("watched_at", "collected_at", "rated_at", "watchlisted_at", "commented_at", "paused_at")),
        ("shows", ("rated_at", "watchlisted_at", "favorited_at", "commented_at", "hidden_at", "dropped_at")),
        ("seasons", ("rated_at", "watchlisted_at", "commented_at", "hidden_at")),
        ("watchlist", ("updated_at",)),
        ("favorites", ("updated_at",)),
        ("lists", ("liked_at", "updated_at", "commented_at")),
    ):
        row[group] = {
            name: stamp(trakt.activities[key]) if (key := f"{group}.{name}") in trakt.activities else began
            for name in names
        }
    return reply(row)


ROUTES = [
    Route("/sync/last_activities", last_activities),
    Route("/sync/history", history, methods=["GET"]),
    Route("/sync/history/{type}", history, methods=["GET"]),
    Route("/sync/history/{type}/{id}", history, methods=["GET"]),
    Route("/sync/history", add_history, methods=["POST"]),
    Route("/sync/history/remove", remove_history, methods=["POST"]),
    Route("/sync/watched/{type}", watched),
]

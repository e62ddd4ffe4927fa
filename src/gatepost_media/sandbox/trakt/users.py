"""The user: settings, statistics, what is hidden, whom the user follows, and what `/sync` says by a user's name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gatepost_media.sandbox.trakt import shelves, sync
from gatepost_media.sandbox.trakt.items import counts, read
from gatepost_media.sandbox.trakt.reply import Row, body_of, empty, paged, reply, trakt_of
from gatepost_media.sandbox.trakt.shapes import full, named, user
from gatepost_media.sandbox.trakt.state import USER, stamp
from gatepost_media.sandbox.works import Work

OTHERS = ("ada", "grace")
HIDDEN = (
    "calendar",
    "progress_watched",
    "progress_watched_reset",
    "progress_collected",
    "recommendations",
    "comments",
    "dropped",
)
Handler = Callable[[Request], Awaitable[Response]]


def whose(request: Request) -> str | None:
    """The user that the path names; None if there is none of that name."""
    name: str = request.path_params.get("user", "me")
    if name == "me":
        return USER
    return name if name in (USER, *OTHERS) else None


async def profile(request: Request) -> Response:
    name = whose(request)
    return empty(404) if name is None else reply(user(name, full=full(request)))


async def settings(_: Request) -> Response:
    limits = {
        "list": {"count": 5, "item_count": 250},
        "watchlist": {"item_count": 250},
        "favorites": {"item_count": 100},
    }
    account = {"timezone": "UTC", "date_format": "ymd", "time_24hr": True, "cover_image": None, "token": None}
    text = {"watching": "I'm watching [item]", "watched": "I just watched [item]", "rated": "[item] [stars]"}
    return reply(
        {
            "user": user(USER, full=True),
            "account": account,
            "connections": dict.fromkeys(("facebook", "twitter", "mastodon", "google", "tumblr"), False),
            "sharing_text": text,
            "limits": limits,
        }
    )


async def statistics(request: Request) -> Response:
    trakt, name = trakt_of(request), whose(request)
    if name is None:
        return empty(404)
    rows = trakt.history() if name == USER else []
    films = [row.work for row in rows if row.work.kind == "movie"]
    episodes = [row.work for row in rows if row.work.kind == "episode"]
    rated = [rating for rating, _ in trakt.ratings.values()] if name == USER else []
    collected = list(trakt.collection) if name == USER else []

    def part(works: list[Work], kind: str) -> Row:
        minutes = sum(work.duration for work in works) // 60_000
        had = sum(1 for work in collected if work.kind == kind)
        rates = sum(1 for work in trakt.ratings if work.kind == kind) if name == USER else 0
        return {
            "plays": len(works),
            "watched": len(set(works)),
            "minutes": minutes,
            "collected": had,
            "ratings": rates,
            "comments": 0,
        }

    shows = {work.show for work in episodes}
    spread = {str(step): rated.count(step) for step in range(1, 11)}
    return reply(
        {
            "movies": part(films, "movie"),
            "shows": {"watched": len(shows), "collected": 0, "ratings": 0, "comments": 0},
            "seasons": {"ratings": 0, "comments": 0},
            "episodes": part(episodes, "episode"),
            "network": {"friends": 0, "followers": 0, "following": 0},
            "ratings": {"total": len(rated), "distribution": spread},
        }
    )


async def watching(request: Request) -> Response:
    trakt, name = trakt_of(request), whose(request)
    trakt.settle()
    now = trakt.watching if name == USER else None
    if name is None or now is None:
        return empty(404 if name is None else 204)
    return reply(
        {
            "expires_at": stamp(now.ends),
            "started_at": stamp(now.began),
            "action": now.action,
            "type": now.work.kind,
            **named(now.work),
        }
    )


async def nobody(request: Request) -> Response:
    """Followers, friends, and who asks to be one: none."""
    return empty(404) if whose(request) is None else paged(request, [], lambda row: row)


async def following(request: Request) -> Response:
    """Whom the user follows; of the others nothing is known."""
    name = whose(request)
    rows = trakt_of(request).following.items() if name == USER else ()
    if name is None:
        return empty(404)
    return paged(request, list(rows), lambda row: {"followed_at": stamp(row[1]), "user": user(row[0])})


async def follow(request: Request) -> Response:
    """Follow somebody (POST), who lets everybody do so, or no longer (DELETE)."""
    trakt, name = trakt_of(request), whose(request)
    if name not in OTHERS:
        return empty(404)
    if request.method == "DELETE":
        return empty(404 if trakt.following.pop(name, None) is None else 204)
    if name in trakt.following:
        return empty(409)
    trakt.following[name] = trakt.clock.second()
    return reply({"approved_at": stamp(trakt.following[name]), "user": user(name)}, 201)


async def hidden(request: Request) -> Response:
    trakt, section = trakt_of(request), request.path_params["section"]
    if section not in HIDDEN:
        return empty(404)
    kind = request.query_params.get("type", "")
    rows = [pair for pair in trakt.hidden.get(section, {}).items() if kind in ("", pair[0].kind)]
    return paged(
        request, rows, lambda pair: {"hidden_at": stamp(pair[1]), "type": pair[0].kind, **named(pair[0])}, default=10
    )


async def change_hidden(request: Request) -> Response:
    trakt, body, section = trakt_of(request), await body_of(request), request.path_params["section"]
    if body is None or section not in HIDDEN:
        return empty(400 if body is None else 404)
    sent = read(trakt, body, leaves=False)
    kept = trakt.hidden.setdefault(section, {})
    if request.url.path.endswith("/remove"):
        gone = [work for work, _ in sent.found if kept.pop(work, None) is not None]
        return reply({"deleted": counts(gone, ("movies", "shows", "seasons")), "not_found": sent.not_found})
    works = [work for work, _ in sent.found]
    kept.update(dict.fromkeys(works, trakt.clock.second()))
    return reply({"added": counts(works, ("movies", "shows", "seasons")), "not_found": sent.not_found}, 201)


def _own(answer: Handler) -> Handler:
    """What `/sync` says, for the user by name; of others nothing is known."""

    async def handler(request: Request) -> Response:
        name = whose(request)
        if name == USER:
            return await answer(request)
        return empty(404) if name is None else paged(request, [], lambda row: row)

    return handler


def _synced(path: str, answer: Handler) -> list[Route]:
    return [Route(f"/users/{{user}}/{path}", _own(answer), methods=["GET"])]


ROUTES = [
    Route("/users/settings", settings),
    Route("/users/requests", nobody),
    Route("/users/hidden/{section}", hidden, methods=["GET"]),
    Route("/users/hidden/{section}", change_hidden, methods=["POST"]),
    Route("/users/hidden/{section}/remove", change_hidden, methods=["POST"]),
    Route("/users/{user}", profile),
    Route("/users/{user}/stats", statistics),
    Route("/users/{user}/watching", watching),
    *(Route(f"/users/{{user}}/{name}", nobody) for name in ("followers", "friends")),
    Route("/users/{user}/following", following),
    Route("/users/{user}/follow", follow, methods=["POST", "DELETE"]),
    *_synced("history", sync.history),
    *_synced("history/{type}", sync.history),
    *_synced("history/{type}/{id}", sync.history),
    *_synced("watched/{type}", sync.watched),
    *_synced("ratings", shelves.ratings),
    *_synced("ratings/{type}", shelves.ratings),
    *_synced("ratings/{type}/{rating}", shelves.ratings),
    *_synced("collection/{type}", shelves.collection),
    *_synced("watchlist", shelves.watchlist),
    *_synced("watchlist/{type}", shelves.watchlist),
    *_synced("watchlist/{type}/{sort}", shelves.watchlist),
    *_synced("favorites", shelves.watchlist),
    *_synced("favorites/{type}", shelves.watchlist),
]

"""The user, and lists: settings, statistics, what is hidden, and lists with what is on them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gatepost_media.sandbox.trakt import shelves, sync
from gatepost_media.sandbox.trakt.items import counts, read
from gatepost_media.sandbox.trakt.reply import Row, body_of, empty, paged, reply, trakt_of
from gatepost_media.sandbox.trakt.shapes import full, named, user
from gatepost_media.sandbox.trakt.state import USER, UserList, stamp
from gatepost_media.sandbox.works import Work, slugify

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
PRIVACIES = ("private", "link", "friends", "public")
Handler = Callable[[Request], Awaitable[Response]]


def _whose(request: Request) -> str | None:
    """The user that the path names; None if there is none of that name."""
    name: str = request.path_params.get("user", "me")
    if name == "me":
        return USER
    return name if name in (USER, *OTHERS) else None


async def profile(request: Request) -> Response:
    name = _whose(request)
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
    trakt, name = trakt_of(request), _whose(request)
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
    trakt, name = trakt_of(request), _whose(request)
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
    """Followers, friends and likes: none."""
    return empty(404) if _whose(request) is None else paged(request, [], lambda row: row)


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


def list_row(made: UserList) -> Row:
    """A list, without what is on it."""
    updated = stamp(max((entry.at for entry in made.entries), default=made.made))
    return {
        "name": made.name,
        "description": made.description,
        "privacy": made.privacy,
        "share_link": f"https://trakt.tv/lists/{made.id}",
        "type": "personal",
        "display_numbers": False,
        "allow_comments": True,
        "sort_by": "rank",
        "sort_how": "asc",
        "created_at": stamp(made.made),
        "updated_at": updated,
        "item_count": len(made.entries),
        "comment_count": 0,
        "likes": made.likes,
        "ids": {"trakt": made.id, "slug": slugify(made.name)},
        "user": user(made.owner),
    }


def _list(request: Request) -> UserList | None:
    """The list that the path names, by number or slug, if whoever asks may see it."""
    trakt, asked, owner = trakt_of(request), request.path_params["list"], _whose(request)
    for one in trakt.lists:
        mine = "user" not in request.path_params or one.owner == owner
        if mine and asked in (str(one.id), slugify(one.name)) and (one.owner == USER or one.privacy == "public"):
            return one
    return None


async def lists(request: Request) -> Response:
    trakt, name = trakt_of(request), _whose(request)
    if name is None:
        return empty(404)
    rows = [one for one in trakt.lists if one.owner == name and (name == USER or one.privacy == "public")]
    return paged(request, rows, list_row)


async def public_lists(request: Request) -> Response:
    """Trending and popular lists."""
    rows = sorted((one for one in trakt_of(request).lists if one.privacy == "public"), key=lambda one: -one.likes)
    return paged(
        request, rows, lambda one: {"like_count": one.likes, "comment_count": 0, "list": list_row(one)}, default=10
    )


async def make_list(request: Request) -> Response:
    trakt, body = trakt_of(request), await body_of(request)
    if body is None or _whose(request) != USER:
        return empty(400 if body is None else 403)
    name, privacy = body.get("name"), body.get("privacy", "private")
    if not isinstance(name, str) or not name or privacy not in PRIVACIES:
        return empty(422)
    if len([one for one in trakt.lists if one.owner == USER]) >= 5:
        return empty(420, {"X-Account-Limit": "5", "X-VIP-User": "false", "X-Upgrade-URL": "https://trakt.tv/vip"})
    made = UserList(trakt.number(), USER, name, str(body.get("description") or ""), str(privacy), trakt.clock.second())
    trakt.lists.append(made)
    return reply({name: value for name, value in list_row(made).items() if name != "user"}, 201)


async def one_list(request: Request) -> Response:
    trakt, made = trakt_of(request), _list(request)
    if made is None:
        return empty(404)
    if request.method == "GET":
        return reply(list_row(made))
    if made.owner != USER:
        return empty(403)
    if request.method == "DELETE":
        trakt.lists.remove(made)
        return empty(204)
    body = await body_of(request) or {}
    made.name = str(body.get("name") or made.name)
    made.description = str(body.get("description", made.description))
    if body.get("privacy") in PRIVACIES:
        made.privacy = str(body["privacy"])
    return reply(list_row(made))


async def list_items(request: Request) -> Response:
    made = _list(request)
    if made is None:
        return empty(404)
    singles = {"movie": "movies", "show": "shows", "season": "seasons", "episode": "episodes"}
    asked = request.path_params.get("type", "")
    request.path_params["type"] = singles.get(asked, asked)
    return shelves.entries(request, made.entries)


async def change_list(request: Request) -> Response:
    trakt, body, made = trakt_of(request), await body_of(request), _list(request)
    if body is None or made is None:
        return empty(400 if body is None else 404)
    if made.owner != USER:
        return empty(403)
    change = shelves.remove_entries if request.url.path.endswith("/remove") else shelves.add_entries
    return change(trakt, dict(body), made.entries)


def _own(answer: Handler) -> Handler:
    """What `/sync` says, for the user by name; of others nothing is known."""

    async def handler(request: Request) -> Response:
        name = _whose(request)
        if name == USER:
            return await answer(request)
        return empty(404) if name is None else paged(request, [], lambda row: row)

    return handler


def _synced(path: str, answer: Handler) -> list[Route]:
    return [Route(f"/users/{{user}}/{path}", _own(answer), methods=["GET"])]


ROUTES = [
    Route("/users/settings", settings),
    Route("/users/likes", nobody),
    Route("/users/likes/{type}", nobody),
    Route("/users/hidden/{section}", hidden, methods=["GET"]),
    Route("/users/hidden/{section}", change_hidden, methods=["POST"]),
    Route("/users/hidden/{section}/remove", change_hidden, methods=["POST"]),
    Route("/users/{user}", profile),
    Route("/users/{user}/stats", statistics),
    Route("/users/{user}/watching", watching),
    *(Route(f"/users/{{user}}/{name}", nobody) for name in ("followers", "following", "friends")),
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
    Route("/users/{user}/lists", lists, methods=["GET"]),
    Route("/users/{user}/lists", make_list, methods=["POST"]),
    Route("/users/{user}/lists/{list}", one_list, methods=["GET", "PUT", "DELETE"]),
    Route("/users/{user}/lists/{list}/items", list_items, methods=["GET"]),
    Route("/users/{user}/lists/{list}/items/{type}", list_items, methods=["GET"]),
    Route("/users/{user}/lists/{list}/items", change_list, methods=["POST"]),
    Route("/users/{user}/lists/{list}/items/remove", change_list, methods=["POST"]),
    Route("/lists/trending", public_lists),
    Route("/lists/popular", public_lists),
    Route("/lists/{list}", one_list, methods=["GET"]),
    Route("/lists/{list}/items", list_items),
    Route("/lists/{list}/items/{type}", list_items),
]

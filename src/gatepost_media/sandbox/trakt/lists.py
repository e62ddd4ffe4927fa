"""Lists: one's own and other people's, what is on them, and who likes them."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gatepost_media.sandbox.trakt import shelves
from gatepost_media.sandbox.trakt.reply import Row, body_of, empty, paged, reply, trakt_of
from gatepost_media.sandbox.trakt.shapes import user
from gatepost_media.sandbox.trakt.state import USER, UserList, stamp
from gatepost_media.sandbox.trakt.users import whose
from gatepost_media.sandbox.works import slugify

PRIVACIES = ("private", "link", "friends", "public")


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
    trakt, asked, owner = trakt_of(request), request.path_params["list"], whose(request)
    for one in trakt.lists:
        mine = "user" not in request.path_params or one.owner == owner
        if mine and asked in (str(one.id), slugify(one.name)) and (one.owner == USER or one.privacy == "public"):
            return one
    return None


async def lists(request: Request) -> Response:
    trakt, name = trakt_of(request), whose(request)
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
    if body is None or whose(request) != USER:
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


async def like(request: Request) -> Response:
    """Like a list, or no longer."""
    made = _list(request)
    if made is None:
        return empty(404)
    likes = request.method == "POST"
    made.likes += likes - bool(made.liked_at)
    made.liked_at = trakt_of(request).clock.second() if likes else 0
    return empty(204)


async def likes(request: Request) -> Response:
    """The lists that the user likes; comments cannot be liked here."""
    rows = [one for one in trakt_of(request).lists if one.liked_at]
    if request.path_params.get("type", "lists") != "lists":
        rows = []
    return paged(
        request, rows, lambda one: {"liked_at": stamp(one.liked_at), "type": "list", "list": list_row(one)}, default=10
    )


ROUTES = [
    Route("/users/likes", likes),
    Route("/users/likes/{type}", likes),
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
    *(
        Route(f"{base}/like", like, methods=["POST", "DELETE"])
        for base in ("/users/{user}/lists/{list}", "/lists/{list}")
    ),
]

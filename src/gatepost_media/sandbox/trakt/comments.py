"""Comments: on titles, on their own, answers to them; written and taken back."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gatepost_media.sandbox.trakt.catalogue import found
from gatepost_media.sandbox.trakt.reply import Row, body_of, empty, paged, reply, trakt_of
from gatepost_media.sandbox.trakt.shapes import full, named, user
from gatepost_media.sandbox.trakt.state import USER, Comment, Trakt, stamp
from gatepost_media.sandbox.works import Kind, Work

ORDERS = ("newest", "oldest", "likes", "replies", "highest", "lowest", "plays", "watched")
LEAST_WORDS = 5


def comment_row(trakt: Trakt, comment: Comment) -> Row:
    """A comment, without its title."""
    replies = sum(1 for other in trakt.comments if other.parent == comment.id)
    return {
        "id": comment.id,
        "parent_id": comment.parent,
        "created_at": stamp(comment.at),
        "updated_at": stamp(comment.at),
        "comment": comment.text,
        "spoiler": comment.spoiler,
        "review": comment.review,
        "replies": replies,
        "likes": comment.likes,
        "language": "en",
        "user_rating": comment.rating,
        "user_stats": {"rating": comment.rating, "play_count": 1, "completed_count": 1},
        "user": user(comment.user),
    }


def _ordered(trakt: Trakt, comments: list[Comment], order: str) -> list[Comment]:
    match order:
        case "oldest":
            return sorted(comments, key=lambda one: one.at)
        case "likes":
            return sorted(comments, key=lambda one: -one.likes)
        case "replies":
            return sorted(comments, key=lambda one: -sum(1 for other in trakt.comments if other.parent == one.id))
        case "highest" | "lowest":
            return sorted(comments, key=lambda one: one.rating or 0, reverse=order == "highest")
        case _:
            return sorted(comments, key=lambda one: -one.at)


async def of_title(request: Request) -> Response:
    trakt, work, order = trakt_of(request), found(request), request.path_params.get("sort", "newest")
    if work is None or order not in ORDERS:
        return empty(404)
    comments = [one for one in trakt.comments if one.work is work and not one.parent]
    return paged(request, _ordered(trakt, comments, order), lambda one: comment_row(trakt, one), default=10)


def _named(request: Request) -> Comment | None:
    return next((one for one in trakt_of(request).comments if one.id == request.path_params["comment"]), None)


async def one(request: Request) -> Response:
    trakt, comment = trakt_of(request), _named(request)
    if comment is None:
        return empty(404)
    if request.method == "GET":
        return reply(comment_row(trakt, comment))
    if comment.user != USER:
        return empty(401)
    if request.method == "DELETE":
        trakt.comments.remove(comment)
        return empty(204)
    body = await body_of(request) or {}
    text = body.get("comment")
    if not isinstance(text, str) or len(text.split()) < LEAST_WORDS:
        return reply({"errors": {"comment": ["must be at least 5 words"]}}, 422)
    comment.text, comment.spoiler = text, body.get("spoiler") is True
    return reply(comment_row(trakt, comment))


async def item(request: Request) -> Response:
    comment = _named(request)
    if comment is None:
        return empty(404)
    return reply({"type": comment.work.kind, **named(comment.work, full=full(request))})


async def replies(request: Request) -> Response:
    trakt, comment = trakt_of(request), _named(request)
    if comment is None:
        return empty(404)
    answers = _ordered(trakt, [one for one in trakt.comments if one.parent == comment.id], "oldest")
    return paged(request, answers, lambda one: comment_row(trakt, one), default=10)


async def write(request: Request) -> Response:
    """A comment on a title, or (under a comment) an answer."""
    trakt, body = trakt_of(request), await body_of(request)
    above = _named(request) if "comment" in request.path_params else None
    if body is None:
        return empty(400)
    work = above.work if above is not None else _meant(trakt, body)
    if work is None:
        return empty(404)
    text = body.get("comment")
    if not isinstance(text, str) or len(text.split()) < LEAST_WORDS:
        return reply({"errors": {"comment": ["must be at least 5 words"]}}, 422)
    made = Comment(
        trakt.number(), work, text, USER, trakt.clock.second(), body.get("spoiler") is True, len(text.split()) >= 200
    )
    made.parent = above.id if above is not None else 0
    trakt.comments.append(made)
    return reply(comment_row(trakt, made), 201)


def _meant(trakt: Trakt, body: Mapping[str, object]) -> Work | None:
    kinds: tuple[Kind, ...] = ("movie", "show", "season", "episode")
    for kind in kinds:
        said = body.get(kind)
        if isinstance(said, Mapping):
            return trakt.find(kind, said)
    return None


_BASES = (
    "/movies/{id}",
    "/shows/{id}",
    "/shows/{id}/seasons/{season:int}",
    "/shows/{id}/seasons/{season:int}/episodes/{episode:int}",
)

ROUTES = [
    *(Route(f"{base}/comments{ending}", of_title) for base in _BASES for ending in ("", "/{sort}")),
    Route("/comments", write, methods=["POST"]),
    Route("/comments/{comment:int}", one, methods=["GET", "PUT", "DELETE"]),
    Route("/comments/{comment:int}/item", item),
    Route("/comments/{comment:int}/replies", replies, methods=["GET"]),
    Route("/comments/{comment:int}/replies", write, methods=["POST"]),
]

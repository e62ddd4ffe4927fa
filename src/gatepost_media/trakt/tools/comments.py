"""What people say about movies, shows, seasons and episodes; spoilers hidden unless they are asked for."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field, model_validator

from gatepost_media.common.ids import Digits, digits
from gatepost_media.common.output import Out, Page
from gatepost_media.common.tools import Context, Toolset
from gatepost_media.trakt.arguments import (
    CommentSort,
    EpisodeNumber,
    ItemId,
    Limit,
    PageNumber,
    Season,
    Spoilers,
    checked,
)
from gatepost_media.trakt.client import Json, Object
from gatepost_media.trakt.listing import listed, trakt
from gatepost_media.trakt.models import TraktRow, read
from gatepost_media.trakt.profiles import CATALOGUE, PROFILES

TOOLS = Toolset("trakt-comments", "", PROFILES)

HIDDEN = "(a spoiler; ask again with show_spoilers=true to read it)"
_OPENS, _CLOSES = "[spoiler]", "[/spoiler]"

CommentId = Annotated[Digits, Field(description="The `id` of a comment.")]
MaxPages = Annotated[int, Field(ge=1, le=1000, description="Requests to Trakt at most for this reply.")]


class Comment(TraktRow):
    """What somebody said."""

    id: int
    comment: str
    spoiler: bool = False
    review: bool = False
    user: str | None = None
    user_rating: int | None = None
    likes: int | None = None
    replies: int | None = None
    parent_id: int | None = None
    language: str | None = None
    created_at: str | None = None
    updated_at: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _name_user(cls, raw: object) -> object:
        user = raw.get("user") if isinstance(raw, dict) else None
        return {**raw, "user": user.get("username")} if isinstance(raw, dict) and isinstance(user, dict) else raw


class CommentReply(Comment, Out):
    """One comment."""

    model_config = ConfigDict(extra="ignore")


class Replies(Page[Comment]):
    """The replies to a comment, and the comment."""

    to: Comment


@TOOLS.tool("fetch_movie_comments", title="Comments on a movie", effect="read", idempotent=True, profiles=CATALOGUE)
async def fetch_movie_comments(
    ctx: Context,
    movie_id: ItemId,
    limit: Limit = 10,
    show_spoilers: Spoilers = False,
    sort: CommentSort = "newest",
    page: PageNumber = None,
    max_pages: MaxPages = 100,
) -> Page[Comment]:
    """What people say about one movie."""
    movie = checked("movie_id", movie_id)
    path = ("movies", movie, "comments", sort)
    return await _comments(ctx, path, limit, page, max_pages, show_spoilers, f"the movie {movie}")


@TOOLS.tool("fetch_show_comments", title="Comments on a show", effect="read", idempotent=True, profiles=CATALOGUE)
async def fetch_show_comments(
    ctx: Context,
    show_id: ItemId,
    limit: Limit = 10,
    show_spoilers: Spoilers = False,
    sort: CommentSort = "newest",
    page: PageNumber = None,
    max_pages: MaxPages = 100,
) -> Page[Comment]:
    """What people say about one show."""
    show = checked("show_id", show_id)
    path = ("shows", show, "comments", sort)
    return await _comments(ctx, path, limit, page, max_pages, show_spoilers, f"the show {show}")


@TOOLS.tool("fetch_season_comments", title="Comments on a season", effect="read", idempotent=True, profiles=CATALOGUE)
async def fetch_season_comments(
    ctx: Context,
    show_id: ItemId,
    season: Season,
    limit: Limit = 10,
    show_spoilers: Spoilers = False,
    sort: CommentSort = "newest",
    page: PageNumber = None,
    max_pages: MaxPages = 100,
) -> Page[Comment]:
    """What people say about one season."""
    show = checked("show_id", show_id)
    path = ("shows", show, "seasons", str(season), "comments", sort)
    what = f"season {season} of the show {show}"
    return await _comments(ctx, path, limit, page, max_pages, show_spoilers, what)


@TOOLS.tool(
    "fetch_episode_comments", title="Comments on an episode", effect="read", idempotent=True, profiles=CATALOGUE
)
async def fetch_episode_comments(
    ctx: Context,
    show_id: ItemId,
    season: Season,
    episode: EpisodeNumber,
    limit: Limit = 10,
    show_spoilers: Spoilers = False,
    sort: CommentSort = "newest",
    page: PageNumber = None,
    max_pages: MaxPages = 100,
) -> Page[Comment]:
    """What people say about one episode."""
    show = checked("show_id", show_id)
    path = ("shows", show, "seasons", str(season), "episodes", str(episode), "comments", sort)
    what = f"episode {episode} of season {season} of the show {show}"
    return await _comments(ctx, path, limit, page, max_pages, show_spoilers, what)


@TOOLS.tool("fetch_comment", title="A comment", effect="read", idempotent=True, profiles=CATALOGUE)
async def fetch_comment(ctx: Context, comment_id: CommentId, show_spoilers: Spoilers = False) -> CommentReply:
    """One comment by its id."""
    return read(CommentReply, _veiled(await _comment(ctx, comment_id), show_spoilers))


@TOOLS.tool("fetch_comment_replies", title="Replies to a comment", effect="read", idempotent=True, profiles=CATALOGUE)
async def fetch_comment_replies(
    ctx: Context,
    comment_id: CommentId,
    limit: Limit = 10,
    show_spoilers: Spoilers = False,
    page: PageNumber = None,
    max_pages: MaxPages = 100,
) -> Replies:
    """One comment and what others replied to it."""
    to = read(Comment, _veiled(await _comment(ctx, comment_id), show_spoilers))
    path = ("comments", digits("comment_id", comment_id), "replies")
    found = await _comments(ctx, path, limit, page, max_pages, show_spoilers, f"the comment {comment_id}")
    return Replies(to=to, items=found.items, offset=found.offset, totalSize=found.totalSize, more=found.more)


async def _comment(ctx: Context, comment_id: str) -> Json:
    return await trakt(ctx).get(("comments", digits("comment_id", comment_id)), what=f"the comment {comment_id}")


async def _comments(
    ctx: Context, path: tuple[str, ...], limit: int, page: int | None, max_pages: int, spoilers: bool, what: str
) -> Page[Comment]:
    def shape(raw: Object) -> Object:
        veiled = _veiled(raw, spoilers)
        return veiled if isinstance(veiled, dict) else raw

    return await listed(
        ctx, Comment, path, limit=limit, page=page, shape=shape, what=f"the comments on {what}", max_requests=max_pages
    )


def _veiled(raw: Json, spoilers: bool) -> Json:
    """A comment with its text, or the spoilers in it, put out of sight unless they were asked for."""
    if spoilers or not isinstance(raw, dict):
        return raw
    text = raw.get("comment")
    return {**raw, "comment": HIDDEN if raw.get("spoiler") else veil(text if isinstance(text, str) else "")}


def veil(text: str) -> str:
    """The text with what stands between `[spoiler]` and `[/spoiler]` put out of sight; an open one hides the rest."""
    shown, rest = "", text
    while True:
        start = rest.lower().find(_OPENS)
        if start < 0:
            return shown + rest
        end = rest.lower().find(_CLOSES, start)
        shown += rest[:start] + HIDDEN
        if end < 0:
            return shown
        rest = rest[end + len(_CLOSES) :]

"""One show or one movie: what it is, how it is rated, its videos, what is like it, who made it."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from gatepost_media.common.output import Out, Page
from gatepost_media.common.tools import Context, Toolset
from gatepost_media.trakt.arguments import Embed, Extended, ItemId, Limit, PageNumber, checked
from gatepost_media.trakt.client import Json
from gatepost_media.trakt.listing import listed, trakt
from gatepost_media.trakt.models import Movie, Show, Work, read
from gatepost_media.trakt.profiles import CATALOGUE, PROFILES
from gatepost_media.trakt.tools.shapes import Credits, Ratings, Videos, credits, ratings, titled, videos

TOOLS = Toolset("trakt-titles", "", PROFILES)


class ShowSummary(Show, Out):
    """A show."""

    model_config = ConfigDict(extra="ignore")


class MovieSummary(Movie, Out):
    """A movie."""

    model_config = ConfigDict(extra="ignore")


@TOOLS.tool("fetch_show_summary", title="A show", effect="read", idempotent=True, profiles=CATALOGUE)
async def fetch_show_summary(ctx: Context, show_id: ItemId, extended: Extended = True) -> ShowSummary:
    """What Trakt knows of one show: in full, or title, year and ids alone."""
    return read(ShowSummary, await _summary(ctx, "shows", checked("show_id", show_id), extended))


@TOOLS.tool("fetch_movie_summary", title="A movie", effect="read", idempotent=True, profiles=CATALOGUE)
async def fetch_movie_summary(ctx: Context, movie_id: ItemId, extended: Extended = True) -> MovieSummary:
    """What Trakt knows of one movie: in full, or title, year and ids alone."""
    return read(MovieSummary, await _summary(ctx, "movies", checked("movie_id", movie_id), extended))


@TOOLS.tool("fetch_show_ratings", title="Ratings of a show", effect="read", idempotent=True, profiles=CATALOGUE)
async def fetch_show_ratings(ctx: Context, show_id: ItemId) -> Ratings:
    """Average, number of votes, and how many votes each score got, for one show."""
    return await _ratings(ctx, "shows", checked("show_id", show_id))


@TOOLS.tool("fetch_movie_ratings", title="Ratings of a movie", effect="read", idempotent=True, profiles=CATALOGUE)
async def fetch_movie_ratings(ctx: Context, movie_id: ItemId) -> Ratings:
    """Average, number of votes, and how many votes each score got, for one movie."""
    return await _ratings(ctx, "movies", checked("movie_id", movie_id))


@TOOLS.tool("fetch_show_videos", title="Videos of a show", effect="read", idempotent=True, profiles=CATALOGUE)
async def fetch_show_videos(ctx: Context, show_id: ItemId, embed_markdown: Embed = True) -> Videos:
    """Trailers and clips of one show."""
    return await _videos(ctx, "shows", checked("show_id", show_id), embed_markdown)


@TOOLS.tool("fetch_movie_videos", title="Videos of a movie", effect="read", idempotent=True, profiles=CATALOGUE)
async def fetch_movie_videos(ctx: Context, movie_id: ItemId, embed_markdown: Embed = True) -> Videos:
    """Trailers and clips of one movie."""
    return await _videos(ctx, "movies", checked("movie_id", movie_id), embed_markdown)


@TOOLS.tool("fetch_related_shows", title="Shows like a show", effect="read", idempotent=True, profiles=CATALOGUE)
async def fetch_related_shows(ctx: Context, show_id: ItemId, limit: Limit = 10, page: PageNumber = None) -> Page[Work]:
    """Shows that are like one show."""
    show = checked("show_id", show_id)
    return await listed(ctx, Work, ("shows", show, "related"), limit=limit, page=page, what=f"the show {show}")


@TOOLS.tool("fetch_related_movies", title="Movies like a movie", effect="read", idempotent=True, profiles=CATALOGUE)
async def fetch_related_movies(
    ctx: Context, movie_id: ItemId, limit: Limit = 10, page: PageNumber = None
) -> Page[Work]:
    """Movies that are like one movie."""
    movie = checked("movie_id", movie_id)
    return await listed(ctx, Work, ("movies", movie, "related"), limit=limit, page=page, what=f"the movie {movie}")


@TOOLS.tool("fetch_show_people", title="Cast and crew of a show", effect="read", idempotent=True, profiles=CATALOGUE)
async def fetch_show_people(
    ctx: Context,
    show_id: ItemId,
    include_guest_stars: Annotated[bool, Field(description="Guest stars as well; there can be many.")] = False,
) -> Credits:
    """Cast and crew of one show, on request with its guest stars."""
    show = checked("show_id", show_id)
    query = {"extended": "guest_stars"} if include_guest_stars else {}
    asked = trakt(ctx).get(("shows", show, "people"), query, what=f"the show {show}")
    title, found = await titled(ctx, "shows", show, asked)
    return credits(ctx, title, found)


@TOOLS.tool("fetch_movie_people", title="Cast and crew of a movie", effect="read", idempotent=True, profiles=CATALOGUE)
async def fetch_movie_people(ctx: Context, movie_id: ItemId) -> Credits:
    """Cast and crew of one movie."""
    movie = checked("movie_id", movie_id)
    asked = trakt(ctx).get(("movies", movie, "people"), what=f"the movie {movie}")
    title, found = await titled(ctx, "movies", movie, asked)
    return credits(ctx, title, found)


async def _summary(ctx: Context, kind: str, item: str, extended: bool) -> Json:
    query = {"extended": "full"} if extended else {}
    return await trakt(ctx).get((kind, item), query, what=f"the {kind[:-1]} {item}")


async def _ratings(ctx: Context, kind: str, item: str) -> Ratings:
    asked = trakt(ctx).get((kind, item, "ratings"), what=f"the {kind[:-1]} {item}")
    title, found = await titled(ctx, kind, item, asked)
    return ratings(title, found)


async def _videos(ctx: Context, kind: str, item: str, embed: bool) -> Videos:
    asked = trakt(ctx).get((kind, item, "videos"), what=f"the {kind[:-1]} {item}")
    title, found = await titled(ctx, kind, item, asked)
    return videos(ctx, title, found, embed=embed)

"""Finding things: by text, and by the id they have elsewhere."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gatepost_media.common.errors import BadArgument
from gatepost_media.common.ids import digits, imdb
from gatepost_media.common.output import Page
from gatepost_media.common.tools import Context, Toolset
from gatepost_media.trakt.arguments import Limit, PageNumber, Query
from gatepost_media.trakt.listing import listed
from gatepost_media.trakt.models import Item, item
from gatepost_media.trakt.profiles import CATALOGUE, PROFILES

TOOLS = Toolset("trakt-search", "", PROFILES)

_SPECIAL = frozenset('+-&|!(){}[]^"~*?:/\\')


class Found(Item):
    """Something that was found, best first."""

    score: float | None = None


@TOOLS.tool("search_shows", title="Search shows", effect="read", idempotent=True, profiles=CATALOGUE)
async def search_shows(ctx: Context, query: Query, limit: Limit = 10, page: PageNumber = None) -> Page[Found]:
    """Find shows by words of their titles."""
    return await _search(ctx, "show", query, limit, page)


@TOOLS.tool("search_movies", title="Search movies", effect="read", idempotent=True, profiles=CATALOGUE)
async def search_movies(ctx: Context, query: Query, limit: Limit = 10, page: PageNumber = None) -> Page[Found]:
    """Find movies by words of their titles."""
    return await _search(ctx, "movie", query, limit, page)


@TOOLS.tool("lookup_id", title="Look up an id", effect="read", idempotent=True, profiles=CATALOGUE)
async def lookup_id(
    ctx: Context,
    id_type: Annotated[Literal["trakt", "imdb", "tmdb", "tvdb"], Field(description="Whose id it is.")],
    id: Annotated[str, Field(min_length=1, max_length=20, description="Such as tt0306414 or 1438.")],
    type: Annotated[
        Literal["movie", "show", "season", "episode", "person"] | None,
        Field(description="What it is the id of; numbers of TMDB and TVDB can be those of several things."),
    ] = None,
) -> Page[Found]:
    """What an id of IMDb, TMDB, TVDB or Trakt stands for, with all its other ids."""
    value = imdb("id", id) if id_type == "imdb" else digits("id", id)
    query = {"type": type} if type else {}
    return await listed(ctx, Found, ("search", id_type, value), query, shape=item, what=f"the {id_type} id {value}")


async def _search(ctx: Context, kind: str, query: str, limit: int, page: int | None) -> Page[Found]:
    if not query.strip():
        raise BadArgument("query", "must hold a word to look for.")
    path = ("search", kind)
    return await listed(
        ctx, Found, path, {"query": _plain(query)}, limit=limit, page=page, shape=item, what=f"{kind}s for that"
    )


def _plain(query: str) -> str:
    """The words as words: Trakt's search gives some characters a meaning, which a backslash takes away."""
    return "".join(f"\\{character}" if character in _SPECIAL else character for character in query.strip())

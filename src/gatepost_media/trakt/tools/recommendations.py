"""What Trakt recommends to the signed-in user."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gatepost_media.common.output import Page
from gatepost_media.common.tools import Context, Toolset
from gatepost_media.trakt.arguments import MOST, ItemId, checked, ids_of
from gatepost_media.trakt.listing import trakt, whole
from gatepost_media.trakt.models import Work
from gatepost_media.trakt.profiles import PROFILES, READ, SYNC
from gatepost_media.trakt.tools.progress import Done

TOOLS = Toolset("trakt-recommendations", "", PROFILES)

Many = Annotated[int, Field(ge=1, le=MOST, description="Rows in the reply.")]
NotCollected = Annotated[bool, Field(description="Leave out what is in the collection.")]
NotListed = Annotated[bool, Field(description="Leave out what is on the watchlist.")]


@TOOLS.tool("fetch_movie_recommendations", title="Recommended movies", effect="read", idempotent=True, profiles=(READ,))
async def fetch_movie_recommendations(
    ctx: Context, limit: Many = 10, ignore_collected: NotCollected = True, ignore_watchlisted: NotListed = True
) -> Page[Work]:
    """The movies that Trakt recommends to the signed-in user."""
    return await _recommended(ctx, "movies", limit, ignore_collected, ignore_watchlisted)


@TOOLS.tool("fetch_show_recommendations", title="Recommended shows", effect="read", idempotent=True, profiles=(READ,))
async def fetch_show_recommendations(
    ctx: Context, limit: Many = 10, ignore_collected: NotCollected = True, ignore_watchlisted: NotListed = True
) -> Page[Work]:
    """The shows that Trakt recommends to the signed-in user."""
    return await _recommended(ctx, "shows", limit, ignore_collected, ignore_watchlisted)


@TOOLS.tool(
    "hide_movie_recommendation", title="Never recommend a movie", effect="write", idempotent=True, profiles=(SYNC,)
)
async def hide_movie_recommendation(ctx: Context, movie_id: ItemId) -> Done:
    """Stop a movie from being recommended."""
    return await _hide(ctx, "movies", checked("movie_id", movie_id))


@TOOLS.tool(
    "hide_show_recommendation", title="Never recommend a show", effect="write", idempotent=True, profiles=(SYNC,)
)
async def hide_show_recommendation(ctx: Context, show_id: ItemId) -> Done:
    """Stop a show from being recommended."""
    return await _hide(ctx, "shows", checked("show_id", show_id))


@TOOLS.tool(
    "unhide_movie_recommendation", title="Recommend a movie again", effect="write", idempotent=True, profiles=(SYNC,)
)
async def unhide_movie_recommendation(ctx: Context, movie_id: ItemId) -> Done:
    """Let a hidden movie be recommended again."""
    return await _unhide(ctx, "movies", "movie_id", movie_id)


@TOOLS.tool(
    "unhide_show_recommendation", title="Recommend a show again", effect="write", idempotent=True, profiles=(SYNC,)
)
async def unhide_show_recommendation(ctx: Context, show_id: ItemId) -> Done:
    """Let a hidden show be recommended again."""
    return await _unhide(ctx, "shows", "show_id", show_id)


async def _recommended(
    ctx: Context, kind: Literal["movies", "shows"], limit: int, not_collected: bool, not_listed: bool
) -> Page[Work]:
    query: dict[str, str | int] = {
        "limit": limit,
        "ignore_collected": str(not_collected).lower(),
        "ignore_watchlisted": str(not_listed).lower(),
    }
    found = await trakt(ctx).get(("recommendations", kind), query, auth=True, what=f"recommended {kind}")
    return whole(ctx, Work, found)


async def _hide(ctx: Context, kind: str, item: str) -> Done:
    await trakt(ctx).delete(("recommendations", kind, item), what=f"the {kind[:-1]} {item}")
    return Done(message=f"The {kind[:-1]} {item} is not recommended any more.")


async def _unhide(ctx: Context, kind: str, argument: str, item: str) -> Done:
    path = ("users", "hidden", "recommendations", "remove")
    found = await trakt(ctx).post(path, {kind: [{"ids": ids_of(argument, item)}]}, what=f"the {kind[:-1]} {item}")
    deleted = found.get("deleted") if isinstance(found, dict) else None
    count = deleted.get(kind) if isinstance(deleted, dict) else None
    if count == 0:
        return Done(done=False, message=f"The {kind[:-1]} {item} was not hidden; nothing was changed.")
    return Done(message=f"The {kind[:-1]} {item} may be recommended again.")

"""What an account thinks of an item: its rating, played or not."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gatepost_media.common.output import Out
from gatepost_media.common.tools import Context, Toolset
from gatepost_media.plex import paths
from gatepost_media.plex.raw import text
from gatepost_media.plex.rows import RatingKey

TOOLS = Toolset("plex state", "", {"music": ""})
_LIBRARY = "com.plexapp.plugins.library"


class Marked(Out):
    """What was changed."""

    ratingKey: str
    title: str
    message: str


@TOOLS.tool("rate_media", title="Rate", effect="write", idempotent=True, profiles=("music",))
async def rate_media(
    ctx: Context,
    ratingKey: RatingKey,
    rating: Annotated[float, Field(ge=0, le=10, description="0 to 10; halves are Plex's half stars.")],
) -> Marked:
    """Give an item the user's own rating, from 0 to 10."""
    title = text(await ctx.plex.item(ratingKey), "title") or ""
    await ctx.plex.send("PUT", paths.RATE, {"key": ratingKey, "identifier": _LIBRARY, "rating": f"{rating:g}"})
    return Marked(ratingKey=ratingKey, title=title, message=f"{title} is rated {rating:g} of 10.")


# Not idempotent: Plex counts every mark as another viewing.
@TOOLS.tool("mark_watched", title="Mark as watched", effect="write", idempotent=False, profiles=())
async def mark_watched(ctx: Context, ratingKey: RatingKey) -> Marked:
    """Mark an item, or all episodes of a show or season, as played. Plex counts it as seen now; it makes no row of the
    play history."""
    title = text(await ctx.plex.item(ratingKey), "title") or ""
    await ctx.plex.send("PUT", paths.SCROBBLE, {"key": ratingKey, "identifier": _LIBRARY})
    return Marked(ratingKey=ratingKey, title=title, message=f"{title} is marked as watched.")


@TOOLS.tool("mark_unwatched", title="Mark as unwatched", effect="destructive", idempotent=True, profiles=())
async def mark_unwatched(ctx: Context, ratingKey: RatingKey) -> Marked:
    """Mark an item, or all episodes of a show or season, as not played. Its play count and place reached are lost."""
    title = text(await ctx.plex.item(ratingKey), "title") or ""
    await ctx.plex.send("PUT", paths.UNSCROBBLE, {"key": ratingKey, "identifier": _LIBRARY})
    return Marked(ratingKey=ratingKey, title=title, message=f"{title} is marked as not watched.")

"""The account's watchlist, which lives at plex.tv and names things by their global ids."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gatepost_media.common.errors import BadArgument
from gatepost_media.common.ids import hexadecimal
from gatepost_media.common.output import Out, Page, Row
from gatepost_media.common.tools import Context, Toolset
from gatepost_media.plex import paths
from gatepost_media.plex.client import container_of
from gatepost_media.plex.raw import rows, tags, text, total, when, whole
from gatepost_media.plex.rows import RatingKey

TOOLS = Toolset("plex watchlist", "", {"plex-read": ""})
PAGE = 100


class Wanted(Row):
    """Something on the watchlist."""

    plexGuid: str
    type: str
    title: str
    year: int | None = None
    released: str | None = None
    genres: list[str] | None = None
    watchlistedAt: str | None = None


class Watchlist(Page[Wanted]):
    """A part of the watchlist, the newest first."""


class WatchlistChanged(Out):
    """What was changed."""

    plexGuid: str
    title: str | None = None
    message: str


@TOOLS.tool("get_watchlist", title="Watchlist", effect="read", idempotent=True, profiles=("plex-read",))
async def get_watchlist(ctx: Context) -> Watchlist:
    """List the account's watchlist: films and shows, whether or not a library has them, the last added first."""
    start = ctx.offset()
    query: dict[str, str | int] = {"includeCollections": 1, "includeExternalMedia": 1, "sort": "watchlistedAt:desc"}
    answer = await ctx.plex.discover("GET", paths.WATCHLIST, query, start=start, size=PAGE)
    container = container_of(answer)
    listed = [
        Wanted(
            plexGuid=text(each, "guid") or "",
            type=text(each, "type") or "unknown",
            title=text(each, "title") or "",
            year=whole(each, "year"),
            released=text(each, "originallyAvailableAt"),
            genres=tags(each, "Genre") or None,
            watchlistedAt=when(each, "watchlistedAt"),
        )
        for each in rows(container, "Metadata")
    ]
    return Watchlist(items=listed, offset=start, totalSize=total(container))


async def _global(ctx: Context, key: str) -> tuple[str, str]:
    """The plex:// guid and the title of a film or show in a library."""
    raw = await ctx.plex.item(key)
    kind, title = text(raw, "type"), text(raw, "title") or ""
    if kind not in ("movie", "show"):
        raise BadArgument("ratingKey", f"names a {kind}; a watchlist holds films and shows.")
    guid = text(raw, "guid") or ""
    if not guid.startswith(f"plex://{kind}/"):
        raise BadArgument("ratingKey", f"{title} was matched by an older agent and has no global id. Match it again.")
    return guid, title


def _id(argument: str, guid: str) -> str:
    for kind in ("movie", "show"):
        prefix = f"plex://{kind}/"
        if guid.startswith(prefix):
            return hexadecimal(argument, guid.removeprefix(prefix))
    raise BadArgument(argument, "must be a guid such as plex://movie/5d776825880197001ec90a4f.")


@TOOLS.tool("add_to_watchlist", title="Add to the watchlist", effect="write", idempotent=True, profiles=())
async def add_to_watchlist(ctx: Context, ratingKey: RatingKey) -> WatchlistChanged:
    """Put a film or show of a library on the account's watchlist."""
    guid, title = await _global(ctx, ratingKey)
    await ctx.plex.discover("PUT", paths.WATCHLIST_ADD, {"ratingKey": _id("ratingKey", guid)})
    return WatchlistChanged(plexGuid=guid, title=title, message=f"{title} is on the watchlist.")


@TOOLS.tool(
    "remove_from_watchlist", title="Remove from the watchlist", effect="destructive", idempotent=True, profiles=()
)
async def remove_from_watchlist(
    ctx: Context,
    plexGuid: Annotated[
        str | None, Field(max_length=100, description="From get_watchlist; or a ratingKey instead.")
    ] = None,
    ratingKey: Annotated[RatingKey | None, Field(description="The item in a library; or a plexGuid instead.")] = None,
) -> WatchlistChanged:
    """Take a film or show off the account's watchlist, by its plexGuid or by its ratingKey in a library."""
    if (plexGuid is None) == (ratingKey is None):
        raise BadArgument("plexGuid", "is required, or ratingKey instead of it; exactly one of them.")
    guid, title = (plexGuid, None) if ratingKey is None else await _global(ctx, ratingKey)
    assert guid is not None
    await ctx.plex.discover("PUT", paths.WATCHLIST_REMOVE, {"ratingKey": _id("plexGuid", guid)})
    return WatchlistChanged(plexGuid=guid, title=title, message=f"{title or guid} is off the watchlist.")

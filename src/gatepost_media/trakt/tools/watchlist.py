"""The signed-in user's watchlist."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gatepost_media.common.output import Page
from gatepost_media.common.tools import Context, Toolset
from gatepost_media.trakt.arguments import MOST, ItemKind, Limit, PageNumber
from gatepost_media.trakt.listing import listed, trakt
from gatepost_media.trakt.models import Item, item
from gatepost_media.trakt.profiles import ACCOUNT, PROFILES, SYNC
from gatepost_media.trakt.tools.items import MOST_ITEMS, Changed, Named, Noted, changed

TOOLS = Toolset("trakt-watchlist", "", PROFILES)

SortBy = Annotated[
    Literal["rank", "added", "title", "released", "runtime", "popularity", "percentage", "votes"],
    Field(description="What the order goes by."),
]
SortHow = Annotated[Literal["asc", "desc"], Field(description="Rising or falling.")]


class Listed(Item):
    """Something on a list."""

    id: int | None = None
    rank: int | None = None
    listed_at: str | None = None
    notes: str | None = None


@TOOLS.tool("fetch_user_watchlist", title="Own watchlist", effect="read", idempotent=True, profiles=ACCOUNT)
async def fetch_user_watchlist(
    ctx: Context,
    watchlist_type: Annotated[
        Literal["all", "movies", "shows", "seasons", "episodes"], Field(description="What kind of things.")
    ] = "all",
    sort_by: SortBy = "rank",
    sort_how: SortHow = "asc",
    page: PageNumber = None,
    limit: Limit = MOST,
) -> Page[Listed]:
    """What the signed-in user wants to watch."""
    as_it_is = watchlist_type == "all" and sort_by == "rank" and sort_how == "asc"
    path = ("sync", "watchlist", *(() if as_it_is else (watchlist_type, sort_by, sort_how)))
    return await listed(ctx, Listed, path, limit=limit, page=page, shape=item, auth=True, what="the watchlist")


@TOOLS.tool("add_user_watchlist", title="Add to the watchlist", effect="write", idempotent=True, profiles=(SYNC,))
async def add_user_watchlist(
    ctx: Context,
    watchlist_type: ItemKind,
    items: Annotated[list[Noted], Field(min_length=1, max_length=MOST_ITEMS, description="What to watch.")],
) -> Changed:
    """Put things on the watchlist; what is on it already stays as it is."""
    return changed([await trakt(ctx).change(("sync", "watchlist"), watchlist_type, items)])


@TOOLS.tool(
    "remove_user_watchlist", title="Take off the watchlist", effect="destructive", idempotent=True, profiles=(SYNC,)
)
async def remove_user_watchlist(
    ctx: Context,
    watchlist_type: ItemKind,
    items: Annotated[list[Named], Field(min_length=1, max_length=MOST_ITEMS, description="What not to watch.")],
) -> Changed:
    """Take things off the watchlist."""
    return changed([await trakt(ctx).change(("sync", "watchlist", "remove"), watchlist_type, items)])

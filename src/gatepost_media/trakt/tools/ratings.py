"""The signed-in user's ratings."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gatepost_media.common.output import Page
from gatepost_media.common.tools import Context, Toolset
from gatepost_media.trakt.arguments import MOST, ItemKind, Limit, PageNumber
from gatepost_media.trakt.client import Object
from gatepost_media.trakt.listing import listed, trakt
from gatepost_media.trakt.models import Item, item
from gatepost_media.trakt.profiles import ACCOUNT, PROFILES, SYNC
from gatepost_media.trakt.tools.items import MOST_ITEMS, Changed, Named, Rated, changed

TOOLS = Toolset("trakt-ratings", "", PROFILES)


class OwnRating(Item):
    """Something and the score the user gave it."""

    rating: int
    rated_at: str | None = None


@TOOLS.tool("fetch_user_ratings", title="Own ratings", effect="read", idempotent=True, profiles=ACCOUNT)
async def fetch_user_ratings(
    ctx: Context,
    rating_type: ItemKind = "movies",
    rating: Annotated[int | None, Field(ge=1, le=10, description="This score alone.")] = None,
    page: PageNumber = None,
    limit: Limit = MOST,
) -> Page[OwnRating]:
    """What the signed-in user rated, of one kind, on request with one score alone."""
    path = ("sync", "ratings", rating_type, *((str(rating),) if rating is not None else ()))

    def shape(raw: Object) -> Object:
        return item(raw, rating_type[:-1])

    return await listed(ctx, OwnRating, path, limit=limit, page=page, shape=shape, auth=True, what="the ratings")


@TOOLS.tool("add_user_ratings", title="Rate", effect="write", idempotent=True, profiles=(SYNC,))
async def add_user_ratings(
    ctx: Context,
    rating_type: ItemKind,
    items: Annotated[list[Rated], Field(min_length=1, max_length=MOST_ITEMS, description="What, and which score.")],
) -> Changed:
    """Rate things from 1 to 10; a score given before is replaced."""
    return changed([await trakt(ctx).change(("sync", "ratings"), rating_type, items)])


@TOOLS.tool("remove_user_ratings", title="Take ratings back", effect="destructive", idempotent=True, profiles=(SYNC,))
async def remove_user_ratings(
    ctx: Context,
    rating_type: ItemKind,
    items: Annotated[
        list[Named], Field(min_length=1, max_length=MOST_ITEMS, description="What is not rated any more.")
    ],
) -> Changed:
    """Take back the scores of things."""
    return changed([await trakt(ctx).change(("sync", "ratings", "remove"), rating_type, items)])

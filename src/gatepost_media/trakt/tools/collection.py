"""What the signed-in user owns, and the lists that the user made."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gatepost_media.common.errors import BadArgument
from gatepost_media.common.output import Out, Page
from gatepost_media.common.tools import Context, Toolset
from gatepost_media.trakt.arguments import MOST, Limit, PageNumber, checked
from gatepost_media.trakt.client import Object
from gatepost_media.trakt.listing import listed, trakt
from gatepost_media.trakt.models import Item, item, read
from gatepost_media.trakt.profiles import ACCOUNT, PROFILES, SYNC
from gatepost_media.trakt.tools.items import MOST_ITEMS, Changed, Named, Noted, changed
from gatepost_media.trakt.tools.shapes import ListInfo
from gatepost_media.trakt.tools.watchlist import Listed

TOOLS = Toolset("trakt-lists", "", PROFILES)

ListId = Annotated[
    str,
    Field(
        min_length=1,
        max_length=200,
        pattern="^[a-z0-9][a-z0-9_-]*$",
        description="The `trakt_id` or `slug` of one of the user's lists.",
    ),
]
ListKind = Annotated[
    Literal["movies", "shows", "seasons", "episodes", "people"], Field(description="What kind of things.")
]


class Collected(Item):
    """Something the user owns."""

    collected_at: str | None = None
    last_collected_at: str | None = None
    updated_at: str | None = None


class ListMade(Out):
    """A list that was made."""

    trakt_id: int
    slug: str
    name: str
    privacy: str | None = None
    message: str


@TOOLS.tool("fetch_collection", title="Collection", effect="read", idempotent=True, profiles=ACCOUNT)
async def fetch_collection(
    ctx: Context,
    collection_type: Annotated[
        Literal["movies", "shows", "episodes"], Field(description="What kind of things.")
    ] = "movies",
    limit: Limit = MOST,
    page: PageNumber = None,
) -> Page[Collected]:
    """What the signed-in user owns, as Trakt knows it."""

    def shape(raw: Object) -> Object:
        return item(raw, collection_type[:-1])

    path = ("sync", "collection", collection_type)
    return await listed(ctx, Collected, path, limit=limit, page=page, shape=shape, auth=True, what="the collection")


@TOOLS.tool("fetch_lists", title="Own lists", effect="read", idempotent=True, profiles=ACCOUNT)
async def fetch_lists(ctx: Context, limit: Limit = MOST, page: PageNumber = None) -> Page[ListInfo]:
    """The lists that the signed-in user made. fetch_list_items gives what is on one."""
    return await listed(ctx, ListInfo, ("users", "me", "lists"), limit=limit, page=page, auth=True, what="the lists")


@TOOLS.tool("fetch_list_items", title="What is on a list", effect="read", idempotent=True, profiles=ACCOUNT)
async def fetch_list_items(ctx: Context, list_id: ListId, limit: Limit = MOST, page: PageNumber = None) -> Page[Listed]:
    """What is on one of the signed-in user's lists."""
    name = checked("list_id", list_id)
    path = ("users", "me", "lists", name, "items")
    return await listed(ctx, Listed, path, limit=limit, page=page, shape=item, auth=True, what=f"the list {name}")


@TOOLS.tool("create_list", title="Make a list", effect="write", idempotent=False, profiles=(SYNC,))
async def create_list(
    ctx: Context,
    name: Annotated[str, Field(min_length=1, max_length=200, description="What the list is called.")],
    description: Annotated[str, Field(max_length=5000, description="What is said of it.")] = "",
    privacy: Annotated[
        Literal["private", "link", "friends", "public"], Field(description="Who may see it.")
    ] = "private",
) -> ListMade:
    """Make a list of the signed-in user's own."""
    if not name.strip():
        raise BadArgument("name", "must hold a word.")
    body = {"name": name.strip(), "privacy": privacy, **({"description": description} if description else {})}
    made = read(_Made, await trakt(ctx).post(("users", "me", "lists"), body, what="the list"))
    return ListMade(
        trakt_id=made.trakt_id,
        slug=made.slug,
        name=made.name,
        privacy=made.privacy,
        message=f"The list {made.name} is made; its id is {made.slug}.",
    )


class _Made(ListInfo):
    trakt_id: int
    slug: str


@TOOLS.tool("add_list_items", title="Add to a list", effect="write", idempotent=True, profiles=(SYNC,))
async def add_list_items(
    ctx: Context,
    list_id: ListId,
    item_type: ListKind,
    items: Annotated[list[Noted], Field(min_length=1, max_length=MOST_ITEMS, description="What to put on the list.")],
) -> Changed:
    """Put things on one of the signed-in user's lists; what is on it already stays as it is."""
    path = ("users", "me", "lists", checked("list_id", list_id), "items")
    return changed([await trakt(ctx).change(path, item_type, items, what=f"the list {list_id}")])


@TOOLS.tool("remove_list_items", title="Take off a list", effect="destructive", idempotent=True, profiles=(SYNC,))
async def remove_list_items(
    ctx: Context,
    list_id: ListId,
    item_type: ListKind,
    items: Annotated[list[Named], Field(min_length=1, max_length=MOST_ITEMS, description="What to take off it.")],
) -> Changed:
    """Take things off one of the signed-in user's lists."""
    path = ("users", "me", "lists", checked("list_id", list_id), "items", "remove")
    return changed([await trakt(ctx).change(path, item_type, items, what=f"the list {list_id}")])

"""One item, or some: what describes it, what can be edited, whether it was watched."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gatepost_media.common.ids import Digits
from gatepost_media.common.output import Out, Row
from gatepost_media.common.tools import Context, Toolset
from gatepost_media.plex import paths
from gatepost_media.plex.fields import FAMILIES, SIMPLE, families_of
from gatepost_media.plex.raw import Raw, flag, rows, tags, text, when, whole
from gatepost_media.plex.rows import AccountId, Item, RatingKey, finished, item

TOOLS = Toolset("plex details", "", {"plex-read": "", "music": ""})
READ = ("plex-read", "music")

ItemKeys = Annotated[list[Digits], Field(min_length=1, max_length=100, description="ratingKeys; at most 100.")]


class Person(Row):
    """Somebody in front of the camera or behind it."""

    name: str
    role: str | None = None


class Details(Out):
    """All that describes an item."""

    item: Item
    originalTitle: str | None = None
    sortTitle: str | None = None
    tagline: str | None = None
    summary: str | None = None
    updatedAt: str | None = None
    countries: list[str] | None = None
    directors: list[str] | None = None
    writers: list[str] | None = None
    cast: list[Person] | None = None
    collections: list[str] | None = None
    moods: list[str] | None = None
    labels: list[str] | None = None
    childCount: int | None = None
    watched: bool


@TOOLS.tool("get_media_details", title="Details", effect="read", idempotent=True, profiles=READ)
async def get_media_details(ctx: Context, ratingKey: RatingKey) -> Details:
    """Show everything that describes one item: summary, ratings, people, genres, dates, external ids, play state. For
    its files and streams use get_media_info."""
    raw = await ctx.plex.item(ratingKey)
    described = item(
        raw,
        *("guid", "guids", "library", "duration", "viewOffset", "minutesLeft", "viewCount", "leafCount"),
        *("viewedLeafCount", "lastViewedAt", "addedAt", "released", "contentRating", "rating", "audienceRating"),
        *("userRating", "genres", "studio"),
    )
    cast = [Person(name=name, role=text(each, "role")) for each in rows(raw, "Role") if (name := text(each, "tag"))]
    return Details(
        item=described,
        originalTitle=text(raw, "originalTitle"),
        sortTitle=text(raw, "titleSort"),
        tagline=text(raw, "tagline"),
        summary=text(raw, "summary"),
        updatedAt=when(raw, "updatedAt"),
        countries=tags(raw, "Country") or None,
        directors=tags(raw, "Director") or None,
        writers=tags(raw, "Writer") or None,
        cast=cast or None,
        collections=tags(raw, "Collection") or None,
        moods=tags(raw, "Mood") or None,
        labels=tags(raw, "Label") or None,
        childCount=whole(raw, "childCount"),
        watched=finished(raw),
    )


class EditableField(Row):
    """A field with one value."""

    argument: str = Field(description="Its name in update_metadata.")
    value: str | None = None
    locked: bool


class EditableTags(Row):
    """A family of tags."""

    argument: str = Field(description="Its name in update_metadata.")
    tags: list[str]
    locked: bool


class EditableFields(Out):
    """What update_metadata can change on an item."""

    ratingKey: str
    type: str
    title: str
    fields: list[EditableField]
    tagFamilies: list[EditableTags]


@TOOLS.tool("get_editable_fields", title="Editable fields", effect="read", idempotent=True, profiles=("plex-read",))
async def get_editable_fields(ctx: Context, ratingKey: RatingKey) -> EditableFields:
    """Tell which fields and tags of an item update_metadata can change, with their present values and whether they are
    locked against Plex's own refresh."""
    raw = await ctx.plex.item(ratingKey)
    kind = text(raw, "type") or "unknown"
    locked = {text(each, "name") for each in rows(raw, "Field") if flag(each, "locked")}
    return EditableFields(
        ratingKey=ratingKey,
        type=kind,
        title=text(raw, "title") or "",
        fields=[
            EditableField(argument=argument, value=text(raw, field.read), locked=field.write in locked)
            for argument, field in SIMPLE.items()
        ],
        tagFamilies=[
            EditableTags(argument=name, tags=tags(raw, FAMILIES[name].element), locked=FAMILIES[name].tag in locked)
            for name in families_of(kind)
        ],
    )


class WatchedState(Row):
    """Where somebody is with an item."""

    ratingKey: str
    title: str | None = None
    type: str | None = None
    status: Literal["watched", "in progress", "unwatched", "not found"]
    viewCount: int | None = None
    viewOffset: int | None = Field(default=None, description="Milliseconds already played.")
    percent: int | None = None
    episodes: str | None = Field(default=None, description="Seen and all episodes of a show or season.")
    lastViewedAt: str | None = None


class WatchedStates(Out):
    """Where somebody is with some items."""

    account: str | None = None
    items: list[WatchedState]


@TOOLS.tool("get_watched_status", title="Watched or not", effect="read", idempotent=True, profiles=("plex-read",))
async def get_watched_status(
    ctx: Context,
    item_keys: ItemKeys,
    account_id: Annotated[
        AccountId | None, Field(description="Whose; the signed-in account by default. Others by their history.")
    ] = None,
) -> WatchedStates:
    """Tell for each item whether it is watched, in progress or unwatched. Plex gives the place reached only for the
    account that is signed in; for another account its play history is looked at."""
    keys = list(dict.fromkeys(item_keys))
    found = {text(raw, "ratingKey"): raw for raw in await ctx.plex.items(keys)}
    if account_id is None:
        return WatchedStates(items=[_state(key, found.get(key)) for key in keys])
    await ctx.plex.check_account(account_id)
    names = await ctx.plex.accounts()
    states = []
    for done, key in enumerate(keys, 1):
        known = found.get(key)
        state = WatchedState(ratingKey=key, status="not found")
        if known is not None:
            query = {"accountID": account_id, "metadataItemID": key, "sort": "viewedAt:desc"}
            page = await ctx.plex.page(paths.HISTORY, query, start=0, size=1)
            plays = whole(page, "totalSize") or len(rows(page, "Metadata"))
            last = rows(page, "Metadata")
            state = WatchedState(
                ratingKey=key,
                title=text(known, "title"),
                type=text(known, "type"),
                status="watched" if plays else "unwatched",
                viewCount=plays,
                lastViewedAt=when(last[0], "viewedAt") if last else None,
            )
        states.append(state)
        await ctx.progress(done, len(keys))
    return WatchedStates(account=names.get(int(account_id), account_id), items=states)


def _state(key: str, raw: Raw | None) -> WatchedState:
    if raw is None:
        return WatchedState(ratingKey=key, status="not found")
    # The place is cleared once an item is watched through; a place in a watched item means that it was begun again.
    played, duration = whole(raw, "viewOffset"), whole(raw, "duration")
    all_of, seen = whole(raw, "leafCount"), whole(raw, "viewedLeafCount")
    begun = bool(played) or (all_of is not None and 0 < (seen or 0) < all_of)
    return WatchedState(
        ratingKey=key,
        title=text(raw, "title"),
        type=text(raw, "type"),
        status="in progress" if begun else "watched" if finished(raw) else "unwatched",
        viewCount=whole(raw, "viewCount"),
        viewOffset=played or None,
        percent=round(100 * played / duration) if played and duration else None,
        episodes=None if all_of is None else f"{seen or 0} of {all_of}",
        lastViewedAt=when(raw, "lastViewedAt"),
    )

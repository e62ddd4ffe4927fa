"""The signed-in user's plays: all of them one by one, and what was watched at all.

A whole show is never sent as such: Trakt takes so long over a long one that its gateway gives up. Its seasons are sent,
some at a time, and a failure says how far it came.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from gatepost_media.common.errors import BadArgument, MediaError, NotFound
from gatepost_media.common.ids import Digits, When, digits, utc
from gatepost_media.common.output import Page
from gatepost_media.common.tools import Context, Toolset
from gatepost_media.trakt.arguments import MOST, ItemKind, Limit, PageNumber
from gatepost_media.trakt.client import Object, Trakt
from gatepost_media.trakt.listing import listed, trakt
from gatepost_media.trakt.models import Item, Season, Work, item, nested, read_all
from gatepost_media.trakt.profiles import ACCOUNT, PROFILES, SYNC
from gatepost_media.trakt.tools.items import MOST_ITEMS, Body, Changed, Named, Seen, changed

TOOLS = Toolset("trakt-history", "", PROFILES)

_AT_ONCE = 200
"""Episodes of one show in one request."""


class Play(Item):
    """One play of a movie or an episode."""

    id: int
    watched_at: str | None = None
    action: str | None = Field(default=None, description="How it came about: scrobble, checkin or watch.")


class Watched(Work):
    """A movie or a show that was watched at least once."""

    plays: int | None = None
    last_watched_at: str | None = None
    last_updated_at: str | None = None


@TOOLS.tool("fetch_history", title="Plays", effect="read", idempotent=True, profiles=ACCOUNT)
async def fetch_history(
    ctx: Context,
    history_type: Annotated[ItemKind | None, Field(description="One kind alone; needed with item_id.")] = None,
    item_id: Annotated[Digits | None, Field(description="Trakt's number of one thing, to see its plays alone.")] = None,
    start_at: Annotated[
        When | None, Field(description="ISO 8601; plays from then on. A day alone is its beginning, UTC.")
    ] = None,
    end_at: Annotated[
        When | None, Field(description="ISO 8601; plays until then. A day alone is its beginning, UTC.")
    ] = None,
    page: PageNumber = None,
    limit: Limit = MOST,
) -> Page[Play]:
    """What the signed-in user watched, play by play, the newest first."""
    if item_id is not None and history_type is None:
        raise BadArgument("history_type", "is required with item_id.")
    since, until = (_utc(name, value) for name, value in (("start_at", start_at), ("end_at", end_at)))
    if since and until and since > until:
        raise BadArgument("end_at", "is before start_at.")
    kind = (history_type,) if history_type else ()
    thing = (digits("item_id", item_id),) if item_id is not None else ()
    dates = {name: value for name, value in (("start_at", since), ("end_at", until)) if value}
    path = ("sync", "history", *kind, *thing)
    return await listed(ctx, Play, path, dates, limit=limit, page=page, shape=item, auth=True, what="the history")


def _utc(argument: str, value: str | None) -> str | None:
    return None if value is None else utc(argument, value)


@TOOLS.tool("fetch_user_watched_shows", title="Watched shows", effect="read", idempotent=True, profiles=ACCOUNT)
async def fetch_user_watched_shows(
    ctx: Context,
    limit: Annotated[int | None, Field(ge=0, le=MOST, description="Rows in the reply; 0 or nothing is 100.")] = 0,
) -> Page[Watched]:
    """The shows of which the signed-in user watched something, with how often and when last."""
    return await _watched(ctx, "shows", limit)


@TOOLS.tool("fetch_user_watched_movies", title="Watched movies", effect="read", idempotent=True, profiles=ACCOUNT)
async def fetch_user_watched_movies(
    ctx: Context,
    limit: Annotated[int | None, Field(ge=0, le=MOST, description="Rows in the reply; 0 or nothing is 100.")] = 0,
) -> Page[Watched]:
    """The movies that the signed-in user watched, with how often and when last."""
    return await _watched(ctx, "movies", limit)


async def _watched(ctx: Context, kind: Literal["shows", "movies"], limit: int | None) -> Page[Watched]:
    def shape(raw: Object) -> Object:
        return nested(raw, kind[:-1])

    path = ("sync", "watched", kind)
    return await listed(ctx, Watched, path, limit=limit or 0, shape=shape, auth=True, what=f"the watched {kind}")


@TOOLS.tool("add_to_history", title="Mark as watched", effect="write", idempotent=False, profiles=(SYNC,))
async def add_to_history(
    ctx: Context,
    history_type: ItemKind,
    items: Annotated[list[Seen], Field(min_length=1, max_length=MOST_ITEMS, description="What was watched, and when.")],
) -> Changed:
    """Add a play of each thing; a whole show or season is a play of each of its episodes. Every call adds plays anew:
    look at fetch_history first. The specials of a whole show are left out."""
    return await _send(ctx, ("sync", "history"), history_type, items, specials=False)


@TOOLS.tool("remove_from_history", title="Mark as not watched", effect="destructive", idempotent=True, profiles=(SYNC,))
async def remove_from_history(
    ctx: Context,
    history_type: ItemKind,
    items: Annotated[list[Named], Field(min_length=1, max_length=MOST_ITEMS, description="What was not watched.")],
) -> Changed:
    """Remove all plays of each thing; of a whole show or season the plays of all its episodes."""
    return await _send(ctx, ("sync", "history", "remove"), history_type, items, specials=True)


async def _send(
    ctx: Context, path: tuple[str, ...], kind: ItemKind, items: Sequence[Named], *, specials: bool
) -> Changed:
    client = trakt(ctx)
    if kind != "shows":
        return changed([await client.change(path, kind, items)])
    requests: list[Body] = []
    unknown: list[Object] = []
    for each in items:
        show = await _show(client, each)
        if show is None:
            unknown.append({"not_found": {"shows": [{"title": each.title, "year": each.year, "ids": {**each.ids()}}]}})
            continue
        requests.extend(await _in_seasons(client, show, each.body(), specials))
    answers: list[Object] = []
    for number, body in enumerate(requests):
        try:
            answers.append(await client.change_raw(path, {"shows": [body]}))
        except MediaError as error:
            if not answers:
                raise
            so_far = changed(answers).message
            error.args = (f"{error} Before that, {number} of {len(requests)} requests were done: {so_far}",)
            raise
        await ctx.progress(number + 1, len(requests), f"{number + 1} of {len(requests)} parts sent")
    return changed([*answers, *unknown])


async def _show(client: Trakt, named: Named) -> str | None:
    """What a show is called in a path, or None where Trakt does not know it."""
    ids = named.ids()
    if own := ids.get("trakt") or ids.get("slug") or ids.get("imdb"):
        return str(own)
    if foreign := next((name for name in ("tvdb", "tmdb") if name in ids), None):
        found = await client.get(("search", foreign, str(ids[foreign])), {"type": "show"}, what="the show")
    else:
        query: dict[str, str | int] = {"query": named.title or "", "years": named.year or ""}
        found = await client.get(("search", "show"), query, what="the show")
    rows = [nested(row, "show") for row in found if isinstance(row, dict)] if isinstance(found, list) else []
    for each in read_all(_FoundShow, rows):
        if foreign or ((each.title or "").casefold() == (named.title or "").casefold() and each.year == named.year):
            return str(each.trakt_id)
    return None


class _FoundShow(Work):
    trakt_id: int


async def _in_seasons(client: Trakt, show: str, body: Body, specials: bool) -> list[Body]:
    """One show as several bodies, each with some of its seasons."""
    try:
        found = await client.get(("shows", show, "seasons"), {"extended": "full"}, what=f"the show {show}")
    except NotFound:
        return [body]  # Trakt says in its answer that it does not know it
    seasons = [each for each in read_all(Season, found) if specials or each.number > 0]
    groups: list[list[Season]] = []
    room = 0
    for season in seasons:
        size = season.episode_count or season.aired_episodes or 1
        if not groups or size > room:
            groups.append([])
            room = _AT_ONCE
        groups[-1].append(season)
        room -= size
    return [{**body, "seasons": [_season(each, body) for each in group]} for group in groups] or [body]


def _season(season: Season, show: Body) -> Body:
    """A season of a show that was watched at a time was watched at that time."""
    at = show.get("watched_at")
    return {"number": season.number, **({"watched_at": at} if at is not None else {})}

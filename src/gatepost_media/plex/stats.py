"""Statistics: of the play history, of accounts, of what is watched through."""

from __future__ import annotations

import datetime
from collections import Counter, defaultdict
from typing import Annotated, Literal

from pydantic import Field

from gatepost_media.common.output import Out, Page, Row
from gatepost_media.common.tools import Context, Toolset
from gatepost_media.plex import paths
from gatepost_media.plex.client import Plex
from gatepost_media.plex.history import Names, days_ago, fits, plays
from gatepost_media.plex.libraries import ROWS, Items
from gatepost_media.plex.raw import TYPES, Raw, text, when, whole
from gatepost_media.plex.rows import Item, LibraryKey, Limit, finished, item

TOOLS = Toolset("plex statistics", "", {"plex-read": "", "music": ""})
READ = ("plex-read",)

Days = Annotated[int, Field(ge=0, le=36_500, description="How many days back; 0 means the default.")]


class Group(Row):
    """One row of a statistic."""

    name: str
    plays: int
    minutes: int | None = None


class WatchStats(Out):
    """Plays of a time, grouped."""

    timeRange: int = Field(description="Days.")
    statType: str
    plays: int
    users: int
    minutes: int | None = None
    groups: list[Group]
    days: list[Group] = Field(description="The same plays by day, UTC.")


@TOOLS.tool("get_watch_stats", title="Play statistics", effect="read", idempotent=True, profiles=READ)
async def get_watch_stats(
    ctx: Context,
    timeRange: Days = 30,
    statType: Annotated[
        Literal["plays", "duration", "users", "libraries", "platforms"],
        Field(description="plays and duration group by title, the others by what they name."),
    ] = "plays",
) -> WatchStats:
    """Count every play of the last days, grouped by title, user, library or platform; with duration, the minutes as
    well (a play counts with its item's whole length)."""
    days = timeRange or 30
    names = await Names.of(ctx.plex)
    platforms = await ctx.plex.platforms()
    sections = {text(each, "key"): text(each, "title") or "" for each in await ctx.plex.sections()}
    count: Counter[str] = Counter()
    by_day: Counter[str] = Counter()
    by_item: Counter[str] = Counter()
    titles: dict[str, str] = {}
    people: set[int] = set()
    seen = 0
    async for page, length in plays(ctx.plex, since=days_ago(days)):
        for raw in page:
            key = text(raw, "ratingKey") or ""
            name = {
                "users": names.account(raw) or f"account {whole(raw, 'accountID')}",
                "libraries": sections.get(text(raw, "librarySectionID")) or "a library that is gone",
                "platforms": platforms.get(whole(raw, "deviceID") or 0) or f"device {whole(raw, 'deviceID')}",
            }.get(statType) or _title(raw)
            count[name] += 1
            by_item[key] += 1
            titles[key] = name
            by_day[_day(raw)] += 1
            people.add(whole(raw, "accountID") or 0)
        seen += len(page)
        await ctx.progress(seen, length)
    minutes: dict[str, int] | None = None
    if statType == "duration":
        lengths = await _lengths(ctx.plex, [key for key in by_item if key])
        minutes = defaultdict(int)
        for key, times in by_item.items():
            minutes[titles[key]] += times * lengths.get(key, 0) // 60_000
    groups = [
        Group(name=name, plays=times, minutes=None if minutes is None else minutes[name])
        for name, times in count.items()
    ]
    groups.sort(key=lambda each: (-(each.minutes or 0), -each.plays, each.name))
    return WatchStats(
        timeRange=days,
        statType=statType,
        plays=seen,
        users=len(people),
        minutes=None if minutes is None else sum(minutes.values()),
        groups=groups,
        days=[Group(name=day, plays=n) for day, n in sorted(by_day.items())],
    )


def _title(raw: Raw) -> str:
    above, title = text(raw, "grandparentTitle"), text(raw, "title") or ""
    return f"{above}: {title}" if above else title


def _day(raw: Raw) -> str:
    return datetime.datetime.fromtimestamp(whole(raw, "viewedAt") or 0, datetime.UTC).date().isoformat()


async def _lengths(plex: Plex, keys: list[str]) -> dict[str, int]:
    """Milliseconds by rating key."""
    found = await plex.items([key for key in keys if key.isdigit()])
    return {text(raw, "ratingKey") or "": whole(raw, "duration") or 0 for raw in found}


class Account(Row):
    """An account of the server."""

    id: int
    name: str
    plays: int = Field(description="In the days asked for.")
    lastViewedAt: str | None = None


class UserStats(Out):
    """The server's accounts."""

    timeRange: int = Field(description="Days.")
    users: list[Account]


@TOOLS.tool("get_user_stats", title="Accounts", effect="read", idempotent=True, profiles=("plex-read", "music"))
async def get_user_stats(ctx: Context, timeRange: Days = 30) -> UserStats:
    """List the server's accounts with how much each played in the last days."""
    days = timeRange or 30
    count: Counter[int] = Counter()
    last: dict[int, str | None] = {}
    seen = 0
    async for page, length in plays(ctx.plex, since=days_ago(days)):
        seen += len(page)
        await ctx.progress(seen, length)
        for raw in page:
            account = whole(raw, "accountID") or 0
            count[account] += 1
            last.setdefault(account, when(raw, "viewedAt"))
    users = [
        Account(id=key, name=name, plays=count[key], lastViewedAt=last.get(key))
        for key, name in (await ctx.plex.accounts()).items()
    ]
    users.sort(key=lambda each: (-each.plays, each.id))
    return UserStats(timeRange=days, users=users)


class Popular(Row):
    """An item and how much it was played."""

    item: Item
    plays: int
    minutes: int | None = None
    users: int


class PopularContent(Page[Popular]):
    """The most played first."""

    timeRange: int = Field(description="Days.")
    metric: str


@TOOLS.tool("get_popular_content", title="Most played", effect="read", idempotent=True, profiles=READ)
async def get_popular_content(
    ctx: Context,
    timeRange: Days = 30,
    metric: Annotated[Literal["plays", "duration"], Field(description="What to order by.")] = "plays",
    mediaType: Annotated[
        Literal["movie", "show", "episode", "all"], Field(description="show adds up a show's episodes.")
    ] = "all",
    limit: Limit = 50,
) -> PopularContent:
    """List what was played most in the last days by all accounts, by number of plays or by time."""
    days = timeRange or 30
    count: Counter[str] = Counter()
    rows_of: dict[str, Raw] = {}
    users: defaultdict[str, set[int]] = defaultdict(set)
    leaf_plays: defaultdict[str, Counter[str]] = defaultdict(Counter)
    seen = 0
    async for page, length in plays(ctx.plex, since=days_ago(days)):
        seen += len(page)
        await ctx.progress(seen, length)
        for raw in page:
            if not fits(raw, mediaType):
                continue
            leaf = text(raw, "ratingKey") or ""
            key = (text(raw, "grandparentRatingKey") or "") if mediaType == "show" else leaf
            if not key:
                continue
            count[key] += 1
            rows_of.setdefault(key, raw)
            users[key].add(whole(raw, "accountID") or 0)
            leaf_plays[key][leaf] += 1
    minutes: dict[str, int] = {}
    if metric == "duration":
        lengths = await _lengths(ctx.plex, sorted({leaf for each in leaf_plays.values() for leaf in each if leaf}))
        minutes = {
            key: sum(times * lengths.get(leaf, 0) for leaf, times in each.items()) // 60_000
            for key, each in leaf_plays.items()
        }
    order = sorted(count, key=lambda key: (-minutes.get(key, 0), -count[key], text(rows_of[key], "title") or ""))
    start, size = ctx.offset(), limit or 50
    listed = [
        Popular(
            item=_popular(key, rows_of[key], show=mediaType == "show"),
            plays=count[key],
            minutes=minutes.get(key),
            users=len(users[key]),
        )
        for key in order[:size][start:]
    ]
    return PopularContent(items=listed, offset=start, totalSize=min(size, len(order)), timeRange=days, metric=metric)


def _popular(key: str, raw: Raw, *, show: bool) -> Item:
    if not show:
        return item(raw)
    return Item(ratingKey=key, type="show", title=text(raw, "grandparentTitle") or text(raw, "title") or "")


@TOOLS.tool("get_fully_watched", title="Watched through", effect="read", idempotent=True, profiles=READ)
async def get_fully_watched(
    ctx: Context,
    libraryKey: Annotated[LibraryKey | None, Field(description="Only in this library.")] = None,
    mediaType: Annotated[Literal["movie", "show", "all"], Field(description="Only these.")] = "all",
    limit: Limit = 500,
) -> Items:
    """List films that were watched and shows of which every episode was, the last watched first. Plex counts an item as
    watched at 90 % of its length."""
    sections = await ctx.plex.sections() if libraryKey is None else [await ctx.plex.section(libraryKey)]
    start, size = ctx.offset(), min(limit or 500, ROWS)
    found: list[Item] = []
    wanted = {"movie", "show"} if mediaType == "all" else {mediaType}
    fields = ("viewCount", "leafCount", "viewedLeafCount", "lastViewedAt", "library")
    for section in sections:
        kind = text(section, "type") or ""
        if kind not in wanted:
            continue
        seen = {"unwatchedLeaves": 0} if kind == "show" else {"unwatched": 0}
        query: dict[str, str | int] = {"type": TYPES[kind], "sort": "lastViewedAt:desc", **seen}
        # Each library comes sorted: of none are more needed than are shown of all.
        rows_of = 0
        async for page, _ in ctx.plex.walk(paths.section_all(text(section, "key") or ""), query):
            seen_through = [item(each, *fields) for each in page if finished(each)]
            found += seen_through
            rows_of += len(seen_through)
            if rows_of >= size:
                break
    found.sort(key=lambda each: each.lastViewedAt or "", reverse=True)
    found = found[:size]
    return Items(items=found[start:], offset=start, totalSize=len(found))

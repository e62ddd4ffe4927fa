"""What was played, by whom and on what."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Annotated, Literal

from pydantic import Field

from gatepost_media.common.output import Page, Row
from gatepost_media.common.tools import Context, Toolset
from gatepost_media.plex import paths
from gatepost_media.plex.client import PAGE, Plex
from gatepost_media.plex.libraries import ROWS
from gatepost_media.plex.raw import Raw, text, when, whole
from gatepost_media.plex.rows import AccountId, Item, Limit, item

TOOLS = Toolset("plex history", "", {"plex-read": "", "music": "", "trakt-sync": ""})
READ = ("plex-read", "music")
DAY = 86_400

MediaType = Annotated[
    Literal["movie", "show", "episode", "all"], Field(description="Only these plays; show and episode mean episodes.")
]


class Play(Row):
    """One time that something was played."""

    viewedAt: str | None = None
    ratingKey: str | None = Field(default=None, description="Absent where the item is not in a library any more.")
    type: str
    title: str
    grandparentTitle: str | None = Field(default=None, description="The show of an episode, the artist of a track.")
    parentIndex: int | None = None
    index: int | None = None
    account: str | None = None
    accountID: int | None = None
    device: str | None = None
    deviceID: int | None = None
    librarySectionID: str | None = None


class History(Page[Play]):
    """A part of the play history, the newest first."""


class Seen(Row):
    """An item and when it was played last."""

    item: Item
    lastViewedAt: str | None = None
    plays: int = Field(description="Of the plays looked at.")
    accounts: list[str]


class RecentlyWatched(Page[Seen]):
    """Items in the order in which they were last played."""


async def plays(
    plex: Plex,
    *,
    since: int | None = None,
    account: str | None = None,
    library: str | None = None,
    start: int = 0,
    size: int = PAGE,
) -> AsyncIterator[tuple[list[Raw], int | None]]:
    """Pages of the play history, the newest first. `since` is in seconds since the epoch."""
    query: dict[str, str | int] = {"sort": "viewedAt:desc"}
    if since is not None:
        query["viewedAt>"] = since
    if account is not None:
        query["accountID"] = account
    if library is not None:
        query["librarySectionID"] = library
    async for page in plex.walk(paths.HISTORY, query, start=start, size=size):
        yield page


def days_ago(days: int) -> int:
    """The moment so many days ago, in seconds since the epoch."""
    return int(time.time()) - days * DAY


def fits(raw: Raw, wanted: str) -> bool:
    """Whether a row of the history is of the type asked for."""
    kind = text(raw, "type")
    return wanted == "all" or kind == wanted or (wanted == "show" and kind == "episode")


class Names:
    """Account and device names for rows of the history."""

    def __init__(self, accounts: dict[int, str], devices: dict[int, str]) -> None:
        self._accounts, self._devices = accounts, devices

    @classmethod
    async def of(cls, plex: Plex) -> Names:
        """Those of the server."""
        return cls(await plex.accounts(), await plex.devices())

    def account(self, raw: Raw) -> str | None:
        """Who played it, or None where the server does not say."""
        return self._accounts.get(whole(raw, "accountID") or 0)

    def device(self, raw: Raw) -> str | None:
        """On what."""
        return self._devices.get(whole(raw, "deviceID") or 0)

    def play(self, raw: Raw) -> Play:
        """The row for a reply."""
        return Play(
            viewedAt=when(raw, "viewedAt"),
            ratingKey=text(raw, "ratingKey"),
            type=text(raw, "type") or "unknown",
            title=text(raw, "title") or "",
            grandparentTitle=text(raw, "grandparentTitle"),
            parentIndex=whole(raw, "parentIndex") if text(raw, "grandparentTitle") else None,
            index=whole(raw, "index") if text(raw, "grandparentTitle") else None,
            account=self.account(raw),
            accountID=whole(raw, "accountID"),
            device=self.device(raw),
            deviceID=whole(raw, "deviceID"),
            librarySectionID=text(raw, "librarySectionID"),
        )


@TOOLS.tool(
    "get_watch_history",
    title="Play history",
    effect="read",
    idempotent=True,
    profiles=READ,
    aliases={"account_id": "userId"},
)
async def get_watch_history(
    ctx: Context,
    limit: Limit = 500,
    userId: Annotated[AccountId | None, Field(description="Only this account's plays.")] = None,
    mediaType: MediaType = "all",
    chunk_size: Annotated[int | None, Field(ge=1, le=1000, description="Show so many of them.")] = None,
    chunk_offset: Annotated[int, Field(ge=0, le=100_000, description="Begin at this one of them.")] = 0,
) -> History:
    """List what was played, the newest first, with account and device names. Only whole plays are history: what is
    marked as watched is not in it."""
    start = ctx.offset(chunk_offset)
    newest = limit or 500
    size = max(0, min(newest - start, chunk_size or newest, ROWS))
    if userId is not None:
        await ctx.plex.check_account(userId, "userId")
    names = await Names.of(ctx.plex)
    if mediaType == "all":
        found, length = await _newest(ctx.plex, userId, start, size)
        whole_length = None if length is None else min(length, newest)
        return History(items=[names.play(each) for each in found], offset=start, totalSize=whole_length)
    chosen: list[Raw] = []
    seen = 0
    async for page, _ in plays(ctx.plex, account=userId):
        for raw in page:
            if fits(raw, mediaType):
                seen += 1
                if start < seen <= newest:
                    chosen.append(raw)
        if len(chosen) > size or seen >= newest:
            break
    more = len(chosen) > size
    return History(
        items=[names.play(each) for each in chosen[:size]],
        offset=start,
        totalSize=None if more else start + len(chosen),
        more=more,
    )


async def _newest(plex: Plex, account: str | None, start: int, size: int) -> tuple[list[Raw], int | None]:
    found: list[Raw] = []
    length: int | None = None
    if size:
        async for page, said in plays(plex, account=account, start=start, size=min(size, PAGE)):
            found += page
            length = said
            if len(found) >= size:
                break
    return found[:size], length


@TOOLS.tool("get_recently_watched", title="Recently watched", effect="read", idempotent=True, profiles=("plex-read",))
async def get_recently_watched(ctx: Context, limit: Limit = 100, mediaType: MediaType = "all") -> RecentlyWatched:
    """List items in the order in which they were last played, each once, with who played them. Looks at the newest
    5,000 plays."""
    names = await Names.of(ctx.plex)
    found: dict[str, Seen] = {}
    looked = 0
    async for page, _ in plays(ctx.plex):
        for raw in page:
            if not fits(raw, mediaType):
                continue
            key = text(raw, "ratingKey") or text(raw, "historyKey") or ""
            who = names.account(raw)
            if key in found:
                seen = found[key]
                seen.plays += 1
                if who and who not in seen.accounts:
                    seen.accounts.append(who)
            else:
                found[key] = Seen(
                    item=item(raw), lastViewedAt=when(raw, "viewedAt"), plays=1, accounts=[who] if who else []
                )
        looked += len(page)
        if looked >= 5000 or len(found) > (limit or 100):
            break
    start = ctx.offset()
    listed = list(found.values())[: limit or 100]
    return RecentlyWatched(items=listed[start:], offset=start, totalSize=len(listed))

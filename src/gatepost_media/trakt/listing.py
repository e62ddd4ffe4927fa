"""Lists in replies: any stretch of a paged list of Trakt's, or of a list that Trakt gives whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gatepost_media.common.output import Page
from gatepost_media.common.tools import Context
from gatepost_media.trakt.arguments import MOST
from gatepost_media.trakt.client import PAGE_SIZE, Json, Object, Query, Trakt
from gatepost_media.trakt.models import R, read, read_all


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some items of a list from an offset on. `total` is the list's length where Trakt states it truly."""

    items: list[Object]
    offset: int
    total: int | None
    more: bool


def trakt(ctx: Context) -> Trakt:
    """The process's Trakt client."""
    return ctx.process.of(Trakt)


async def stretch(
    client: Trakt,
    path: Sequence[str],
    query: Query | None = None,
    *,
    offset: int,
    limit: int,
    auth: bool = False,
    what: str = "",
    max_requests: int = 100,
) -> Stretch:
    """`limit` items from `offset` on, by as few pages as possible. A page that fails fails the whole."""
    size = min(PAGE_SIZE, limit)
    found: list[Object] = []
    page, skip, total, more = offset // size + 1, offset % size, None, False
    for _ in range(max_requests):
        rows = await client.rows(path, query, page=page, size=size, auth=auth, what=what)
        if rows.is_whole:
            end = offset + limit
            return Stretch(rows.items[offset:end], offset, len(rows.items), end < len(rows.items))
        found.extend(rows.items[skip:])
        total, more, skip, page = rows.total, not rows.is_last, 0, page + 1
        if len(found) >= limit or not more:
            break
    return Stretch(found[:limit], offset, total, more or len(found) > limit)


def begin(ctx: Context, limit: int, page: int | None) -> tuple[int, int]:
    """Where a list begins and how many rows of it are wanted, from a tool's `limit`, `page` and cursor."""
    rows = limit or MOST
    return ctx.offset((page - 1) * rows if page else 0), rows


async def listed(
    ctx: Context,
    model: type[R],
    path: Sequence[str],
    query: Query | None = None,
    *,
    limit: int = MOST,
    page: int | None = None,
    shape: Callable[[Object], Object] = lambda raw: raw,
    auth: bool = False,
    what: str = "",
    max_requests: int = 100,
    total_is_true: bool = True,
) -> Page[R]:
    """A stretch of a paged list as a reply. `shape` is applied to each of Trakt's objects before it is read.

    `total_is_true` is False for lists whose paging headers state a made-up length.
    """
    offset, rows = begin(ctx, limit, page)
    found = await stretch(
        trakt(ctx), path, query, offset=offset, limit=rows, auth=auth, what=what, max_requests=max_requests
    )
    return Page[R](
        items=[read(model, shape(raw)) for raw in found.items],
        offset=offset,
        totalSize=found.total if total_is_true else None,
        more=found.more,
    )


def whole(ctx: Context, model: type[R], raw: Json, shape: Callable[[Object], Object] = lambda raw: raw) -> Page[R]:
    """A list that Trakt gives in one answer, from the cursor on."""
    rows = [shape(each) if isinstance(each, dict) else {} for each in raw] if isinstance(raw, list) else raw
    items = read_all(model, rows)
    start = ctx.offset()
    return Page[R](items=items[start:], offset=start, totalSize=len(items))

"""Searching: by title over everything, and browsing with filters."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gatepost_media.common.ids import Text
from gatepost_media.common.tools import Context, Toolset
from gatepost_media.plex import paths
from gatepost_media.plex.client import NoSuchTag
from gatepost_media.plex.filters import Filters, check_spans, kept, media_query
from gatepost_media.plex.libraries import READ, ROWS, SORTS, Items, SortName
from gatepost_media.plex.raw import TYPES, Raw, rows, text, total
from gatepost_media.plex.rows import HELD, Item, ItemType, LibraryKey, Limit, Offset, item, type_number

TOOLS = Toolset("plex search", "", {"plex-read": "", "music": ""})
_FIELDS = ("guid", "library", "rating", "viewCount", "lastViewedAt", "duration", "genres")
_ANY = ("surprise me", "something random", "anything", "some ")
"""Phrases that ask for no title but for a choice."""
SEARCHED = ("movie", "show", "episode", "artist", "album", "track")


@TOOLS.tool("search_media", title="Search by title", effect="read", idempotent=True, profiles=READ)
async def search_media(
    ctx: Context,
    query: Annotated[Text, Field(description="Words of a title; at most 500 characters.")],
    type: Annotated[ItemType | None, Field(description="Only items of this type.")] = None,
    libraryKey: Annotated[LibraryKey | None, Field(description="Only in this library.")] = None,
    limit: Limit = 500,
    offset: Offset = 0,
) -> Items:
    """Search by title in all libraries or in one. For filters such as genre or year, use search_plex."""
    asked: dict[str, str | int] = {"query": query.strip()}
    if type is not None:
        asked["type"] = TYPES[type]
    path = paths.SEARCH if libraryKey is None else paths.section_search(libraryKey)
    start = ctx.offset(offset)
    size = min(limit or 500, 500)
    page = await ctx.plex.page(path, asked, start=start, size=size)
    return listed(page, start, size, "guid", "library")


@TOOLS.tool(
    "browse_library",
    title="Browse a library",
    effect="read",
    idempotent=True,
    profiles=READ,
    aliases={"libraryKey": "library_id"},
)
async def browse_library(
    ctx: Context,
    library_id: LibraryKey,
    filters: Filters,
    sort: Annotated[
        SortName, Field(description="Titles from A; anything else the newest, best or most first.")
    ] = "titleSort",
    limit: Limit = 20,
    offset: Offset = 0,
) -> Items:
    """List the items of a library, sorted and filtered. Filters hold for the whole library, not for one page."""
    check_spans(filters)
    section = await ctx.plex.section(library_id, "library_id")
    kind = type_number(section, "track" if filters.local and text(section, "type") == "artist" else None)
    query = await media_query(ctx.plex, library_id, kind, filters)
    query["sort"] = SORTS[sort]
    return await _filtered(ctx, [(library_id, query)], filters, ctx.offset(offset), min(limit or 20, ROWS))


@TOOLS.tool("search_plex", title="Search with filters", effect="read", idempotent=True, profiles=READ)
async def search_plex(
    ctx: Context,
    query: Annotated[Text, Field(description="Words of a title, or `surprise me` for a random choice.")],
    filters: Filters,
    type: Annotated[ItemType | None, Field(description="Only items of this type.")] = None,
    limit: Limit = 10,
) -> Items:
    """Search all libraries by title, narrowed by filters that hold for everything found. A phrase such as `surprise me`
    or `anything` in place of a title makes a random choice among what the filters leave."""
    check_spans(filters)
    words, chosen = _words(query)
    asked = []
    for section in await ctx.plex.sections():
        held = HELD.get(text(section, "type") or "", ())
        key = text(section, "key") or ""
        for kind in [type] if type else [each for each in held if each in SEARCHED]:
            if kind not in held:
                continue
            try:
                made = await media_query(ctx.plex, key, TYPES[kind], filters)
            except NoSuchTag:
                continue
            if words:
                made["title"] = words
            made["sort"] = "random" if chosen else "titleSort"
            asked.append((key, made))
    return await _filtered(ctx, asked, filters, ctx.offset(), min(limit or 10, ROWS))


def _words(query: str) -> tuple[str, bool]:
    """What is left of a search when a phrase that asks for a choice is taken out, and whether there was one."""
    words = " ".join(query.split())
    for phrase in _ANY:
        at = words.casefold().find(phrase)
        if at == 0:
            return words[len(phrase) :].strip(), True
    return words, False


async def _filtered(
    ctx: Context, asked: list[tuple[str, dict[str, str]]], filters: Filters, start: int, size: int
) -> Items:
    """A part of what several queries find one after the other."""
    note = filters.note()
    if not filters.local:
        found: list[Raw] = []
        before = 0
        for library, query in asked:
            path = paths.section_all(library)
            skip = max(0, start - before)
            page, length = await ctx.plex.first(path, query, start=skip, size=size - len(found))
            if length is None:
                length = await ctx.plex.count(path, query)
            found += page
            before += length or 0
        return Items(items=[_row(each) for each in found], offset=start, totalSize=before, note=note)
    passed: list[Item] = []
    seen, more = 0, False
    for library, query in asked:
        pages = ctx.plex.walk(paths.section_all(library), query)
        async for row in kept(ctx.plex, pages, filters):
            seen += 1
            if seen <= start:
                continue
            if len(passed) == size:
                more = True
                break
            passed.append(_row(row))
        if more:
            break
    return Items(items=passed, offset=start, totalSize=None if more else seen, more=more, note=note)


def _row(raw: Raw) -> Item:
    return item(raw, *_FIELDS)


def listed(container: Raw, start: int, size: int, *fields: str) -> Items:
    """A page of a list as a reply."""
    found = rows(container, "Metadata")[:size]
    length = total(container)
    return Items(
        items=[item(each, *fields) for each in found],
        offset=start,
        totalSize=length,
        more=length is None and len(found) == size,
    )

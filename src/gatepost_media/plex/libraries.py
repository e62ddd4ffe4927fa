"""What libraries there are and what is in them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gatepost_media.common.output import Out, Page
from gatepost_media.common.tools import Context, Toolset
from gatepost_media.plex import paths
from gatepost_media.plex.raw import Raw, text
from gatepost_media.plex.rows import (
    Item,
    ItemType,
    LibraryKey,
    LibraryRow,
    Limit,
    Offset,
    item,
    library,
    type_number,
)

TOOLS = Toolset("plex libraries", "", {"plex-read": "", "music": ""})
READ = ("plex-read", "music")
ROWS = 1000
"""Rows that one call asks Plex for at most; more would not fit into a reply."""

Sort = Annotated[
    str | None,
    Field(
        max_length=200,
        pattern=r"^[A-Za-z]+(\.[A-Za-z]+)?(:(asc|desc|nullsLast))*(,[A-Za-z]+(\.[A-Za-z]+)?(:(asc|desc|nullsLast))*)*$",
        examples=["year:desc,titleSort"],
        description="A Plex sort such as titleSort, addedAt:desc or rating:desc,titleSort.",
    ),
]


SortName = Literal["titleSort", "addedAt", "originallyAvailableAt", "rating", "viewCount", "lastViewedAt"]


class Libraries(Out):
    """The libraries of the server."""

    libraries: list[LibraryRow]


class Items(Page[Item]):
    """A part of a list of items."""


class Scan(Out):
    """What was started."""

    libraryKey: str
    title: str
    message: str


@TOOLS.tool("get_libraries", title="Libraries", effect="read", idempotent=True, profiles=READ)
async def get_libraries(ctx: Context) -> Libraries:
    """List the libraries of the Plex server: key, title, type, number of items, and when each was last scanned."""
    listed = []
    for each in await ctx.plex.sections():
        key = text(each, "key") or ""
        listed.append(library(each, await ctx.plex.count(paths.section_all(key))))
    return Libraries(libraries=listed)


@TOOLS.tool("browse_libraries", title="Browse libraries", effect="read", idempotent=True, profiles=READ)
async def browse_libraries(ctx: Context) -> Libraries:
    """List the libraries with their agent, language, folders and scan date, without counting what is in them."""
    return Libraries(libraries=[library(each) for each in await ctx.plex.sections()])


@TOOLS.tool("get_library_items", title="Library items", effect="read", idempotent=True, profiles=READ)
async def get_library_items(
    ctx: Context,
    libraryKey: LibraryKey,
    type: Annotated[ItemType | None, Field(description="Which items; the library's own type by default.")] = None,
    limit: Limit = 1000,
    offset: Offset = 0,
    sort: Sort = None,
) -> Items:
    """List the items of one library as compact rows: ratingKey, title, year, type, guid, edition."""
    number = type_number(await ctx.plex.section(libraryKey), type)
    query: dict[str, str | int] = {"type": number} | ({"sort": sort} if sort else {})
    start = ctx.offset(offset)
    found, length = await ctx.plex.first(
        paths.section_all(libraryKey), query, start=start, size=min(limit or ROWS, ROWS)
    )
    note = None
    if not found and length and start >= length:
        note = f"The offset {start} is past the end: the library has {length} such items."
    return Items(items=[item(each, "guid") for each in found], offset=start, totalSize=length, note=note)


@TOOLS.tool(
    "get_recently_added",
    title="Recently added",
    effect="read",
    idempotent=True,
    profiles=READ,
)
async def get_recently_added(
    ctx: Context,
    library_id: Annotated[LibraryKey | None, Field(description="Only this library; all by default.")] = None,
    limit: Limit = 50,
    chunk_size: Annotated[int | None, Field(ge=1, le=1000, description="Show so many of them.")] = None,
    chunk_offset: Annotated[int, Field(ge=0, le=100_000, description="Begin at this one of them.")] = 0,
) -> Items:
    """List the newest items of the server, or of one library, the newest first."""
    newest = min(limit or 50, ROWS)
    start = ctx.offset(chunk_offset)
    size = max(0, min(newest - start, chunk_size or newest))
    if library_id is None:
        path, query = paths.RECENTLY_ADDED, {}
    else:
        section = await ctx.plex.section(library_id, "library_id")
        kind = {"show": "episode", "artist": "album"}.get(text(section, "type") or "")
        path = paths.section_all(library_id)
        query = {"type": str(type_number(section, kind)), "sort": "addedAt:desc"}
    found, length = await ctx.plex.first(path, query, start=start, size=size)
    whole = newest if length is None else min(newest, length)
    rows = [item(each, "addedAt", "library", "leafCount") for each in found]
    return Items(items=rows, offset=start, totalSize=whole if found or length is not None else len(rows))


@TOOLS.tool("get_on_deck", title="On deck", effect="read", idempotent=True, profiles=("plex-read",))
async def get_on_deck(
    ctx: Context,
    limit: Annotated[int | None, Field(ge=0, le=1000, description="At most so many; all by default.")] = None,
) -> Items:
    """List what to go on watching: items begun and the next episodes, with the place reached and minutes left."""
    start = ctx.offset()
    found, length = await ctx.plex.first(paths.ON_DECK, start=start, size=limit or ROWS)
    rows = [item(each, "viewOffset", "duration", "minutesLeft", "lastViewedAt", "library") for each in found]
    return Items(items=rows, offset=start, totalSize=start + len(rows) if length is None else length)


@TOOLS.tool("get_collections", title="Collections", effect="read", idempotent=True, profiles=("plex-read",))
async def get_collections(
    ctx: Context,
    library_id: Annotated[LibraryKey | None, Field(description="Only this library; all by default.")] = None,
) -> Items:
    """List the collections of one library or of all. Browse one with browse_collection and its ratingKey."""
    if library_id is not None:
        start = ctx.offset()
        found, length = await ctx.plex.first(paths.section_collections(library_id), start=start, size=ROWS)
        return Items(items=[_collection(each) for each in found], offset=start, totalSize=length)
    found = []
    for section in await ctx.plex.sections():
        async for page, _ in ctx.plex.walk(paths.section_collections(text(section, "key") or "")):
            found += page
    start = ctx.offset()
    return Items(items=[_collection(each) for each in found[start:]], offset=start, totalSize=len(found))


def _collection(raw: Raw) -> Item:
    row = item(raw, "addedAt", "library")
    row.leafCount = None if (size := text(raw, "childCount")) is None or not size.isdigit() else int(size)
    return row


SORTS = {
    "titleSort": "titleSort",
    "addedAt": "addedAt:desc",
    "originallyAvailableAt": "originallyAvailableAt:desc",
    "rating": "rating:desc",
    "viewCount": "viewCount:desc",
    "lastViewedAt": "lastViewedAt:desc",
}
"""The orders that may be asked for by name: titles upwards, everything else the newest, best or most first."""


@TOOLS.tool("browse_collection", title="Browse a collection", effect="read", idempotent=True, profiles=("plex-read",))
async def browse_collection(
    ctx: Context,
    collection_id: Annotated[LibraryKey, Field(description="The collection's ratingKey, from get_collections.")],
    sort: Annotated[
        SortName,
        Field(description="Titles from A; anything else the newest, best or most first."),
    ] = "titleSort",
    limit: Limit = 20,
    offset: Offset = 0,
) -> Items:
    """List the items of a collection."""
    start = ctx.offset(offset)
    found, length = await ctx.plex.first(
        paths.collection_items(collection_id), {"sort": SORTS[sort]}, start=start, size=min(limit or 20, ROWS)
    )
    return Items(
        items=[item(each, "rating", "viewCount", "lastViewedAt") for each in found], offset=start, totalSize=length
    )


@TOOLS.tool(
    "scan_library",
    title="Scan a library",
    effect="execute",
    idempotent=True,
    profiles=("plex-read",),
    aliases={"library_id": "libraryKey"},
)
async def scan_library(
    ctx: Context,
    libraryKey: LibraryKey,
    force: Annotated[bool, Field(description="Read all files again, not only those that changed.")] = False,
) -> Scan:
    """Start a scan of a library's folders for new and changed files. Returns at once; the scan goes on."""
    section = await ctx.plex.section(libraryKey)
    await ctx.plex.send("POST", paths.section_refresh(libraryKey), {"force": 1} if force else None)
    title = text(section, "title") or ""
    return Scan(libraryKey=libraryKey, title=title, message=f"The scan of {title} has begun.")

"""Making and changing playlists.

A playlist is looked up before it is changed: an id that names something else is refused, and so is adding to or taking
from a smart playlist, where Plex would replace its rules.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gatepost_media.common.errors import BadArgument, NotFound, Refused
from gatepost_media.common.ids import Digits, Text
from gatepost_media.common.output import Out
from gatepost_media.common.tools import Context, Toolset
from gatepost_media.plex import paths
from gatepost_media.plex.client import container_of
from gatepost_media.plex.playlists import Kind, Playlist, find, playlist
from gatepost_media.plex.queries import SmartFilter, conditions, encoded, smart_pairs
from gatepost_media.plex.raw import TYPES, Raw, rows, text
from gatepost_media.plex.rows import HELD, LibraryKey, PlaylistId, RatingKey

TOOLS = Toolset("plex playlist edits", "", {"music": ""})
PROFILES = ("music",)

PlaylistType = Literal["video", "audio", "photo", "movie", "show", "episode", "artist", "album", "track"]
LibType = Literal["movie", "show", "season", "episode", "artist", "album", "track", "photo", "photoalbum"]
Keys = Annotated[list[Digits], Field(min_length=1, max_length=500, description="ratingKeys; at most 500.")]
SmartSort = Literal[
    "artist.titleSort",
    "album.titleSort",
    "track.titleSort",
    "addedAt",
    "year",
    "rating",
    "lastViewedAt",
    "random",
]

_KIND: dict[str, Kind] = {
    **dict.fromkeys(("video", "movie", "show", "season", "episode", "clip"), "video"),
    **dict.fromkeys(("audio", "artist", "album", "track"), "audio"),
    **dict.fromkeys(("photo", "photoalbum"), "photo"),
}
_SORTS = {"addedAt": "addedAt:desc", "year": "year:desc", "rating": "rating:desc", "lastViewedAt": "lastViewedAt:desc"}


class PlaylistMade(Out):
    """The playlist as it is now."""

    playlist: Playlist
    message: str


class PlaylistChanged(Out):
    """The playlist as it is now, and what changed."""

    playlist: Playlist
    added: int | None = None
    removed: int | None = None
    message: str


class PlaylistCleared(Out):
    """What was done, or would be."""

    playlist: Playlist
    entries: int
    cleared: bool
    message: str


class PlaylistDeleted(Out):
    """What is gone."""

    playlist: Playlist
    message: str


@TOOLS.tool("create_playlist", title="Create a playlist", effect="write", idempotent=False, profiles=PROFILES)
async def create_playlist(
    ctx: Context,
    title: Annotated[Text, Field(description="What the playlist is called.")],
    type: Annotated[PlaylistType, Field(description="video, audio or photo, or a type of item that is one of them.")],
    ratingKeys: Annotated[Keys | None, Field(description="The items, unless smart.")] = None,
    smart: Annotated[bool, Field(description="It holds what a filter selects, always.")] = False,
    librarySectionId: Annotated[LibraryKey | None, Field(description="With smart: the library.")] = None,
    libtype: Annotated[LibType | None, Field(description="With smart: the items the filter selects.")] = None,
    smartFilter: Annotated[
        str | None,
        Field(max_length=2000, description="With smart: a Plex filter query such as year>=1920&unwatched=1."),
    ] = None,
    item_key: Annotated[RatingKey | None, Field(description="One item; another spelling of ratingKeys.")] = None,
) -> PlaylistMade:
    """Create a playlist of given items, or a smart one that holds what a filter of a library selects."""
    kind = _KIND[type]
    if not smart:
        for name, value in (("librarySectionId", librarySectionId), ("libtype", libtype), ("smartFilter", smartFilter)):
            if value is not None:
                raise BadArgument(name, "is for smart playlists: give smart: true with it.")
        keys = list(ratingKeys or []) + ([item_key] if item_key else [])
        if not keys:
            raise BadArgument("ratingKeys", "is required (or item_key), unless smart is true.")
        await _check_items(ctx, "ratingKeys", keys, kind)
        return await _create(ctx, title, kind, paths.metadata(*keys), smart=False)
    if ratingKeys or item_key:
        raise BadArgument("ratingKeys", "does not go with smart: true, whose items the filter selects.")
    if librarySectionId is None:
        raise BadArgument("librarySectionId", "is required with smart: true.")
    section = await ctx.plex.section(librarySectionId, "librarySectionId")
    wanted = libtype or (type if type in TYPES else _leaf(section))
    if wanted not in HELD.get(text(section, "type") or "", ()) or _KIND.get(wanted) != kind:
        raise BadArgument("libtype", f"library {librarySectionId} has no {wanted} for {kind} playlists.")
    pairs = [("type", str(TYPES[wanted])), *([] if smartFilter is None else conditions("smartFilter", smartFilter))]
    return await _create(ctx, title, kind, f"{paths.section_all(librarySectionId)}?{encoded(pairs)}", smart=True)


@TOOLS.tool(
    "create_smart_playlist", title="Create a smart playlist", effect="write", idempotent=False, profiles=PROFILES
)
async def create_smart_playlist(
    ctx: Context,
    title: Annotated[Text, Field(description="What the playlist is called.")],
    type: Annotated[Kind, Field(description="What it holds.")],
    library_id: LibraryKey,
    filters: Annotated[
        list[SmartFilter], Field(min_length=1, max_length=20, description="Conditions, all of which must hold.")
    ],
    sort: Annotated[SmartSort, Field(description="In which order.")] = "artist.titleSort",
    limit: Annotated[int, Field(ge=1, le=1000, description="How many items it holds at most.")] = 100,
) -> PlaylistMade:
    """Create a playlist that always holds what conditions select, such as genre.tag is Jazz and year gte 1950."""
    section = await ctx.plex.section(library_id, "library_id")
    leaf = _leaf(section)
    if _KIND.get(leaf) != type:
        raise BadArgument("type", f"library {library_id} is for {_KIND.get(leaf, 'other')} playlists.")
    pairs = [("type", str(TYPES[leaf])), *await smart_pairs(ctx.plex, library_id, TYPES[leaf], filters)]
    order = _SORTS.get(sort, sort)
    if leaf != "track" and sort.endswith(".titleSort"):
        order = "titleSort"
    pairs += [("sort", order), ("limit", str(limit))]
    return await _create(ctx, title, type, f"{paths.section_all(library_id)}?{encoded(pairs)}", smart=True)


def _leaf(section: Raw) -> str:
    """What a playlist of a library holds: what can be played."""
    kind = text(section, "type") or ""
    return {"show": "episode", "artist": "track", "photo": "photo"}.get(kind, kind)


async def _create(ctx: Context, title: str, kind: Kind, path: str, *, smart: bool) -> PlaylistMade:
    uri = await ctx.plex.library_uri(path)
    query: dict[str, str | int] = {"type": kind, "title": title, "smart": int(smart), "uri": uri}
    made = rows(container_of(await ctx.plex.send("POST", paths.PLAYLISTS, query)), "Metadata")
    if not made:
        raise Refused("Plex did not say which playlist it made. Look with get_playlists before trying again.")
    row = playlist(made[0])
    return PlaylistMade(playlist=row, message=f"Created {row.title} with {row.items or 0} items.")


async def _check_items(ctx: Context, argument: str, keys: list[str], kind: str) -> None:
    """All items there and of the playlist's kind. Raises NotFound or BadArgument naming those that are not."""
    found = {text(raw, "ratingKey"): raw for raw in await ctx.plex.items(list(dict.fromkeys(keys)))}
    missing = [key for key in keys if key not in found]
    if missing:
        raise NotFound(f"{argument}: there are no items {', '.join(missing[:20])} on this Plex server.")
    other = [key for key in keys if _KIND.get(text(found[key], "type") or "") != kind]
    if other:
        raise BadArgument(argument, f"{', '.join(other[:20])} cannot stand in a playlist of kind {kind}.")


async def _static(ctx: Context, key: str) -> Playlist:
    about = await find(ctx.plex, key)
    if about.smart:
        raise Refused(f"{about.title} is a smart playlist: its filter decides what is in it.")
    return about


@TOOLS.tool(
    "add_to_playlist",
    title="Add to a playlist",
    effect="write",
    idempotent=False,
    profiles=PROFILES,
    aliases={"playlist_id": "playlistId"},
)
async def add_to_playlist(
    ctx: Context,
    playlistId: PlaylistId,
    ratingKey: Annotated[RatingKey | None, Field(description="The item; or several in item_keys.")] = None,
    item_keys: Annotated[Keys | None, Field(description="The items; or one in ratingKey.")] = None,
) -> PlaylistChanged:
    """Add one item or several to the end of a playlist, in one request."""
    keys = ([ratingKey] if ratingKey else []) + list(item_keys or [])
    if not keys:
        raise BadArgument("ratingKey", "is required (or item_keys).")
    before = await _static(ctx, playlistId)
    await _check_items(ctx, "item_keys" if item_keys else "ratingKey", keys, before.playlistType)
    uri = await ctx.plex.library_uri(paths.metadata(*keys))
    await ctx.plex.send("PUT", paths.playlist_items(playlistId), {"uri": uri})
    after = await find(ctx.plex, playlistId)
    added = (after.items or 0) - (before.items or 0)
    return PlaylistChanged(playlist=after, added=added, message=f"{added} added; {after.title} has {after.items} now.")


@TOOLS.tool(
    "remove_from_playlist",
    title="Remove from a playlist",
    effect="destructive",
    idempotent=False,
    profiles=PROFILES,
    aliases={"playlist_id": "playlistId"},
)
async def remove_from_playlist(
    ctx: Context,
    playlistId: PlaylistId,
    playlistItemId: Annotated[
        Digits | None, Field(description="The entry's playlistItemID; or items in item_keys.")
    ] = None,
    item_keys: Annotated[Keys | None, Field(description="ratingKeys, every entry of which is taken out.")] = None,
) -> PlaylistChanged:
    """Take entries out of a playlist: one by its playlistItemID, or all entries of given items. The media stay."""
    if (playlistItemId is None) == (item_keys is None):
        raise BadArgument("playlistItemId", "is required, or item_keys instead of it.")
    before = await _static(ctx, playlistId)
    wanted = set(item_keys or ())
    entries: list[str] = []
    found: set[str] = set()
    async for page, _ in ctx.plex.walk(paths.playlist_items(playlistId)):
        for row in page:
            entry, key = text(row, "playlistItemID"), text(row, "ratingKey") or ""
            if entry and (entry == playlistItemId or key in wanted):
                entries.append(entry)
                found.add(key)
    missing = sorted(wanted - found)
    if not entries or missing:
        named = f"entry {playlistItemId}" if playlistItemId else f"items {', '.join(missing[:20])}"
        raise NotFound(f"{before.title} has no {named}. get_playlist_items lists its entries. Nothing was removed.")
    for done, entry in enumerate(entries, 1):
        await ctx.plex.send("DELETE", paths.playlist_entry(playlistId, entry))
        await ctx.progress(done, len(entries))
    after = await find(ctx.plex, playlistId)
    gone = len(entries)
    return PlaylistChanged(
        playlist=after, removed=gone, message=f"{gone} removed; {after.title} has {after.items} now."
    )


@TOOLS.tool("clear_playlist", title="Empty a playlist", effect="destructive", idempotent=True, profiles=PROFILES)
async def clear_playlist(
    ctx: Context,
    playlistId: PlaylistId,
    confirm: Annotated[bool, Field(description="false only counts what would be removed.")] = False,
) -> PlaylistCleared:
    """Take all entries out of a playlist, when confirm is true; otherwise tell how many there are. The media stay."""
    about = await _static(ctx, playlistId)
    entries = about.items or 0
    if not confirm:
        said = f"{about.title} has {entries} entries. Give confirm: true to take them all out."
        return PlaylistCleared(playlist=about, entries=entries, cleared=False, message=said)
    await ctx.plex.send("DELETE", paths.playlist_items(playlistId))
    after = await find(ctx.plex, playlistId)
    return PlaylistCleared(playlist=after, entries=entries, cleared=True, message=f"{entries} entries are gone.")


@TOOLS.tool(
    "delete_playlist",
    title="Delete a playlist",
    effect="destructive",
    idempotent=False,
    profiles=PROFILES,
    aliases={"playlist_id": "playlistId"},
)
async def delete_playlist(ctx: Context, playlistId: PlaylistId) -> PlaylistDeleted:
    """Delete a playlist. The media in it stay."""
    about = await find(ctx.plex, playlistId)
    await ctx.plex.send("DELETE", paths.playlist(playlistId))
    return PlaylistDeleted(playlist=about, message=f"The playlist {about.title} is deleted.")

"""Reading playlists."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gatepost_media.common.errors import NotFound
from gatepost_media.common.output import Page, Row
from gatepost_media.common.tools import Context, Toolset
from gatepost_media.plex import paths
from gatepost_media.plex.client import Plex
from gatepost_media.plex.libraries import ROWS
from gatepost_media.plex.raw import Raw, flag, rows, text, when, whole
from gatepost_media.plex.rows import Item, Limit, PlaylistId, item

TOOLS = Toolset("plex playlists", "", {"plex-read": "", "music": ""})
READ = ("plex-read", "music")
Kind = Literal["audio", "video", "photo"]


class Playlist(Row):
    """A playlist."""

    ratingKey: str
    title: str
    playlistType: str
    smart: bool
    items: int | None = None
    duration: int | None = Field(default=None, description="Milliseconds.")
    summary: str | None = None
    addedAt: str | None = None
    updatedAt: str | None = None
    viewCount: int | None = None


class Playlists(Page[Playlist]):
    """A part of the list of playlists."""


class PlaylistItems(Page[Item]):
    """A part of a playlist, in its order."""

    playlist: Playlist


def playlist(raw: Raw) -> Playlist:
    """A row for a playlist."""
    return Playlist(
        ratingKey=text(raw, "ratingKey") or "",
        title=text(raw, "title") or "",
        playlistType=text(raw, "playlistType") or "unknown",
        smart=bool(flag(raw, "smart")),
        items=whole(raw, "leafCount"),
        duration=whole(raw, "duration"),
        summary=text(raw, "summary"),
        addedAt=when(raw, "addedAt"),
        updatedAt=when(raw, "updatedAt"),
        viewCount=whole(raw, "viewCount"),
    )


async def find(plex: Plex, key: str) -> Playlist:
    """One playlist. Raises NotFound where the id names none, whatever else it may name."""
    try:
        found = rows(await plex.container(paths.playlist(key)), "Metadata")
    except NotFound:
        found = []
    if not found or text(found[0], "playlistType") is None:
        raise NotFound(f"There is no playlist {key}. get_playlists lists those that there are.")
    return playlist(found[0])


async def _playlists(ctx: Context, kind: Kind | None) -> Playlists:
    start = ctx.offset()
    query = {} if kind is None else {"playlistType": kind}
    found, length = await ctx.plex.first(paths.PLAYLISTS, query, start=start, size=ROWS)
    return Playlists(items=[playlist(each) for each in found], offset=start, totalSize=length)


async def _entries(ctx: Context, key: str, size: int) -> PlaylistItems:
    about = await find(ctx.plex, key)
    start = ctx.offset()
    found, length = await ctx.plex.first(paths.playlist_items(key), start=start, size=size)
    listed = [item(each, "playlistItemID", "duration") for each in found]
    return PlaylistItems(items=listed, offset=start, totalSize=length, playlist=about)


@TOOLS.tool("get_playlists", title="Playlists", effect="read", idempotent=True, profiles=READ)
async def get_playlists(ctx: Context) -> Playlists:
    """List all playlists with their kind, length and duration, and whether they are smart."""
    return await _playlists(ctx, None)


@TOOLS.tool("list_playlists", title="Playlists of a kind", effect="read", idempotent=True, profiles=READ)
async def list_playlists(
    ctx: Context, playlist_type: Annotated[Kind | None, Field(description="Only these; all by default.")] = None
) -> Playlists:
    """List playlists, all or those of one kind: audio, video or photo."""
    return await _playlists(ctx, playlist_type)


@TOOLS.tool("get_playlist_items", title="Playlist entries", effect="read", idempotent=True, profiles=READ)
async def get_playlist_items(ctx: Context, playlistId: PlaylistId) -> PlaylistItems:
    """List the entries of a playlist in order, each with the playlistItemID that remove_from_playlist takes."""
    return await _entries(ctx, playlistId, ROWS)


@TOOLS.tool("browse_playlist", title="Browse a playlist", effect="read", idempotent=True, profiles=READ)
async def browse_playlist(ctx: Context, playlist_id: PlaylistId, limit: Limit = 50) -> PlaylistItems:
    """Show a playlist and its first entries."""
    return await _entries(ctx, playlist_id, min(limit or 50, ROWS))

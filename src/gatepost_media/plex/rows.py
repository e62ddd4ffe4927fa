"""Rows that tools reply with, and how they are read from Plex's metadata."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gatepost_media.common.errors import BadArgument
from gatepost_media.common.ids import Digits
from gatepost_media.common.output import Row
from gatepost_media.plex.raw import TYPES, Raw, flag, number, rows, tags, text, when, whole

ItemType = Literal["movie", "show", "episode", "artist", "album", "track"]

LibraryKey = Annotated[Digits, Field(description="The library's key, from get_libraries.")]
RatingKey = Annotated[Digits, Field(description="The item's ratingKey.")]
PlaylistId = Annotated[Digits, Field(description="The playlist's ratingKey, from get_playlists.")]
AccountId = Annotated[Digits, Field(description="A Plex account id, from get_user_stats.")]
Offset = Annotated[int, Field(ge=0, le=100_000_000, description="Position of the first row, from 0.")]
Limit = Annotated[int, Field(ge=0, le=100_000, description="How many rows at most; 0 means the default.")]

HELD = {
    "movie": ("movie", "clip"),
    "show": ("show", "season", "episode"),
    "artist": ("artist", "album", "track"),
    "photo": ("photoalbum", "photo", "clip"),
}
"""Which types of items a library of a type holds, its own first."""


class Item(Row):
    """An item of a library. What a tool has no use for, and what Plex does not say, is absent."""

    ratingKey: str
    type: str
    title: str
    year: int | None = None
    edition: str | None = None
    guid: str | None = None
    guids: list[str] | None = Field(default=None, description="External ids: imdb://, tmdb://, tvdb://, mbid://.")
    grandparentTitle: str | None = Field(default=None, description="The show of an episode, the artist of a track.")
    parentTitle: str | None = Field(default=None, description="The season of an episode, the album of a track.")
    parentIndex: int | None = Field(default=None, description="Season or disc number.")
    index: int | None = Field(default=None, description="Episode or track number.")
    library: str | None = None
    duration: int | None = Field(default=None, description="Milliseconds.")
    viewOffset: int | None = Field(default=None, description="Milliseconds already played, of what is not finished.")
    minutesLeft: int | None = None
    viewCount: int | None = None
    leafCount: int | None = Field(
        default=None, description="Episodes of a show or season, tracks of an artist or album."
    )
    viewedLeafCount: int | None = None
    lastViewedAt: str | None = None
    addedAt: str | None = None
    released: str | None = Field(default=None, description="Day of first release.")
    contentRating: str | None = None
    rating: float | None = None
    audienceRating: float | None = None
    userRating: float | None = None
    genres: list[str] | None = None
    studio: str | None = None
    playlistItemID: str | None = Field(default=None, description="Names this entry of the playlist, to remove it.")


class LibraryRow(Row):
    """A library section."""

    key: str
    title: str
    type: str
    agent: str | None = None
    scanner: str | None = None
    language: str | None = None
    count: int | None = Field(default=None, description="Items of the library's own type.")
    scannedAt: str | None = None
    updatedAt: str | None = None
    refreshing: bool | None = None
    hidden: bool | None = None
    folders: list[str] = Field(default_factory=list)


def item(raw: Raw, *wanted: str) -> Item:
    """A row with what identifies an item, and the other fields named."""
    made = Item(
        ratingKey=text(raw, "ratingKey") or "",
        type=text(raw, "type") or "unknown",
        title=text(raw, "title") or "",
        year=whole(raw, "year"),
        edition=text(raw, "editionTitle"),
        grandparentTitle=text(raw, "grandparentTitle"),
        parentTitle=text(raw, "parentTitle"),
        parentIndex=whole(raw, "parentIndex") if text(raw, "parentTitle") else None,
        index=whole(raw, "index") if text(raw, "type") in ("season", "episode", "track") else None,
    )
    for name in wanted:
        setattr(made, name, _read(raw, name))
    return made


def _read(raw: Raw, name: str) -> object:
    if name in ("duration", "viewCount", "leafCount", "viewedLeafCount"):
        return whole(raw, name)
    if name == "viewOffset":
        return whole(raw, name) or None
    if name in ("lastViewedAt", "addedAt"):
        return when(raw, name)
    if name in ("rating", "audienceRating", "userRating"):
        return number(raw, name)
    if name == "genres":
        return tags(raw, "Genre") or None
    if name == "guids":
        return [found for each in rows(raw, "Guid") if (found := text(each, "id"))] or None
    if name == "minutesLeft":
        duration, played = whole(raw, "duration"), whole(raw, "viewOffset")
        return None if duration is None or not played else max(0, round((duration - played) / 60_000))
    if name == "library":
        return text(raw, "librarySectionTitle")
    if name == "released":
        return text(raw, "originallyAvailableAt")
    return text(raw, name)


def library(raw: Raw, count: int | None = None) -> LibraryRow:
    """A row for a section."""
    return LibraryRow(
        key=text(raw, "key") or "",
        title=text(raw, "title") or "",
        type=text(raw, "type") or "unknown",
        agent=text(raw, "agent"),
        scanner=text(raw, "scanner"),
        language=text(raw, "language"),
        count=count,
        scannedAt=when(raw, "scannedAt"),
        updatedAt=when(raw, "updatedAt"),
        refreshing=flag(raw, "refreshing"),
        hidden=flag(raw, "hidden"),
        folders=[path for each in rows(raw, "Location") if (path := text(each, "path"))],
    )


def type_number(section: Raw, wanted: str | None) -> int:
    """Plex's number for the type of items to list in a section; its own type by default.

    Raises BadArgument for a type that such a library does not hold.
    """
    kind = text(section, "type") or ""
    held = HELD.get(kind, (kind,))
    asked = wanted or held[0]
    if asked not in held or asked not in TYPES:
        raise BadArgument("type", f"library {text(section, 'key')} holds {', '.join(held)}, not {asked}.")
    return TYPES[asked]


def finished(raw: Raw) -> bool:
    """Whether an item counts as watched: seen once and not begun again, or all of its episodes seen."""
    leaves = whole(raw, "leafCount")
    if leaves is not None and text(raw, "type") in ("show", "season", "artist", "album"):
        return leaves > 0 and (whole(raw, "viewedLeafCount") or 0) >= leaves
    return (whole(raw, "viewCount") or 0) > 0

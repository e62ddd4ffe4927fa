"""Music: what was listened to, and finding more."""

from __future__ import annotations

import datetime
from collections import Counter
from typing import Annotated, Literal

from pydantic import Field

from gatepost_media.common.errors import BadArgument, NotFound
from gatepost_media.common.ids import Text
from gatepost_media.common.output import Out, Row
from gatepost_media.common.tools import Context, Toolset
from gatepost_media.plex import paths
from gatepost_media.plex.history import days_ago, plays
from gatepost_media.plex.raw import TYPES, Raw, rows, tags, text, whole
from gatepost_media.plex.rows import AccountId, Item, LibraryKey, item
from gatepost_media.plex.sentences import Wish, wish

TOOLS = Toolset("plex music", "", {"music": ""})
_PERIODS = {"week": 7, "month": 30, "quarter": 91, "year": 365, "all": None}
_FIELDS = ("library", "duration", "viewCount", "rating", "genres")


class Listened(Row):
    """A track, album or artist and how often it was played."""

    name: str
    by: str | None = None
    plays: int


class ListeningStats(Out):
    """What was listened to."""

    library: str
    account: str | None = None
    time_period: str
    plays: int
    hours: float
    tracks: int = Field(description="Different ones.")
    artists: int = Field(description="Different ones.")
    topTracks: list[Listened]
    topAlbums: list[Listened]
    topArtists: list[Listened]
    byHour: dict[str, int] = Field(description="Plays by hour of the day, UTC.")
    byDay: dict[str, int] = Field(description="Plays by day of the week, UTC.")
    byMonth: dict[str, int]
    recommendations: list[Item] | None = Field(
        default=None, description="Albums never played, in the genres listened to most."
    )


class Discovered(Out):
    """Tracks found, and how the sentence was understood."""

    understood: str
    items: list[Item]
    note: str | None = None


async def _library(ctx: Context, key: str | None, argument: str = "music_library_id") -> Raw:
    if key is not None:
        section = await ctx.plex.section(key, argument)
        if text(section, "type") != "artist":
            raise BadArgument(argument, f"{text(section, 'title')} is no music library.")
        return section
    found = [each for each in await ctx.plex.sections() if text(each, "type") == "artist"]
    if not found:
        raise NotFound("This Plex server has no music library.")
    return found[0]


@TOOLS.tool("get_listening_stats", title="Listening statistics", effect="read", idempotent=True, profiles=("music",))
async def get_listening_stats(
    ctx: Context,
    account_id: Annotated[AccountId | None, Field(description="Only this account.")] = None,
    time_period: Annotated[
        Literal["week", "month", "quarter", "year", "all"], Field(description="How far back.")
    ] = "month",
    include_recommendations: Annotated[bool, Field(description="Also albums to try.")] = True,
    music_library_id: Annotated[LibraryKey | None, Field(description="The first music library by default.")] = None,
) -> ListeningStats:
    """Count what was listened to: top tracks, albums and artists, hours of the day, days, months, and albums to try.
    Counts every play of the period."""
    section = await _library(ctx, music_library_id)
    if account_id is not None:
        await ctx.plex.check_account(account_id)
    key = text(section, "key") or ""
    days = _PERIODS[time_period]
    since = None if days is None else days_ago(days)
    tracks: Counter[tuple[str, str, str]] = Counter()
    albums: Counter[tuple[str, str]] = Counter()
    artists: Counter[str] = Counter()
    hours: Counter[str] = Counter()
    weekdays: Counter[str] = Counter()
    months: Counter[str] = Counter()
    done = 0
    async for page, length in plays(ctx.plex, since=since, account=account_id, library=key):
        for raw in page:
            title, artist = text(raw, "title") or "", text(raw, "grandparentTitle") or ""
            tracks[text(raw, "ratingKey") or title, title, artist] += 1
            albums[text(raw, "parentTitle") or "", artist] += 1
            artists[artist] += 1
            when = datetime.datetime.fromtimestamp(whole(raw, "viewedAt") or 0, datetime.UTC)
            hours[f"{when:%H}"] += 1
            weekdays[f"{when:%A}"] += 1
            months[f"{when:%Y-%m}"] += 1
        done += len(page)
        await ctx.progress(done, length)
    keys = [each for each, _, _ in tracks if each.isdigit()]
    lengths = {text(raw, "ratingKey"): whole(raw, "duration") or 0 for raw in await ctx.plex.items(keys)}
    milliseconds = sum(times * lengths.get(each, 0) for (each, _, _), times in tracks.items())
    account = None if account_id is None else (await ctx.plex.accounts()).get(int(account_id), account_id)
    return ListeningStats(
        library=text(section, "title") or "",
        account=account,
        time_period=time_period,
        plays=done,
        hours=round(milliseconds / 3_600_000, 1),
        tracks=len(tracks),
        artists=len(artists),
        topTracks=[Listened(name=title, by=artist, plays=n) for (_, title, artist), n in tracks.most_common(10)],
        topAlbums=[Listened(name=album, by=artist, plays=n) for (album, artist), n in albums.most_common(10)],
        topArtists=[Listened(name=artist, plays=n) for artist, n in artists.most_common(10)],
        byHour=dict(sorted(hours.items())),
        byDay={day: weekdays[day] for day in _DAYS if weekdays[day]},
        byMonth=dict(sorted(months.items())),
        recommendations=await _to_try(ctx, key, [name for name, _ in artists.most_common(3)])
        if include_recommendations
        else None,
    )


_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


async def _to_try(ctx: Context, library: str, artists: list[str]) -> list[Item]:
    """Albums never played, in the genres of the artists played most."""
    path = paths.section_all(library)
    found: list[Raw] = []
    genres: Counter[str] = Counter()
    for name in artists:
        matching, _ = await ctx.plex.first(path, {"type": TYPES["artist"], "title=": name}, start=0, size=5)
        for raw in matching:
            genres.update(tags(raw, "Genre"))
    numbers = await _choices(ctx, library, "genre", TYPES["album"])
    wanted = [numbers[name.casefold()] for name, _ in genres.most_common(3) if name.casefold() in numbers]
    if wanted:
        query = {"type": str(TYPES["album"]), "genre": ",".join(wanted), "viewCount": "0", "sort": "random"}
        found, _ = await ctx.plex.first(path, query, start=0, size=10)
    return [item(raw, "genres", "rating", "leafCount") for raw in found if not whole(raw, "viewedLeafCount")]


async def _choices(ctx: Context, library: str, kind: str, number: int) -> dict[str, str]:
    """Tag name in lower case → its number in a library."""
    container = await ctx.plex.container(paths.section_choices(library, kind), {"type": number})
    return {
        (text(each, "title") or "").casefold(): key
        for each in rows(container, "Directory")
        if (key := text(each, "key")) and key.isascii() and key.isdigit()
    }


@TOOLS.tool("discover_music", title="Discover music", effect="read", idempotent=True, profiles=("music",))
async def discover_music(
    ctx: Context,
    query: Annotated[Text, Field(description="A sentence: jazz from the 50s I have not heard; something like Bach.")],
    context: Annotated[Text | None, Field(description="More words to take into account: an occasion, a mood.")] = None,
    limit: Annotated[int, Field(ge=0, le=200, description="How many tracks; 0 means the default.")] = 10,
) -> Discovered:
    """Find music by a sentence: a decade or year, a genre, a mood, something like an artist, something not yet heard,
    or else words of a title or artist. Says how the sentence was understood."""
    library = text(await _library(ctx, None), "key") or ""
    genres = await _choices(ctx, library, "genre", TYPES["album"])
    moods = await _choices(ctx, library, "mood", TYPES["track"])
    asked = wish(f"{query} {context}" if context else query, list(genres), list(moods))
    size = limit or 10
    if asked.like is not None:
        return await _like(ctx, library, asked, size)
    conditions = {"type": str(TYPES["track"]), "sort": "random"}
    if asked.years is not None:
        conditions["album.year>"], conditions["album.year<"] = (str(year) for year in asked.years)
    if asked.genres:
        conditions["album.genre"] = ",".join(genres[name] for name in asked.genres)
    if asked.moods:
        conditions["mood"] = ",".join(moods[name] for name in asked.moods)
    if asked.unheard:
        conditions["viewCount"] = "0"
    if len(conditions) > 2:
        found, _ = await ctx.plex.first(paths.section_all(library), conditions, start=0, size=size)
        note = None if found else "Nothing in the library is like that. Ask for less at once."
        return Discovered(understood=asked.said(), items=[item(raw, *_FIELDS) for raw in found], note=note)
    page = await ctx.plex.page(paths.section_search(library), {"query": query}, start=0, size=size)
    found = rows(page, "Metadata")[:size]
    note = None if found else "Nothing in the music library has these words. Name a genre, a decade or an artist."
    return Discovered(
        understood=f"titles with the words {query!r}", items=[item(raw, *_FIELDS) for raw in found], note=note
    )


async def _like(ctx: Context, library: str, asked: Wish, size: int) -> Discovered:
    """Tracks of artists that Plex calls similar to one, or that share a genre with it."""
    path = paths.section_all(library)
    found, _ = await ctx.plex.first(path, {"type": TYPES["artist"], "title": asked.like or ""}, start=0, size=1)
    if not found:
        return Discovered(understood=asked.said(), items=[], note="No artist in the library has that name.")
    artist = found[0]
    name, key = text(artist, "title") or "", text(artist, "ratingKey") or ""
    similar = rows(await ctx.plex.container(paths.similar(key), {"count": 20}), "Metadata")
    tracks: list[Raw] = []
    others = [other for raw in similar if (other := text(raw, "ratingKey")) and other != key and other.isdigit()]
    share = max(1, -(-size // max(1, len(others))))
    for each in others:
        if len(tracks) >= size:
            break
        some, _ = await ctx.plex.first(paths.leaves(each), start=0, size=share)
        tracks += [raw for raw in some if not (asked.unheard and whole(raw, "viewCount"))]
    note = None if tracks else f"Plex knows nothing in the library that is similar to {name}."
    understood = f"artists similar to {name}" + (", not yet heard" if asked.unheard else "")
    return Discovered(understood=understood, items=[item(raw, *_FIELDS) for raw in tracks[:size]], note=note)

"""The filters that browse_library and search_plex share: what of them Plex decides, and what is decided here.

Plex's media queries know most of them, so that a filter holds for the whole library and not for a page of it. What
stands in an item's file (sizes, codecs, loudness) Plex does not filter by: those rows are looked at one by one, streams
in batches. Tempo and key Plex does not know at all; a note in the reply says so.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Annotated, Literal

from pydantic import Field

from gatepost_media.common.arguments import Spread
from gatepost_media.common.errors import BadArgument
from gatepost_media.common.ids import Text, When, moment
from gatepost_media.plex import paths
from gatepost_media.plex.client import Plex
from gatepost_media.plex.raw import TYPES, Raw, number, rows, text, whole

BATCH = 50
"""Items whose streams are asked for in one request."""
_LOSSLESS = frozenset({"flac", "alac", "wav", "pcm", "aiff", "ape", "truehd", "dts-hd", "dca-ma", "wavpack"})
_MEBIBYTE = 1024 * 1024

Count = Annotated[int | None, Field(ge=0, le=1_000_000)]
Year = Annotated[int | None, Field(ge=1800, le=2200)]
Score = Annotated[float | None, Field(ge=0, le=10)]
Minutes = Annotated[float | None, Field(ge=0, le=100_000)]
Mood = Literal["energetic", "calm", "aggressive", "melancholic", "uplifting", "dark", "romantic", "mysterious"]
Number = Annotated[float | None, Field(ge=-1000, le=1_000_000)]


class Filters(Spread):
    """Narrow a list of items. All that are given have to hold."""

    genre: Text | None = Field(default=None, description="A genre by name.")
    year: Year = Field(default=None, description="Year of release.")
    play_count_min: Count = Field(default=None, description="Played so often at least.")
    play_count_max: Count = Field(default=None, description="Played so often at most.")
    last_played_after: When | None = Field(
        default=None, description="A day or time, such as 2026-11-21: played last since then."
    )
    last_played_before: When | None = Field(default=None, description="A day or time: played last before it.")
    played_in_last_days: Annotated[int | None, Field(ge=1, le=36_500)] = Field(
        default=None, description="Played in the last so many days."
    )
    never_played: bool | None = Field(default=None, description="Only what was never played.")
    content_rating: Text | None = Field(default=None, description="Such as PG or TV-14.")
    resolution: Literal["4k", "1080", "720", "480", "sd"] | None = Field(default=None, description="Of the video.")
    audio_format: Literal["lossless", "lossy", "mp3", "flac", "aac"] | None = Field(
        default=None, description="Of the audio in the file."
    )
    bpmMin: Number = Field(default=None, description="Plex does not know the tempo: see the reply's note.")
    bpmMax: Number = Field(default=None, description="Plex does not know the tempo: see the reply's note.")
    musical_key: Text | None = Field(default=None, description="Plex does not know the key: see the reply's note.")
    dynamic_range_min: Number = Field(default=None, description="Loudness range of the audio stream, LU.")
    dynamic_range_max: Number = Field(default=None, description="The same, at most.")
    loudness_min: Number = Field(default=None, description="Loudness of the audio stream, LUFS.")
    loudness_max: Number = Field(default=None, description="The same, at most.")
    mood: Mood | None = Field(default=None, description="One of the moods that Plex gives to music.")
    acoustic_ratio_min: Number = Field(default=None, description="Plex does not know it: see the reply's note.")
    acoustic_ratio_max: Number = Field(default=None, description="Plex does not know it: see the reply's note.")
    file_size_min: Number = Field(default=None, description="MB of the file.")
    file_size_max: Number = Field(default=None, description="MB of the file, at most.")
    year_min: Year = Field(default=None, description="Released in that year or later.")
    year_max: Year = Field(default=None, description="Released in that year or before.")
    studio: Text | None = Field(default=None, description="The studio, or the label of music, by name.")
    director: Text | None = Field(default=None, description="A director by name.")
    writer: Text | None = Field(default=None, description="A writer by name.")
    actor: Text | None = Field(default=None, description="An actor by name.")
    rating_min: Score = Field(default=None, description="The rating shown, 0 to 10, at least.")
    rating_max: Score = Field(default=None, description="The rating shown, 0 to 10, at most.")
    duration_min: Minutes = Field(default=None, description="Minutes.")
    duration_max: Minutes = Field(default=None, description="Minutes.")
    added_after: When | None = Field(default=None, description="A day or time: added since then.")
    added_before: When | None = Field(default=None, description="A day or time: added before it.")

    @property
    def unknown_to_plex(self) -> list[str]:
        """The filters given that nothing in Plex can answer."""
        names = ("bpmMin", "bpmMax", "musical_key", "acoustic_ratio_min", "acoustic_ratio_max")
        return [name for name in names if getattr(self, name) is not None]

    @property
    def needs_streams(self) -> bool:
        """Whether a stream's loudness is asked for."""
        return any(
            value is not None
            for value in (self.loudness_min, self.loudness_max, self.dynamic_range_min, self.dynamic_range_max)
        )

    @property
    def local(self) -> bool:
        """Whether rows have to be looked at here."""
        return (
            self.needs_streams
            or self.audio_format is not None
            or self.file_size_min is not None
            or self.file_size_max is not None
        )

    def note(self) -> str | None:
        """What to say of the filters that were not applied."""
        if not self.unknown_to_plex:
            return None
        return f"Not applied, because Plex does not know these properties: {', '.join(self.unknown_to_plex)}."


_TAGS = {"genre": "genre", "director": "director", "writer": "writer", "actor": "actor", "mood": "mood"}
_SPANS = {
    "year": ("year_min", "year_max", 1.0),
    "rating": ("rating_min", "rating_max", 1.0),
    "viewCount": ("play_count_min", "play_count_max", 1.0),
    "duration": ("duration_min", "duration_max", 60_000.0),
}
_DATES = {
    "addedAt": ("added_after", "added_before"),
    "lastViewedAt": ("last_played_after", "last_played_before"),
}
_PLAIN = {"studio": "studio", "contentRating": "content_rating", "resolution": "resolution", "year": "year"}
_MUSIC = frozenset({TYPES["artist"], TYPES["album"], TYPES["track"]})
_SCOPES = {
    (TYPES["episode"], "genre"): ("show.", TYPES["show"]),
    (TYPES["episode"], "studio"): ("show.", TYPES["show"]),
    (TYPES["episode"], "actor"): ("show.", TYPES["show"]),
    (TYPES["track"], "genre"): ("album.", TYPES["album"]),
    (TYPES["track"], "studio"): ("album.", TYPES["album"]),
    (TYPES["track"], "year"): ("album.", TYPES["album"]),
}
"""Fields that an item does not have itself but what stands above it: an episode's genre is its show's."""


def _scoped(kind: int, field: str) -> str:
    return _SCOPES.get((kind, field), ("", kind))[0] + field


def check_spans(filters: Filters) -> None:
    """Before anything is asked: raises BadArgument for a span that holds nothing."""
    for least, most, _ in _SPANS.values():
        low, high = getattr(filters, least), getattr(filters, most)
        if low is not None and high is not None and low > high:
            raise BadArgument(least, f"is more than {most}.")


async def media_query(plex: Plex, library: str, kind: int, filters: Filters) -> dict[str, str]:
    """The query that has Plex apply what it can. The operator stands at the end of a name: `year>` with `=`.

    Raises BadArgument for a tag that the library does not have.
    """
    query = {"type": str(kind)}
    for argument, field in _TAGS.items():
        wanted = getattr(filters, argument)
        if wanted is not None:
            scope, level = _SCOPES.get((kind, field), ("", kind))
            query[scope + field] = await plex.tag(library, field, wanted, argument, level)
    for field, argument in _PLAIN.items():
        value = getattr(filters, argument)
        if value is not None:
            query[_scoped(kind, field)] = str(value)
    for field, (least, most, factor) in _SPANS.items():
        low, high = getattr(filters, least), getattr(filters, most)
        if low is not None:
            query[f"{_scoped(kind, field)}>"] = _plain(low * factor)
        if high is not None:
            query[f"{_scoped(kind, field)}<"] = _plain(high * factor)
    for field, (after, before) in _DATES.items():
        since, until = getattr(filters, after), getattr(filters, before)
        if since is not None:
            query[f"{field}>>"] = str(int(moment(after, since).timestamp()))
        if until is not None:
            query[f"{field}<<"] = str(int(moment(before, until).timestamp()))
    if filters.played_in_last_days is not None:
        since_days = str(int(time.time()) - filters.played_in_last_days * 86_400)
        query["lastViewedAt>>"] = max(query.get("lastViewedAt>>", "0"), since_days, key=int)
    if filters.never_played is not None:
        if kind in _MUSIC:
            query["viewCount" if filters.never_played else "viewCount>>"] = "0"
        else:
            query["unwatched"] = "1" if filters.never_played else "0"
    return query


def _plain(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


async def kept(plex: Plex, pages: AsyncIterator[tuple[list[Raw], int | None]], filters: Filters) -> AsyncIterator[Raw]:
    """The rows of all pages that pass the filters which are decided here."""
    async for page, _ in pages:
        rest = [row for row in page if _file_fits(row, filters)]
        if not filters.needs_streams:
            for row in rest:
                yield row
            continue
        for begin in range(0, len(rest), BATCH):
            keys = [key for row in rest[begin : begin + BATCH] if (key := text(row, "ratingKey")) and key.isdigit()]
            if keys:
                for row in rows(await plex.container(paths.metadata(*keys)), "Metadata"):
                    if _streams_fit(row, filters):
                        yield row


def _file_fits(row: Raw, filters: Filters) -> bool:
    media = rows(row, "Media")
    if filters.audio_format is not None and not any(_sounds(each, filters.audio_format) for each in media):
        return False
    if filters.file_size_min is None and filters.file_size_max is None:
        return True
    size = sum(whole(part, "size") or 0 for each in media for part in rows(each, "Part")) / _MEBIBYTE
    return size > 0 and _within(size, filters.file_size_min, filters.file_size_max)


def _sounds(media: Raw, wanted: str) -> bool:
    codec = (text(media, "audioCodec") or "").lower()
    if wanted in ("lossless", "lossy"):
        return bool(codec) and (codec in _LOSSLESS) == (wanted == "lossless")
    return codec == wanted


def _streams_fit(row: Raw, filters: Filters) -> bool:
    for media in rows(row, "Media"):
        for part in rows(media, "Part"):
            for stream in rows(part, "Stream"):
                if whole(stream, "streamType") != 2:
                    continue
                if _within(number(stream, "loudness"), filters.loudness_min, filters.loudness_max) and _within(
                    number(stream, "lra"), filters.dynamic_range_min, filters.dynamic_range_max
                ):
                    return True
    return False


def _within(value: float | None, least: float | None, most: float | None) -> bool:
    if least is None and most is None:
        return True
    return value is not None and (least is None or value >= least) and (most is None or value <= most)

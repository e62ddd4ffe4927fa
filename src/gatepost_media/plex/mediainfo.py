"""What an item's files are: versions, parts and streams, and how good they sound."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gatepost_media.common.ids import Digits
from gatepost_media.common.output import Out, Row
from gatepost_media.common.tools import Context, Toolset
from gatepost_media.plex.raw import Raw, flag, number, rows, text, whole
from gatepost_media.plex.rows import Item, item

TOOLS = Toolset("plex media", "", {"plex-read": "", "music": ""})
READ = ("plex-read", "music")
_LOSSLESS = frozenset({"flac", "alac", "wav", "pcm", "aiff", "truehd", "dca-ma"})


class Stream(Row):
    """A stream in a file."""

    kind: Literal["video", "audio", "subtitle", "lyrics", "other"]
    codec: str | None = None
    language: str | None = None
    bitrate: int | None = Field(default=None, description="kbit/s.")
    channels: int | None = None
    bitDepth: int | None = None
    samplingRate: int | None = None
    width: int | None = None
    height: int | None = None
    frameRate: float | None = None
    loudness: float | None = Field(default=None, description="LUFS.")
    loudnessRange: float | None = Field(default=None, description="LU.")
    gain: float | None = None
    selected: bool | None = None
    title: str | None = None


class Part(Row):
    """A file."""

    file: str | None = None
    container: str | None = None
    size: int | None = Field(default=None, description="Bytes.")
    duration: int | None = Field(default=None, description="Milliseconds.")
    streams: list[Stream]


class Version(Row):
    """A version of the item; there may be several."""

    container: str | None = None
    bitrate: int | None = Field(default=None, description="kbit/s.")
    resolution: str | None = None
    width: int | None = None
    height: int | None = None
    videoCodec: str | None = None
    audioCodec: str | None = None
    audioChannels: int | None = None
    duration: int | None = Field(default=None, description="Milliseconds.")
    parts: list[Part]


class MediaInfo(Out):
    """The files of an item."""

    item: Item
    versions: list[Version]
    audioQuality: int | None = Field(
        default=None, description="0 to 100, an estimate from codec, bit rate, bit depth and sampling rate."
    )


@TOOLS.tool("get_media_info", title="Files and streams", effect="read", idempotent=True, profiles=READ)
async def get_media_info(
    ctx: Context, item_key: Annotated[Digits, Field(description="The item's ratingKey.")]
) -> MediaInfo:
    """Show the technical side of one item: every version with its container, codecs, bit rates, files and streams."""
    raw = await ctx.plex.item(item_key)
    versions = [_version(each) for each in rows(raw, "Media")]
    return MediaInfo(item=item(raw, "duration", "library"), versions=versions, audioQuality=_quality(versions))


def _version(media: Raw) -> Version:
    return Version(
        container=text(media, "container"),
        bitrate=whole(media, "bitrate"),
        resolution=text(media, "videoResolution"),
        width=whole(media, "width"),
        height=whole(media, "height"),
        videoCodec=text(media, "videoCodec"),
        audioCodec=text(media, "audioCodec"),
        audioChannels=whole(media, "audioChannels"),
        duration=whole(media, "duration"),
        parts=[
            Part(
                file=text(each, "file"),
                container=text(each, "container"),
                size=whole(each, "size"),
                duration=whole(each, "duration"),
                streams=[_stream(one) for one in rows(each, "Stream")],
            )
            for each in rows(media, "Part")
        ],
    )


def _stream(raw: Raw) -> Stream:
    kinds: dict[int | None, Literal["video", "audio", "subtitle", "lyrics"]] = {
        1: "video",
        2: "audio",
        3: "subtitle",
        4: "lyrics",
    }
    return Stream(
        kind=kinds.get(whole(raw, "streamType"), "other"),
        codec=text(raw, "codec"),
        language=text(raw, "language"),
        bitrate=whole(raw, "bitrate"),
        channels=whole(raw, "channels"),
        bitDepth=whole(raw, "bitDepth"),
        samplingRate=whole(raw, "samplingRate"),
        width=whole(raw, "width"),
        height=whole(raw, "height"),
        frameRate=number(raw, "frameRate"),
        loudness=number(raw, "loudness"),
        loudnessRange=number(raw, "lra"),
        gain=number(raw, "gain"),
        selected=flag(raw, "selected"),
        title=text(raw, "displayTitle"),
    )


def _quality(versions: list[Version]) -> int | None:
    """Best of the versions: lossless begins at 80, lossy at its share of 320 kbit/s; depth and rate add the rest."""
    best = None
    for version in versions:
        for part in version.parts:
            for stream in part.streams:
                if stream.kind != "audio" or not stream.codec:
                    continue
                if stream.codec.lower() in _LOSSLESS:
                    score = 80 + (10 if (stream.bitDepth or 16) > 16 else 0)
                    score += 10 if (stream.samplingRate or 44_100) > 48_000 else 0
                else:
                    score = min(75, round(75 * (stream.bitrate or version.bitrate or 128) / 320))
                best = score if best is None else max(best, score)
    return best

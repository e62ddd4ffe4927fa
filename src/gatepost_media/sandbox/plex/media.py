"""The files that titles have: sizes, codecs and streams, made up from their keys."""

from __future__ import annotations

from gatepost_media.sandbox.plex.answer import Row
from gatepost_media.sandbox.works import Work

_PICTURES = (("1080", 1440, 1080), ("720", 960, 720), ("480", 640, 480), ("sd", 480, 360), ("4k", 2880, 2160))
_SOUNDS = (("flac", 1000), ("mp3", 320), ("aac", 256))


def resolution(work: Work) -> str:
    """ "4k", "1080", "720", "480" or "sd"."""
    return _PICTURES[work.key % len(_PICTURES)][0]


def media(work: Work, folder: str, *, full: bool) -> Row:
    """The one version of a title, its file below `folder`; with its streams if `full`."""
    path = f"{folder}/{work.key}"
    seconds = work.duration // 1000
    if work.kind == "track":
        codec, rate = _SOUNDS[work.key % len(_SOUNDS)]
        media: Row = {
            "id": work.key,
            "duration": work.duration,
            "bitrate": rate,
            "audioChannels": 2,
            "audioCodec": codec,
            "container": codec,
        }
        streams: list[Row] = [
            {
                "id": work.key * 10 + 1,
                "streamType": 2,
                "selected": True,
                "codec": codec,
                "index": 0,
                "channels": 2,
                "bitrate": rate,
                "displayTitle": f"{codec.upper()} (Stereo)",
                "loudness": -18.5,
                "lra": 6.2,
                "gain": -1.5,
            }
        ]
        size, ending = rate * 125 * seconds, codec
    else:
        name, width, height = _PICTURES[work.key % len(_PICTURES)]
        rate, ending = height * 4, "mkv"
        media = {
            "id": work.key,
            "duration": work.duration,
            "bitrate": rate,
            "width": width,
            "height": height,
            "aspectRatio": 1.33,
            "audioChannels": 2,
            "audioCodec": "aac",
            "videoCodec": "h264",
            "videoResolution": name,
            "container": "mkv",
            "videoFrameRate": "24p",
            "videoProfile": "high",
            "audioProfile": "lc",
        }
        streams = [
            {
                "id": work.key * 10 + 1,
                "streamType": 1,
                "default": True,
                "codec": "h264",
                "index": 0,
                "bitrate": rate - 192,
                "width": width,
                "height": height,
                "frameRate": 24.0,
                "displayTitle": f"{name} (H.264)",
            },
            {
                "id": work.key * 10 + 2,
                "streamType": 2,
                "selected": True,
                "default": True,
                "codec": "aac",
                "index": 1,
                "channels": 2,
                "bitrate": 192,
                "language": "English",
                "languageCode": "eng",
                "displayTitle": "English (AAC Stereo)",
            },
            {
                "id": work.key * 10 + 3,
                "streamType": 3,
                "codec": "srt",
                "index": 2,
                "language": "English",
                "languageCode": "eng",
                "displayTitle": "English (SRT)",
            },
        ]
        size = rate * 125 * seconds
    part: Row = {
        "id": work.key,
        "key": f"/library/parts/{work.key}/{work.added_at}/file.{ending}",
        "duration": work.duration,
        "file": f"{path}/file.{ending}",
        "size": size,
        "container": ending,
    }
    if full:
        part["Stream"] = streams
    return {**media, "Part": [part]}

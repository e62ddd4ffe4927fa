"""Statistics of libraries: how much each holds, and of what."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

from pydantic import Field

from gatepost_media.common.output import Out, Row
from gatepost_media.common.tools import Context, Toolset
from gatepost_media.plex import paths
from gatepost_media.plex.raw import TYPES, Raw, rows, text, whole
from gatepost_media.plex.rows import HELD, LibraryKey, LibraryRow, finished, library

TOOLS = Toolset("plex library statistics", "", {"plex-read": "", "music": ""})


class Breakdown(Row):
    """How many items have a property."""

    name: str
    count: int


class LibraryDetail(Row):
    """A library and what is in it."""

    library: LibraryRow
    counts: list[Breakdown] = Field(description="Items by type.")
    files: int | None = None
    gigabytes: float | None = None
    hours: float | None = None
    watched: int | None = None
    containers: list[Breakdown] | None = None
    videoCodecs: list[Breakdown] | None = None
    audioCodecs: list[Breakdown] | None = None
    resolutions: list[Breakdown] | None = None
    decades: list[Breakdown] | None = None
    genres: list[Breakdown] | None = None


class LibraryStats(Out):
    """Libraries with figures."""

    libraries: list[LibraryDetail]


@TOOLS.tool(
    "get_library_stats",
    title="Library statistics",
    effect="read",
    idempotent=True,
    profiles=("plex-read", "music"),
    aliases={"library_id": "libraryKey"},
)
async def get_library_stats(
    ctx: Context,
    libraryKey: Annotated[LibraryKey | None, Field(description="Only this library; all by default.")] = None,
    include_details: Annotated[
        bool, Field(description="Walk all items and add sizes, hours, codecs, resolutions, decades, genres.")
    ] = False,
) -> LibraryStats:
    """Show how many items of each type a library holds, its language and folders, and with include_details what its
    files add up to. Details read one page for each 500 items."""
    sections = await ctx.plex.sections() if libraryKey is None else [await ctx.plex.section(libraryKey)]
    return LibraryStats(libraries=[await _detail(ctx, each, details=include_details) for each in sections])


async def _detail(ctx: Context, section: Raw, *, details: bool) -> LibraryDetail:
    key, kind = text(section, "key") or "", text(section, "type") or ""
    path = paths.section_all(key)
    counts = []
    for each in HELD.get(kind, ()):
        if each in TYPES and each not in ("clip", "season"):
            number = await ctx.plex.count(path, {"type": TYPES[each]})
            counts.append(Breakdown(name=each, count=number or 0))
    made = LibraryDetail(library=library(section, counts[0].count if counts else None), counts=counts)
    if not details:
        return made
    leaf = {"show": "episode", "artist": "track", "photo": "photo"}.get(kind, kind)
    files = size = duration = watched = done = 0
    kinds: dict[str, Counter[str]] = {
        name: Counter() for name in ("containers", "videoCodecs", "audioCodecs", "resolutions", "decades", "genres")
    }
    async for page, length in ctx.plex.walk(path, {"type": TYPES.get(leaf, 1)}):
        for raw in page:
            duration += whole(raw, "duration") or 0
            watched += finished(raw)
            if year := whole(raw, "year"):
                kinds["decades"][f"{year // 10 * 10}s"] += 1
            kinds["genres"].update(name for each in rows(raw, "Genre") if (name := text(each, "tag")))
            for media in rows(raw, "Media"):
                for name, attribute in _MEDIA.items():
                    if value := text(media, attribute):
                        kinds[name][value] += 1
                for part in rows(media, "Part"):
                    files += 1
                    size += whole(part, "size") or 0
        done += len(page)
        await ctx.progress(done, length, text(section, "title"))
    made.files, made.watched = files, watched
    made.gigabytes, made.hours = round(size / 1e9, 2), round(duration / 3_600_000, 1)
    for name, counter in kinds.items():
        setattr(made, name, [Breakdown(name=each, count=n) for each, n in counter.most_common(30)] or None)
    return made


_MEDIA = {
    "containers": "container",
    "videoCodecs": "videoCodec",
    "audioCodecs": "audioCodec",
    "resolutions": "videoResolution",
}

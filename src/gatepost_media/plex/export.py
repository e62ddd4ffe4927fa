"""export_library: a whole section as a JSON file, page by page."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated

from pydantic import Field

from gatepost_media.common.errors import Refused
from gatepost_media.common.output import Out
from gatepost_media.common.tools import Context, Toolset
from gatepost_media.plex import paths
from gatepost_media.plex.exportfile import ExportFile, parts
from gatepost_media.plex.raw import TYPES
from gatepost_media.plex.rows import ItemType, LibraryKey, type_number

TOOLS = Toolset("plex export", "", {"plex-read": ""})
_NAMES = {number: name for name, number in TYPES.items()}


class Exported(Out):
    """What was written."""

    path: str = Field(description="From the folder in which this server was started.")
    items: int
    bytes: int
    type: str
    requests: int


@TOOLS.tool("export_library", title="Export a library", effect="destructive", idempotent=False, profiles=("plex-read",))
async def export_library(
    ctx: Context,
    libraryKey: LibraryKey,
    type: Annotated[
        ItemType | None, Field(description="Which items; the library's own type by default (a show library's shows).")
    ] = None,
    outputPath: Annotated[
        str | None,
        Field(max_length=500, description="A .json file below ./exports; library-<key>-<type>.json by default."),
    ] = None,
    pageSize: Annotated[int, Field(ge=1, le=1000, description="Rows a request.")] = 500,
    overwrite: Annotated[bool, Field(description="Replace the file if there is one.")] = False,
) -> Exported:
    """Write every item of a library, with all fields that Plex gives, into a JSON array file below ./exports. The file
    appears whole at the end; an existing one is kept unless overwrite is true. Reports progress."""
    named = None if outputPath is None else parts("outputPath", outputPath)
    number = type_number(await ctx.plex.section(libraryKey), type)
    kind = _NAMES[number]
    pieces = named or [f"library-{libraryKey}-{kind}.json"]
    with ExportFile(ctx.settings.exports, pieces, overwrite=overwrite) as file:
        written, requests, expected = 0, 0, None
        file.write(b"[")
        query = {"type": number, "includeGuids": 1}
        async for page, length in ctx.plex.walk(paths.section_all(libraryKey), query, size=pageSize):
            lines = [json.dumps(each, ensure_ascii=False, separators=(",", ":")) for each in page]
            file.write(((",\n" if written else "\n") + ",\n".join(lines)).encode("utf-8", "replace"))
            written += len(page)
            requests += 1
            expected = length
            await ctx.progress(written, length, f"{written} items")
        if expected is not None and written < expected:
            raise Refused(f"Plex announced {expected} items and gave {written}. Nothing was written; export again.")
        file.write(b"\n]\n")
        size = await asyncio.to_thread(file.finish)
    return Exported(path=file.shown, items=written, bytes=size, type=kind, requests=max(requests, 1))

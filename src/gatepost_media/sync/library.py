"""All films and episodes of a Plex server, page by page, with the ids that Trakt knows them by."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from gatepost_media.plex import paths
from gatepost_media.plex.client import Plex
from gatepost_media.plex.raw import TYPES, text
from gatepost_media.sync.items import Item, Show, from_plex, show_from_plex


@dataclass(frozen=True, slots=True)
class Leaf:
    """One page of the library. `read` counts this section's rows so far, `length` is how many it has, if known."""

    items: list[Item]
    section: str
    read: int
    length: int | None


async def library(plex: Plex) -> AsyncIterator[Leaf]:
    """Every film of every film section and every episode of every show section, one request for 500.

    A show's ids are those of the show, so the shows of a section come first; they are held while it is read.
    """
    for section in await plex.sections():
        key, title, kind = text(section, "key"), text(section, "title") or "", section.get("type")
        if key is None or kind not in ("movie", "show"):
            continue
        path = paths.section_all(key)
        shows: dict[str, Show] = {}
        if kind == "show":
            async for rows, _ in plex.walk(path, _query("show")):
                for row in rows:
                    shows[text(row, "ratingKey") or ""] = show_from_plex(row)
        read = 0
        async for rows, length in plex.walk(path, _query("movie" if kind == "movie" else "episode")):
            read += len(rows)
            items = [item for row in rows if (item := from_plex(row, shows)) is not None]
            yield Leaf(items, title, read, length)


def _query(kind: str) -> dict[str, int]:
    return {"type": TYPES[kind], "includeGuids": 1}

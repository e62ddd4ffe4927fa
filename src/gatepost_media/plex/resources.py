"""Resources: what the server has, at addresses of its own. JSON, bounded like a tool's reply."""

from __future__ import annotations

import json
from collections.abc import Sequence

from gatepost_media.common.errors import MediaError, NotConfigured
from gatepost_media.common.ids import digits
from gatepost_media.common.output import Json, Out, reply
from gatepost_media.common.tools import Context, ListedResource, Toolset
from gatepost_media.plex import paths
from gatepost_media.plex.libraries import (
    ROWS,
    Items,
    get_libraries,
    get_library_items,
    get_on_deck,
    get_recently_added,
)
from gatepost_media.plex.librarystats import get_library_stats
from gatepost_media.plex.playlists import get_playlists
from gatepost_media.plex.raw import text

TOOLS = Toolset("plex resources", "")


def _json(ctx: Context, out: Out) -> str:
    # A resource has no cursor: what does not fit is said to be missing.
    content, _ = reply(out, ctx.settings.reply_tokens * 2, lambda _offset: "")
    if content.pop("nextCursor", None) is not None:
        total = content.get("totalSize")
        content["note"] = f"Cut: the whole list has {total if total is not None else 'more'} items. A tool pages it."
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


@TOOLS.resource("plex://libraries", name="libraries", title="Libraries", description="All libraries.")
async def libraries(ctx: Context) -> str:
    return _json(ctx, await get_libraries(ctx))


@TOOLS.resource("plex://recent", name="recent", title="Recently added", description="The newest items.")
async def recent(ctx: Context) -> str:
    return _json(ctx, await get_recently_added(ctx))


@TOOLS.resource("plex://playlists", name="playlists", title="Playlists", description="All playlists.")
async def playlists(ctx: Context) -> str:
    return _json(ctx, await get_playlists(ctx))


@TOOLS.resource("plex://on-deck", name="on-deck", title="On deck", description="What to go on watching.")
async def on_deck(ctx: Context) -> str:
    return _json(ctx, await get_on_deck(ctx))


@TOOLS.resource("plex://stats", name="stats", title="Statistics", description="How many items each library holds.")
async def stats(ctx: Context) -> str:
    return _json(ctx, await get_library_stats(ctx))


@TOOLS.resource("plex://status", name="status", title="Status", description="Whether the Plex server can be reached.")
async def status(ctx: Context) -> str:
    told: dict[str, Json]
    try:
        found = await ctx.plex.container(paths.IDENTITY)
        told = {"reachable": True, "version": text(found, "version"), "signedIn": ctx.plex.token() is not None}
    except NotConfigured as error:
        told = {"reachable": False, "configured": False, "message": str(error)}
    except MediaError as error:
        told = {"reachable": False, "configured": True, "message": str(error)}
    return json.dumps(told, ensure_ascii=False)


@TOOLS.resource(
    "plex://library/{id}", name="library", title="A library", description="The items of one library, by its key."
)
async def one_library(ctx: Context, id: str) -> str:
    return _json(ctx, await get_library_items(ctx, digits("id", id), limit=ROWS))


@TOOLS.resource(
    "plex://library/{id}/recent",
    name="library-recent",
    title="Newest of a library",
    description="The newest items of one library, by its key.",
)
async def library_recent(ctx: Context, id: str) -> str:
    found: Items = await get_recently_added(ctx, digits("id", id))
    return _json(ctx, found)


@TOOLS.lister
async def sections(ctx: Context) -> Sequence[ListedResource]:
    """Two for each library; none where the server cannot be reached: plex://status says why."""
    try:
        found = await ctx.plex.sections()
    except MediaError:
        return []
    listed = []
    for each in found:
        key, title = text(each, "key"), text(each, "title") or ""
        if key and key.isascii() and key.isdigit():
            listed.append(ListedResource(f"plex://library/{key}", f"library-{key}", title))
            listed.append(ListedResource(f"plex://library/{key}/recent", f"library-{key}-recent", f"{title}: newest"))
    return listed

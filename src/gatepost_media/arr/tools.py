"""The tools of Sonarr and Radarr, and the one that looks at both."""

from __future__ import annotations

import asyncio

from gatepost_media.arr import radarr, sonarr
from gatepost_media.arr.client import Arr, Radarr, Sonarr
from gatepost_media.arr.replies import ArrStatus, Health
from gatepost_media.common.errors import MediaError, Unreachable
from gatepost_media.common.tools import Context, Toolset
from gatepost_media.plex.raw import text

tools = Toolset("arr", "", {"arr": ""})


@tools.tool("arr_get_status", title="Sonarr and Radarr", effect="read", idempotent=True, profiles=("arr",))
async def arr_get_status(ctx: Context) -> ArrStatus:
    """Whether Sonarr and Radarr are configured and can be reached, and their versions. A failure of one does not hide
    the other."""
    first, second = await asyncio.gather(health(ctx.process.of(Sonarr)), health(ctx.process.of(Radarr)))
    return ArrStatus(sonarr=first, radarr=second)


async def health(arr: Arr) -> Health:
    """How one service is; what is wrong with it stands in `problem`."""
    if not arr.configured:
        name = arr.service.upper()
        return Health(configured=False, reachable=False, problem=f"Set {name}_URL and {name}_API_KEY to use it.")
    try:
        found = await arr.row("system", "status")
    except MediaError as error:
        return Health(configured=True, reachable=not isinstance(error, Unreachable), problem=str(error))
    return Health(
        configured=True,
        reachable=True,
        version=text(found, "version"),
        name=text(found, "instanceName") or text(found, "appName"),
    )


def register(toolset: Toolset) -> None:
    """Adds the tools to the Plex server's."""
    for group in (sonarr.tools, radarr.tools, tools):
        toolset.include(group)

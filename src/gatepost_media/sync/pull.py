"""Marking as watched on Plex what a plan says, one item at a time: Plex takes them in no other way."""

from __future__ import annotations

import asyncio

from gatepost_media.common.errors import MediaError, NotFound, Unreachable
from gatepost_media.plex import paths
from gatepost_media.plex.client import Plex
from gatepost_media.plex.raw import whole as integer
from gatepost_media.sync.plans import Plan, Report
from gatepost_media.sync.push import FIRST_PAUSE, TRIES, stopped
from gatepost_media.sync.whole import whole

LIBRARY = "com.plexapp.plugins.library"


async def pull(plex: Plex, plan: Plan, report: Report, *, first_pause: float = FIRST_PAUSE) -> tuple[int, int]:
    """Marks the plan's items. Returns how many were marked, and how many have gone from Plex meanwhile.

    Raises the MediaError that stopped it, its text saying how far it came.
    """
    marked = gone = 0
    for items in plan.items.parts(100):
        for item in items:
            try:
                await _mark(plex, item.key, first_pause)
                marked += 1
            except NotFound:
                gone += 1
            except MediaError as error:
                raise stopped(error, marked, len(plan.items)) from error
            await report("marked on Plex", marked + gone, len(plan.items))
    return marked, gone


async def _mark(plex: Plex, key: str, pause: float) -> None:
    for left in range(TRIES - 1, -1, -1):
        try:
            await whole(plex.send("PUT", paths.SCROBBLE, {"key": key, "identifier": LIBRARY}))
            return
        except Unreachable:
            if left == 0:
                raise
            await asyncio.sleep(pause)
            pause *= 3
            # The mark may have been made and only its answer lost; another would count as a second view.
            if integer(await plex.item(key), "viewCount"):
                return

"""What is aired or released on which day."""

from __future__ import annotations

import datetime
from typing import Annotated, Literal

from pydantic import Field

from gatepost_media.common.ids import date
from gatepost_media.common.output import Page
from gatepost_media.common.tools import Context, Toolset
from gatepost_media.trakt.client import Object
from gatepost_media.trakt.listing import trakt, whole
from gatepost_media.trakt.models import Item, item
from gatepost_media.trakt.profiles import PROFILES, READ, SYNC

TOOLS = Toolset("trakt-calendar", "", PROFILES)

_PATHS = {
    "shows": ("shows",),
    "new-shows": ("shows", "new"),
    "premieres": ("shows", "premieres"),
    "finales": ("shows", "finales"),
    "movies": ("movies",),
    "dvd": ("dvd",),
}


class Date(Item):
    """An episode or a movie and when it comes."""

    first_aired: str | None = Field(default=None, description="UTC, of an episode.")
    released: str | None = Field(default=None, description="Day, of a movie.")


@TOOLS.tool("fetch_calendar", title="Calendar", effect="read", idempotent=True, profiles=(READ, SYNC))
async def fetch_calendar(
    ctx: Context,
    calendar_type: Annotated[
        Literal["shows", "new-shows", "premieres", "finales", "movies", "dvd"], Field(description="What comes.")
    ] = "shows",
    start_date: Annotated[
        str | None, Field(max_length=10, description="First day, such as 2026-11-21; left out, today.")
    ] = None,
    days: Annotated[int, Field(ge=1, le=33, description="How many days.")] = 7,
    mine: Annotated[
        bool,
        Field(description="True for what the signed-in user watches, false for everything; that needs no sign-in."),
    ] = True,
) -> Page[Date]:
    """Which episodes are aired, or which movies are released, on which day."""
    first = date("start_date", start_date) if start_date is not None else datetime.datetime.now(datetime.UTC).date()
    kind = "movie" if calendar_type in ("movies", "dvd") else "episode"
    path = ("calendars", "my" if mine else "all", *_PATHS[calendar_type], first.isoformat(), str(days))

    def shape(raw: Object) -> Object:
        return item(raw, kind)

    return whole(ctx, Date, await trakt(ctx).get(path, auth=mine, what="the calendar"), shape)

"""Charts of shows and movies: what is watched now, what is popular, played, favourited, awaited."""

from __future__ import annotations

from pydantic import Field

from gatepost_media.common.output import Page
from gatepost_media.common.tools import Context, Toolset
from gatepost_media.trakt.arguments import Limit, PageNumber, Period
from gatepost_media.trakt.client import Object
from gatepost_media.trakt.listing import listed, trakt, whole
from gatepost_media.trakt.models import Work, nested
from gatepost_media.trakt.profiles import CATALOGUE, PROFILES

TOOLS = Toolset("trakt-charts", "", PROFILES)

NOW = {
    "trending": ("Trending", "{} that are being watched right now, with how many watch."),
    "popular": ("Popular", "{} by overall popularity."),
    "anticipated": ("Awaited", "Upcoming {} by how many lists they are on."),
}
"""Charts as they are now: the title of the tool, and what it gives."""

OF_PERIOD = {
    "favorited": ("Most favourited", "{} that most people made a favourite in a period."),
    "played": ("Most played", "{} that were played most in a period; whoever plays twice counts twice."),
    "watched": ("Most watched", "{} that most people watched in a period; whoever watches twice counts once."),
}
"""Charts of a day, a week, a month, a year or all time."""


class Ranked(Work):
    """A place in a chart, with the number that the chart goes by."""

    watchers: int | None = Field(default=None, description="Watching right now.")
    user_count: int | None = Field(default=None, description="Favourited by so many in the period.")
    watcher_count: int | None = Field(default=None, description="Watched by so many in the period.")
    play_count: int | None = Field(default=None, description="Played so often in the period.")
    collected_count: int | None = None
    collector_count: int | None = None
    list_count: int | None = Field(default=None, description="On so many lists.")
    revenue: int | None = Field(default=None, description="US dollars, last weekend.")


def raised(raw: Object) -> Object:
    """{watchers, show: {...}} made flat; the popular ones are flat as they come."""
    inside = next((name for name in ("show", "movie") if name in raw), None)
    return raw if inside is None else nested(raw, inside)


def _declare_now(kind: str, chart: str) -> None:
    title, gives = NOW[chart]

    async def tool(ctx: Context, limit: Limit = 10, page: PageNumber = None) -> Page[Ranked]:
        return await listed(
            ctx, Ranked, (kind, chart), limit=limit, page=page, shape=raised, what=f"the {chart} {kind}"
        )

    tool.__doc__ = _sentence(gives, kind)
    TOOLS.tool(f"fetch_{chart}_{kind}", title=f"{title} {kind}", effect="read", idempotent=True, profiles=CATALOGUE)(
        tool
    )


def _declare_of_period(kind: str, chart: str) -> None:
    title, gives = OF_PERIOD[chart]

    async def tool(ctx: Context, limit: Limit = 10, period: Period = "weekly", page: PageNumber = None) -> Page[Ranked]:
        path = (kind, chart, period)
        return await listed(ctx, Ranked, path, limit=limit, page=page, shape=raised, what=f"the {chart} {kind}")

    tool.__doc__ = _sentence(gives, kind)
    TOOLS.tool(f"fetch_{chart}_{kind}", title=f"{title} {kind}", effect="read", idempotent=True, profiles=CATALOGUE)(
        tool
    )


def _sentence(gives: str, kind: str) -> str:
    said = gives.format(kind)
    return said[0].upper() + said[1:]


for _kind in ("shows", "movies"):
    for _chart in NOW:
        _declare_now(_kind, _chart)
    for _chart in OF_PERIOD:
        _declare_of_period(_kind, _chart)


@TOOLS.tool("fetch_boxoffice_movies", title="US box office", effect="read", idempotent=True, profiles=CATALOGUE)
async def fetch_boxoffice_movies(ctx: Context) -> Page[Ranked]:
    """The ten movies that earned most in US cinemas last weekend, with what they earned in dollars."""
    return whole(ctx, Ranked, await trakt(ctx).get(("movies", "boxoffice"), what="the box office"), raised)

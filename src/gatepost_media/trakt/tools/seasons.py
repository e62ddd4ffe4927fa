"""The seasons of a show, and one of them."""

from __future__ import annotations

from pydantic import ConfigDict

from gatepost_media.common.output import Out, Page
from gatepost_media.common.tools import Context, Toolset
from gatepost_media.trakt.arguments import Embed, ItemId, Language, ListSort, ListType, checked
from gatepost_media.trakt.arguments import Season as SeasonNumber
from gatepost_media.trakt.client import Json
from gatepost_media.trakt.listing import begin, stretch, trakt, whole
from gatepost_media.trakt.models import Episode, Season, read, read_all
from gatepost_media.trakt.profiles import CATALOGUE, PROFILES
from gatepost_media.trakt.tools.shapes import (
    Credits,
    ListInfo,
    Lists,
    Ratings,
    Stats,
    Translation,
    Translations,
    Videos,
    Viewer,
    Viewers,
    credits,
    cut,
    ratings,
    stats,
    titled,
    videos,
)

TOOLS = Toolset("trakt-seasons", "", PROFILES)
_FULL = {"extended": "full"}


class SeasonInfo(Season, Out):
    """A season."""

    model_config = ConfigDict(extra="ignore")


@TOOLS.tool("fetch_show_seasons", title="Seasons of a show", effect="read", idempotent=True, profiles=CATALOGUE)
async def fetch_show_seasons(ctx: Context, show_id: ItemId) -> Page[Season]:
    """All seasons of a show, with how many episodes they have and how they are rated; number 0 holds the specials."""
    show = checked("show_id", show_id)
    found = await trakt(ctx).get(("shows", show, "seasons"), _FULL, what=f"the show {show}")
    return whole(ctx, Season, found)


@TOOLS.tool("fetch_season_info", title="A season", effect="read", idempotent=True, profiles=CATALOGUE)
async def fetch_season_info(ctx: Context, show_id: ItemId, season: SeasonNumber) -> SeasonInfo:
    """What Trakt knows of one season."""
    return read(SeasonInfo, await _get(ctx, show_id, season, "info", query=_FULL))


@TOOLS.tool("fetch_season_episodes", title="Episodes of a season", effect="read", idempotent=True, profiles=CATALOGUE)
async def fetch_season_episodes(ctx: Context, show_id: ItemId, season: SeasonNumber) -> Page[Episode]:
    """The episodes of one season, in full."""
    return whole(ctx, Episode, await _get(ctx, show_id, season, query=_FULL))


@TOOLS.tool("fetch_season_ratings", title="Ratings of a season", effect="read", idempotent=True, profiles=CATALOGUE)
async def fetch_season_ratings(ctx: Context, show_id: ItemId, season: SeasonNumber) -> Ratings:
    """Average, number of votes, and how many votes each score got, for one season."""
    title, found = await _titled(ctx, show_id, season, "ratings")
    return ratings(title, found, season)


@TOOLS.tool("fetch_season_stats", title="Numbers of a season", effect="read", idempotent=True, profiles=CATALOGUE)
async def fetch_season_stats(ctx: Context, show_id: ItemId, season: SeasonNumber) -> Stats:
    """How many people watched, played, collected and commented on one season."""
    title, found = await _titled(ctx, show_id, season, "stats")
    return stats(title, found, season)


@TOOLS.tool(
    "fetch_season_people", title="Cast and crew of a season", effect="read", idempotent=True, profiles=CATALOGUE
)
async def fetch_season_people(ctx: Context, show_id: ItemId, season: SeasonNumber) -> Credits:
    """Cast and crew of one season."""
    title, found = await _titled(ctx, show_id, season, "people")
    return credits(ctx, title, found)


@TOOLS.tool("fetch_season_videos", title="Videos of a season", effect="read", idempotent=True, profiles=CATALOGUE)
async def fetch_season_videos(
    ctx: Context, show_id: ItemId, season: SeasonNumber, embed_markdown: Embed = True
) -> Videos:
    """Trailers and clips of one season."""
    title, found = await _titled(ctx, show_id, season, "videos")
    return videos(ctx, title, found, embed=embed_markdown)


@TOOLS.tool("fetch_season_watching", title="Who watches a season", effect="read", idempotent=True, profiles=CATALOGUE)
async def fetch_season_watching(ctx: Context, show_id: ItemId, season: SeasonNumber) -> Viewers:
    """Who is watching one season right now."""
    title, found = await _titled(ctx, show_id, season, "watching")
    items, offset, total = cut(ctx, read_all(Viewer, found))
    return Viewers(title=title, items=items, offset=offset, totalSize=total)


@TOOLS.tool(
    "fetch_season_translations", title="Translations of a season", effect="read", idempotent=True, profiles=CATALOGUE
)
async def fetch_season_translations(
    ctx: Context, show_id: ItemId, season: SeasonNumber, language: Language = "all"
) -> Translations:
    """Titles and summaries of one season in other languages."""
    title, found = await _titled(ctx, show_id, season, "translations", language)
    items, offset, total = cut(ctx, read_all(Translation, found))
    return Translations(title=title, items=items, offset=offset, totalSize=total)


@TOOLS.tool("fetch_season_lists", title="Lists with a season", effect="read", idempotent=True, profiles=CATALOGUE)
async def fetch_season_lists(
    ctx: Context, show_id: ItemId, season: SeasonNumber, list_type: ListType = "all", sort: ListSort = "popular"
) -> Lists:
    """Lists of Trakt's users that one season is on."""
    show = checked("show_id", show_id)
    offset, rows = begin(ctx, 0, None)
    path = ("shows", show, "seasons", str(season), "lists", list_type, sort)
    what = _what(show, season)
    title, found = await titled(ctx, "shows", show, stretch(trakt(ctx), path, offset=offset, limit=rows, what=what))
    return Lists(
        title=title, items=read_all(ListInfo, found.items), offset=offset, totalSize=found.total, more=found.more
    )


def _what(show: str, season: int) -> str:
    return f"season {season} of the show {show}"


async def _get(ctx: Context, show_id: str, season: int, *rest: str, query: dict[str, str] | None = None) -> Json:
    show = checked("show_id", show_id)
    path = ("shows", show, "seasons", str(season), *rest)
    return await trakt(ctx).get(path, query, what=_what(show, season))


async def _titled(ctx: Context, show_id: str, season: int, *rest: str) -> tuple[str, Json]:
    return await titled(ctx, "shows", checked("show_id", show_id), _get(ctx, show_id, season, *rest))

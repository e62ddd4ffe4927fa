"""One episode of a show."""

from __future__ import annotations

from pydantic import ConfigDict

from gatepost_media.common.output import Out
from gatepost_media.common.tools import Context, Toolset
from gatepost_media.trakt.arguments import (
    Embed,
    EpisodeNumber,
    ItemId,
    Language,
    ListSort,
    ListType,
    Season,
    checked,
)
from gatepost_media.trakt.client import Json
from gatepost_media.trakt.listing import begin, stretch, trakt
from gatepost_media.trakt.models import Episode, read, read_all
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

TOOLS = Toolset("trakt-episodes", "", PROFILES)


class EpisodeSummary(Episode, Out):
    """An episode."""

    model_config = ConfigDict(extra="ignore")


@TOOLS.tool("fetch_episode_summary", title="An episode", effect="read", idempotent=True, profiles=CATALOGUE)
async def fetch_episode_summary(
    ctx: Context, show_id: ItemId, season: Season, episode: EpisodeNumber
) -> EpisodeSummary:
    """What Trakt knows of one episode."""
    found = await _get(ctx, show_id, season, episode, query={"extended": "full"})
    return read(EpisodeSummary, found)


@TOOLS.tool("fetch_episode_ratings", title="Ratings of an episode", effect="read", idempotent=True, profiles=CATALOGUE)
async def fetch_episode_ratings(ctx: Context, show_id: ItemId, season: Season, episode: EpisodeNumber) -> Ratings:
    """Average, number of votes, and how many votes each score got, for one episode."""
    title, found = await _titled(ctx, show_id, season, episode, "ratings")
    return ratings(title, found, season, episode)


@TOOLS.tool("fetch_episode_stats", title="Numbers of an episode", effect="read", idempotent=True, profiles=CATALOGUE)
async def fetch_episode_stats(ctx: Context, show_id: ItemId, season: Season, episode: EpisodeNumber) -> Stats:
    """How many people watched, played, collected and commented on one episode."""
    title, found = await _titled(ctx, show_id, season, episode, "stats")
    return stats(title, found, season, episode)


@TOOLS.tool(
    "fetch_episode_people", title="Cast and crew of an episode", effect="read", idempotent=True, profiles=CATALOGUE
)
async def fetch_episode_people(ctx: Context, show_id: ItemId, season: Season, episode: EpisodeNumber) -> Credits:
    """Cast and crew of one episode."""
    title, found = await _titled(ctx, show_id, season, episode, "people")
    return credits(ctx, title, found)


@TOOLS.tool("fetch_episode_videos", title="Videos of an episode", effect="read", idempotent=True, profiles=CATALOGUE)
async def fetch_episode_videos(
    ctx: Context, show_id: ItemId, season: Season, episode: EpisodeNumber, embed_markdown: Embed = True
) -> Videos:
    """Trailers and clips of one episode."""
    title, found = await _titled(ctx, show_id, season, episode, "videos")
    return videos(ctx, title, found, embed=embed_markdown)


@TOOLS.tool(
    "fetch_episode_watching", title="Who watches an episode", effect="read", idempotent=True, profiles=CATALOGUE
)
async def fetch_episode_watching(ctx: Context, show_id: ItemId, season: Season, episode: EpisodeNumber) -> Viewers:
    """Who is watching one episode right now."""
    title, found = await _titled(ctx, show_id, season, episode, "watching")
    items, offset, total = cut(ctx, read_all(Viewer, found))
    return Viewers(title=title, items=items, offset=offset, totalSize=total)


@TOOLS.tool(
    "fetch_episode_translations", title="Translations of an episode", effect="read", idempotent=True, profiles=CATALOGUE
)
async def fetch_episode_translations(
    ctx: Context, show_id: ItemId, season: Season, episode: EpisodeNumber, language: Language = "all"
) -> Translations:
    """Titles and summaries of one episode in other languages."""
    title, found = await _titled(ctx, show_id, season, episode, "translations", language)
    items, offset, total = cut(ctx, read_all(Translation, found))
    return Translations(title=title, items=items, offset=offset, totalSize=total)


@TOOLS.tool("fetch_episode_lists", title="Lists with an episode", effect="read", idempotent=True, profiles=CATALOGUE)
async def fetch_episode_lists(
    ctx: Context,
    show_id: ItemId,
    season: Season,
    episode: EpisodeNumber,
    list_type: ListType = "all",
    sort: ListSort = "popular",
) -> Lists:
    """Lists of Trakt's users that one episode is on."""
    show = checked("show_id", show_id)
    offset, rows = begin(ctx, 0, None)
    asked = stretch(
        trakt(ctx),
        (*_path(show, season, episode), "lists", list_type, sort),
        offset=offset,
        limit=rows,
        what=_what(show, season, episode),
    )
    title, found = await titled(ctx, "shows", show, asked)
    return Lists(
        title=title, items=read_all(ListInfo, found.items), offset=offset, totalSize=found.total, more=found.more
    )


def _path(show: str, season: int, episode: int) -> tuple[str, ...]:
    return ("shows", show, "seasons", str(season), "episodes", str(episode))


def _what(show: str, season: int, episode: int) -> str:
    return f"episode {episode} of season {season} of the show {show}"


async def _get(
    ctx: Context, show_id: str, season: int, episode: int, *rest: str, query: dict[str, str] | None = None
) -> Json:
    show = checked("show_id", show_id)
    path = (*_path(show, season, episode), *rest)
    return await trakt(ctx).get(path, query, what=_what(show, season, episode))


async def _titled(ctx: Context, show_id: str, season: int, episode: int, *rest: str) -> tuple[str, Json]:
    return await titled(ctx, "shows", checked("show_id", show_id), _get(ctx, show_id, season, episode, *rest))

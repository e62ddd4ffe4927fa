"""How far the user is: in a show, in what was paused, and what comes next."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gatepost_media.common.output import Out, Page
from gatepost_media.common.tools import Context, Toolset
from gatepost_media.trakt.arguments import MOST, ItemId, Limit, PageNumber, checked
from gatepost_media.trakt.client import Json, Object
from gatepost_media.trakt.listing import listed, trakt
from gatepost_media.trakt.models import Episode, Item, Show, TraktRow, item, nested, read
from gatepost_media.trakt.profiles import ACCOUNT, PROFILES, SYNC

TOOLS = Toolset("trakt-progress", "", PROFILES)


class Paused(Item):
    """Something that was paused."""

    id: int = Field(description="For remove_playback_item.")
    progress: float = Field(description="Percent, 0 to 100.")
    paused_at: str | None = None


class EpisodeProgress(TraktRow):
    """Whether an episode was watched."""

    number: int
    completed: bool
    last_watched_at: str | None = None


class SeasonProgress(TraktRow):
    """How far a season is watched. `episodes` is there where every episode was asked for."""

    number: int
    title: str | None = None
    aired: int
    completed: int
    episodes: list[EpisodeProgress] | None = None


class ShowProgress(Out):
    """How far the user is in one show."""

    show: str
    aired: int = Field(description="Episodes that were aired.")
    completed: int = Field(description="Episodes that were watched.")
    percent: float
    last_watched_at: str | None = None
    next_episode: Episode | None = None
    last_episode: Episode | None = None
    seasons: list[SeasonProgress]
    hidden_seasons: list[int] | None = None


class UpNext(Show):
    """A show that goes on, and the episode that comes next."""

    aired: int | None = None
    completed: int | None = None
    last_watched_at: str | None = None
    next_episode: Episode | None = None


class Done(Out):
    """What was done."""

    done: bool = True
    message: str


@TOOLS.tool("fetch_playback_progress", title="Paused items", effect="read", idempotent=True, profiles=ACCOUNT)
async def fetch_playback_progress(
    ctx: Context,
    playback_type: Annotated[
        Literal["movies", "episodes"] | None, Field(description="Movies or episodes alone; left out, both.")
    ] = None,
    limit: Limit = MOST,
    page: PageNumber = None,
) -> Page[Paused]:
    """What the signed-in user paused, with how far each was watched in percent; newest first."""
    path = ("sync", "playback", *((playback_type,) if playback_type else ()))
    return await listed(ctx, Paused, path, limit=limit, page=page, shape=item, auth=True, what="the paused items")


@TOOLS.tool(
    "remove_playback_item", title="Forget a paused item", effect="destructive", idempotent=True, profiles=(SYNC,)
)
async def remove_playback_item(
    ctx: Context,
    playback_id: Annotated[int, Field(gt=0, lt=2**63, description="The `id` of a row of fetch_playback_progress.")],
) -> Done:
    """Forget how far one paused item was watched."""
    await trakt(ctx).delete(("sync", "playback", str(playback_id)), what=f"the paused item {playback_id}")
    return Done(message=f"The paused item {playback_id} is forgotten.")


@TOOLS.tool("fetch_show_progress", title="Progress in a show", effect="read", idempotent=True, profiles=ACCOUNT)
async def fetch_show_progress(
    ctx: Context,
    show_id: ItemId,
    hidden: Annotated[bool, Field(description="Count hidden seasons.")] = False,
    specials: Annotated[bool, Field(description="Show season 0.")] = False,
    count_specials: Annotated[bool, Field(description="Count specials in the totals.")] = True,
    last_activity: Annotated[
        Literal["aired", "watched"], Field(description="What the last and next episode go by.")
    ] = "aired",
    verbose: Annotated[bool, Field(description="List every episode.")] = False,
) -> ShowProgress:
    """How far the signed-in user is in one show, with the next episode."""
    show = checked("show_id", show_id)
    found = await trakt(ctx).get(
        ("shows", show, "progress", "watched"),
        {
            "hidden": _flag(hidden),
            "specials": _flag(specials),
            "count_specials": _flag(count_specials),
            "last_activity": last_activity,
        },
        auth=True,
        what=f"the show {show}",
    )
    return _progress(show, found, verbose)


def _progress(show: str, found: Json, verbose: bool) -> ShowProgress:
    raw = read(_Progress, found)
    return ShowProgress(
        show=show,
        aired=raw.aired,
        completed=raw.completed,
        percent=round(100 * raw.completed / raw.aired, 1) if raw.aired else 0.0,
        last_watched_at=raw.last_watched_at,
        next_episode=raw.next_episode,
        last_episode=raw.last_episode,
        seasons=raw.seasons if verbose else [each.model_copy(update={"episodes": None}) for each in raw.seasons],
        hidden_seasons=[each.number for each in raw.hidden_seasons] or None,
    )


class _Hidden(TraktRow):
    number: int


class _Progress(TraktRow):
    aired: int
    completed: int
    last_watched_at: str | None = None
    next_episode: Episode | None = None
    last_episode: Episode | None = None
    seasons: list[SeasonProgress] = Field(default_factory=list)
    hidden_seasons: list[_Hidden] = Field(default_factory=list)


@TOOLS.tool("fetch_up_next", title="What comes next", effect="read", idempotent=True, profiles=ACCOUNT)
async def fetch_up_next(
    ctx: Context,
    intent: Annotated[
        Literal["all", "continue", "start", "completed"],
        Field(description="Shows to go on with, to begin with, watched to the end, or all."),
    ] = "continue",
    limit: Limit = 10,
    page: PageNumber = None,
) -> Page[UpNext]:
    """The shows that the signed-in user is in the middle of, each with the episode that comes next."""
    return await listed(
        ctx,
        UpNext,
        ("sync", "progress", "up_next_nitro"),
        {"intent": intent},
        limit=limit,
        page=page,
        shape=_up_next,
        auth=True,
        what="what comes next",
        total_is_true=False,  # Trakt states a length of 1337 here, whatever the list's is
    )


def _up_next(raw: Object) -> Object:
    progress = raw.get("progress")
    return {**nested(raw, "show"), **(progress if isinstance(progress, dict) else {})}


def _flag(value: bool) -> str:
    return "true" if value else "false"

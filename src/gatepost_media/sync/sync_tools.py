"""The tools that bring Plex's and Trakt's histories together."""

from __future__ import annotations

import datetime
from typing import Annotated, Literal, TypeVar

from pydantic import Field

from gatepost_media.common.errors import BadArgument
from gatepost_media.common.ids import Digits
from gatepost_media.common.output import Out, Page, Row
from gatepost_media.common.tools import Context, Toolset
from gatepost_media.sync.aliases import Aliases
from gatepost_media.sync.items import Item, watched_at
from gatepost_media.sync.plans import Plan, plan_pull, plan_push
from gatepost_media.sync.pull import pull
from gatepost_media.sync.push import Pushed, push
from gatepost_media.sync.runs import Kept, Kind, Run, Runs
from gatepost_media.sync.spool import Spool
from gatepost_media.trakt.client import Trakt

tools = Toolset("sync", "", {"trakt-sync": ""})
_PROFILES = ("trakt-sync",)
_DEFAULT_BATCH = 50
_PART = 2_000
"""Items handed to one reply, which keeps as many as fit."""

DryRun = Annotated[bool, Field(description="Find and list what differs, and change nothing.")]


class Difference(Row):
    """A film or episode that is watched on one side only."""

    type: Literal["movie", "episode"]
    ratingKey: str
    title: str
    watchedAt: str | None = Field(default=None, description="When Plex says it was watched last.")
    imdb: str | None = None
    tmdb: int | None = None
    tvdb: int | None = None
    show: dict[str, str | int] | None = Field(default=None, description="The show's ids, for an episode.")
    season: int | None = None
    number: int | None = None


class Sync(Page[Difference]):
    """What differs, in parts, and what was done about it."""

    dryRun: bool
    movies: int = Field(description="Films that differ.")
    episodes: int = Field(description="Episodes that differ.")
    same: int = Field(description="Watched on both sides, by what can be compared.")
    unmapped: int = Field(default=0, description="Watched on Plex, and without an id that Trakt knows.")
    unmappedTitles: list[str] = Field(default_factory=list, description="The first of those. Match them in Plex.")


class SyncToTrakt(Sync):
    """`items` is what is watched on Plex and not on Trakt; without dryRun it was sent."""

    addedMovies: int = 0
    addedEpisodes: int = 0
    unknown: int = Field(default=0, description="Sent, and not known to Trakt.")
    unknownTitles: list[str] = Field(default_factory=list)
    progressPositions: int = Field(default=0, description="With includeProgress: places to send, or sent.")


class SyncFromTrakt(Sync):
    """`items` is what is watched on Trakt and is unwatched on Plex."""

    notInPlex: int = Field(description="Watched on Trakt, and not in the Plex library.")


class SyncApplied(SyncFromTrakt):
    """`items` is what was marked (would be, with dryRun) as watched on Plex."""

    marked: int = 0
    gone: int = Field(default=0, description="Not on Plex any more when it was their turn.")
    notDifferent: list[str] = Field(
        default_factory=list,
        description="Of ratingKeys: those that nothing is to be done about. They are no film or episode of a library, "
        "watched already, or not watched on Trakt.",
    )


class SyncRun(Row):
    """One sync."""

    kind: Kind
    dryRun: bool
    startedAt: str
    phase: str | None = None
    done: int | None = None
    total: int | None = None
    endedAt: str | None = None
    outcome: str | None = None


class SyncStatus(Out):
    """What is synchronised now, and how the last sync of this server ended."""

    running: bool
    current: SyncRun | None = None
    last: SyncRun | None = None


S = TypeVar("S", bound=Sync)


@tools.tool("trakt_sync_to_trakt", title="Sync Plex to Trakt", effect="execute", idempotent=True, profiles=_PROFILES)
async def trakt_sync_to_trakt(
    ctx: Context,
    dryRun: DryRun = False,
    batchSize: Annotated[
        int, Field(ge=1, le=1_000, description="Films and episodes in one request to Trakt.")
    ] = _DEFAULT_BATCH,
    includeProgress: Annotated[
        bool, Field(description="Also send where films and episodes were left (1 to 79 %).")
    ] = False,
) -> SyncToTrakt:
    """Send to Trakt's history what is watched on Plex and missing there: every film and episode of every library,
    specials as season 0, with the time of the last viewing. Running it again adds nothing. Begin with dryRun, which
    lists exactly what would be sent; a list that is longer than one reply continues with cursor."""
    runs = ctx.process.of(Runs)
    if ctx.start is not None:
        return _continued(runs, "to Trakt", dryRun, ctx.start, SyncToTrakt)
    trakt = ctx.process.of(Trakt)
    aliases = Aliases(ctx.settings.home, await trakt.account())
    async with runs.run("to Trakt", dry=dryRun, progress=ctx.progress) as (run, report):
        plan = await plan_push(ctx.plex, trakt, ctx.settings.home, aliases, positions=includeProgress, report=report)
        try:
            done = Pushed() if dryRun else await push(trakt, plan, aliases, batch=batchSize, report=report)
        except BaseException:
            plan.close()
            raise
        run.outcome = f"{len(plan.items)} differed" + ("" if dryRun else f", {done.movies + done.episodes} added")
        summary = {
            **_summary(plan, dryRun),
            "addedMovies": done.movies,
            "addedEpisodes": done.episodes,
            "unknown": done.unknown,
            "unknownTitles": done.missing,
            "progressPositions": len(plan.positions) if dryRun else done.positions,
        }
        return _first(runs, "to Trakt", dryRun, plan, SyncToTrakt.model_validate(summary))


@tools.tool("trakt_sync_from_trakt", title="Compare with Trakt", effect="read", idempotent=True, profiles=_PROFILES)
async def trakt_sync_from_trakt(ctx: Context) -> SyncFromTrakt:
    """List what is watched on Trakt and unwatched on Plex, and change nothing; trakt_sync_apply marks it. What is being
    watched again on Plex is left out."""
    runs = ctx.process.of(Runs)
    if ctx.start is not None:
        return _continued(runs, "from Trakt", True, ctx.start, SyncFromTrakt)
    async with runs.run("from Trakt", dry=True, progress=ctx.progress) as (run, report):
        plan = await plan_pull(ctx.plex, ctx.process.of(Trakt), ctx.settings.home, only=None, report=report)
        run.outcome = f"{len(plan.items)} differed"
        summary = {**_summary(plan, True), "notInPlex": plan.elsewhere}
        return _first(runs, "from Trakt", True, plan, SyncFromTrakt.model_validate(summary))


@tools.tool("trakt_sync_apply", title="Apply Trakt to Plex", effect="execute", idempotent=True, profiles=_PROFILES)
async def trakt_sync_apply(
    ctx: Context,
    dryRun: DryRun = False,
    ratingKeys: Annotated[
        list[Digits] | None, Field(min_length=1, max_length=5_000, description="Only these; left out: all that differ.")
    ] = None,
) -> SyncApplied:
    """Mark as watched on Plex what is watched on Trakt and unwatched on Plex, as trakt_sync_from_trakt lists it.
    Nothing is ever marked unwatched. Plex dates the marks to now. Running it again marks nothing more."""
    runs = ctx.process.of(Runs)
    if ctx.start is not None:
        return _continued(runs, "apply to Plex", dryRun, ctx.start, SyncApplied)
    async with runs.run("apply to Plex", dry=dryRun, progress=ctx.progress) as (run, report):
        only = None if ratingKeys is None else frozenset(ratingKeys)
        plan = await plan_pull(ctx.plex, ctx.process.of(Trakt), ctx.settings.home, only=only, report=report)
        try:
            marked, gone = (0, 0) if dryRun else await pull(ctx.plex, plan, report)
        except BaseException:
            plan.close()
            raise
        run.outcome = f"{len(plan.items)} differed" + ("" if dryRun else f", {marked} marked")
        summary = {**_summary(plan, dryRun), "notInPlex": plan.elsewhere, "marked": marked, "gone": gone}
        summary["notDifferent"] = plan.unused
        return _first(runs, "apply to Plex", dryRun, plan, SyncApplied.model_validate(summary))


@tools.tool(
    "trakt_get_sync_status", title="Sync status", effect="read", idempotent=True, open_world=False, profiles=_PROFILES
)
async def trakt_get_sync_status(ctx: Context) -> SyncStatus:
    """Whether a sync runs in this server now and how far it is, and how the last one ended."""
    runs = ctx.process.of(Runs)
    return SyncStatus(running=runs.current is not None, current=_described(runs.current), last=_described(runs.last))


def _summary(plan: Plan, dry: bool) -> dict[str, object]:
    return {
        "dryRun": dry,
        "movies": plan.movies,
        "episodes": plan.episodes,
        "same": plan.same,
        "unmapped": plan.unmapped,
        "unmappedTitles": plan.names,
        "totalSize": len(plan.items),
        "items": [],
    }


def _first(runs: Runs, kind: Kind, dry: bool, plan: Plan, reply: S) -> S:
    plan.positions.close()
    runs.keep(kind, dry, Kept(plan.items, reply))
    return _part(plan.items, reply, 0)


def _continued(runs: Runs, kind: Kind, dry: bool, start: int, of: type[S]) -> S:
    kept = runs.kept(kind, dry)
    if kept is None or not isinstance(kept.reply, of):
        raise BadArgument("cursor", "is of a sync that this server has forgotten. Call again without it.")
    return _part(kept.items, kept.reply, start)


def _part(items: Spool, reply: S, start: int) -> S:
    return reply.model_copy(update={"offset": start, "items": [_difference(each) for each in items.part(start, _PART)]})


def _difference(item: Item) -> Difference:
    ids = item.ids
    show = item.show.ids.for_trakt() if item.show is not None else None
    return Difference(
        type=item.kind,
        ratingKey=item.key,
        title=item.name,
        watchedAt=watched_at(item) if item.views and item.viewed_at is not None else None,
        imdb=ids.imdb,
        tmdb=ids.tmdb,
        tvdb=ids.tvdb,
        show=show or None,
        season=item.season,
        number=item.number,
    )


def _described(run: Run | None) -> SyncRun | None:
    if run is None:
        return None
    going = run.ended is None
    return SyncRun(
        kind=run.kind,
        dryRun=run.dry,
        startedAt=_moment(run.began),
        phase=run.phase if going else None,
        done=run.done if going else None,
        total=run.total if going else None,
        endedAt=_moment(run.ended) if run.ended is not None else None,
        outcome=run.outcome,
    )


def _moment(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat(timespec="seconds")

"""The tools of the scrobbler: start, status, stop."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import Field

from gatepost_media.common.errors import BadArgument, NotFound
from gatepost_media.common.ids import Digits, Text
from gatepost_media.common.output import Out, Row
from gatepost_media.common.tools import Context, Toolset
from gatepost_media.sync.follower import Follower, Hint, Source
from gatepost_media.sync.scrobbler import Scrobbler
from gatepost_media.sync.sessions import EVERYONE, Audience

tools = Toolset("scrobble", "", {"trakt-sync": ""})
_PROFILES = ("trakt-sync",)

Users = Annotated[
    list[Text],
    Field(
        max_length=50,
        description="Whose plays count: Plex user names or account ids; * for everyone. Left out: the owner's only.",
    ),
]


class Followed(Row):
    """A session that is scrobbled. Progress in per cent."""

    session: str
    ratingKey: str
    title: str
    user: str | None = None
    state: Literal["playing", "paused", "stopped"]
    progress: float
    lastSent: Literal["start", "pause", "stop"] | None = Field(
        default=None, description="Absent below 1 %: nothing was sent."
    )


class Ignored(Row):
    """A session that is not scrobbled."""

    session: str
    title: str
    reason: str


class Word(Row):
    """One thing that Trakt was told, and what came of it."""

    at: str
    ratingKey: str
    title: str | None = None
    action: Literal["start", "pause", "stop"]
    progress: float
    outcome: str = Field(description="start, pause, play, already recorded, unknown (not on Trakt) or refused.")
    detail: str | None = None


class ScrobbleStatus(Out):
    """What the scrobbler does."""

    running: bool
    account: str | None = Field(default=None, description="The Trakt account.")
    since: str | None = None
    users: list[str] = Field(default_factory=list, description="Whose plays count; empty: the Plex owner's.")
    source: Source | None = Field(default=None, description="How Plex is followed.")
    following: list[Followed] = Field(default_factory=list)
    ignored: list[Ignored] = Field(default_factory=list)
    recent: list[Word] = Field(default_factory=list, description="The last things that Trakt was told, newest first.")
    counts: dict[str, int] = Field(default_factory=dict, description="Outcomes since the start.")
    pending: int = Field(default=0, description="What Trakt could not be told yet.")
    problems: list[str] = Field(default_factory=list, description="What fails at the moment, and is tried again.")


class Announced(Row):
    """The item that the caller named."""

    ratingKey: str
    title: str
    playing: bool = Field(description="Whether a session has it open now.")
    note: str | None = None


class ScrobblingStarted(ScrobbleStatus):
    """The scrobbler's state after a start."""

    started: bool = Field(description="False: it ran already, and goes on.")
    item: Announced | None = None


class ScrobblingStopped(Out):
    """What stopping found."""

    stopped: bool = Field(description="False: it did not run.")
    undelivered: int = Field(
        default=0, description="Words that Trakt was out of reach for. trakt_sync_to_trakt brings plays."
    )


@tools.tool(
    "trakt_start_scrobbling",
    title="Start scrobbling",
    effect="execute",
    idempotent=True,
    profiles=_PROFILES,
)
async def trakt_start_scrobbling(
    ctx: Context,
    ratingKey: Annotated[Digits | None, Field(description="An item that plays or is about to.")] = None,
    title: Annotated[Text | None, Field(description="That item's title, for the reader of a log.")] = None,
    type: Annotated[Literal["movie", "episode"] | None, Field(description="What that item is; checked.")] = None,
    progress: Annotated[
        float | None, Field(ge=0, le=100, description="Per cent played of it, where Plex does not know.")
    ] = None,
    duration: Annotated[
        int | None, Field(ge=1, le=10**9, description="Its length in milliseconds, where Plex does not know.")
    ] = None,
    users: Users | None = None,
) -> ScrobblingStarted:
    """Start following what plays on the Plex server and tell Trakt: start on play and resume, pause, and stop; 80 % or
    more is recorded as a play. Runs in the background until trakt_stop_scrobbling or the server's end, one scrobbler
    for each Trakt account. Films and episodes only; trailers, extras and music are ignored, and so are other users'
    sessions unless named in users. ratingKey names an item to look for at once; everything else that plays is followed
    as well. Calling it again changes users and looks at the sessions anew."""
    if ratingKey is None and not (title is None and type is None and progress is None and duration is None):
        raise BadArgument("ratingKey", "is required where title, type, progress or duration say something of an item.")
    scrobbler = ctx.process.of(Scrobbler)
    audience = Audience.of(users or [])
    named = None
    if ratingKey is not None:
        # Before anything is started: an item that cannot be scrobbled is the caller's mistake.
        named = await scrobbler.catalogue(ctx.process).item(ratingKey)
        if type is not None and type != named.kind:
            raise BadArgument("type", f"Plex says that {ratingKey} is {_a(named.kind)}: {named.name}.")
        if not named.mapped:
            raise NotFound(f"Plex knows no id of {named.name} that Trakt knows. Match it in Plex, then try again.")
    started = await scrobbler.start(ctx.process, audience, ratingKey, Hint(progress, duration))
    item = None
    if named is not None and scrobbler.follower is not None:
        playing = bool(scrobbler.follower.players_of(named.key))
        note = None if playing else "Nothing plays it now. It is scrobbled as soon as something does."
        item = Announced(ratingKey=named.key, title=named.name, playing=playing, note=note)
    return ScrobblingStarted(**_status(scrobbler).model_dump(exclude_none=True), started=started, item=item)


@tools.tool(
    "trakt_get_scrobble_status",
    title="Scrobbling status",
    effect="read",
    idempotent=True,
    open_world=False,
    profiles=_PROFILES,
)
async def trakt_get_scrobble_status(ctx: Context) -> ScrobbleStatus:
    """Whether the scrobbler runs, which sessions it follows and ignores and why, what Trakt was told last, and what
    fails at the moment."""
    return _status(ctx.process.of(Scrobbler))


@tools.tool(
    "trakt_stop_scrobbling",
    title="Stop scrobbling",
    effect="execute",
    idempotent=True,
    profiles=_PROFILES,
)
async def trakt_stop_scrobbling(ctx: Context) -> ScrobblingStopped:
    """Stop the scrobbler of this server, after what is still to be sent. What plays goes on playing; Trakt forgets by
    itself that it is being watched."""
    left = await ctx.process.of(Scrobbler).stop()
    return ScrobblingStopped(stopped=left is not None, undelivered=left or 0)


def _status(scrobbler: Scrobbler) -> ScrobbleStatus:
    follower, delivery, names = scrobbler.follower, scrobbler.delivery, scrobbler.name
    if follower is None or delivery is None:
        return ScrobbleStatus(running=False)
    problems = [each for each in (follower.problem, delivery.problem) if each]
    if scrobbler.fault is not None:
        problems = [f"It ended by a fault of this server ({scrobbler.fault}). Start it again."]
    return ScrobbleStatus(
        running=scrobbler.running,
        account=scrobbler.account,
        since=_moment(scrobbler.since) if scrobbler.since is not None else None,
        users=["everyone"] if EVERYONE in follower.audience.users else sorted(follower.audience.users),
        source=follower.source if scrobbler.running else None,
        following=_following(follower, names) if scrobbler.running else [],
        ignored=[
            Ignored(session=key, title=follower.sessions[key].title, reason=reason)
            for key, reason in follower.ignored.items()
            if scrobbler.running and key in follower.sessions
        ],
        recent=[
            Word(
                at=_moment(told.at),
                ratingKey=told.item,
                title=names(told.item),
                action=told.action,
                progress=told.progress,
                outcome=told.outcome,
                detail=told.detail,
            )
            for told in reversed(delivery.told)
        ],
        counts=dict(delivery.counts),
        pending=delivery.waiting,
        problems=problems,
    )


def _following(follower: Follower, names: Callable[[str], str | None]) -> list[Followed]:
    found = []
    for key, each in follower.playing.sessions.items():
        session = follower.sessions.get(key)
        found.append(
            Followed(
                session=key,
                ratingKey=each.item,
                title=names(each.item) or each.item,
                user=session.user or None if session is not None else None,
                state=each.state,
                progress=round(each.progress, 2),
                lastSent=each.sent,
            )
        )
    return found


def _moment(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat(timespec="seconds")


def _a(kind: str) -> str:
    return "a film" if kind == "movie" else "an episode"

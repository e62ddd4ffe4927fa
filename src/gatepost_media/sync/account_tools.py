"""Trakt's account on the Plex server: signing in with a code, who is signed in, statistics, search."""

from __future__ import annotations

import datetime
import hmac
import secrets
from typing import Annotated, Literal
from urllib.parse import parse_qs, urlsplit

from pydantic import Field

from gatepost_media.common.errors import BadArgument, NotConfigured, NotSignedIn, Refused
from gatepost_media.common.http import Http
from gatepost_media.common.ids import Text
from gatepost_media.common.output import Out, Page, Row
from gatepost_media.common.settings import Settings
from gatepost_media.common.tools import Context, Toolset
from gatepost_media.plex.raw import Raw, mapping, text, whole
from gatepost_media.trakt.client import Trakt

tools = Toolset("trakt account", "", {"trakt-sync": ""})
_PROFILES = ("trakt-sync",)
_DEFAULT_LIMIT = 100
_CODE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~")


class Asked:
    """The state that the last authorisation address carried: what comes back has to carry it too."""

    def __init__(self, _settings: Settings, _http: Http) -> None:
        self.state: str | None = None


class Authorisation(Out):
    """Where the user says yes."""

    url: str = Field(description="For the user to open in a browser.")
    state: str
    next: str


class SignedIn(Out):
    """Who has signed in. The tokens stay in a private file."""

    signedIn: bool
    account: str


class AuthStatus(Out):
    """Whether this server may act for a Trakt account."""

    configured: bool
    signedIn: bool
    account: str | None = None
    expiresAt: str | None = Field(
        default=None, description="When the access token ends; it is renewed by itself before."
    )
    problem: str | None = Field(default=None, description="What is missing, and what to do.")


class Milestone(Row):
    """A number to reach."""

    name: str
    reached: bool
    current: int
    target: int


class UserStats(Out):
    """What the account has seen in its life."""

    account: str
    moviesWatched: int
    moviePlays: int
    showsWatched: int
    episodesWatched: int
    episodePlays: int
    ratings: int
    totalHours: float
    milestones: list[Milestone]
    userId: float | None = Field(default=None, description="As it was given.")


class SearchHit(Row):
    """A film or a show on Trakt."""

    type: Literal["movie", "show"]
    title: str
    year: int | None = None
    trakt: int | None = None
    slug: str | None = None
    imdb: str | None = None
    tmdb: int | None = None
    tvdb: int | None = None
    score: float | None = None


class SearchHits(Page[SearchHit]):
    """What Trakt found."""


@tools.tool(
    "trakt_authenticate",
    title="Sign in to Trakt",
    effect="execute",
    idempotent=False,  # the state of the address before is forgotten
    profiles=_PROFILES,
    needs_write=False,
)
async def trakt_authenticate(
    ctx: Context,
    state: Annotated[
        Text | None, Field(description="A word that the address carries and that has to come back; random if left out.")
    ] = None,
) -> Authorisation:
    """The address at which the user allows this server to use their Trakt account. Show it to the user; they get a code
    to give to trakt_complete_auth."""
    chosen = state or secrets.token_urlsafe(16)
    url = ctx.process.of(Trakt).sign_in.authorize_url(chosen)
    ctx.process.of(Asked).state = chosen
    return Authorisation(
        url=url,
        state=chosen,
        next="Open the address, allow the application, and give the code that Trakt shows to trakt_complete_auth.",
    )


@tools.tool(
    "trakt_complete_auth",
    title="Finish signing in to Trakt",
    effect="execute",
    idempotent=False,
    profiles=_PROFILES,
    needs_write=False,
)
async def trakt_complete_auth(
    ctx: Context,
    code: Annotated[
        str,
        Field(min_length=4, max_length=1_000, description="The code that Trakt showed, or the address it led back to."),
    ],
) -> SignedIn:
    """Finish the sign-in that trakt_authenticate began. The tokens are kept in a private file and never shown."""
    trakt = ctx.process.of(Trakt)
    await trakt.sign_in.exchange(_code_in(code.strip(), ctx.process.of(Asked).state))
    return SignedIn(signedIn=True, account=await trakt.account())


def _code_in(given: str, state: str | None) -> str:
    """The code itself, or the one in an address; a state in the address has to be the one that was sent."""
    if "=" in given:
        query = parse_qs(urlsplit(given).query if "?" in given else given)
        returned = query.get("state", [""])[0]
        if returned and (state is None or not hmac.compare_digest(returned.encode(), state.encode())):
            raise BadArgument("code", "belongs to another sign-in. Call trakt_authenticate and use its address.")
        given = query.get("code", [""])[0]
    if not 4 <= len(given) <= 300 or not _CODE.issuperset(given):
        raise BadArgument("code", "is not a code from Trakt: letters, digits and - only.")
    return given


@tools.tool(
    "trakt_get_auth_status",
    title="Trakt sign-in status",
    effect="read",
    idempotent=True,
    profiles=_PROFILES,
)
async def trakt_get_auth_status(ctx: Context) -> AuthStatus:
    """Whether Trakt is configured and somebody is signed in, checked by asking Trakt whose sign-in it is."""
    trakt = ctx.process.of(Trakt)
    try:
        _ = trakt.sign_in.client_id
    except NotConfigured as error:
        return AuthStatus(configured=False, signedIn=False, problem=str(error))
    tokens = trakt.sign_in.tokens()
    if tokens is None:
        problem = "Nobody is signed in to Trakt here. Call trakt_authenticate and show the user its address."
        return AuthStatus(configured=True, signedIn=False, problem=problem)
    try:
        account = await trakt.account()
    except NotSignedIn as error:
        return AuthStatus(configured=True, signedIn=False, problem=str(error))
    kept = trakt.sign_in.tokens() or tokens  # asking may have renewed them
    ends = datetime.datetime.fromtimestamp(kept.expires_at, datetime.UTC).isoformat(timespec="seconds")
    return AuthStatus(configured=True, signedIn=True, account=account, expiresAt=ends)


@tools.tool(
    "trakt_get_user_stats",
    title="Trakt statistics",
    effect="read",
    idempotent=True,
    profiles=_PROFILES,
)
async def trakt_get_user_stats(
    ctx: Context,
    userId: Annotated[
        float | None,
        Field(ge=0, description="Kept from older callers and given back; it is always the signed-in user."),
    ] = None,
) -> UserStats:
    """What the signed-in Trakt user has watched in all: films, shows, episodes, hours, and three milestones."""
    trakt = ctx.process.of(Trakt)
    account = await trakt.account()
    found = await trakt.get(("users", "me", "stats"), auth=True, what="the statistics")
    if not isinstance(found, dict):
        raise Refused("Trakt answered with something that is not statistics. Try again later.")
    movies, shows = mapping(found.get("movies")), mapping(found.get("shows"))
    episodes, ratings = mapping(found.get("episodes")), mapping(found.get("ratings"))
    films, parts = _count(movies, "watched"), _count(episodes, "watched")
    hours = (_count(movies, "minutes") + _count(episodes, "minutes")) / 60
    return UserStats(
        account=account,
        moviesWatched=films,
        moviePlays=_count(movies, "plays"),
        showsWatched=_count(shows, "watched"),
        episodesWatched=parts,
        episodePlays=_count(episodes, "plays"),
        ratings=_count(ratings, "total"),
        totalHours=round(hours, 1),
        milestones=[
            Milestone(name="100 movies", reached=films >= 100, current=films, target=100),
            Milestone(name="1000 episodes", reached=parts >= 1000, current=parts, target=1000),
            Milestone(name="100 hours", reached=hours >= 100, current=int(hours), target=100),
        ],
        userId=userId,
    )


def _count(holder: Raw, name: str) -> int:
    return whole(holder, name) or 0


@tools.tool("trakt_search", title="Search Trakt", effect="read", idempotent=True, profiles=_PROFILES)
async def trakt_search(
    ctx: Context,
    query: Annotated[Text, Field(description="What to look for in titles.")],
    type: Annotated[Literal["movie", "show"] | None, Field(description="Left out: both.")] = None,
    year: Annotated[int | None, Field(ge=1870, le=2100, description="Of that year only.")] = None,
    limit: Annotated[int, Field(ge=0, le=1_000, description="How many at most; 0 means 100.")] = _DEFAULT_LIMIT,
) -> SearchHits:
    """Search Trakt for films and shows by title."""
    asked = limit or _DEFAULT_LIMIT
    trakt = ctx.process.of(Trakt)
    wanted: dict[str, str | int] = {"query": query, **({"years": year} if year is not None else {})}
    found = trakt.every(("search", type or "movie,show"), wanted, limit=asked, what="the search")
    hits = [hit async for row in found if (hit := _hit(row)) is not None]
    start = ctx.offset()
    return SearchHits(items=hits[start:], offset=start, totalSize=len(hits))


def _hit(row: Raw) -> SearchHit | None:
    kind = row.get("type")
    if kind != "movie" and kind != "show":
        return None
    about = mapping(row.get(kind))
    ids = mapping(about.get("ids"))
    score = row.get("score")
    return SearchHit(
        type="movie" if kind == "movie" else "show",
        title=text(about, "title") or "",
        year=whole(about, "year"),
        trakt=whole(ids, "trakt"),
        slug=text(ids, "slug"),
        imdb=text(ids, "imdb"),
        tmdb=whole(ids, "tmdb"),
        tvdb=whole(ids, "tvdb"),
        score=float(score) if isinstance(score, (int, float)) and not isinstance(score, bool) else None,
    )

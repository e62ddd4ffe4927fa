"""Checking in: telling friends, now, what one is watching. One check-in at a time."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gatepost_media.common.errors import BadArgument, Refused
from gatepost_media.common.output import Out
from gatepost_media.common.tools import Context, Toolset
from gatepost_media.trakt.arguments import EpisodeNumber, ItemId, Season, ids_of
from gatepost_media.trakt.client import Json
from gatepost_media.trakt.listing import trakt
from gatepost_media.trakt.profiles import PROFILES, SYNC
from gatepost_media.trakt.refusals import AlreadyThere

TOOLS = Toolset("trakt-checkin", "", PROFILES)

Title = Annotated[str, Field(min_length=1, max_length=500, description="Where its id is not known.")] | None
Year = Annotated[int, Field(gt=1800, lt=2200, description="Tells apart what has the same title.")] | None
Message = Annotated[str, Field(max_length=1000, description="What is said with it where it is shared.")]
Share = Annotated[bool, Field(description="Share it there, if the account is connected.")]


class CheckedIn(Out):
    """A check-in that was made."""

    id: int | None = Field(default=None, description="The play's id in the history.")
    watched_at: str | None = Field(default=None, description="UTC; it becomes a play when it is over.")
    title: str | None = None
    season: int | None = None
    episode: int | None = None
    message: str


class CheckinCancelled(Out):
    """No check-in is left."""

    message: str


@TOOLS.tool("checkin_to_show", title="Check in to an episode", effect="write", idempotent=False, profiles=(SYNC,))
async def checkin_to_show(
    ctx: Context,
    season: Season,
    episode: EpisodeNumber,
    show_id: ItemId | None = None,
    show_title: Title = None,
    show_year: Year = None,
    message: Message = "",
    share_twitter: Share = False,
    share_mastodon: Share = False,
    share_tumblr: Share = False,
) -> CheckedIn:
    """Say that the signed-in user is watching one episode now. Give show_id or show_title."""
    show = _named("show_id", show_id, "show_title", show_title, show_year)
    body = {"show": show, "episode": {"season": season, "number": episode}}
    return await _check_in(ctx, body, message, share_twitter, share_mastodon, share_tumblr)


@TOOLS.tool("checkin_to_movie", title="Check in to a movie", effect="write", idempotent=False, profiles=(SYNC,))
async def checkin_to_movie(
    ctx: Context,
    movie_id: ItemId | None = None,
    movie_title: Title = None,
    movie_year: Year = None,
    message: Message = "",
    share_twitter: Share = False,
    share_mastodon: Share = False,
    share_tumblr: Share = False,
) -> CheckedIn:
    """Say that the signed-in user is watching one movie now. Give movie_id or movie_title."""
    movie = _named("movie_id", movie_id, "movie_title", movie_title, movie_year)
    return await _check_in(ctx, {"movie": movie}, message, share_twitter, share_mastodon, share_tumblr)


@TOOLS.tool("cancel_checkin", title="Cancel a check-in", effect="destructive", idempotent=True, profiles=(SYNC,))
async def cancel_checkin(ctx: Context) -> CheckinCancelled:
    """End the check-in that is in progress, if there is one; it does not become a play."""
    await trakt(ctx).delete(("checkin",), what="the check-in")
    return CheckinCancelled(message="No check-in is in progress any more.")


def _named(id_name: str, given: str | None, title_name: str, title: str | None, year: int | None) -> dict[str, object]:
    if given is not None:
        return {"ids": ids_of(id_name, given)}
    if title is None:
        raise BadArgument(id_name, f"is required, or {title_name}.")
    return {"title": title, **({"year": year} if year is not None else {})}


async def _check_in(
    ctx: Context, body: dict[str, object], message: str, twitter: bool, mastodon: bool, tumblr: bool
) -> CheckedIn:
    # Sent also where nothing is to be shared: left out, Trakt goes by the account's own settings.
    body["sharing"] = {"twitter": twitter, "mastodon": mastodon, "tumblr": tumblr}
    if message:
        body["message"] = message
    try:
        found = await trakt(ctx).post(("checkin",), body, what="what is being watched")
    except AlreadyThere as error:
        until = f" until {error.expires_at}" if error.expires_at else ""
        raise Refused(f"Another check-in is in progress{until}. Wait, or end it with cancel_checkin.") from None
    return _made(found if isinstance(found, dict) else {})


def _made(found: dict[str, Json]) -> CheckedIn:
    episode, titled = found.get("episode"), found.get("movie") or found.get("show")
    part = episode if isinstance(episode, dict) else {}
    title = titled.get("title") if isinstance(titled, dict) else None
    number, at = found.get("id"), found.get("watched_at")
    season, of = part.get("season"), part.get("number")
    where = f" {season}x{of}" if isinstance(episode, dict) else ""
    return CheckedIn(
        id=number if isinstance(number, int) else None,
        watched_at=at if isinstance(at, str) else None,
        title=str(title) if title else None,
        season=season if isinstance(season, int) else None,
        episode=of if isinstance(of, int) else None,
        message=f"Checked in to {title or 'it'}{where}.",
    )

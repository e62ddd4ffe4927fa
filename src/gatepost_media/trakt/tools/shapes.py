"""What is told of movies, shows, seasons and episodes alike: ratings, numbers, videos, casts, translations, lists."""

from __future__ import annotations

import asyncio
import html
from collections.abc import Awaitable
from typing import TypeVar
from urllib.parse import parse_qs, urlsplit

from pydantic import Field, model_validator

from gatepost_media.common.errors import Refused
from gatepost_media.common.output import Out, Page
from gatepost_media.common.tools import Context
from gatepost_media.trakt.client import Json, Object
from gatepost_media.trakt.listing import trakt
from gatepost_media.trakt.models import Ids, R, TraktRow, lifted, read_all

_YOUTUBE = ("www.youtube.com", "youtube.com", "m.youtube.com", "youtu.be")
_VIDEO_ID = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")

_SINGULAR = {"shows": "show", "movies": "movie", "people": "person"}

_T = TypeVar("_T")


class Ratings(Out):
    """How something is rated."""

    title: str
    season: int | None = None
    episode: int | None = None
    rating: float | None = Field(default=None, description="Average of all votes, 0 to 10.")
    votes: int | None = None
    distribution: dict[str, int] | None = Field(default=None, description="How many votes each score from 1 to 10 got.")


class Stats(Out):
    """How many people watched, collected, listed and talked."""

    title: str
    season: int
    episode: int | None = None
    watchers: int | None = None
    plays: int | None = None
    collectors: int | None = None
    collected_episodes: int | None = None
    comments: int | None = None
    lists: int | None = None
    votes: int | None = None


class Video(TraktRow):
    """A trailer or a clip."""

    title: str | None = None
    url: str
    site: str | None = None
    type: str | None = None
    size: int | None = None
    official: bool | None = None
    published_at: str | None = None
    country: str | None = None
    language: str | None = None
    embed: str | None = Field(default=None, description="An HTML frame, for YouTube videos where it was asked for.")


class Videos(Page[Video]):
    """Trailers and clips."""

    title: str


class Viewer(TraktRow):
    """Somebody who is watching now. What a private account hides is not there."""

    username: str | None = None
    name: str | None = None
    vip: bool | None = None
    private: bool | None = None


class Viewers(Page[Viewer]):
    """Who is watching now."""

    title: str


class Translation(TraktRow):
    """A title and a summary in another language."""

    language: str
    country: str | None = None
    title: str | None = None
    overview: str | None = None
    tagline: str | None = None


class Translations(Page[Translation]):
    """Translated titles and summaries."""

    title: str


class _Called(TraktRow):
    name: str


class ListInfo(Ids, _Called):
    """A list of somebody's."""

    description: str | None = None
    privacy: str | None = None
    type: str | None = None
    item_count: int | None = None
    comment_count: int | None = None
    likes: int | None = None
    sort_by: str | None = None
    sort_how: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    share_link: str | None = None
    owner: str | None = Field(default=None, description="User name of whoever made it.")

    @model_validator(mode="before")
    @classmethod
    def _owner(cls, raw: object) -> object:
        user = raw.get("user") if isinstance(raw, dict) else None
        return {**raw, "owner": user.get("username")} if isinstance(raw, dict) and isinstance(user, dict) else raw


class Lists(Page[ListInfo]):
    """Lists that something is on."""

    title: str


class _Part(TraktRow):
    name: str | None = None
    department: str = Field(description="cast, guest stars, or a department of the crew such as directing.")
    parts: list[str] = Field(description="Characters of the cast, jobs of the crew.")
    episode_count: int | None = None


class Credit(Ids, _Part):
    """One person's part in a movie, a show, a season or an episode; ids are the person's."""


class Credits(Page[Credit]):
    """Cast, then guest stars, then crew."""

    title: str


async def titled(ctx: Context, kind: str, item: str, found: Awaitable[_T]) -> tuple[str, _T]:
    """The title of a movie or a show (`kind` in the plural, as in paths) and what else was asked of it, at once."""
    return await asyncio.gather(_called(ctx, (kind, item), "title"), found)


async def named(ctx: Context, person: str, found: Awaitable[_T]) -> tuple[str, _T]:
    """A person's name and what else was asked of the person, at once."""
    return await asyncio.gather(_called(ctx, ("people", person), "name"), found)


async def _called(ctx: Context, path: tuple[str, str], name: str) -> str:
    found = await trakt(ctx).get(path, what=f"the {_SINGULAR[path[0]]} {path[1]}")
    called = found.get(name) if isinstance(found, dict) else None
    return str(called or path[1])


def ratings(title: str, raw: Json, season: int | None = None, episode: int | None = None) -> Ratings:
    """The reply for one answer of `…/ratings`."""
    found = raw if isinstance(raw, dict) else {}
    rating, votes, spread = found.get("rating"), found.get("votes"), found.get("distribution")
    return Ratings(
        title=title,
        season=season,
        episode=episode,
        rating=rating if isinstance(rating, int | float) else None,
        votes=votes if isinstance(votes, int) else None,
        distribution={score: count for score, count in spread.items() if isinstance(count, int)}
        if isinstance(spread, dict)
        else None,
    )


def stats(title: str, raw: Json, season: int, episode: int | None = None) -> Stats:
    """The reply for one answer of `…/stats`."""
    if not isinstance(raw, dict):
        raise Refused("Trakt answered with something that holds no numbers. Try again later.")
    known = Stats.model_fields.keys() - {"title", "season", "episode", "truncated"}
    numbers = {name: value for name, value in raw.items() if name in known and isinstance(value, int)}
    return Stats.model_validate({"title": title, "season": season, "episode": episode, **numbers})


def cut(ctx: Context, rows: list[R]) -> tuple[list[R], int, int]:
    """A list that Trakt gave whole, from the cursor on: its items, where they begin, and how long the whole is."""
    start = ctx.offset()
    return rows[start:], start, len(rows)


def videos(ctx: Context, title: str, raw: Json, *, embed: bool) -> Videos:
    """The reply for one answer of `…/videos`."""
    found = read_all(Video, raw)
    rows = [each.model_copy(update={"embed": frame(each.url)}) for each in found] if embed else found
    items, offset, total = cut(ctx, rows)
    return Videos(title=title, items=items, offset=offset, totalSize=total)


def frame(url: str) -> str | None:
    """An HTML frame for a YouTube address, made from nothing but the video's id."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if parts.hostname not in _YOUTUBE:
        return None
    found = parts.path[1:] if parts.hostname == "youtu.be" else parse_qs(parts.query).get("v", [""])[0]
    if not 5 <= len(found) <= 20 or not _VIDEO_ID.issuperset(found):
        return None
    source = html.escape(f"https://www.youtube-nocookie.com/embed/{found}")
    return f'<iframe width="560" height="315" src="{source}" allowfullscreen></iframe>'


def credits(ctx: Context, title: str, raw: Json) -> Credits:
    """The reply for one answer of `…/people`: {cast, guest_stars, crew: {department: [...]}}."""
    rows = read_all(Credit, credit_rows(raw, "person"))
    items, offset, total = cut(ctx, rows)
    return Credits(title=title, items=items, offset=offset, totalSize=total)


def credit_rows(raw: Json, inside: str) -> list[Object]:
    """Cast, guest stars and crew, one after the other, each with what is `inside` raised beside its parts."""
    found = raw if isinstance(raw, dict) else {}
    crew = found.get("crew")
    groups: dict[str, Json] = {"cast": found.get("cast"), "guest stars": found.get("guest_stars")}
    if isinstance(crew, dict):
        groups.update(crew)
    return [
        _credit(each, inside, department)
        for department, members in groups.items()
        if isinstance(members, list)
        for each in members
        if isinstance(each, dict)
    ]


def _credit(raw: Object, inside: str, department: str) -> Object:
    thing = raw.get(inside)
    parts = raw.get("characters") or raw.get("jobs") or [raw.get("character") or raw.get("job")]
    return {
        **(lifted(thing) if isinstance(thing, dict) else {}),
        "department": department,
        "parts": [str(part) for part in parts if part] if isinstance(parts, list) else [str(parts)],
        "episode_count": raw.get("episode_count"),
        "series_regular": raw.get("series_regular"),
    }

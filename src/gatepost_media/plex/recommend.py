"""Recommendations: unseen films of a library, scored against what somebody has watched.

A profile is made of the films watched: each counts by its age (half as much every 180 days) and by the user's own
rating. A film not yet seen is scored by the genres (40 %), the rating (30 %), the directors (15 %), the cast (10 %) and
the decade (5 %) that it shares with the profile. Of films with the same first genre each further one counts a little
less.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field

from gatepost_media.common.errors import BadArgument, MediaError
from gatepost_media.common.output import Out, Row
from gatepost_media.common.tools import Context, Toolset
from gatepost_media.plex import paths
from gatepost_media.plex.history import plays
from gatepost_media.plex.raw import Raw, mapping, number, rows, tags, text, whole
from gatepost_media.plex.rows import AccountId, Item, LibraryKey, item

TOOLS = Toolset("plex recommendations", "", {"plex-read": ""})
HALF_LIFE = 180 * 86_400
LEAST_WATCHED = 5
REPEATED_GENRE = 0.85
_WEIGHTS = {"genres": 0.40, "rating": 0.30, "directors": 0.15, "cast": 0.10, "decade": 0.05}


class Recommendation(Row):
    """An unseen film and why."""

    item: Item
    score: float = Field(description="0 to 100.")
    reasons: list[str]


class Recommendations(Out):
    """The best first."""

    library: str
    watched: int = Field(description="Films that the profile is made of.")
    considered: int = Field(description="Unseen films that were scored.")
    topGenres: list[str]
    items: list[Recommendation]
    note: str | None = None


@dataclass
class Profile:
    """What somebody likes: weights by name, the largest of each family is 1."""

    watched: int = 0
    genres: Counter[str] = field(default_factory=Counter)
    directors: Counter[str] = field(default_factory=Counter)
    cast: Counter[str] = field(default_factory=Counter)
    decade: Counter[str] = field(default_factory=Counter)

    def add(self, raw: Raw, seen_at: int, now: int) -> None:
        """Counts a film that was watched at a time."""
        liked = number(raw, "userRating")
        weight = 0.5 ** (max(0, now - seen_at) / HALF_LIFE) * (1.0 if liked is None else 0.2 + liked / 6)
        self.watched += 1
        for family, names in _families(raw).items():
            counter: Counter[str] = getattr(self, family)
            for name in names:
                counter[name] += weight

    def share(self, family: str, names: list[str]) -> float:
        """How much of a family's names is liked, 0 to 1: the mean of the best two."""
        counter: Counter[str] = getattr(self, family)
        most = max(counter.values(), default=0)
        if not most or not names:
            return 0.0
        best = sorted((counter[name] / most for name in names), reverse=True)[:2]
        return sum(best) / len(best)


def _families(raw: Raw) -> dict[str, list[str]]:
    year = whole(raw, "year")
    return {
        "genres": tags(raw, "Genre"),
        "directors": tags(raw, "Director"),
        "cast": tags(raw, "Role"),
        "decade": [str(year // 10 * 10)] if year else [],
    }


@TOOLS.tool("get_recommendations", title="Recommendations", effect="read", idempotent=True, profiles=("plex-read",))
async def get_recommendations(
    ctx: Context,
    libraryKey: LibraryKey,
    limit: Annotated[int, Field(ge=0, le=100, description="How many; 0 means the default.")] = 10,
    userId: Annotated[AccountId | None, Field(description="Whose taste; the signed-in account by default.")] = None,
) -> Recommendations:
    """Recommend unseen films of a library, scored by genre, rating, director, cast and decade against what was watched,
    each with its reasons. At least 5 watched films are needed. Where Trakt is signed in, what it knows to be watched is
    left out."""
    section = await ctx.plex.section(libraryKey)
    if text(section, "type") != "movie":
        raise BadArgument("libraryKey", f"{text(section, 'title')} is no film library; recommendations are of films.")
    if userId is not None:
        await ctx.plex.check_account(userId, "userId")
    path, now = paths.section_all(libraryKey), int(time.time())
    profile = Profile()
    seen = None if userId is None else await _seen_by(ctx, libraryKey, userId)
    if seen is None:
        async for page, _ in ctx.plex.walk(path, {"type": 1, "unwatched": 0}):
            for raw in page:
                profile.add(raw, whole(raw, "lastViewedAt") or now - HALF_LIFE, now)
    else:
        for raw in await ctx.plex.items([key for key in seen if key.isdigit()]):
            profile.add(raw, seen[text(raw, "ratingKey") or ""], now)
    elsewhere, note = await _seen_on_trakt(ctx)
    if profile.watched < LEAST_WATCHED:
        said = f"Only {profile.watched} watched films are known; {LEAST_WATCHED} are needed for a profile."
        best, considered = list[Recommendation](), 0
        note = said if note is None else f"{said} {note}"
    else:
        best, considered = await _scored(ctx, path, profile, seen, elsewhere, limit or 10)
    return Recommendations(
        library=text(section, "title") or "",
        watched=profile.watched,
        considered=considered,
        topGenres=[name for name, _ in profile.genres.most_common(5)],
        items=best,
        note=note,
    )


async def _scored(
    ctx: Context, path: str, profile: Profile, seen: Mapping[str, int] | None, elsewhere: set[str | None], limit: int
) -> tuple[list[Recommendation], int]:
    """The best unseen films, and how many were looked at. Only the best so far are kept."""
    query = {"type": 1, "includeGuids": 1}
    if seen is None:
        query["unwatched"] = 1
    keep = max(limit * 5, 50)
    best: list[tuple[float, list[str], Raw]] = []
    done = considered = 0
    async for page, length in ctx.plex.walk(path, query):
        for raw in page:
            ids = {text(each, "id") for each in rows(raw, "Guid")}
            if (seen and text(raw, "ratingKey") in seen) or elsewhere & ids:
                continue
            considered += 1
            best.append((*_score(profile, raw), raw))
        best.sort(key=lambda each: -each[0])
        del best[keep:]
        done += len(page)
        await ctx.progress(done, length)
    return _varied(best, limit), considered


async def _seen_by(ctx: Context, library: str, account: str) -> dict[str, int]:
    """When an account played each film last, from the history: Plex shows counts only of the one signed in."""
    seen: dict[str, int] = {}
    async for page, _ in plays(ctx.plex, account=account, library=library):
        for raw in page:
            key = text(raw, "ratingKey")
            if key:
                seen.setdefault(key, whole(raw, "viewedAt") or 0)
    return seen


async def _seen_on_trakt(ctx: Context) -> tuple[set[str | None], str | None]:
    """Outside ids of the films that Trakt knows to be watched, where Trakt is signed in; and what failed."""
    if not ctx.settings.trakt_client_id:
        return set(), None
    from gatepost_media.trakt.client import Trakt

    trakt = ctx.process.of(Trakt)
    with contextlib.suppress(MediaError):
        if trakt.sign_in.tokens() is None:
            return set(), None
    found: set[str | None] = set()
    try:
        async for row in trakt.watched("movies"):
            ids = mapping(mapping(row.get("movie")).get("ids"))
            found |= {f"{name}://{value}" for name in ("imdb", "tmdb") if (value := text(ids, name))}
    except MediaError as error:
        return set(), f"Trakt was left out: {error}"
    return found, None


def _varied(best: list[tuple[float, list[str], Raw]], limit: int) -> list[Recommendation]:
    """The best, each further one of a first genre lowered."""
    taken: Counter[str] = Counter()
    chosen = []
    for score, reasons, raw in best:
        first = (tags(raw, "Genre") or [""])[0]
        chosen.append((score * REPEATED_GENRE ** taken[first], reasons, raw))
        taken[first] += 1
    chosen.sort(key=lambda each: (-each[0], text(each[2], "title") or ""))
    fields = ("genres", "rating", "duration", "guid")
    return [
        Recommendation(item=item(raw, *fields), score=round(100 * score, 1), reasons=reasons)
        for score, reasons, raw in chosen[:limit]
    ]


def _score(profile: Profile, raw: Raw) -> tuple[float, list[str]]:
    families = _families(raw)
    rating = number(raw, "audienceRating") or number(raw, "rating") or 0.0
    parts = {name: profile.share(name, names) for name, names in families.items()}
    total = sum(_WEIGHTS[name] * part for name, part in parts.items()) + _WEIGHTS["rating"] * min(rating, 10) / 10
    reasons = []
    for family, said in (("genres", "genre"), ("directors", "director"), ("cast", "with")):
        known = [name for name in families[family] if getattr(profile, family)[name] > 0]
        if known:
            reasons.append(f"{said} {', '.join(known[:3])}")
    if rating >= 7:
        reasons.append(f"rated {rating:g}")
    if parts["decade"] > 0.5:
        reasons.append(f"the {families['decade'][0]}s")
    return total, reasons

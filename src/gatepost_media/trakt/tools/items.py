"""Things that a caller names in order to change something about them, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from gatepost_media.common.ids import When, utc
from gatepost_media.common.output import Out
from gatepost_media.trakt.client import Json, Object

Body = dict[str, object]

NumberId = (
    Annotated[str, Field(min_length=1, max_length=18, pattern="^[0-9]+$")]
    | Annotated[int, Field(ge=1, strict=True)]
    | None
)
Slug = Annotated[str, Field(min_length=1, max_length=200, pattern="^[a-z0-9][a-z0-9_-]*$")] | None
ImdbId = Annotated[str, Field(min_length=1, max_length=12, pattern="^(tt|nm)[0-9]{7,10}$")] | None


class Named(BaseModel):
    """One thing: by one id at least, or by title and year."""

    model_config = ConfigDict(extra="forbid")

    trakt_id: NumberId = None
    slug: Slug = None
    imdb_id: ImdbId = None
    tmdb_id: NumberId = None
    tvdb_id: NumberId = None
    title: Annotated[str, Field(min_length=1, max_length=500)] | None = None
    year: Annotated[int, Field(gt=1800, lt=2200)] | None = None

    @model_validator(mode="after")
    def _is_named(self) -> Self:
        if not self.ids() and (self.title is None or self.year is None):
            raise ValueError("needs one of trakt_id, slug, imdb_id, tmdb_id and tvdb_id, or both title and year")
        return self

    def ids(self) -> dict[str, str | int]:
        """The ids as Trakt wants them in a body."""
        numbers = {"trakt": self.trakt_id, "tmdb": self.tmdb_id, "tvdb": self.tvdb_id}
        texts = {"slug": self.slug, "imdb": self.imdb_id}
        return {
            **{name: int(value) for name, value in numbers.items() if value is not None},
            **{name: value for name, value in texts.items() if value is not None},
        }

    def body(self) -> Body:
        """The thing as it stands in a request."""
        body: Body = {}
        if ids := self.ids():
            body["ids"] = ids
        if self.title is not None:
            body["title"] = self.title
        if self.year is not None:
            body["year"] = self.year
        return body


class Rated(Named):
    """A thing and the score it gets."""

    rating: Annotated[int, Field(ge=1, le=10, description="1 to 10.")]

    def body(self) -> Body:
        """With the rating."""
        return {**super().body(), "rating": self.rating}


class Noted(Named):
    """A thing and what is noted beside it."""

    notes: Annotated[str, Field(max_length=500, description="For VIP accounts alone.")] | None = None

    def body(self) -> Body:
        """With the note, where there is one."""
        return super().body() if self.notes is None else {**super().body(), "notes": self.notes}


class Seen(Named):
    """A thing and when it was watched."""

    watched_at: Annotated[When, Field(description="ISO 8601; left out, now.")] | None = None

    def body(self) -> Body:
        """With the time, where there is one."""
        body = super().body()
        return body if self.watched_at is None else {**body, "watched_at": utc("watched_at", self.watched_at)}


MOST_ITEMS = 500
"""Items in one call; Trakt takes long over more."""


class Counts(BaseModel):
    """How many of each kind."""

    model_config = ConfigDict(extra="ignore")

    movies: int = 0
    shows: int = 0
    seasons: int = 0
    episodes: int = 0
    people: int = 0


class Changed(Out):
    """What a change did."""

    added: Counts | None = None
    existing: Counts | None = Field(default=None, description="Were there before, and are still.")
    updated: Counts | None = None
    deleted: Counts | None = None
    not_found: list[str] = Field(description="What Trakt does not know, in its words.")
    list_size: int | None = Field(default=None, description="Items on the list now, where Trakt says it.")
    message: str


def changed(answers: Sequence[Object], note: str = "") -> Changed:
    """The reply for one or more answers of Trakt's to one change, their counts added up."""
    sums = {name: _sum(answers, name) for name in ("added", "existing", "updated", "deleted")}
    missing = [each for answer in answers for each in _missing(answer.get("not_found"))]
    said = [f"{name} {_words(counts)}" for name, counts in sums.items() if counts is not None]
    if missing:
        said.append(f"Trakt does not know {len(missing)} of them")
    size = next(
        (each for each in (_size(answer.get("list")) for answer in reversed(answers)) if each is not None), None
    )
    text = "; ".join(said) or "nothing to do"
    return Changed(
        added=sums["added"],
        existing=sums["existing"],
        updated=sums["updated"],
        deleted=sums["deleted"],
        not_found=missing,
        list_size=size,
        message=f"{text[0].upper()}{text[1:]}.{' ' + note if note else ''}",
    )


def _sum(answers: Sequence[Object], name: str) -> Counts | None:
    found = [answer[name] for answer in answers if isinstance(answer.get(name), dict)]
    if not found:
        return None
    return Counts(**{kind: sum(_count(each, kind) for each in found) for kind in Counts.model_fields})


def _count(found: Json, kind: str) -> int:
    value = found.get(kind) if isinstance(found, dict) else None
    return value if isinstance(value, int) else 0


_ONE = {"movies": "movie", "shows": "show", "seasons": "season", "episodes": "episode", "people": "person"}


def _words(counts: Counts) -> str:
    some = [f"{number} {kind if number != 1 else _ONE[kind]}" for kind, number in counts.model_dump().items() if number]
    return ", ".join(some) or "nothing"


def _missing(found: Json) -> list[str]:
    if not isinstance(found, dict):
        return []
    return [
        f"{kind}: {_name(each)}"
        for kind, entries in found.items()
        if isinstance(entries, list)
        for each in entries
        if isinstance(each, dict)
    ]


def _name(entry: Mapping[str, Json]) -> str:
    ids = entry.get("ids")
    known = [f"{name} {value}" for name, value in ids.items() if value] if isinstance(ids, dict) else []
    titled = [str(entry[name]) for name in ("title", "year") if entry.get(name)]
    return " ".join([*titled, *known])[:200] or "without a name"


def _size(found: Json) -> int | None:
    size = found.get("item_count") if isinstance(found, dict) else None
    return size if isinstance(size, int) else None

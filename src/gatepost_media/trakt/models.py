"""What Trakt's objects look like in replies: flat, with the ids under the names that other tools take.

Trakt nests ids (`ids: {trakt, slug, imdb, tmdb, tvdb}`); here they are `trakt_id`, `slug`, `imdb_id`, `tmdb_id`,
`tvdb_id`, so that a row of one reply can be given to `add_to_history` as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from pydantic import ConfigDict, Field, ValidationError, model_validator

from gatepost_media.common.errors import Refused
from gatepost_media.common.output import Row
from gatepost_media.trakt.client import Json, Object

_IDS = {"trakt": "trakt_id", "slug": "slug", "imdb": "imdb_id", "tmdb": "tmdb_id", "tvdb": "tvdb_id"}

R = TypeVar("R", bound=Row)


def read(model: type[R], raw: Json) -> R:
    """The model from an object of Trakt's. Raises Refused where Trakt sent something else."""
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        where = ".".join(str(each) for each in error.errors(include_input=False)[0]["loc"]) or "the whole"
        raise Refused(f"Trakt answered with something that cannot be read ({where}). Try again later.") from None


def read_all(model: type[R], raw: Json | Iterable[Object]) -> list[R]:
    """The models from a list of Trakt's. Raises Refused where it is none."""
    if raw is None or isinstance(raw, str | int | float | dict):
        raise Refused("Trakt answered with something that is not a list. Try again later.")
    return [read(model, each) for each in raw]


def lifted(raw: Mapping[str, Json]) -> dict[str, Json]:
    """The object with its ids beside the rest."""
    ids = raw.get("ids")
    found = {_IDS[name]: value for name, value in ids.items() if name in _IDS} if isinstance(ids, dict) else {}
    return {**raw, **found}


class TraktRow(Row):
    """A row made from an object of Trakt's; what is not declared is left out."""

    model_config = ConfigDict(extra="ignore")

    @model_validator(mode="before")
    @classmethod
    def _lift(cls, raw: object) -> object:
        return lifted(raw) if isinstance(raw, Mapping) else raw


class Ids(TraktRow):
    """What something is called elsewhere."""

    trakt_id: int | None = None
    slug: str | None = None
    imdb_id: str | None = None
    tmdb_id: int | None = None
    tvdb_id: int | None = None


class _Titled(TraktRow):
    title: str | None = None
    year: int | None = None


class Work(Ids, _Titled):
    """A movie or a show, in short. (Fields of the last base come first: a title says more than its ids.)"""


class _Told(Work):
    """What movies and shows have in common when told in full."""

    tagline: str | None = None
    overview: str | None = None
    status: str | None = None
    rating: float | None = Field(default=None, description="Average of all votes, 0 to 10.")
    votes: int | None = None
    comment_count: int | None = None
    runtime: int | None = Field(default=None, description="Minutes.")
    certification: str | None = None
    country: str | None = None
    language: str | None = None
    genres: list[str] | None = None
    original_title: str | None = None
    trailer: str | None = None
    homepage: str | None = None
    available_translations: list[str] | None = None
    updated_at: str | None = None


class Movie(_Told):
    """A movie."""

    released: str | None = Field(default=None, description="Date of release.")
    after_credits: bool | None = None
    during_credits: bool | None = None


class Airs(TraktRow):
    """When a show is aired."""

    day: str | None = None
    time: str | None = None
    timezone: str | None = None


class Show(_Told):
    """A show."""

    first_aired: str | None = None
    airs: Airs | None = None
    network: str | None = None
    aired_episodes: int | None = None
    total_runtime: int | None = Field(default=None, description="Minutes of all episodes.")


class _Numbered(TraktRow):
    number: int
    title: str | None = None


class Season(Ids, _Numbered):
    """A season; number 0 holds the specials."""

    overview: str | None = None
    first_aired: str | None = None
    rating: float | None = None
    votes: int | None = None
    episode_count: int | None = None
    aired_episodes: int | None = None
    total_runtime: int | None = None
    network: str | None = None
    updated_at: str | None = None


class _OfSeason(TraktRow):
    season: int
    number: int
    title: str | None = None


class Episode(Ids, _OfSeason):
    """An episode."""

    overview: str | None = None
    first_aired: str | None = None
    runtime: int | None = None
    rating: float | None = None
    votes: int | None = None
    comment_count: int | None = None
    episode_type: str | None = None
    number_abs: int | None = None
    available_translations: list[str] | None = None
    updated_at: str | None = None


class _Named(TraktRow):
    name: str


class Person(Ids, _Named):
    """A person."""

    biography: str | None = None
    birthday: str | None = None
    death: str | None = None
    birthplace: str | None = None
    gender: str | None = None
    known_for_department: str | None = None
    homepage: str | None = None
    updated_at: str | None = None


class _What(TraktRow):
    type: str
    title: str | None = Field(
        default=None, description="Of the movie, or of the show that a season or an episode is of."
    )
    year: int | None = None
    season: int | None = None
    episode: int | None = None
    episode_title: str | None = None
    name: str | None = Field(default=None, description="Of a person.")


class Item(Ids, _What):
    """A movie, show, season, episode or person in a list of mixed things; ids are those of the thing itself."""

    show_trakt_id: int | None = None
    show_slug: str | None = None
    show_imdb_id: str | None = None


def item(raw: Object, kind: str | None = None) -> Object:
    """An entry such as {watched_at, type, episode: {...}, show: {...}} made flat, for `Item` and its like.

    `kind` says what it is where Trakt does not.
    """
    said = raw.get("type")
    kind = said if isinstance(said, str) else kind or next((each for each in _KINDS if each in raw), "unknown")
    thing, show = _inside(raw, kind), _inside(raw, "show")
    flat: Object = {name: value for name, value in raw.items() if name not in _KINDS}
    flat["type"] = kind
    own = lifted(thing)
    flat.update({name: own[name] for name in _IDS.values() if own.get(name) is not None})
    titled = thing if kind in ("movie", "show") else show
    flat.update({name: titled[name] for name in ("title", "year") if titled.get(name) is not None})
    if kind == "person":
        flat["name"] = thing.get("name")
    if kind == "season":
        flat["season"] = thing.get("number")
    if kind == "episode":
        flat.update(season=thing.get("season"), episode=thing.get("number"), episode_title=thing.get("title"))
    if kind in ("season", "episode"):
        of = lifted(show)
        flat.update(show_trakt_id=of.get("trakt_id"), show_slug=of.get("slug"), show_imdb_id=of.get("imdb_id"))
    return flat


def nested(raw: Object, name: str) -> Object:
    """An entry such as {watchers, show: {...}} with what is inside raised beside the rest."""
    return {**{key: value for key, value in raw.items() if key != name}, **lifted(_inside(raw, name))}


_KINDS = ("movie", "episode", "season", "show", "person", "list")


def _inside(raw: Object, name: str) -> Object:
    found = raw.get(name)
    return found if isinstance(found, dict) else {}

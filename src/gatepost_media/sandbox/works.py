"""What the libraries hold: films, shows with seasons and episodes, artists with albums and tracks.

A `Work` is shared by all stand-ins and never changes; what a service knows about it (plays, ratings, edits) is that
service's own. `key` is Plex's rating key; Trakt's number is another one on purpose, so that a program that mixes the
two is found out.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["movie", "show", "season", "episode", "artist", "album", "track", "clip"]

GENERATED = 900_000_000
"""Ids from here on belong to no work in the world: TMDB and TVDB have not come near, IMDb has eight digits at most."""

TRAKT_OFFSET = 5_000_000
PERSON_OFFSET = 8_000_000


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in a film. `number` is the sandbox's own."""

    number: int
    name: str

    @property
    def trakt(self) -> int:
        """Trakt's number for them, here."""
        return PERSON_OFFSET + self.number


@dataclass(frozen=True, slots=True)
class About:
    """What there is to say of a work beyond its title."""

    summary: str = ""
    tagline: str = ""
    studio: str = ""
    country: str = ""
    content_rating: str = ""
    status: str = ""
    original_title: str = ""
    agent: str = ""
    """The older Plex agent that matched it ("imdb", "themoviedb", "thetvdb"); "" is the present one."""
    rating: float = 0.0
    genres: tuple[str, ...] = ()
    moods: tuple[str, ...] = ()
    collections: tuple[str, ...] = ()
    directors: tuple[Person, ...] = ()
    writers: tuple[Person, ...] = ()
    cast: tuple[tuple[Person, str], ...] = ()


NOTHING = About()
NO_IDS: Mapping[str, str] = {}


@dataclass(slots=True, eq=False)
class Work:
    """A film, show, season, episode, artist, album or track. `duration` in ms, `released` "YYYY-MM-DD" or ""."""

    key: int
    kind: Kind
    title: str
    year: int | None
    section: int
    duration: int = 0
    released: str = ""
    index: int = 0
    parent: Work | None = None
    children: list[Work] = field(default_factory=list)
    about: About = NOTHING
    known_ids: Mapping[str, str] = field(default_factory=lambda: NO_IDS)
    added_at: int = 0

    @property
    def trakt(self) -> int:
        """Trakt's number for it, here."""
        return TRAKT_OFFSET + self.key

    @property
    def ids(self) -> Mapping[str, str]:
        """imdb, tmdb, tvdb, mbid: the real ones where known, else (of films, shows, episodes) ones that no work has."""
        if self.known_ids or self.kind not in ("movie", "episode", "show"):
            return self.known_ids
        if self.kind == "movie":
            return {"imdb": f"tt{GENERATED + self.key}", "tmdb": str(GENERATED + self.key)}
        return {"tvdb": str(GENERATED + self.key)}

    @property
    def show(self) -> Work:
        """The show of a season or an episode; a show's own self."""
        work = self
        while work.parent is not None:
            work = work.parent
        return work

    @property
    def slug(self) -> str:
        """Trakt's readable name: title and year, in small letters and hyphens."""
        return slugify(f"{self.title} {self.year}" if self.kind == "movie" else self.title)

    def leaves(self) -> Iterable[Work]:
        """The films, episodes or tracks under it; itself, if it is one."""
        if not self.children and self.kind not in ("show", "season", "artist", "album"):
            yield self
        for child in self.children:
            yield from child.leaves()


def is_number(text: str) -> bool:
    """Whether it is a whole number from 0 on, in plain digits, of at most eighteen of them."""
    return len(text) <= 18 and text.isascii() and text.isdigit()


def slugify(text: str) -> str:
    """Letters and digits in small, everything between them one hyphen."""
    out: list[str] = []
    for letter in text.lower():
        if letter.isalnum():
            out.append(letter)
        elif letter not in "'’!" and out and out[-1] != "-":
            out.append("-")
    return "".join(out).strip("-")


def sort_title(title: str) -> str:
    """The title as libraries order it: without its article, in small letters."""
    lower = title.lower()
    for article in ("the ", "a ", "an "):
        if lower.startswith(article):
            return lower[len(article) :]
    return lower


@dataclass(frozen=True, slots=True)
class Section:
    """A library of the Plex server."""

    key: int
    kind: Literal["movie", "show", "artist"]
    title: str
    agent: str
    scanner: str
    path: str


SECTIONS = (
    Section(1, "movie", "Films", "tv.plex.agents.movie", "Plex Movie", "/media/films"),
    Section(2, "show", "Series", "tv.plex.agents.series", "Plex TV Series", "/media/series"),
    Section(3, "artist", "Music", "tv.plex.agents.music", "Plex Music", "/media/music"),
)
ELSEWHERE = 0
"""The section of works that are known to Trakt, Sonarr and Radarr, and are not in the Plex library."""


class Works:
    """All works by number, by kind and by outside id."""

    def __init__(self) -> None:
        self.by_key: dict[int, Work] = {}
        self.by_kind: dict[Kind, list[Work]] = {
            kind: [] for kind in ("movie", "show", "season", "episode", "artist", "album", "track", "clip")
        }
        self.people: dict[str, Person] = {}
        self.extras: dict[int, list[Work]] = {}
        self._by_id: dict[tuple[Kind, str, str], Work] = {}
        self._by_slug: dict[tuple[Kind, str], Work] = {}

    def add(self, work: Work) -> Work:
        """Take it in, and into its parent's children."""
        self.by_key[work.key] = work
        self.by_kind[work.kind].append(work)
        if work.parent is not None:
            work.parent.children.append(work)
        for name, value in work.known_ids.items():
            self._by_id[work.kind, name, value] = work
        if work.kind in ("movie", "show") and (work.kind, work.slug) not in self._by_slug:
            self._by_slug[work.kind, work.slug] = work
        return work

    def person(self, name: str) -> Person:
        """The person of that name, made on first use."""
        if name not in self.people:
            self.people[name] = Person(len(self.people) + 1, name)
        return self.people[name]

    def find(self, kind: Kind, name: str, value: str) -> Work | None:
        """By outside id: `name` is imdb, tmdb, tvdb, mbid, slug or trakt."""
        if name == "slug":
            return self._by_slug.get((kind, value))
        if name == "trakt":
            work = self.by_key.get(int(value) - TRAKT_OFFSET) if is_number(value) else None
            return work if work is not None and work.kind == kind else None
        known = self._by_id.get((kind, name, value))
        if known is not None:
            return known
        digits = value.removeprefix("tt")
        if is_number(digits) and int(digits) > GENERATED:
            work = self.by_key.get(int(digits) - GENERATED)
            if work is not None and work.kind == kind and work.ids.get(name) == value:
                return work
        return None

    def in_library(self, kind: Kind) -> Sequence[Work]:
        """Those of a kind that the Plex server has."""
        return [work for work in self.by_kind[kind] if work.section != ELSEWHERE]


def day_to_seconds(day: str) -> int:
    """Midnight (UTC) of "YYYY-MM-DD", in seconds since 1970."""
    return int(dt.datetime.fromisoformat(day).replace(tzinfo=dt.UTC).timestamp())

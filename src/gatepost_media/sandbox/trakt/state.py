"""What the Trakt stand-in remembers of its one user: plays, places, ratings, lists; and who is signed in."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from gatepost_media.sandbox.clock import Clock
from gatepost_media.sandbox.works import Kind, Work, Works

TOKEN_LIVES = 604_800
DEVICE_CODE_LIVES = 600
USER = "sandbox"
KINDS: tuple[Kind, ...] = ("movie", "show", "season", "episode")
PLURALS = {"movies": "movie", "shows": "show", "seasons": "season", "episodes": "episode"}
ID_NAMES = ("trakt", "slug", "imdb", "tmdb", "tvdb")


def stamp(seconds: float) -> str:
    """ "2026-11-21T14:25:00.000Z"."""
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def moment(text: object) -> int | None:
    """Seconds since 1970 of an ISO 8601 date or time; None if it is none, or nowhere near the time of films."""
    if not isinstance(text, str):
        return None
    try:
        read = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    if not 1800 <= read.year <= 2200:
        return None
    return int((read if read.tzinfo else read.replace(tzinfo=dt.UTC)).timestamp())


@dataclass(slots=True)
class Watch:
    """A row of the history. `action` is scrobble, checkin or watch."""

    id: int
    work: Work
    at: int
    action: str


@dataclass(slots=True)
class Place:
    """How far something was watched, in percent, when it was paused."""

    id: int
    work: Work
    progress: float
    at: int


@dataclass(slots=True)
class Watching:
    """What is being watched now. `ends` is when it is over by itself; a check-in then counts as a play."""

    work: Work
    began: int
    ends: int
    action: str


@dataclass(slots=True)
class Entry:
    """Something on a list, in the collection or the watchlist."""

    id: int
    work: Work
    at: int
    notes: str | None = None


@dataclass(slots=True)
class UserList:
    """A list that a user made."""

    id: int
    owner: str
    name: str
    description: str
    privacy: str
    made: int
    entries: list[Entry] = field(default_factory=list)
    likes: int = 0
    liked_at: int = 0
    """Since when the user likes it; 0 while not."""


@dataclass(slots=True)
class Comment:
    """What somebody wrote of a title. `parent` is the comment that it answers, 0 if none."""

    id: int
    work: Work
    text: str
    user: str
    at: int
    spoiler: bool = False
    review: bool = False
    likes: int = 0
    rating: int | None = None
    parent: int = 0


@dataclass(slots=True)
class DeviceCode:
    """A code that a person has to approve. `state` is waiting, approved, denied or used."""

    code: str
    user_code: str
    made: int
    state: str = "waiting"
    asked: float = 0.0


@dataclass(slots=True)
class Tokens:
    """A pair. The refresh token works once."""

    access: str
    refresh: str
    made: int

    def reply(self) -> dict[str, object]:
        """What a program gets."""
        return {
            "access_token": self.access,
            "token_type": "bearer",
            "expires_in": TOKEN_LIVES,
            "refresh_token": self.refresh,
            "scope": "public",
            "created_at": self.made,
        }


class Trakt:
    """One Trakt with one user whose account everything belongs to."""

    def __init__(self, works: Works, clock: Clock, *, approve: bool, interval: int, limits: bool) -> None:
        self.works, self.clock = works, clock
        self.approve, self.interval, self.limits = approve, interval, limits
        self.client_id = secrets.token_hex(32)
        self.client_secret = secrets.token_hex(32)
        self.codes: dict[str, DeviceCode] = {}
        self.grants: dict[str, str] = {}
        self.access: dict[str, Tokens] = {}
        self.refresh: dict[str, Tokens] = {}
        self.last_write = 0.0
        self.watches: list[Watch] = []
        self.places: dict[int, Place] = {}
        self.watching: Watching | None = None
        self.ratings: dict[Work, tuple[int, int]] = {}
        self.watchlist: list[Entry] = []
        self.collection: dict[Work, int] = {}
        self.favorites: list[Entry] = []
        self.hidden: dict[str, dict[Work, int]] = {}
        self.lists: list[UserList] = []
        self.following: dict[str, int] = {}
        self.comments: list[Comment] = []
        self.activities: dict[str, int] = {}
        self._number = 7_000_000
        self._sorted = True

    def number(self) -> int:
        """A number that was not used before."""
        self._number += 1
        return self._number

    def sign_in(self) -> Tokens:
        """A new pair of tokens for the user."""
        tokens = Tokens(secrets.token_hex(32), secrets.token_hex(32), self.clock.second())
        self.access[tokens.access] = tokens
        self.refresh[tokens.refresh] = tokens
        return tokens

    def signed_in(self, access: str) -> bool:
        """Whether an access token is one, and not too old."""
        tokens = self.access.get(access)
        return tokens is not None and tokens.made + TOKEN_LIVES > self.clock.second()

    def history(self) -> list[Watch]:
        """All plays, the newest first. A check-in that is over is among them."""
        self.settle()
        if not self._sorted:
            self.watches.sort(key=lambda watch: (-watch.at, -watch.id))
            self._sorted = True
        return self.watches

    def watch(self, work: Work, at: int, action: str = "watch") -> Watch:
        """Add a play."""
        row = Watch(self.number(), work, at, action)
        self.watches.append(row)
        self._sorted = False
        self.touch(f"{work.kind}s", "watched_at")
        return row

    def settle(self) -> None:
        """What was being watched is over when its time has passed; of a check-in, that is a play."""
        now = self.watching
        if now is not None and now.ends <= self.clock.second():
            self.watching = None
            if now.action == "checkin":
                self.watch(now.work, now.ends, "checkin")

    def touch(self, group: str, what: str) -> None:
        """Something changed, for /sync/last_activities."""
        self.activities[f"{group}.{what}"] = self.clock.second()

    def find(self, kind: Kind, said: Mapping[str, object]) -> Work | None:
        """The work that a request means, by its ids, else by title and year."""
        ids = said.get("ids", said)
        if isinstance(ids, Mapping):
            for name in ID_NAMES:
                value = ids.get(name)
                if isinstance(value, (str, int)) and value:
                    work = self.works.find(kind, name, str(value))
                    if work is not None:
                        return work
        title, year = said.get("title"), said.get("year")
        if isinstance(title, str) and kind in ("movie", "show"):
            for work in self.works.by_kind[kind]:
                if work.title.lower() == title.lower() and year in (None, work.year):
                    return work
        return None

    def by_path(self, kind: Kind, text: str) -> Work | None:
        """The work that a path names: Trakt's number, a slug or an IMDb id."""
        for name in ("trakt", "slug", "imdb"):
            work = self.works.find(kind, name, text)
            if work is not None:
                return work
        return None

    def episode(self, show: Work, season: object, number: object) -> Work | None:
        """An episode by its numbers."""
        for part in show.children:
            if part.index == season:
                return next((episode for episode in part.children if episode.index == number), None)
        return None


def aired(show: Work, *, specials: bool = False) -> Iterable[Work]:
    """The episodes of a show or season that count."""
    return (leaf for leaf in show.leaves() if specials or (leaf.parent is not None and leaf.parent.index > 0))

"""What the Plex stand-in remembers: who watched what and how far, edits, ratings, sessions, history, playlists."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gatepost_media.sandbox.clock import Clock
from gatepost_media.sandbox.works import SECTIONS, Kind, Section, Work, Works, is_number

if TYPE_CHECKING:
    from gatepost_media.sandbox.plex.notify import Listeners
    from gatepost_media.sandbox.plex.playback import Playback
    from gatepost_media.sandbox.plex.queues import PlayQueue

MACHINE = "5a4db0c5e0ffee0000000000000000000000beef"
VERSION = "1.43.2.10000-5a4db0c5e"
FRIENDLY_NAME = "Gatepost Sandbox"
LIBRARY = "com.plexapp.plugins.library"
WATCHED_AT = 0.9
"""Played so far, a title counts as watched, its place is forgotten, and the history has a row."""


@dataclass(slots=True)
class View:
    """What the owner did with a title. Times in seconds since 1970, `offset` in milliseconds, `rating` of ten."""

    count: int = 0
    offset: int = 0
    last: int = 0
    rating: float | None = None
    rated: int = 0


@dataclass(slots=True)
class Edit:
    """What was changed of a title's metadata: single values by field, lists by tag type, and what is locked."""

    values: dict[str, str] = field(default_factory=dict)
    tags: dict[str, list[str]] = field(default_factory=dict)
    locked: set[str] = field(default_factory=set)
    at: int = 0


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who uses the server. The owner is account 1."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class Device:
    """Something that plays."""

    id: int
    name: str
    platform: str
    product: str
    client: str


@dataclass(slots=True)
class Play:
    """A row of the history."""

    id: int
    work: Work
    account: int
    device: int
    at: int


@dataclass(slots=True)
class Playlist:
    """A playlist: entries with an id each, or (smart) a query whose answer it is."""

    key: int
    title: str
    kind: str
    made: int
    changed: int
    summary: str = ""
    entries: list[tuple[int, Work]] = field(default_factory=list)
    query: str = ""

    @property
    def smart(self) -> bool:
        """Whether its entries are found each time it is read."""
        return bool(self.query)


@dataclass(slots=True)
class Collection:
    """Titles of one section under one name: those that were put in, or (smart) a query whose answer they are."""

    key: int
    title: str
    section: Section
    works: list[Work]
    made: int
    summary: str = ""
    title_sort: str = ""
    query: str = ""
    prefs: dict[str, str] = field(default_factory=dict)
    rating: float | None = None

    @property
    def smart(self) -> bool:
        """Whether its titles are found each time it is read."""
        return bool(self.query)


ACCOUNTS = (Account(1, "sandbox"), Account(2, "ada"), Account(3, "grace"))
DEVICES = (
    Device(1, "Living Room", "Roku", "Plex for Roku", "sandbox-living-room"),
    Device(2, "Chrome", "Chrome", "Plex Web", "sandbox-chrome"),
    Device(3, "Phone", "Android", "Plex for Android (Mobile)", "sandbox-phone"),
)


class Plex:
    """One Plex server with one library; its owner's token is `token`."""

    def __init__(self, works: Works, clock: Clock, token: str, listeners: Listeners) -> None:
        self.works = works
        self.clock = clock
        self.token = token
        self.listeners = listeners
        self.started = clock.second()
        self.views: dict[int, View] = {}
        self.edits: dict[int, Edit] = {}
        self.gone: set[int] = set()
        self.history: list[Play] = []
        self.playlists: dict[int, Playlist] = {}
        self.collections: dict[int, Collection] = {}
        self.queues: dict[int, PlayQueue] = {}
        self.sessions: dict[str, Playback] = {}
        self.scanned: dict[int, int] = {section.key: self.started for section in SECTIONS}
        self.activities: dict[str, dict[str, object]] = {}
        self.preferences: dict[str, str] = {"FriendlyName": FRIENDLY_NAME}
        self.pictures: dict[tuple[int, str], list[str]] = {}
        self.on_played: list[Callable[[Work], None]] = []
        self.orders: dict[tuple[Kind, str], list[Work]] = {}
        self._number = 90_000

    def number(self) -> int:
        """A number that was not used before: playlists, their entries, collections, rows of the history."""
        self._number += 1
        return self._number

    def section(self, key: int | str) -> Section | None:
        """The section with that key."""
        return next((section for section in SECTIONS if str(section.key) == str(key)), None)

    def work(self, key: int | str) -> Work | None:
        """The title with that rating key, if the library has it."""
        text = str(key)
        if not is_number(text):
            return None
        work = self.works.by_key.get(int(text))
        return work if work is not None and work.section and work.key not in self.gone else None

    def of(self, kind: Kind) -> Iterable[Work]:
        """The library's titles of a kind. (A kind is in one section only, here.)"""
        return (work for work in self.works.by_kind[kind] if work.section and work.key not in self.gone)

    def view(self, work: Work) -> View:
        """What the owner did with it, to be written to."""
        return self.views.setdefault(work.key, View())

    def edit(self, work: Work) -> Edit:
        """What was changed of it, to be written to."""
        edit = self.edits.setdefault(work.key, Edit())
        edit.at = self.clock.second()
        self.orders.clear()
        return edit

    def watched(self, work: Work) -> bool:
        """Whether the owner has seen it; a show or season, whether all of it."""
        if work.children:
            return all(self.watched(leaf) for leaf in work.leaves())
        view = self.views.get(work.key)
        return view is not None and view.count > 0

    def mark(self, work: Work, *, watched: bool) -> None:
        """Mark it (and what is under it) as seen or not seen. The place in it is forgotten; no history is made."""
        for leaf in work.leaves():
            view = self.view(leaf)
            view.offset = 0
            if watched:
                view.count += 1
                view.last = self.clock.second()
            else:
                view.count, view.last = 0, 0

    def played(self, work: Work, account: int, device: int, at: int | None = None) -> Play:
        """Somebody played it to its end: a row in the history, and (the owner) a play more."""
        moment = self.clock.second() if at is None else at
        row = Play(self.number(), work, account, device, moment)
        self.history.append(row)
        if account == 1:
            view = self.view(work)
            view.count, view.offset = view.count + 1, 0
            view.last = max(view.last, moment)
        return row


def plex_guid(work: Work) -> str:
    """Its name in Plex's own catalogue, or what an older agent called it."""
    agent = work.show.about.agent
    if agent:
        number = work.show.known_ids[_ID_OF_AGENT[agent]]
        place = ""
        if work.kind == "season":
            place = f"/{work.index}"
        elif work.kind == "episode" and work.parent is not None:
            place = f"/{work.parent.index}/{work.index}"
        return f"com.plexapp.agents.{agent}://{number}{place}?lang=en"
    return f"plex://{work.kind}/{hashlib.sha256(str(work.key).encode()).hexdigest()[:24]}"


def has_guids(work: Work) -> bool:
    """Whether it has a list of outside ids: titles of the older agents have none."""
    return not work.show.about.agent and bool(work.ids)


_ID_OF_AGENT = {"themoviedb": "tmdb", "imdb": "imdb", "thetvdb": "tvdb"}

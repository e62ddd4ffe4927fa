"""What Trakt says was watched, held small enough for hundreds of thousands of plays, and asked by Plex items.

An id is one number (`Ids.keys`), an episode is one number made of its show's position in the list, its season and its
number. 250,000 plays are some tens of megabytes.
"""

from __future__ import annotations

import datetime
from array import array
from collections.abc import Mapping

from gatepost_media.sync.guids import Ids, read_ids
from gatepost_media.sync.items import Item

_SEASONS = 2**20
_EPISODES = 2**20


class Watched:
    """An index of what was watched: fed with Trakt's rows, asked with `in`.

    Every row has a position; `plex` marks those that Plex has as well, so that what is left is known.
    """

    def __init__(self) -> None:
        self._movies: dict[int, int] = {}
        self._shows: dict[int, int] = {}
        self._episodes: dict[int, int] = {}
        self._own: set[int] = set()
        self._times = array("q")
        self._found = bytearray()
        self._next_show = 0

    @property
    def size(self) -> int:
        """How many films and episodes are in the index."""
        return len(self._times)

    @property
    def found(self) -> int:
        """How many of them were asked for and are there: the ones that both sides know."""
        return self._found.count(1)

    def add_movie_row(self, row: Mapping[str, object]) -> None:
        """A row of /sync/watched/movies."""
        ids = _ids_in(row.get("movie"))
        position = self._position(ids, self._movies)
        if position is None:
            self._add_movie(ids, _time(row.get("last_watched_at")))

    def add_show_row(self, row: Mapping[str, object]) -> None:
        """A row of /sync/watched/shows with its seasons."""
        show = self._show(_ids_in(row.get("show")))
        seasons = row.get("seasons")
        for season in seasons if isinstance(seasons, list) else ():
            number = season.get("number") if isinstance(season, dict) else None
            episodes = season.get("episodes") if isinstance(season, dict) else None
            for episode in episodes if isinstance(episodes, list) else ():
                if isinstance(episode, dict):
                    time = _time(episode.get("last_watched_at"))
                    self._add_episode(show, number, episode.get("number"), time)

    def add(self, item: Item) -> None:
        """An item that is about to be sent: a second copy of it in another library is not sent again."""
        time = item.viewed_at or 0
        if item.kind == "movie":
            self._add_movie(item.ids, time)
        elif item.placed and item.show is not None:
            self._add_episode(self._show(item.show.ids), item.season, item.number, time)
        else:
            self._own.update(item.ids.keys())

    def __contains__(self, item: Item) -> bool:
        return self.when(item) is not None

    def when(self, item: Item) -> int | None:
        """When it was watched last, in seconds since 1970 (0 where that is not known); None where it was not.

        Marks the entry as one that both sides know.
        """
        if item.kind == "movie":
            position = self._position(item.ids, self._movies)
        elif item.placed and item.show is not None:
            position = None
            for key in item.show.ids.keys():  # noqa: SIM118 - not a mapping
                show = self._shows.get(key)
                place = None if show is None else _place(show, item.season, item.number)
                position = None if place is None else self._episodes.get(place)
                if position is not None:
                    break
        else:
            return 0 if any(key in self._own for key in item.ids.keys()) else None  # noqa: SIM118
        if position is None:
            return None
        self._found[position] = 1
        return self._times[position]

    def _add_movie(self, ids: Ids, time: int) -> None:
        position = self._append(time)
        for key in ids.keys():  # noqa: SIM118
            self._movies.setdefault(key, position)

    def _show(self, ids: Ids) -> int:
        known = self._position(ids, self._shows)
        if known is None:
            known, self._next_show = self._next_show, self._next_show + 1
        for key in ids.keys():  # noqa: SIM118
            self._shows.setdefault(key, known)
        return known

    def _add_episode(self, show: int, season: object, number: object, time: int) -> None:
        place = _place(show, season, number)
        if place is not None and place not in self._episodes:
            self._episodes[place] = self._append(time)

    def _append(self, time: int) -> int:
        self._times.append(time)
        self._found.append(0)
        return len(self._times) - 1

    @staticmethod
    def _position(ids: Ids, among: Mapping[int, int]) -> int | None:
        return next((among[key] for key in ids.keys() if key in among), None)  # noqa: SIM118


def _place(show: int, season: object, number: object) -> int | None:
    if not isinstance(season, int) or not isinstance(number, int):
        return None
    if not 0 <= season < _SEASONS or not 0 <= number < _EPISODES:
        return None
    return (show * _SEASONS + season) * _EPISODES + number


def _ids_in(named: object) -> Ids:
    found = named.get("ids") if isinstance(named, dict) else None
    return read_ids(found) if isinstance(found, dict) else Ids()


def _time(text: object) -> int:
    if not isinstance(text, str) or len(text) > 40:
        return 0
    try:
        when = datetime.datetime.fromisoformat(text)
    except ValueError:
        return 0
    return int((when if when.tzinfo else when.replace(tzinfo=datetime.UTC)).timestamp())

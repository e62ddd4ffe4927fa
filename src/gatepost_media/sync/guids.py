"""Plex's guids, read as the ids that Trakt knows.

Plex names an item in two ways. A modern agent gives `plex://movie/…`, which Trakt does not know, and beside it a list
of `Guid` entries (`imdb://tt0017136`, `tmdb://19`, `tvdb://155`), sent only where `includeGuids=1` was asked for. An
old agent puts one id into the guid itself: `com.plexapp.agents.imdb://tt0017136?lang=en`. For an episode an old agent
names the *show*, with season and number: `com.plexapp.agents.thetvdb://73545/0/3?lang=en` (season 0: the specials).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

Source = Literal["imdb", "tmdb", "tvdb"]

_OLD_AGENTS: dict[str, Source] = {
    "com.plexapp.agents.imdb": "imdb",
    "com.plexapp.agents.themoviedb": "tmdb",
    "com.plexapp.agents.tmdb": "tmdb",
    "com.plexapp.agents.thetvdb": "tvdb",
    "com.plexapp.agents.thetvdbdvdorder": "tvdb",
    "com.plexapp.agents.xbmcnfo": "imdb",
    "com.plexapp.agents.xbmcnfotv": "tvdb",
}
_HAMA = "com.plexapp.agents.hama"
_LARGEST = 2**53  # an id beyond what JSON numbers carry exactly is not one of theirs


@dataclass(frozen=True, slots=True)
class Ids:
    """What a film, a show or an episode is called elsewhere. Any part may be missing; an empty one is false."""

    imdb: str | None = None
    tmdb: int | None = None
    tvdb: int | None = None

    def __bool__(self) -> bool:
        return self.imdb is not None or self.tmdb is not None or self.tvdb is not None

    def for_trakt(self) -> dict[str, str | int]:
        """Trakt's `ids` object, with what is known."""
        known = {"imdb": self.imdb, "tmdb": self.tmdb, "tvdb": self.tvdb}
        return {name: value for name, value in known.items() if value is not None}

    def keys(self) -> Iterator[int]:
        """One number for each known id, distinct between the three sources: what an index of many items is made of."""
        if self.imdb is not None:
            yield int(self.imdb[2:]) * 4
        if self.tmdb is not None:
            yield self.tmdb * 4 + 1
        if self.tvdb is not None:
            yield self.tvdb * 4 + 2


NO_IDS = Ids()


@dataclass(frozen=True, slots=True)
class OldGuid:
    """What an old agent's guid says: ids, and for an episode the place in the show that those ids name."""

    ids: Ids
    season: int | None = None
    number: int | None = None


def read_ids(found: Mapping[str, object]) -> Ids:
    """Trakt's own `ids` object (`{"trakt": 1, "imdb": "tt…", "tmdb": 2, …}`), read with the same care."""
    return Ids(_imdb(found.get("imdb")), _number(found.get("tmdb")), _number(found.get("tvdb")))


def read_guid_list(entries: Iterable[str]) -> Ids:
    """The ids in a list of `imdb://…`, `tmdb://…`, `tvdb://…`. What is of no known form is passed over; of two of the
    same source the first counts."""
    ids = NO_IDS
    for entry in entries:
        source, _, value = entry.partition("://")
        ids = _first_of_each(ids, _one(source, value))
    return ids


def read_old_guid(guid: str) -> OldGuid | None:
    """What an old agent's guid names; None for a modern guid, a local one (`local://1`) or one of no known agent."""
    agent, separator, rest = guid.partition("://")
    if not separator:
        return None
    value, *place = rest.partition("?")[0].split("/")
    if agent == _HAMA:
        source, _, value = value.partition("-")
        if source.rstrip("0123456789") != "tvdb":
            return None  # AniDB, which Trakt does not know; `tvdb4-` and the like are TheTVDB's numbering
        ids = _one("tvdb", value)
    elif agent in _OLD_AGENTS:
        named = _OLD_AGENTS[agent]
        ids = _one("imdb" if value.startswith("tt") else named, value)
    else:
        return None
    if not ids:
        return None
    if len(place) < 2:
        return OldGuid(ids)
    season, number = _place(place[0]), _place(place[1])
    return OldGuid(ids, season, number) if season is not None and number is not None else None


def _one(source: str, value: str) -> Ids:
    match source:
        case "imdb":
            return Ids(imdb=_imdb(value))
        case "tmdb":
            return Ids(tmdb=_number(value))
        case "tvdb":
            return Ids(tvdb=_number(value))
        case _:
            return NO_IDS


def _first_of_each(kept: Ids, new: Ids) -> Ids:
    return Ids(
        kept.imdb if kept.imdb is not None else new.imdb,
        kept.tmdb if kept.tmdb is not None else new.tmdb,
        kept.tvdb if kept.tvdb is not None else new.tvdb,
    )


def _imdb(value: object) -> str | None:
    if not isinstance(value, str) or not value.startswith("tt"):
        return None
    digits = value[2:]
    return value if 1 <= len(digits) <= 12 and digits.isascii() and digits.isdigit() else None


def _number(value: object) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 16:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 < value < _LARGEST else None


def _place(value: str) -> int | None:
    return int(value) if value.isascii() and value.isdigit() and len(value) <= 5 else None

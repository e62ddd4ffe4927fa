"""What can be watched, as both services see it: a film, or an episode of a show.

`from_plex` reads a row of Plex's JSON; the bodies that Trakt takes are made from an `Item`. Nothing here asks anybody.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from gatepost_media.sync.guids import NO_IDS, Ids, read_guid_list, read_old_guid

Kind = Literal["movie", "episode"]
Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Show:
    """The show of an episode."""

    title: str
    year: int | None
    ids: Ids


@dataclass(frozen=True, slots=True)
class Item:
    """One film or episode in a Plex library.

    `ids` are the film's or the episode's own; an episode is named to Trakt by its show and its place, season 0 for a
    special, and by its own ids where the show has none. Times are in seconds since 1970, `offset` and `duration` in
    milliseconds.
    """

    kind: Kind
    key: str
    title: str
    year: int | None
    ids: Ids
    show: Show | None = None
    season: int | None = None
    number: int | None = None
    views: int = 0
    viewed_at: int | None = None
    offset: int = 0
    duration: int | None = None

    @property
    def placed(self) -> bool:
        """Whether an episode is known by its show's ids, season and number."""
        return self.show is not None and bool(self.show.ids) and self.season is not None and self.number is not None

    @property
    def mapped(self) -> bool:
        """Whether Trakt can be told which item this is."""
        return bool(self.ids) or self.placed

    @property
    def name(self) -> str:
        """For people: "Metropolis (1927)", "Flash Gordon S00E03 The Pilot"."""
        if self.kind == "movie":
            return f"{self.title} ({self.year})" if self.year else self.title
        place = "" if self.season is None or self.number is None else f" S{self.season:02d}E{self.number:02d}"
        return f"{self.show.title if self.show else 'Unknown show'}{place} {self.title}".rstrip()

    @property
    def percent(self) -> float | None:
        """How far it was played when it was left, or None where that is not known."""
        return 100 * self.offset / self.duration if self.duration and self.offset else None


def from_plex(row: Row, shows: Mapping[str, Show]) -> Item | None:
    """The item in a row of Plex's, or None where it is neither a film nor an episode, or has no rating key.

    `shows` are the shows by rating key; an episode whose show is not there, or whose show has no ids, is known by what
    its own guids say. Trailers and other extras carry a `subtype` or an `extraType`, and are no items.
    """
    kind = row.get("type")
    key = _text(row.get("ratingKey"))
    if kind not in ("movie", "episode") or not _is_key(key) or is_extra(row):
        return None
    old = read_old_guid(_text(row.get("guid")))
    ids = read_guid_list(guids(row))
    item = Item(
        kind="movie" if kind == "movie" else "episode",
        key=key,
        title=_text(row.get("title")),
        year=_whole(row.get("year")),
        ids=ids,
        views=_whole(row.get("viewCount")) or 0,
        viewed_at=_whole(row.get("lastViewedAt")),
        offset=_whole(row.get("viewOffset")) or 0,
        duration=_whole(row.get("duration")),
    )
    if item.kind == "movie":
        return item if ids or old is None or old.season is not None else replace(item, ids=old.ids)
    show = shows.get(_text(row.get("grandparentRatingKey")))
    if show is None or not show.ids:
        named = old.ids if old is not None and old.season is not None else _show_ids(row)
        title_of_show = _text(row.get("grandparentTitle"))
        show = Show(show.title if show else title_of_show, show.year if show else None, named)
    season, number = _whole(row.get("parentIndex")), _whole(row.get("index"))
    if old is not None and (season is None or number is None):
        season, number = old.season, old.number
    return replace(item, show=show, season=season, number=number)


def show_from_plex(row: Row) -> Show:
    """The show in a row of Plex's."""
    ids = read_guid_list(guids(row))
    if not ids:
        old = read_old_guid(_text(row.get("guid")))
        ids = old.ids if old is not None and old.season is None else NO_IDS
    return Show(_text(row.get("title")), _whole(row.get("year")), ids)


def _show_ids(row: Row) -> Ids:
    old = read_old_guid(_text(row.get("grandparentGuid")))
    return old.ids if old is not None and old.season is None else NO_IDS


def is_extra(row: Row) -> bool:
    """Whether a row is a trailer, a clip, a scene: something that Plex plays beside the library's items."""
    return bool(row.get("subtype") or row.get("extraType")) or row.get("type") == "clip"


def guids(row: Row) -> Iterator[str]:
    """The entries of a row's `Guid` list."""
    entries = row.get("Guid")
    for entry in entries if isinstance(entries, list) else ():
        name = entry.get("id") if isinstance(entry, dict) else None
        if isinstance(name, str):
            yield name


def for_scrobble(item: Item) -> list[dict[str, object]]:
    """The ways to name the item in a scrobble, the surest first; none where it is not mapped.

    {movie: {ids}}, {show: {ids}, episode: {season, number}}, {episode: {ids}}. The last helps where Trakt numbers the
    episodes of a show in another way.
    """
    ways: list[dict[str, object]] = []
    if item.placed and item.show is not None:
        place = {"season": item.season, "number": item.number}
        ways.append({"show": {"ids": item.show.ids.for_trakt()}, "episode": place})
    if item.ids:
        ways.append({item.kind: {"ids": item.ids.for_trakt()}})
    return ways


def for_history(items: list[Item]) -> dict[str, list[dict[str, object]]]:
    """The body of one addition to Trakt's history; the episodes of a show stand together below it."""
    body: dict[str, list[dict[str, object]]] = {}
    shows: dict[Ids, dict[int, list[dict[str, object]]]] = {}
    for item in items:
        when = {"watched_at": watched_at(item)}
        if item.kind == "episode" and item.placed and item.show is not None and item.season is not None:
            seasons = shows.setdefault(item.show.ids, {})
            seasons.setdefault(item.season, []).append({"number": item.number, **when})
        else:
            body.setdefault(f"{item.kind}s", []).append({"ids": item.ids.for_trakt(), **when})
    for ids, seasons in shows.items():
        listed = [{"number": season, "episodes": episodes} for season, episodes in seasons.items()]
        body.setdefault("shows", []).append({"ids": ids.for_trakt(), "seasons": listed})
    return body


def watched_at(item: Item) -> str:
    """When Plex says it was last watched, UTC; Trakt's word for "when it came out" where Plex does not say."""
    if item.viewed_at is None:
        return "released"
    return datetime.datetime.fromtimestamp(item.viewed_at, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _is_key(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 18


def _whole(value: object) -> int | None:
    """A number that Plex gives as one or as its digits; None for anything else. 0 is a number: the specials' season."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 15:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**15 else None

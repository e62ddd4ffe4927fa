"""What differs between Plex and Trakt, found without changing anything: what a push would send, what a pull would mark.

Both read every page of both sides. What differs goes onto the disk as it is found; in memory is an index of what Trakt
has (a few dozen bytes a play) and the page at hand.
"""

from __future__ import annotations

import datetime
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field, replace
from pathlib import Path

from gatepost_media.common.errors import NotFound
from gatepost_media.plex.client import Plex
from gatepost_media.plex.raw import mapping, number, text, whole
from gatepost_media.sync.aliases import Aliases
from gatepost_media.sync.guids import Ids, read_ids
from gatepost_media.sync.items import Item, Show
from gatepost_media.sync.library import library
from gatepost_media.sync.playing import LEAST, PLAY
from gatepost_media.sync.spool import Spool
from gatepost_media.sync.watched import Watched
from gatepost_media.trakt.client import Trakt

NAMED = 100
"""So many names of what cannot be synchronised are kept; of the rest the count."""
_CLOSE = 1.0
"""Two positions no further apart than this, in per cent, are one."""

Report = Callable[[str, int, int | None], Awaitable[None]]
"""Takes what is read, how many rows of it so far, and how many there are, if known."""


@dataclass(slots=True)
class Plan:
    """What a sync in one direction would change: `items` in order, and what else was seen on the way."""

    items: Spool
    positions: Spool
    """Of a push: the places at which films and episodes were left."""
    movies: int = 0
    episodes: int = 0
    same: int = 0
    """On both sides."""
    elsewhere: int = 0
    """Of a pull: on Trakt, and not in the Plex library."""
    unmapped: int = 0
    names: list[str] = field(default_factory=list)
    """The first of those that Plex knows no id of."""
    unused: list[str] = field(default_factory=list)
    """Of a pull: the rating keys asked for that are not among what differs."""

    def take(self, item: Item) -> None:
        """Adds an item to what would change."""
        self.items.append(item)
        if item.kind == "movie":
            self.movies += 1
        else:
            self.episodes += 1

    def leave(self, item: Item) -> None:
        """Counts an item that cannot be named to Trakt."""
        self.unmapped += 1
        if len(self.names) < NAMED:
            self.names.append(item.name)

    def close(self) -> None:
        """Gives the room on the disk back."""
        self.items.close()
        self.positions.close()


async def watched_on(trakt: Trakt, report: Report) -> Watched:
    """The index of everything that Trakt lists as watched."""
    index = Watched()
    async for row in trakt.watched("movies"):
        index.add_movie_row(row)
        await report("films watched on Trakt", index.size, None)
    films = index.size
    async for row in trakt.watched("shows"):
        index.add_show_row(row)
        await report("episodes watched on Trakt", index.size - films, None)
    return index


async def plan_push(plex: Plex, trakt: Trakt, home: Path, aliases: Aliases, *, positions: bool, report: Report) -> Plan:
    """What was watched on Plex and is not on Trakt; with `positions` also where films and episodes were left."""
    index = await watched_on(trakt, report)
    left_at = await _left_on(trakt) if positions else {}
    plan = Plan(Spool(home), Spool(home))
    try:
        async for page in library(plex):
            await report(f"{page.section} on Plex", page.read, page.length)
            for item in page.items:
                if item.views:
                    await _push(item, index, aliases, trakt, plan)
                elif positions and item.offset and item.mapped:
                    item = await placed_by_trakt(trakt, item)
                    if _worth_sending(item, left_at):
                        plan.positions.append(item)
    except BaseException:
        plan.close()
        raise
    return plan


async def _push(item: Item, index: Watched, aliases: Aliases, trakt: Trakt, plan: Plan) -> None:
    item = await placed_by_trakt(trakt, item)
    if not item.mapped:
        plan.leave(item)
    elif item in index or item in aliases:
        plan.same += 1
    else:
        index.add(item)  # the same film in a second library is not sent a second time
        plan.take(item)


async def plan_pull(plex: Plex, trakt: Trakt, home: Path, *, only: Collection[str] | None, report: Report) -> Plan:
    """What Trakt lists as watched and Plex has unwatched; `only` these rating keys, if given.

    What was begun on Plex after it was last watched on Trakt is being watched again, and is left alone.
    """
    index = await watched_on(trakt, report)
    plan = Plan(Spool(home), Spool(home))
    left = set(only or ())
    try:
        async for page in library(plex):
            await report(f"{page.section} on Plex", page.read, page.length)
            for item in page.items:
                when = index.when(item) if item.mapped else None
                if when is None:
                    continue
                if item.views or (item.offset and (item.viewed_at or 0) > when):
                    plan.same += 1
                elif only is None or item.key in only:
                    plan.take(item)
                    left.discard(item.key)
    except BaseException:
        plan.close()
        raise
    plan.elsewhere = index.size - index.found
    plan.unused = sorted(left, key=int)
    return plan


async def placed_by_trakt(trakt: Trakt, item: Item) -> Item:
    """An episode that Plex knows only by its own ids, with the show and the place that Trakt has it at.

    Any other item, and an episode of which Trakt knows none of the ids, as it was; nothing is asked without ids.
    """
    if item.kind != "episode" or item.placed:
        return item
    for source, value in item.ids.for_trakt().items():
        try:
            found = await trakt.get(("search", source, str(value)), {"type": "episode"}, what=item.name)
        except NotFound:
            continue
        for row in found if isinstance(found, list) else ():
            about, episode = mapping(mapping(row).get("show")), mapping(mapping(row).get("episode"))
            ids = read_ids(mapping(about.get("ids")))
            season, place = whole(episode, "season"), whole(episode, "number")
            if ids and season is not None and place is not None:
                show = Show(text(about, "title") or "", whole(about, "year"), ids)
                return replace(item, show=show, season=season, number=place)
    return item


LeftAt = dict[int | tuple[int, int, int], tuple[float, int]]
"""An id's key, or one of a show with season and number → per cent, and when, in seconds since 1970."""


async def _left_on(trakt: Trakt) -> LeftAt:
    found: LeftAt = {}
    async for row in trakt.playback():
        percent, when = number(row, "progress"), _seconds(text(row, "paused_at"))
        if percent is None:
            continue
        episode = mapping(row.get("episode"))
        if episode:
            season, place = whole(episode, "season"), whole(episode, "number")
            for key in _keys(row, "show"):
                if season is not None and place is not None:
                    found[key, season, place] = (percent, when)
            continue
        for key in _keys(row, "movie"):
            found[key] = (percent, when)
    return found


def _worth_sending(item: Item, left_at: LeftAt) -> bool:
    """Whether the place at which it was left is neither below 1 % nor a play, and Trakt has none as near or newer."""
    percent = item.percent
    if percent is None or not LEAST <= percent < PLAY:
        return False
    for key in _named(item):
        known = left_at.get(key)
        if known is not None and (abs(known[0] - percent) < _CLOSE or known[1] >= (item.viewed_at or 0)):
            return False
    return True


def _named(item: Item) -> list[int | tuple[int, int, int]]:
    if item.kind == "movie":
        return list(item.ids.keys())
    if item.placed and item.show is not None and item.season is not None and item.number is not None:
        return [(key, item.season, item.number) for key in item.show.ids.keys()]  # noqa: SIM118 - not a mapping
    return []


def _keys(row: object, name: str) -> list[int]:
    ids: Ids = read_ids(mapping(mapping(mapping(row).get(name)).get("ids")))
    return list(ids.keys())


def _seconds(when: str | None) -> int:
    try:
        found = datetime.datetime.fromisoformat(when or "")
    except ValueError:
        return 0
    return int((found if found.tzinfo else found.replace(tzinfo=datetime.UTC)).timestamp())

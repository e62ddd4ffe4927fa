"""Sending to Trakt what a plan says, a batch at a time, so that an interruption at any point can be gone on from.

A batch whose answer was lost may have been recorded. It is never simply sent again: what Trakt lists is read anew, and
what has arrived is left out.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from gatepost_media.common.errors import (
    MediaError,
    NotConfigured,
    NotFound,
    NotSignedIn,
    RateLimited,
    Refused,
    Unreachable,
)
from gatepost_media.plex.raw import mapping, rows
from gatepost_media.plex.raw import whole as integer
from gatepost_media.sync.aliases import Aliases
from gatepost_media.sync.guids import read_ids
from gatepost_media.sync.items import Item, for_history, for_scrobble
from gatepost_media.sync.plans import NAMED, Plan, Report, watched_on
from gatepost_media.sync.watched import Watched
from gatepost_media.sync.whole import whole
from gatepost_media.trakt.client import Trakt

TRIES = 4
FIRST_PAUSE = 2.0


@dataclass(slots=True)
class Pushed:
    """What came of a push. `missing` names what Trakt does not know, as far as it said."""

    movies: int = 0
    episodes: int = 0
    unknown: int = 0
    positions: int = 0
    missing: list[str] = field(default_factory=list)


async def push(
    trakt: Trakt, plan: Plan, aliases: Aliases, *, batch: int, report: Report, first_pause: float = FIRST_PAUSE
) -> Pushed:
    """Sends the plan. Raises the MediaError that stopped it, its text saying how far it came."""
    done = Pushed()
    sent = 0
    taken: list[Item] = []
    for items in plan.items.parts(batch):
        arrived: Watched | None = None
        pause = first_pause
        for left in range(TRIES - 1, -1, -1):
            wanted = [item for item in items if arrived is None or item not in arrived]
            try:
                complete = await whole(_add(trakt, wanted, done)) if wanted else False
                taken += wanted if complete else []
                for item in items if arrived is not None else ():
                    if item not in wanted:  # recorded by a try whose answer was lost
                        done.movies += item.kind == "movie"
                        done.episodes += item.kind == "episode"
                break
            except (Unreachable, RateLimited) as error:
                if left == 0:
                    raise stopped(error, sent, len(plan.items)) from error
                await asyncio.sleep(pause)
                pause *= 3
                arrived = await _listed(trakt, report, error, sent, len(plan.items))
            except MediaError as error:
                raise stopped(error, sent, len(plan.items)) from error
        sent += len(items)
        await report("plays to Trakt", sent, len(plan.items))
    if taken:
        listed = await watched_on(trakt, report)
        aliases.add(item for item in taken if item not in listed)
    await _push_positions(trakt, plan, done, report)
    return done


async def _add(trakt: Trakt, items: list[Item], done: Pushed) -> bool:
    """Sends one batch; says whether Trakt took all of it."""
    answer = await trakt.add_history(for_history(items))
    added = mapping(answer.get("added"))
    movies, episodes = integer(added, "movies") or 0, integer(added, "episodes") or 0
    done.movies += movies
    done.episodes += episodes
    if movies + episodes >= len(items):
        return True
    done.unknown += len(items) - movies - episodes
    missing = mapping(answer.get("not_found"))
    keys = {
        (kind, key)
        for kind in ("movies", "shows", "episodes")
        for row in rows(missing, kind)
        for key in read_ids(mapping(row.get("ids"))).keys()  # noqa: SIM118 - not a mapping
    }
    for item in items:
        ids, kind = item.ids, f"{item.kind}s"
        if item.placed and item.show is not None:
            ids, kind = item.show.ids, "shows"
        if any((kind, key) in keys for key in ids.keys()) and len(done.missing) < NAMED:  # noqa: SIM118
            done.missing.append(item.name)
    return False


async def _listed(trakt: Trakt, report: Report, why: MediaError, sent: int, total: int) -> Watched:
    try:
        return await watched_on(trakt, report)
    except MediaError:
        raise stopped(why, sent, total) from why


async def _push_positions(trakt: Trakt, plan: Plan, done: Pushed, report: Report) -> None:
    """Tells Trakt where films and episodes were left, one by one: there is no other way to say it."""
    for items in plan.positions.parts(100):
        for item in items:
            try:
                await trakt.scrobble("pause", for_scrobble(item)[0], item.percent or 0.0)
                done.positions += 1
            except NotFound:
                done.unknown += 1
                if len(done.missing) < NAMED:
                    done.missing.append(item.name)
            except MediaError as error:
                raise stopped(error, done.positions, len(plan.positions)) from error
            await report("places to Trakt", done.positions, len(plan.positions))


def stopped(error: MediaError, done: int, total: int) -> MediaError:
    """The same error, with how far the sync came. Running it again sends what is still missing, nothing twice."""
    kinds = (NotConfigured, NotSignedIn, NotFound, Unreachable, Refused)
    kind = next((each for each in kinds if isinstance(error, each)), MediaError)
    return kind(f"{error} {done} of {total} were done before; run it again for the rest: nothing is done twice.")

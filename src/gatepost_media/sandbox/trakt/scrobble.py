"""Scrobbling and checking in: what is watched now, and when it counts."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gatepost_media.sandbox.trakt.reply import Row, body_of, empty, paged, reply, trakt_of
from gatepost_media.sandbox.trakt.shapes import full, named
from gatepost_media.sandbox.trakt.state import Place, Trakt, Watching, stamp
from gatepost_media.sandbox.works import Work

PLAYED = 80.0
LEAST = 1.0
SHARING = {"twitter": False, "mastodon": False, "tumblr": False}


def meant(trakt: Trakt, body: Mapping[str, object]) -> Work | None:
    """The film or episode of a scrobble: by its own ids, or an episode by its show and its numbers."""
    movie, episode, show = body.get("movie"), body.get("episode"), body.get("show")
    if isinstance(movie, Mapping):
        return trakt.find("movie", movie)
    if not isinstance(episode, Mapping):
        return None
    found = trakt.find("episode", episode) if "ids" in episode or not isinstance(show, Mapping) else None
    if found is None and isinstance(show, Mapping):
        whole = trakt.find("show", show)
        return trakt.episode(whole, episode.get("season"), episode.get("number")) if whole is not None else None
    return found


async def scrobble(request: Request) -> Response:
    """start, pause or stop. Stopped at 80 % or more it is a play; the same one again soon after is a 409."""
    trakt, body, action = trakt_of(request), await body_of(request), request.url.path.rpartition("/")[2]
    if body is None:
        return empty(400)
    progress, work = body.get("progress"), meant(trakt, body)
    if isinstance(progress, bool) or not isinstance(progress, (int, float)) or not 0 <= progress <= 100:
        return reply({"errors": {"progress": ["is not a number from 0 to 100"]}}, 422)
    if work is None:
        return empty(404)
    trakt.settle()
    now = trakt.clock.second()
    if action == "start":
        left = work.duration / 1000 * (100 - progress) / 100
        trakt.watching = Watching(work, now, now + int(left), "scrobble")
        return _done(work, "start", progress, 0)
    if progress < LEAST:
        return reply({"errors": {"progress": ["is below 1 %"]}}, 422)
    if action == "pause" or progress < PLAYED:
        trakt.watching = None
        place = trakt.places.get(work.key)
        trakt.places[work.key] = Place(place.id if place else trakt.number(), work, progress, now)
        trakt.touch(f"{work.kind}s", "paused_at")
        return _done(work, "pause", progress, 0)
    before = next((watch for watch in trakt.history() if watch.work is work and watch.action == "scrobble"), None)
    if before is not None and before.at + work.duration // 1000 > now:
        return reply({"watched_at": stamp(before.at), "expires_at": stamp(before.at + work.duration // 1000)}, 409)
    trakt.watching = None
    trakt.places.pop(work.key, None)
    return _done(work, "scrobble", progress, trakt.watch(work, now, "scrobble").id)


def _done(work: Work, action: str, progress: float, number: int) -> Response:
    return reply({"id": number, "action": action, "progress": progress, "sharing": SHARING, **named(work)}, 201)


async def check_in(request: Request) -> Response:
    """Say that something begins now; it counts when its length has passed. One at a time: else 409."""
    trakt, body = trakt_of(request), await body_of(request)
    if body is None:
        return empty(400)
    work = meant(trakt, body)
    if work is None:
        return empty(404)
    trakt.settle()
    now = trakt.clock.second()
    if trakt.watching is not None:
        return reply({"expires_at": stamp(trakt.watching.ends)}, 409)
    trakt.watching = Watching(work, now, now + work.duration // 1000, "checkin")
    return reply({"id": trakt.number(), "watched_at": stamp(now), "sharing": SHARING, **named(work)}, 201)


async def cancel(request: Request) -> Response:
    trakt_of(request).watching = None
    return empty(204)


async def playback(request: Request) -> Response:
    """What was paused, the latest first."""
    trakt, kind = trakt_of(request), request.path_params.get("type", "")
    if kind not in ("", "movies", "episodes"):
        return empty(404)
    places = [place for place in trakt.places.values() if kind in ("", f"{place.work.kind}s")]
    places.sort(key=lambda place: -place.at)
    whole = full(request)

    def shape(place: Place) -> Row:
        return {
            "progress": place.progress,
            "paused_at": stamp(place.at),
            "id": place.id,
            "type": place.work.kind,
            **named(place.work, full=whole),
        }

    return paged(request, places, shape)


async def forget(request: Request) -> Response:
    trakt = trakt_of(request)
    place = next((place for place in trakt.places.values() if place.id == request.path_params["id"]), None)
    if place is None:
        return empty(404)
    del trakt.places[place.work.key]
    return empty(204)


ROUTES = [
    *(Route(f"/scrobble/{action}", scrobble, methods=["POST"]) for action in ("start", "pause", "stop")),
    Route("/checkin", check_in, methods=["POST"]),
    Route("/checkin", cancel, methods=["DELETE"]),
    Route("/sync/playback", playback),
    Route("/sync/playback/{type}", playback, methods=["GET"]),
    Route("/sync/playback/{id:int}", forget, methods=["DELETE"]),
]

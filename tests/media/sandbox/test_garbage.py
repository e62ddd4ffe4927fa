"""Nothing that is sent makes a stand-in fail: what is wrong is refused, and the next request is answered."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gatepost_media.sandbox import Sandbox
from gatepost_media.sandbox.arr import common
from gatepost_media.sandbox.plex import server
from gatepost_media.sandbox.trakt import api, auth, scrobble, shelves, sync, users
from tests.media.sandbox.clients import Services

Run = Callable[..., Any]

WORDS = "1001 2001 5001001 x -1 %00 ..%2F.. é ² 1,2 movies me 2026-13-45 0"
PIECES = [*WORDS.split(), "9" * 30]
FIELDS = """type sort X-Plex-Container-Start X-Plex-Container-Size limit page query key rating id uri smart year>>
addedAt>> push or pop identifier ratingKey time state sessionId title.value genre[0].tag.tag genre[].tag.tag- extended
start_at intent term start years"""
NAMES = FIELDS.split()
SOURCES = ["/library/metadata/1001", "library:///item/%2F", "server://a/b/c", "server://"]
VALUES = [*PIECES, *SOURCES, "video", "-30d", "+1mon", ""]
BODIES: list[object] = [
    *({}, [], None, "x", {"movies": "x"}, {"movies": [{"ids": {"imdb": 5}}]}, {"ids": [1, "x"]}),
    {"shows": [{"ids": {"tvdb": 71471}, "seasons": [{"number": "x", "episodes": [1]}]}]},
    {"movie": {"ids": []}, "progress": 5},
    {"movie": {"title": 5}, "progress": 1e308},
    {"episode": {"season": [], "number": {}}, "show": {"ids": {"trakt": 5_002_001}}, "progress": 5},
    {"comment": 5, "movie": {"ids": {"imdb": "tt0017925"}}},
    {"movies": [{"ids": {"imdb": "tt0017925"}, "watched_at": "0001-01-01T00:00:00+14:00", "rating": True}]},
    {"movies": [{"ids": {"imdb": "tt0017925"}, "watched_at": "9999-12-31T23:59:59-14:00", "rated_at": "9999-12-31"}]},
    {"movies": [{"ids": {"trakt": 10**30}}]},
    {"name": "n" * 10_000},
    *({"name": []}, {"name": "MoviesSearch", "movieIds": 5}, {"name": "SeriesSearch", "seriesId": []}, {"tvdbId": []}),
]


def _requests(
    routes: list[Any], chance: random.Random, times: int
) -> Iterator[tuple[str, str, list[tuple[str, str]], bytes]]:
    for route in routes:
        if "eventsource" in route.path:
            continue
        for method in sorted(set(getattr(route, "methods", None) or ()) - {"HEAD"}):
            for _ in range(times):
                pieces = [chance.choice(PIECES) if piece.startswith("{") else piece for piece in route.path.split("/")]
                query = [(chance.choice(NAMES), chance.choice(VALUES)) for _ in range(chance.randint(0, 4))]
                body = b"\xff{" if chance.random() < 0.1 else json.dumps(chance.choice(BODIES)).encode()
                yield method, "/".join(pieces), query, b"" if method == "GET" else body


@pytest.mark.parametrize("service", ["plex", "trakt", "sonarr", "radarr"])
def test_garbage_is_refused_and_nothing_breaks(run: Run, service: str) -> None:
    routes = {"plex": server.routes(), "trakt": api.routes(), "sonarr": common.ROUTES, "radarr": common.ROUTES}[service]

    async def body(box: Sandbox, services: Services) -> None:
        client = getattr(services, service)
        base = box.addresses[service]
        for method, path, query, sent in _requests(routes, random.Random(7), 2):
            answer = await client.request(method, f"{base}{path}", params=query, content=sent)
            assert answer.status_code < 500, (method, str(answer.request.url), sent)

    run(body)


@pytest.mark.parametrize("sent", BODIES, ids=str)
def test_every_write_to_trakt_takes_or_refuses_any_body(run: Run, sent: object) -> None:
    routes = [*auth.ROUTES, *scrobble.ROUTES, *sync.ROUTES, *shelves.ROUTES, *users.ROUTES]

    async def body(_: Sandbox, services: Services) -> None:
        writes = {route.path for route in routes if "POST" in (route.methods or ()) and "{" not in route.path}
        for path in sorted(writes, reverse=True):
            answer = await services.trakt.post(path, content=json.dumps(sent))
            assert answer.status_code < 500, (path, sent)
        assert (await services.trakt.get("/sync/history")).status_code == 200
        assert (await services.trakt.get("/sync/ratings")).status_code == 200

    run(body)

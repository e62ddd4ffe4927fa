"""People: who they are, and what they were in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gatepost_media.sandbox.trakt.reply import Row, empty, paged, reply, trakt_of
from gatepost_media.sandbox.trakt.shapes import full, media, person
from gatepost_media.sandbox.works import Kind, Person, slugify

Handler = Callable[[Request], Awaitable[Response]]


def somebody(request: Request) -> Person | None:
    """The person that the path names, by Trakt's number or slug."""
    asked = request.path_params["id"]
    return next(
        (one for one in trakt_of(request).works.people.values() if asked in (str(one.trakt), slugify(one.name))), None
    )


async def summary(request: Request) -> Response:
    one = somebody(request)
    return empty(404) if one is None else reply(person(one, full=full(request)))


def _credits(kind: Kind) -> Handler:
    async def handler(request: Request) -> Response:
        one = somebody(request)
        if one is None:
            return empty(404)
        whole = full(request)
        cast: list[Row] = []
        crew: dict[str, list[Row]] = {}
        for work in trakt_of(request).works.by_kind[kind]:
            if not work.known_ids:
                continue
            shown: Row = {kind: media(work, full=whole)}
            count: Row = {"episode_count": len(list(work.leaves())), "series_regular": True} if kind == "show" else {}
            cast += [
                {"character": role, "characters": [role], **count, **shown}
                for who, role in work.about.cast
                if who is one
            ]
            for group, job, members in (
                ("directing", "Director", work.about.directors),
                ("writing", "Writer", work.about.writers),
            ):
                if one in members:
                    crew.setdefault(group, []).append({"job": job, "jobs": [job], **shown})
        return reply({"cast": cast, "crew": crew})

    return handler


async def lists(request: Request) -> Response:
    """Lists with this person on them: there is none, for lists hold titles here."""
    if somebody(request) is None or request.path_params.get("type", "personal") not in ("all", "personal", "official"):
        return empty(404)
    return paged(request, [], lambda row: row, default=10)


ROUTES = [
    Route("/people/{id}", summary),
    Route("/people/{id}/movies", _credits("movie")),
    Route("/people/{id}/shows", _credits("show")),
    *(Route(f"/people/{{id}}/lists{ending}", lists) for ending in ("", "/{type}", "/{type}/{sort}")),
]

"""Films, shows, seasons and episodes: summaries, ratings, people, videos, related titles, and who watches now."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gatepost_media.sandbox.trakt.reply import Row, empty, paged, reply, trakt_of
from gatepost_media.sandbox.trakt.shapes import full, media, person, user
from gatepost_media.sandbox.trakt.state import USER, Trakt, aired, stamp
from gatepost_media.sandbox.works import Kind, Work, slugify

About = Callable[[Request, Work], Awaitable[Response]]


def found(request: Request) -> Work | None:
    """The work that the path names."""
    trakt, where = trakt_of(request), request.path_params
    kind: Kind = "movie" if request.url.path.startswith("/movies/") else "show"
    work = trakt.by_path(kind, where["id"])
    if work is None or "season" not in where:
        return work
    season = next((one for one in work.children if one.index == where["season"]), None)
    if season is None or "episode" not in where:
        return season
    return next((one for one in season.children if one.index == where["episode"]), None)


def _about(answer: About) -> Callable[[Request], Awaitable[Response]]:
    """404 where the path names nothing."""

    @wraps(answer)
    async def handler(request: Request) -> Response:
        work = found(request)
        return empty(404) if work is None else await answer(request, work)

    return handler


@_about
async def summary(request: Request, work: Work) -> Response:
    return reply(media(work, full=full(request)))


@_about
async def seasons(request: Request, work: Work) -> Response:
    """All seasons; with `extended=episodes` what is in them."""
    rows: list[Row] = []
    for season in work.children:
        row = media(season, full=full(request))
        if "episodes" in request.query_params.get("extended", ""):
            row["episodes"] = [media(episode, full=full(request)) for episode in season.children]
        rows.append(row)
    return reply(rows)


@_about
async def episodes(request: Request, work: Work) -> Response:
    return reply([media(episode, full=full(request)) for episode in work.children])


@_about
async def ratings(request: Request, work: Work) -> Response:
    votes = 100 + work.key % 900
    rating = work.about.rating or 7.0
    spread = {str(step): votes // 2 if step == round(rating) else votes // 18 for step in range(1, 11)}
    row: Row = {"rating": rating, "votes": votes, "distribution": spread}
    if "all" in request.query_params.get("extended", ""):
        row = {"trakt": row, "imdb": {"rating": rating, "votes": votes}, "tmdb": {"rating": rating, "votes": votes}}
    return reply(row)


@_about
async def stats(_: Request, work: Work) -> Response:
    many = 1000 + work.key % 500
    row = {
        "watchers": many,
        "plays": many * 2,
        "collectors": many // 2,
        "comments": 3,
        "lists": 2,
        "votes": 100,
        "favorited": 5,
    }
    if work.kind in ("season", "show"):
        row["collected_episodes"] = many
    return reply(row)


@_about
async def people(request: Request, work: Work) -> Response:
    """Cast and crew; guest stars with `extended=guest_stars`."""
    about = work.about if work.about.cast else work.show.about
    whole, of_show = full(request), work.kind != "movie"
    count: Row = {"episode_count": len(list(work.leaves()))} if of_show else {}
    cast = [
        {"character": role, "characters": [role], **count, "person": person(somebody, full=whole)}
        for somebody, role in about.cast
    ]
    crew: dict[str, list[Row]] = {}
    for group, job, members in (("directing", "Director", about.directors), ("writing", "Writer", about.writers)):
        if members:
            crew[group] = [{"job": job, "jobs": [job], **count, "person": person(one, full=whole)} for one in members]
    row: Row = {"cast": cast, "crew": crew}
    if of_show and "guest_stars" in request.query_params.get("extended", ""):
        row["guest_stars"] = []
    return reply(row)


@_about
async def videos(_: Request, work: Work) -> Response:
    """One clip, at an address that is no one's."""
    name = work.show.title if work.kind != "movie" else work.title
    clip = {
        "title": f"{name}: Trailer",
        "url": f"https://example.com/watch?v=sandbox{work.key}",
        "site": "youtube",
        "type": "trailer",
        "size": 1080,
        "official": False,
        "published_at": "2020-01-01T00:00:00.000Z",
        "country": "us",
        "language": "en",
    }
    return reply([clip])


def alike(trakt: Trakt, work: Work) -> list[Work]:
    """Real titles of its kind, those that share most genres first."""
    genres = set(work.about.genres)
    others = [other for other in trakt.works.by_kind[work.kind] if other is not work and other.known_ids]
    return sorted(others, key=lambda other: (-len(genres & set(other.about.genres)), other.key))


@_about
async def related(request: Request, work: Work) -> Response:
    whole = full(request)
    return paged(request, alike(trakt_of(request), work), lambda other: media(other, full=whole), default=10)


@_about
async def watching(request: Request, work: Work) -> Response:
    trakt = trakt_of(request)
    trakt.settle()
    now = trakt.watching
    here = now is not None and work in (now.work, now.work.parent, now.work.show)
    whole = full(request)
    return reply([user(name, full=whole) for name in ((USER,) if here else ()) + (("ada",) if work.key % 2 else ())])


@_about
async def translations(request: Request, work: Work) -> Response:
    """English, and the title that the film had at home."""
    rows: list[Row] = [{"title": work.title, "overview": work.about.summary, "language": "en", "country": "us"}]
    if work.about.original_title:
        rows.append({"title": work.about.original_title, "overview": "", "language": "de", "country": "de"})
    for row in rows if work.kind == "movie" else ():
        row["tagline"] = work.about.tagline
    asked = request.path_params.get("language", "")
    return reply([row for row in rows if asked in ("", "all", row["language"])])


@_about
async def aliases(_: Request, work: Work) -> Response:
    return reply([{"title": work.about.original_title, "country": "de"}] if work.about.original_title else [])


@_about
async def releases(_: Request, work: Work) -> Response:
    return reply(
        [
            {
                "country": "us",
                "certification": None,
                "release_date": work.released,
                "release_type": "theatrical",
                "note": None,
            }
        ]
    )


@_about
async def lists(request: Request, work: Work) -> Response:
    """The public lists that it is on."""
    from gatepost_media.sandbox.trakt.lists import list_row

    trakt = trakt_of(request)
    kind, order = request.path_params.get("type", "personal"), request.path_params.get("sort", "popular")
    if kind not in ("all", "personal", "official", "watchlists", "favorites") or order not in _LIST_ORDERS:
        return empty(404)
    if kind not in ("all", "personal"):
        return paged(request, [], lambda row: row, default=10)
    on = {work, *([work.show] if work.kind != "movie" else [])}
    rows = [one for one in trakt.lists if one.privacy == "public" and any(entry.work in on for entry in one.entries)]
    return paged(request, rows, list_row, default=10)


_LIST_ORDERS = ("popular", "likes", "comments", "items", "added", "updated")


@_about
async def progress(request: Request, work: Work) -> Response:
    """How much of a show was seen (or collected), season by season, and what comes next."""
    trakt, query = trakt_of(request), request.query_params
    specials = query.get("specials") == "true"
    counted = specials and query.get("count_specials", "true") == "true"
    collected = request.path_params["what"] == "collection"
    when: dict[Work, int] = {}
    if collected:
        when = {leaf: at for leaf, at in trakt.collection.items() if leaf.show is work}
    else:
        for row in trakt.history():
            if row.work.show is work:
                when[row.work] = max(row.at, when.get(row.work, 0))
    name, last = ("collected_at", "last_collected_at") if collected else ("last_watched_at", "last_watched_at")
    shown = [season for season in work.children if season.index or specials]
    rows = [
        {
            "number": season.index,
            "title": season.title,
            "aired": len(season.children),
            "completed": sum(1 for leaf in season.children if leaf in when),
            "episodes": [
                {"number": leaf.index, "completed": leaf in when, name: stamp(when[leaf]) if leaf in when else None}
                for leaf in season.children
            ],
        }
        for season in shown
    ]
    leaves = list(aired(work, specials=counted))
    following = next((leaf for leaf in leaves if leaf not in when), None)
    latest = max((leaf for leaf in leaves if leaf in when), key=lambda leaf: when[leaf], default=None)
    return reply(
        {
            "aired": len(leaves),
            "completed": sum(1 for leaf in leaves if leaf in when),
            last: stamp(max(when.values())) if when else None,
            "reset_at": None,
            "seasons": rows,
            "hidden_seasons": [],
            "next_episode": media(following) if following is not None else None,
            "last_episode": media(latest) if latest is not None else None,
        }
    )


@_about
async def next_episode(request: Request, work: Work) -> Response:
    """The next one that has not aired, or the last one that has; 204 where there is none."""
    today = stamp(trakt_of(request).clock.now())[:10]
    leaves = sorted(aired(work), key=lambda leaf: leaf.released)
    coming = [leaf for leaf in leaves if leaf.released > today]
    past = [leaf for leaf in leaves if leaf.released <= today]
    chosen = coming[:1] if request.url.path.endswith("/next_episode") else past[-1:]
    return reply(media(chosen[0], full=full(request))) if chosen else empty(204)


async def genres(request: Request) -> Response:
    kind: Kind = "movie" if request.path_params["kind"] == "movies" else "show"
    names = sorted({genre for work in trakt_of(request).works.by_kind[kind] for genre in work.about.genres})
    return reply([{"name": name, "slug": slugify(name)} for name in names])


def _routes(base: str, extra: tuple[tuple[str, Callable[[Request], Awaitable[Response]]], ...]) -> list[Route]:
    common = (
        ("ratings", ratings),
        ("stats", stats),
        ("people", people),
        ("videos", videos),
        ("watching", watching),
        ("translations", translations),
        ("translations/{language}", translations),
        ("lists", lists),
        ("lists/{type}", lists),
        ("lists/{type}/{sort}", lists),
    )
    return [Route(f"{base}/{name}", handler) for name, handler in (*common, *extra)]


TITLE = (("related", related), ("aliases", aliases))

ROUTES = [
    Route("/genres/{kind}", genres),
    *_routes("/movies/{id}", (*TITLE, ("releases", releases), ("releases/{country}", releases))),
    *_routes(
        "/shows/{id}",
        (
            *TITLE,
            ("seasons", seasons),
            ("progress/{what}", progress),
            ("next_episode", next_episode),
            ("last_episode", next_episode),
        ),
    ),
    Route("/shows/{id}/seasons/{season:int}", episodes),
    Route("/shows/{id}/seasons/{season:int}/info", summary),
    *_routes("/shows/{id}/seasons/{season:int}", ()),
    Route("/shows/{id}/seasons/{season:int}/episodes/{episode:int}", summary),
    *_routes("/shows/{id}/seasons/{season:int}/episodes/{episode:int}", ()),
]
LAST_ROUTES = [Route("/movies/{id}", summary), Route("/shows/{id}", summary)]
"""After the charts, whose names are no titles."""

"""The Trakt server's resources: charts, what the account watched, and whether somebody is signed in; as Markdown."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from gatepost_media.common.tools import Context, Toolset
from gatepost_media.trakt.arguments import MOST
from gatepost_media.trakt.listing import listed, trakt, whole
from gatepost_media.trakt.models import Work
from gatepost_media.trakt.profiles import PROFILES
from gatepost_media.trakt.tools.charts import Ranked, raised
from gatepost_media.trakt.tools.history import Watched, fetch_user_watched_movies, fetch_user_watched_shows

RESOURCES = Toolset("trakt-resources", "", PROFILES)

_ROWS = 10
_CHARTS = {
    "trending": ("trending", (), "watchers", "watching now"),
    "popular": ("popular", (), None, ""),
    "favorited": ("most favourited this week", ("weekly",), "user_count", "made it a favourite"),
    "played": ("most played this week", ("weekly",), "play_count", "plays"),
    "watched": ("most watched this week", ("weekly",), "watcher_count", "people"),
    "anticipated": ("awaited", (), "list_count", "lists"),
}
"""Chart → what it is called, the rest of its path, the number it goes by and what that counts."""


def _declare_chart(kind: str, chart: str) -> None:
    called, rest, number, counts = _CHARTS[chart]

    async def read(ctx: Context) -> str:
        page = await listed(ctx, Ranked, (kind, chart, *rest), limit=_ROWS, shape=raised, what=f"the {called} {kind}")
        return _markdown(
            f"{called[0].upper()}{called[1:]} {kind}", [_line(each, number, counts) for each in page.items]
        )

    _declare(f"trakt://{kind}/{chart}", f"{kind}_{chart}", f"{kind}: {called}", f"The first ten {called} {kind}.", read)


def _declare(uri: str, name: str, title: str, description: str, read: Callable[[Context], Awaitable[str]]) -> None:
    RESOURCES.resource(
        uri,
        name=name,
        title=title[0].upper() + title[1:],
        description=description,
        mime_type="text/markdown",
    )(read)


def _line(each: Ranked, number: str | None, counts: str) -> str:
    count = getattr(each, number) if number else None
    return _titled(each) + (f" – {count} {counts}" if count is not None else "")


def _titled(each: Work) -> str:
    year = f" ({each.year})" if each.year else ""
    name = each.slug or each.trakt_id
    return f"**{_plain(each.title or 'Without a title')}**{year}" + (f" `{name}`" if name else "")


def _plain(text: str) -> str:
    """A title as text: what Markdown or HTML would read as markup is escaped."""
    shown = " ".join(text.split())
    return "".join(f"\\{character}" if character in "\\`*_[]<>#|" else character for character in shown)


def _markdown(heading: str, lines: list[str]) -> str:
    body = "\n".join(f"{number}. {line}" for number, line in enumerate(lines, 1)) or "Nothing."
    return f"# {heading}\n\n{body}\n"


async def _auth_status(ctx: Context) -> str:
    sign_in = trakt(ctx).sign_in
    if sign_in.tokens() is not None:
        return "# Trakt\n\nSomebody is signed in. check_auth_status says who.\n"
    pending = sign_in.store.load_pending()
    if pending is not None:
        return (
            f"# Trakt\n\nNobody is signed in yet. The code `{pending.user_code}` waits to be typed in at "
            f"{pending.verification_url}; then call check_auth_status.\n"
        )
    return "# Trakt\n\nNobody is signed in. Begin with start_device_auth.\n"


async def _box_office(ctx: Context) -> str:
    page = whole(ctx, Ranked, await trakt(ctx).get(("movies", "boxoffice"), what="the box office"), raised)
    lines = [f"{_titled(each)} – {each.revenue or 0:,} US dollars" for each in page.items]
    return _markdown("US box office of last weekend", lines)


async def _watched_shows(ctx: Context) -> str:
    return _watched("Watched shows", (await fetch_user_watched_shows(ctx, MOST)).items)


async def _watched_movies(ctx: Context) -> str:
    return _watched("Watched movies", (await fetch_user_watched_movies(ctx, MOST)).items)


def _watched(heading: str, rows: list[Watched]) -> str:
    lines = [f"{_titled(each)} – {each.plays or 0} plays, last on {(each.last_watched_at or '')[:10]}" for each in rows]
    return _markdown(heading, lines)


_declare(
    "trakt://user/auth/status",
    "user_auth_status",
    "whether somebody is signed in",
    "Whether somebody is signed in here; Trakt is not asked.",
    _auth_status,
)
for _kind in ("shows", "movies"):
    for _chart in _CHARTS:
        _declare_chart(_kind, _chart)
_declare(
    "trakt://movies/boxoffice",
    "movies_boxoffice",
    "movies: US box office",
    "What earned most last weekend.",
    _box_office,
)
_declare(
    "trakt://user/watched/shows",
    "user_watched_shows",
    "watched shows",
    "Shows the signed-in user watched, the first hundred.",
    _watched_shows,
)
_declare(
    "trakt://user/watched/movies",
    "user_watched_movies",
    "watched movies",
    "Movies the signed-in user watched, the first hundred.",
    _watched_movies,
)


@RESOURCES.prompt(
    "discover_trending", title="What is trending", description="Ask what movies and shows are being watched now."
)
def _discover_trending(_given: object) -> str:
    return (
        "What is being watched on Trakt right now? Look at fetch_trending_movies and fetch_trending_shows, name the "
        "first five of each with their year and how many people watch, and say in a sentence what each is about "
        "(fetch_movie_summary, fetch_show_summary)."
    )


@RESOURCES.prompt(
    "search_entertainment", title="Find something", description="Ask for a title, find it, and offer what is like it."
)
def _search_entertainment(_given: object) -> str:
    return (
        "Ask me for the title of a movie or a show that I like. Find it with search_movies and search_shows; if more "
        "than one could be meant, ask me which. Then tell me about it and offer five that are like it "
        "(fetch_related_movies, fetch_related_shows)."
    )

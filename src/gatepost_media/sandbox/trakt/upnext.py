"""What to watch next: shows that were begun, each with the episode that comes."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gatepost_media.sandbox.trakt.reply import Row, empty, limit_of, paged, trakt_of
from gatepost_media.sandbox.trakt.shapes import full, media
from gatepost_media.sandbox.trakt.state import Trakt, aired, stamp
from gatepost_media.sandbox.works import Work

PAGE = 10
INTENTS = ("all", "continue", "start", "completed")
ALWAYS_COUNTED = 1337
"""So many rows are counted in the world too, whatever there is, and the pages with them: the numbers mean nothing."""


async def up_next(request: Request) -> Response:
    """`intent`: continue (some were seen), start (on the watchlist and nothing seen), completed, or all of these."""
    trakt, intent = trakt_of(request), request.query_params.get("intent", "all")
    if intent not in INTENTS:
        return empty(422)
    seen: dict[Work, dict[Work, int]] = {}
    for watch in trakt.history():
        if watch.work.kind == "episode":
            of_show = seen.setdefault(watch.work.show, {})
            of_show[watch.work] = max(watch.at, of_show.get(watch.work, 0))
    for entry in trakt.watchlist:
        if entry.work.kind == "show":
            seen.setdefault(entry.work, {})
    shows = [show for show, when in seen.items() if intent in ("all", _intent(show, when))]
    shows.sort(key=lambda show: -max(seen[show].values(), default=0))
    whole = full(request)
    headers = {
        "X-Pagination-Item-Count": str(ALWAYS_COUNTED),
        "X-Pagination-Page-Count": str(-(-ALWAYS_COUNTED // limit_of(request, PAGE))),
    }

    def shape(show: Work) -> Row:
        return {"show": media(show, full=whole), "progress": _progress(trakt, show, seen[show], whole=whole)}

    return paged(request, shows, shape, default=PAGE, headers=headers)


def _intent(show: Work, when: dict[Work, int]) -> str:
    if not when:
        return "start"
    return "completed" if all(leaf in when for leaf in aired(show)) else "continue"


def _progress(trakt: Trakt, show: Work, when: dict[Work, int], *, whole: bool) -> Row:
    today = stamp(trakt.clock.now())[:10]
    leaves = [leaf for leaf in aired(show) if leaf.released <= today]
    following = next((leaf for leaf in leaves if leaf not in when), None)
    latest = max((leaf for leaf in leaves if leaf in when), key=lambda leaf: when[leaf], default=None)
    return {
        "aired": len(leaves),
        "completed": sum(1 for leaf in leaves if leaf in when),
        "hidden": 0,
        "last_watched_at": stamp(max(when.values())) if when else None,
        "reset_at": None,
        "next_episode": media(following, full=whole) if following is not None else None,
        "last_episode": media(latest, full=whole) if latest is not None else None,
        "stats": None,
    }


ROUTES = [Route("/sync/progress/up_next_nitro", up_next), Route("/sync/progress/up_next", up_next)]

"""Pictures and themes: those that there are, which is chosen, one more by its address, none."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gatepost_media.sandbox.plex.answer import Row, container
from gatepost_media.sandbox.plex.sections import bad, missing, plex_of
from gatepost_media.sandbox.plex.state import Plex
from gatepost_media.sandbox.works import is_number

ELEMENTS = {
    "poster": "thumb",
    "posters": "thumb",
    "thumb": "thumb",
    "art": "art",
    "arts": "art",
    "clearLogo": "clearLogo",
    "clearLogos": "clearLogo",
    "squareArt": "squareArt",
    "squareArts": "squareArt",
    "theme": "theme",
    "themes": "theme",
}
"""What stands in a path, and which field of a title it is about."""


async def pictures(request: Request) -> Response:
    """GET lists them; POST adds the one at `url`, PUT chooses it (and both lock the field); DELETE chooses none."""
    plex, key = plex_of(request), request.path_params["key"]
    made = _made(plex, key)
    if made is None:
        return missing()
    field = ELEMENTS[request.url.path.rpartition("/")[2]]
    known = plex.pictures.setdefault((int(key), field), _own(key, made, field))
    if request.method == "GET":
        tag = "Track" if field == "theme" else "Photo"
        rows: list[Row] = [{"key": url, "ratingKey": url, "thumb": url, "selected": url == known[-1]} for url in known]
        return container(request, {"size": len(rows), "Metadata": [row | {"type": tag.lower()} for row in rows]})
    if request.method == "DELETE":
        known.clear()
    else:
        url = request.query_params.get("url", "")
        if not url:
            return bad()
        known[:] = [other for other in known if other != url] + [url]
    if (work := plex.work(key)) is not None:
        plex.edit(work).locked.add(field)
    return Response(status_code=200)


def _made(plex: Plex, key: str) -> int | None:
    """When what has that key was made: a title, a playlist or a collection."""
    if (work := plex.work(key)) is not None:
        return work.added_at
    number = int(key) if is_number(key) else 0
    found = plex.playlists.get(number) or plex.collections.get(number)
    return found.made if found is not None else None


def _own(key: str, added_at: int, field: str) -> list[str]:
    """What a title has from the beginning: a poster and a background."""
    return [f"/library/metadata/{key}/{field}/{added_at}"] if field in ("thumb", "art") else []


ROUTES = [
    Route(f"/library/metadata/{{key}}/{element}", pictures, methods=["GET", "POST", "PUT", "DELETE"])
    for element in ELEMENTS
]

"""The two forms of an answer: JSON if it is asked for, else XML with the same content."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.sax.saxutils import quoteattr

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from gatepost_media.sandbox.works import is_number

Row = dict[str, object]

ELEMENTS = {
    "movie": "Video",
    "episode": "Video",
    "clip": "Video",
    "show": "Directory",
    "season": "Directory",
    "artist": "Directory",
    "album": "Directory",
    "collection": "Directory",
    "track": "Track",
    "playlist": "Playlist",
    "photo": "Photo",
}


def container(request: Request, content: Mapping[str, object], headers: Mapping[str, str] | None = None) -> Response:
    """`content` as the MediaContainer of an answer, in the form that the request accepts."""
    return answer(request, "MediaContainer", content, headers=headers)


def answer(
    request: Request,
    name: str,
    content: Mapping[str, object],
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """`content` under `name`."""
    if wants_json(request):
        body = msgspec.json.encode({name: content})
        return Response(body, status, headers=headers, media_type="application/json")
    lines = ['<?xml version="1.0" encoding="UTF-8"?>\n']
    _element(lines, name, content)
    return Response("".join(lines), status, headers=headers, media_type="text/xml;charset=utf-8")


def wants_json(request: Request) -> bool:
    """Whether the Accept header names JSON."""
    return "json" in request.headers.get("accept", "")


def page(request: Request, rows: Sequence[object], *, default: int | None = None) -> tuple[int, int]:
    """Which of `rows` are asked for: first and one past the last, from the query or the headers."""
    start = _number(request, "X-Plex-Container-Start", 0)
    size = _number(request, "X-Plex-Container-Size", len(rows) if default is None else default)
    first = min(max(start, 0), len(rows))
    return first, min(first + max(size, 0), len(rows))


def paged(request: Request) -> bool:
    """Whether a page is asked for."""
    name = "X-Plex-Container-Size"
    return name in request.query_params or name in request.headers


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name) or request.headers.get(name) or ""
    return int(text) if is_number(text) else default


def _element(out: list[str], name: str, content: Mapping[str, object]) -> None:
    out.append(f"<{name}")
    children: list[tuple[str, Mapping[str, object]]] = []
    for key, value in content.items():
        if isinstance(value, Mapping):
            children.append((key, value))
        elif isinstance(value, (list, tuple)):
            children.extend((_name(key, row), row) for row in value)
        elif value is not None:
            out.append(f" {key}={quoteattr(_text(value))}")
    if not children:
        out.append("/>\n")
        return
    out.append(">\n")
    for child, row in children:
        _element(out, child, row)
    out.append(f"</{name}>\n")


def _name(key: str, row: Mapping[str, object]) -> str:
    return ELEMENTS.get(str(row.get("type")), "Directory") if key == "Metadata" else key


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    text = str(value)
    return "".join(letter for letter in text if letter >= " " or letter in "\t\n\r")

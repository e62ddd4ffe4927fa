"""How Trakt answers: JSON, empty errors, and pages with their numbers in headers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar, cast

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from gatepost_media.sandbox.trakt.state import Trakt
from gatepost_media.sandbox.works import is_number

T = TypeVar("T")
Row = dict[str, object]

MOST = 250


def trakt_of(request: Request) -> Trakt:
    """The Trakt that this request came to."""
    return cast(Trakt, request.app.state.trakt)


def reply(content: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """`content` as JSON."""
    return Response(msgspec.json.encode(content), status, headers=headers, media_type="application/json")


def empty(status: int, headers: Mapping[str, str] | None = None) -> Response:
    """A status and nothing else."""
    return Response(status_code=status, headers=headers)


def paged(
    request: Request,
    rows: Sequence[T],
    shape: Callable[[T], object],
    *,
    default: int = 100,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The page of `rows` that is asked for, each in its `shape`; at most 250 of them."""
    page, limit = _number(request, "page", 1), limit_of(request, default)
    first = (page - 1) * limit
    numbers = {
        "X-Pagination-Page": str(page),
        "X-Pagination-Limit": str(limit),
        "X-Pagination-Page-Count": str(-(-len(rows) // limit)),
        "X-Pagination-Item-Count": str(len(rows)),
    }
    return reply([shape(row) for row in rows[first : first + limit]], headers={**numbers, **(headers or {})})


def limit_of(request: Request, default: int) -> int:
    """How many rows a page of this request has at most."""
    return min(_number(request, "limit", default), MOST)


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, "")
    return max(int(text), 1) if is_number(text) else default


async def body_of(request: Request) -> Mapping[str, object] | None:
    """The JSON object that was sent; None if there is none."""
    try:
        read = json.loads(await request.body() or b"{}")
    except ValueError:
        return None
    return read if isinstance(read, dict) else None


def objects(value: object) -> list[Mapping[str, object]]:
    """The objects in a list; an empty list for what is no list."""
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []

"""Every tool with arguments that are not what its schema says: an error that names the argument, and nothing sent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gatepost_media.sandbox import Sandbox
from gatepost_media.trakt.server import toolset
from tests.media.trakt.support import connect, refused, sign_in

pytestmark = pytest.mark.anyio

TOOLS = toolset().tools
INJECTIONS = (
    "../sync/history",
    "..",
    "a/../../sync/history",
    "a/b",
    "1?type=show",
    "1&page=2",
    "1#x",
    "%2e%2e%2fsync",
    "a%00",
    "a b",
    "a\n",
    "a\r\nx: y",
    "á",
    "",
    "-",
    "a" * 300,
)
FREE = {"query", "message", "title", "show_title", "movie_title", "name", "description", "notes", "cursor"}
"""Text that means nothing to a path. `cursor` is checked by what it holds."""
GOOD: dict[str, Any] = {
    "show_id": "the-wire",
    "movie_id": "tt0017925",
    "person_id": "1",
    "comment_id": "1",
    "list_id": "mine",
    "season": 1,
    "episode": 1,
    "query": "wire",
    "playback_id": 1,
    "history_type": "movies",
    "rating_type": "movies",
    "watchlist_type": "movies",
    "item_type": "movies",
    "id_type": "imdb",
    "id": "tt0017925",
    "name": "A list",
    "items": [{"trakt_id": "1", "rating": 5}],
}


def good(name: str) -> dict[str, Any]:
    """Arguments that the schema takes, the required ones alone."""
    required = TOOLS[name].arguments.schema().get("required", [])
    assert isinstance(required, list)
    given = {each: GOOD[each] for each in required}
    if "items" in given and name != "add_user_ratings":
        given["items"] = [{"trakt_id": "1"}]
    return given


def bad(schema: dict[str, Any], part: dict[str, Any], argument: str) -> Iterator[Any]:
    """Values that an argument's schema does not take, one of each kind."""
    variants = [part, *part.get("anyOf", [])]
    types = {each["type"] for each in variants if "type" in each}
    yield {"a": {"b": 1}}
    if "null" not in types:
        yield None
    for each in variants:
        if "enum" in each:
            yield from ("", "nonsense", "../x", each["enum"][0].upper())
        if "minimum" in each:
            yield each["minimum"] - 1
        if "exclusiveMinimum" in each:
            yield each["exclusiveMinimum"]
        if "maximum" in each:
            yield each["maximum"] + 1
        if "exclusiveMaximum" in each:
            yield each["exclusiveMaximum"]
        if "maxLength" in each:
            yield "x" * (each["maxLength"] + 1)
        if each.get("minLength"):
            yield ""
    if "integer" in types and "string" not in types:
        yield from ("one", 1.5, [1], "1; drop")
    if "boolean" in types:
        yield from ("perhaps", 3, [True])
    if "string" in types:
        yield from ([1], True)
        if argument not in FREE and not any("enum" in each for each in variants):
            yield from INJECTIONS
    if "array" in types:
        yield []
        yield "items"
        item = part["items"]
        item = schema["$defs"][item["$ref"].removeprefix("#/$defs/")] if "$ref" in item else item
        base = {"trakt_id": "1", "rating": 5} if "rating" in item["properties"] else {"trakt_id": "1"}
        yield [{}]
        yield [{**base, "unknown": 1}]
        yield [{"title": "Without a year", **({"rating": 5} if "rating" in base else {})}]
        for field, inner in item["properties"].items():
            for value in bad(schema, inner, field):
                yield [{**base, field: value}]


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    """One for all: none of these tests may reach it."""
    with Sandbox.in_thread() as box:
        yield box


@pytest.mark.parametrize("name", TOOLS)
async def test_arguments_outside_the_schema_are_refused_by_name_and_nothing_is_sent(
    name: str, box: Sandbox, tmp_path: Path
) -> None:
    schema: dict[str, Any] = TOOLS[name].arguments.schema()
    sign_in(box, tmp_path)
    async with connect(box, tmp_path) as client:
        assert "is not an argument of this tool" in await refused(client, name, **good(name), nonsense=1)
        for argument, part in schema["properties"].items():
            for value in bad(schema, part, argument):
                said = await refused(client, name, **{**good(name), argument: value})
                assert said.startswith(argument), (argument, value, said)
        for argument in schema.get("required", []):
            without = {each: value for each, value in good(name).items() if each != argument}
            assert await refused(client, name, **without) == f"{argument}: is required."
    assert box.requests == []


@pytest.mark.parametrize(
    ("name", "arguments", "argument"),
    [
        ("fetch_history", {"item_id": "1"}, "history_type"),
        ("fetch_history", {"start_at": "2026-02-01", "end_at": "2026-01-01"}, "end_at"),
        ("fetch_history", {"start_at": "yesterday or so"}, "start_at"),
        ("fetch_history", {"start_at": "9999-12-31T23:59:59-14:00"}, "start_at"),
        ("fetch_history", {"end_at": "2026-W05-1"}, "end_at"),
        ("fetch_show_summary", {"show_id": "1" * 19}, "show_id"),
        ("checkin_to_show", {"season": 1, "episode": 1}, "show_id"),
        ("checkin_to_movie", {}, "movie_id"),
        ("search_shows", {"query": "   "}, "query"),
        ("lookup_id", {"id_type": "imdb", "id": "17925"}, "id"),
        ("lookup_id", {"id_type": "tmdb", "id": "tt0017925"}, "id"),
        ("lookup_id", {"id_type": "trakt", "id": "../movies"}, "id"),
        ("fetch_calendar", {"start_date": "2026-02-30"}, "start_date"),
        ("fetch_calendar", {"start_date": "../../x/.."}, "start_date"),
        ("create_list", {"name": "  "}, "name"),
        ("fetch_trending_shows", {"cursor": "bm90IG1pbmU"}, "cursor"),
        (
            "add_to_history",
            {"history_type": "movies", "items": [{"trakt_id": 1, "watched_at": "now"}]},
            "items[0].watched_at",
        ),
    ],
)
async def test_arguments_that_do_not_fit_together_are_refused_by_name(
    name: str, arguments: dict[str, Any], argument: str, box: Sandbox, tmp_path: Path
) -> None:
    sign_in(box, tmp_path)
    async with connect(box, tmp_path) as client:
        assert (await refused(client, name, **arguments)).startswith(f"{argument}: ")
    assert box.requests == []

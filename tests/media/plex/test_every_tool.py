"""Every tool of the Plex server through a real client: with good arguments, and with bad ones of every kind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from gatepost_media.plex.server import toolset
from tests.media.plex.good import GOOD, OTHERS, fill
from tests.media.plex.support import Serving, serving

pytestmark = pytest.mark.anyio
TOOLS = toolset().tools


async def _values(at: Serving) -> dict[str, str]:
    """Keys that the sandbox makes up when it starts."""
    playlists = (await at.call("get_playlists"))["items"]
    playlist = next(each["ratingKey"] for each in playlists if not each["smart"] and each["playlistType"] == "video")
    entries = (await at.call("get_playlist_items", playlistId=playlist))["items"]
    collection = (await at.call("get_collections"))["items"][0]["ratingKey"]
    at.box.play(1004, speed=0).seek_to(20)
    session = (await at.call("get_active_sessions"))["sessions"][0]["sessionId"]
    return {
        "playlist": playlist,
        "entry": entries[0]["playlistItemID"],
        "collection": collection,
        "session": session,
    }


def test_the_table_of_good_arguments_names_every_tool() -> None:
    assert TOOLS.keys() == GOOD.keys() | OTHERS.keys()


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_every_tool_answers_good_arguments_with_what_its_schema_says(tmp_path: Path, mode: str) -> None:
    async with serving(tmp_path, mode=mode) as at:
        values = await _values(at)
        listed = {each.name: each for each in (await at.client.list_tools()).tools}
        for name, arguments in GOOD.items():
            filled = fill(arguments, values)
            schema = listed[name].input_schema
            jsonschema_rs.validator_for(schema).validate(filled)
            content = await at.call(name, **filled)
            jsonschema_rs.validator_for(listed[name].output_schema).validate(content)


async def test_no_reply_no_file_but_the_token_s_and_no_address_holds_the_token(tmp_path: Path) -> None:
    async with serving(tmp_path) as at:
        values = await _values(at)
        token = at.box.plex_token
        for name, arguments in GOOD.items():
            result = await at.client.call_tool(name, fill(arguments, values))
            assert token not in result.model_dump_json(), name
        for seen in at.box.requests:
            assert token not in seen.path
            assert token not in str(seen.query), seen.path
        kept = [file for file in tmp_path.rglob("*") if file.is_file() and token.encode() in file.read_bytes()]
        assert [file.name for file in kept] in ([], ["plex-token"])


def _wrong(schema: dict[str, Any]) -> Iterator[object]:
    """Values that an argument's schema does not allow."""
    kind = schema.get("type")
    if "enum" in schema:
        yield "no such value"
    if kind == "string":
        yield ["a list"]
        if "pattern" in schema:
            yield from ("", "../1", "1 2", "1;2")
        if schema.get("maxLength"):
            yield "x" * (schema["maxLength"] + 1)
    elif kind in ("integer", "number"):
        yield from ("many", [1], {"a": 1}, True, "1_0", "１２", " 7", "")
        if "minimum" in schema:
            yield schema["minimum"] - 1
        if "maximum" in schema:
            yield schema["maximum"] + 1
        if kind == "integer":
            yield 1.5
    elif kind == "boolean":
        yield from ("perhaps", 7, 1, "on")
    elif kind == "array":
        yield from (7, "one")
        if schema.get("minItems"):
            yield []
        if schema.get("maxItems"):
            yield ["1"] * (schema["maxItems"] + 1)
        yield from ([each] for each in _wrong(schema["items"]))
    elif kind == "object":
        yield from ("{}", 7)


async def test_a_wrong_value_of_any_argument_is_named_and_nothing_is_sent(tmp_path: Path) -> None:
    async with serving(tmp_path) as at:
        values = await _values(at)
        at.box.forget_requests()
        for name, arguments in {**GOOD, **OTHERS}.items():
            filled = fill(arguments, values)
            schema = TOOLS[name].arguments.schema(nulls=False)
            for argument, about in schema["properties"].items():
                for wrong in _wrong(about):
                    said = await at.refusal(name, **{**filled, argument: wrong})
                    assert said.startswith(argument), (name, argument, wrong, said)
            said = await at.refusal(name, **filled, no_such_argument=1)
            assert said.startswith("no_such_argument: is not an argument of this tool."), name
            for argument in schema.get("required", []):
                left = {each: value for each, value in filled.items() if each != argument}
                assert (await at.refusal(name, **left)).startswith(f"{argument}: is required"), name
        assert at.box.requests == []

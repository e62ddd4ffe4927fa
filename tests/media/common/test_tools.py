# ruff: noqa: N803 - arguments have the names that the wire gives them
"""A toolset, seen through a real client of the SDK in both protocol eras."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Literal

import jsonschema_rs
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS
from pydantic import BaseModel, ConfigDict, Field

from gatepost_media.common.errors import NotFound
from gatepost_media.common.ids import Digits, Text, When
from gatepost_media.common.output import Out, Page, Row
from gatepost_media.common.serve import build
from gatepost_media.common.settings import Settings
from gatepost_media.common.tools import Context, PromptArgument, Toolset

ERAS = ("legacy", "auto")


class Thing(Row):
    key: str
    words: str


class Things(Page[Thing]):
    pass


class Score(BaseModel):
    """One of several arguments of an argument."""

    model_config = ConfigDict(extra="forbid")

    points: Annotated[int | None, Field(ge=1, le=10)] = None
    at: When | None = None


class Said(Out):
    text: str
    more: list[str] = []


TOOLS = Toolset("things", "Things.", {"few": "A few."})


@TOOLS.tool("list_things", title="Things", effect="read", idempotent=True, profiles=("few",))
async def list_things(ctx: Context, limit: Annotated[int, Field(ge=0, le=5000)] = 1000, offset: int = 0) -> Things:
    """List things."""
    start = ctx.offset(offset)
    items = [Thing(key=str(i), words="word " * 10) for i in range(start, min(start + (limit or 1000), 3000))]
    return Things(items=items, offset=start, totalSize=3000)


@TOOLS.tool(
    "say",
    title="Say",
    effect="write",
    idempotent=False,
    profiles=(),
    aliases={"thing_id": "thingKey", "loudly": "loud"},
)
async def say(
    ctx: Context,
    thingKey: Digits,
    how: Literal["high", "low"] = "low",
    loud: bool = False,
    text: Text = "x",
    scores: list[Score] | None = None,
) -> Said:
    """Say a thing."""
    if thingKey == "404":
        raise NotFound("There is no thing 404. List them with list_things.")
    if thingKey == "500":
        raise KeyError("secret-token")
    await ctx.progress(1, 2, "half")
    await ctx.progress(1, 2, "half of the next part")
    return Said(text=f"{thingKey} {how} {loud} {text}", more=["long " * 100] * (3000 if thingKey == "9" else 1))


@TOOLS.resource("things://all", name="all", title="All", description="All things.")
async def all_things(ctx: Context) -> str:
    return "[]"


@TOOLS.resource("things://one/{key}", name="one", title="One", description="One thing.")
async def one_thing(ctx: Context, key: str) -> str:
    if key == "404":
        raise NotFound("There is no thing 404.")
    return key


@TOOLS.prompt("ask", title="Ask", description="Ask.", arguments=[PromptArgument("what", "What to ask.", True)])
def ask(given):
    return f"Ask about {given['what']}."


def connect(tmp_path: Path, *, write: bool = True, profiles=("full",), mode: str = "auto") -> Client:
    return Client(build(TOOLS, Settings(home=tmp_path), write=write, profiles=profiles), mode=mode)


def run(work):
    return asyncio.run(work)


@pytest.mark.parametrize("mode", ERAS)
def test_a_tool_is_listed_with_its_schemas_and_hints_and_called(tmp_path, mode):
    async def work():
        async with connect(tmp_path, mode=mode) as client:
            tools = {each.name: each for each in (await client.list_tools()).tools}
            assert set(tools) == {"list_things", "say"}
            said = tools["say"]
            assert said.input_schema["properties"]["thingKey"]["anyOf"][0]["pattern"] == "^[0-9]{1,18}$"
            names = {"thingKey", "thing_id", "how", "loud", "loudly", "text", "scores"}
            assert set(said.input_schema["properties"]) == names
            assert said.input_schema["additionalProperties"] is False
            assert said.annotations.read_only_hint is False
            assert tools["list_things"].annotations.read_only_hint is True
            assert "cursor" in tools["list_things"].input_schema["properties"]
            result = await client.call_tool("say", {"thing_id": "7", "loudly": True})
            assert not result.is_error
            assert result.structured_content["text"] == "7 low True x"
            jsonschema_rs.validator_for(said.output_schema).validate(result.structured_content)
            assert "7 low True x" in result.content[0].text

    run(work())


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"thingKey": "../7"}, "thingKey: must be digits only"),
        ({}, "thingKey: is required (or its other spelling thing_id)."),
        ({"thingKey": "1", "thing_id": "2"}, "thingKey: differs from thing_id"),
        ({"thingKey": "1", "how": "loud"}, "how: should be 'high' or 'low'."),
        ({"thingKey": "1", "where": 1}, "where: is not an argument of this tool. It takes: thingKey"),
        ({"thingKey": "1", "text": "a\nb"}, "text: must hold no control characters."),
        ({"thingKey": "1", "scores": [{}, {"points": 11}]}, "scores[1].points: should be less than or equal to 10."),
        ({"thingKey": "1", "scores": [{"points": "no"}]}, "scores[0].points: should be a valid integer"),
        ({"thingKey": "1", "scores": [{"at": "now"}]}, "scores[0].at: must be a date or time such as 2026-11-21"),
        ({"thingKey": "1", "scores": [{"pints": 1}]}, "scores[0].pints: is not known here."),
        ({"thingKey": "1", "scores": [7]}, "scores[0]: should be a valid dictionary"),
        ({"thingKey": "404"}, "There is no thing 404. List them with list_things."),
    ],
)
def test_a_bad_argument_is_an_error_result_that_names_it(tmp_path, arguments, sentence):
    async def work():
        async with connect(tmp_path) as client:
            result = await client.call_tool("say", arguments)
            assert result.is_error
            assert result.content[0].text.startswith(sentence)

    run(work())


def test_a_fault_is_an_error_result_without_the_text_of_the_exception(tmp_path):
    async def work():
        async with connect(tmp_path) as client:
            result = await client.call_tool("say", {"thingKey": "500"})
            assert result.is_error
            assert "secret-token" not in result.content[0].text

    run(work())


def test_a_list_is_cut_to_the_bound_and_goes_on_at_its_cursor_without_a_gap(tmp_path):
    async def work():
        async with connect(tmp_path) as client:
            seen, cursor = [], None
            while True:
                arguments = {"cursor": cursor} if cursor else {}
                result = await client.call_tool("list_things", arguments)
                content = result.structured_content
                whole = result.content[0].text + str(content)
                assert len(whole) <= 25_000 * 4 * 1.2  # str() of a dict is a little longer than its JSON
                seen += [each["key"] for each in content["items"]]
                cursor = content.get("nextCursor")
                if cursor is None:
                    break
            assert seen == [str(i) for i in range(3000)]

    run(work())


def test_a_cursor_of_another_list_is_refused(tmp_path):
    async def work():
        async with connect(tmp_path) as client:
            result = await client.call_tool("list_things", {"cursor": "bm90IG1pbmU"})
            assert result.is_error
            assert result.content[0].text.startswith("cursor: is not from a reply to this tool")

    run(work())


def test_a_reply_that_is_no_list_is_cut_where_it_is_longest_and_says_so(tmp_path):
    async def work():
        async with connect(tmp_path) as client:
            content = (await client.call_tool("say", {"thingKey": "9"})).structured_content
            assert content["truncated"] == ["more"]
            assert content["text"] == "9 low False x"

    run(work())


def test_without_write_a_writing_tool_is_not_listed_and_says_why_when_called(tmp_path):
    async def work():
        async with connect(tmp_path, write=False) as client:
            assert [each.name for each in (await client.list_tools()).tools] == ["list_things"]
            result = await client.call_tool("say", {"thingKey": "1"})
            assert result.is_error
            assert "--write" in result.content[0].text

    run(work())


def test_a_profile_shows_only_its_tools(tmp_path):
    async def work():
        async with connect(tmp_path, profiles=("few",)) as client:
            assert [each.name for each in (await client.list_tools()).tools] == ["list_things"]
            assert (await client.call_tool("say", {"thingKey": "1"})).is_error

    run(work())


@pytest.mark.parametrize("mode", ERAS)
def test_resources_and_prompts_are_listed_and_read(tmp_path, mode):
    async def work():
        async with connect(tmp_path, mode=mode) as client:
            assert [each.uri for each in (await client.list_resources()).resources] == ["things://all"]
            templates = (await client.list_resource_templates()).resource_templates
            assert [each.uri_template for each in templates] == ["things://one/{key}"]
            assert (await client.read_resource("things://one/5")).contents[0].text == "5"
            assert [each.name for each in (await client.list_prompts()).prompts] == ["ask"]
            assert (await client.get_prompt("ask", {"what": "tea"})).messages[0].content.text == "Ask about tea."
            with pytest.raises(MCPError, match="what: is required"):
                await client.get_prompt("ask", {})
            with pytest.raises(MCPError, match="Unknown resource"):
                await client.read_resource("things://two/5")
            with pytest.raises(MCPError, match="There is no thing 404") as raised:
                await client.read_resource("things://one/404")
            assert raised.value.error.code == INVALID_PARAMS

    run(work())


def test_progress_reaches_the_client_that_asks_for_it(tmp_path):
    async def work():
        heard = []

        async def hear(progress, total, message):
            heard.append((progress, total, message))

        async with connect(tmp_path) as client:
            await client.call_tool("say", {"thingKey": "1"}, progress_callback=hear)
        # The second part is counted on top of the first: what a client hears rises.
        assert heard == [(1, 2, "half"), (2, 3, "half of the next part")]

    run(work())

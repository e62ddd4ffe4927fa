"""The Trakt server against the inventory of the public server it replaces: every tool, argument, bound, resource."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gatepost_media.common.tools import Toolset
from gatepost_media.trakt.server import toolset

INVENTORY: dict[str, Any] = json.loads((Path(__file__).parent / "inventory.json").read_text())
TOOLS: dict[str, Any] = INVENTORY["tools"]
ADDED = {
    "checkin_to_movie",
    "cancel_checkin",
    "fetch_calendar",
    "fetch_up_next",
    "fetch_lists",
    "fetch_list_items",
    "create_list",
    "add_list_items",
    "remove_list_items",
    "fetch_collection",
    "lookup_id",
}
SIGN_IN = {"start_device_auth", "check_auth_status", "clear_auth"}
KEYWORDS = {
    "min": "minimum",
    "max": "maximum",
    "min_length": "minLength",
    "max_length": "maxLength",
    "min_items": "minItems",
    "gt": "exclusiveMinimum",
}


@pytest.fixture(scope="module")
def trakt() -> Toolset:
    return toolset()


def test_the_server_has_every_tool_of_the_inventory_and_those_that_it_lacked(trakt: Toolset) -> None:
    assert len(TOOLS) == 77
    assert trakt.tools.keys() == TOOLS.keys() | ADDED


@pytest.mark.parametrize("name", TOOLS)
def test_every_argument_has_its_name_type_default_enum_and_bounds(trakt: Toolset, name: str) -> None:
    schema: dict[str, Any] = trakt.tools[name].arguments.schema()
    for argument, wanted in TOOLS[name]["arguments"].items():
        given = schema["properties"][argument]
        assert (argument in schema.get("required", [])) == wanted["required"], argument
        _agrees(schema, given, wanted, argument)
        for field, of_item in wanted.get("item_fields", {}).items():
            items = _resolved(schema, given["items"])
            assert (field in items.get("required", [])) == of_item["required"], field
            _agrees(schema, items["properties"][field], of_item, field)


def _agrees(schema: dict[str, Any], given: dict[str, Any], wanted: dict[str, Any], where: str) -> None:
    parts = [given, *given.get("anyOf", [])]
    types = {part["type"] for part in parts if "type" in part}
    expected = {"array"} if wanted["type"].startswith("array") else set(wanted["type"].split("|"))
    assert expected <= types, where
    if "default" in wanted:
        assert given.get("default") == wanted["default"], where
    if "enum" in wanted:
        assert wanted["enum"] in [part["enum"] for part in parts if "enum" in part], where
    for bound, value in wanted.get("bounds", {}).items():
        stated = [part[KEYWORDS[bound]] for part in parts if KEYWORDS[bound] in part]
        implied = bound == "min_length" and any(part.get("pattern", "").startswith("^[0-9]{1,") for part in parts)
        assert implied or value in stated, f"{where}: {bound}"


def _resolved(schema: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    reference = part.get("$ref")
    return schema["$defs"][reference.removeprefix("#/$defs/")] if reference else part


@pytest.mark.parametrize("name", sorted(TOOLS.keys() | ADDED))
def test_every_tool_takes_no_other_arguments_and_says_what_it_answers(trakt: Toolset, name: str) -> None:
    tool = trakt.tools[name]
    assert tool.arguments.schema()["additionalProperties"] is False
    assert tool.output_schema["type"] == "object"
    assert tool.title
    assert tool.description.endswith((".", "?"))
    if name in TOOLS:
        assert tool.effect == TOOLS[name]["effect"]


def test_without_write_only_what_reads_is_shown_and_signing_in(trakt: Toolset) -> None:
    shown = {tool.name for tool in trakt.listed(write=False)}
    assert shown == {name for name, tool in trakt.tools.items() if tool.effect == "read"} | SIGN_IN
    assert {tool.name for tool in trakt.listed(write=True)} == trakt.tools.keys()


def test_every_profile_can_sign_in_and_the_public_one_shows_nothing_of_an_account(trakt: Toolset) -> None:
    for profile in trakt.profiles:
        assert {tool.name for tool in trakt.listed(write=False, profiles=(profile,))} >= SIGN_IN
    public = {tool.name for tool in trakt.listed(write=True, profiles=("discover",))}
    assert not {name for name in public - SIGN_IN if name in TOOLS and TOOLS[name]["signed_in"]}
    reading = {tool.name for tool in trakt.listed(write=True, profiles=("trakt-read",))} - SIGN_IN
    assert all(trakt.tools[name].effect == "read" for name in reading)
    assert reading == {name for name, tool in trakt.tools.items() if tool.effect == "read"}


def test_the_resources_and_prompts_are_those_of_the_inventory(trakt: Toolset) -> None:
    assert {each.uri: each.name for each in trakt.resources} == INVENTORY["resources"]
    assert all(each.mime_type == "text/markdown" for each in trakt.resources)
    assert list(trakt.prompts) == INVENTORY["prompts"]

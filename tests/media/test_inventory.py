"""Every tool and argument of the three public servers that the media servers replace, one for one.

The inventories are facts read from those servers: names, types, defaults, enums, bounds, effects. The Trakt server's
types and bounds are held to its own in tests/media/trakt/test_inventory.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gatepost_media.common.tools import Tool, Toolset
from gatepost_media.plex.server import toolset as plex_toolset
from gatepost_media.trakt.server import toolset as trakt_toolset

HERE = Path(__file__).parent
PLEX: dict[str, Any] = json.loads((HERE / "plex" / "inventory.json").read_text())
TRAKT: dict[str, Any] = json.loads((HERE / "trakt" / "inventory.json").read_text())
ADDED_TO_PLEX = {
    "trakt_stop_scrobbling",
    "trakt_get_scrobble_status",
    "trakt_sync_apply",
    "scan_library",
    "stop_session",
}
BOTH = {
    "create_playlist",
    "add_to_playlist",
    "delete_playlist",
    "get_recently_added",
    "get_watch_history",
    "get_on_deck",
    "get_library_stats",
}
ALWAYS_THERE = {
    "authenticate_plex",
    "check_auth_status",
    "clear_auth",
    "trakt_authenticate",
    "trakt_complete_auth",
}
"""Signing in must be possible whatever the server was started for."""
CASES = [(server, name) for server, inventory in PLEX.items() for name in inventory["tools"]]
OTHER_DEFAULT = {
    # Two servers, one tool: the default of the one with more to say stands.
    ("get_recently_added", "limit"),
    ("get_watch_history", "limit"),
    ("get_on_deck", "limit"),
    # What these said when nothing was given is said by leaving it out.
    ("create_playlist", "type"),
}


@pytest.fixture(scope="module")
def plex() -> Toolset:
    return plex_toolset()


def test_the_two_servers_have_all_157_tools_of_the_three() -> None:
    niavasha, vyb1ng = (set(PLEX[name]["tools"]) for name in ("niavasha", "vyb1ng"))
    working = vyb1ng - set(PLEX["vyb1ng"]["switched_off"])
    assert (len(niavasha), len(working), len(TRAKT["tools"])) == (58, 22, 77)
    assert niavasha & working == BOTH
    plex, trakt = plex_toolset().tools.keys(), trakt_toolset().tools.keys()
    assert plex == niavasha | vyb1ng | ADDED_TO_PLEX
    assert trakt >= TRAKT["tools"].keys()


def test_the_trakt_server_has_every_argument_of_its_original() -> None:
    trakt = trakt_toolset()
    for name, wanted in TRAKT["tools"].items():
        assert set(wanted["arguments"]) <= set(trakt.tools[name].arguments.names), name


@pytest.mark.parametrize(("server", "name"), CASES)
def test_every_argument_has_its_name_type_enum_default_and_bounds(plex: Toolset, server: str, name: str) -> None:
    schema: dict[str, Any] = plex.tools[name].arguments.schema(nulls=False)
    for argument, wanted in PLEX[server]["tools"][name]["arguments"].items():
        given = _resolved(schema, schema["properties"][argument])
        _same_type(given, wanted["type"], argument)
        if "enum" in wanted:
            assert set(wanted["enum"]) <= set(given["enum"]), argument
        bounds = wanted.get("bounds", {})
        if bounds:
            assert (given["minimum"], given["maximum"]) == (bounds["min"], bounds["max"]), argument
        shared = (name, argument) in OTHER_DEFAULT or name in BOTH
        if "default" in wanted and not shared and wanted["default"] is not None:
            assert given.get("default") == wanted["default"], argument


@pytest.mark.parametrize(("server", "name"), CASES)
def test_what_was_enough_for_the_original_is_enough_here(plex: Toolset, server: str, name: str) -> None:
    """No argument is required here that the original did without."""
    required = set(plex.tools[name].arguments.schema().get("required", []))
    theirs = {each for each, about in PLEX[server]["tools"][name]["arguments"].items() if about["required"]}
    assert required <= theirs


@pytest.mark.parametrize(("server", "name"), CASES)
def test_the_hints_are_those_of_the_effect(plex: Toolset, server: str, name: str) -> None:
    tool, effect = plex.tools[name], PLEX[server]["tools"][name]["effect"]
    assert (tool.effect == "read") == (effect == "read")
    if effect == "destructive":
        assert tool.effect == "destructive"
    if tool.effect == "read":
        assert not tool.needs_write


def test_what_can_replace_something_is_hinted_as_destructive(plex: Toolset) -> None:
    """A tool that is not destructive "performs only additive updates", as the protocol has it."""
    for name in ("export_library", "update_metadata", "update_metadata_from_json", "mark_unwatched"):
        assert plex.tools[name].effect == "destructive", name


@pytest.mark.parametrize("make", [plex_toolset, trakt_toolset])
def test_every_argument_says_what_it_is(make: Callable[[], Toolset]) -> None:
    silent = [
        f"{tool.name}.{name}"
        for tool in make().tools.values()
        for name, given in tool.arguments.schema()["properties"].items()  # type: ignore[union-attr]
        if not any("description" in each for each in [given, *given.get("anyOf", [])])  # type: ignore[union-attr]
    ]
    assert silent == []


def test_nothing_that_changes_anything_is_shown_without_write_but_signing_in(plex: Toolset) -> None:
    shown = plex.listed(write=False)
    assert {each.name for each in shown if each.effect != "read"} == ALWAYS_THERE
    assert {each.name for each in plex.listed(write=True)} == plex.tools.keys()


@pytest.mark.parametrize("profile", ["plex-read", "music", "arr", "trakt-sync"])
def test_a_profile_shows_some_of_the_tools(plex: Toolset, profile: str) -> None:
    shown = plex.listed(write=True, profiles=[profile])
    assert 0 < len(shown) < len(plex.tools)
    assert _foreign(profile, shown) == []


def _foreign(profile: str, tools: list[Tool]) -> list[str]:
    arr = [each.name for each in tools if each.name.startswith(("sonarr_", "radarr_", "arr_"))]
    trakt = [each.name for each in tools if each.name.startswith("trakt_")]
    return {"arr": trakt, "trakt-sync": arr}.get(profile, arr + trakt)


def test_the_resources_and_prompts_of_the_original_are_there(plex: Toolset) -> None:
    assert {each.uri for each in plex.resources} == set(PLEX["vyb1ng"]["resources"])
    for name, arguments in PLEX["vyb1ng"]["prompts"].items():
        assert {each.name: each.required for each in plex.prompts[name].arguments} == arguments


def _resolved(schema: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    reference = given.get("$ref", "")
    return schema["$defs"][reference.rpartition("/")[2]] if reference else given


def _same_type(given: dict[str, Any], wanted: str, argument: str) -> None:
    if wanted.startswith("array<"):
        assert given["type"] == "array", argument
        assert wanted == "array<object>" or given["items"]["type"] == "string", argument
    elif wanted == "number":
        assert given["type"] in ("number", "integer"), argument
    else:
        assert given["type"] == wanted, argument

"""Hostile arguments to the tools of Trakt sync, Sonarr and Radarr, made from the tools' own schemas."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from mcp import Client

from gatepost_media.plex.server import toolset
from tests.media.sync.support import server, text_of

pytestmark = pytest.mark.anyio

ATTACKS: list[Any] = [
    "../../:/scrobble?key=1",
    "1004/../../../:/unscrobble",
    "1004?key=1&identifier=x",
    "1004%2f..%2f1002",
    "..",
    "1004\r\nX-Plex-Token: x",
    "1004#",
    "1004,1002",
    "١٠٠٤",
    "-1",
    "",
    "9" * 40,
    "1004 ",
    None,
    True,
    1.5,
    -1,
    10**30,
    [],
    {"key": "1004"},
]

PATHS = {
    "plex": (
        "/library/sections/",
        "/library/metadata/",
        "/status/sessions",
        "/:/websockets/notifications",
        "/:/scrobble",
    ),
    "trakt": ("/search/", "/sync/", "/users/settings", "/users/me/stats", "/scrobble/"),
    "trakt_auth": ("/oauth/token",),
    "sonarr": ("/api/v3/",),
    "radarr": ("/api/v3/",),
}

GOOD: dict[str, dict[str, Any]] = {
    "trakt_complete_auth": {"code": "abcdef"},
    "trakt_search": {"query": "general"},
    "trakt_start_scrobbling": {"ratingKey": "1004"},
    "sonarr_search": {"query": "sherlock"},
    "radarr_search": {"query": "general"},
    "sonarr_add_series": {"tvdbId": 2_000_000_000, "title": "x"},
    "radarr_add_movie": {"tmdbId": 2_000_000_000, "title": "x"},
}


TOOLS = {
    name: tool for name, tool in toolset().tools.items() if name.startswith(("trakt_", "sonarr_", "radarr_", "arr_"))
}
IDS = [
    (name, argument)
    for name, tool in TOOLS.items()
    for argument in tool.arguments.schema()["properties"]  # type: ignore[union-attr]
    if argument not in ("cursor", "dryRun", "includeProgress", "monitored", "seasonFolder")
    and not argument.startswith("searchFor")
]


@pytest.mark.parametrize("tool", sorted({tool for tool, _ in IDS}))
async def test_no_argument_leaves_its_place_in_a_request(tool: str, tmp_path: Path) -> None:
    """What a caller gives is refused by name, or is one value in a query or a body; paths are those of the tools."""
    async with server(tmp_path) as (box, client):
        for argument in [argument for name, argument in IDS if name == tool]:
            for attack in ATTACKS:
                if attack is not None:  # an argument left out is no attack
                    await _attack(client, tool, argument, attack)
        for seen in box.requests:
            assert seen.path.startswith(PATHS[seen.service]), seen.path
            assert ".." not in seen.path and "%" not in seen.path.replace("%2C", ""), seen.path
        assert not any(seen.method == "POST" and seen.service in ("sonarr", "radarr") for seen in box.requests) or (
            tool.endswith("_trigger_search")
        )
        assert 1004 not in box.plex.views


async def _attack(client: Client, tool: str, argument: str, attack: Any) -> None:
    given = {**GOOD.get(tool, {}), argument: attack}
    result = await client.call_tool(tool, given)
    if result.is_error:
        said = text_of(result)
        assert said and "\n" not in said and "fault of this server" not in said, said
    elif result.structured_content is not None:
        validator = jsonschema_rs.validator_for(TOOLS[tool].output_schema)
        assert validator.is_valid(result.structured_content)


@pytest.mark.parametrize(
    ("tool", "argument"),
    [
        ("trakt_start_scrobbling", "ratingKey"),
        ("trakt_sync_apply", "ratingKeys"),
        ("sonarr_add_series", "tvdbId"),
        ("radarr_add_movie", "tmdbId"),
        ("sonarr_trigger_search", "seriesId"),
        ("radarr_trigger_search", "movieId"),
    ],
)
async def test_an_id_that_is_none_is_refused_by_name_and_nothing_is_sent(
    tool: str, argument: str, tmp_path: Path
) -> None:
    async with server(tmp_path) as (box, client):
        for attack in ATTACKS:
            if attack is None:
                continue
            value = [attack] if argument == "ratingKeys" else attack
            result = await client.call_tool(tool, {**GOOD.get(tool, {}), argument: value})
            assert result.is_error, attack
            assert text_of(result).startswith(argument), text_of(result)
        assert box.requests == []

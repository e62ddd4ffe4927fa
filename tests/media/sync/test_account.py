"""Signing in to Trakt on the Plex server, and what is asked of the account."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import jsonschema_rs
import pytest

from gatepost_media.plex.server import toolset
from gatepost_media.sandbox import Sandbox
from tests.media.sync.support import ask, connect, refused, server

pytestmark = pytest.mark.anyio


async def code_at(url: str) -> str:
    """What a person reads on the page after allowing the application."""
    async with httpx2.AsyncClient() as browser:
        return (await browser.get(url)).text.partition("<code>")[2].partition("</code>")[0]


async def test_a_person_opens_the_address_and_gives_the_code_and_is_signed_in(tmp_path: Path) -> None:
    async with Sandbox() as box, connect(box, tmp_path, write=False) as client:
        before = await ask(client, "trakt_get_auth_status")
        assert (before["configured"], before["signedIn"]) == (True, False) and "trakt_authenticate" in before["problem"]
        begun = await ask(client, "trakt_authenticate")
        query = parse_qs(urlsplit(begun["url"]).query)
        assert begun["url"].startswith(f"{box.trakt_auth_url}/oauth/authorize?")
        assert query["state"] == [begun["state"]] and len(begun["state"]) >= 16
        done = await ask(client, "trakt_complete_auth", code=await code_at(begun["url"]))
        assert done == {"signedIn": True, "account": "sandbox"}
        after = await ask(client, "trakt_get_auth_status")
        assert (after["signedIn"], after["account"]) == (True, "sandbox") and after["expiresAt"]
        kept = tmp_path / "trakt-tokens.json"
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600
        assert not any(token in str([done, after]) for token in (*box.trakt.access, *box.trakt.refresh))


async def test_the_address_that_the_browser_came_back_to_is_taken_if_its_state_is_the_one_sent(tmp_path: Path) -> None:
    async with Sandbox() as box, connect(box, tmp_path) as client:
        begun = await ask(client, "trakt_authenticate", state="my own word")
        code = await code_at(begun["url"])
        other = f"https://example.org/back?code={code}&state=another"
        assert "another sign-in" in await refused(client, "trakt_complete_auth", code=other)
        mine = f"https://example.org/back?code={code}&state=my+own+word"
        assert (await ask(client, "trakt_complete_auth", code=mine))["account"] == "sandbox"


async def test_a_code_that_is_wrong_or_was_used_leaves_the_sign_in_as_it_was(tmp_path: Path) -> None:
    async with server(tmp_path) as (_, client):
        kept = (tmp_path / "trakt-tokens.json").read_bytes()
        begun = await ask(client, "trakt_authenticate")
        assert await refused(client, "trakt_complete_auth", code="0000-not-a-code")
        assert "code" in await refused(client, "trakt_complete_auth", code="../../token?x")
        assert (tmp_path / "trakt-tokens.json").read_bytes() == kept
        code = await code_at(begun["url"])
        await ask(client, "trakt_complete_auth", code=code)
        assert await refused(client, "trakt_complete_auth", code=code)
        assert (await ask(client, "trakt_get_auth_status"))["signedIn"] is True


async def test_not_configured_not_signed_in_and_out_of_reach_are_told_apart(tmp_path: Path) -> None:
    async with Sandbox() as box:
        async with connect(box, tmp_path, TRAKT_CLIENT_ID="") as client:
            status = await ask(client, "trakt_get_auth_status")
            assert status["configured"] is False and "TRAKT_CLIENT_ID" in status["problem"]
            assert "TRAKT_CLIENT_ID" in await refused(client, "trakt_authenticate")
        async with connect(box, tmp_path) as client:
            assert "signed in" in await refused(client, "trakt_get_user_stats")
    async with server(tmp_path) as (box, client):
        box.fault("trakt", "503", 9)
        assert "503" in await refused(client, "trakt_get_auth_status")


async def test_statistics_are_those_of_the_account(tmp_path: Path) -> None:
    async with server(tmp_path) as (_, client):
        stats = await ask(client, "trakt_get_user_stats", userId=7)
        assert (stats["account"], stats["moviesWatched"], stats["episodesWatched"], stats["userId"]) == (
            "sandbox",
            2,
            1,
            7,
        )
        assert [each["reached"] for each in stats["milestones"]] == [False, False, False]


async def test_a_search_finds_films_and_shows_and_can_be_narrowed(tmp_path: Path) -> None:
    async with server(tmp_path) as (_, client):
        found = await ask(client, "trakt_search", query="sherlock")
        assert {each["type"] for each in found["items"]} <= {"movie", "show"} and found["items"]
        shows = await ask(client, "trakt_search", query="sherlock", type="show", limit=1)
        assert [each["type"] for each in shows["items"]] == ["show"] and shows["items"][0]["slug"]
        year = await ask(client, "trakt_search", query="metropolis", type="movie", year=1927)
        assert [each["year"] for each in year["items"]] == [1927]
        assert (await ask(client, "trakt_search", query="metropolis", year=1901))["items"] == []


GOOD: dict[str, dict[str, Any]] = {
    "trakt_authenticate": {"state": "x"},
    "trakt_get_auth_status": {},
    "trakt_get_user_stats": {},
    "trakt_search": {"query": "the"},
    "trakt_start_scrobbling": {"ratingKey": 1004, "title": "A Trip", "type": "movie", "progress": 0.5, "duration": 9},
    "trakt_get_scrobble_status": {},
    "trakt_stop_scrobbling": {},
    "trakt_sync_to_trakt": {"batchSize": 1, "includeProgress": True},
    "trakt_sync_from_trakt": {},
    "trakt_sync_apply": {"ratingKeys": [1004]},
    "trakt_get_sync_status": {},
}


async def test_every_answer_has_the_form_that_its_tool_states(tmp_path: Path) -> None:
    tools = toolset().tools
    assert {name for name in tools if name.startswith("trakt_")} == GOOD.keys() | {"trakt_complete_auth"}
    async with server(tmp_path) as (box, client):
        box.play(1002, speed=0).seek_to(40)
        for name, arguments in GOOD.items():
            said = await ask(client, name, **arguments)
            jsonschema_rs.validate(tools[name].output_schema, said)

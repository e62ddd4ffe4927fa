"""Signing in to Plex with a PIN; what is said without a token, an address, a server."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from gatepost_media.common.settings import Settings
from tests.media.plex.support import serving

pytestmark = pytest.mark.anyio


async def test_signing_in_gives_an_address_and_the_token_is_kept_and_used_but_never_shown(tmp_path: Path) -> None:
    async with serving(tmp_path, approve=False, environment={"PLEX_TOKEN": ""}, write=False) as at:
        said = await at.refusal("get_libraries")
        assert said == ("Plex did not accept the credentials (401). Set PLEX_TOKEN, or sign in with authenticate_plex.")
        assert (await at.call("check_auth_status"))["status"] == "not_signed_in"
        begun = await at.call("authenticate_plex")
        address = urlsplit(begun["address"])
        asked = parse_qs(address.fragment.removeprefix("?"))
        assert asked["clientID"] == [(at.home / "client-identifier").read_text()]
        assert (await at.call("check_auth_status"))["status"] == "waiting"
        at.box.approve_pin(asked["code"][0])
        done = await at.client.call_tool("check_auth_status", {})
        assert done.structured_content["status"] == "signed_in"
        assert done.structured_content["tokenFrom"] == "authenticate_plex"
        assert at.box.plex_token not in done.model_dump_json()
        kept = at.home / "plex-token"
        assert kept.read_text() == at.box.plex_token
        assert kept.stat().st_mode & 0o777 == 0o600
        assert len((await at.call("get_libraries"))["libraries"]) == 3
        assert (await at.call("clear_auth"))["removed"] is True
        assert not kept.exists()
        assert "401" in await at.refusal("get_libraries")


async def test_a_sign_in_is_taken_up_by_a_server_that_is_started_later(tmp_path: Path) -> None:
    async with serving(tmp_path, environment={"PLEX_TOKEN": ""}) as at:
        begun = await at.call("authenticate_plex")
        await at.call("check_auth_status", pin_id=begun["pin_id"])
        token = (at.home / "plex-token").read_text()
    async with serving(tmp_path, environment={"PLEX_TOKEN": ""}) as at:
        at.box.plex.token = token
        assert (await at.call("check_auth_status"))["status"] == "signed_in"


async def test_a_server_that_refuses_the_account_s_token_is_asked_with_the_one_that_plex_tv_has_for_it(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path, environment={"PLEX_TOKEN": ""}) as at:
        await at.call("authenticate_plex")
        at.box.fault("plex", "401", 1, path="/library/sections/all")
        assert (await at.call("check_auth_status"))["server"] == "accepts"
        assert "GET /api/v2/resources" in at.paths("plex_tv")
        kept = at.home / "plex-server-token"
        assert kept.stat().st_mode & 0o777 == 0o600
        kept.write_text("server's own")
    async with serving(tmp_path, environment={"PLEX_TOKEN": ""}) as at:
        await at.refusal("get_libraries")
        await at.refusal("get_watchlist")
        assert at.sent()[-1].headers["x-plex-token"] == "server's own"
        assert at.sent("discover")[-1].headers["x-plex-token"] == (at.home / "plex-token").read_text()
        assert (await at.call("clear_auth"))["removed"] is True
        assert not list(at.home.glob("plex-*"))


async def test_a_pin_that_has_expired_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    async with serving(tmp_path, approve=False, environment={"PLEX_TOKEN": ""}) as at:
        await at.call("authenticate_plex")
        at.box.advance(3600)
        said = await at.refusal("check_auth_status")
        assert said == "That PIN has expired, or plex.tv does not know it. Call authenticate_plex for a new one."
        assert (await at.call("check_auth_status"))["status"] == "not_signed_in"


async def test_a_token_that_the_server_refuses_is_told_from_none(tmp_path: Path) -> None:
    async with serving(tmp_path, environment={"PLEX_TOKEN": "wrong-token"}) as at:
        status = await at.call("check_auth_status")
        assert (status["status"], status["tokenFrom"], status["server"]) == ("not_signed_in", "PLEX_TOKEN", "refuses")
        said = await at.call("clear_auth")
        assert "PLEX_TOKEN is set and stays in force" in said["message"]


async def test_no_address_differs_from_a_server_that_is_not_there(tmp_path: Path) -> None:
    async with serving(tmp_path, environment={"PLEX_URL": ""}) as at:
        assert (await at.refusal("get_libraries")).startswith("PLEX_URL is not set.")
        status = await at.client.read_resource("plex://status")
        assert '"configured": false' in status.contents[0].text
    async with serving(tmp_path, environment={"PLEX_URL": "http://127.0.0.1:9"}) as at:
        said = await at.refusal("get_libraries")
        assert said.startswith("Plex cannot be reached at http://127.0.0.1:9.")
        assert said.endswith("Check PLEX_URL.")
        assert (await at.client.list_resources()).resources[0].uri == "plex://libraries"


async def test_the_watchlist_says_that_it_wants_an_account(tmp_path: Path) -> None:
    async with serving(tmp_path, environment={"PLEX_TOKEN": ""}) as at:
        assert "belongs to a Plex account" in await at.refusal("get_watchlist")
        assert at.sent("discover") == []


async def test_the_token_travels_in_the_header_and_every_installation_has_a_name_of_its_own(tmp_path: Path) -> None:
    names = set()
    for folder in ("a", "b", "a"):
        async with serving(tmp_path / folder) as at:
            await at.call("browse_libraries")
            (seen,) = at.sent()
            assert seen.headers["x-plex-token"] == at.box.plex_token
            assert list(seen.query) == []
            names.add(seen.headers["x-plex-client-identifier"])
    assert len(names) == 2


async def test_a_state_folder_that_cannot_be_used_is_said_by_every_tool_that_needs_it(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.write_text("a file")
    async with serving(tmp_path) as at:
        for name in ("get_libraries", "authenticate_plex", "check_auth_status", "clear_auth", "get_watchlist"):
            said = await at.refusal(name)
            assert said.startswith(f"The state folder {home} cannot be used: "), name
            assert "GATEPOST_MEDIA_HOME" in said
        assert at.box.requests == []


def test_a_name_of_the_installation_that_no_header_can_carry_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "client-identifier").write_bytes(b"caf\xc3\xa9\r\nX-Injected: yes")
    made = Settings.from_environment({"GATEPOST_MEDIA_HOME": str(tmp_path)}).client_identifier()
    assert len(made) == 36
    assert (tmp_path / "client-identifier").read_text() == made

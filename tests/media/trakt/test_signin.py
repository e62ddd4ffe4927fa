"""Signing in, staying signed in and signing out, against the sandbox's auth host."""

from __future__ import annotations

import asyncio
import stat
import sys
import time
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from gatepost_media.common.errors import MediaError, NotConfigured, NotSignedIn, Unreachable
from gatepost_media.common.http import Http
from gatepost_media.common.process import Process
from gatepost_media.sandbox import Sandbox
from gatepost_media.trakt.client import Trakt
from gatepost_media.trakt.tokens import Tokens, TokenStore
from tests.media.trakt.support import ask, connect, refused, settings, sign_in, text_of, to_auth, to_trakt

pytestmark = pytest.mark.anyio


def stale(box: Sandbox, home: Path) -> Tokens:
    """Leaves a sign-in whose access token is about to end."""
    tokens = replace(sign_in(box, home), expires_at=time.time() + 60)
    TokenStore(home).save(tokens)
    return tokens


def refreshes(box: Sandbox) -> int:
    return sum(seen.path == "/oauth/token" for seen in to_auth(box))


async def test_a_person_types_the_code_and_is_signed_in(tmp_path: Path) -> None:
    async with Sandbox(approve=False, device_interval=0) as box, connect(box, tmp_path, write=False) as client:
        assert (await ask(client, "check_auth_status"))["state"] == "not-signed-in"
        code = await ask(client, "start_device_auth")
        assert code["verification_url"].startswith(box.trakt_auth_url)
        assert (await ask(client, "check_auth_status"))["state"] == "pending"
        box.approve_device(code["user_code"])
        status = await ask(client, "check_auth_status")
        assert (status["signed_in"], status["state"], status["account"]) == (True, "signed-in", "sandbox")
        assert (await ask(client, "fetch_playback_progress"))["items"] == []
        assert stat.S_IMODE((tmp_path / "trakt-tokens.json").stat().st_mode) == 0o600
        assert not (tmp_path / "trakt-device.json").exists()


async def test_the_tools_that_sign_in_say_that_they_keep_something_and_that_they_do_not_only_read(
    tmp_path: Path,
) -> None:
    async with Sandbox(approve=False, device_interval=0) as box, connect(box, tmp_path, write=False) as client:
        listed = {tool.name: tool for tool in (await client.list_tools()).tools}
        for name, kept in (("start_device_auth", "trakt-device.json"), ("check_auth_status", "trakt-tokens.json")):
            tool = listed[name]
            assert tool.annotations is not None and tool.description is not None
            assert tool.annotations.read_only_hint is False
            assert tool.annotations.destructive_hint is False
            assert "private file of this server" in tool.description
            assert not (tmp_path / kept).exists()
            done = await ask(client, name)
            assert (tmp_path / kept).exists()
            if name == "start_device_auth":
                box.approve_device(done["user_code"])


async def test_a_sign_in_begun_by_one_server_is_finished_by_another(tmp_path: Path) -> None:
    async with Sandbox(approve=False, device_interval=0) as box:
        async with connect(box, tmp_path) as client:
            code = await ask(client, "start_device_auth")
        box.approve_device(code["user_code"])
        async with connect(box, tmp_path) as client:
            assert (await ask(client, "check_auth_status"))["signed_in"] is True


async def test_trakt_is_polled_no_faster_than_it_wants_to_be(tmp_path: Path) -> None:
    async with Sandbox(approve=False, device_interval=30) as box, connect(box, tmp_path) as client:
        await ask(client, "start_device_auth")
        asked = len(to_auth(box))
        status = await ask(client, "check_auth_status")
        assert status["state"] == "pending"
        assert 25 <= status["wait"] <= 30
        assert len(to_auth(box)) == asked


async def test_being_told_to_slow_down_makes_the_next_wait_longer(tmp_path: Path) -> None:
    async with Sandbox(approve=False, device_interval=0) as box, connect(box, tmp_path) as client:
        await ask(client, "start_device_auth")
        box.fault("trakt_auth", "429")
        status = await ask(client, "check_auth_status")
        assert (status["state"], status["wait"]) == ("pending", 5)


@pytest.mark.parametrize(
    ("status", "sentence"),
    [("404", "does not know"), ("409", "used already"), ("410", "has expired"), ("418", "refused")],
)
async def test_a_code_that_has_ended_is_an_error_and_leaves_an_earlier_sign_in_alone(
    tmp_path: Path, status: str, sentence: str
) -> None:
    async with Sandbox(approve=False, device_interval=0) as box, connect(box, tmp_path) as client:
        before = sign_in(box, tmp_path)
        await ask(client, "start_device_auth")
        box.fault("trakt_auth", status)
        said = await refused(client, "check_auth_status")
        assert sentence in said
        assert "start_device_auth" in said
        assert TokenStore(tmp_path).load() == before
        assert (await ask(client, "check_auth_status"))["account"] == "sandbox"


async def test_a_person_who_says_no_is_told_apart_from_a_code_that_grew_old(tmp_path: Path) -> None:
    async with Sandbox(approve=False, device_interval=0) as box, connect(box, tmp_path) as client:
        box.deny_device((await ask(client, "start_device_auth"))["user_code"])
        assert "refused at Trakt by the person" in await refused(client, "check_auth_status")
        await ask(client, "start_device_auth")
        box.advance(601)
        assert "expired" in await refused(client, "check_auth_status")
        assert (await ask(client, "check_auth_status"))["state"] == "not-signed-in"


async def test_without_an_application_nothing_is_asked_and_the_error_names_the_variables(tmp_path: Path) -> None:
    async with Sandbox() as box:
        without = replace(settings(box, tmp_path), trakt_client_id=None)
        with pytest.raises(NotConfigured, match="TRAKT_CLIENT_ID"):
            await Trakt(without, Http()).get(("movies", "boxoffice"))
        with pytest.raises(NotConfigured, match="TRAKT_CLIENT_SECRET"):
            await Trakt(replace(settings(box, tmp_path), trakt_client_secret=None), Http()).sign_in.start()
        assert box.requests == []


async def test_what_belongs_to_an_account_says_how_to_sign_in(tmp_path: Path) -> None:
    async with Sandbox() as box, connect(box, tmp_path) as client:
        assert "start_device_auth" in await refused(client, "fetch_playback_progress")
        assert to_trakt(box) == []


async def test_a_token_that_is_about_to_end_is_renewed_first_and_the_new_pair_is_kept(tmp_path: Path) -> None:
    async with Sandbox() as box, connect(box, tmp_path) as client:
        old = stale(box, tmp_path)
        await ask(client, "fetch_playback_progress")
        new = TokenStore(tmp_path).load()
        assert new is not None
        assert new.access_token != old.access_token
        assert new.refresh_token != old.refresh_token
        assert refreshes(box) == 1
        assert [seen.headers["authorization"] for seen in to_trakt(box)] == [f"Bearer {new.access_token}"]


async def test_a_token_that_trakt_ended_is_renewed_and_the_call_goes_through(tmp_path: Path) -> None:
    async with Sandbox() as box, connect(box, tmp_path) as client:
        sign_in(box, tmp_path)
        box.advance(8 * 86_400)
        await ask(client, "fetch_playback_progress")
        assert [seen.status for seen in to_trakt(box)] == [401, 200]
        assert refreshes(box) == 1


async def test_a_write_that_was_not_accepted_is_done_once_after_the_renewal(tmp_path: Path) -> None:
    async with Sandbox() as box, connect(box, tmp_path) as client:
        sign_in(box, tmp_path)
        box.advance(8 * 86_400)
        movie = box.works.by_kind["movie"][0]
        before = len(box.trakt.history())
        await ask(client, "add_to_history", history_type="movies", items=[{"slug": movie.slug}])
        assert len(box.trakt.history()) == before + 1


async def test_many_calls_at_once_renew_once(tmp_path: Path) -> None:
    async with Sandbox() as box, connect(box, tmp_path) as client:
        stale(box, tmp_path)
        await asyncio.gather(*(ask(client, "fetch_playback_progress") for _ in range(10)))
        assert refreshes(box) == 1


async def test_several_processes_renew_once_and_all_of_them_go_on(tmp_path: Path) -> None:
    program = (
        "import asyncio, sys\n"
        "from gatepost_media.common.http import Http\n"
        "from gatepost_media.common.settings import Settings\n"
        "from gatepost_media.trakt.client import Trakt\n"
        "async def main():\n"
        "    http = Http()\n"
        "    trakt = Trakt(Settings.from_environment(), http)\n"
        "    sys.stdin.readline()\n"
        "    print(await trakt.account())\n"
        "    await http.aclose()\n"
        "asyncio.run(main())\n"
    )
    async with Sandbox() as box:
        stale(box, tmp_path)
        environment = {**box.environment(), "GATEPOST_MEDIA_HOME": str(tmp_path)}
        pipe = asyncio.subprocess.PIPE
        processes = [
            await asyncio.create_subprocess_exec(
                sys.executable, "-c", program, stdin=pipe, stdout=pipe, env=environment
            )
            for _ in range(3)
        ]
        said = await asyncio.gather(*(each.communicate(b"go\n") for each in processes))
        assert [out for out, _ in said] == [b"sandbox\n"] * 3
        assert refreshes(box) == 1


async def test_a_refusal_to_renew_says_to_sign_in_and_leaves_the_pair_as_it_is(tmp_path: Path) -> None:
    async with Sandbox() as box, connect(box, tmp_path) as client:
        tokens = stale(box, tmp_path)
        box.trakt.refresh.clear()
        said = await refused(client, "fetch_playback_progress")
        assert "start_device_auth" in said
        assert tokens.refresh_token not in said
        assert TokenStore(tmp_path).load() == tokens
        assert to_trakt(box) == []


@pytest.mark.parametrize("kind", ["503", "500", "429", "cut"])
async def test_an_auth_host_that_is_out_of_order_leaves_the_pair_as_it_is(tmp_path: Path, kind: str) -> None:
    async with Sandbox() as box, connect(box, tmp_path) as client:
        tokens = stale(box, tmp_path)
        box.fault("trakt_auth", kind)
        said = await refused(client, "fetch_playback_progress")
        assert "Try again" in said
        assert TokenStore(tmp_path).load() == tokens


async def test_a_folder_that_cannot_be_written_is_found_out_before_the_refresh_token_is_spent(tmp_path: Path) -> None:
    async with Sandbox() as box:
        home = tmp_path / "home"
        stale(box, home)
        folder = home.stat().st_mode
        trakt = Trakt(settings(box, home), Http())
        (home / "trakt-tokens.lock").touch()
        home.chmod(0o500)
        try:
            if _may_write(home):
                home.chmod(folder)
                home.rename(tmp_path / "elsewhere")
                (tmp_path / "home").symlink_to("/proc")
                trakt = Trakt(settings(box, home), Http())
            with pytest.raises(MediaError):
                await trakt.account()
            assert refreshes(box) == 0
        finally:
            if not home.is_symlink():
                home.chmod(folder)


def _may_write(folder: Path) -> bool:
    """Whether modes mean nothing here, as for root."""
    try:
        (folder / "probe").touch()
    except OSError:
        return False
    (folder / "probe").unlink()
    return True


async def test_a_call_that_is_cancelled_while_it_renews_does_not_lose_the_new_pair(tmp_path: Path) -> None:
    async with Sandbox() as box:
        old = stale(box, tmp_path)
        http = Http()
        trakt = Trakt(settings(box, tmp_path), http)
        box.fault("trakt_auth", "slow", seconds=0.2)
        call = asyncio.create_task(trakt.account())
        while refreshes(box) == 0:
            await asyncio.sleep(0)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert await trakt.account() == "sandbox"
        new = TokenStore(tmp_path).load()
        assert new is not None
        assert new != old
        assert refreshes(box) == 1
        await http.aclose()


async def test_a_server_that_ends_while_it_renews_waits_for_the_new_pair(tmp_path: Path) -> None:
    async with Sandbox() as box:
        old = stale(box, tmp_path)
        process = Process(settings(box, tmp_path))
        box.fault("trakt_auth", "slow", seconds=0.2)
        call = asyncio.create_task(process.of(Trakt).account())
        while refreshes(box) == 0:
            await asyncio.sleep(0)
        call.cancel()
        await process.aclose()
        new = TokenStore(tmp_path).load()
        assert new is not None
        assert new != old
        assert box.trakt.signed_in(new.access_token)


async def test_signing_out_ends_the_sign_in_at_trakt_and_removes_the_files(tmp_path: Path) -> None:
    async with Sandbox() as box, connect(box, tmp_path) as client:
        tokens = sign_in(box, tmp_path)
        out = await ask(client, "clear_auth")
        assert (out["was_signed_in"], out["ended_at_trakt"]) == (True, True)
        assert not box.trakt.signed_in(tokens.access_token)
        assert TokenStore(tmp_path).load() is None
        assert (await ask(client, "clear_auth"))["was_signed_in"] is False


async def test_signing_out_removes_the_files_also_where_trakt_cannot_be_told(tmp_path: Path) -> None:
    async with Sandbox() as box, connect(box, tmp_path) as client:
        sign_in(box, tmp_path)
        box.fault("trakt_auth", "500")
        out = await ask(client, "clear_auth")
        assert (out["was_signed_in"], out["ended_at_trakt"]) == (True, False)
        assert "app.trakt.tv" in out["message"]
        assert TokenStore(tmp_path).load() is None


async def test_a_code_that_a_person_was_shown_signs_in_once(tmp_path: Path) -> None:
    async with Sandbox() as box:
        http = Http()
        trakt = Trakt(settings(box, tmp_path), http)
        url = trakt.sign_in.authorize_url("state-1")
        assert urlsplit(url).path == "/oauth/authorize"
        page = (await http.request("GET", url, service="Trakt")).text()
        code = page.split("<code>")[1].split("</code>")[0]
        await trakt.sign_in.exchange(code)
        assert await trakt.account() == "sandbox"
        with pytest.raises(NotSignedIn, match="Begin again"):
            await trakt.sign_in.exchange(code)
        assert await trakt.account() == "sandbox"
        await http.aclose()


async def test_no_secret_stands_in_any_reply_of_the_sign_in_tools(tmp_path: Path) -> None:
    async with Sandbox(approve=False, device_interval=0) as box, connect(box, tmp_path) as client:
        said = []
        begun = await client.call_tool("start_device_auth", {})
        said.append(text_of(begun))
        device = next(iter(box.trakt.codes))
        for approve in (False, True):
            if approve:
                assert begun.structured_content is not None
                box.approve_device(begun.structured_content["user_code"])
            said.append(text_of(await client.call_tool("check_auth_status", {})))
        tokens = TokenStore(tmp_path).load()
        assert tokens is not None
        said.append((await client.read_resource("trakt://user/auth/status")).contents[0].text)
        said.append(text_of(await client.call_tool("clear_auth", {})))
        for secret in (device, tokens.access_token, tokens.refresh_token, box.trakt_client_id, box.trakt_client_secret):
            assert secret not in "\n".join(said)
        assert not any(
            secret in f"{seen.path}?{seen.query}" for seen in box.requests for secret in (tokens.access_token,)
        )


async def test_a_lock_that_nobody_gives_back_ends_in_an_error_that_names_the_folder(tmp_path: Path) -> None:
    store = TokenStore(tmp_path)
    async with store.lock():
        with pytest.raises(Unreachable, match=str(tmp_path)):
            async with TokenStore(tmp_path, patience=0.0).lock():
                pass

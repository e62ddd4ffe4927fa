"""The Trakt client against the sandbox: pages, turns, what each status means, nothing done twice."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gatepost_media.common.errors import (
    MediaError,
    NotConfigured,
    NotFound,
    NotSignedIn,
    RateLimited,
    Refused,
    Unreachable,
)
from gatepost_media.common.http import Http
from gatepost_media.sandbox import Sandbox
from gatepost_media.trakt.client import PAGE_SIZE, Rows, Trakt
from gatepost_media.trakt.listing import stretch
from gatepost_media.trakt.refusals import AlreadyThere, OverLimit
from gatepost_media.trakt.tokens import TokenStore
from tests.media.trakt.support import settings, sign_in, to_trakt

pytestmark = pytest.mark.anyio

FILM = {"movie": {"ids": {"imdb": "tt0017925"}}}


@asynccontextmanager
async def using(home: Path, *, limits: bool = False, interval: float = 0.0) -> AsyncIterator[tuple[Sandbox, Trakt]]:
    """A signed-in client that waits for nothing but what is said."""
    async with Sandbox(limits=limits) as box:
        sign_in(box, home)
        http = Http(first_pause=0.0, patience=2.0)
        try:
            yield box, Trakt(settings(box, home), http, interval=interval)
        finally:
            await http.aclose()


def plays(box: Sandbox, count: int) -> None:
    """Puts so many plays into the history beside what is there."""
    movie = box.works.by_kind["movie"][0]
    box.trakt.watches.clear()
    for number in range(count):
        box.trakt.watch(movie, 1_700_000_000 + number * 60)


async def test_every_play_is_read_once_by_pages_of_250(tmp_path: Path) -> None:
    async with using(tmp_path) as (box, trakt):
        plays(box, 620)
        found = [play["id"] async for play in trakt.history("movies")]
        assert len(set(found)) == len(found) == 620
        assert [seen.query["page"] for seen in to_trakt(box)] == ["1", "2", "3"]
        assert {seen.query["limit"] for seen in to_trakt(box)} == {str(PAGE_SIZE)}


async def test_a_page_is_asked_for_only_when_its_rows_are_wanted(tmp_path: Path) -> None:
    async with using(tmp_path) as (box, trakt):
        plays(box, 620)
        async for _ in trakt.history():
            break
        assert len(to_trakt(box)) == 1


@pytest.mark.parametrize(("offset", "limit"), [(0, 100), (30, 100), (250, 100), (600, 100), (0, 100_0), (619, 1)])
async def test_any_stretch_of_a_list_comes_without_a_gap(tmp_path: Path, offset: int, limit: int) -> None:
    async with using(tmp_path) as (box, trakt):
        plays(box, 620)
        whole = [watch.id for watch in box.trakt.history()]
        found = await stretch(trakt, ("sync", "history"), offset=offset, limit=limit, auth=True)
        assert [each["id"] for each in found.items] == whole[offset : offset + limit]
        assert found.total == 620
        assert found.more == (offset + limit < 620)


async def test_if_a_page_fails_the_whole_fails_and_nothing_passes_for_all_of_it(tmp_path: Path) -> None:
    async with using(tmp_path) as (box, trakt):
        plays(box, 620)
        await trakt.rows(("sync", "history"), auth=True)
        box.fault("trakt", "cut", times=4)
        with pytest.raises(Unreachable):
            await stretch(trakt, ("sync", "history"), offset=250, limit=300, auth=True)
        box.fault("trakt", "500")
        with pytest.raises(Unreachable):
            await stretch(trakt, ("sync", "history"), offset=0, limit=600, auth=True)


def test_a_list_ends_at_an_empty_page_whatever_page_count_is_stated() -> None:
    assert Rows([], page=2, pages=14, total=1337).is_last
    assert not Rows([{}], page=2, pages=14, total=1337).is_last
    assert Rows([{}], page=14, pages=14, total=1337).is_last
    assert Rows([{}], page=1, pages=None, total=None).is_last


async def test_a_list_without_pages_is_cut_here_and_nothing_comes_twice(tmp_path: Path) -> None:
    async with using(tmp_path) as (box, trakt):
        path = ("shows", "the-beverly-hillbillies", "seasons")
        for offset, limit, numbers, more in ((0, 2, [0, 1], True), (1, 1, [1], True), (2, 5, [2], False)):
            found = await stretch(trakt, path, offset=offset, limit=limit)
            assert ([each["number"] for each in found.items], found.more, found.total) == (numbers, more, 3)
        box.forget_requests()
        assert [each["number"] async for each in trakt.every(path)] == [0, 1, 2]
        assert len(to_trakt(box)) == 1


async def test_a_read_that_is_refused_for_a_moment_is_asked_again(tmp_path: Path) -> None:
    async with using(tmp_path) as (box, trakt):
        box.fault("trakt", "503", times=2, seconds=0)
        assert await trakt.account() == "sandbox"
        assert [seen.status for seen in to_trakt(box)] == [503, 503, 200]


async def test_a_write_is_not_sent_again_when_it_is_unknown_whether_it_was_done(tmp_path: Path) -> None:
    async with using(tmp_path) as (box, trakt):
        for kind in ("503", "500", "cut"):
            box.forget_requests()
            box.fault("trakt", kind, seconds=0)
            with pytest.raises(Unreachable, match="may have been done all the same"):
                await trakt.scrobble("start", FILM, 10.0)
            assert len(to_trakt(box)) == 1


async def test_a_write_that_came_too_soon_waits_as_long_as_trakt_says_and_is_done_once(tmp_path: Path) -> None:
    async with using(tmp_path) as (box, trakt):
        before = len(box.trakt.history())
        box.fault("trakt", "429", seconds=0)
        await trakt.add_history({"movies": [FILM["movie"]]})
        assert [seen.status for seen in to_trakt(box)] == [429, 201]
        assert len(box.trakt.history()) == before + 1


async def test_a_wait_that_is_too_long_is_handed_to_the_caller(tmp_path: Path) -> None:
    async with using(tmp_path) as (box, trakt):
        box.fault("trakt", "429", seconds=300)
        with pytest.raises(RateLimited, match="300 seconds") as caught:
            await trakt.get(("movies", "boxoffice"))
        assert caught.value.retry_after == 300


async def test_two_writes_in_a_row_both_go_through_where_trakt_takes_one_a_second(tmp_path: Path) -> None:
    async with using(tmp_path, limits=True, interval=1.0) as (box, trakt):
        await trakt.scrobble("start", FILM, 10.0)
        await trakt.scrobble("pause", FILM, 20.0)
        assert [each.progress for each in box.trakt.places.values()] == [20.0]


@pytest.mark.parametrize(
    ("status", "error", "sentence"),
    [
        ("400", Refused, "could not read"),
        ("403", NotConfigured, "TRAKT_CLIENT_ID"),
        ("404", NotFound, "what is being watched"),
        ("412", Refused, "412"),
        ("420", OverLimit, "limit"),
        ("422", Refused, "does not accept the values"),
        ("423", Refused, "locked"),
        ("426", Refused, "VIP"),
        ("500", Unreachable, "failed over this request"),
        ("502", Unreachable, "502"),
        ("504", Unreachable, "504"),
        ("520", Unreachable, "Trakt's own network"),
        ("522", Unreachable, "Trakt's own network"),
        ("302", Refused, "redirect"),
    ],
)
async def test_each_status_has_its_own_error_that_says_what_to_do(
    tmp_path: Path, status: str, error: type[MediaError], sentence: str
) -> None:
    async with using(tmp_path) as (box, trakt):
        box.fault("trakt", status)
        with pytest.raises(error, match=sentence) as caught:
            await trakt.scrobble("start", FILM, 10.0)
        assert str(caught.value).endswith(".")
        assert len(to_trakt(box)) == 1


async def test_a_sign_in_that_stays_refused_after_it_was_renewed_is_an_error_and_is_kept(tmp_path: Path) -> None:
    async with using(tmp_path) as (box, trakt):
        box.fault("trakt", "401", times=2)
        with pytest.raises(NotSignedIn, match="Sign in"):
            await trakt.account()
        assert TokenStore(tmp_path).load() is not None


async def test_a_stop_past_eighty_percent_is_a_play_and_the_same_again_is_a_success_already_had(tmp_path: Path) -> None:
    async with using(tmp_path) as (box, trakt):
        before = len(box.trakt.history())
        await trakt.scrobble("start", FILM, 5.0)
        done = await trakt.scrobble("stop", FILM, 95.0)
        assert (done.action, done.already) == ("scrobble", False)
        assert done.history_id == box.trakt.history()[0].id
        again = await trakt.scrobble("stop", FILM, 95.0)
        assert (again.action, again.already, again.history_id) == ("scrobble", True, None)
        assert again.expires_at is not None
        assert len(box.trakt.history()) == before + 1


async def test_a_stop_before_eighty_percent_is_a_place_to_go_on_from(tmp_path: Path) -> None:
    async with using(tmp_path) as (_, trakt):
        done = await trakt.scrobble("stop", FILM, 42.5)
        assert done.action == "pause"
        assert [each["progress"] async for each in trakt.playback("movies")] == [42.5]
        with pytest.raises(Refused, match="422"):
            await trakt.scrobble("stop", FILM, 0.5)


async def test_what_is_refused_as_already_there_says_until_when(tmp_path: Path) -> None:
    async with using(tmp_path) as (_, trakt):
        await trakt.post(("checkin",), FILM)
        with pytest.raises(AlreadyThere) as caught:
            await trakt.post(("checkin",), FILM)
        assert caught.value.expires_at is not None
        assert caught.value.expires_at in str(caught.value)


async def test_watched_shows_come_with_their_episodes(tmp_path: Path) -> None:
    async with using(tmp_path) as (_, trakt):
        rows = [row async for row in trakt.watched("shows")]
        assert rows
        assert all(row["seasons"] for row in rows)


async def test_no_request_carries_a_secret_in_its_address_and_each_names_the_version(tmp_path: Path) -> None:
    async with using(tmp_path) as (box, trakt):
        tokens = TokenStore(tmp_path).load()
        assert tokens is not None
        await trakt.account()
        await trakt.get(("users", "settings"), auth=True)
        for seen in box.requests:
            assert seen.headers["trakt-api-version"] == "2"
            assert seen.headers["trakt-api-key"] == box.trakt_client_id
            assert seen.headers["user-agent"].startswith("gatepost-media/")
            assert not any(
                value in seen.path + str(seen.query) for value in (tokens.access_token, tokens.refresh_token)
            )


async def test_an_answer_that_is_no_json_is_an_error_of_its_own(tmp_path: Path) -> None:
    async with using(tmp_path) as (box, trakt):
        box.fault("trakt", "200")
        with pytest.raises(Refused, match="not JSON"):
            await trakt.get(("movies", "boxoffice"))


async def test_nothing_of_the_tokens_is_left_in_the_folder_but_in_their_file(tmp_path: Path) -> None:
    async with using(tmp_path) as (_, trakt):
        await trakt.scrobble("start", FILM, 5.0)
        tokens = TokenStore(tmp_path).load()
        assert tokens is not None
        holders = {each.name for each in tmp_path.iterdir() if tokens.access_token.encode() in each.read_bytes()}
        assert holders == {"trakt-tokens.json"}
        assert {each.name for each in tmp_path.iterdir()} <= {
            "trakt-tokens.json", "trakt-tokens.lock", "trakt-writes", "trakt-writes.lock"
        }  # fmt: skip
        assert time.time() < tokens.expires_at

"""What the tools do to an account: plays, places, ratings, watchlist, check-in. Each change seen in the sandbox."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from mcp import Client

from gatepost_media.common.http import Http
from gatepost_media.sandbox import Sandbox
from tests.media.trakt.support import ask, connect, refused, sign_in, to_trakt

pytestmark = pytest.mark.anyio

GENERAL = "the-general-1926"
HILLBILLIES = "the-beverly-hillbillies"


@asynccontextmanager
async def account(home: Path) -> AsyncIterator[tuple[Sandbox, Client]]:
    """A signed-in client that may write."""
    async with Sandbox() as box, connect(box, home) as client:
        sign_in(box, home)
        yield box, client


async def test_paused_items_are_shown_with_their_percentage_by_kind_and_can_be_forgotten(tmp_path: Path) -> None:
    async with account(tmp_path) as (box, client):
        film, episode = box.works.by_kind["movie"][0], box.works.by_kind["episode"][1]
        for work, progress in ((film, 42.5), (episode, 7.0)):
            await _pause(box, {work.kind: {"ids": {"trakt": work.trakt}}, "progress": progress})
        both = (await ask(client, "fetch_playback_progress"))["items"]
        assert {(each["type"], each["progress"]) for each in both} == {("movie", 42.5), ("episode", 7.0)}
        films = (await ask(client, "fetch_playback_progress", playback_type="movies"))["items"]
        assert [(each["title"], each["slug"], each["year"]) for each in films] == [(film.title, film.slug, film.year)]
        done = await ask(client, "remove_playback_item", playback_id=films[0]["id"])
        assert done["done"] is True
        assert (await ask(client, "fetch_playback_progress", playback_type="movies"))["items"] == []
        assert "404" in await refused(client, "remove_playback_item", playback_id=films[0]["id"])


async def _pause(box: Sandbox, body: object) -> None:
    http = Http()
    token = box.trakt.sign_in().access
    headers = {"authorization": f"Bearer {token}", "trakt-api-key": box.trakt_client_id, "trakt-api-version": "2"}
    await http.request("POST", f"{box.trakt_api_url}/scrobble/pause", json=body, headers=headers, service="Trakt")
    await http.aclose()


async def test_a_film_marked_as_watched_is_a_play_at_its_time_and_can_be_unmarked(tmp_path: Path) -> None:
    async with account(tmp_path) as (_, client):
        items = [{"slug": GENERAL, "watched_at": "2026-11-01T20:00:00Z"}]
        added = await ask(client, "add_to_history", history_type="movies", items=items)
        assert added["added"]["movies"] == 1
        assert added["not_found"] == []
        plays = await ask(client, "fetch_history", history_type="movies", start_at="2026-11-01", end_at="2026-11-02")
        assert [(each["slug"], each["watched_at"]) for each in plays["items"]] == [
            (GENERAL, "2026-11-01T20:00:00.000Z")
        ]
        item_id = str(plays["items"][0]["trakt_id"])
        own = await ask(client, "fetch_history", history_type="movies", item_id=item_id)
        assert {each["slug"] for each in own["items"]} == {GENERAL}
        removed = await ask(client, "remove_from_history", history_type="movies", items=[{"slug": GENERAL}])
        assert removed["deleted"]["movies"] == own["totalSize"]
        assert (await ask(client, "fetch_history", history_type="movies", item_id=item_id))["items"] == []


async def test_what_trakt_does_not_know_is_named_in_the_reply(tmp_path: Path) -> None:
    async with account(tmp_path) as (_, client):
        items = [{"slug": GENERAL}, {"imdb_id": "tt9999999"}, {"title": "No Such Film", "year": 1901}]
        added = await ask(client, "add_to_history", history_type="movies", items=items)
        assert added["added"]["movies"] == 1
        assert len(added["not_found"]) == 2
        assert "tt9999999" in " ".join(added["not_found"])
        assert "does not know 2" in added["message"]


async def test_ratings_are_given_found_by_score_replaced_and_taken_back(tmp_path: Path) -> None:
    async with account(tmp_path) as (_, client):
        await ask(client, "add_user_ratings", rating_type="movies", items=[{"imdb_id": "tt0017925", "rating": 3}])
        threes = (await ask(client, "fetch_user_ratings", rating=3))["items"]
        assert [(each["imdb_id"], each["rating"]) for each in threes] == [("tt0017925", 3)]
        await ask(client, "add_user_ratings", rating_type="movies", items=[{"imdb_id": "tt0017925", "rating": 10}])
        assert (await ask(client, "fetch_user_ratings", rating=3))["items"] == []
        gone = await ask(client, "remove_user_ratings", rating_type="movies", items=[{"imdb_id": "tt0017925"}])
        assert gone["deleted"]["movies"] == 1
        assert "tt0017925" not in {each["imdb_id"] for each in (await ask(client, "fetch_user_ratings"))["items"]}


async def test_the_watchlist_takes_a_title_once_and_gives_it_back(tmp_path: Path) -> None:
    async with account(tmp_path) as (_, client):
        films = [{"slug": GENERAL}]
        first = await ask(client, "add_user_watchlist", watchlist_type="movies", items=films)
        again = await ask(client, "add_user_watchlist", watchlist_type="movies", items=films)
        assert (first["added"]["movies"], again["added"]["movies"], again["existing"]["movies"]) == (1, 0, 1)
        assert GENERAL in {each.get("slug") for each in (await ask(client, "fetch_user_watchlist"))["items"]}
        await ask(client, "remove_user_watchlist", watchlist_type="movies", items=films)
        left = await ask(client, "fetch_user_watchlist", watchlist_type="movies", sort_by="title", sort_how="desc")
        titles = [each["title"] for each in left["items"]]
        assert GENERAL not in {each["slug"] for each in left["items"]}
        assert titles == sorted(titles, reverse=True)


async def test_watched_and_collected_things_are_read_page_by_page(tmp_path: Path) -> None:
    async with account(tmp_path) as (_, client):
        whole = (await ask(client, "fetch_user_watched_movies"))["items"]
        found, cursor = [], None
        while True:
            reply = await ask(client, "fetch_user_watched_movies", limit=1, **({"cursor": cursor} if cursor else {}))
            found += reply["items"]
            cursor = reply.get("nextCursor")
            if cursor is None:
                break
        assert found == whole
        assert len(found) > 1
        assert all(each["plays"] >= 1 for each in (await ask(client, "fetch_user_watched_shows"))["items"])
        assert (await ask(client, "fetch_collection"))["items"]


async def test_one_check_in_at_a_time_shared_nowhere_unless_asked_and_cancelled(tmp_path: Path) -> None:
    async with account(tmp_path) as (box, client):
        made = await ask(client, "checkin_to_show", show_id=HILLBILLIES, season=1, episode=2)
        assert (made["season"], made["episode"]) == (1, 2)
        sent = to_trakt(box)[-1].json()
        assert isinstance(sent, dict)
        assert sent["sharing"] == {"twitter": False, "mastodon": False, "tumblr": False}
        assert sent["show"] == {"ids": {"slug": HILLBILLIES}}
        said = await refused(client, "checkin_to_movie", movie_id="tt0017925")
        assert "Another check-in is in progress until 2" in said
        await ask(client, "cancel_checkin")
        await ask(client, "cancel_checkin")
        again = await ask(client, "checkin_to_movie", movie_id="tt0017925", message="At last", share_mastodon=True)
        assert again["title"] == "The General"
        sent = to_trakt(box)[-1].json()
        assert isinstance(sent, dict)
        assert (sent["message"], sent["sharing"]["mastodon"]) == ("At last", True)


async def test_a_full_account_is_told_apart_and_nothing_passes_for_added(tmp_path: Path) -> None:
    async with account(tmp_path) as (box, client):
        box.fault("trakt", "420")
        said = await refused(client, "add_user_watchlist", watchlist_type="movies", items=[{"slug": GENERAL}])
        assert "limit" in said
        assert "nothing was added" in said


async def test_without_write_nothing_that_changes_an_account_is_listed_or_done(tmp_path: Path) -> None:
    async with Sandbox() as box, connect(box, tmp_path, write=False) as client:
        sign_in(box, tmp_path)
        listed = {tool.name for tool in (await client.list_tools()).tools}
        for name in ("add_to_history", "checkin_to_movie", "remove_playback_item", "create_list"):
            assert name not in listed
        said = await refused(client, "add_to_history", history_type="movies", items=[{"slug": GENERAL}])
        assert "--write" in said
        assert to_trakt(box) == []


async def test_a_whole_show_is_a_play_of_each_episode_but_its_specials_and_is_taken_back_with_them(
    tmp_path: Path,
) -> None:
    async with account(tmp_path) as (box, client):
        show = box.works.by_key[2001]
        box.trakt.watches.clear()
        items = [{"slug": HILLBILLIES, "watched_at": "2026-11-01T20:00:00Z"}]
        heard: list[float] = []

        async def hear(progress: float, _total: float | None, _message: str | None) -> None:
            heard.append(progress)

        arguments = {"history_type": "shows", "items": items}
        result = await client.call_tool("add_to_history", arguments, progress_callback=hear)
        assert not result.is_error
        assert heard
        regular = [episode for season in show.children if season.index for episode in season.children]
        plays = box.trakt.history()
        assert {play.work for play in plays} == set(regular)
        assert len(plays) == len(regular)
        assert {play.at for play in plays} == {1_793_563_200}
        box.trakt.watch(show.children[0].children[0], 1_700_000_000)
        await ask(client, "remove_from_history", history_type="shows", items=[{"imdb_id": "tt0055662"}])
        assert [play for play in box.trakt.history() if play.work.show is show] == []


@pytest.mark.parametrize(
    "named", [{"tvdb_id": "71471"}, {"tmdb_id": 1930}, {"title": "the beverly hillbillies", "year": 1962}]
)
async def test_a_show_is_found_by_foreign_ids_and_by_title_and_year(tmp_path: Path, named: dict[str, object]) -> None:
    async with account(tmp_path) as (_, client):
        added = await ask(client, "add_to_history", history_type="shows", items=[named])
        assert added["added"]["episodes"] == 14


async def test_a_show_that_trakt_does_not_know_is_named_and_the_others_are_done(tmp_path: Path) -> None:
    async with account(tmp_path) as (_, client):
        items = [{"title": "No Such Show", "year": 1950}, {"slug": "nor-this-one"}, {"slug": HILLBILLIES}]
        added = await ask(client, "add_to_history", history_type="shows", items=items)
        assert added["added"]["episodes"] == 14
        assert len(added["not_found"]) == 2


async def test_if_a_show_fails_half_way_the_error_says_what_was_done(tmp_path: Path) -> None:
    async with account(tmp_path) as (box, client):
        box.trakt.watches.clear()
        shows = [{"slug": HILLBILLIES}, {"slug": box.works.by_key[2020].slug}]
        box.fault("trakt", "slow", path="/sync/history", seconds=0)  # the first goes through
        box.fault("trakt", "500", path="/sync/history")
        said = await refused(client, "add_to_history", history_type="shows", items=shows)
        assert "1 of 2 requests were done: Added 14 episodes" in said
        assert len(box.trakt.history()) == 14


async def test_progress_in_a_show_counts_and_names_the_next_episode(tmp_path: Path) -> None:
    async with account(tmp_path) as (box, client):
        box.trakt.watches.clear()
        box.trakt.watch(box.works.by_key[2005], 1_700_000_000)
        found = await ask(client, "fetch_show_progress", show_id=HILLBILLIES)
        assert (found["aired"], found["completed"]) == (14, 1)
        assert (found["next_episode"]["season"], found["next_episode"]["number"]) == (1, 2)
        assert all("episodes" not in season for season in found["seasons"])
        told = await ask(client, "fetch_show_progress", show_id=HILLBILLIES, verbose=True)
        first = told["seasons"][0]["episodes"][0]
        assert (first["number"], first["completed"]) == (1, True)


async def test_a_refusal_in_the_middle_of_a_long_addition_says_why_and_how_far_it_came(tmp_path: Path) -> None:
    async with account(tmp_path) as (box, client):
        box.fault("trakt", "slow", 1, path="/sync/history", method="POST", seconds=0)  # the first is done
        box.fault("trakt", "420", 1, path="/sync/history", method="POST")
        shows = [{"slug": HILLBILLIES}, {"slug": "sherlock-holmes"}]
        said = await refused(client, "add_to_history", history_type="shows", items=shows)
        assert "limit" in said and "(420)" in said
        assert "Before that, 1 of 2 requests were done: Added" in said


async def test_a_list_that_is_not_there_is_named(tmp_path: Path) -> None:
    async with account(tmp_path) as (_, client):
        for tool in ("add_list_items", "remove_list_items"):
            said = await refused(client, tool, list_id="nowhere", item_type="movies", items=[{"slug": GENERAL}])
            assert "the list nowhere (404)" in said


async def test_a_list_is_made_filled_read_and_emptied(tmp_path: Path) -> None:
    async with account(tmp_path) as (_, client):
        made = await ask(client, "create_list", name="Silent films", privacy="friends")
        items = [{"imdb_id": "tt0017925"}, {"imdb_id": "tt9999999"}]
        added = await ask(client, "add_list_items", list_id=made["slug"], item_type="movies", items=items)
        assert (added["added"]["movies"], len(added["not_found"])) == (1, 1)
        on_it = await ask(client, "fetch_list_items", list_id=made["slug"])
        assert [row["slug"] for row in on_it["items"]] == [GENERAL]
        assert made["slug"] in {row["slug"] for row in (await ask(client, "fetch_lists"))["items"]}
        await ask(client, "remove_list_items", list_id=made["slug"], item_type="movies", items=items[:1])
        assert (await ask(client, "fetch_list_items", list_id=made["slug"]))["items"] == []


async def test_a_hidden_recommendation_comes_back_when_it_is_unhidden(tmp_path: Path) -> None:
    async with account(tmp_path) as (_, client):

        async def recommended() -> set[str]:
            rows = (await ask(client, "fetch_movie_recommendations", limit=100, ignore_collected=False))["items"]
            return {row["slug"] for row in rows}

        film = sorted(await recommended())[0]
        await ask(client, "hide_movie_recommendation", movie_id=film)
        assert film not in await recommended()
        assert (await ask(client, "unhide_movie_recommendation", movie_id=film))["done"] is True
        assert film in await recommended()
        again = await ask(client, "unhide_movie_recommendation", movie_id=film)
        assert again["done"] is False


async def test_what_comes_next_ends_where_it_ends_whatever_length_trakt_states(tmp_path: Path) -> None:
    async with account(tmp_path) as (box, client):
        box.trakt.watches.clear()
        box.trakt.watch(box.works.by_key[2005], 1_700_000_000)
        found = await ask(client, "fetch_up_next", limit=1)
        assert [(row["slug"], row["next_episode"]["number"]) for row in found["items"]] == [(HILLBILLIES, 2)]
        assert "totalSize" not in found
        if "nextCursor" in found:  # where the page count is made up as well
            rest = await ask(client, "fetch_up_next", limit=1, cursor=found["nextCursor"])
            assert rest["items"] == []
            assert "nextCursor" not in rest


async def test_a_sign_in_lost_between_trakt_and_here_says_to_sign_in_again_and_nothing_else_is_lost(
    tmp_path: Path,
) -> None:
    async with account(tmp_path) as (box, client):
        box.advance(8 * 86_400)
        box.fault("trakt_auth", "cut")  # the refresh token is spent, its answer does not arrive
        assert "Try again" in await refused(client, "fetch_history")
        assert "start_device_auth" in await refused(client, "fetch_history")
        assert (await ask(client, "fetch_trending_movies"))["items"]

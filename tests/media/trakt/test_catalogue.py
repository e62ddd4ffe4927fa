"""What is told of movies, shows and people: values of the sandbox, pages without gaps, spoilers out of sight."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from gatepost_media.sandbox import Sandbox
from gatepost_media.trakt.tools.comments import HIDDEN
from tests.media.trakt.support import ask, connect, refused, to_trakt

pytestmark = pytest.mark.anyio

FILM, SHOW = "the-general-1926", "the-beverly-hillbillies"


async def every(client: Client, tool: str, **arguments: Any) -> list[dict[str, Any]]:
    """All rows of a list, by its cursors."""
    rows: list[dict[str, Any]] = []
    cursor: dict[str, Any] = {}
    while True:
        reply = await ask(client, tool, **arguments, **cursor)
        rows += reply["items"]
        if "nextCursor" not in reply:
            return rows
        assert reply["items"]
        cursor = {"cursor": reply["nextCursor"]}


@pytest.mark.parametrize("film", [FILM, "tt0017925", "5001001"])
async def test_a_film_is_found_by_slug_imdb_id_and_trakt_id(tmp_path: Path, film: str) -> None:
    async with Sandbox() as box, connect(box, tmp_path) as client:
        found = await ask(client, "fetch_movie_summary", movie_id=film)
        assert (found["title"], found["year"], found["imdb_id"]) == ("The General", 1926, "tt0017925")
        assert found["overview"]
        brief = await ask(client, "fetch_movie_summary", movie_id=film, extended=False)
        assert "overview" not in brief


async def test_a_number_is_taken_where_an_id_is_asked_for(tmp_path: Path) -> None:
    async with Sandbox() as box, connect(box, tmp_path) as client:
        assert (await ask(client, "fetch_movie_summary", movie_id=5001001))["slug"] == FILM


async def test_what_trakt_does_not_know_is_an_error_that_names_it(tmp_path: Path) -> None:
    async with Sandbox() as box, connect(box, tmp_path) as client:
        for tool, argument in (("fetch_movie_summary", "movie_id"), ("fetch_show_ratings", "show_id")):
            assert "no-such-thing" in await refused(client, tool, **{argument: "no-such-thing"})
        said = await refused(client, "fetch_episode_summary", show_id=SHOW, season=99, episode=1)
        assert "episode 1 of season 99" in said


async def test_a_chart_is_read_in_any_steps_without_a_gap(tmp_path: Path) -> None:
    async with Sandbox() as box, connect(box, tmp_path) as client:
        whole = (await ask(client, "fetch_popular_movies", limit=0))["items"]
        assert await every(client, "fetch_popular_movies", limit=7) == whole
        second = await ask(client, "fetch_popular_movies", limit=7, page=2)
        assert second["items"] == whole[7:14]
        assert second["offset"] == 7


async def test_a_reply_is_cut_to_its_bound_and_goes_on_where_it_was_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Sandbox() as box:
        monkeypatch.setattr(box, "environment", _short_replies(box))
        async with connect(box, tmp_path) as client:
            first = await ask(client, "fetch_popular_movies", limit=50)
            assert 0 < len(first["items"]) < 50
            whole = await every(client, "fetch_popular_movies", limit=50)
            assert len({row["slug"] for row in whole}) == len(whole) == first["totalSize"]


def _short_replies(box: Sandbox) -> Any:
    plain = box.environment()
    return lambda: {**plain, "GATEPOST_MEDIA_REPLY_TOKENS": "1000"}


async def test_spoilers_are_hidden_in_their_place_unless_asked_for(tmp_path: Path) -> None:
    async with Sandbox() as box, connect(box, tmp_path) as client:
        spoiler = next(each for each in box.trakt.comments if each.spoiler)
        kind = spoiler.work.kind
        arguments = {f"{kind}_id": spoiler.work.slug}
        shown = await ask(client, f"fetch_{kind}_comments", **arguments, show_spoilers=True)
        hidden = await ask(client, f"fetch_{kind}_comments", **arguments)
        assert [row["id"] for row in shown["items"]] == [row["id"] for row in hidden["items"]]
        texts = {row["id"]: row["comment"] for row in hidden["items"]}
        assert texts[spoiler.id] == HIDDEN
        assert (await ask(client, "fetch_comment", comment_id=str(spoiler.id)))["comment"] == HIDDEN
        told = await ask(client, "fetch_comment", comment_id=str(spoiler.id), show_spoilers=True)
        assert told["comment"] == spoiler.text


async def test_replies_come_with_the_comment_they_answer(tmp_path: Path) -> None:
    async with Sandbox() as box, connect(box, tmp_path) as client:
        answer = next(each for each in box.trakt.comments if each.parent)
        found = await ask(client, "fetch_comment_replies", comment_id=str(answer.parent))
        assert found["to"]["id"] == answer.parent
        assert answer.id in [row["id"] for row in found["items"]]


async def test_a_search_takes_every_character_as_it_is(tmp_path: Path) -> None:
    async with Sandbox() as box, connect(box, tmp_path) as client:
        await client.call_tool("search_movies", {"query": '../sync?x=1&y#z (2) "q" + é'})
        seen = to_trakt(box)[-1]
        assert seen.path == "/search/movie"
        assert seen.query["query"].replace("\\", "") == '../sync?x=1&y#z (2) "q" + é'
        found = (await ask(client, "search_movies", query="general"))["items"]
        assert found[0]["slug"] == FILM


async def test_an_id_of_imdb_leads_to_all_the_others(tmp_path: Path) -> None:
    async with Sandbox() as box, connect(box, tmp_path) as client:
        found = (await ask(client, "lookup_id", id_type="imdb", id="tt0055662"))["items"]
        assert [(row["type"], row["slug"]) for row in found] == [("show", SHOW)]
        assert (await ask(client, "lookup_id", id_type="tvdb", id="71471", type="show"))["items"][0]["slug"] == SHOW


async def test_cast_and_crew_are_one_list_with_departments(tmp_path: Path) -> None:
    async with Sandbox() as box, connect(box, tmp_path) as client:
        work = box.works.by_key[2001]
        found = await every(client, "fetch_show_people", show_id=SHOW, include_guest_stars=True)
        cast = {(row["name"], row["parts"][0]) for row in found if row["department"] == "cast"}
        assert cast >= {(person.name, part) for person, part in work.about.cast}
        assert any(row["department"] not in ("cast", "guest stars") for row in found)
        person = str(work.about.cast[0][0].trakt)
        parts = await ask(client, "fetch_person_shows", person_id=person)
        assert parts["name"] == work.about.cast[0][0].name
        assert SHOW in {row["slug"] for row in parts["items"]}


async def test_seasons_and_episodes_agree_with_each_other_specials_among_them(tmp_path: Path) -> None:
    async with Sandbox() as box, connect(box, tmp_path) as client:
        seasons = (await ask(client, "fetch_show_seasons", show_id=SHOW))["items"]
        assert [row["number"] for row in seasons] == [0, 1, 2]
        for season in seasons:
            episodes = (await ask(client, "fetch_season_episodes", show_id=SHOW, season=season["number"]))["items"]
            assert len(episodes) == season["episode_count"]
            info = await ask(client, "fetch_season_info", show_id=SHOW, season=season["number"])
            assert info["number"] == season["number"]
        summary = await ask(client, "fetch_episode_summary", show_id=SHOW, season=1, episode=2)
        assert (summary["season"], summary["number"]) == (1, 2)


async def test_a_page_that_fails_fails_the_call(tmp_path: Path) -> None:
    async with Sandbox() as box, connect(box, tmp_path) as client:
        box.fault("trakt", "500", path="/movies/popular")
        assert "Try again" in await refused(client, "fetch_popular_movies")
        box.fault("trakt", "500", path=f"/shows/{SHOW}/ratings")
        assert "Try again" in await refused(client, "fetch_show_ratings", show_id=SHOW)


async def test_what_is_public_needs_no_sign_in_and_sends_no_token(tmp_path: Path) -> None:
    async with Sandbox() as box, connect(box, tmp_path) as client:
        await ask(client, "fetch_calendar", mine=False, calendar_type="movies", start_date="2026-11-21", days=1)
        assert to_trakt(box)[-1].path == "/calendars/all/movies/2026-11-21/1"
        await ask(client, "fetch_trending_shows")
        assert all("authorization" not in seen.headers for seen in to_trakt(box))
        assert "start_device_auth" in await refused(client, "fetch_calendar")

"""Sonarr and Radarr through a real client, against the sandbox's."""

from __future__ import annotations

import datetime
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from gatepost_media.sandbox import Sandbox
from tests.media.sync.support import ask, connect, refused

pytestmark = pytest.mark.anyio

FAUST, METROPOLIS = 1046, 1003


@asynccontextmanager
async def server(home: Path, **environment: str) -> AsyncIterator[tuple[Sandbox, Client]]:
    async with Sandbox() as box, connect(box, home, **environment) as client:
        yield box, client


def titles(page: dict[str, Any]) -> list[str]:
    return [each["title"] for each in page["items"]]


async def test_series_and_films_are_listed_by_title_and_filtered_in_any_case(tmp_path: Path) -> None:
    async with server(tmp_path) as (_, client):
        series = await ask(client, "sonarr_get_series")
        assert {"The Beverly Hillbillies", "One Step Beyond"} <= set(titles(series))
        assert titles(await ask(client, "sonarr_get_series", filter="STEP b")) == ["One Step Beyond"]
        films = await ask(client, "radarr_get_movies", limit=3)
        assert len(films["items"]) == 3 and films["items"][0]["inLibrary"] is True
        everything = titles(await ask(client, "radarr_get_movies", limit=0))
        assert len(everything) == 15 and "Metropolis" in everything
        assert titles(await ask(client, "radarr_get_movies", filter="metropolis")) == ["Metropolis"]


async def test_a_film_is_found_added_with_the_first_profile_and_folder_and_searched_for(tmp_path: Path) -> None:
    async with server(tmp_path) as (box, client):
        found = await ask(client, "radarr_search", query="detour")
        film = next(each for each in found["items"] if not each["inLibrary"])
        made = await ask(client, "radarr_add_movie", tmdbId=film["tmdbId"], title=film["title"])
        assert (made["added"], made["qualityProfile"], made["rootFolder"], made["searching"]) == (
            True,
            "Any",
            "/movies",
            True,
        )
        assert made["movie"]["id"] == 16 and made["movie"]["monitored"] is True
        again = await ask(client, "radarr_add_movie", tmdbId=film["tmdbId"], title=film["title"])
        assert (again["added"], again["movie"]["id"], again["searching"]) == (False, 16, False)
        assert sum(seen.method == "POST" for seen in box.requests) == 1


async def test_a_series_is_added_as_it_was_asked_for(tmp_path: Path) -> None:
    async with server(tmp_path) as (box, client):
        found = await ask(client, "sonarr_search", query="sherlock")
        series = next(each for each in found["items"] if not each["inLibrary"])
        profiles = await ask(client, "sonarr_get_profiles")
        made = await ask(
            client,
            "sonarr_add_series",
            tvdbId=series["tvdbId"],
            title=series["title"],
            qualityProfileId=profiles["qualityProfiles"][1]["id"],
            rootFolderPath=profiles["rootFolders"][0]["path"] + "/",
            monitored=False,
            monitorType="none",
            searchForMissingEpisodes=False,
        )
        assert (made["added"], made["qualityProfile"], made["searching"]) == (True, "HD-1080p", False)
        body = next(seen.json() for seen in box.requests if seen.method == "POST")
        assert isinstance(body, dict)
        assert body["addOptions"] == {"monitor": "none", "searchForMissingEpisodes": False}
        assert (body["monitored"], body["seasonFolder"], body["rootFolderPath"]) == (False, True, "/tv")
        assert body["titleSlug"] and body["seasons"]  # what Sonarr needs stands in what it found, not in the call


async def test_a_profile_a_folder_or_an_id_that_is_not_there_is_named_and_nothing_is_added(tmp_path: Path) -> None:
    async with server(tmp_path) as (box, client):
        film = {"tmdbId": 10331, "title": "Detour"}
        found = await ask(client, "radarr_search", query="detour")
        film["tmdbId"] = next(each["tmdbId"] for each in found["items"] if not each["inLibrary"])
        said = await refused(client, "radarr_add_movie", **film, qualityProfileId=77)
        assert said.startswith("qualityProfileId: ") and "4 (HD-1080p)" in said
        said = await refused(client, "radarr_add_movie", **film, rootFolderPath="/etc")
        assert said.startswith("rootFolderPath: ") and "/movies" in said
        assert "radarr_search" in await refused(client, "radarr_add_movie", tmdbId=2_000_000_000, title="Nothing")
        assert "sonarr_search" in await refused(client, "sonarr_add_series", tvdbId=2_000_000_000, title="Nothing")
        assert not any(seen.method == "POST" for seen in box.requests)


async def test_what_is_missing_comes_page_by_page(tmp_path: Path) -> None:
    async with server(tmp_path) as (_, client):
        every = await ask(client, "sonarr_get_missing")
        assert every["totalSize"] == len(every["items"]) > 1
        assert every["items"][0]["series"]
        second = await ask(client, "sonarr_get_missing", page=2, pageSize=1)
        assert titles(second) == [titles(every)[1]] and second["offset"] == 1
        third = await ask(client, "sonarr_get_missing", pageSize=1)
        following = await ask(client, "sonarr_get_missing", pageSize=1, cursor=third["nextCursor"])
        assert following["items"] == second["items"]
        films = await ask(client, "radarr_get_missing")
        assert "Faust" in titles(films) and all(each["hasFile"] is False for each in films["items"])


async def test_the_queue_says_how_far_a_download_is(tmp_path: Path) -> None:
    async with server(tmp_path) as (_, client):
        films = await ask(client, "radarr_get_queue")
        assert films["items"][0]["of"] == "Faust" and films["items"][0]["progress"] == 50.0
        assert (await ask(client, "sonarr_get_queue", limit=1))["totalSize"] <= 1


async def test_the_calendar_covers_both_days_and_refuses_an_end_before_the_start(tmp_path: Path) -> None:
    async with server(tmp_path) as (box, client):
        assert titles(await ask(client, "radarr_get_calendar")) == ["Generated Premiere"]
        coming = await ask(client, "sonarr_get_calendar")
        assert coming["items"] and coming["items"][0]["series"] == "Generated Test Card"
        day = box.plex.works.by_key[1900].released
        assert titles(await ask(client, "radarr_get_calendar", startDate=day, endDate=day)) == ["Generated Premiere"]
        before = (datetime.date.fromisoformat(day) - datetime.timedelta(days=1)).isoformat()
        assert titles(await ask(client, "radarr_get_calendar", startDate=before, endDate=before)) == []
        said = await refused(client, "radarr_get_calendar", startDate=day, endDate=before)
        assert said.startswith("endDate: ")
        assert "startDate" in await refused(client, "sonarr_get_calendar", startDate="yesterday or so")


async def test_a_search_is_started_for_one_title_or_for_all_that_is_missing(tmp_path: Path) -> None:
    async with server(tmp_path) as (box, client):
        one = await ask(client, "radarr_trigger_search", movieId=13)
        assert (one["command"], one["of"]) == ("MoviesSearch", "Faust")
        assert (await ask(client, "radarr_trigger_search"))["command"] == "MissingMoviesSearch"
        assert (await ask(client, "sonarr_trigger_search", seriesId=1))["command"] == "SeriesSearch"
        assert (await ask(client, "sonarr_trigger_search"))["command"] == "MissingEpisodeSearch"
        assert "sonarr_get_series" in await refused(client, "sonarr_trigger_search", seriesId=999)
        assert [command["name"] for command in box.sonarr.commands] == ["SeriesSearch", "MissingEpisodeSearch"]


async def test_a_failure_of_one_service_does_not_hide_the_other(tmp_path: Path) -> None:
    async with server(tmp_path, SONARR_API_KEY="wrong") as (_, client):
        status = await ask(client, "arr_get_status")
        assert status["radarr"] == {
            "configured": True,
            "reachable": True,
            "version": "5.26.2.10099",
            "name": "Radarr",
        }
        assert (status["sonarr"]["configured"], status["sonarr"]["reachable"]) == (True, True)
        assert "SONARR_API_KEY" in status["sonarr"]["problem"]
        assert "SONARR_API_KEY" in await refused(client, "sonarr_get_series")
    async with server(tmp_path, RADARR_URL="", SONARR_URL="http://127.0.0.1:9") as (_, client):
        status = await ask(client, "arr_get_status")
        assert status["radarr"]["configured"] is False and "RADARR_URL" in status["radarr"]["problem"]
        assert status["sonarr"]["reachable"] is False
        assert "not configured" in await refused(client, "radarr_get_movies")


async def test_what_the_service_says_against_an_addition_is_passed_on(tmp_path: Path) -> None:
    async with server(tmp_path) as (box, client):
        found = await ask(client, "radarr_search", query="detour")
        film = next(each for each in found["items"] if not each["inLibrary"])
        box.fault("radarr", "500", 1, path="/api/v3/movie", method="POST")
        said = await refused(client, "radarr_add_movie", tmdbId=film["tmdbId"], title=film["title"])
        assert "Radarr is out of order" in said
        assert sum(seen.method == "POST" for seen in box.requests) == 1  # a write is never sent twice by itself


async def test_tools_that_change_something_are_not_offered_without_write(tmp_path: Path) -> None:
    async with Sandbox() as box, connect(box, tmp_path, write=False) as client:
        names = {tool.name for tool in (await client.list_tools()).tools}
        writers = {"sonarr_add_series", "sonarr_trigger_search", "radarr_add_movie", "radarr_trigger_search"}
        assert not names & writers
        assert {"sonarr_get_series", "radarr_search", "arr_get_status"} <= names
        assert "--write" in await refused(client, "radarr_add_movie", tmdbId=1, title="x")


async def test_the_keys_are_in_no_address_and_in_no_answer(tmp_path: Path) -> None:
    async with server(tmp_path) as (box, client):
        answers = str([await ask(client, name) for name in ("arr_get_status", "sonarr_get_profiles")])
        for key in (box.sonarr_key, box.radarr_key):
            assert key not in answers
            assert not any(key in f"{seen.path}?{seen.query}" for seen in box.requests)

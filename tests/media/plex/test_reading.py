"""Libraries, search, filters, details: what the tools say is what the sandbox holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mcp.shared.exceptions import MCPError

from tests.media.plex.support import FILM, OLD_AGENT, OTHER_FILM, SHOW, TRACK, Serving, serving

pytestmark = pytest.mark.anyio


def _titles(page: dict[str, Any]) -> list[str]:
    return [each["title"] for each in page["items"]]


async def _all(at: Serving, tool: str, **arguments: Any) -> list[dict[str, Any]]:
    """The items of all pages."""
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = await at.call(tool, **arguments, **cursor)
        found += page["items"]
        if "nextCursor" not in page:
            return found
        cursor = {"cursor": page["nextCursor"]}


async def test_libraries_are_listed_with_their_length(tmp_path: Path) -> None:
    async with serving(tmp_path) as at:
        listed = (await at.call("get_libraries"))["libraries"]
        assert [(each["key"], each["title"], each["type"], each["count"]) for each in listed] == [
            ("1", "Films", "movie", 20),
            ("2", "Series", "show", 3),
            ("3", "Music", "artist", 4),
        ]


async def test_a_library_is_read_in_parts_by_offset_and_by_cursor_without_a_gap(tmp_path: Path) -> None:
    async with serving(tmp_path) as at:
        whole = await at.call("get_library_items", libraryKey="1")
        assert whole["totalSize"] == len(whole["items"]) == 20
        assert "nextCursor" not in whole
        assert await _all(at, "get_library_items", libraryKey="1", limit=6) == whole["items"]
        second = await at.call("get_library_items", libraryKey="1", limit=5, offset=5)
        assert second["items"] == whole["items"][5:10]
        past = await at.call("get_library_items", libraryKey="1", offset=99)
        assert past["items"] == []
        assert past["note"].startswith("The offset 99 is past the end")
        by_year = _titles(await at.call("get_library_items", libraryKey="1", sort="year:desc", limit=0))
        assert len(by_year) == 20


async def test_a_long_list_is_cut_to_the_bound_and_goes_on(tmp_path: Path) -> None:
    few = {"GATEPOST_MEDIA_REPLY_TOKENS": "600"}
    async with serving(tmp_path, environment=few) as at:
        first = await at.call("get_library_items", libraryKey="1")
        assert 0 < len(first["items"]) < 20
        assert len(await _all(at, "get_library_items", libraryKey="1")) == 20


async def test_episodes_and_tracks_say_what_they_belong_to(tmp_path: Path) -> None:
    async with serving(tmp_path) as at:
        episodes = await at.call("get_library_items", libraryKey="2", type="episode", limit=1)
        first = episodes["items"][0]
        assert (first["type"], first["grandparentTitle"], first["parentIndex"]) == (
            "episode",
            "The Beverly Hillbillies",
            0,
        )
        track = (await at.call("get_library_items", libraryKey="3", type="track", limit=1))["items"][0]
        assert track["type"] == "track"


async def test_search_is_one_request_and_finds_in_all_libraries_or_one(tmp_path: Path) -> None:
    async with serving(tmp_path) as at:
        found = await at.call("search_media", query="general")
        assert _titles(found)[0] == "The General"
        assert at.paths() == ["GET /search"]
        inside = await at.call("search_media", query="the", libraryKey="2")
        assert {each["type"] for each in inside["items"]} <= {"show", "episode"}
        films = await at.call("search_media", query="the", type="movie")
        assert await _all(at, "search_media", query="the", type="movie", limit=2) == films["items"]


@pytest.mark.parametrize(
    ("filters", "titles"),
    [
        ({"genre": "science fiction"}, {"Metropolis", "A Trip to the Moon"}),
        ({"director": "Buster Keaton"}, {"The General", "Sherlock Jr."}),
        ({"actor": "Charlie Chaplin", "year_max": 1921}, {"The Kid"}),
        ({"year": 1927}, {"Metropolis"}),
        ({"never_played": False}, {"Charade", "The Kid"}),
        ({"play_count_min": 1}, {"Charade", "The Kid"}),
        ({"duration_max": 20}, {"A Trip to the Moon"}),
        ({"rating_min": 8.2}, {"Metropolis", "Sherlock Jr.", "The Kid"}),
    ],
)
async def test_a_filter_holds_for_the_whole_library(tmp_path: Path, filters: dict[str, Any], titles: set[str]) -> None:
    async with serving(tmp_path) as at:
        found = await _all(at, "browse_library", library_id="1", limit=1, **filters)
        assert titles <= {each["title"] for each in found}
        if "rating_min" not in filters:
            assert {each["title"] for each in found} == titles


async def test_filters_on_files_and_streams_are_decided_row_by_row_over_all_pages(tmp_path: Path) -> None:
    async with serving(tmp_path) as at:
        flac = await _all(at, "browse_library", library_id="3", audio_format="flac", limit=7)
        lossless = await _all(at, "browse_library", library_id="3", audio_format="lossless", limit=50)
        assert [each["ratingKey"] for each in flac] == [each["ratingKey"] for each in lossless]
        assert {each["type"] for each in flac} == {"track"}
        loud = await at.call("browse_library", library_id="3", loudness_min=-20, loudness_max=-18, limit=3)
        assert len(loud["items"]) == 3
        none = await at.call("browse_library", library_id="3", loudness_min=-5)
        assert none["items"] == []


async def test_what_plex_does_not_know_is_said_not_silently_dropped(tmp_path: Path) -> None:
    async with serving(tmp_path) as at:
        page = await at.call("browse_library", library_id="3", bpmMin=100, musical_key="C")
        assert page["note"] == "Not applied, because Plex does not know these properties: bpmMin, musical_key."
        assert page["items"]
        said = await at.refusal("browse_library", library_id="1", genre="Polka")
        assert said.startswith("genre: library 1 has none of that name. There are: Adventure, Comedy")
        assert (await at.refusal("browse_library", library_id="1", year_min=9, year_max=3)).startswith("year_min: ")
        said = await at.refusal("browse_library", library_id="1", year_min=1960, year_max=1920)
        assert said == "year_min: is more than year_max."


async def test_search_with_filters_looks_everywhere_and_can_choose_at_random(tmp_path: Path) -> None:
    async with serving(tmp_path) as at:
        found = await _all(at, "search_plex", query="the", genre="Comedy", type="movie", limit=1)
        assert {each["title"] for each in found} >= {"The General", "The Kid", "The Gold Rush"}
        chosen = await at.call("search_plex", query="surprise me", type="movie", year_max=1925, limit=3)
        assert len(chosen["items"]) == 3
        assert all(each["year"] <= 1925 for each in chosen["items"])


async def test_recently_added_is_chunked_inside_its_limit(tmp_path: Path) -> None:
    async with serving(tmp_path) as at:
        ten = await at.call("get_recently_added", limit=10)
        assert len(ten["items"]) == ten["totalSize"] == 10
        chunk = await at.call("get_recently_added", limit=10, chunk_size=4, chunk_offset=8)
        assert chunk["items"] == ten["items"][8:]
        assert "nextCursor" not in chunk
        films = await at.call("get_recently_added", library_id="1", limit=3)
        assert {each["type"] for each in films["items"]} == {"movie"}


async def test_on_deck_says_how_much_is_left(tmp_path: Path) -> None:
    async with serving(tmp_path) as at:
        begun = (await at.call("get_on_deck", limit=1))["items"][0]
        assert (begun["ratingKey"], begun["minutesLeft"]) == (OTHER_FILM, 112)


async def test_details_hold_external_ids_modern_and_old(tmp_path: Path) -> None:
    async with serving(tmp_path) as at:
        details = await at.call("get_media_details", ratingKey=FILM)
        assert details["item"]["guids"] == ["imdb://tt0017925", "tmdb://961"]
        assert "Buster Keaton" in details["directors"]
        old = await at.call("get_media_details", ratingKey=OLD_AGENT)
        assert old["item"]["guid"].startswith("com.plexapp.agents.themoviedb://")
        said = await at.refusal("get_media_details", ratingKey="999999")
        assert said == "There is no item with ratingKey 999999 on this Plex server."


async def test_media_info_shows_every_version_file_and_stream(tmp_path: Path) -> None:
    async with serving(tmp_path) as at:
        info = await at.call("get_media_info", item_key=FILM)
        streams = info["versions"][0]["parts"][0]["streams"]
        assert [each["kind"] for each in streams] == ["video", "audio", "subtitle"]
        track = await at.call("get_media_info", item_key=TRACK)
        assert 0 < track["audioQuality"] <= 100


async def test_watched_state_of_the_own_account_and_of_another(tmp_path: Path) -> None:
    async with serving(tmp_path) as at:
        asked = {"item_keys": ["1010", OTHER_FILM, FILM, SHOW, "424242"]}
        states = (await at.call("get_watched_status", **asked))["items"]
        assert [each["status"] for each in states] == [
            "watched",
            "in progress",
            "unwatched",
            "in progress",
            "not found",
        ]
        ada = await at.call("get_watched_status", item_keys=["1008", "1010"], account_id="2")
        assert ada["account"] == "ada"
        assert [each["status"] for each in ada["items"]] == ["watched", "unwatched"]


async def test_collections_are_listed_and_browsed(tmp_path: Path) -> None:
    async with serving(tmp_path) as at:
        everywhere = await at.call("get_collections")
        assert _titles(everywhere) == ["Buster Keaton"]
        inside = await at.call("browse_collection", collection_id=everywhere["items"][0]["ratingKey"])
        assert set(_titles(inside)) == {"The General", "Sherlock Jr."}


async def test_a_library_s_statistics_add_up_from_pages_not_from_an_item_each(tmp_path: Path) -> None:
    async with serving(tmp_path) as at:
        stats = (await at.call("get_library_stats", library_id="1", include_details=True))["libraries"][0]
        assert stats["counts"] == [{"name": "movie", "count": 20}]
        assert (stats["files"], stats["watched"]) == (20, 2)
        assert sum(each["count"] for each in stats["resolutions"]) == 20
        assert at.paths() == ["GET /library/sections/all", *["GET /library/sections/1/all"] * 2]


async def test_resources_are_listed_for_each_library_and_read(tmp_path: Path) -> None:
    async with serving(tmp_path) as at:
        listed = {each.uri for each in (await at.client.list_resources()).resources}
        assert {"plex://library/1", "plex://library/3/recent", "plex://status"} <= listed
        for uri in sorted(listed):
            read = await at.client.read_resource(uri)
            assert read.contents[0].text.startswith("{")


async def test_every_prompt_is_written_with_what_was_given_and_names_its_shape(tmp_path: Path) -> None:
    async with serving(tmp_path) as at:
        for prompt in (await at.client.list_prompts()).prompts:
            arguments = {each.name: f"<{each.name}>" for each in prompt.arguments or []}
            written = (await at.client.get_prompt(prompt.name, arguments)).messages[0].content.text
            assert all(value in written for value in arguments.values())
            if prompt.name != "server_troubleshooting":
                assert f"prompt_type {prompt.name}" in written
            with pytest.raises(MCPError, match="is required"):
                await at.client.get_prompt(prompt.name, {})


async def test_a_response_is_checked_against_the_shape_that_its_prompt_asks_for(tmp_path: Path) -> None:
    async with serving(tmp_path) as at:
        good = {"recommendations": [{"title": "Metropolis", "reason": "It has robots."}]}
        checked = await at.call("validate_llm_response", response=good, prompt_type="content_recommendation")
        assert checked["valid"] is True
        bad = {"recommendations": [{"title": "Metropolis"}], "mood": "calm"}
        checked = await at.call("validate_llm_response", response=bad, prompt_type="content_recommendation")
        assert (checked["valid"], checked["unknownKeys"]) == (False, ["mood"])
        assert checked["problems"] == [{"where": "recommendations.0.reason", "problem": "Field required"}]
        assert at.box.requests == []


async def test_what_can_be_found_wrong_without_asking_is_found_before_anything_is_sent(tmp_path: Path) -> None:
    async with serving(tmp_path) as at:
        spans = {"library_id": "1", "genre": "Comedy", "rating_min": 5, "rating_max": 1}
        assert await at.refusal("browse_library", **spans) == "rating_min: is more than rating_max."
        assert await at.refusal("search_media", query="  ") == "query: must not be blank."
        said = await at.refusal("get_library_items", libraryKey="1", sort="year:sideways")
        assert said == "sort: must have the form of year:desc,titleSort."
        said = await at.refusal("browse_library", library_id="1", added_after="9999-12-31")
        assert said.startswith("added_after: must be a date")
        said = await at.refusal("sonarr_get_calendar", startDate="9999-12-31T23:59:59-14:00")
        assert said.startswith("startDate: must be a date")
        assert at.box.requests == []

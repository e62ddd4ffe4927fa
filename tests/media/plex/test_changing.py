"""Playlists, watchlist, state, metadata: what changes, and what is refused before anything does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.media.plex.support import FILM, OLD_AGENT, OTHER_FILM, SHOW, TRACK, Serving, serving

pytestmark = pytest.mark.anyio


async def _new(at: Serving, *keys: str) -> str:
    made = await at.call("create_playlist", title="Evening", type="video", ratingKeys=list(keys))
    key: str = made["playlist"]["ratingKey"]
    return key


async def _entries(at: Serving, playlist: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await at.call("get_playlist_items", playlistId=playlist))["items"]
    return found


async def test_a_playlist_is_made_filled_and_thinned_out_by_one_request_each(tmp_path: Path) -> None:
    async with serving(tmp_path) as at:
        key = await _new(at, FILM, OTHER_FILM)
        assert [each["ratingKey"] for each in await _entries(at, key)] == [FILM, OTHER_FILM]
        at.box.forget_requests()
        more = await at.call("add_to_playlist", playlist_id=key, item_keys=["1004", FILM])
        assert more["added"] == 2
        assert [each for each in at.paths() if not each.startswith("GET")] == [f"PUT /playlists/{key}/items"]
        entries = await _entries(at, key)
        assert [each["ratingKey"] for each in entries] == [FILM, OTHER_FILM, "1004", FILM]
        await at.call("remove_from_playlist", playlistId=key, playlistItemId=entries[3]["playlistItemID"])
        assert [each["ratingKey"] for each in await _entries(at, key)] == [FILM, OTHER_FILM, "1004"]
        await at.call("remove_from_playlist", playlist_id=key, item_keys=[FILM, "1004"])
        assert [each["ratingKey"] for each in await _entries(at, key)] == [OTHER_FILM]


async def test_removing_what_is_not_there_removes_nothing(tmp_path: Path) -> None:
    async with serving(tmp_path) as at:
        key = await _new(at, FILM, OTHER_FILM)
        said = await at.refusal("remove_from_playlist", playlist_id=key, item_keys=[FILM, "1004"])
        assert "has no items 1004" in said
        assert said.endswith("Nothing was removed.")
        await at.refusal("remove_from_playlist", playlistId=key)
        await at.refusal("remove_from_playlist", playlistId=key, playlistItemId="1", item_keys=[FILM])
        assert len(await _entries(at, key)) == 2
        assert not [each for each in at.paths() if each.startswith("DELETE")]


async def test_clearing_is_a_preview_until_it_is_confirmed_and_deleting_keeps_the_media(tmp_path: Path) -> None:
    async with serving(tmp_path) as at:
        key = await _new(at, FILM, OTHER_FILM)
        preview = await at.call("clear_playlist", playlistId=key)
        assert (preview["entries"], preview["cleared"]) == (2, False)
        assert len(await _entries(at, key)) == 2
        assert (await at.call("clear_playlist", playlistId=key, confirm=True))["cleared"] is True
        assert await _entries(at, key) == []
        await at.call("delete_playlist", playlist_id=key)
        assert "There is no playlist" in await at.refusal("browse_playlist", playlist_id=key)
        await at.call("get_media_details", ratingKey=FILM)


async def test_items_are_looked_at_before_a_playlist_is_made_of_them(tmp_path: Path) -> None:
    async with serving(tmp_path) as at:
        made = {"title": "x", "type": "movie"}
        assert "no items 424242" in await at.refusal("create_playlist", **made, ratingKeys=[FILM, "424242"])
        said = await at.refusal("create_playlist", **made, ratingKeys=[TRACK])
        assert said == f"ratingKeys: {TRACK} cannot stand in a playlist of kind video."
        assert (await at.refusal("create_playlist", **made)).startswith("ratingKeys: is required")
        one = await at.call("create_playlist", **made, item_key=FILM)
        assert one["playlist"]["items"] == 1
        assert [each for each in at.paths() if each.startswith("POST")] == ["POST /playlists"]


async def test_a_smart_playlist_holds_what_its_filter_selects_and_nothing_can_be_added(tmp_path: Path) -> None:
    async with serving(tmp_path) as at:
        smart = {"title": "Twenties", "type": "movie", "smart": True, "librarySectionId": "1"}
        made = await at.call("create_playlist", **smart, smartFilter="year>=1920&year<=1929")
        assert made["playlist"]["smart"] is True
        key = made["playlist"]["ratingKey"]
        assert {each["year"] // 10 for each in await _entries(at, key)} == {192}
        for tool, arguments in (
            ("add_to_playlist", {"ratingKey": FILM}),
            ("remove_from_playlist", {"item_keys": [FILM]}),
            ("clear_playlist", {"confirm": True}),
        ):
            assert "is a smart playlist" in await at.refusal(tool, playlistId=key, **arguments)
        assert (await at.refusal("create_playlist", **smart, libtype="episode")).startswith("libtype: ")
        assert (await at.refusal("create_playlist", **{**smart, "librarySectionId": "9"})).startswith(
            "librarySectionId"
        )


async def test_conditions_of_a_smart_playlist_are_those_of_the_original(tmp_path: Path) -> None:
    async with serving(tmp_path) as at:
        asked = {
            "title": "Bach, late",
            "type": "audio",
            "library_id": "3",
            "filters": [
                {"field": "artist.title", "operator": "contains", "value": "bach"},
                {"field": "genre.tag", "operator": "is", "value": "Baroque"},
                {"field": "year", "operator": "gte", "value": 2015},
                {"field": "addedAt", "operator": "gt", "value": "-10y"},
            ],
            "limit": 5,
        }
        made = await at.call("create_smart_playlist", **asked)
        entries = await _entries(at, made["playlist"]["ratingKey"])
        assert len(entries) == 5
        assert {each["parentTitle"] for each in entries} == {"Open Well-Tempered Clavier"}
        wrong = [{"field": "genre.tag", "operator": "contains", "value": "x"}]
        said = await at.refusal("create_smart_playlist", **{**asked, "filters": wrong})
        assert said == "filters[0].operator: genre.tag takes is, isnot."
        wrong = [{"field": "year", "operator": "gt", "value": "soon"}]
        assert "must be a number" in await at.refusal("create_smart_playlist", **{**asked, "filters": wrong})
        assert (await at.refusal("create_smart_playlist", **{**asked, "library_id": "1"})).startswith("type: ")


async def test_the_watchlist_takes_films_and_shows_by_their_global_ids(tmp_path: Path) -> None:
    async with serving(tmp_path) as at:
        added = await at.call("add_to_watchlist", ratingKey=FILM)
        listed = (await at.call("get_watchlist"))["items"]
        assert listed[0]["plexGuid"] == added["plexGuid"]
        assert listed[0]["title"] == "The General"
        await at.call("remove_from_watchlist", plexGuid=added["plexGuid"])
        assert "The General" not in [each["title"] for each in (await at.call("get_watchlist"))["items"]]
        changed = at.paths("discover")
        assert [each for each in changed if each.startswith("PUT")] == [
            "PUT /actions/addToWatchlist",
            "PUT /actions/removeFromWatchlist",
        ]
        assert "older agent" in await at.refusal("add_to_watchlist", ratingKey=OLD_AGENT)
        assert "names a track" in await at.refusal("add_to_watchlist", ratingKey=TRACK)
        for guid in ("plex://movie/../x", "plex://track/5d776825880197001ec90a4f", "5d776825880197001ec90a4f", "x"):
            assert (await at.refusal("remove_from_watchlist", plexGuid=guid)).startswith("plexGuid")
        assert (await at.refusal("remove_from_watchlist")).startswith("plexGuid")
        both = {"plexGuid": added["plexGuid"], "ratingKey": FILM}
        assert (await at.refusal("remove_from_watchlist", **both)).startswith("plexGuid")


async def test_marking_and_rating_are_puts_and_clear_the_place(tmp_path: Path) -> None:
    async with serving(tmp_path) as at:
        await at.call("mark_watched", ratingKey=OTHER_FILM)
        after = await at.call("get_media_details", ratingKey=OTHER_FILM)
        assert after["watched"] is True
        assert "viewOffset" not in after["item"]
        await at.call("rate_media", ratingKey=OTHER_FILM, rating=7.5)
        assert (await at.call("get_media_details", ratingKey=OTHER_FILM))["item"]["userRating"] == 7.5
        await at.call("mark_unwatched", ratingKey=OTHER_FILM)
        assert (await at.call("get_media_details", ratingKey=OTHER_FILM))["watched"] is False
        await at.call("mark_watched", ratingKey=SHOW)
        assert SHOW in [each["ratingKey"] for each in (await at.call("get_fully_watched"))["items"]]
        changes = [each for each in at.paths() if not each.startswith("GET")]
        assert changes == ["PUT /:/scrobble", "PUT /:/rate", "PUT /:/unscrobble", "PUT /:/scrobble"]


async def test_an_edit_is_one_request_that_locks_what_it_changes_and_replaces_tags(tmp_path: Path) -> None:
    async with serving(tmp_path) as at:
        new = {"title": "The Engine Driver & Son", "year": 1927, "genres": ["War", "Railways, steam"]}
        edited = await at.call("update_metadata", ratingKey=FILM, **new)
        assert {each["field"]: each["after"] for each in edited["changes"]} == {
            "title": "The Engine Driver & Son",
            "year": "1927",
            "genres": "War, Railways, steam",
        }
        (put,) = [each for each in at.sent() if each.method == "PUT"]
        assert put.path == "/library/sections/1/all"
        assert (put.query["type"], put.query["id"]) == ("1", FILM)
        assert (put.query["title.value"], put.query["title.locked"]) == ("The Engine Driver & Son", "1")
        fields = await at.call("get_editable_fields", ratingKey=FILM)
        locked = {each["argument"] for each in [*fields["fields"], *fields["tagFamilies"]] if each["locked"]}
        assert locked == {"title", "year", "genres"}
        await at.call("update_metadata", ratingKey=FILM, genres=[])
        assert "genres" not in (await at.call("get_media_details", ratingKey=FILM))["item"]


async def test_an_edit_from_json_reports_what_it_ignores_and_checks_the_poster(tmp_path: Path) -> None:
    async with serving(tmp_path) as at:
        given = {"tagline": "New.", "colour": "red", "images": {"posters": [{"url": "https://example.com/p.jpg"}]}}
        edited = await at.call("update_metadata_from_json", ratingKey=FILM, metadata=given, setPosterFromUrl=True)
        assert (edited["ignored"], edited["poster"]) == (["colour"], "https://example.com/p.jpg")
        assert at.paths().count(f"PUT /library/metadata/{FILM}/poster") == 1
        at.box.forget_requests()
        for url in ("file:///etc/passwd", "javascript:x", "https://user:secret@example.com/p.jpg", "", 7):
            wrong = {"images": {"posters": [{"url": url}]}}
            said = await at.refusal("update_metadata_from_json", ratingKey=FILM, metadata=wrong, setPosterFromUrl=True)
            assert said.startswith("metadata.images.posters[0].url")
        said = await at.refusal("update_metadata_from_json", ratingKey=FILM, metadata={"year": "soon"})
        assert said.startswith("metadata.year: ")
        assert (await at.refusal("update_metadata_from_json", ratingKey=FILM, metadata={"x": 1})).startswith("metadata")
        assert (await at.refusal("update_metadata", ratingKey=FILM)).startswith("title: or another field is required")
        assert at.box.requests == []
        said = await at.refusal("update_metadata", ratingKey=SHOW, directors=["Somebody"])
        assert said == "directors: a show has none; it has genres, collections, roles."

"""History, sessions, statistics, recommendations, music."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatepost_media.plex.sentences import wish
from tests.media.plex.support import FILM, serving

pytestmark = pytest.mark.anyio


async def test_history_names_accounts_and_devices_and_is_filtered_as_a_whole(tmp_path: Path) -> None:
    async with serving(tmp_path) as at:
        everything = (await at.call("get_watch_history"))["items"]
        times = [each["viewedAt"] for each in everything]
        assert times == sorted(times, reverse=True)
        assert {(each["accountID"], each["account"]) for each in everything} == {
            (1, "sandbox"),
            (2, "ada"),
            (3, "grace"),
        }
        assert all(each["device"] for each in everything)
        films = [each for each in everything if each["type"] == "movie"]
        # The newest rows are music: films are found although none of them is on the first page.
        assert (await at.call("get_watch_history", mediaType="movie", limit=2))["items"] == films[:2]
        assert len([each for each in at.paths() if each == "GET /status/sessions/history/all"]) == 2
        part = await at.call("get_watch_history", mediaType="movie", limit=2, chunk_size=1)
        assert part["items"] == films[:1]
        rest = await at.call("get_watch_history", mediaType="movie", limit=2, chunk_size=1, cursor=part["nextCursor"])
        assert rest["items"] == films[1:2]
        ada = (await at.call("get_watch_history", account_id="2"))["items"]
        assert ada == [each for each in everything if each["accountID"] == 2]


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("get_watch_history", {"userId": "77"}),
        ("get_watched_status", {"item_keys": [FILM], "account_id": "77"}),
        ("get_listening_stats", {"account_id": "77"}),
        ("get_recommendations", {"libraryKey": "1", "userId": "77"}),
    ],
)
async def test_an_account_that_is_not_there_differs_from_one_that_played_nothing(
    tmp_path: Path, tool: str, arguments: dict[str, object]
) -> None:
    async with serving(tmp_path) as at:
        said = await at.refusal(tool, **arguments)
        assert "there is no account 77. There are: 1 (sandbox), 2 (ada), 3 (grace)." in said


async def test_recently_watched_lists_each_item_once(tmp_path: Path) -> None:
    async with serving(tmp_path) as at:
        seen = (await at.call("get_recently_watched", mediaType="episode"))["items"]
        keys = [each["item"]["ratingKey"] for each in seen]
        assert len(keys) == len(set(keys))
        twice = next(each for each in seen if each["plays"] == 2)
        assert twice["accounts"] == ["ada", "sandbox"]


async def test_sessions_are_shown_and_stopped_by_their_session_s_id(tmp_path: Path) -> None:
    async with serving(tmp_path) as at:
        assert (await at.call("get_active_sessions"))["sessions"] == []
        playing = at.box.play(int(FILM), speed=0, account=2)
        playing.seek_to(50)
        (session,) = (await at.call("get_active_sessions"))["sessions"]
        assert (session["user"], session["state"], session["percent"], session["location"]) == (
            "ada",
            "playing",
            50,
            "lan",
        )
        assert "no such session" in await at.refusal("stop_session", sessionId="other")
        await at.call("stop_session", sessionId=session["sessionId"], reason="Bed time & sleep")
        assert at.sent()[-1].query["reason"] == "Bed time & sleep"
        assert (await at.call("get_active_sessions"))["sessions"] == []


async def test_statistics_count_the_days_that_were_asked_for(tmp_path: Path) -> None:
    async with serving(tmp_path) as at:
        plays = {
            days: (await at.call("get_watch_stats", timeRange=days, statType="users"))["plays"]
            for days in (1, 7, 30, 365)
        }
        assert plays[1] == 0 < plays[7] < plays[30] < plays[365]
        users = await at.call("get_user_stats", timeRange=365)
        assert sum(each["plays"] for each in users["users"]) == plays[365]
        asked = at.sent()[-2]
        assert asked.path == "/status/sessions/history/all" and int(asked.query["viewedAt>"]) > 0
        time = await at.call("get_watch_stats", timeRange=365, statType="duration")
        assert time["minutes"] == sum(each["minutes"] for each in time["groups"]) > 0
        for kind, names in (("libraries", {"Films", "Series", "Music"}), ("platforms", {"Roku", "Chrome", "Android"})):
            groups = (await at.call("get_watch_stats", timeRange=365, statType=kind))["groups"]
            assert {each["name"] for each in groups} == names


async def test_popular_is_what_was_played_in_the_time_not_ever(tmp_path: Path) -> None:
    async with serving(tmp_path) as at:
        shows = await at.call("get_popular_content", timeRange=365, mediaType="show")
        assert [each["item"]["title"] for each in shows["items"]] == ["The Beverly Hillbillies"]
        assert shows["items"][0]["users"] == 2
        assert (await at.call("get_popular_content", timeRange=1))["items"] == []
        long = await at.call("get_popular_content", timeRange=365, metric="duration")
        minutes = [each["minutes"] for each in long["items"]]
        assert minutes == sorted(minutes, reverse=True)


async def test_recommendations_are_unseen_and_say_why(tmp_path: Path) -> None:
    async with serving(tmp_path) as at:
        few = await at.call("get_recommendations", libraryKey="1")
        assert few["items"] == []
        assert few["note"].startswith("Only 2 watched films are known; 5 are needed")
        for key in (FILM, "1002", "1004"):
            await at.call("mark_watched", ratingKey=key)
        found = await at.call("get_recommendations", libraryKey="1", limit=5)
        assert len(found["items"]) == 5
        assert not {FILM, "1002", "1004", "1008", "1010"} & {each["item"]["ratingKey"] for each in found["items"]}
        scores = [each["score"] for each in found["items"]]
        assert scores == sorted(scores, reverse=True)
        assert all(each["reasons"] for each in found["items"])
        assert (await at.refusal("get_recommendations", libraryKey="3")).startswith(
            "libraryKey: Music is no film library"
        )


async def test_listening_is_counted_and_what_was_never_played_recommended(tmp_path: Path) -> None:
    async with serving(tmp_path) as at:
        stats = await at.call("get_listening_stats", time_period="all")
        assert stats["topArtists"][0]["name"] == "Johann Sebastian Bach"
        assert stats["plays"] == sum(stats["byHour"].values()) == sum(stats["byMonth"].values())
        assert {each["type"] for each in stats["recommendations"]} == {"album"}
        nothing = await at.call("get_listening_stats", account_id="3", include_recommendations=False)
        assert (nothing["plays"], nothing["account"]) == (0, "grace")
        assert (await at.refusal("get_listening_stats", music_library_id="1")).startswith("music_library_id: ")


async def test_music_is_discovered_by_a_sentence_and_the_reply_says_how_it_was_read(tmp_path: Path) -> None:
    async with serving(tmp_path) as at:
        unheard = await at.call("discover_music", query="Baroque that I haven't heard yet", limit=5)
        assert unheard["understood"] == "genre baroque, not yet heard"
        assert len(unheard["items"]) == 5
        assert not any(each.get("viewCount") for each in unheard["items"])
        like = await at.call("discover_music", query="something like Johann Sebastian Bach, please")
        assert like["understood"] == "artists similar to Johann Sebastian Bach"
        assert "Johann Sebastian Bach" not in {each["grandparentTitle"] for each in like["items"]}
        plain = await at.call("discover_music", query="Aria")
        assert plain["items"][0]["title"] == "Aria"


@pytest.mark.parametrize(
    ("sentence", "understood"),
    [
        ("80s rock", "genre rock, from 1980 to 1989"),
        ("music from the nineties", "from 1990 to 1999"),
        ("jazz of 1959", "genre jazz, of 1959"),
        ("the 1960s", "from 1960 to 1969"),
        ("sad songs", "mood melancholy"),
        ("acid jazz that's new to me", "genre acid jazz, not yet heard"),
        ("artists like Nina Simone that I haven’t heard", "like nina simone, not yet heard"),
        ("rocket science", "anything"),
        ("hip-hop", "genre hip-hop"),
    ],
)
def test_a_sentence_is_read_by_its_words(sentence: str, understood: str) -> None:
    genres = ["rock", "jazz", "acid jazz", "hip-hop"]
    assert wish(sentence, genres, ["melancholy", "rousing"]).said() == understood

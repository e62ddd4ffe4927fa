"""What plays on Plex is told to Trakt: through a real client, the Plex server, and the sandbox's two services."""

from __future__ import annotations

from pathlib import Path

import pytest
from mcp import Client

from gatepost_media.sandbox import Sandbox
from tests.media.sync.support import ask, connect, plays, refused, server, sign_in, status_when, told, until

pytestmark = pytest.mark.anyio

TRIP, NOSFERATU, METROPOLIS, DETOUR, CARNIVAL = 1004, 1002, 1003, 1015, 1014
SPECIAL, EPISODE, OLD_EPISODE = 2003, 2005, 2035
TRAILER = 9001


async def start(box: Sandbox, client: Client, **arguments: object) -> None:
    """Starts the scrobbler and returns when Plex has it among its listeners."""
    assert (await ask(client, "trakt_start_scrobbling", **arguments))["started"] is True
    await until(lambda: len(box.plex.listeners))


async def test_a_film_that_plays_at_sixty_times_its_speed_is_one_play_on_trakt(tmp_path: Path) -> None:
    async with server(tmp_path) as (box, client):
        await start(box, client)
        box.play(TRIP, speed=60, offset=11 * 60_000)
        await until(lambda: plays(box))
        assert [action for action, _ in told(box)] == ["start", "stop"]
        assert plays(box) == [TRIP]
        status = await status_when(client, lambda said: said["counts"].get("play"))
        assert (status["account"], status["counts"], status["following"]) == ("sandbox", {"start": 1, "play": 1}, [])
        assert status["recent"][0]["title"] == "A Trip to the Moon (1902)"


async def test_play_pause_resume_and_stop_are_told_once_each_and_in_order(tmp_path: Path) -> None:
    async with server(tmp_path) as (box, client):
        await start(box, client)
        playing = box.play(NOSFERATU, speed=0)
        playing.seek_to(5)
        await until(lambda: len(told(box)) == 1)
        playing.seek_to(20)
        playing.pause()
        playing.seek_to(20)  # players report again and again while paused
        playing.resume()
        playing.seek_to(60)
        playing.stop()
        await until(lambda: len(told(box)) == 4)
        assert told(box) == [("start", 5), ("pause", 20), ("start", 20), ("stop", 60)]
        assert plays(box) == []
        assert [place.progress for place in box.trakt.places.values()] == [60]


async def test_below_one_per_cent_and_of_trailers_music_and_other_users_nothing_is_told(tmp_path: Path) -> None:
    async with server(tmp_path) as (box, client):
        await start(box, client)
        others = [box.play(key, speed=0, account=who) for key, who in ((TRAILER, 1), (3003, 1), (EPISODE, 2))]
        for each in others:
            each.seek_to(50)
        glance = box.play(NOSFERATU, speed=0)
        glance.seek_to(0.9)
        status = await status_when(client, lambda said: len(said["ignored"]) == 3 and said["following"])
        assert sorted(each["reason"] for each in status["ignored"]) == [
            "a track is not a film or an episode",
            "a trailer or another extra",
            "another user's",
        ]
        assert status["following"][0]["title"] == "Nosferatu (1922)" and "lastSent" not in status["following"][0]
        glance.stop()
        for each in others:
            each.seek_to(95)
            each.stop()
        last = box.play(TRIP, speed=0)
        last.seek_to(2)
        await until(lambda: told(box))
        assert told(box) == [("start", 2)]  # of everything before it, nothing


async def test_named_users_are_scrobbled_and_then_the_owner_is_not(tmp_path: Path) -> None:
    async with server(tmp_path) as (box, client):
        await start(box, client, users=["ADA"])
        box.play(NOSFERATU, speed=0).seek_to(50)
        box.play(TRIP, speed=0, account=2).seek_to(7)
        await until(lambda: told(box))
        assert told(box) == [("start", 7)]
        again = await ask(client, "trakt_start_scrobbling", users=["*"])
        assert again["started"] is False
        await until(lambda: len(told(box)) == 2)
        assert told(box)[1] == ("start", 50)


async def test_one_item_that_plex_cannot_tell_of_does_not_keep_another_from_being_told(tmp_path: Path) -> None:
    async with server(tmp_path) as (box, client):
        box.fault("plex", "500", 99, path=f"/library/metadata/{METROPOLIS}")
        box.play(METROPOLIS, speed=0).seek_to(50)
        await start(box, client)
        box.play(NOSFERATU, speed=0).seek_to(40)
        await until(lambda: told(box))
        assert told(box) == [("start", 40)]
        status = await ask(client, "trakt_get_scrobble_status")
        assert "500" in status["ignored"][0]["reason"] and status["source"] == "notifications"
        box.faults.clear()
        box.play(TRIP, speed=0)  # the next look asks again
        await until(lambda: len(told(box)) == 2)
        assert told(box)[1] == ("start", 50)


@pytest.mark.parametrize("key", [SPECIAL, EPISODE, OLD_EPISODE, CARNIVAL, DETOUR])
async def test_specials_and_what_old_agents_matched_become_plays_of_the_right_title(key: int, tmp_path: Path) -> None:
    async with server(tmp_path) as (box, client):
        await start(box, client)
        playing = box.play(key, speed=0)
        playing.seek_to(30)
        await until(lambda: told(box))
        playing.seek_to(91)
        playing.stop()
        await until(lambda: plays(box))
        assert plays(box) == [key]


async def test_an_item_that_was_matched_in_plex_meanwhile_is_taken(tmp_path: Path) -> None:
    async with server(tmp_path) as (box, client):
        work = box.plex.works.by_key[1001]
        ids, work.known_ids = work.known_ids, {"mbid": "not-one-of-trakts"}
        assert "Match it in Plex" in await refused(client, "trakt_start_scrobbling", ratingKey="1001")
        work.known_ids = ids
        assert (await ask(client, "trakt_start_scrobbling", ratingKey="1001"))["started"] is True


async def test_the_next_episode_ends_the_one_before_it(tmp_path: Path) -> None:
    async with server(tmp_path) as (box, client):
        await start(box, client)
        playing = box.play(2006, speed=0)
        playing.seek_to(85)
        await until(lambda: len(told(box)) == 1)
        following = box.plex.work(2007)
        assert following is not None
        playing.work = following
        playing.seek_to(3)
        await until(lambda: len(told(box)) == 3)
        assert told(box) == [("start", 85), ("stop", 85), ("start", 3)]
        assert plays(box) == [2006]


async def test_while_trakt_is_out_of_order_nothing_is_lost_and_nothing_is_doubled(tmp_path: Path) -> None:
    async with server(tmp_path) as (box, client):
        await start(box, client)
        box.fault("trakt", "503", 2, path="/scrobble/")
        playing = box.play(NOSFERATU, speed=0)
        playing.seek_to(10)
        status = await status_when(client, lambda said: said["problems"])
        assert status["pending"] == 1 and "503" in status["problems"][0]
        playing.seek_to(90)
        playing.stop()
        await until(lambda: plays(box))
        assert plays(box) == [NOSFERATU]
        assert told(box)[-1] == ("stop", 90)
        await status_when(client, lambda said: not said["problems"])


async def test_a_play_whose_answer_was_lost_is_recorded_once(tmp_path: Path) -> None:
    async with server(tmp_path) as (box, client):
        await start(box, client)
        box.fault("trakt", "cut", 1, path="/scrobble/stop")
        playing = box.play(NOSFERATU, speed=0)
        playing.seek_to(90)
        await until(lambda: told(box))
        playing.stop()
        await until(lambda: sum(seen.path == "/scrobble/stop" for seen in box.requests) == 2)
        await until(lambda: box.requests[-1].status)
        assert plays(box) == [NOSFERATU]
        assert box.requests[-1].status == 409
        status = await status_when(client, lambda said: said["counts"].get("already recorded"))
        assert status["pending"] == 0 and status["recent"][0]["detail"]


async def test_a_server_that_hangs_up_is_followed_again_and_what_ended_meanwhile_is_told(tmp_path: Path) -> None:
    async with server(tmp_path) as (box, client):
        await start(box, client)
        playing = box.play(NOSFERATU, speed=0)
        playing.seek_to(88)
        await until(lambda: told(box))
        box.fault("plex", "503", 4, path="/status/sessions")
        box.drop_listeners()
        playing.stop()
        await until(lambda: plays(box))
        assert told(box) == [("start", 88), ("stop", 88)]
        await until(lambda: sum(seen.method == "WEBSOCKET" for seen in box.requests) >= 2)


async def test_without_notifications_the_sessions_are_looked_at(tmp_path: Path) -> None:
    async with server(tmp_path) as (box, client):
        box.fault("plex", "503", 99, path="/:/websockets")
        playing = box.play(NOSFERATU, speed=0)
        playing.seek_to(82)
        await ask(client, "trakt_start_scrobbling")
        await until(lambda: told(box))
        playing.stop()
        await until(lambda: plays(box))
        assert plays(box) == [NOSFERATU]
        status = await ask(client, "trakt_get_scrobble_status")
        assert status["source"] == "polling"
        assert "looked at every few seconds" in status["problems"][0]


async def test_an_item_that_the_caller_names_is_checked_and_looked_for_at_once(tmp_path: Path) -> None:
    async with server(tmp_path) as (box, client):
        playing = box.play(TRIP, speed=0)
        playing.seek_to(40)
        said = await ask(
            client, "trakt_start_scrobbling", ratingKey=str(TRIP), title="A Trip", type="movie", progress=40, duration=1
        )
        assert said["item"] == {"ratingKey": "1004", "title": "A Trip to the Moon (1902)", "playing": True}
        await until(lambda: told(box))
        assert told(box) == [("start", 40)]
        later = await ask(
            client, "trakt_start_scrobbling", ratingKey="1002", title="Nosferatu", type="movie", progress=0
        )
        assert later["item"]["playing"] is False and "as soon as" in later["item"]["note"]
        wrong = await refused(
            client, "trakt_start_scrobbling", ratingKey="1002", title="Nosferatu", type="episode", progress=0
        )
        assert wrong.startswith("type: ")
        assert "ratingKey" in await refused(client, "trakt_start_scrobbling", title="Nosferatu", type="movie")
        assert "4711" in await refused(client, "trakt_start_scrobbling", ratingKey="4711", type="movie")
        assert "neither a film" in await refused(client, "trakt_start_scrobbling", ratingKey=str(TRAILER))


async def test_an_agent_that_starts_it_again_and_again_changes_nothing(tmp_path: Path) -> None:
    async with server(tmp_path) as (box, client):
        answers = [
            await ask(client, "trakt_start_scrobbling", ratingKey="1002", title="Nosferatu", type="movie", progress=1)
            for _ in range(10)
        ]
        assert [answer["started"] for answer in answers] == [True] + [False] * 9
        await until(lambda: any(seen.method == "WEBSOCKET" for seen in box.requests))
        assert sum(seen.method == "WEBSOCKET" for seen in box.requests) == 1
        assert told(box) == []


async def test_a_second_process_is_refused_while_one_scrobbles_for_the_account(tmp_path: Path) -> None:
    async with server(tmp_path) as (box, client), connect(box, tmp_path) as other:
        await ask(client, "trakt_start_scrobbling")
        said = await refused(other, "trakt_start_scrobbling")
        assert "scrobbles for the Trakt account sandbox already" in said
        assert (await ask(client, "trakt_stop_scrobbling"))["stopped"] is True
        assert (await ask(other, "trakt_start_scrobbling"))["started"] is True


async def test_after_a_stop_nothing_is_told(tmp_path: Path) -> None:
    async with server(tmp_path) as (box, client):
        await start(box, client)
        playing = box.play(NOSFERATU, speed=0)
        playing.seek_to(30)
        await until(lambda: told(box))
        assert await ask(client, "trakt_stop_scrobbling") == {"stopped": True, "undelivered": 0}
        assert await ask(client, "trakt_stop_scrobbling") == {"stopped": False, "undelivered": 0}
        await until(lambda: len(box.plex.listeners) == 0)
        playing.seek_to(90)
        playing.stop()
        assert (await ask(client, "trakt_get_scrobble_status"))["running"] is False
        assert told(box) == [("start", 30)]


async def test_who_cannot_scrobble_is_told_what_to_do(tmp_path: Path) -> None:
    async with server(tmp_path) as (box, client):
        (tmp_path / "trakt-tokens.json").unlink()
        assert "trakt_authenticate" in await refused(client, "trakt_start_scrobbling")
        async with connect(box, tmp_path, TRAKT_CLIENT_ID="") as other:
            assert "TRAKT_CLIENT_ID" in await refused(other, "trakt_start_scrobbling")
        sign_in(box, tmp_path)
        box.fault("plex", "503", 8, path="/status/sessions")
        assert "Plex" in await refused(client, "trakt_start_scrobbling")
        assert (await ask(client, "trakt_get_scrobble_status"))["running"] is False
        async with connect(box, tmp_path, write=False) as reader:
            assert "--write" in await refused(reader, "trakt_start_scrobbling")


async def test_the_token_is_in_no_address_and_in_no_answer(tmp_path: Path) -> None:
    async with server(tmp_path) as (box, client):
        answers = str(await ask(client, "trakt_start_scrobbling"))
        playing = box.play(NOSFERATU, speed=0)
        playing.seek_to(30)
        await until(lambda: told(box))
        answers += str(await ask(client, "trakt_get_scrobble_status"))
        secrets = [box.plex_token, box.trakt_client_secret, *box.trakt.access, *box.trakt.refresh]
        assert not any(secret in answers for secret in secrets)
        assert not any(secret in f"{seen.path}?{seen.query}" for seen in box.requests for secret in secrets)

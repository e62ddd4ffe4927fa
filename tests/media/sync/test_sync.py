"""Plex's and Trakt's histories brought together, through a real client and against the sandbox."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from gatepost_media.common.http import Http
from gatepost_media.common.settings import Settings
from gatepost_media.sandbox import Sandbox
from gatepost_media.sync.guids import Ids
from gatepost_media.sync.items import Item
from gatepost_media.sync.plans import placed_by_trakt
from gatepost_media.trakt.client import Trakt
from tests.media.sync.support import ask, connect, plays, refused, server, sign_in, until

pytestmark = pytest.mark.anyio

KID, TRIP, CHARADE, METROPOLIS = 1010, 1004, 1008, 1003
SPECIAL, OLD_FILM, OLD_EPISODE = 2003, 1015, 2035


def sent(box: Sandbox) -> list[dict[str, Any]]:
    """The bodies of the additions to Trakt's history so far."""
    bodies = [seen.json() for seen in box.requests if seen.path == "/sync/history" and seen.method == "POST"]
    return [body for body in bodies if isinstance(body, dict)]


def watch_everything(box: Sandbox) -> int:
    """Has the owner see every film and episode of the Plex library; says how many there are."""
    works = [work for kind in ("movie", "episode") for work in box.plex.of(kind)]
    for work in works:
        box.plex.mark(work, watched=True)
    return len(works)


async def whole(client: Client, tool: str, **arguments: Any) -> list[dict[str, Any]]:
    """Every item of a reply, part by part."""
    items: list[dict[str, Any]] = []
    cursor: dict[str, Any] = {}
    while True:
        part = await ask(client, tool, **arguments, **cursor)
        assert part["offset"] == len(items)
        items += part["items"]
        if "nextCursor" not in part:
            assert len(items) == part["totalSize"]
            return items
        cursor = {"cursor": part["nextCursor"]}


async def test_a_push_sends_what_is_missing_and_a_second_one_nothing(tmp_path: Path) -> None:
    async with server(tmp_path) as (box, client):
        first = await ask(client, "trakt_sync_to_trakt")
        assert (first["addedMovies"], first["addedEpisodes"], first["same"]) == (1, 1, 2)
        assert sorted(plays(box, "watch")) == [TRIP, CHARADE, KID, SPECIAL, 2005]
        again = await ask(client, "trakt_sync_to_trakt")
        assert (again["totalSize"], again["addedMovies"], again["addedEpisodes"], again["same"]) == (0, 0, 0, 4)
        assert len(sent(box)) == 1


async def test_a_play_keeps_the_time_at_which_plex_saw_it(tmp_path: Path) -> None:
    async with server(tmp_path) as (box, client):
        await ask(client, "trakt_sync_to_trakt")
        watch = next(watch for watch in box.trakt.history() if watch.work.key == CHARADE)
        assert watch.at == box.plex.views[CHARADE].last


async def test_a_dry_run_changes_nothing_and_lists_exactly_what_is_then_sent(tmp_path: Path) -> None:
    async with server(tmp_path, GATEPOST_MEDIA_REPLY_TOKENS="2000") as (box, client):
        count = watch_everything(box)
        before = len(box.trakt.history())
        listed = await whole(client, "trakt_sync_to_trakt", dryRun=True)
        assert len(box.trakt.history()) == before and sent(box) == []
        assert len(listed) == count - 3  # three are on Trakt already
        done = await ask(client, "trakt_sync_to_trakt", batchSize=1000)
        assert done["addedMovies"] + done["addedEpisodes"] == len(listed) and done["unknown"] == 0
        new = plays(box, "watch")
        assert sorted({str(key) for key in new} - {str(KID), str(TRIP), "2005"}) == sorted(
            each["ratingKey"] for each in listed
        )
        assert len(new) == len(set(new))
        assert {SPECIAL, OLD_FILM, OLD_EPISODE} <= set(new)
        assert (await ask(client, "trakt_sync_to_trakt"))["totalSize"] == 0


async def test_films_and_episodes_go_in_batches_of_the_size_that_was_asked_for(tmp_path: Path) -> None:
    async with server(tmp_path) as (box, client):
        for key in (1001, 1002, 2005, 2006, 2007):
            work = box.plex.work(key)
            assert work is not None
            box.plex.mark(work, watched=True)
        await ask(client, "trakt_sync_to_trakt", batchSize=3)

        def size(body: dict[str, Any]) -> int:
            episodes = [e for show in body.get("shows", []) for season in show["seasons"] for e in season["episodes"]]
            return len(body.get("movies", [])) + len(episodes)

        assert [size(body) for body in sent(box)] == [3, 3]


async def test_where_films_were_left_is_sent_once(tmp_path: Path) -> None:
    async with server(tmp_path) as (box, client):
        dry = await ask(client, "trakt_sync_to_trakt", dryRun=True, includeProgress=True)
        assert dry["progressPositions"] == 1
        first = await ask(client, "trakt_sync_to_trakt", includeProgress=True)
        assert first["progressPositions"] == 1
        assert [place.work.key for place in box.trakt.places.values()] == [METROPOLIS]
        again = await ask(client, "trakt_sync_to_trakt", includeProgress=True)
        assert again["progressPositions"] == 0


@pytest.mark.parametrize("kind", ["cut", "503"])
async def test_a_batch_whose_answer_was_lost_is_recorded_once(kind: str, tmp_path: Path) -> None:
    async with server(tmp_path) as (box, client):
        box.fault("trakt", kind, 1, path="/sync/history", method="POST")
        done = await ask(client, "trakt_sync_to_trakt")
        assert (done["addedMovies"], done["addedEpisodes"]) == (1, 1)
        assert sorted(plays(box, "watch")) == [TRIP, CHARADE, KID, SPECIAL, 2005]


async def test_a_library_page_that_fails_stops_it_before_anything_is_sent(tmp_path: Path) -> None:
    async with server(tmp_path) as (box, client):
        box.fault("plex", "503", 9, path="/library/sections/2/all")
        assert "Plex" in await refused(client, "trakt_sync_to_trakt")
        assert sent(box) == []
        box.fault("plex", "cut", 9, path="/library/sections/1/all")
        assert "broke" in await refused(client, "trakt_sync_to_trakt")
        assert sent(box) == []
        status = await ask(client, "trakt_get_sync_status")
        assert status["running"] is False and "broke" in status["last"]["outcome"]


async def test_an_error_in_the_middle_says_how_far_it_came_and_the_next_run_does_the_rest(tmp_path: Path) -> None:
    async with server(tmp_path) as (box, client):
        box.fault("trakt", "403", 1, path="/sync/history", method="POST")
        assert "0 of 2 were done before; run it again" in await refused(client, "trakt_sync_to_trakt", batchSize=1)
        done = await ask(client, "trakt_sync_to_trakt")
        assert (done["addedMovies"], done["addedEpisodes"]) == (1, 1)


async def test_an_interrupted_sync_can_be_run_again(tmp_path: Path) -> None:
    async with server(tmp_path) as (box, client):
        slow = box.fault("trakt", "slow", 9, path="/sync/history", method="POST", seconds=0.3)
        call = asyncio.create_task(client.call_tool("trakt_sync_to_trakt", {"batchSize": 1}))
        await until(lambda: sent(box))
        assert "runs already" in await refused(client, "trakt_sync_from_trakt")
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        slow.times = 0
        while (status := await ask(client, "trakt_get_sync_status"))["running"]:
            await asyncio.sleep(0.02)
        assert status["last"]["outcome"] == "interrupted"
        await ask(client, "trakt_sync_to_trakt")
        assert sorted(plays(box, "watch")) == [TRIP, CHARADE, KID, SPECIAL, 2005]
        assert {each.name.partition("-")[0] for each in tmp_path.iterdir()} <= {"trakt", "client"}


async def test_two_processes_do_not_send_at_the_same_time(tmp_path: Path) -> None:
    async with server(tmp_path) as (box, client), connect(box, tmp_path) as other:
        box.fault("trakt", "slow", 1, path="/sync/history", method="POST", seconds=1.0)
        call = asyncio.create_task(ask(client, "trakt_sync_to_trakt"))
        await until(lambda: sent(box))
        assert "Another process" in await refused(other, "trakt_sync_to_trakt")
        assert (await call)["addedMovies"] == 1


async def test_progress_is_told_while_it_runs(tmp_path: Path) -> None:
    async with server(tmp_path) as (_, client):
        told: list[tuple[float, str | None]] = []

        async def note(progress: float, _total: float | None, message: str | None) -> None:
            told.append((progress, message))

        await client.call_tool("trakt_sync_to_trakt", {}, progress_callback=note)
        numbers = [number for number, _ in told]
        assert numbers == sorted(set(numbers)) and len(numbers) >= 4
        said = " / ".join(message or "" for _, message in told)
        assert "films watched on Trakt" in said and "Films on Plex" in said and "plays to Trakt: 2 of 2" in said


async def test_what_trakt_has_and_plex_has_not_is_listed_and_then_marked_once(tmp_path: Path) -> None:
    async with server(tmp_path) as (box, client):
        listed = await ask(client, "trakt_sync_from_trakt")
        assert [each["ratingKey"] for each in listed["items"]] == [str(TRIP)]
        dry = await ask(client, "trakt_sync_apply", dryRun=True)
        assert (dry["items"], dry["marked"]) == (listed["items"], 0)
        assert TRIP not in box.plex.views
        box.fault("plex", "cut", 1, path="/:/scrobble")  # marked, and the answer lost
        done = await ask(client, "trakt_sync_apply")
        assert (done["marked"], box.plex.views[TRIP].count) == (1, 1)
        again = await ask(client, "trakt_sync_apply")
        assert (again["totalSize"], again["marked"], box.plex.views[TRIP].count) == (0, 0, 1)
        assert (await ask(client, "trakt_sync_from_trakt"))["totalSize"] == 0


async def test_only_the_named_items_are_marked(tmp_path: Path) -> None:
    async with server(tmp_path) as (box, client):
        none = await ask(client, "trakt_sync_apply", ratingKeys=["1001", "999999"])
        assert (none["marked"], none["notDifferent"]) == (0, ["1001", "999999"])
        done = await ask(client, "trakt_sync_apply", ratingKeys=[TRIP])
        assert (done["marked"], done["notDifferent"]) == (1, [])
        assert box.plex.views[TRIP].count == 1
        assert "ratingKeys" in await refused(client, "trakt_sync_apply", ratingKeys=["../1"])


async def test_what_is_being_watched_again_on_plex_is_left_alone(tmp_path: Path) -> None:
    async with server(tmp_path) as (box, client):
        view = box.plex.view(box.plex.works.by_key[TRIP])
        view.offset, view.last = 60_000, box.clock.second()
        assert (await ask(client, "trakt_sync_from_trakt"))["totalSize"] == 0


async def test_what_trakt_has_and_the_library_lacks_is_counted(tmp_path: Path) -> None:
    async with server(tmp_path) as (box, client):
        box.trakt.watch(box.plex.works.by_key[1046], box.clock.second())
        assert (await ask(client, "trakt_sync_from_trakt"))["notInPlex"] == 1


async def test_a_cursor_of_a_sync_that_was_forgotten_says_so(tmp_path: Path) -> None:
    async with server(tmp_path, GATEPOST_MEDIA_REPLY_TOKENS="2000") as (box, client):
        watch_everything(box)
        part = await ask(client, "trakt_sync_to_trakt", dryRun=True)
        async with connect(box, tmp_path, GATEPOST_MEDIA_REPLY_TOKENS="2000") as other:
            said = await refused(other, "trakt_sync_to_trakt", dryRun=True, cursor=part["nextCursor"])
            assert "forgotten" in said
            assert "cursor" in await refused(other, "trakt_sync_to_trakt", cursor="nonsense")


async def test_an_episode_whose_show_plex_cannot_name_is_placed_by_what_trakt_says(tmp_path: Path) -> None:
    async with Sandbox() as box:
        sign_in(box, tmp_path)
        http = Http()
        trakt = Trakt(Settings.from_environment({**box.environment(), "GATEPOST_MEDIA_HOME": str(tmp_path)}), http)
        own = box.plex.works.by_key[SPECIAL].ids
        item = Item("episode", str(SPECIAL), "Pilot", None, Ids(tvdb=int(own["tvdb"])))
        placed = await placed_by_trakt(trakt, item)
        assert (placed.season, placed.number) == (0, 1)
        assert placed.show is not None and placed.show.ids.imdb == "tt0055662"
        unknown = Item("episode", "1", "Nothing", None, Ids(tvdb=999_999_999_999))
        assert await placed_by_trakt(trakt, unknown) == unknown
        await http.aclose()

"""Somebody plays something: sessions move, listeners hear of it, and the history has it at the end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
import websockets

from gatepost_media.sandbox import Sandbox
from tests.media.sandbox.clients import Services

Run = Callable[..., Any]


def _listen(box: Sandbox, path: str = "/:/websockets/notifications", token: str | None = None) -> Any:
    headers = {"X-Plex-Token": token or box.plex_token}
    return websockets.connect(f"{box.plex_url.replace('http', 'ws')}{path}", additional_headers=headers)


async def _next(socket: Any) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(await asyncio.wait_for(socket.recv(), 20))["NotificationContainer"]
    return told


async def _state(socket: Any) -> tuple[str, int]:
    (entry,) = (await _next(socket))["PlaySessionStateNotification"]
    return entry["state"], entry["viewOffset"]


@pytest.mark.parametrize("path", ["/:/websockets/notifications", "/:/websocket/notifications"])
def test_every_change_is_told(run: Run, path: str) -> None:
    async def body(box: Sandbox, services: Services) -> None:
        async with _listen(box, path) as socket:
            playback = box.play(1001, speed=0)
            assert await _state(socket) == ("playing", 0)
            playback.seek_to(50)
            assert await _state(socket) == ("playing", 2_370_000)
            playback.pause()
            assert await _state(socket) == ("paused", 2_370_000)
            (row,) = (await services.container("/status/sessions"))["Metadata"]
            assert (row["Player"]["state"], row["viewOffset"]) == ("paused", 2_370_000)
            playback.resume()
            assert await _state(socket) == ("playing", 2_370_000)
            playback.stop()
            assert await _state(socket) == ("stopped", 2_370_000)
        assert (await services.container("/status/sessions"))["Metadata"] == []
        assert (await services.container("/library/metadata/1001"))["Metadata"][0]["viewOffset"] == 2_370_000

    run(body)


def test_a_film_that_is_played_to_its_end_is_in_the_history(run: Run) -> None:
    async def body(box: Sandbox, services: Services) -> None:
        box.play(1004, speed=1, account=2, device=3)
        box.advance(12 * 60)
        assert len(box.plex.sessions) == 1
        rows = (await services.container("/status/sessions/history/all?accountID=2&sort=viewedAt:desc"))["Metadata"]
        assert rows[0]["title"] != "A Trip to the Moon"
        box.advance(60)
        box.advance(60)
        rows = (await services.container("/status/sessions/history/all?accountID=2&sort=viewedAt:desc"))["Metadata"]
        assert (rows[0]["title"], rows[0]["accountID"], rows[0]["deviceID"]) == ("A Trip to the Moon", 2, 3)
        assert box.plex.sessions == {}
        assert len([row for row in rows if row["title"] == "A Trip to the Moon"]) == 1

    run(body)


def test_a_film_goes_sixty_times_as_fast_and_stops_by_itself(run: Run) -> None:
    async def body(box: Sandbox, services: Services) -> None:
        async with _listen(box) as socket:
            box.play(1004, speed=600, offset=780_000)
            heard = [await _state(socket)]
            while heard[-1][0] != "stopped":
                heard.append(await _state(socket))
        offsets = [offset for _, offset in heard]
        assert offsets == sorted(offsets)
        assert heard[-1] == ("stopped", 840_000)
        assert box.plex.history[-1].work.title == "A Trip to the Moon"

    run(body)


def test_a_session_is_stopped_by_its_session_id_and_no_other(run: Run) -> None:
    async def body(box: Sandbox, services: Services) -> None:
        playback = box.play(1001, speed=0)
        (row,) = (await services.container("/status/sessions"))["Metadata"]
        stop = "/status/sessions/terminate"
        assert (await services.plex.post(f"{stop}?sessionId={row['sessionKey']}")).status_code == 404
        assert (await services.plex.post(stop)).status_code == 400
        assert (await services.plex.post(f"{stop}?sessionId={row['Session']['id']}&reason=enough")).status_code == 200
        assert playback.state == "stopped"

    run(body)


def test_a_trailer_is_a_clip_and_makes_no_history(run: Run) -> None:
    async def body(box: Sandbox, services: Services) -> None:
        rows = len(box.plex.history)
        playback = box.play(9001, speed=0)
        (row,) = (await services.container("/status/sessions"))["Metadata"]
        assert (row["type"], row["subtype"]) == ("clip", "trailer")
        playback.seek_to(95)
        playback.stop()
        assert len(box.plex.history) == rows

    run(body)


def test_a_player_that_reports_by_itself_makes_a_session(run: Run) -> None:
    async def body(box: Sandbox, services: Services) -> None:
        said = "/:/timeline?ratingKey=1001&key=/library/metadata/1001&duration=4740000"
        await services.plex.post(f"{said}&state=playing&time=0")
        await services.plex.post(f"{said}&state=paused&time=600000")
        (row,) = (await services.container("/status/sessions"))["Metadata"]
        assert (row["viewOffset"], row["Player"]["state"], row["Player"]["machineIdentifier"]) == (
            600_000,
            "paused",
            "tests",
        )
        await services.plex.post(f"{said}&state=stopped&time=4700000")
        assert box.plex.history[-1].work.key == 1001
        assert (await services.plex.post("/:/timeline?ratingKey=1001&state=asleep&time=0")).status_code == 400

    run(body)


def test_listening_needs_the_token_and_ends_when_the_server_hangs_up(run: Run) -> None:
    async def body(box: Sandbox, _: Services) -> None:
        with pytest.raises(websockets.InvalidStatus):
            async with _listen(box, token="wrong"):
                pass
        async with _listen(box) as socket:
            box.drop_listeners()
            with pytest.raises(websockets.ConnectionClosed):
                await asyncio.wait_for(socket.recv(), 20)
        assert len(box.plex.listeners) == 0

    run(body)


def test_the_same_is_told_as_server_sent_events(run: Run) -> None:
    async def body(box: Sandbox, services: Services) -> None:
        async with services.plex.stream("GET", "/:/eventsource/notifications?filters=playing") as answer:
            lines = answer.aiter_lines()
            assert await anext(lines) == ": listening"
            box.plex.listeners.scanned(box.plex.section(1))
            box.play(1001, speed=0)
            told = [await anext(lines) for _ in range(3)]
        assert told[1] == "event: playing"
        assert json.loads(told[2].removeprefix("data: "))["PlaySessionStateNotification"]["ratingKey"] == "1001"

    run(body)


def test_a_scan_is_an_activity_that_is_told(run: Run) -> None:
    async def body(box: Sandbox, services: Services) -> None:
        async with _listen(box) as socket:
            await services.plex.post("/library/sections/1/refresh")
            events = [(await _next(socket))["ActivityNotification"][0]["event"] for _ in range(3)]
        assert events == ["started", "updated", "ended"]

    run(body)


def test_listening_can_be_spoiled_too(run: Run) -> None:
    async def body(box: Sandbox, services: Services) -> None:
        box.fault("plex", "503", path="/:/websockets")
        assert (await services.plex.get("/identity")).status_code == 200
        with pytest.raises(websockets.InvalidStatus) as refused:
            async with _listen(box):
                pass
        assert refused.value.response.status_code == 503
        async with _listen(box):
            assert len(box.plex.listeners) == 1

    run(body)

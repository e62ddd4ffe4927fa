"""Faults on demand, the request log, the controls over HTTP, and the command that starts it all."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from gatepost_media.sandbox import Sandbox
from tests.media.sandbox.clients import Services

Run = Callable[..., Any]


def test_requests_are_spoiled_as_often_as_asked_and_then_no_more(run: Run) -> None:
    async def body(box: Sandbox, services: Services) -> None:
        box.fault("plex", "503", 2, path="/library")
        assert (await services.plex.get("/identity")).status_code == 200
        assert [(await services.plex.get("/library/all")).status_code for _ in range(3)] == [503, 503, 200]
        box.fault("trakt", "429", seconds=7, method="POST")
        assert (await services.trakt.get("/movies/popular")).status_code == 200
        spoiled = await services.trakt.post("/sync/history", json={})
        assert (spoiled.status_code, spoiled.headers["Retry-After"]) == (429, "7")
        assert (await services.trakt.post("/sync/history", json={})).status_code == 201

    run(body)


def test_an_answer_can_be_cut_in_the_middle(run: Run) -> None:
    async def body(box: Sandbox, services: Services) -> None:
        box.fault("plex", "cut")
        with pytest.raises(httpx2.RemoteProtocolError):
            await services.plex.get("/library/sections/1/all")
        assert (await services.plex.get("/library/sections/1/all")).status_code == 200

    run(body)


def test_an_answer_can_come_late(run: Run) -> None:
    async def body(box: Sandbox, services: Services) -> None:
        box.fault("plex", "slow", seconds=60)
        with pytest.raises(httpx2.ReadTimeout):
            await services.plex.get("/identity", timeout=0.2)

    run(body)


def test_the_log_has_requests_as_they_were_sent(run: Run) -> None:
    async def body(box: Sandbox, services: Services) -> None:
        await services.plex.get("/playlists/..%2Flibrary%2Fmetadata%2F1?limit=3")
        await services.trakt.post("/checkin", json={"message": "é"})
        first, second = box.requests
        assert (first.service, first.method, first.path) == ("plex", "GET", "/playlists/..%2Flibrary%2Fmetadata%2F1")
        assert (first.query["limit"], first.status) == ("3", 404)
        assert first.headers["x-plex-client-identifier"] == "tests"
        assert (second.service, second.json(), second.status) == ("trakt", {"message": "é"}, 404)
        box.forget_requests()
        assert box.requests == []

    run(body)


def test_the_controls_play_spoil_and_let_time_pass(run: Run) -> None:
    async def body(box: Sandbox, services: Services) -> None:
        made = await services.admin.post("/play", json={"ratingKey": 1001, "speed": 1, "account": 2})
        session = f"/sessions/{made.json()['session']}"
        await services.admin.post("/advance", json={"seconds": 600})
        (playing,) = (await services.admin.get("/")).json()["playing"]
        assert (playing["account"], playing["offset"] // 1000) == ("ada", 600)
        assert (await services.admin.post(session, json={"do": "seek", "percent": 50})).json()["offset"] >= 2_370_000
        assert (await services.admin.post(session, json={"do": "stop"})).json()["state"] == "stopped"
        assert (await services.admin.post("/faults", json={"service": "trakt", "kind": "502"})).status_code == 201
        assert (await services.trakt.get("/movies/popular")).status_code == 502
        await services.admin.post("/faults", json={"service": "plex", "kind": "slow", "times": 9})
        assert (await services.admin.delete("/faults", headers={"content-type": "application/json"})).json() == {
            "faults": 0
        }
        (row,) = (await services.admin.get("/requests?service=trakt")).json()
        assert (row["path"], row["status"]) == ("/movies/popular", 502)

    run(body)


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/play", {"ratingKey": 77}),
        ("/play", {"ratingKey": 1001, "account": 9}),
        ("/play", {"ratingKey": 1001, "speed": -1}),
        ("/faults", {"service": "admin", "kind": "503"}),
        ("/faults", {"service": "plex", "kind": "700"}),
        ("/faults", {"service": "plex", "kind": "503", "times": "many"}),
        ("/advance", {"seconds": -5}),
        ("/sessions/none", {"do": "stop"}),
        ("/devices/NONE", {"allow": True}),
        ("/pins/NONE", {}),
        ("/play", []),
    ],
)
def test_the_controls_refuse_what_cannot_be_done(run: Run, path: str, sent: object) -> None:
    async def body(_: Sandbox, services: Services) -> None:
        refused = await services.admin.post(path, json=sent)
        assert refused.status_code == 400
        assert refused.json()["error"]

    run(body)


def test_the_controls_are_not_for_web_pages(run: Run) -> None:
    async def body(_: Sandbox, services: Services) -> None:
        assert (await services.admin.post("/advance", data={"seconds": "1"})).status_code == 415
        assert (await services.admin.get("/", headers={"Host": "evil.example:80"})).status_code == 421

    run(body)


def _sandbox(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "gatepost_media.sandbox", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_the_command_says_where_everything_is_and_ends_when_interrupted() -> None:
    with _sandbox("--profile", "small", "--json", "--play", "1004@60") as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        request = urllib.request.Request(
            f"{told['addresses']['plex']}/status/sessions", headers={"X-Plex-Token": told["environment"]["PLEX_TOKEN"]}
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            assert b"A Trip to the Moon" in answer.read()
        home = Path(told["environment"]["GATEPOST_MEDIA_HOME"])
        assert home.stat().st_mode & 0o777 == 0o700
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert not home.exists()


def test_the_command_refuses_a_title_that_is_not_there() -> None:
    with _sandbox("--profile", "small", "--play", "77") as process:
        _, err = process.communicate(timeout=30)
        assert (process.returncode, err) == (1, "error: --play: the library has no title '77'.\n")
    with _sandbox("--play", "film") as process:
        assert process.wait(30) == 2


def test_the_large_profile_has_what_it_says_and_says_what_it_is() -> None:
    with Sandbox.in_thread("large") as box:
        headers = {"X-Plex-Token": box.plex_token, "Accept": "application/json"}
        with httpx2.Client(base_url=box.plex_url, headers=headers, timeout=60) as plex:
            page = "X-Plex-Container-Start=49000&X-Plex-Container-Size=2"
            films = plex.get(f"/library/sections/1/all?{page}&includeGuids=1").json()["MediaContainer"]
            assert films["totalSize"] == 50_000
            assert all(row["title"].startswith("Generated Film ") for row in films["Metadata"])
            numbers = [
                int(guid["id"].rpartition("/")[2].removeprefix("tt"))
                for row in films["Metadata"]
                for guid in row["Guid"]
            ]
            assert all(number > 900_000_000 for number in numbers)
            episodes = plex.get("/library/sections/2/all?type=4&X-Plex-Container-Size=0").json()["MediaContainer"]
            assert episodes["totalSize"] >= 200_000
            history = plex.get("/status/sessions/history/all?X-Plex-Container-Size=1").json()["MediaContainer"]
            assert history["totalSize"] == 100_000

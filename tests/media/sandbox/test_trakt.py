"""The Trakt stand-in keeps Trakt's rules: signing in, scrobbling, pages, limits, what cannot be found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from gatepost_media.sandbox import Sandbox
from tests.media.sandbox.clients import Services

Run = Callable[..., Any]
GENERAL = {"movie": {"ids": {"imdb": "tt0017925"}}}


async def _begin(box: Sandbox, services: Services) -> dict[str, Any]:
    made = await services.trakt_auth.post("/oauth/device/code", json={"client_id": box.trakt_client_id})
    told: dict[str, Any] = made.json()
    return told


async def _poll(box: Sandbox, services: Services, code: str) -> httpx2.Response:
    keys = {"client_id": box.trakt_client_id, "client_secret": box.trakt_client_secret}
    return await services.trakt_auth.post("/oauth/device/token", json={"code": code, **keys})


def test_a_device_code_has_every_answer_that_there_is(run: Run) -> None:
    async def body(box: Sandbox, services: Services) -> None:
        code = (await _begin(box, services))["device_code"]
        pending = await _poll(box, services, code)
        assert (pending.status_code, pending.content) == (400, b"")
        assert (await _poll(box, services, code)).status_code == 429
        assert (await _poll(box, services, "another")).status_code == 404
        denied = await _begin(box, services)
        box.deny_device(denied["user_code"])
        assert (await _poll(box, services, denied["device_code"])).status_code == 418
        old = await _begin(box, services)
        used = await _begin(box, services)
        box.approve_device(used["user_code"])
        assert (await _poll(box, services, used["device_code"])).json()["expires_in"] == 604_800
        assert (await _poll(box, services, used["device_code"])).status_code == 409
        box.advance(601)
        assert (await _poll(box, services, old["device_code"])).status_code == 410
        assert (await services.trakt_auth.post("/oauth/device/code", json={"client_id": "no"})).status_code == 403

    run(body, approve=False)


def test_a_person_allows_and_denies_on_the_page_that_the_code_names(run: Run) -> None:
    async def body(box: Sandbox, services: Services) -> None:
        first, second = await _begin(box, services), await _begin(box, services)
        page = await services.trakt_auth.get(first["verification_url"])
        assert first["user_code"] in page.text
        await services.trakt_auth.post("/activate", data={"code": first["user_code"], "allow": ""})
        await services.trakt_auth.post("/activate", data={"code": second["user_code"], "deny": ""})
        assert (await services.trakt_auth.post("/activate", data={"code": "NONE"})).status_code == 404
        assert (await _poll(box, services, first["device_code"])).status_code == 200
        assert (await _poll(box, services, second["device_code"])).status_code == 418

    run(body, approve=False)


def test_a_code_after_a_redirect_is_good_once_and_for_its_own_address(run: Run) -> None:
    async def body(box: Sandbox, services: Services) -> None:
        back = "http://127.0.0.1:9/back"
        asked = {"response_type": "code", "client_id": box.trakt_client_id, "redirect_uri": back, "state": "s1"}
        sent = await services.trakt_auth.get("/oauth/authorize", params=asked)
        address = httpx2.URL(sent.headers["location"])
        assert address.params["state"] == "s1"
        keys = {"client_id": box.trakt_client_id, "client_secret": box.trakt_client_secret}
        body = {"grant_type": "authorization_code", "code": address.params["code"], "redirect_uri": back, **keys}
        assert (await services.trakt_auth.post("/oauth/token", json=body)).status_code == 200
        again = await services.trakt_auth.post("/oauth/token", json=body)
        assert (again.status_code, again.json()["error"]) == (401, "invalid_grant")

    run(body)


def test_a_refresh_token_works_once_and_an_access_token_a_week(run: Run) -> None:
    async def body(box: Sandbox, services: Services) -> None:
        first = box.trakt.sign_in()
        keys = {"client_id": box.trakt_client_id, "client_secret": box.trakt_client_secret}
        refresh = {"grant_type": "refresh_token", "refresh_token": first.refresh, **keys}
        second = (await services.trakt_auth.post("/oauth/token", json=refresh)).json()
        assert second["refresh_token"] != first.refresh
        assert (await services.trakt_auth.post("/oauth/token", json=refresh)).status_code == 401
        services.trakt.headers["Authorization"] = f"Bearer {first.access}"
        assert (await services.trakt.get("/users/settings")).status_code == 401
        services.trakt.headers["Authorization"] = f"Bearer {second['access_token']}"
        assert (await services.trakt.get("/users/settings")).json()["user"]["username"] == "sandbox"
        box.advance(7 * 86_400)
        assert (await services.trakt.get("/users/settings")).status_code == 401

    run(body)


def test_every_request_brings_the_programs_key_and_the_version(run: Run) -> None:
    async def body(_: Sandbox, services: Services) -> None:
        assert (await services.trakt.get("/movies/popular", headers={"trakt-api-key": "other"})).status_code == 403
        assert (await services.trakt.get("/movies/popular", headers={"trakt-api-version": "1"})).status_code == 412
        del services.trakt.headers["Authorization"]
        assert (await services.trakt.get("/movies/popular")).status_code == 200
        assert (await services.trakt.get("/sync/history")).status_code == 401
        assert (await services.trakt.post("/scrobble/start", json={})).status_code == 401

    run(body)


def test_eighty_percent_is_a_play_and_less_a_place(run: Run) -> None:
    async def body(box: Sandbox, services: Services) -> None:
        async def send(action: str, progress: float) -> httpx2.Response:
            return await services.trakt.post(f"/scrobble/{action}", json={**GENERAL, "progress": progress})

        plays = len(box.trakt.history())
        assert (await send("start", 0.2)).json()["action"] == "start"
        assert (await services.trakt.get("/users/me/watching")).json()["movie"]["title"] == "The General"
        assert (await send("stop", 0.9)).status_code == 422
        stopped = await send("stop", 79.9)
        assert (stopped.status_code, stopped.json()["action"]) == (201, "pause")
        (place,) = (await services.trakt.get("/sync/playback/movies")).json()
        assert place["progress"] == 79.9
        assert len(box.trakt.history()) == plays
        stopped = await send("stop", 80)
        assert (stopped.json()["action"], stopped.json()["id"]) == ("scrobble", box.trakt.history()[0].id)
        assert (await services.trakt.get("/sync/playback")).json() == []
        again = await send("stop", 99)
        assert again.status_code == 409
        assert set(again.json()) == {"watched_at", "expires_at"}
        box.advance(79 * 60)
        assert (await send("stop", 99)).status_code == 201
        assert len(box.trakt.history()) == plays + 2

    run(body)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({**GENERAL}, 422),
        ({**GENERAL, "progress": 101}, 422),
        ({**GENERAL, "progress": "5"}, 422),
        ({"movie": {"ids": {"imdb": "tt9999999"}}, "progress": 5}, 404),
        ({"progress": 5}, 404),
        ({"episode": {"ids": {"trakt": 5_002_005}}, "progress": 5}, 201),
        ({"show": {"ids": {"tvdb": 71471}}, "episode": {"season": 0, "number": 1}, "progress": 5}, 201),
        (
            {"show": {"title": "Sherlock Holmes", "year": 1954}, "episode": {"season": 1, "number": 99}, "progress": 5},
            404,
        ),
    ],
)
def test_a_scrobble_is_checked(run: Run, sent: dict[str, Any], status: int) -> None:
    async def body(_: Sandbox, services: Services) -> None:
        assert (await services.trakt.post("/scrobble/start", json=sent)).status_code == status

    run(body)


def test_one_checks_in_to_one_thing_and_it_counts_when_its_time_has_passed(run: Run) -> None:
    async def body(box: Sandbox, services: Services) -> None:
        assert (await services.trakt.post("/checkin", json=GENERAL)).status_code == 201
        assert "expires_at" in (await services.trakt.post("/checkin", json=GENERAL)).json()
        assert (await services.trakt.delete("/checkin")).status_code == 204
        assert (await services.trakt.post("/checkin", json=GENERAL)).status_code == 201
        box.advance(79 * 60)
        (row,) = (await services.trakt.get("/sync/history/movies?limit=1")).json()
        assert (row["action"], row["movie"]["title"]) == ("checkin", "The General")
        assert (await services.trakt.get("/users/me/watching")).status_code == 204

    run(body)


def test_lists_come_in_pages_of_a_hundred_and_never_more_than_two_hundred_and_fifty(run: Run) -> None:
    async def body(box: Sandbox, services: Services) -> None:
        film = box.works.by_key[1001]
        for at in range(300):
            box.trakt.watch(film, 1_700_000_000 + at)
        found: list[int] = []
        for page in (1, 2, 3, 4):
            answer = await services.trakt.get(f"/sync/history?page={page}")
            assert answer.headers["X-Pagination-Page-Count"] == "4"
            assert answer.headers["X-Pagination-Item-Count"] == "303"
            found += [row["id"] for row in answer.json()]
        assert len(set(found)) == 303
        most = await services.trakt.get("/sync/history?limit=1000")
        assert (len(most.json()), most.headers["X-Pagination-Limit"]) == (250, "250")
        assert len((await services.trakt.get("/search/movie?query=the")).json()) <= 50
        assert (await services.trakt.get("/movies/the-general-1926/comments")).headers["X-Pagination-Limit"] == "10"

    run(body)


def test_history_takes_titles_seasons_and_episodes_and_says_what_it_did_not_find(run: Run) -> None:
    async def body(box: Sandbox, services: Services) -> None:
        sent = {
            "movies": [
                {"ids": {"tmdb": 961}, "watched_at": "1999-12-31T23:59:59.000Z"},
                {"ids": {"imdb": "tt9999999"}},
            ],
            "shows": [
                {
                    "ids": {"tvdb": 71471},
                    "seasons": [{"number": 2}, {"number": 0, "episodes": [{"number": 1}, {"number": 9}]}],
                }
            ],
            "episodes": [{"ids": {"tvdb": 900_002_035}}],
        }
        told = (await services.trakt.post("/sync/history", json=sent)).json()
        assert told["added"] == {"movies": 1, "episodes": 6}
        assert told["not_found"]["movies"] == [{"ids": {"imdb": "tt9999999"}}]
        assert len(told["not_found"]["episodes"]) == 1
        assert (await services.trakt.get("/sync/history/movies?end_at=2000-01-01")).json()[0]["movie"][
            "title"
        ] == "The General"
        shows = (await services.trakt.get("/sync/watched/shows?extended=progress")).json()
        assert [part["number"] for part in shows[0]["seasons"]] == [0, 1, 2]
        assert all("seasons" not in row for row in (await services.trakt.get("/sync/watched/shows")).json())
        numbers = [row["id"] for row in (await services.trakt.get("/sync/history/episodes")).json()]
        gone = await services.trakt.post(
            "/sync/history/remove", json={"ids": [numbers[0], 1], "movies": [{"ids": {"tmdb": 961}}]}
        )
        assert gone.json()["deleted"] == {"movies": 1, "episodes": 1}
        assert gone.json()["not_found"]["ids"] == [1]

    run(body)


def test_writes_within_a_second_are_refused_where_limits_are_on(run: Run) -> None:
    async def body(box: Sandbox, services: Services) -> None:
        film = {"movies": [{"ids": {"tmdb": 961}, "rating": 8}]}
        assert (await services.trakt.post("/sync/ratings", json=film)).status_code == 201
        refused = await services.trakt.post("/sync/ratings", json=film)
        assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
        assert (await services.trakt.get("/sync/ratings")).status_code == 200
        box.advance(1)
        assert (await services.trakt.post("/sync/ratings", json=film)).status_code == 201

    run(body, limits=True)


def test_an_account_has_room_for_five_lists(run: Run) -> None:
    async def body(_: Sandbox, services: Services) -> None:
        codes = [(await services.trakt.post("/users/me/lists", json={"name": f"L{n}"})).status_code for n in range(5)]
        assert codes == [201, 201, 201, 201, 420]
        items = "/users/me/lists/l0/items"
        told = (
            await services.trakt.post(items, json={"movies": [{"ids": {"tmdb": 961}}, {"ids": {"tmdb": 961}}]})
        ).json()
        assert (told["added"]["movies"], told["existing"]["movies"]) == (1, 1)
        assert (await services.trakt.delete("/users/me/lists/l0")).status_code == 204
        assert (await services.trakt.get(items)).status_code == 404

    run(body)

"""Sonarr's and Radarr's stand-ins take what is right and refuse the rest as the services do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gatepost_media.sandbox import Sandbox
from tests.media.sandbox.clients import Services

Run = Callable[..., Any]


def test_nothing_is_told_without_the_key(run: Run) -> None:
    async def body(_: Sandbox, services: Services) -> None:
        for client, name in ((services.sonarr, "Sonarr"), (services.radarr, "Radarr")):
            assert (await client.get("/system/status")).json()["appName"] == name
            del client.headers["X-Api-Key"]
            assert (await client.get("/system/status")).status_code == 401

    run(body)


def test_a_series_is_looked_up_added_once_and_searched_for(run: Run) -> None:
    async def body(_: Sandbox, services: Services) -> None:
        (found,) = (await services.sonarr.get("/series/lookup", params={"term": "lone ranger"})).json()
        assert "id" not in found
        sent = {"tvdbId": found["tvdbId"], "title": found["title"], "qualityProfileId": 4, "rootFolderPath": "/tv"}
        sent["addOptions"] = {"monitor": "all", "searchForMissingEpisodes": True}
        queued = (await services.sonarr.get("/queue")).json()["totalRecords"]
        added = await services.sonarr.post("/series", json=sent)
        assert (added.status_code, added.json()["path"]) == (201, "/tv/The Lone Ranger")
        assert (await services.sonarr.get("/queue")).json()["totalRecords"] == queued + 1
        again = await services.sonarr.post("/series", json=sent)
        assert (again.status_code, again.json()[0]["errorCode"]) == (400, "SeriesExistsValidator")
        (known,) = (await services.sonarr.get("/series/lookup", params={"term": f"tvdb:{found['tvdbId']}"})).json()
        assert known["id"] == added.json()["id"]

    run(body)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"tmdbId": 1}, "TmdbId"),
        ({"qualityProfileId": 99}, "QualityProfileId"),
        ({"rootFolderPath": "/elsewhere"}, "RootFolderPath"),
        ({"minimumAvailability": "never"}, "minimumAvailability"),
    ],
)
def test_a_film_that_cannot_be_added_says_why(run: Run, change: dict[str, object], field: str) -> None:
    async def body(_: Sandbox, services: Services) -> None:
        sent = {"tmdbId": 780, "title": "Joan", "qualityProfileId": 4, "rootFolderPath": "/movies"}
        refused = await services.radarr.post("/movie", json={**sent, **change})
        assert (refused.status_code, refused.json()[0]["propertyName"]) == (400, field)

    run(body)


def test_what_is_missing_has_come_out_and_what_is_to_come_is_in_the_calendar(run: Run) -> None:
    async def body(box: Sandbox, services: Services) -> None:
        lost = (await services.radarr.get("/wanted/missing?pageSize=1&page=2")).json()
        assert (lost["totalRecords"], [row["title"] for row in lost["records"]]) == (2, ["Pandora's Box"])
        day = box.clock.second()
        until = {"start": _day(day), "end": _day(day + 30 * 86_400), "unmonitored": "false"}
        films = (await services.radarr.get("/calendar", params=until)).json()
        assert [film["title"] for film in films] == ["Generated Premiere"]
        episodes = (await services.sonarr.get("/calendar", params={**until, "includeSeries": "true"})).json()
        assert {episode["series"]["title"] for episode in episodes} == {"Generated Test Card"}
        assert (await services.sonarr.get("/wanted/missing")).json()["totalRecords"] == 5

    run(body)


def _day(seconds: int) -> str:
    import datetime as dt

    return dt.datetime.fromtimestamp(seconds, dt.UTC).date().isoformat()


def test_commands_are_known_or_refused(run: Run) -> None:
    async def body(_: Sandbox, services: Services) -> None:
        done = await services.radarr.post("/command", json={"name": "MoviesSearch", "movieIds": [13]})
        assert done.status_code == 201
        assert (await services.radarr.get(f"/command/{done.json()['id']}")).json()["status"] == "completed"
        assert (
            await services.radarr.post("/command", json={"name": "MoviesSearch", "movieIds": [99]})
        ).status_code == 404
        assert (await services.sonarr.post("/command", json={"name": "FormatDisk"})).status_code == 400

    run(body)

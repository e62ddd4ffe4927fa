"""The Plex stand-in behaves as the server does where programs commonly go wrong."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

import pytest

from gatepost_media.sandbox import Sandbox
from tests.media.sandbox.clients import Services

Run = Callable[..., Any]


def test_only_its_name_is_told_without_the_token(run: Run) -> None:
    async def body(box: Sandbox, services: Services) -> None:
        del services.plex.headers["X-Plex-Token"]
        assert (await services.plex.get("/identity")).status_code == 200
        assert (await services.plex.get("/library/sections")).status_code == 401
        assert (await services.plex.get("/library/sections?X-Plex-Token=wrong")).status_code == 401
        assert (await services.plex.get(f"/library/sections?X-Plex-Token={box.plex_token}")).status_code == 200

    run(body)


def test_xml_and_json_say_the_same(run: Run) -> None:
    async def body(_: Sandbox, services: Services) -> None:
        for path in (
            "/library/sections/1/all",
            "/library/metadata/2005",
            "/hubs/search?query=the",
            "/playlists",
            "/accounts",
        ):
            told = await services.container(path)
            text = (await services.plex.get(path, headers={"Accept": "*/*"})).text
            _same(told, ET.fromstring(text))

    run(body)


def _same(told: dict[str, Any], element: ET.Element) -> None:
    """Attributes are the single values, children the lists; of children the tag may be the older name of the type."""
    children = iter(element)
    for name, value in told.items():
        if isinstance(value, list):
            for row in value:
                _same(row, next(children))
        elif isinstance(value, dict):
            _same(value, next(children))
        elif isinstance(value, bool):
            assert element.get(name) == str(int(value))
        else:
            assert element.get(name) == str(value)


def test_pages_hold_what_was_asked_for_and_the_whole_number(run: Run) -> None:
    async def body(_: Sandbox, services: Services) -> None:
        everything = await services.titles("/library/sections/1/all")
        found: list[str] = []
        for start in range(0, 25, 6):
            answer = await services.plex.get(
                "/library/sections/1/all", headers={"X-Plex-Container-Start": str(start), "X-Plex-Container-Size": "6"}
            )
            told = answer.json()["MediaContainer"]
            assert (told["totalSize"], told["offset"], told["size"]) == (20, min(start, 20), len(told["Metadata"]))
            assert answer.headers["X-Plex-Container-Total-Size"] == "20"
            found += [row["title"] for row in told["Metadata"]]
        assert found == everything
        empty = await services.container("/library/sections/1/all?X-Plex-Container-Start=0&X-Plex-Container-Size=0")
        assert (empty["totalSize"], empty["Metadata"]) == (20, [])

    run(body)


def test_outside_ids_are_listed_only_when_asked_for(run: Run) -> None:
    async def body(_: Sandbox, services: Services) -> None:
        plain = await services.container("/library/sections/1/all")
        assert not any("Guid" in row for row in plain["Metadata"])
        asked = await services.container("/library/sections/1/all?includeGuids=1")
        without = [row["title"] for row in asked["Metadata"] if "Guid" not in row]
        assert without == ["Carnival of Souls", "Detour"]
        guids = {row["title"]: row["guid"] for row in asked["Metadata"]}
        assert guids["Detour"] == "com.plexapp.agents.imdb://tt0037638?lang=en"
        (episode,) = (await services.container("/library/metadata/2035"))["Metadata"]
        assert episode["guid"] == "com.plexapp.agents.thetvdb://76479/1/1?lang=en"

    run(body)


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("type=1&year=1922", ["Nosferatu"]),
        ("type=1&year>>=1960", ["Carnival of Souls", "Charade", "Night of the Living Dead"]),
        ("type=1&year>=1960&year<=1962", ["Carnival of Souls", "The Little Shop of Horrors"]),
        ("type=1&title==Detour", ["Detour"]),
        ("type=1&title<=the g", ["The General", "The Gold Rush"]),
        (
            "type=1&genre=War,Fantasy&sort=year",
            ["A Trip to the Moon", "Sherlock Jr.", "Battleship Potemkin", "The General"],
        ),
        ("type=1&push=1&year=1922&or=1&year=1921&pop=1&unwatched=1", ["Nosferatu"]),
        ("type=1&userRating>>=8", ["The Kid"]),
        ("type=1&inProgress=1", ["Metropolis"]),
        ("type=2&episode.title=clampetts", ["The Beverly Hillbillies"]),
        ("type=4&show.title=sherlock&sort=index:desc&limit=1", ["The Case of the Red Headed League"]),
        ("type=10&artist.title==Scott Joplin&sort=index&limit=2", ["Maple Leaf Rag", "The Entertainer"]),
        ("type=1&addedAt>>=-3d", ["The General", "Nosferatu"]),
        ("type=1&nonsense=7&limit=1", ["Battleship Potemkin"]),
    ],
)
def test_media_queries_choose_and_order(run: Run, query: str, titles: list[str]) -> None:
    async def body(_: Sandbox, services: Services) -> None:
        section = {"1": 1, "2": 2, "4": 2, "10": 3}[query.partition("&")[0].removeprefix("type=")]
        assert await services.titles(f"/library/sections/{section}/all?{query}") == titles

    run(body)


def test_marking_makes_no_history_and_forgets_the_place(run: Run) -> None:
    async def body(box: Sandbox, services: Services) -> None:
        rows = len(box.plex.history)
        assert (await services.container("/library/metadata/1003"))["Metadata"][0]["viewOffset"] == 41 * 60_000
        await services.plex.put("/:/scrobble?identifier=com.plexapp.plugins.library&key=1003")
        (film,) = (await services.container("/library/metadata/1003"))["Metadata"]
        assert film["viewCount"] == 1
        assert "viewOffset" not in film
        assert len(box.plex.history) == rows

    run(body)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("key=1003&rating=7.5", 200),
        ("key=1003&rating=11", 400),
        ("key=1003&rating=x", 400),
        ("key=77&rating=5", 404),
        ("rating=5", 400),
        ("key=1003&rating=5&identifier=other", 400),
    ],
)
def test_ratings_are_checked(run: Run, query: str, status: int) -> None:
    async def body(_: Sandbox, services: Services) -> None:
        assert (await services.plex.put(f"/:/rate?{query}")).status_code == status

    run(body)


def test_a_bare_field_changes_nothing_and_a_value_does(run: Run) -> None:
    async def body(_: Sandbox, services: Services) -> None:
        assert (await services.plex.put("/library/metadata/1001?title=Other")).status_code == 200
        assert (await services.titles("/library/metadata/1001")) == ["The General"]
        await services.plex.put("/library/sections/1/all?type=1&id=1001&title.value=Other&title.locked=1")
        (film,) = (await services.container("/library/metadata/1001"))["Metadata"]
        assert (film["title"], film["Field"]) == ("Other", [{"locked": True, "name": "title"}])
        assert "Other" in await services.titles("/library/sections/1/all")
        assert (await services.plex.put("/library/sections/1/all?type=2&id=1001&title.value=X")).status_code == 404
        assert (await services.plex.put("/library/sections/1/all?title.value=X")).status_code == 400

    run(body)


def test_a_playlist_takes_only_what_it_plays(run: Run) -> None:
    async def body(box: Sandbox, services: Services) -> None:
        base = f"server://{(await services.container('/identity'))['machineIdentifier']}/com.plexapp.plugins.library"
        made = await services.plex.post(f"/playlists?title=P&type=video&smart=0&uri={base}/library/metadata/2004")
        (row,) = made.json()["MediaContainer"]["Metadata"]
        assert row["leafCount"] == 10
        items = f"/playlists/{row['ratingKey']}/items"
        assert (await services.plex.put(f"{items}?uri={base}/library/metadata/3004")).status_code == 400
        assert (await services.plex.put(f"{items}?uri=server://other/x/library/metadata/1001")).status_code == 400
        assert (await services.plex.put(f"{items}?uri={base}/../status/sessions")).status_code == 400
        entries = (await services.container(items))["Metadata"]
        assert len({entry["playlistItemID"] for entry in entries}) == 10
        await services.plex.delete(f"{items}/{entries[0]['playlistItemID']}")
        assert len((await services.container(items))["Metadata"]) == 9
        await services.plex.delete(items)
        assert (await services.container(items))["Metadata"] == []
        assert (await services.plex.delete(f"/playlists/{row['ratingKey']}")).status_code == 204
        assert (await services.plex.get(items)).status_code == 404

    run(body)


def test_the_watchlist_is_at_discover_and_not_at_the_server(run: Run) -> None:
    async def body(_: Sandbox, services: Services) -> None:
        (film,) = (await services.container("/library/metadata/1003"))["Metadata"]
        number = film["guid"].rpartition("/")[2]
        listed = "/library/sections/watchlist/all?sort=watchlistedAt:desc"
        assert (await services.discover.put(f"/actions/addToWatchlist?ratingKey={number}")).status_code == 200
        rows = (await services.discover.get(listed)).json()["MediaContainer"]["Metadata"]
        assert [row["title"] for row in rows] == ["Metropolis", "Sherlock Holmes", "Faust"]
        await services.discover.put(f"/actions/removeFromWatchlist?ratingKey={number}")
        assert (await services.discover.get(listed)).json()["MediaContainer"]["totalSize"] == 2
        assert (await services.discover.put("/actions/addToWatchlist?ratingKey=1003")).status_code == 404
        assert (await services.plex.get(listed)).status_code == 404

    run(body)


def test_a_pin_is_given_to_its_program_once_it_is_approved_and_grows_old(run: Run) -> None:
    async def body(box: Sandbox, services: Services) -> None:
        pin = (await services.plex_tv.post("/api/v2/pins?strong=true")).json()
        path = f"/api/v2/pins/{pin['id']}"
        assert (await services.plex_tv.get(path)).json()["authToken"] is None
        assert (await services.plex_tv.get(path, headers={"X-Plex-Client-Identifier": "another"})).status_code == 404
        box.approve_pin(pin["code"])
        assert (await services.plex_tv.get(path)).json()["authToken"] == box.plex_token
        box.advance(1801)
        assert (await services.plex_tv.get(path)).status_code == 404

    run(body, approve=False)

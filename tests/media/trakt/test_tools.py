"""Every tool called by a real client with good arguments: what it answers fits its own output schema, and is not empty.

The client checks structured content against the output schema by itself; so does the test, with another validator.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from gatepost_media.common.http import Http
from gatepost_media.sandbox import Sandbox
from gatepost_media.trakt.client import Trakt
from tests.media.trakt.support import TRAKT, connect, settings, sign_in, text_of

pytestmark = pytest.mark.anyio

INVENTORY: dict[str, Any] = json.loads((Path(__file__).parent / "inventory.json").read_text())
FILM, SHOW = "the-general-1926", "the-beverly-hillbillies"
SEASON = {"show_id": SHOW, "season": 1}
EPISODE = {**SEASON, "episode": 2}
ONE_FILM = [{"slug": FILM}]
CHARTS = ("trending", "popular", "anticipated", "favorited", "played", "watched")
OF_TITLES = ("summary", "ratings", "videos", "people", "comments")
OF_PARTS = ("ratings", "stats", "people", "videos", "watching", "translations", "lists", "comments")

CALLS: dict[str, dict[str, Any]] = {
    "start_device_auth": {},
    "check_auth_status": {},
    "clear_auth": {},
    "search_shows": {"query": "hillbillies"},
    "search_movies": {"query": "general", "limit": 0},
    "lookup_id": {"id_type": "imdb", "id": "tt0017925", "type": "movie"},
    **{f"fetch_{chart}_shows": {"limit": 3} for chart in CHARTS},
    **{f"fetch_{chart}_movies": {"limit": 1, "page": 1} for chart in CHARTS},
    "fetch_boxoffice_movies": {},
    **{f"fetch_show_{part}": {"show_id": SHOW} for part in (*OF_TITLES, "seasons", "progress")},
    **{f"fetch_movie_{part}": {"movie_id": "tt0017925"} for part in OF_TITLES},
    "fetch_related_shows": {"show_id": SHOW, "limit": 2},
    "fetch_related_movies": {"movie_id": FILM, "limit": 2},
    **{f"fetch_season_{part}": SEASON for part in (*OF_PARTS, "info", "episodes")},
    **{f"fetch_episode_{part}": EPISODE for part in (*OF_PARTS, "summary")},
    **{f"fetch_person_{part}": {"person_id": "?"} for part in ("summary", "movies", "shows", "lists")},
    "fetch_comment": {"comment_id": "?"},
    "fetch_comment_replies": {"comment_id": "?"},
    "fetch_playback_progress": {},
    "remove_playback_item": {"playback_id": "?"},
    "fetch_up_next": {"intent": "all"},
    "fetch_history": {},
    "fetch_user_watched_shows": {"limit": None},
    "fetch_user_watched_movies": {},
    "add_to_history": {"history_type": "movies", "items": ONE_FILM},
    "remove_from_history": {"history_type": "movies", "items": ONE_FILM},
    "fetch_user_ratings": {},
    "add_user_ratings": {"rating_type": "movies", "items": [{"slug": FILM, "rating": 8}]},
    "remove_user_ratings": {"rating_type": "movies", "items": ONE_FILM},
    "fetch_user_watchlist": {"watchlist_type": "all", "sort_by": "title", "sort_how": "asc"},
    "add_user_watchlist": {"watchlist_type": "movies", "items": ONE_FILM},
    "remove_user_watchlist": {"watchlist_type": "movies", "items": ONE_FILM},
    "fetch_collection": {"collection_type": "movies"},
    "fetch_lists": {},
    "fetch_list_items": {"list_id": "?"},
    "create_list": {"name": "To be seen", "description": "Some day", "privacy": "public"},
    "add_list_items": {"list_id": "?", "item_type": "movies", "items": ONE_FILM},
    "remove_list_items": {"list_id": "?", "item_type": "movies", "items": ONE_FILM},
    "fetch_calendar": {"mine": False, "days": 33},
    "fetch_movie_recommendations": {"limit": 5},
    "fetch_show_recommendations": {"limit": 5, "ignore_collected": False, "ignore_watchlisted": False},
    "hide_movie_recommendation": {"movie_id": FILM},
    "hide_show_recommendation": {"show_id": SHOW},
    "unhide_movie_recommendation": {"movie_id": FILM},
    "unhide_show_recommendation": {"show_id": SHOW},
    "checkin_to_show": {**EPISODE, "message": "Now"},
    "checkin_to_movie": {"movie_title": "The General", "movie_year": 1926},
    "cancel_checkin": {},
}
OWN_CALLS: dict[str, list[str]] = {
    "check_auth_status": ["GET {TRAKT}/users/settings"],
    "clear_auth": ["POST {TRAKT}/oauth/revoke"],
    "lookup_id": ["GET {TRAKT}/search/{id_type}/{id}"],
    "fetch_up_next": ["GET {TRAKT}/sync/progress/up_next_nitro"],
    "fetch_collection": ["GET {TRAKT}/sync/collection/{type}"],
    "fetch_lists": ["GET {TRAKT}/users/me/lists"],
    "fetch_list_items": ["GET {TRAKT}/users/me/lists/{id}/items"],
    "create_list": ["POST {TRAKT}/users/me/lists"],
    "add_list_items": ["POST {TRAKT}/users/me/lists/{id}/items"],
    "remove_list_items": ["POST {TRAKT}/users/me/lists/{id}/items/remove"],
    "fetch_calendar": ["GET {TRAKT}/calendars/{target}/{kind}/{start_date}/{days}"],
    "checkin_to_movie": ["POST {TRAKT}/checkin"],
    "cancel_checkin": ["DELETE {TRAKT}/checkin"],
}
"""What a tool asks of Trakt beside what the public server asked."""
MAY_BE_EMPTY = {"fetch_season_comments", "fetch_episode_comments", "fetch_season_lists", "fetch_episode_lists"} | {
    f"fetch_{what}" for what in ("person_lists", "season_watching", "episode_watching", "list_items", "comment_replies")
} | {f"fetch_{kind}_videos" for kind in ("movie", "show", "season", "episode")}  # fmt: skip


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with Sandbox.in_thread(device_interval=0) as box:
        yield box


def prepared(box: Sandbox, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments with ids of things that are there; what a call needs to find is put there."""
    trakt = box.trakt
    found: dict[str, Any] = {}
    if "person_id" in arguments:
        work = box.works.by_key[1001 if name == "fetch_person_movies" else 2001]
        found["person_id"] = str(work.about.cast[0][0].trakt)
    if "comment_id" in arguments:
        found["comment_id"] = str(trakt.comments[0].id)
    if "list_id" in arguments:
        found["list_id"] = str(next(each.id for each in trakt.lists if each.owner == "sandbox"))
    if "playback_id" in arguments:
        found["playback_id"] = next(iter(trakt.places.values())).id
    if name.startswith("checkin"):
        box.do(lambda: setattr(trakt, "watching", None))
    return {**arguments, **found}


def allowed(name: str) -> list[str]:
    """The requests that a tool may make, each as a pattern for "METHOD /path"."""
    calls = [*INVENTORY["tools"].get(name, {}).get("calls", []), *OWN_CALLS.get(name, [])]
    return [_pattern(call.split(" ?")[0].split(" (")[0].replace(" {TRAKT}", " ")) for call in calls]


def _pattern(call: str) -> str:
    optional = re.escape(call).replace(r"\[", "(?:").replace(r"\]", ")?")
    return re.sub(r"\\{\w+\\}", "[^/]+", optional)


def test_there_is_a_call_for_every_tool() -> None:
    assert CALLS.keys() == TRAKT.tools.keys()


@pytest.mark.parametrize("name", CALLS)
async def test_a_tool_answers_good_arguments_by_its_own_schema(name: str, box: Sandbox, tmp_path: Path) -> None:
    sign_in(box, tmp_path)
    if name in ("remove_playback_item", "fetch_playback_progress"):
        await _pause(box, tmp_path)
    arguments = prepared(box, name, CALLS[name])
    async with connect(box, tmp_path) as client:
        box.forget_requests()
        result = await client.call_tool(name, arguments)
        assert not result.is_error, text_of(result)
        assert result.structured_content is not None
        jsonschema_rs.validator_for(TRAKT.tools[name].output_schema).validate(result.structured_content)
        assert text_of(result)
        for seen in box.requests:
            assert any(re.fullmatch(pattern, f"{seen.method} {seen.path}") for pattern in allowed(name)), seen.path
        if TRAKT.tools[name].paged and name not in MAY_BE_EMPTY:
            assert result.structured_content["items"]


async def _pause(box: Sandbox, home: Path) -> None:
    http = Http()
    await Trakt(settings(box, home), http).scrobble("pause", {"movie": {"ids": {"imdb": "tt0017136"}}}, 33.0)
    await http.aclose()


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_resources_are_markdown_with_what_is_in_the_sandbox(mode: str, box: Sandbox, tmp_path: Path) -> None:
    sign_in(box, tmp_path)
    async with connect(box, tmp_path, mode=mode) as client:
        for resource in (await client.list_resources()).resources:
            content = (await client.read_resource(resource.uri)).contents[0]
            assert content.mime_type == "text/markdown"
            assert content.text.startswith("# ")
            assert "Nothing." not in content.text
        for prompt in (await client.list_prompts()).prompts:
            message = (await client.get_prompt(prompt.name)).messages[0]
            assert message.content.text.endswith(".")

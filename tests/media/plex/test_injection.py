"""Whatever stands in an argument, the Plex server is asked at the contract's paths and no others."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost_media.common.errors import BadArgument
from gatepost_media.plex.queries import conditions, encoded
from gatepost_media.plex.server import toolset
from tests.media.plex.good import GOOD, OTHERS, fill
from tests.media.plex.support import serving
from tests.media.plex.test_every_tool import _values

pytestmark = pytest.mark.anyio
TOOLS = toolset().tools

ATTACKS = (
    "../library/metadata/1001",
    "../../:/scrobble?key=1001&identifier=com.plexapp.plugins.library",
    "1/../../library/metadata/1001",
    "1?X-Plex-Token=stolen",
    "1&smart=1",
    "1#",
    "1%2f..%2f..%2fprefs",
    "1%00",
    "1\r\nX-Injected: yes",
    "１２",
    "-1",
    "1,2",
    "",
)
ID = r"[0-9]{1,18}"
CONTRACT = (
    "/",
    "/identity",
    "/library/sections/all",
    f"/library/sections/{ID}",
    f"/library/sections/{ID}/all",
    f"/library/sections/{ID}/collections",
    f"/library/sections/{ID}/refresh",
    "/library/all",
    f"/library/metadata/{ID}(,{ID})*",
    f"/library/metadata/{ID}/(allLeaves|similar|poster)",
    f"/library/collections/{ID}/items",
    "/hubs/search",
    "/playlists",
    f"/playlists/{ID}",
    f"/playlists/{ID}/items",
    f"/playlists/{ID}/items/{ID}",
    "/status/sessions",
    "/status/sessions/history/all",
    "/status/sessions/terminate",
    "/:/rate",
    "/:/scrobble",
    "/:/unscrobble",
)
OLDER = (
    "/search",
    "/library/onDeck",
    "/library/recentlyAdded",
    "/accounts",
    "/devices",
    f"/library/sections/{ID}/search",
    f"/library/sections/{ID}/(genre|director|writer|actor|mood|collection)",
    "/:/websockets/notifications",
)
OF_PLEX = re.compile("|".join([*CONTRACT, *OLDER]))
OF_DISCOVER = re.compile("/library/sections/watchlist/all|/actions/(addTo|removeFrom)Watchlist")
OF_PLEX_TV = re.compile(f"/api/v2/pins(/{ID})?|/api/v2/resources|/api/v2/user")


def _texts(name: str) -> dict[str, dict[str, Any]]:
    """The arguments of a tool that take text or lists of texts."""
    properties: dict[str, Any] = TOOLS[name].arguments.schema(nulls=False)["properties"]
    texts = {}
    for argument, about in properties.items():
        inner = about.get("items", about) if about.get("type") == "array" else about
        if inner.get("type") == "string" and "enum" not in inner:
            texts[argument] = inner | ({"in_list": True} if about.get("type") == "array" else {})
    return texts


def _is_id(about: dict[str, Any]) -> bool:
    return str(about.get("pattern", "")).startswith("^[0-9]{1")


async def test_an_id_that_is_no_id_is_refused_by_name_and_nothing_is_sent(tmp_path: Path) -> None:
    tried = 0
    async with serving(tmp_path) as at:
        values = await _values(at)
        at.box.forget_requests()
        for name in TOOLS:
            good = fill({**GOOD, **OTHERS}[name], values)
            for argument, about in _texts(name).items():
                if not _is_id(about):
                    continue
                for attack in ATTACKS:
                    given = {**good, argument: [attack] if about.get("in_list") else attack}
                    said = await at.refusal(name, **given)
                    assert said.startswith(argument), (name, argument, said)
                    tried += 1
        assert at.box.requests == []
    assert tried > 500


async def test_text_of_any_kind_reaches_no_other_path_and_no_other_parameter(tmp_path: Path) -> None:
    async with serving(tmp_path) as at:
        values = await _values(at)
        for name in GOOD:
            good = fill(GOOD[name], values)
            for argument, about in _texts(name).items():
                if _is_id(about):
                    continue
                for attack in ATTACKS[:4]:
                    given = {**good, argument: [attack] if about.get("in_list") else attack}
                    await at.client.call_tool(name, given)
        for seen in at.sent("plex"):
            assert OF_PLEX.fullmatch(seen.path), seen.path
            assert set(seen.query.getlist("X-Plex-Token")) == set(), seen.path
            assert "x-injected" not in seen.headers
            assert not (seen.path == "/:/scrobble" and seen.query.get("key") != "1001")
        assert all(OF_DISCOVER.fullmatch(seen.path) for seen in at.sent("discover"))
        assert all(OF_PLEX_TV.fullmatch(seen.path) for seen in at.sent("plex_tv"))


async def test_the_attacks_that_worked_on_the_originals_do_not(tmp_path: Path) -> None:
    async with serving(tmp_path) as at:
        said = await at.refusal("delete_playlist", playlist_id="../library/metadata/1001")
        assert said == "playlist_id: must be digits only, such as 1204."
        said = await at.refusal("browse_library", library_id="../../:/scrobble?key=1001&identifier=x")
        assert said == "library_id: must be digits only, such as 1204."
        assert at.box.requests == []
        # A film's key is no playlist's, though both are digits: it is looked up before anything is deleted.
        assert "There is no playlist 1001." in await at.refusal("delete_playlist", playlistId="1001")
        assert at.paths() == ["GET /playlists/1001"]
        assert (await at.call("get_media_details", ratingKey="1001"))["item"]["ratingKey"] == "1001"


@given(st.text(max_size=80) | st.from_regex(r"([a-z.]{0,9}[!<>=]{0,4}[a-z0-9%&=,]{0,9}&?){0,4}", fullmatch=True))
def test_a_filter_is_refused_or_stays_the_same_conditions_when_it_is_encoded(query: str) -> None:
    try:
        pairs = conditions("smartFilter", query)
    except BadArgument:
        return
    assert parse_qsl(encoded(pairs), keep_blank_values=True) == pairs
    for name, _ in pairs:
        assert re.fullmatch(r"[A-Za-z.]+[!<>=]{0,2}", name)
        assert name.rstrip("!<>=") not in ("type", "uri", "smart", "title")


async def test_a_smart_filter_is_read_and_written_again_not_appended(tmp_path: Path) -> None:
    async with serving(tmp_path) as at:
        smart = {"title": "x", "type": "movie", "smart": True, "librarySectionId": "1"}
        for attack in ("type=2", "uri=x", "smart=0", "year>=1920&X-Plex-Token=1", "a b=c", "genre", "=1", "year>>>=1"):
            said = await at.refusal("create_playlist", **smart, smartFilter=attack)
            assert said.startswith("smartFilter"), attack
        await at.call("create_playlist", **smart, smartFilter="studio=a%26type%3D2&year>=1920")
        uri = at.sent()[-1].query["uri"]
        assert uri.endswith("/library/sections/1/all?type=1&studio=a%26type%3D2&year%3E=1920")

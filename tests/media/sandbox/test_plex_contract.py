"""Every JSON reply of the Plex stand-in, on a path that Plex's published contract has, is what the contract says."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from gatepost_media.sandbox import Sandbox
from gatepost_media.sandbox.plex import server
from gatepost_media.sandbox.plex.state import MACHINE
from tests.media.sandbox.clients import Services

CONTRACT = json.loads((Path(__file__).parent / "data" / "plex-media-server.responses.json").read_text(encoding="utf-8"))

# Where the contract contradicts itself: its schema lends Guid the shape of a tag, whose id is a number; its prose
# ("External ID in format provider://id") and its own examples have a text.
CONTRACT["components"]["schemas"]["metadata"]["properties"]["Guid"]["items"] = {
    "type": "object",
    "properties": {"id": {"type": "string", "pattern": "^[a-z]+://"}},
    "required": ["id"],
}

URI = f"server://{MACHINE}/com.plexapp.plugins.library/library/metadata/1005"
ASKED = (
    ("GET", "/"),
    ("GET", "/identity"),
    ("GET", "/activities"),
    ("GET", "/media/providers"),
    ("GET", "/updater/status"),
    ("GET", "/:/prefs"),
    ("PUT", "/:/prefs?FriendlyName=Other"),
    ("GET", "/library/sections/all"),
    ("GET", "/library/sections/1"),
    ("GET", "/library/sections/1?includeDetails=1"),
    ("GET", "/library/sections/1/all"),
    (
        "GET",
        "/library/sections/1/all?type=1&includeGuids=1&includeMeta=1&X-Plex-Container-Start=3&X-Plex-Container-Size=4",
    ),
    ("GET", "/library/sections/2/all?type=4&sort=addedAt:desc"),
    ("GET", "/library/sections/3/all?type=10&limit=3"),
    ("GET", "/library/sections/2/allLeaves"),
    ("GET", "/library/sections/3/albums"),
    ("GET", "/library/sections/1/collections"),
    ("GET", "/library/sections/1/firstCharacters"),
    ("GET", "/library/sections/1/filters"),
    ("GET", "/library/sections/1/sorts"),
    ("PUT", "/library/sections/1/all?type=1&id=1001&title.value=Other&title.locked=1"),
    ("POST", "/library/sections/1/refresh"),
    ("DELETE", "/library/sections/1/refresh"),
    ("POST", "/library/sections/refresh"),
    ("DELETE", "/library/sections/all/refresh"),
    ("PUT", "/library/sections/1/emptyTrash"),
    ("PUT", "/library/sections/1/analyze"),
    ("GET", "/library/all?type=2"),
    ("PUT", "/library/optimize"),
    ("PUT", "/library/clean/bundles"),
    ("GET", "/library/sections/1/composite/1"),
    ("GET", "/library/metadata/1001"),
    ("GET", "/library/metadata/1001,2001,2005,3001,3004"),
    ("GET", "/library/metadata/2001/allLeaves"),
    ("GET", "/library/metadata/1006?includeExtras=1"),
    ("GET", "/library/metadata/1006/extras"),
    ("GET", "/library/metadata/1006/similar"),
    ("GET", "/library/metadata/1006/related"),
    ("PUT", "/library/metadata/1006?title.value=Other"),
    ("PUT", "/library/metadata/1006/refresh"),
    ("PUT", "/library/metadata/1006/analyze"),
    ("GET", "/library/metadata/1006/thumb/1"),
    ("POST", "/library/metadata/1006/posters?url=http://127.0.0.1/p.png"),
    ("PUT", "/library/metadata/1006/poster?url=http://127.0.0.1/p.png"),
    ("DELETE", "/library/metadata/1002"),
    ("GET", "/hubs"),
    ("GET", "/hubs/promoted"),
    ("GET", "/hubs/continueWatching"),
    ("GET", "/hubs/sections/2"),
    ("GET", "/hubs/metadata/1006/related"),
    ("GET", "/hubs/search?query=the&limit=2"),
    ("GET", "/hubs/search/voice?query=keaton"),
    ("PUT", "/:/scrobble?identifier=com.plexapp.plugins.library&key=1003"),
    ("PUT", "/:/unscrobble?identifier=com.plexapp.plugins.library&key=1003"),
    ("PUT", "/:/rate?identifier=com.plexapp.plugins.library&key=1003&rating=8"),
    ("POST", "/:/timeline?ratingKey=1003&state=playing&time=5000"),
    ("GET", "/status/sessions"),
    ("GET", "/status/sessions/background"),
    ("POST", "/status/sessions/terminate?sessionId={session}&reason=enough"),
    ("GET", "/status/sessions/history/all?sort=viewedAt:desc"),
    ("GET", "/status/sessions/history/{play}"),
    ("DELETE", "/status/sessions/history/{play}"),
    ("GET", "/playlists"),
    ("POST", f"/playlists?title=New&type=video&smart=0&uri={URI}"),
    ("GET", "/playlists/{playlist}"),
    ("PUT", "/playlists/{playlist}?title=Other"),
    ("GET", "/playlists/{playlist}/items"),
    ("PUT", f"/playlists/{{playlist}}/items?uri={URI}"),
    ("PUT", "/playlists/{playlist}/items/{entry}/move"),
    ("DELETE", "/playlists/{playlist}/items/{entry}"),
    ("DELETE", "/playlists/{playlist}/items"),
    ("DELETE", "/playlists/{playlist}"),
    ("POST", f"/library/collections?type=1&title=New&sectionId=1&uri={URI}"),
    ("GET", "/library/collections/{collection}/items"),
    ("PUT", f"/library/collections/{{collection}}/items?uri={URI}"),
    ("PUT", "/library/collections/{collection}/items/1005/move"),
    ("PUT", "/library/collections/{collection}/items/1005"),
    ("DELETE", "/library/sections/1/collection/{collection}"),
    ("DELETE", "/activities/none"),
    ("GET", "/hubs/items?identifier=movie.recentlyadded.1"),
    ("GET", "/hubs/sections/1/manage"),
    ("DELETE", "/hubs/sections/1/manage"),
    ("GET", "/library/sections/1/prefs"),
    ("DELETE", "/library/sections/1/indexes"),
    ("GET", "/library/metadata/3003/nearest?limit=3"),
    ("PUT", "/library/metadata/1006/matches?title=The+Kid"),
    ("PUT", "/library/metadata/1006/art?url=http://127.0.0.1/p.png"),
    ("POST", "/library/metadata/1006/art?url=http://127.0.0.1/p.png"),
    ("DELETE", "/library/metadata/1006/thumb"),
    ("PUT", "/updater/check"),
    ("GET", "/butler"),
    ("POST", f"/playQueues?type=video&shuffle=1&uri={URI}"),
    ("GET", "/playQueues/{queue}?window=2"),
    ("PUT", f"/playQueues/{{queue}}?uri={URI}"),
    ("PUT", "/playQueues/{queue}/items/{queued}/move"),
    ("PUT", "/playQueues/{queue}/shuffle"),
    ("DELETE", "/playQueues/{queue}/items/{queued}"),
    ("DELETE", "/playQueues/{queue}/items"),
)
OTHER_THAN_JSON = ("/:/websocket/notifications", "/:/eventsource/notifications", "/photo/:/transcode")


def _matches(template: str, path: str) -> bool:
    pieces, parts = template.split("/"), path.split("/")
    if len(pieces) != len(parts):
        return False
    return all(piece.startswith("{") or piece == part for piece, part in zip(pieces, parts, strict=True))


def _template(path: str) -> str | None:
    """The contract's path for a request: of several the one with the fewest blanks."""
    fitting = [template for template in CONTRACT["paths"] if _matches(template, path)]
    return min(fitting, key=lambda template: template.count("{"), default=None)


def _validator(schema: dict[str, Any]) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator({**schema, "components": CONTRACT["components"]})


def test_the_stand_in_answers_as_the_contract_says(run: Callable[..., Any]) -> None:
    async def body(box: Sandbox, services: Services) -> None:
        playlist = next(iter(box.plex.playlists.values()))
        names = {
            "session": box.play(1001, speed=0).id,
            "play": box.plex.history[0].id,
            "playlist": playlist.key,
            "entry": playlist.entries[0][0],
            "collection": next(iter(box.plex.collections)),
        }
        made = await services.plex.post(f"/playQueues?type=video&uri={URI},1006")
        queue = made.json()["MediaContainer"]
        names |= {"queue": queue["playQueueID"], "queued": queue["Metadata"][1]["playQueueItemID"]}
        for method, asked in ASKED:
            path = asked.format(**names)
            answer = await services.plex.request(method, path)
            template = _template(path.partition("?")[0])
            assert template is not None, path
            responses = CONTRACT["paths"][template][method.lower()]
            if asked == "/activities/none":
                assert answer.status_code == 404
                continue
            assert str(answer.status_code) in responses, (method, path, answer.status_code, list(responses))
            schema = responses[str(answer.status_code)]
            if schema is not None:
                assert answer.content, (method, path)
                errors = _validator(schema).iter_errors(answer.json())
                problems = [f"{error.instance_path}: {error.message}" for error in errors]
                assert not problems, (method, path, problems[:5])

    run(body)


def _routes() -> Iterator[tuple[str, str]]:
    """Every method and path of the stand-in that the contract has too."""
    for route in server.routes():
        path = "/".join("7" if piece.startswith("{") else piece for piece in route.path.split("/"))
        template = _template(path)
        for method in getattr(route, "methods", None) or ():
            if template is not None and method.lower() in CONTRACT["paths"][template] and method != "HEAD":
                yield method, template


@pytest.mark.parametrize(("method", "template"), sorted(set(_routes())))
def test_no_path_of_the_contract_is_left_out_here(method: str, template: str) -> None:
    if template in OTHER_THAN_JSON:
        return
    assert any(one == method and _template(path.partition("?")[0]) == template for one, path in ASKED)


def test_the_contract_refuses_what_is_wrong() -> None:
    schema = CONTRACT["paths"]["/library/sections/{sectionId}/all"]["get"]["200"]
    assert not _validator(schema).is_valid({"MediaContainer": {"Metadata": [{"year": "1926"}]}})
    assert not _validator(schema).is_valid({"MediaContainer": {"Metadata": [{"Media": {"id": 1}}]}})

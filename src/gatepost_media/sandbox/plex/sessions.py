"""What is playing, what was played, and by whom."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gatepost_media.sandbox.plex.answer import Row, container, page
from gatepost_media.sandbox.plex.playback import Playback
from gatepost_media.sandbox.plex.render import metadata, value_of
from gatepost_media.sandbox.plex.sections import bad, missing, plex_of
from gatepost_media.sandbox.plex.state import ACCOUNTS, DEVICES, LIBRARY, Device, Play, Plex, has_guids
from gatepost_media.sandbox.works import is_number


async def sessions(request: Request) -> Response:
    plex = plex_of(request)
    found = [playback.row() for playback in plex.sessions.values()]
    if request.query_params.get("includeGuids") == "1":
        for row, playback in zip(found, plex.sessions.values(), strict=True):
            if has_guids(playback.work):
                row["Guid"] = [{"id": f"{name}://{value}"} for name, value in playback.work.ids.items()]
    return container(request, {"size": len(found), "Metadata": found})


async def terminate(request: Request) -> Response:
    """Stop somebody's session: `sessionId` is the id in its Session, not its sessionKey."""
    session = request.query_params.get("sessionId", "")
    playback = plex_of(request).sessions.get(session)
    if playback is None:
        return missing() if session else bad()
    playback.stop()
    return Response(status_code=200)


async def background(request: Request) -> Response:
    return container(request, {"size": 0})


async def timeline(request: Request) -> Response:
    """A player says where it is: `ratingKey`, `state`, `time` in milliseconds. It makes and moves a session."""
    plex, query = plex_of(request), request.query_params
    work = plex.work(query.get("ratingKey", "")) or plex.work(query.get("key", "").removeprefix("/library/metadata/"))
    state, time = query.get("state", ""), query.get("time", "0")
    if work is None or state not in ("playing", "paused", "buffering", "stopped") or not is_number(time):
        return bad()
    client = request.headers.get("X-Plex-Client-Identifier") or query.get("X-Plex-Client-Identifier", "unnamed")
    device = next((one for one in DEVICES if one.client == client), None) or Device(
        9, client, "Generic", "Player", client
    )
    playback = next((one for one in plex.sessions.values() if one.client == client and one.work is work), None)
    if playback is None and state == "stopped":
        plex.view(work).offset = int(time)
    elif playback is None:
        playback = Playback(plex, work, ACCOUNTS[0], device, speed=0.0, offset=int(time))
    if playback is not None:
        playback.seek(int(time))
        {"playing": playback.resume, "paused": playback.pause, "buffering": playback.buffer, "stopped": playback.stop}[
            state
        ]()
    return container(
        request,
        {"size": 0, "Bandwidths": {"Bandwidth": [{"bandwidth": 4000, "resolution": "1080", "time": int(time)}]}},
    )


def _history_row(plex: Plex, play: Play) -> Row:
    work = play.work
    row: Row = {"historyKey": f"/status/sessions/history/{play.id}"}
    if plex.work(work.key) is not None:
        row |= {"key": f"/library/metadata/{work.key}", "ratingKey": str(work.key)}
    row |= {
        "librarySectionID": str(work.section),
        "title": value_of(plex, work, "title"),
        "type": work.kind,
        "thumb": f"/library/metadata/{work.key}/thumb/{work.added_at}",
        "viewedAt": play.at,
        "accountID": play.account,
        "deviceID": play.device,
    }
    if work.released:
        row["originallyAvailableAt"] = work.released
    above = metadata(plex, work) if work.parent is not None else {}
    for name in (
        "index",
        "parentIndex",
        "parentTitle",
        "parentKey",
        "grandparentTitle",
        "grandparentKey",
        "grandparentRatingKey",
        "parentRatingKey",
        "grandparentThumb",
        "parentThumb",
    ):
        if name in above:
            row[name] = above[name]
    return row


async def history(request: Request) -> Response:
    """All plays of all accounts, by day; `sort=viewedAt:desc` for the newest first."""
    plex, query = plex_of(request), request.query_params
    found = plex.history
    if account := query.get("accountID"):
        found = [play for play in found if str(play.account) == account]
    if section := query.get("librarySectionID"):
        found = [play for play in found if str(play.work.section) == section]
    if item := query.get("metadataItemID"):
        found = [play for play in found if _belongs(play, item)]
    for name, value in query.multi_items():
        if name in ("viewedAt>", "viewedAt>>", "viewedAt<", "viewedAt<<") and is_number(value.removeprefix("-")):
            after = name[8] == ">"
            found = [play for play in found if (play.at >= int(value)) == after or play.at == int(value)]
    if query.get("sort", "") in ("viewedAt:desc", "viewedAt:asc", "viewedAt"):
        found = sorted(found, key=lambda play: play.at, reverse=query["sort"].endswith("desc"))
    first, last = page(request, found)
    content: Row = {"size": last - first, "totalSize": len(found), "offset": first, "identifier": LIBRARY}
    headers = {"X-Plex-Container-Start": str(first), "X-Plex-Container-Total-Size": str(len(found))}
    return container(
        request, {**content, "Metadata": [_history_row(plex, play) for play in found[first:last]]}, headers
    )


def _belongs(play: Play, key: str) -> bool:
    at = play.work
    while str(at.key) != key:
        if at.parent is None:
            return False
        at = at.parent
    return True


async def one_play(request: Request) -> Response:
    plex = plex_of(request)
    play = next((one for one in plex.history if str(one.id) == request.path_params["id"]), None)
    if play is None:
        return missing()
    if request.method == "DELETE":
        plex.history.remove(play)
        return container(request, {"size": 0})
    return container(request, {"size": 1, "Metadata": [_history_row(plex, play)]})


async def accounts(request: Request) -> Response:
    asked = request.path_params.get("id")
    found = [
        {
            "id": account.id,
            "key": f"/accounts/{account.id}",
            "name": account.name,
            "defaultAudioLanguage": "en",
            "autoSelectAudio": True,
            "defaultSubtitleLanguage": "en",
            "subtitleMode": 0,
            "thumb": "",
        }
        for account in ACCOUNTS
        if asked in (None, str(account.id))
    ]
    if not found:
        return missing()
    return container(request, {"size": len(found), "identifier": "com.plexapp.system.accounts", "Account": found})


async def devices(request: Request) -> Response:
    asked, started = request.path_params.get("id"), plex_of(request).started
    found = [
        {
            "id": device.id,
            "name": device.name,
            "platform": device.platform,
            "clientIdentifier": device.client,
            "createdAt": started,
        }
        for device in DEVICES
        if asked in (None, str(device.id))
    ]
    if not found:
        return missing()
    return container(request, {"size": len(found), "identifier": "com.plexapp.system.devices", "Device": found})


ROUTES = [
    Route("/status/sessions", sessions),
    Route("/status/sessions/terminate", terminate, methods=["GET", "POST"]),
    Route("/status/sessions/background", background),
    Route("/status/sessions/history/all", history),
    Route("/status/sessions/history/{id}", one_play, methods=["GET", "DELETE"]),
    Route("/:/timeline", timeline, methods=["GET", "POST"]),
    Route("/accounts", accounts),
    Route("/accounts/{id}", accounts),
    Route("/devices", devices),
    Route("/devices/{id}", devices),
]

"""Trakt's two hosts as applications: what each request has to bring, and how often it may come."""

from __future__ import annotations

import json

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from gatepost_media.sandbox.trakt import (
    auth,
    catalogue,
    charts,
    comments,
    lists,
    people,
    scrobble,
    search,
    shelves,
    sync,
    upnext,
    users,
)
from gatepost_media.sandbox.trakt.reply import empty
from gatepost_media.sandbox.trakt.state import Trakt, stamp

_PRIVATE = (
    "/sync",
    "/scrobble",
    "/checkin",
    "/recommendations",
    "/users/me",
    "/users/settings",
    "/users/hidden",
    "/calendars/my",
    "/users/likes",
    "/users/requests",
)


def auth_host(trakt: Trakt) -> ASGIApp:
    """The host where programs sign in."""
    app = Starlette(routes=auth.ROUTES)
    app.state.trakt = trakt
    return app


def routes() -> list[Route]:
    """Every path of the API; where two fit, the first one answers. Those for signing in are here too, as they were
    before they had a host of their own."""
    parts = (auth, scrobble, upnext, sync, shelves, search, people, lists, users, comments, charts, catalogue)
    return [*(route for part in parts for route in part.ROUTES), *catalogue.LAST_ROUTES]


def api_host(trakt: Trakt) -> ASGIApp:
    """The API."""
    app = Starlette(routes=routes())
    app.state.trakt = trakt
    return _Guard(app, trakt)


class _Guard:
    """403 without the program's key, 401 without a sign-in where one is needed, 429 for writes within a second."""

    def __init__(self, app: ASGIApp, trakt: Trakt) -> None:
        self._app, self._trakt = app, trakt

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(Request(scope))
        await (refusal or self._app)(scope, receive, send)

    def _refusal(self, request: Request) -> Response | None:
        path, trakt = request.scope["path"], self._trakt
        if path.startswith(("/oauth/", "/activate")):
            return None
        if request.headers.get("trakt-api-key") != trakt.client_id:
            return empty(403)
        if request.headers.get("trakt-api-version") != "2":
            return empty(412)
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        writes = request.method != "GET"
        if (writes or path.startswith(_PRIVATE) or token) and not trakt.signed_in(token):
            return empty(401)
        if writes and trakt.limits:
            now = trakt.clock.now()
            if now - trakt.last_write < 1.0:
                limit = {
                    "name": "AUTHED_API_POST_LIMIT",
                    "period": 1,
                    "limit": 1,
                    "remaining": 0,
                    "until": stamp(now + 1),
                }
                return empty(429, {"Retry-After": "1", "X-Ratelimit": json.dumps(limit)})
            trakt.last_write = now
        return None

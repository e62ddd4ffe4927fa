"""Signing in: with a device code, with a code after a redirect; new tokens for a refresh token, which works once."""

from __future__ import annotations

import html
import secrets
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from gatepost_media.sandbox.trakt.reply import body_of, empty, reply, trakt_of
from gatepost_media.sandbox.trakt.state import DEVICE_CODE_LIVES, DeviceCode, Trakt

OUT_OF_BAND = "urn:ietf:wg:oauth:2.0:oob"
_LETTERS = "ABCDEF0123456789"


def _refused(error: str, description: str) -> Response:
    return reply({"error": error, "error_description": description}, 401)


def _knows(trakt: Trakt, body: Mapping[str, object], *, secret: bool) -> bool:
    return body.get("client_id") == trakt.client_id and (not secret or body.get("client_secret") == trakt.client_secret)


async def _said(request: Request) -> Mapping[str, object] | None:
    if "form-urlencoded" in request.headers.get("content-type", ""):
        return dict(parse_qsl((await request.body()).decode(errors="replace")))
    return await body_of(request)


async def device_code(request: Request) -> Response:
    trakt, body = trakt_of(request), await _said(request)
    if body is None or not _knows(trakt, body, secret=False):
        return empty(403)
    code = DeviceCode(secrets.token_hex(32), "".join(secrets.choice(_LETTERS) for _ in range(8)), trakt.clock.second())
    if trakt.approve:
        code.state = "approved"
    trakt.codes[code.code] = code
    address = f"{request.base_url}activate"
    return reply(
        {
            "device_code": code.code,
            "user_code": code.user_code,
            "verification_url": address,
            "expires_in": DEVICE_CODE_LIVES,
            "interval": trakt.interval,
        }
    )


async def device_token(request: Request) -> Response:
    """200 with tokens, or: 400 not yet, 404 no such code, 409 used, 410 too old, 418 denied, 429 asked too often."""
    trakt, body = trakt_of(request), await _said(request)
    if body is None or not _knows(trakt, body, secret=True):
        return empty(403)
    code = trakt.codes.get(str(body.get("code")))
    if code is None:
        return empty(404)
    now, before = trakt.clock.now(), code.asked
    code.asked = now
    if code.state == "used":
        return empty(409)
    if code.made + DEVICE_CODE_LIVES <= now:
        return empty(410)
    if code.state == "denied":
        return empty(418)
    if code.state == "waiting":
        if before and now - before < trakt.interval:
            return empty(429, {"Retry-After": str(trakt.interval)})
        return empty(400)
    code.state = "used"
    return reply(trakt.sign_in().reply())


async def token(request: Request) -> Response:
    trakt, body = trakt_of(request), await _said(request)
    if body is None or not _knows(trakt, body, secret=True):
        return _refused("invalid_client", "Client authentication failed due to unknown client.")
    if body.get("grant_type") == "authorization_code":
        redirect = trakt.grants.pop(str(body.get("code")), None)
        if redirect is None or redirect != body.get("redirect_uri"):
            return _refused(
                "invalid_grant",
                "The provided authorization grant is invalid, expired, revoked, or was issued to another client.",
            )
        return reply(trakt.sign_in().reply())
    if body.get("grant_type") == "refresh_token":
        old = trakt.refresh.pop(str(body.get("refresh_token")), None)
        if old is None:
            return _refused(
                "invalid_grant", "The provided refresh token is invalid, expired, revoked, or was used before."
            )
        trakt.access.pop(old.access, None)
        return reply(trakt.sign_in().reply())
    return reply({"error": "unsupported_grant_type", "error_description": "The grant type is not supported."}, 400)


async def revoke(request: Request) -> Response:
    trakt, body = trakt_of(request), await _said(request)
    if body is None or not _knows(trakt, body, secret=True):
        return _refused("invalid_client", "Client authentication failed due to unknown client.")
    tokens = trakt.access.pop(str(body.get("token")), None)
    if tokens is not None:
        trakt.refresh.pop(tokens.refresh, None)
    return reply({})


async def authorize(request: Request) -> Response:
    """Where a person says yes to a program; the code goes to the program's address, or is shown."""
    trakt, query = trakt_of(request), request.query_params
    redirect = query.get("redirect_uri", "")
    if query.get("client_id") != trakt.client_id or query.get("response_type") != "code" or not redirect:
        return HTMLResponse("<p>This program is not known here.</p>", 400)
    if request.method == "GET" and not trakt.approve:
        return HTMLResponse('<title>Sandbox: allow</title><form method="post"><button>Allow</button></form>')
    code = secrets.token_hex(32)
    trakt.grants[code] = redirect
    if redirect == OUT_OF_BAND:
        return HTMLResponse(f"<title>Sandbox: code</title><p>Your code: <code>{code}</code></p>")
    sent = {"code": code} | ({"state": query["state"]} if "state" in query else {})
    return RedirectResponse(f"{redirect}{'&' if '?' in redirect else '?'}{urlencode(sent)}", 302)


async def activate(request: Request) -> Response:
    """Where a person allows or denies a device code."""
    trakt = trakt_of(request)
    if request.method == "POST":
        said = dict(parse_qsl((await request.body()).decode(errors="replace"), keep_blank_values=True))
        try:
            decide(trakt, said.get("code", ""), allow="deny" not in said)
        except KeyError:
            return HTMLResponse("<p>There is no such code.</p>", 404)
        return HTMLResponse("<p>Done. You can close this page.</p>")
    waiting = [code.user_code for code in trakt.codes.values() if code.state == "waiting"]
    forms = "".join(
        f'<form method="post"><input type="hidden" name="code" value="{html.escape(code)}"><p>{html.escape(code)} '
        '<button name="allow">Allow</button> <button name="deny">Deny</button></p></form>'
        for code in waiting
    )
    return HTMLResponse(f"<title>Sandbox: activate</title><h1>Devices that wait</h1>{forms or '<p>None.</p>'}")


def decide(trakt: Trakt, user_code: str, *, allow: bool) -> None:
    """Allow or deny the device that shows a user code. Raises KeyError if none does."""
    code = next((code for code in trakt.codes.values() if code.user_code == user_code), None)
    if code is None:
        raise KeyError(user_code)
    code.state = "approved" if allow else "denied"


ROUTES = [
    Route("/oauth/device/code", device_code, methods=["POST"]),
    Route("/oauth/device/token", device_token, methods=["POST"]),
    Route("/oauth/token", token, methods=["POST"]),
    Route("/oauth/revoke", revoke, methods=["POST"]),
    Route("/oauth/authorize", authorize, methods=["GET", "POST"]),
    Route("/activate", activate, methods=["GET", "POST"]),
    Route("/activate/{code}", activate, methods=["GET"]),
]

"""Signing in to Plex with a PIN: ask plex.tv for one, the user claims it in a browser, ask whether they did."""

from __future__ import annotations

import json
from typing import Annotated, Literal
from urllib.parse import quote, urlencode

from pydantic import Field

from gatepost_media.common.errors import MediaError, NotConfigured, NotFound, NotSignedIn, Refused
from gatepost_media.common.files import read_private, write_private
from gatepost_media.common.http import join
from gatepost_media.common.ids import Digits
from gatepost_media.common.output import Out
from gatepost_media.common.settings import PLEX_TV
from gatepost_media.common.tools import Context, Toolset
from gatepost_media.plex import paths
from gatepost_media.plex.client import SERVER_TOKEN
from gatepost_media.plex.raw import mapping, text, whole

TOOLS = Toolset("plex sign-in", "", {"plex-read": "", "music": "", "trakt-sync": ""})
_PIN_FILE = "plex-pin"
_AUTH_APP = "https://app.plex.tv/auth"
_PRODUCT = "Gatepost media"


class SignIn(Out):
    """What the user has to do."""

    address: str = Field(description="The address for the user to open and sign in at.")
    pin_id: str
    expiresInSeconds: int | None = None
    next: str


class SignInStatus(Out):
    """Whether this server is signed in to Plex."""

    status: Literal["signed_in", "waiting", "not_signed_in"]
    tokenFrom: Literal["PLEX_TOKEN", "authenticate_plex"] | None = Field(
        default=None, description="Which token is in force."
    )
    server: Literal["accepts", "refuses", "unreachable", "not_configured"] | None = Field(
        default=None, description="What the Plex server at PLEX_URL says to the token."
    )
    message: str


class SignedOut(Out):
    """What is left after forgetting the token."""

    removed: bool
    message: str


@TOOLS.tool(
    "authenticate_plex",
    title="Sign in to Plex",
    effect="execute",
    idempotent=False,
    needs_write=False,
    profiles=("plex-read", "music", "trakt-sync"),
)
async def authenticate_plex(ctx: Context) -> SignIn:
    """Begin signing in to Plex: returns an address for the user to open in a browser. When they have signed in there,
    call check_auth_status. The token is kept in a private file of this server and never shown."""
    answer = await ctx.plex.tv("POST", "/api/v2/pins", {"strong": "true"})
    pin = mapping(answer.json())
    key, code = whole(pin, "id"), text(pin, "code")
    if key is None or not code or not code.isascii() or not code.isprintable():
        raise Refused("plex.tv did not give a PIN. Try again later.")
    write_private(ctx.settings.home / _PIN_FILE, json.dumps({"id": str(key)}).encode())
    return SignIn(
        address=_address(ctx, code),
        pin_id=str(key),
        expiresInSeconds=whole(pin, "expiresIn"),
        next="Show the user the address. After they have signed in there, call check_auth_status.",
    )


def _address(ctx: Context, code: str) -> str:
    base = _AUTH_APP if ctx.settings.plex_tv_url == PLEX_TV else f"{ctx.settings.plex_tv_url}/auth"
    asked = {
        "clientID": ctx.settings.client_identifier(),
        "code": code,
        "context[device][product]": _PRODUCT,
    }
    return f"{base}#?{urlencode(asked, quote_via=quote)}"


@TOOLS.tool(
    "check_auth_status",
    title="Check the Plex sign-in",
    effect="execute",
    idempotent=True,
    needs_write=False,
    profiles=("plex-read", "music", "trakt-sync"),
)
async def check_auth_status(
    ctx: Context,
    pin_id: Annotated[Digits | None, Field(description="From authenticate_plex; the last one by default.")] = None,
) -> SignInStatus:
    """Tell whether the user has signed in to Plex since authenticate_plex, and keep the token if so. Without a sign-in
    under way, tell whether there is a token and whether the Plex server accepts it."""
    pin = pin_id or _pending(ctx)
    if pin is not None:
        answer = await ctx.plex.tv("GET", join("", "api", "v2", "pins", pin), ok=(*range(200, 300), 404, 410))
        if answer.status in (404, 410):
            if pin == _pending(ctx):
                _forget_pin(ctx)
            raise NotFound("That PIN has expired, or plex.tv does not know it. Call authenticate_plex for a new one.")
        token = text(mapping(answer.json()), "authToken")
        if not token:
            return SignInStatus(
                status="waiting", message="Nobody has signed in at the address yet. Ask again when the user has."
            )
        if not token.isascii() or not token.isprintable() or " " in token:
            raise Refused("plex.tv gave a token that cannot be sent in a header. Sign in again.")
        ctx.plex.save_token(token)
        _forget_pin(ctx)
    return await _standing(ctx)


async def _standing(ctx: Context) -> SignInStatus:
    if ctx.plex.token() is None:
        return SignInStatus(
            status="not_signed_in", message="There is no Plex token. Call authenticate_plex, or set PLEX_TOKEN."
        )
    source: Literal["PLEX_TOKEN", "authenticate_plex"] = (
        "PLEX_TOKEN" if ctx.settings.plex_token else "authenticate_plex"
    )
    server: Literal["accepts", "refuses", "unreachable", "not_configured"]
    try:
        await _ask_server(ctx)
        server, said = "accepts", "Signed in; the Plex server accepts the token."
    except NotConfigured as error:
        server, said = "not_configured", f"Signed in to Plex. {error}"
    except NotSignedIn:
        server, said = (
            "refuses",
            ("There is a token, and the Plex server refuses it. Sign in with an account that may use that server."),
        )
    except MediaError as error:
        server, said = "unreachable", f"There is a token. {error}"
    if ctx.settings.plex_token:
        said += " PLEX_TOKEN is set and goes before a token that signing in brought."
    return SignInStatus(
        status="not_signed_in" if server == "refuses" else "signed_in", tokenFrom=source, server=server, message=said
    )


async def _ask_server(ctx: Context) -> None:
    """Asks the server for something that needs a token. A server that others share with this account wants a token of
    its own, which plex.tv gives: that one is looked up and kept where the account's is refused."""
    try:
        await ctx.plex.container(paths.SECTIONS)
        return
    except NotSignedIn:
        if ctx.settings.plex_token:
            raise
    machine = await ctx.plex.machine()
    found = (await ctx.plex.tv("GET", "/api/v2/resources", {"includeHttps": 1})).json()
    for each in found if isinstance(found, list) else []:
        resource = mapping(each)
        token = text(resource, "accessToken")
        if text(resource, "clientIdentifier") == machine and token and token.isascii() and token.isprintable():
            ctx.plex.save_token(token, SERVER_TOKEN)
    await ctx.plex.container(paths.SECTIONS)


@TOOLS.tool(
    "clear_auth",
    title="Sign out of Plex",
    effect="destructive",
    idempotent=True,
    needs_write=False,
    open_world=False,
    profiles=("plex-read", "music", "trakt-sync"),
)
async def clear_auth(ctx: Context) -> SignedOut:
    """Forget the Plex token that signing in brought, and a sign-in under way. A token in PLEX_TOKEN stays in force. At
    plex.tv the device stays listed until it is removed there (Settings, Authorized Devices)."""
    removed = ctx.plex.forget_token()
    _forget_pin(ctx)
    said = "The saved token is gone." if removed else "There was no saved token."
    if ctx.settings.plex_token:
        said += " PLEX_TOKEN is set and stays in force: take it out of this server's environment to sign out."
    return SignedOut(removed=removed, message=said)


def _pending(ctx: Context) -> str | None:
    kept = read_private(ctx.settings.home / _PIN_FILE)
    try:
        key = text(mapping(json.loads(kept or b"{}")), "id")
    except ValueError:
        return None
    return key if key and key.isascii() and key.isdigit() else None


def _forget_pin(ctx: Context) -> None:
    (ctx.settings.home / _PIN_FILE).unlink(missing_ok=True)

"""Signing in and out. Always offered: without them a server that may only read could never be used."""

from __future__ import annotations

import datetime
from typing import Literal

from pydantic import Field

from gatepost_media.common.errors import MediaError, NotSignedIn, Refused
from gatepost_media.common.output import Out
from gatepost_media.common.tools import Context, Toolset
from gatepost_media.trakt.listing import trakt
from gatepost_media.trakt.profiles import EVERY, PROFILES
from gatepost_media.trakt.signin import Poll

TOOLS = Toolset("trakt-auth", "", PROFILES)


class DeviceCode(Out):
    """What a person has to do to sign in."""

    user_code: str = Field(description="What the person types in.")
    verification_url: str = Field(description="Where the person types it.")
    expires_in: int = Field(description="Seconds until the code is of no use.")
    interval: int = Field(description="Seconds to wait before check_auth_status.")
    message: str


class AuthStatus(Out):
    """Whether somebody is signed in."""

    signed_in: bool
    state: Literal["signed-in", "pending", "not-signed-in"]
    account: str | None = Field(default=None, description="The account's slug at Trakt.")
    access_token_ends: str | None = Field(default=None, description="UTC; it is renewed by itself before that.")
    wait: int | None = Field(default=None, description="Seconds to wait before asking again.")
    message: str


class SignedOut(Out):
    """What signing out did."""

    was_signed_in: bool
    ended_at_trakt: bool
    message: str


_ENDED = {
    "denied": "The sign-in was refused at Trakt by the person who was shown the code.",
    "expired": "The device code has expired before it was typed in.",
    "used": "The device code was used already.",
    "unknown-code": "Trakt does not know the device code any more.",
}


@TOOLS.tool(
    "start_device_auth", title="Begin signing in", effect="execute", idempotent=False, needs_write=False, profiles=EVERY
)
async def start_device_auth(ctx: Context) -> DeviceCode:
    """Begin signing in to Trakt: gives a code and the address where a person types it. Then call check_auth_status. The
    code is kept in a private file of this server until the sign-in is done or given up."""
    code = await trakt(ctx).sign_in.start()
    left = int(code.expires_at - code.next_poll_at + code.interval)
    return DeviceCode(
        user_code=code.user_code,
        verification_url=code.verification_url,
        expires_in=left,
        interval=int(code.interval),
        message=f"Ask the person to open {code.verification_url} and to type {code.user_code} within {left // 60} "
        "minutes. Then call check_auth_status.",
    )


@TOOLS.tool(
    "check_auth_status",
    title="Check the Trakt sign-in",
    effect="execute",
    idempotent=True,
    needs_write=False,
    profiles=EVERY,
)
async def check_auth_status(ctx: Context) -> AuthStatus:
    """Tell whether the person has signed in to Trakt since start_device_auth, and keep the tokens if so, in a private
    file of this server; they are never shown. Without a sign-in under way, tell whether somebody is signed in."""
    sign_in = trakt(ctx).sign_in
    poll = await sign_in.poll()
    if poll.state in _ENDED:
        raise _ended(poll)
    if poll.state in ("pending", "too-soon"):
        wait = max(1, round(poll.wait))
        typed = poll.code.user_code if poll.code else ""
        url = poll.code.verification_url if poll.code else ""
        return AuthStatus(
            signed_in=sign_in.tokens() is not None,
            state="pending",
            wait=wait,
            message=f"The code {typed} has not been typed in at {url} yet. Ask again in {wait} seconds.",
        )
    tokens = sign_in.tokens()
    if tokens is None:
        return AuthStatus(
            signed_in=False,
            state="not-signed-in",
            message="Nobody is signed in to Trakt. Begin with start_device_auth.",
        )
    try:
        account = await trakt(ctx).account()
    except NotSignedIn:
        raise
    except MediaError as error:
        return _signed_in(
            tokens.expires_at, None, f"Signed in to Trakt, which cannot be asked for the account: {error}"
        )
    renewed = sign_in.tokens() or tokens
    return _signed_in(renewed.expires_at, account, f"Signed in to Trakt as {account}.")


def _ended(poll: Poll) -> MediaError:
    return Refused(f"{_ENDED[poll.state]} Nothing was changed. Begin again with start_device_auth.")


def _signed_in(ends: float, account: str | None, message: str) -> AuthStatus:
    when = datetime.datetime.fromtimestamp(ends, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return AuthStatus(signed_in=True, state="signed-in", account=account, access_token_ends=when, message=message)


@TOOLS.tool("clear_auth", title="Sign out", effect="destructive", idempotent=True, needs_write=False, profiles=EVERY)
async def clear_auth(ctx: Context) -> SignedOut:
    """Sign out of Trakt: ends the sign-in at Trakt and removes the stored tokens."""
    was, ended = await trakt(ctx).sign_in.end()
    if not was:
        return SignedOut(was_signed_in=False, ended_at_trakt=False, message="Nobody was signed in.")
    return SignedOut(
        was_signed_in=True,
        ended_at_trakt=ended,
        message="Signed out, here and at Trakt."
        if ended
        else "The tokens are removed here. Trakt could not be told: remove the application's access at "
        "https://app.trakt.tv/settings/apps.",
    )

"""Signing in at Trakt on a device, keeping the sign-in alive, and ending it. All of it on the auth host.

The poll answers of the device flow are those of Trakt's API reference (2026): 200 done, 400 pending with an empty body,
404 unknown code, 409 used already, 410 expired, 418 denied, 429 polled too fast.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import urlencode

from gatepost_media.common.errors import MediaError, NotConfigured, NotSignedIn, Refused, Unreachable
from gatepost_media.common.http import Answer, Http, join
from gatepost_media.common.settings import Settings
from gatepost_media.trakt.refusals import SIGN_IN
from gatepost_media.trakt.tokens import PendingCode, Tokens, TokenStore

_ANY_STATUS = range(100, 600)
_OUT_OF_BAND = "urn:ietf:wg:oauth:2.0:oob"
_SLOWER = 5.0
"""Seconds added to the interval when Trakt says that it is polled too fast."""

PollState = Literal["signed-in", "pending", "too-soon", "denied", "expired", "used", "unknown-code", "none"]


@dataclass(frozen=True, slots=True)
class Poll:
    """What came of asking for the tokens once. `wait` is in seconds: how long to wait before asking again."""

    state: PollState
    wait: float = 0.0
    code: PendingCode | None = None


class SignIn:
    """The sign-in of one account in one state folder. Safe to use from many tasks and processes at once."""

    def __init__(self, settings: Settings, http: Http) -> None:
        self._http = http
        self._settings = settings
        self.store = TokenStore(settings.home)
        self._renewal: asyncio.Task[Tokens] | None = None
        self._unsaved: Tokens | None = None

    @property
    def client_id(self) -> str:
        """The application's client id. Raises NotConfigured where it was not given."""
        if not self._settings.trakt_client_id:
            raise NotConfigured(
                "Trakt is not configured. Make an application at https://app.trakt.tv/settings/apps and set "
                "TRAKT_CLIENT_ID and TRAKT_CLIENT_SECRET in the server's environment."
            )
        return self._settings.trakt_client_id

    @property
    def _client_secret(self) -> str:
        if not self._settings.trakt_client_secret:
            raise NotConfigured(
                "Signing in to Trakt needs the application's secret. "
                "Set TRAKT_CLIENT_SECRET in the server's environment."
            )
        return self._settings.trakt_client_secret

    def tokens(self) -> Tokens | None:
        """The saved pair, or None where nobody is signed in with this application. Sends nothing."""
        found = self._unsaved or self.store.load()
        return found if found is not None and found.client_id == self.client_id else None

    async def access_token(self, rejected: str | None = None) -> str:
        """An access token that should be accepted, renewed first where it ends soon or was just `rejected`.

        Raises:
            NotSignedIn: nobody is signed in, or Trakt does not renew this sign-in; the stored pair stays as it is.
            Unreachable, RateLimited: the auth host did not answer; trying again later is safe.
        """
        tokens = self.tokens()
        if tokens is None:
            raise NotSignedIn(f"Nobody is signed in to Trakt here. {SIGN_IN}")
        if tokens.access_token != rejected and tokens.is_fresh() and self._unsaved is None:
            return tokens.access_token
        if self._renewal is None:
            self._renewal = asyncio.create_task(self._renewed(tokens.access_token))
            self._renewal.add_done_callback(self._renewal_done)
        # A caller that is cancelled must not take the new pair with it: the old refresh token may be spent already.
        return (await asyncio.shield(self._renewal)).access_token

    async def settle(self) -> None:
        """Returns when no renewal is under way, however it ended."""
        if self._renewal is not None:
            await asyncio.wait([self._renewal])

    def _renewal_done(self, task: asyncio.Task[Tokens]) -> None:
        self._renewal = None
        if not task.cancelled():
            task.exception()  # seen, also where every caller has gone

    async def _renewed(self, stale: str) -> Tokens:
        async with self.store.lock():
            if self._unsaved is not None:
                return self._saved(self._unsaved)
            tokens = self.tokens()
            if tokens is None:
                raise NotSignedIn(f"Nobody is signed in to Trakt here. {SIGN_IN}")
            if tokens.access_token != stale and tokens.is_fresh():
                return tokens  # another process was quicker
            self.store.check_writable()
            answer = await self._auth(
                "token",
                {
                    "refresh_token": tokens.refresh_token,
                    "client_secret": self._client_secret,
                    "redirect_uri": _OUT_OF_BAND,
                    "grant_type": "refresh_token",
                },
            )
            if answer.status in (400, 401, 403):
                raise NotSignedIn(
                    "Trakt does not renew this sign-in: it was ended, or its refresh token was used elsewhere. "
                    f"{SIGN_IN}"
                )
            return self._saved(self._tokens_in(answer))

    def _saved(self, tokens: Tokens) -> Tokens:
        """Saved before anybody uses it; a pair that could not be saved is kept for the next try."""
        self._unsaved = tokens
        self.store.save(tokens)
        self._unsaved = None
        return tokens

    async def start(self) -> PendingCode:
        """Asks for a device code and keeps it, so that any process of this folder can finish the sign-in."""
        _ = self._client_secret  # better now than after the person has typed the code
        answer = await self._auth("device", {}, "code")
        found = _object(answer)
        try:
            interval = float(str(found["interval"]))
            now = time.time()
            code = PendingCode(
                device_code=str(found["device_code"]),
                user_code=_shown(found["user_code"]),
                verification_url=self._address(found["verification_url"]),
                expires_at=now + float(str(found["expires_in"])),
                interval=interval,
                next_poll_at=now + interval,
                client_id=self.client_id,
            )
        except (KeyError, ValueError):
            raise Refused("Trakt answered the request for a device code with something else. Try again.") from None
        self.store.save_pending(code)
        return code

    def _address(self, said: object) -> str:
        """Where a person is sent. Raises ValueError for what is neither HTTPS nor the auth host itself."""
        url = _shown(said)
        if not url.startswith(("https://", f"{self._settings.trakt_auth_url}/")):
            raise ValueError
        return url

    async def poll(self) -> Poll:
        """Asks for the tokens once, or says how long to wait where that would be too soon.

        An answer that ends the code (signed in, denied, expired, used, unknown) also removes it; the tokens of an
        earlier sign-in stay until new ones are there.
        """
        async with self.store.lock():
            code = self.store.load_pending()
            if code is None or code.client_id != self.client_id:
                return Poll("none")
            now = time.time()
            if now >= code.expires_at:
                self.store.forget_pending()
                return Poll("expired", code=code)
            if now < code.next_poll_at:
                return Poll("too-soon", code.next_poll_at - now, code)
            self.store.check_writable()
            answer = await self._auth(
                "device", {"code": code.device_code, "client_secret": self._client_secret}, "token"
            )
            return self._polled(answer, code)

    def _polled(self, answer: Answer, code: PendingCode) -> Poll:
        ended: dict[int, PollState] = {404: "unknown-code", 409: "used", 410: "expired", 418: "denied"}
        if answer.status == 200:
            self._saved(self._tokens_in(answer))
            self.store.forget_pending()
            return Poll("signed-in", code=code)
        if answer.status in ended:
            self.store.forget_pending()
            return Poll(ended[answer.status], code=code)
        if answer.status not in (400, 429):
            raise Refused(f"Trakt refused to answer whether the code was entered ({answer.status}). Try again.")
        interval = code.interval + (_SLOWER if answer.status == 429 else 0.0)
        self.store.save_pending(replace(code, interval=interval, next_poll_at=time.time() + interval))
        return Poll("pending", interval, code)

    def authorize_url(self, state: str) -> str:
        """The address at which a person allows the application and is shown a code. `state` comes back unchanged."""
        asked = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": _OUT_OF_BAND,
            "state": state,
        }
        return f"{join(self._settings.trakt_auth_url, 'oauth', 'authorize')}?{urlencode(asked)}"

    async def exchange(self, code: str) -> None:
        """Turns the code that a person was shown into tokens, and saves them.

        Raises NotSignedIn where Trakt does not take the code; an earlier sign-in stays as it is.
        """
        async with self.store.lock():
            self.store.check_writable()
            answer = await self._auth(
                "token",
                {
                    "code": code,
                    "client_secret": self._client_secret,
                    "redirect_uri": _OUT_OF_BAND,
                    "grant_type": "authorization_code",
                },
            )
            if answer.status in (400, 401, 403):
                raise NotSignedIn(
                    "Trakt does not take this code: it was used, is old, or has a typing error. Begin again."
                )
            self._saved(self._tokens_in(answer))

    async def end(self) -> tuple[bool, bool]:
        """Signs out: ends the sign-in at Trakt and removes the files, these also where Trakt cannot be asked.

        Returns whether anybody was signed in, and whether Trakt has ended the sign-in.
        """
        async with self.store.lock():
            tokens = self._unsaved or self.store.load()
            revoked = False
            if tokens is not None and tokens.client_id == self._settings.trakt_client_id:
                try:
                    answer = await self._auth(
                        "revoke", {"token": tokens.access_token, "client_secret": self._client_secret}
                    )
                    revoked = answer.status == 200
                except MediaError:
                    revoked = False
            self._unsaved = None
            return self.store.forget() or tokens is not None, revoked

    async def _auth(self, first: str, body: dict[str, str], *rest: str) -> Answer:
        answer = await self._http.request(
            "POST",
            join(self._settings.trakt_auth_url, "oauth", first, *rest),
            json={"client_id": self.client_id, **body},
            headers={"trakt-api-key": self.client_id, "trakt-api-version": "2"},
            service="Trakt",
            ok=_ANY_STATUS,
            harmless=True,
        )
        if answer.status >= 500:
            raise Unreachable(
                f"Trakt's sign-in is out of order at the moment ({answer.status}). Try again in a minute."
            )
        if answer.status == 403 and first != "token":
            raise NotConfigured(
                "Trakt does not know this application (403). Check TRAKT_CLIENT_ID and TRAKT_CLIENT_SECRET."
            )
        return answer

    def _tokens_in(self, answer: Answer) -> Tokens:
        if answer.status == 429:
            raise Unreachable("Trakt's sign-in asks to wait (429). Try again in a minute.")
        found = _object(answer)
        try:
            tokens = Tokens(
                access_token=str(found["access_token"]),
                refresh_token=str(found["refresh_token"]),
                expires_at=time.time() + float(str(found["expires_in"])),
                client_id=self.client_id,
            )
        except (KeyError, ValueError):
            raise Refused("Trakt answered the sign-in with something that holds no tokens. Sign in again.") from None
        return tokens


def _shown(said: object) -> str:
    """Text that a person is going to read. Raises ValueError for what is none."""
    if not isinstance(said, str) or not 0 < len(said) <= 200 or not said.isprintable():
        raise ValueError
    return said


def _object(answer: Answer) -> dict[str, object]:
    found = answer.json() if 200 <= answer.status < 300 else None
    if not isinstance(found, dict):
        raise Refused(
            f"Trakt's sign-in refused the request ({answer.status}). Check TRAKT_CLIENT_ID and TRAKT_CLIENT_SECRET."
        )
    return found

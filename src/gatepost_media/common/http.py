"""One pooled HTTP client per process, for every service.

Requests that change nothing (GET, HEAD) are tried again with back-off when the connection fails or the service says
502, 503 or 504; a write never is. 429 means that nothing was done, so any request waits as long as `Retry-After` says,
up to a bound, and is then sent again. Redirects are not followed: a service that sends a client elsewhere would send
its token along. Nothing of a URL's query, of a header or of a body stands in an error.
"""

from __future__ import annotations

import asyncio
import datetime
import email.utils
import json as jsonlib
import random
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from gatepost_media import __version__
from gatepost_media.common.errors import MediaError, NotFound, NotSignedIn, RateLimited, Refused, Unreachable

if TYPE_CHECKING:
    import httpx2

QueryValue = str | int | float | Sequence[str]

TRIES = 3
FIRST_PAUSE = 0.25
"""Seconds before the second try; three times as long before each further one."""
PATIENCE = 10.0
"""Seconds that a call waits at most, in all, for a service that asked to wait."""
BODY_LIMIT = 64 * 1024 * 1024
CONNECT_TIMEOUT = 5.0
READ_TIMEOUT = 30.0

_AGAIN = frozenset({502, 503, 504})
_SIGN_IN = {
    "Plex": "Set PLEX_TOKEN, or sign in with authenticate_plex.",
    "plex.tv": "Set PLEX_TOKEN, or sign in with authenticate_plex.",
    "Trakt": "Sign in to Trakt again (trakt_authenticate on the Plex server, start_device_auth on the Trakt server).",
    "Sonarr": "Check SONARR_API_KEY (Sonarr: Settings, General, Security).",
    "Radarr": "Check RADARR_API_KEY (Radarr: Settings, General, Security).",
}
_ADDRESS = {"Plex": "PLEX_URL", "Sonarr": "SONARR_URL", "Radarr": "RADARR_URL"}
SAFE = frozenset({"GET", "HEAD"})
"""Methods that change nothing."""
MAYBE = " What was asked may have been done all the same: look before you try again."
"""Said where a request that changes something was sent and nothing is known of its end."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service answered, whole. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    service: str = "The service"

    def json(self) -> object:
        """The body as JSON. Raises Refused where it is not."""
        try:
            return jsonlib.loads(self.content)
        except (ValueError, RecursionError):
            raise Refused(f"{self.service} answered with something that is not JSON. Is the address right?") from None

    def text(self) -> str:
        """The body as UTF-8, what is not valid replaced."""
        return self.content.decode("utf-8", "replace")


def join(base: str, *segments: str) -> str:
    """An address below a base, every segment percent-encoded; a segment can never climb or split.

    Raises ValueError for an empty segment, `.` and `..`: ids are checked before they come here.
    """
    for segment in segments:
        if segment in ("", ".", ".."):
            raise ValueError(f"not a path segment: {segment!r}")
    return "/".join([base, *(quote(segment, safe=":") for segment in segments)])


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that `Retry-After` asks for, from a number or a date; None where it says nothing usable."""
    said = headers.get("retry-after", "").strip()
    if said.isascii() and said.isdigit():
        return float(said[:9])
    try:
        when = email.utils.parsedate_to_datetime(said)
    except ValueError:
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=datetime.UTC)
    return max(0.0, (when - datetime.datetime.now(datetime.UTC)).total_seconds())


def failure(answer: Answer, method: str = "GET") -> MediaError:
    """The error that fits an answer's status to a request of that method."""
    service, status = answer.service, answer.status
    if status == 401:
        return NotSignedIn(f"{service} did not accept the credentials (401). {_SIGN_IN.get(service, '')}".rstrip())
    if status == 403:
        return Refused(f"{service} does not allow this account to do that (403).")
    if status == 404:
        return NotFound(f"{service} knows no such thing (404).")
    if status == 429:
        wait = retry_after(answer.headers)
        when = "later" if wait is None else f"in {wait:.0f} second{'' if round(wait) == 1 else 's'}"
        return RateLimited(f"{service} asks to wait: too many requests (429). Try again {when}.", wait)
    if status >= 500:
        said = f"{service} is out of order at the moment ({status})."
        return Unreachable(f"{said} Try again later." if method in SAFE else f"{said}{MAYBE}")
    if 300 <= status < 400:
        return Refused(f"{service} answered with a redirect ({status}), which is not followed. {_check(service)}")
    return Refused(f"{service} refused the request ({status}).")


def _check(service: str) -> str:
    name = _ADDRESS.get(service)
    return f"Check {name}." if name else "Check its address."


class Http:
    """The process's HTTP client. Made when it is first used; `aclose` ends its connections."""

    def __init__(self, *, tries: int = TRIES, first_pause: float | None = None, patience: float = PATIENCE) -> None:
        self._tries = tries
        self._first_pause = FIRST_PAUSE if first_pause is None else first_pause
        self._patience = patience
        self._client: httpx2.AsyncClient | None = None

    @property
    def client(self) -> httpx2.AsyncClient:
        """The library's client below, for what `request` does not do (a websocket, a stream)."""
        if self._client is None:
            import httpx2

            self._client = httpx2.AsyncClient(
                timeout=httpx2.Timeout(READ_TIMEOUT, connect=CONNECT_TIMEOUT),
                limits=httpx2.Limits(max_connections=16, max_keepalive_connections=8, keepalive_expiry=30),
                follow_redirects=False,
                headers={"user-agent": f"gatepost-media/{__version__}"},
            )
        return self._client

    async def aclose(self) -> None:
        """Closes all connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def request(
        self,
        method: str,
        url: str,
        *,
        query: Mapping[str, QueryValue] | None = None,
        headers: Mapping[str, str] | None = None,
        json: object = None,
        form: Mapping[str, str] | None = None,
        service: str = "Plex",
        ok: Container[int] = range(200, 300),
        harmless: bool = False,
    ) -> Answer:
        """Sends one request and returns the whole answer.

        `query` values that are sequences are repeated; everything is percent-encoded here. Raises the MediaError that
        fits a status outside `ok` (`failure`), and Unreachable for a connection that fails or ends early. With
        `harmless` an error says of a write, too, that it can be tried again; it is sent once all the same.
        """
        told = "GET" if harmless else method
        again = method in SAFE
        pause, patience = self._first_pause, self._patience
        for left in range(self._tries - 1, -1, -1):
            try:
                answer = await self._once(method, url, query, headers, json, form, service, told)
            except Unreachable:
                if not again or left == 0:
                    raise
                await asyncio.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311 - spreads retries, guards nothing
                pause *= 3
                continue
            if answer.status in ok:
                return answer
            asked = retry_after(answer.headers)
            if answer.status == 429 or (again and answer.status in _AGAIN):
                wait = pause * random.uniform(0.8, 1.2) if asked is None else asked  # noqa: S311
                if left and wait <= patience:
                    patience -= wait
                    pause *= 3
                    await asyncio.sleep(wait)
                    continue
            raise failure(answer, told)
        raise AssertionError("the last try returns or raises")

    async def _once(
        self,
        method: str,
        url: str,
        query: Mapping[str, QueryValue] | None,
        headers: Mapping[str, str] | None,
        json: object,
        form: Mapping[str, str] | None,
        service: str,
        told: str,
    ) -> Answer:
        import httpx2

        parameters: list[tuple[str, str | int | float | bool | None]] = [
            (name, str(each))
            for name, value in (query or {}).items()
            for each in ([value] if isinstance(value, (str, int, float)) else value)
        ]
        try:
            async with self.client.stream(
                method,
                url,
                params=parameters or None,
                headers=dict(headers or {}),
                json=json,
                data=dict(form) if form is not None else None,
            ) as response:
                body = bytearray()
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > BODY_LIMIT:
                        raise Refused(
                            f"{service} answered with more than {BODY_LIMIT >> 20} MiB. Ask for less at once."
                        )
                known = {name.lower(): value for name, value in response.headers.items()}
                return Answer(response.status_code, known, bytes(body), service)
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            raise Unreachable(_not_reached(error, service, _origin(url))) from None
        except httpx2.TimeoutException:
            end = f" {_check(service)}" if told in SAFE else MAYBE
            raise Unreachable(f"{service} at {_origin(url)} did not answer in time.{end}") from None
        except (httpx2.HTTPError, httpx2.InvalidURL):
            end = " Try again." if told in SAFE else MAYBE
            raise Unreachable(f"The connection to {service} at {_origin(url)} broke.{end}") from None


_OTHER_NAME = frozenset({62, 64})
"""OpenSSL's codes for a certificate of another host name and of another IP address."""


def _not_reached(error: BaseException, service: str, origin: str) -> str:
    """Why there is no connection; nothing was sent. TLS that fails is told apart from a service that is not there."""
    import ssl

    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLError):
        cause = cause.__cause__ or cause.__context__
    name = _ADDRESS.get(service, "the address")
    if isinstance(cause, ssl.SSLCertVerificationError):
        if cause.verify_code in _OTHER_NAME:
            mend = f"was made for another name. Put that name into {name}."
        else:
            # What OpenSSL says of a certificate is its own text, not the other side's.
            mend = f"is not accepted: {cause.verify_message}. Let this machine trust its issuer, or have it renewed."
        return f"The certificate of {service} at {origin} {mend}"
    if cause is not None:
        return f"{service} at {origin} does not speak TLS. Should {name} begin with http://?"
    return f"{service} cannot be reached at {origin}. Check that it runs. {_check(service)}"


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"

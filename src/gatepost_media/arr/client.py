"""The clients of Sonarr and Radarr. Both speak the same dialect: /api/v3, the key in a header, errors as lists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from gatepost_media.common.errors import NotConfigured, NotFound, Refused
from gatepost_media.common.http import Answer, Http, QueryValue, failure, join
from gatepost_media.common.settings import Settings
from gatepost_media.plex.raw import Raw, mapping, rows, text

_EXPLAINED = frozenset(range(100, 600)) - {429, 502, 503, 504}
_SAID = 3
"""So many of the reasons of a refusal are told."""

Query = Mapping[str, QueryValue]


class Arr:
    """One service. Made by `ctx.process.of(Sonarr)` and `ctx.process.of(Radarr)`."""

    service: ClassVar[str]
    things: ClassVar[str]
    port: ClassVar[int]

    def __init__(self, http: Http, url: str | None, key: str | None) -> None:
        self._http = http
        self._url = url
        self._key = key

    @property
    def configured(self) -> bool:
        """Whether an address and a key were given."""
        return self._url is not None and self._key is not None

    async def get(self, *path: str, query: Query | None = None) -> object:
        """The JSON at a path below /api/v3."""
        return (await self._send("GET", path, query=query)).json()

    async def row(self, *path: str, query: Query | None = None) -> Raw:
        """An object. Raises Refused where something else is there."""
        found = await self.get(*path, query=query)
        if not isinstance(found, dict):
            raise Refused(f"{self.service} answered with something else than was asked for. Is {self._variable} right?")
        return mapping(found)

    async def list(self, *path: str, query: Query | None = None) -> list[Raw]:
        """A list of objects. Raises Refused where something else is there."""
        found = await self.get(*path, query=query)
        if not isinstance(found, list):
            raise Refused(f"{self.service} answered with something that is not a list. Is {self._variable} right?")
        return rows({"all": found}, "all")

    async def post(self, *path: str, body: Mapping[str, object]) -> Raw:
        """Sends one write, once, and returns what was made."""
        return mapping((await self._send("POST", path, body=body)).json())

    @property
    def _variable(self) -> str:
        return f"{self.service.upper()}_URL"

    async def _send(
        self,
        method: str,
        path: tuple[str, ...],
        *,
        query: Query | None = None,
        body: Mapping[str, object] | None = None,
    ) -> Answer:
        if self._url is None or self._key is None:
            name = self.service.upper()
            missing = " and ".join(
                each for each, value in ((f"{name}_URL", self._url), (f"{name}_API_KEY", self._key)) if value is None
            )
            raise NotConfigured(
                f"{self.service} is not configured: set {missing} in the server's environment, such as "
                f"{name}_URL=http://127.0.0.1:{self.port}. The key stands in {self.service} under Settings, General."
            )
        answer = await self._http.request(
            method,
            join(self._url, "api", "v3", *path),
            query=query,
            headers={"x-api-key": self._key, "accept": "application/json"},
            json=body,
            service=self.service,
            ok=_EXPLAINED,
        )
        if 200 <= answer.status < 300:
            return answer
        if answer.status in (400, 409, 422) and (said := _reasons(answer)):
            raise Refused(f"{self.service} refused it ({answer.status}): {said}")
        if answer.status == 404:
            raise NotFound(f"{self.service} knows no such {self.things} (404).")
        raise failure(answer, method)


class Sonarr(Arr):
    """Series and their episodes."""

    service = "Sonarr"
    things = "series"
    port = 8989

    def __init__(self, settings: Settings, http: Http) -> None:
        super().__init__(http, settings.sonarr_url, settings.sonarr_api_key)


class Radarr(Arr):
    """Films."""

    service = "Radarr"
    things = "movie"
    port = 7878

    def __init__(self, settings: Settings, http: Http) -> None:
        super().__init__(http, settings.radarr_url, settings.radarr_api_key)


def _reasons(answer: Answer) -> str:
    """What a refusal says: a list of {propertyName, errorMessage}, or {message}."""
    try:
        found = answer.json()
    except Refused:
        return ""
    if isinstance(found, dict):
        return _short(text(mapping(found), "message") or "")
    said = []
    for each in rows({"all": found}, "all")[:_SAID]:
        name, message = text(each, "propertyName"), text(each, "errorMessage")
        if message:
            said.append(f"{name}: {message}" if name else message)
    return _short("; ".join(said))


def _short(said: str) -> str:
    shown = "".join(character if character.isprintable() else " " for character in said)
    return shown if len(shown) <= 300 else shown[:300] + "…"

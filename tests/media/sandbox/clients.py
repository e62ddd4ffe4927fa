"""Plain HTTP clients for the stand-ins."""

from __future__ import annotations

import ssl
from typing import Any, Self

import httpx2

from gatepost_media.sandbox import Sandbox

_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""One for all clients: to make one takes longer than a test, and none of them uses it."""


def _client(base: str, headers: dict[str, str] | None = None) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(base_url=base, headers=headers, verify=_TLS)


class Services:
    """`plex`, `plex_tv`, `discover`, `trakt`, `trakt_auth`, `sonarr`, `radarr`, `admin`: a client each, signed in."""

    def __init__(self, box: Sandbox) -> None:
        plex = {"X-Plex-Token": box.plex_token, "Accept": "application/json", "X-Plex-Client-Identifier": "tests"}
        token = box.trakt.sign_in().access
        trakt = {"trakt-api-key": box.trakt_client_id, "trakt-api-version": "2", "Authorization": f"Bearer {token}"}
        self.plex = _client(box.plex_url, plex)
        self.plex_tv = _client(box.plex_tv_url, plex)
        self.discover = _client(box.discover_url, plex)
        self.trakt = _client(box.trakt_api_url, trakt)
        self.trakt_auth = _client(box.trakt_auth_url)
        self.sonarr = _client(f"{box.sonarr_url}/api/v3", {"X-Api-Key": box.sonarr_key})
        self.radarr = _client(f"{box.radarr_url}/api/v3", {"X-Api-Key": box.radarr_key})
        self.admin = _client(box.admin_url)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for client in vars(self).values():
            await client.aclose()

    async def container(self, path: str) -> dict[str, Any]:
        """The MediaContainer at a path of the Plex server."""
        answer = await self.plex.get(path)
        assert answer.status_code == 200, (path, answer.status_code)
        found: dict[str, Any] = answer.json()["MediaContainer"]
        return found

    async def titles(self, path: str) -> list[str]:
        """The titles of the rows at a path of the Plex server."""
        return [row["title"] for row in (await self.container(path))["Metadata"]]

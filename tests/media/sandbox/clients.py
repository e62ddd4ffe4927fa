"""Plain HTTP clients for the stand-ins."""

from __future__ import annotations

from typing import Any, Self

import httpx2

from gatepost_media.sandbox import Sandbox


class Services:
    """`plex`, `plex_tv`, `discover`, `trakt`, `trakt_auth`, `sonarr`, `radarr`, `admin`: a client each, signed in."""

    def __init__(self, box: Sandbox) -> None:
        plex = {"X-Plex-Token": box.plex_token, "Accept": "application/json", "X-Plex-Client-Identifier": "tests"}
        token = box.trakt.sign_in().access
        trakt = {"trakt-api-key": box.trakt_client_id, "trakt-api-version": "2", "Authorization": f"Bearer {token}"}
        self.plex = httpx2.AsyncClient(base_url=box.plex_url, headers=plex)
        self.plex_tv = httpx2.AsyncClient(base_url=box.plex_tv_url, headers=plex)
        self.discover = httpx2.AsyncClient(base_url=box.discover_url, headers=plex)
        self.trakt = httpx2.AsyncClient(base_url=box.trakt_api_url, headers=trakt)
        self.trakt_auth = httpx2.AsyncClient(base_url=box.trakt_auth_url)
        self.sonarr = httpx2.AsyncClient(base_url=f"{box.sonarr_url}/api/v3", headers={"X-Api-Key": box.sonarr_key})
        self.radarr = httpx2.AsyncClient(base_url=f"{box.radarr_url}/api/v3", headers={"X-Api-Key": box.radarr_key})
        self.admin = httpx2.AsyncClient(base_url=box.admin_url)

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

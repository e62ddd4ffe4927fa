"""Where the services are and with what they are opened: the environment, and a private folder for what is learnt.

Names are those that the servers replaced here used. Secrets never appear in `repr`.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import platformdirs

from gatepost_media.common.errors import NotConfigured
from gatepost_media.common.files import locked, read_private, write_private

PLEX_TV = "https://plex.tv"
PLEX_DISCOVER = "https://discover.provider.plex.tv"
TRAKT_API = "https://api.trakt.tv"
TRAKT_AUTH = "https://auth.trakt.tv"

DEFAULT_REPLY_TOKENS = 25_000


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment says. An empty variable counts as not set. URLs are bases without a slash at the end."""

    home: Path
    plex_url: str | None = None
    plex_token: str | None = field(default=None, repr=False)
    plex_tv_url: str = PLEX_TV
    plex_discover_url: str = PLEX_DISCOVER
    trakt_api_url: str = TRAKT_API
    trakt_auth_url: str = TRAKT_AUTH
    trakt_client_id: str | None = field(default=None, repr=False)
    trakt_client_secret: str | None = field(default=None, repr=False)
    sonarr_url: str | None = None
    sonarr_api_key: str | None = field(default=None, repr=False)
    radarr_url: str | None = None
    radarr_api_key: str | None = field(default=None, repr=False)
    reply_tokens: int = DEFAULT_REPLY_TOKENS
    exports: Path = Path("exports")
    """The only folder that export_library writes into: `exports` below the folder in which the server was started."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Reads the variables. Raises NotConfigured naming the variable whose value cannot be used."""
        given = {name: value.strip() for name, value in (environment or os.environ).items() if value.strip()}
        home = given.get("GATEPOST_MEDIA_HOME")
        return cls(
            home=Path(home) if home else Path(platformdirs.user_data_dir("gatepost-media", appauthor=False)),
            plex_url=_optional_url(given, "PLEX_URL"),
            plex_token=given.get("PLEX_TOKEN"),
            plex_tv_url=_url(given, "PLEX_TV_URL", PLEX_TV),
            plex_discover_url=_url(given, "PLEX_DISCOVER_URL", PLEX_DISCOVER),
            trakt_api_url=_url(given, "TRAKT_API_URL", TRAKT_API),
            trakt_auth_url=_url(given, "TRAKT_AUTH_URL", TRAKT_AUTH),
            trakt_client_id=given.get("TRAKT_CLIENT_ID"),
            trakt_client_secret=given.get("TRAKT_CLIENT_SECRET"),
            sonarr_url=_optional_url(given, "SONARR_URL"),
            sonarr_api_key=given.get("SONARR_API_KEY"),
            radarr_url=_optional_url(given, "RADARR_URL"),
            radarr_api_key=given.get("RADARR_API_KEY"),
            reply_tokens=_tokens(given),
            exports=Path.cwd() / "exports",
        )

    def client_identifier(self) -> str:
        """The random name of this installation, made once and kept in the home folder."""
        path = self.home / "client-identifier"
        try:
            with locked(self.home / "client-identifier.lock"):
                kept = (read_private(path) or b"").decode("utf-8", "replace").strip()
                if kept and kept.isascii() and kept.isprintable():
                    return kept
                made = str(uuid.uuid4())
                write_private(path, made.encode("ascii"))
                return made
        except OSError as error:
            raise self.unusable(error) from error

    def unusable(self, error: OSError) -> NotConfigured:
        """What to say where a file of the home folder cannot be read or written."""
        return NotConfigured(
            f"The state folder {self.home} cannot be used: {error.strerror or error}. "
            "Give your user access to it, or set GATEPOST_MEDIA_HOME to another folder."
        )


def _url(given: Mapping[str, str], name: str, default: str) -> str:
    return _optional_url(given, name) or default


def _optional_url(given: Mapping[str, str], name: str) -> str | None:
    text = given.get(name)
    if text is None:
        return None
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable:
        raise NotConfigured(f"{name} is not an http or https address. Set it like http://127.0.0.1:32400.")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise NotConfigured(f"{name} must hold the address alone, without user name, query or fragment.")
    return text.rstrip("/")


def _tokens(given: Mapping[str, str]) -> int:
    text = given.get("GATEPOST_MEDIA_REPLY_TOKENS")
    if text is None:
        return DEFAULT_REPLY_TOKENS
    if not (text.isascii() and text.isdigit()) or not 500 <= int(text) <= 1_000_000:
        raise NotConfigured("GATEPOST_MEDIA_REPLY_TOKENS must be a whole number from 500 to 1000000.")
    return int(text)

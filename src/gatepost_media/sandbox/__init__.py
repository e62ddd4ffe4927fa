"""Stand-ins for Plex, Trakt, Sonarr and Radarr on loopback: for tests, for a demonstration, for programs of others."""

from gatepost_media.sandbox.box import Sandbox
from gatepost_media.sandbox.front import Fault, Seen

__all__ = ["Fault", "Sandbox", "Seen"]

"""Everything of Trakt on the Plex server: the account, the scrobbler, the sync."""

from __future__ import annotations

from gatepost_media.common.tools import Toolset
from gatepost_media.sync import account_tools, scrobble_tools, sync_tools


def register(toolset: Toolset) -> None:
    """Adds the tools to the Plex server's."""
    for group in (account_tools, scrobble_tools, sync_tools):
        toolset.include(group.tools)

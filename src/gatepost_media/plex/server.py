"""The Plex server's toolset, put together from its groups."""

from __future__ import annotations

from gatepost_media.arr.tools import register as register_arr
from gatepost_media.common.tools import Toolset
from gatepost_media.plex import (
    details,
    edits,
    export,
    history,
    libraries,
    librarystats,
    mediainfo,
    music,
    playlistedits,
    playlists,
    prompts,
    recommend,
    resources,
    search,
    sessions,
    shapes,
    signin,
    state,
    stats,
    watchlist,
)
from gatepost_media.sync.tools import register as register_sync

INSTRUCTIONS = (
    "Tools for one Plex Media Server, its account's watchlist, Sonarr and Radarr, and for keeping Trakt in step with "
    "Plex. Begin with get_libraries; items are named by ratingKey, libraries by libraryKey. Long lists come in parts: "
    "give nextCursor back as cursor. Where a tool says that it is not signed in, call authenticate_plex, show the user "
    "the address, and call check_auth_status after they have opened it."
)

PROFILES = {
    "plex-read": "Reading Plex: libraries, search, playlists, watchlist, history, statistics; and signing in",
    "music": "Reading and discovering music, and music playlists",
    "arr": "Sonarr and Radarr",
    "trakt-sync": "Trakt sync and scrobbling, and what is needed beside it",
}

GROUPS = (
    signin,
    libraries,
    search,
    details,
    mediainfo,
    playlists,
    watchlist,
    history,
    sessions,
    stats,
    librarystats,
    recommend,
    music,
    state,
    edits,
    playlistedits,
    export,
    shapes,
    resources,
    prompts,
)
"""The modules of the server's own tools, in the order in which a client sees them."""


def toolset() -> Toolset:
    """Everything the Plex server offers: its own tools, then Trakt sync and scrobbling, then Sonarr and Radarr."""
    made = Toolset("plex", INSTRUCTIONS, PROFILES, nulls=False)
    for group in GROUPS:
        made.include(group.TOOLS)
    register_sync(made)
    register_arr(made)
    return made

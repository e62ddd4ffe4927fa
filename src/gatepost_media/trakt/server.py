"""The Trakt server: its tools, resources and prompts put together."""

from __future__ import annotations

from gatepost_media.common.tools import Toolset
from gatepost_media.trakt.profiles import PROFILES
from gatepost_media.trakt.resources import RESOURCES
from gatepost_media.trakt.tools import (
    auth,
    calendar,
    charts,
    checkin,
    collection,
    comments,
    episodes,
    history,
    people,
    progress,
    ratings,
    recommendations,
    search,
    seasons,
    titles,
    watchlist,
)

INSTRUCTIONS = """\
Trakt: what people watch. Charts, search, movies, shows, seasons, episodes and people; the account's history, progress,
ratings, watchlist, collection and lists. Where an id is asked for, a Trakt id, a slug (the-wire) or an IMDb id works:
search_shows, search_movies and lookup_id find them. What belongs to an account wants a sign-in: start_device_auth, then
check_auth_status. Tools that change something are there only where the server was started with --write.
"""

_GROUPS = (
    auth,
    search,
    charts,
    titles,
    seasons,
    episodes,
    people,
    comments,
    progress,
    history,
    ratings,
    watchlist,
    collection,
    calendar,
    recommendations,
    checkin,
)


def toolset() -> Toolset:
    """Everything that the Trakt server offers."""
    made = Toolset("Trakt", INSTRUCTIONS, profiles=PROFILES)
    for group in _GROUPS:
        made.include(group.TOOLS)
    made.include(RESOURCES)
    return made

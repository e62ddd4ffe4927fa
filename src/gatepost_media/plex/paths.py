"""Every path that the Plex server is asked at, in one place.

Those of the published contract come first. The older ones below it stand in no contract but in every server and client
in use; each says why it is needed. Ids are checked here once more, whatever a tool's schema let through.
"""

from __future__ import annotations

from gatepost_media.common.ids import digits

IDENTITY = "/identity"
SECTIONS = "/library/sections/all"
ALL = "/library/all"
HUB_SEARCH = "/hubs/search"
PLAYLISTS = "/playlists"
HISTORY = "/status/sessions/history/all"
SESSIONS = "/status/sessions"
TERMINATE = "/status/sessions/terminate"
RATE = "/:/rate"
SCROBBLE = "/:/scrobble"
UNSCROBBLE = "/:/unscrobble"

WATCHLIST = "/library/sections/watchlist/all"
"""At the discover service, which has no published contract; likewise the two actions."""
WATCHLIST_ADD = "/actions/addToWatchlist"
WATCHLIST_REMOVE = "/actions/removeFromWatchlist"

SEARCH = "/search"
"""Older: title search over all sections in one list, with `type`. /hubs/search returns hubs and takes no type."""
ON_DECK = "/library/onDeck"
"""Older: what to go on watching, as rows. The contract's /hubs/continueWatching needs a newer server."""
RECENTLY_ADDED = "/library/recentlyAdded"
"""Older: the newest over the whole server in one request."""
NOTIFICATIONS = "/:/websockets/notifications"
"""Older: what happens on the server, over a websocket. The contract's /:/websocket/… needs a newer server."""
ACCOUNTS = "/accounts"
"""Older: names for the `accountID` of history rows; the contract has the ids and nowhere the names."""
DEVICES = "/devices"
"""Older: names for the `deviceID` of history rows; likewise."""

CHOICES = frozenset({"genre", "director", "writer", "actor", "mood", "collection"})


def section(library: str) -> str:
    """One section's description."""
    return f"/library/sections/{digits('libraryKey', library)}"


def section_all(library: str) -> str:
    """The items of a section; PUT edits them."""
    return f"{section(library)}/all"


def section_collections(library: str) -> str:
    """The collections of a section."""
    return f"{section(library)}/collections"


def section_refresh(library: str) -> str:
    """POST starts a scan of the section's folders."""
    return f"{section(library)}/refresh"


def section_search(library: str) -> str:
    """Older: title search inside a section."""
    return f"{section(library)}/search"


def section_choices(library: str, field: str) -> str:
    """Older: the tags of one kind in a section, with the numbers that filters want. The contract has the filters'
    fields and no way from a tag's name to its number inside one section."""
    if field not in CHOICES:
        raise ValueError(f"not a field with choices: {field}")
    return f"{section(library)}/{field}"


def metadata(*keys: str) -> str:
    """One item, or several at once."""
    return "/library/metadata/" + ",".join(digits("ratingKey", key) for key in keys)


def leaves(key: str) -> str:
    """All episodes of a show or season, all tracks of an artist or album."""
    return f"{metadata(key)}/allLeaves"


def similar(key: str) -> str:
    """What Plex calls similar to an item."""
    return f"{metadata(key)}/similar"


def poster(key: str) -> str:
    """POST sets an item's poster."""
    return f"{metadata(key)}/poster"


def collection_items(collection: str) -> str:
    """The items of a collection."""
    return f"/library/collections/{digits('collection_id', collection)}/items"


def playlist(key: str) -> str:
    """One playlist."""
    return f"/playlists/{digits('playlistId', key)}"


def playlist_items(key: str) -> str:
    """The entries of a playlist."""
    return f"{playlist(key)}/items"


def playlist_entry(key: str, entry: str) -> str:
    """One entry of a playlist, by its `playlistItemID`."""
    return f"{playlist_items(key)}/{digits('playlistItemId', entry)}"

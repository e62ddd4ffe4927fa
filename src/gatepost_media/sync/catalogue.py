"""Plex's items by rating key, with their ids: each asked for once, while it is of use. One without an id that Trakt
knows is asked for anew each time."""

from __future__ import annotations

from gatepost_media.common.errors import NotFound
from gatepost_media.plex.client import Plex
from gatepost_media.plex.raw import text
from gatepost_media.sync.items import Item, Show, from_plex, show_from_plex

_KEPT = 500
WITH_GUIDS = {"includeGuids": 1}


class Catalogue:
    """The items that were asked for last."""

    def __init__(self, plex: Plex) -> None:
        self._plex = plex
        self._items: dict[str, Item] = {}

    async def item(self, key: str) -> Item:
        """The item with its ids. Raises NotFound where there is none, or none that can be scrobbled."""
        known = self._items.get(key)
        if known is not None:
            return known
        row = await self._plex.item(key, WITH_GUIDS)
        shows: dict[str, Show] = {}
        show = text(row, "grandparentRatingKey")
        if row.get("type") == "episode" and show:
            shows[show] = show_from_plex(await self._plex.item(show, WITH_GUIDS))
        found = from_plex(row, shows)
        if found is None:
            raise NotFound(f"The item with ratingKey {key} is neither a film nor an episode of a library.")
        if found.mapped:  # what is not may be matched in Plex at any time
            self._items[key] = found
            if len(self._items) > _KEPT:
                del self._items[next(iter(self._items))]
        return found

    def name(self, key: str) -> str | None:
        """An item's name, if it was asked for before."""
        known = self._items.get(key)
        return known.name if known is not None else None

"""Plays that Trakt took, and lists under other ids than those they were sent with.

Trakt merges entries: a film sent by its IMDb id may come back without it. Compared by ids it would be missing for ever,
and be sent anew by every sync. So after a sync what was taken and is still not listed is remembered here, by account.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from gatepost_media.common.errors import MediaError
from gatepost_media.common.files import read_private, write_private
from gatepost_media.sync.items import Item


class Aliases:
    """The private file of one account; what cannot be read in it counts as not there."""

    def __init__(self, home: Path, account: str) -> None:
        self._path = home / f"trakt-aliases-{hashlib.sha256(account.encode()).hexdigest()[:16]}.json"
        try:
            found = json.loads(read_private(self._path) or b"[]")
        except (OSError, ValueError):
            found = []
        self._known = {each for each in found if isinstance(each, str)} if isinstance(found, list) else set()

    def __contains__(self, item: Item) -> bool:
        return _name(item) in self._known

    def add(self, items: Iterable[Item]) -> None:
        """Remembers items. Raises MediaError where the file cannot be written."""
        new = {_name(item) for item in items} - self._known
        if not new:
            return
        self._known |= new
        try:
            write_private(self._path, json.dumps(sorted(self._known)).encode())
        except OSError as error:
            raise MediaError(
                f"The state folder cannot be written to: {error.strerror or error}. "
                "Give your user access to it, or set GATEPOST_MEDIA_HOME to another folder."
            ) from error


def _name(item: Item) -> str:
    """The item as it was sent: a change of its ids in Plex makes it another."""
    if item.placed and item.show is not None:
        where = {**item.show.ids.for_trakt(), "season": item.season, "number": item.number}
        return json.dumps([item.kind, where], separators=(",", ":"))
    return json.dumps([item.kind, item.ids.for_trakt()], separators=(",", ":"))

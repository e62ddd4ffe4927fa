"""Items on the disk, in the order in which they were found: a plan of any length in little memory.

The file has no name (it is gone with the process, however that ends) and stands in the private folder.
"""

from __future__ import annotations

import json
import tempfile
from array import array
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gatepost_media.common.errors import MediaError
from gatepost_media.common.files import private_folder
from gatepost_media.sync.guids import Ids
from gatepost_media.sync.items import Item, Show


class Spool:
    """A list of items, appended to and read. Raises MediaError where the folder cannot be written to."""

    def __init__(self, folder: Path) -> None:
        self._places = array("q")
        try:
            self._file = tempfile.TemporaryFile(dir=private_folder(folder))  # noqa: SIM115 - closed by close()
        except OSError as error:
            raise _unusable(error) from error

    def __len__(self) -> int:
        return len(self._places)

    def append(self, item: Item) -> None:
        """Adds an item at the end."""
        line = json.dumps(asdict(item), separators=(",", ":")).encode() + b"\n"
        try:
            self._places.append(self._file.seek(0, 2))
            self._file.write(line)
        except OSError as error:
            raise _unusable(error) from error

    def part(self, start: int, count: int) -> list[Item]:
        """Up to `count` items from a position on."""
        if start >= len(self._places):
            return []
        self._file.seek(self._places[start])
        return [_item(self._file.readline()) for _ in range(min(count, len(self._places) - start))]

    def parts(self, size: int) -> Iterator[list[Item]]:
        """All items, so many at a time."""
        for start in range(0, len(self._places), size):
            yield self.part(start, size)

    def close(self) -> None:
        """Gives the room on the disk back."""
        self._file.close()


def _item(line: bytes) -> Item:
    found: dict[str, Any] = json.loads(line)
    show = found["show"]
    if show is not None:
        found["show"] = Show(show["title"], show["year"], Ids(**show["ids"]))
    return Item(**{**found, "ids": Ids(**found["ids"])})


def _unusable(error: OSError) -> MediaError:
    return MediaError(
        f"The state folder cannot hold the list of what differs: {error.strerror or error}. "
        "Make room, or set GATEPOST_MEDIA_HOME to another folder."
    )

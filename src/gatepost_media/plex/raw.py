"""Reading what Plex answers: JSON of which any part may be missing, or a number where a text was expected.

Every accessor takes the object and a name and returns None (or an empty list) where the value is not of that form, so
that one odd row never fails a whole page.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import cast

Raw = Mapping[str, object]

TYPES = {
    "movie": 1,
    "show": 2,
    "season": 3,
    "episode": 4,
    "artist": 8,
    "album": 9,
    "track": 10,
    "clip": 12,
    "photo": 13,
    "photoalbum": 14,
}
"""Plex's numbers for the types of items."""


def mapping(value: object) -> Raw:
    """The value as an object; an empty one where it is not."""
    return cast("Raw", value) if isinstance(value, dict) else {}


def rows(holder: Raw, name: str) -> list[Raw]:
    """The objects in a list."""
    value = holder.get(name)
    return [mapping(each) for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def text(holder: Raw, name: str) -> str | None:
    """A text; a number is written out."""
    value = holder.get(name)
    if isinstance(value, bool) or value is None or isinstance(value, (dict, list)):
        return None
    return str(value) or None


def whole(holder: Raw, name: str) -> int | None:
    """A whole number, also from text."""
    value = holder.get(name)
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, (int, float)):
        return int(value)
    if isinstance(value, str):
        stripped = value.strip().removeprefix("-")
        if stripped.isascii() and stripped.isdigit():
            return int(value)
    return None


def number(holder: Raw, name: str) -> float | None:
    """A number, also from text."""
    value = holder.get(name)
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float, str)):
        try:
            return float(value)
        except ValueError:
            return None
    return None


def flag(holder: Raw, name: str) -> bool | None:
    """A yes or no: true, 1 and "1" are yes."""
    value = holder.get(name)
    return None if value is None else value in (True, 1, "1", "true")


def tags(holder: Raw, name: str) -> list[str]:
    """The `tag` of each object in a list: genres, people, moods."""
    return [tag for each in rows(holder, name) if (tag := text(each, "tag"))]


def when(holder: Raw, name: str) -> str | None:
    """A time in seconds since the epoch, as ISO 8601 in UTC."""
    seconds = whole(holder, name)
    if seconds is None or not 0 < seconds < 253_402_300_800:
        return None
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat().replace("+00:00", "Z")


def total(container: Raw) -> int | None:
    """How long the whole list is, of which a container holds a page."""
    return whole(container, "totalSize")

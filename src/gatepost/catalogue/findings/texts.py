"""Every text of a definition with its place, bounded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

LONGEST: Final = 200_000
"""Characters that are looked at of one text."""
MOST: Final = 5_000
"""Texts that are looked at of one definition."""
_DEEPEST = 100
_WORD = 80
_FIRST: Final = ("name", "title", "description")


def texts(definition: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(place, text) of the strings in a definition, names of members too: name, title and description first.

    Of the others, single plain words are left out. It is for the reader to stop after `MOST`.
    """
    for key in _FIRST:
        if isinstance(definition.get(key), str):
            yield key, definition[key]
    for key, value in definition.items():
        if key not in _FIRST or not isinstance(value, str):
            yield from _inside(str(key), value, 0)


def _inside(where: str, value: Any, depth: int) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        if not _plain(value):
            yield where, value
    elif depth < _DEEPEST and isinstance(value, Mapping):
        for key, member in value.items():
            inner = f"{where}.{key}" if len(where) + len(key) < 200 else f"{where[:200]}…"
            if not _plain(key):
                yield f"{where} (a member's name)", key
            yield from _inside(inner, member, depth + 1)
    elif depth < _DEEPEST and isinstance(value, (list, tuple)):
        for number, member in enumerate(value):
            yield from _inside(f"{where}[{number}]", member, depth + 1)


def _plain(text: str) -> bool:
    """Whether a text is nothing, or one short word of ASCII: nothing is hidden in it and nobody told anything."""
    return len(text) < _WORD and text.isascii() and (text.isidentifier() or not text)

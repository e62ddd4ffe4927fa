"""Every text of a definition with its place, bounded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

LONGEST: Final = 200_000
"""Characters that are looked at of one text."""
_MOST = 5_000
_DEEPEST = 40
_FIRST: Final = ("name", "title", "description")


def texts(definition: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(place, text) of every string in a definition, names of members too: name, title and description first.

    At most 5,000, to a depth of 40.
    """
    walk = _walk(definition)
    for _, found in zip(range(_MOST), walk, strict=False):
        yield found


def _walk(definition: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key in _FIRST:
        if isinstance(definition.get(key), str):
            yield key, definition[key]
    for key, value in definition.items():
        if key not in _FIRST or not isinstance(value, str):
            yield from _inside(str(key), value, 0)


def _inside(where: str, value: Any, depth: int) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        if len(value) > 1:
            yield where, value
    elif depth < _DEEPEST and isinstance(value, Mapping):
        for key, member in value.items():
            inner = f"{where}.{key}" if len(where) + len(key) < 200 else f"{where[:200]}…"
            if len(key) > 1:
                yield f"{where} (a member's name)", key
            yield from _inside(inner, member, depth + 1)
    elif depth < _DEEPEST and isinstance(value, (list, tuple)):
        for number, member in enumerate(value):
            yield from _inside(f"{where}[{number}]", member, depth + 1)

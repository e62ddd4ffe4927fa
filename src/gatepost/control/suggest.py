"""The name that somebody may have meant."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

_LONGEST = 128
_MOST_KNOWN = 1000
_MOST_SLIPS = 2


def nearest(name: str, known: Iterable[str]) -> str:
    """`Did you mean NAME?` for the known name that a slip or two of typing make `name` of, or empty where none is so.

    That is at most two slips, and at most one for every three letters: of a short word nearly every other is only a
    few slips away, and would be no help.
    """
    typed = name[:_LONGEST].lower()
    slips = [(_slips(typed, other[:_LONGEST].lower()), other) for other in islice(known, _MOST_KNOWN)]
    close = [(count, other) for count, other in slips if count <= min(_MOST_SLIPS, max(len(typed), len(other)) // 3)]
    return f"Did you mean {min(close)[1]}?" if close else ""


def _slips(one: str, other: str) -> int:
    """Letters left out, put in, changed, or swapped with the next: the optimal string alignment distance."""
    if abs(len(one) - len(other)) > _MOST_SLIPS:
        return _MOST_SLIPS + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for at, letter in enumerate(one, start=1):
        earlier, before, row = before, row, [at]
        for to, wanted in enumerate(other, start=1):
            cost = min(before[to] + 1, row[to - 1] + 1, before[to - 1] + (letter != wanted))
            if earlier and to > 1 and (letter, one[at - 2]) == (other[to - 2], wanted):
                cost = min(cost, earlier[to - 2] + 1)
            row.append(cost)
    return row[-1]

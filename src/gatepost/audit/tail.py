"""Reading on in a chain from where one stopped, across segments."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from gatepost.journal.segments import lines, segments


class Place(NamedTuple):
    """A byte of a chain: the first row of its segment, and the offset in it. `Place(0, 0)` is before everything."""

    segment: int
    offset: int


class Line(NamedTuple):
    """A complete line without its newline, and where it begins."""

    place: Place
    text: bytes


START = Place(0, 0)


def end_of(folder: Path) -> Place:
    """Where the last complete line of a chain ends."""
    files = segments(folder)
    if not files:
        return START
    end = 0
    for start, line in lines(files[-1].path):
        end = start + len(line) + 1
    return Place(files[-1].first, end)


def read_on(folder: Path, place: Place, most: int) -> tuple[list[Line], Place]:
    """Up to `most` complete lines from `place` on, and the place after them.

    A segment that is not there any more is taken as removed: reading goes on with the next.
    """
    found: list[Line] = []
    for segment in segments(folder):
        if segment.first < place.segment:
            continue
        offset = place.offset if segment.first == place.segment else 0
        try:
            for start, text in lines(segment.path, offset):
                found.append(Line(Place(segment.first, start), text))
                offset = start + len(text) + 1
                if len(found) >= most:
                    return found, Place(segment.first, offset)
        except FileNotFoundError:
            continue
        place = Place(segment.first, offset)
    return found, place

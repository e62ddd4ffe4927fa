"""The files of kept arguments: their names, what a line holds, and when they go."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

FOLDER: Final = "arguments"
"""In the data folder."""
HOUR: Final = 3600
_SUFFIX: Final = ".sealed"


class Segment(NamedTuple):
    """One file: the hour it begins with, in seconds since the epoch, and for how many seconds its lines are kept."""

    path: Path
    hour: int
    seconds: int

    def ends(self, seconds: int | None = None) -> int:
        """When its last line is to be gone; `seconds` is what the server keeps now, where that is shorter."""
        return self.hour + HOUR + (self.seconds if seconds is None else min(self.seconds, seconds))


def segment_at(folder: Path, server: str, at: float, seconds: int) -> Segment:
    """The file for a call at an instant."""
    hour = int(at) // HOUR * HOUR
    return Segment(folder / server / f"{hour}-{seconds}{_SUFFIX}", hour, seconds)


def segments(folder: Path, server: str) -> Iterator[Segment]:
    """A server's files; whatever else lies there is passed over."""
    try:
        paths = list((folder / server).iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return
    for path in paths:
        hour, dash, seconds = path.name.removesuffix(_SUFFIX).partition("-")
        if path.name.endswith(_SUFFIX) and dash and hour.isdecimal() and seconds.isdecimal():
            yield Segment(path, int(hour), int(seconds))


def purpose(server: str, decision_id: str) -> str:
    """What a line is sealed for."""
    return f"arguments:{server}:{decision_id}"


def expire(folder: Path, now: float, keeps: Mapping[str, int | None]) -> int:
    """Deletes every file whose time has come; returns how many.

    Args:
        folder: `DATA/arguments`.
        keeps: for how many seconds each server that is there keeps arguments now, None where it does not.
            What a server kept that is none any more, or does not keep any more, goes at once.

    Raises OSError.
    """
    removed = 0
    if not folder.is_dir():
        return removed
    for inner in [path for path in folder.iterdir() if path.is_dir()]:
        seconds = keeps.get(inner.name)
        for segment in list(segments(folder, inner.name)):
            if seconds is None or segment.ends(seconds) <= now:
                segment.path.unlink(missing_ok=True)
                removed += 1
    return removed


def forget(folder: Path, server: str) -> None:
    """Deletes all that was kept of a server. Raises OSError."""
    if (folder / server).is_dir():
        shutil.rmtree(folder / server)

"""The files of a chain: `DATA/journal/CHAIN/NNNNNNNNNNNNNNNN.jsonl`, each named for its first row's number."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

_NAME = re.compile(r"([0-9]{16})\.jsonl")
_CHUNK = 1 << 20


class Segment(NamedTuple):
    """One file, and the sequence number of its first row."""

    first: int
    path: Path


def path_of(folder: Path, first: int) -> Path:
    """The file of the segment that begins with row `first`."""
    return folder / f"{first:016d}.jsonl"


def segments(folder: Path) -> list[Segment]:
    """The segments of a chain, oldest first. A folder that is not there has none."""
    try:
        names = [path.name for path in folder.iterdir()]
    except FileNotFoundError:
        return []
    return sorted(Segment(int(match[1]), folder / name) for name in names if (match := _NAME.fullmatch(name)))


def chains(journal: Path) -> list[Path]:
    """The folders of the chains in `DATA/journal`, by name."""
    if not journal.is_dir():
        return []
    return sorted(path for path in journal.iterdir() if path.is_dir() and segments(path))


def lines(path: Path, offset: int = 0, end: int | None = None) -> Iterator[tuple[int, bytes]]:
    """The complete lines from `offset` on, without their newlines, each with the offset at which it begins.

    What follows the last newline is not given. `end` bounds what is read.
    """
    with path.open("rb", buffering=0) as file:
        file.seek(offset)
        rest = b""
        while True:
            size = _CHUNK if end is None else min(_CHUNK, end - offset - len(rest))
            chunk = file.read(size) if size > 0 else b""
            if not chunk:
                return
            pieces = (rest + chunk).split(b"\n") if rest else chunk.split(b"\n")
            rest = pieces.pop()
            for line in pieces:
                yield offset, line
                offset += len(line) + 1


def last_line(path: Path, end: int) -> tuple[int, bytes] | None:
    """The line (without newline) whose newline is the last one before `end`, and the offset at which it begins."""
    with path.open("rb", buffering=0) as file:
        start, tail = end, b""
        while start > 0:
            step = min(_CHUNK // 16, start)
            start -= step
            file.seek(start)
            tail = file.read(step) + tail
            stop = tail.rfind(b"\n")
            begin = tail.rfind(b"\n", 0, stop) if stop > 0 else -1
            if stop >= 0 and (begin >= 0 or start == 0):
                return start + begin + 1, tail[begin + 1 : stop]
    return None


def last_bytes(path: Path, end: int, most: int) -> bytes:
    """At most the last `most` bytes before `end`."""
    with path.open("rb", buffering=0) as file:
        start = file.seek(max(0, end - most))
        return file.read(end - start)


def first_row(path: Path) -> dict[str, Any] | None:
    """The first row of a segment, or None of an empty one."""
    with path.open("rb") as file:
        line = file.readline(path.stat().st_size)
    if not line.endswith(b"\n"):
        return None
    row: dict[str, Any] = msgspec.json.decode(line)
    return row


def last_row(path: Path) -> dict[str, Any] | None:
    """The last complete row of a segment, or None of an empty one."""
    found = last_line(path, path.stat().st_size)
    if found is None:
        return None
    row: dict[str, Any] = msgspec.json.decode(found[1])
    return row

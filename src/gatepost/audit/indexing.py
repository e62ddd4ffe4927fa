"""Bringing the index up to the end of a chain, one transaction a batch: a kill loses nothing and doubles nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec

from gatepost.audit.tail import START, Line, Place, read_on
from gatepost.journal.segments import last_line, path_of, segments

BATCH = 20_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
# A number that is there twice is for the verifier to name; the index keeps the first.
_INSERT: Final = "INSERT OR IGNORE INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_SETTLE: Final = (
    "UPDATE entries SET waiting = NULL, settled_segment = ?, settled_offset = ?, settled_length = ? WHERE waiting = ?"
)
# Positions in a row of `entries`.
_WAITING: Final = 9
_SETTLED: Final = 13

Word = Callable[[str], int]


class _Row(msgspec.Struct):
    seq: int
    hash: str
    kind: str
    time: datetime
    decision_id: str | None = None
    grant: str | None = None
    grant_id: str | None = None
    identity: str | None = None
    server: str | None = None
    tool: str | None = None
    decision: str | None = None
    of: str | None = None
    last_seq: int = 0


_decode = msgspec.json.Decoder(_Row).decode


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """A write transaction, from its first statement on."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def index_chain(connection: sqlite3.Connection, folder: Path, word: Word, used: dict[str, float]) -> int:
    """Index what a chain has gained, and return how many rows that was.

    Args:
        word: the number of a name in `words`, inside a transaction.
        used: gets the time of each grant's last decision, in epoch seconds.
    """
    gained = 0
    while True:
        with transaction(connection):
            chain = word(folder.name)
            place, rows = _place(connection, chain, folder)
            lines, end = read_on(folder, place, BATCH)
            if not lines:
                return gained
            last = _take(connection, chain, lines, word, used)
            connection.execute(
                "INSERT OR REPLACE INTO places VALUES (?, ?, ?, ?, ?)", (chain, *end, last, rows + len(lines))
            )
        gained += len(lines)
        if len(lines) < BATCH:
            return gained


def has_news(connection: sqlite3.Connection, folder: Path) -> bool:
    """Whether a chain may have gained rows, found out without a lock."""
    files = segments(folder)
    row = connection.execute(
        "SELECT segment, offset FROM places JOIN words ON words.id = chain WHERE text = ?", (folder.name,)
    ).fetchone()
    if not files or row is None:
        return bool(files)
    return (row[0], row[1]) != (files[-1].first, files[-1].path.stat().st_size)


def _place(connection: sqlite3.Connection, chain: int, folder: Path) -> tuple[Place, int]:
    """Where to read on. What was indexed of rows that are no longer what they were is taken back first."""
    row = connection.execute("SELECT segment, offset, hash, rows FROM places WHERE chain = ?", (chain,)).fetchone()
    if row is None:
        return START, 0
    place, hash, rows = Place(row[0], row[1]), row[2], row[3]
    path = path_of(folder, place.segment)
    if not path.exists():
        files = segments(folder)
        if files and files[-1].first > place.segment:
            return place, rows  # removed under the retention; the segments after it are read
        gone = connection.execute("DELETE FROM entries WHERE chain = ?", (chain,)).rowcount
        return START, rows - gone  # another chain is in its place
    if place.offset == 0 or _hash_before(path, place.offset) == hash:
        return place, rows
    # A failed batch was cut off again after it was read here: its segment is read anew.
    again = (chain, place.segment)
    connection.execute("DELETE FROM entries WHERE chain = ? AND segment = ?", again)
    connection.execute(
        "UPDATE entries SET settled_segment = NULL, settled_offset = NULL, settled_length = NULL "
        "WHERE chain = ? AND settled_segment = ?",
        again,
    )
    return Place(place.segment, 0), rows


def _hash_before(path: Path, offset: int) -> str | None:
    if path.stat().st_size < offset:
        return None
    found = last_line(path, offset)
    if found is None or found[0] + len(found[1]) + 1 != offset:
        return None
    return _parsed(found[1]).hash


def _parsed(line: bytes) -> _Row:
    try:
        return _decode(line)
    except (ValueError, RecursionError):
        # Not a record: the verifier names it; the index goes on without it.
        return _Row(0, "", "", _EPOCH)


def _take(connection: sqlite3.Connection, chain: int, lines: list[Line], word: Word, used: dict[str, float]) -> str:
    """Insert a batch; returns the last row's hash."""
    entries: list[list[Any]] = []
    waiting: dict[str, list[Any]] = {}
    settle: list[tuple[int, int, int, str]] = []
    removed: list[tuple[int, int]] = []
    hash = ""
    for (segment, offset), text in lines:
        row = _parsed(text)
        hash = row.hash
        if row.kind == "settled" and row.decision_id is not None:
            entry = waiting.pop(row.decision_id, None)
            if entry is None:
                settle.append((segment, offset, len(text), row.decision_id))
            else:
                entry[_WAITING] = None
                entry[_SETTLED:] = segment, offset, len(text)
            continue
        if not row.kind:
            continue
        micros = (row.time - _EPOCH) // _MICROSECOND
        calls = row.kind == "decided"
        entry = [
            chain,
            row.seq,
            micros,
            word(row.kind),
            None if row.grant is None else word(row.grant),
            None if row.identity is None else word(row.identity),
            None if row.server is None else word(row.server),
            None if row.tool is None else word(row.tool),
            None if row.decision is None else word(row.decision),
            row.decision_id if calls else None,
            segment,
            offset,
            len(text),
            None,
            None,
            None,
        ]
        entries.append(entry)
        if calls and row.decision_id is not None:
            waiting[row.decision_id] = entry
            if row.grant_id is not None:
                used[row.grant_id] = micros / 1_000_000
        elif row.kind == "retention" and row.of is not None:
            removed.append((word(row.of), row.last_seq))
    connection.executemany(_INSERT, entries)
    connection.executemany(_SETTLE, settle)
    connection.executemany("DELETE FROM entries WHERE chain = ? AND seq <= ?", removed)
    return hash

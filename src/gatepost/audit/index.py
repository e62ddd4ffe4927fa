"""The queryable log: an index of the journal's rows, kept by the worker within a second, or by whoever asks."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from gatepost.audit import schema
from gatepost.audit.entries import Filter, join
from gatepost.audit.indexing import has_news, index_chain
from gatepost.journal.rows import epoch
from gatepost.journal.segments import chains, path_of

_WORDS_KEPT: Final = 100_000
_OPEN_FILES: Final = 16
_COLUMNS: Final = "entries.chain, entries.seq, segment, offset, length, settled_segment, settled_offset, settled_length"
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class Index:
    """The index in one SQLite file. Several processes may build and read it; one thread at a time each.

    It holds where each row is, by time, grant, server, tool, decision and kind; the rows themselves stay in the
    segments. Deleting the file, or `rebuild`, loses nothing.

    Args:
        path: the file; made if missing.
        journal: `DATA/journal`; by default beside the file.
    """

    def __init__(self, path: Path, journal: Path | None = None) -> None:
        self._path = path
        self._journal = journal or path.parent / "journal"
        self._connection = schema.connect(path)
        self._words: dict[str, int] = {}
        self._used: dict[str, float] = {}

    def catch_up(self, journal: Path | None = None) -> int:
        """Index what every chain has gained since, in batches of a transaction each; returns how many rows.

        Killed in between, it goes on from the last batch. An index that turns out to be damaged is made again. Raises
        `sqlite3.OperationalError` where another process holds it for over 30 seconds.
        """
        self._journal = journal or self._journal
        try:
            return self._catch_up()
        except sqlite3.DatabaseError as error:
            if not schema.is_damage(error):
                raise
            return self.rebuild()

    def _catch_up(self) -> int:
        gained = 0
        # Retention rows stand in the admin chain, and must not come before the rows that they speak of.
        for folder in sorted(chains(self._journal), key=lambda folder: folder.name == "admin"):
            if has_news(self._connection, folder):
                try:
                    gained += index_chain(self._connection, folder, self._word, self._used)
                except BaseException:
                    self._words.clear()  # numbers that were rolled back must not be used again
                    raise
        return gained

    def rebuild(self) -> int:
        """Throw the index away and build it again; returns how many rows it has."""
        self._connection.close()
        schema.remove(self._path)
        self._words.clear()
        self._connection = schema.connect(self._path)
        return self._catch_up()

    def compact(self) -> int:
        """Give the file's unused space back to the disk; returns how many bytes that was.

        Raises `sqlite3.OperationalError` where another process holds it for over 30 seconds, or the disk has no room
        for a second copy meanwhile; nothing has changed then.
        """
        before = self._path.stat().st_size
        self._connection.execute("VACUUM")
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return max(0, before - self._path.stat().st_size)

    def rows(self) -> int:
        """How many rows of the journal have been indexed."""
        return int(self._connection.execute("SELECT coalesce(sum(rows), 0) FROM places").fetchone()[0])

    def take_last_used(self) -> dict[str, float]:
        """When grants were last used, epoch seconds by grant id, of what was indexed since this was last asked."""
        used, self._used = self._used, {}
        return used

    def query(
        self,
        *,
        grant: str | None = None,
        identity: str | None = None,
        server: str | None = None,
        tool: str | None = None,
        decision: str | None = None,
        kind: str | None = "decided",
        since: float | None = None,
        until: float | None = None,
        limit: int | None = None,
        after: str | None = None,
        oldest_first: bool = False,
    ) -> Iterator[dict[str, Any]]:
        """Entries, newest first: calls with their outcomes (see `entries.join`), or rows of another kind.

        Args:
            grant, identity, server, tool, decision, kind, since, until: as in `Filter`. `kind=None` is every kind.
            limit: at most so many; None all.
            after: go on after the entry that has this `entries.cursor`. Raises `ValueError` where it is none.

        An entry whose segment has been removed in the meantime is left out.
        """
        narrowed = Filter(grant, identity, server, tool, decision, kind, since, until)
        sql, values = _select(narrowed, limit, after, oldest_first)
        rows = self._connection.execute(sql, values)
        with _Reader(self._journal) as reader:
            names: dict[int, str] = {}
            for chain, seq, *places in rows:
                if chain not in names:
                    names[chain] = self._text(chain)
                row = reader.row(names[chain], *places[:3])
                if row is None or row.get("seq") != seq:
                    continue
                settled = None if places[3] is None else reader.row(names[chain], *places[3:])
                yield join(row, settled)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _word(self, text: str) -> int:
        number = self._words.get(text)
        if number is None:
            self._connection.execute("INSERT OR IGNORE INTO words (text) VALUES (?)", (text,))
            number = self._connection.execute("SELECT id FROM words WHERE text = ?", (text,)).fetchone()[0]
            if len(self._words) >= _WORDS_KEPT:
                self._words.clear()
            self._words[text] = number
        return number

    def _text(self, number: int) -> str:
        return str(self._connection.execute("SELECT text FROM words WHERE id = ?", (number,)).fetchone()[0])


def _select(narrowed: Filter, limit: int | None, after: str | None, oldest_first: bool) -> tuple[str, list[Any]]:
    where: list[str] = []
    values: list[Any] = []
    for name, value in narrowed.wanted().items():
        column = "grant_" if name == "grant" else name
        where.append(f"entries.{column} = (SELECT id FROM words WHERE text = ?)")  # noqa: S608
        values.append(value)
    if narrowed.since is not None:
        where.append("time >= ?")
        values.append(round(narrowed.since * 1_000_000))
    if narrowed.until is not None:
        where.append("time < ?")
        values.append(round(narrowed.until * 1_000_000))
    if after is not None:
        time, chain, seq = _place(after)
        sign = ">" if oldest_first else "<"
        where.append(f"(time, entries.chain, seq) {sign} (?, (SELECT id FROM words WHERE text = ?), ?)")  # noqa: S608
        values += [time, chain, seq]
    order = "ASC" if oldest_first else "DESC"
    sql = f"SELECT {_COLUMNS} FROM entries"  # noqa: S608 - no part of it comes from outside
    if where:
        sql += " WHERE " + " AND ".join(where)
    sql += f" ORDER BY time {order}, entries.chain {order}, seq {order}"
    if limit is not None:
        sql += " LIMIT ?"
        values.append(limit)
    return sql, values


def _place(cursor: str) -> tuple[int, str, int]:
    try:
        time, chain, seq = cursor.split("/")
        return round(epoch(time) * 1_000_000), chain, int(seq)
    except ValueError:
        raise ValueError(f"{cursor!r} is no place in the log") from None


class _Reader:
    """Rows by their place in the segments; keeps a few files open."""

    def __init__(self, journal: Path) -> None:
        self._journal = journal
        self._files: dict[tuple[str, int], Any] = {}

    def __enter__(self) -> _Reader:
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files.values():
            file.close()

    def row(self, chain: str, segment: int, offset: int, length: int) -> dict[str, Any] | None:
        """The row at a place, or None where it is not there any more."""
        file = self._files.get((chain, segment))
        if file is None:
            try:
                file = path_of(self._journal / chain, segment).open("rb", buffering=0)
            except FileNotFoundError:
                return None
            if len(self._files) >= _OPEN_FILES:
                self._files.pop(next(iter(self._files))).close()
            self._files[chain, segment] = file
        file.seek(offset)
        try:
            return _decode(file.read(length))
        except (ValueError, RecursionError):
            return None

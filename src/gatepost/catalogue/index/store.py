"""The index's SQLite file: what is stored how, putting servers in, and finding tools again."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from gatepost.catalogue.classification import CATEGORIES, SEVERITIES
from gatepost.catalogue.index.entries import Counts, ServerEntry, ToolEntry, confidence_of, signals_of
from gatepost.catalogue.index.finding import Page, search
from gatepost.catalogue.index.rows import Rows, rows_of
from gatepost.catalogue.index.writing import INDEXES, Writer, commit
from gatepost.errors import GatepostError

VERSION: Final = 1

_TABLES: Final = """
CREATE TABLE servers (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, title TEXT NOT NULL, description TEXT NOT NULL,
  version TEXT NOT NULL, url TEXT NOT NULL, source TEXT NOT NULL, updated_at TEXT NOT NULL, tools INTEGER NOT NULL
);
CREATE TABLE tools (
  id INTEGER PRIMARY KEY, server INTEGER NOT NULL REFERENCES servers (id), name TEXT NOT NULL,
  category INTEGER NOT NULL, severity INTEGER NOT NULL, confidence INTEGER NOT NULL, signals INTEGER NOT NULL,
  tokens INTEGER NOT NULL, definition TEXT NOT NULL
);
CREATE TABLE progress (source TEXT PRIMARY KEY, cursor TEXT NOT NULL, since TEXT NOT NULL);
CREATE VIRTUAL TABLE found USING fts5 (words, server, description, facets, detail = 'column');
INSERT INTO found (found, rank) VALUES ('hashsize', 16777216);
"""
_SERVER: Final = "id, name, title, description, version, url, source, updated_at, tools"


def _keep_private(path: Path) -> None:
    """Sees to it that the file is there and its owner's alone. Raises `OSError`."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        path.chmod(0o600)


def _prepare(connection: sqlite3.Connection, path: Path | None) -> None:
    for pragma in (
        "journal_mode = WAL",
        "synchronous = NORMAL",
        "cache_size = -65536",
        "mmap_size = 1073741824",
        "wal_autocheckpoint = 16384",
        "threads = 2",  # that sort what an import makes its indexes of
    ):
        connection.execute(f"PRAGMA {pragma}")
    if _version(connection) == 0:
        connection.execute("BEGIN IMMEDIATE")
        if _version(connection) == 0:  # nobody else made it meanwhile
            for statement in (*_TABLES.split(";\n"), *INDEXES, f"PRAGMA user_version = {VERSION}"):
                connection.execute(statement)
        connection.execute("COMMIT")
    version = _version(connection)
    if version != VERSION:
        raise GatepostError(
            "GP-5003", f"The catalogue's index {path} is of version {version}.", "Remove it and import again."
        )
    with contextlib.suppress(sqlite3.OperationalError):  # without them it is slower: whoever writes now makes them
        for statement in INDEXES:  # an import may have been cut short before it made them
            connection.execute(statement)


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


class Index:
    """The index in its file. Use `Index.open`, in a `with` statement."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @classmethod
    def open(cls, path: Path | None) -> Index:
        """Opens the file, and makes it where there is none; None is one in memory.

        Raises `GatepostError` GP-5003; a file that is there is then as it was.
        """
        try:
            if path is not None:
                _keep_private(path)
            connection = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False)
            try:
                _prepare(connection, path)
            except BaseException:
                connection.close()
                raise
        except (sqlite3.Error, OSError) as error:
            raise GatepostError(
                "GP-5003",
                f"The catalogue's index {path} cannot be opened: {error}.",
                "Mend what that says; or move the file away, and import again.",
            ) from None
        return cls(connection)

    def __enter__(self) -> Index:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    # -- putting in ---------------------------------------------------------------------------------------------------

    def put(self, servers: Iterable[ServerEntry], told: Callable[[Counts], None] | None = None) -> Counts:
        """Puts servers in; one that is there already is replaced. `told` is called with the counts so far.

        Of a server that is registered here nothing is replaced by what another source says. What went in before an
        error stays, each server whole.

        Raises `GatepostError` GP-5003 where the file cannot be written.
        """
        return self.put_rows(map(rows_of, servers), told)

    def put_rows(self, servers: Iterable[Rows], told: Callable[[Counts], None] | None = None) -> Counts:
        """As `put`, of rows that were made beforehand."""
        try:
            return Writer(self._connection, told).put(servers)
        except sqlite3.Error as error:
            raise GatepostError(
                "GP-5003",
                f"The catalogue's index cannot be written: {error}.",
                "What it held before is still there. Make room, or wait for who else writes, and import again.",
            ) from None

    def remove(self, names: Iterable[str]) -> None:
        """Takes servers out, with their tools. Raises `GatepostError` GP-5003 as `put`."""
        server = "(SELECT id FROM servers WHERE name = ?)"
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for name in names:
                for statement in (
                    f"DELETE FROM found WHERE rowid IN (SELECT id FROM tools WHERE server = {server})",  # noqa: S608
                    f"DELETE FROM tools WHERE server = {server}",  # noqa: S608
                    "DELETE FROM servers WHERE name = ?",
                ):
                    self._connection.execute(statement, (name,))
            commit(self._connection)
        except sqlite3.Error as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise GatepostError("GP-5003", f"The catalogue's index cannot be written: {error}.") from None

    # -- finding ------------------------------------------------------------------------------------------------------

    def search(
        self,
        text: str = "",
        *,
        category: str | None = None,
        severity: str | None = None,
        signal: str | None = None,
        limit: int = 50,
        after: str | None = None,
    ) -> Page:
        """Finds tools, best first where there is a text, else by name.

        Args:
            text: words that all must stand in name, server or description; of the last one the beginning is enough.
            category, severity, signal: only such tools.
            limit: most on a page, up to 200.
            after: of the page before.

        Raises `GatepostError` GP-4005 for a word that is no category, severity or signal, or a wrong `after`; GP-5003
        where the file cannot be read.
        """
        try:
            return search(self._connection, text, category, severity, signal, limit, after)
        except sqlite3.Error as error:
            raise GatepostError(
                "GP-5003",
                f"The catalogue's index cannot be read: {error}.",
                "Wait for who writes into it; or move the file away, and import again.",
            ) from None

    def counts(self) -> Counts:
        """How much is there."""
        servers = self._connection.execute("SELECT count(*) FROM servers").fetchone()[0]
        return Counts(servers, self._connection.execute("SELECT count(*) FROM tools").fetchone()[0])

    def servers(self) -> Iterator[ServerEntry]:
        """Every server with its tools, by name."""
        for row in self._connection.execute(f"SELECT {_SERVER} FROM servers ORDER BY name"):  # noqa: S608
            yield self._server(row)

    def server(self, name: str) -> ServerEntry | None:
        """The server of a name with its tools, or None."""
        row = self._connection.execute(f"SELECT {_SERVER} FROM servers WHERE name = ?", (name,)).fetchone()  # noqa: S608
        return None if row is None else self._server(row)

    def sources(self) -> dict[str, str]:
        """Where each server comes from, by its name."""
        return dict(self._connection.execute("SELECT name, source FROM servers").fetchall())

    def _server(self, row: tuple[Any, ...]) -> ServerEntry:
        return ServerEntry(
            name=row[1],
            title=row[2],
            description=row[3],
            version=row[4],
            url=row[5],
            source=row[6],
            updated_at=row[7],
            tools=tuple(self._tools(row[0])) if row[8] else None,
        )

    def _tools(self, server: int) -> Iterator[ToolEntry]:
        for row in self._connection.execute(
            "SELECT t.name, f.description, t.category, t.severity, t.confidence, t.signals, t.tokens, t.definition "
            "FROM tools t JOIN found f ON f.rowid = t.id WHERE t.server = ? ORDER BY t.id",
            (server,),
        ):
            yield ToolEntry(
                row[0],
                row[1],
                CATEGORIES[row[2]],
                SEVERITIES[row[3]],
                confidence_of(row[4]),
                signals_of(row[5]),
                *row[6:],
            )

    # -- how far a source was read ------------------------------------------------------------------------------------

    def progress(self, source: str) -> tuple[str, str]:
        """(cursor, since) of a paged source: where to go on, and since when what changed is wanted; empty at first."""
        row = self._connection.execute("SELECT cursor, since FROM progress WHERE source = ?", (source,)).fetchone()
        return (row[0], row[1]) if row else ("", "")

    def set_progress(self, source: str, cursor: str, since: str) -> None:
        """Remembers how far a paged source was read."""
        self._connection.execute("INSERT OR REPLACE INTO progress VALUES (?, ?, ?)", (source, cursor, since))

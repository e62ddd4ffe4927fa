"""Putting servers into the index's file: in large transactions, each server whole."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

from gatepost.catalogue.classification import SIGNALS
from gatepost.catalogue.index.entries import REGISTERED, Counts
from gatepost.catalogue.index.rows import Rows

_BATCH: Final = 20_000
_FEW: Final = 2_000
"""Tools up to which SQL's indexes are kept up to date one by one."""

INDEXES: Final = (
    "CREATE INDEX IF NOT EXISTS tools_by_server ON tools (server)",
    "CREATE INDEX IF NOT EXISTS tools_by_category ON tools (category, severity, name, id)",
    *(
        f"CREATE INDEX IF NOT EXISTS tools_with_{place} ON tools (name, id, category, severity) "
        f"WHERE (signals & {1 << place}) <> 0"
        for place in range(len(SIGNALS))
    ),
)


_INDEXED: Final = [statement.split()[5] for statement in INDEXES]
"""Their names."""


def commit(connection: sqlite3.Connection) -> None:
    """Commits, or takes back what was not. Raises `sqlite3.Error`."""
    try:
        connection.execute("COMMIT")
    except sqlite3.Error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


class Writer:
    """One import.

    A commit merges what full-text search needs and writes all of it, without the interpreter's lock: it is done in a
    thread, while whoever brings the servers makes the next ones. Those are held until it is done, at most a batch.
    """

    def __init__(self, connection: sqlite3.Connection, told: Callable[[Counts], None] | None) -> None:
        self._connection = connection
        self._told = told
        self._servers = self._tools = self._waiting = 0
        self._few = False
        self._committing: Future[None] | None = None
        self._held: list[Rows] = []
        self._held_tools = 0

    def put(self, servers: Iterable[Rows]) -> Counts:
        """Puts them in, and all before an error stays. Raises `sqlite3.Error`, and what `servers` raises."""
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        with ThreadPoolExecutor(1) as beside:
            try:
                self._few = connection.execute("SELECT 1 FROM tools LIMIT 1 OFFSET ?", (_FEW,)).fetchone() is None
                for server in servers:
                    if self._committing is not None:
                        self._held.append(server)
                        self._held_tools += len(server.found) + 1
                        if self._committing.done() or self._held_tools >= _BATCH:
                            self._go_on()
                    else:
                        self._whole(server)
                    if self._waiting >= _BATCH:
                        self._waiting = 0
                        self._committing = beside.submit(commit, connection)
            finally:
                self._go_on()
                if connection.in_transaction:
                    commit(connection)
                for statement in INDEXES:
                    connection.execute(statement)
        connection.execute("PRAGMA optimize")
        return Counts(self._servers, self._tools)

    def _go_on(self) -> None:
        """Waits for the commit that is being made, and puts in what was held meanwhile."""
        if self._committing is None:
            return
        self._committing.result()
        self._committing = None
        if self._told is not None:
            self._told(Counts(self._servers, self._tools))
        self._connection.execute("BEGIN IMMEDIATE")
        held, self._held, self._held_tools = self._held, [], 0
        for server in held:
            self._whole(server)

    def _whole(self, server: Rows) -> None:
        """Puts a server in, or takes back all since the last commit: half of one is never left."""
        try:
            tools = self._put(server)
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        self._servers, self._tools, self._waiting = self._servers + 1, self._tools + tools, self._waiting + tools + 1
        if self._few and self._tools >= _FEW:  # many are coming: quicker made at once, when all is in
            self._few = False
            for name in _INDEXED:
                self._connection.execute(f"DROP INDEX IF EXISTS {name}")

    def _put(self, server: Rows) -> int:
        connection = self._connection
        row = connection.execute("SELECT id, tools, source FROM servers WHERE name = ?", (server.name,)).fetchone()
        if row is not None and row[2] == REGISTERED != server.source:
            return 0
        number = len(server.tools) if server.tools is not None else (row[1] if row else 0)
        if row is None:
            id = connection.execute(
                "INSERT INTO servers (name, title, description, version, url, source, updated_at, tools) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (server.name, *server.texts, number),
            ).lastrowid
            assert id is not None
        else:
            id = row[0]
            connection.execute(
                "UPDATE servers SET title = ?, description = ?, version = ?, url = ?, source = ?, updated_at = ?, "
                "tools = ? WHERE id = ?",
                (*server.texts, number, id),
            )
        if server.tools is None:
            return 0
        if row is not None and row[1]:
            connection.execute("DELETE FROM found WHERE rowid IN (SELECT id FROM tools WHERE server = ?)", (id,))
            connection.execute("DELETE FROM tools WHERE server = ?", (id,))
        first = connection.execute("SELECT coalesce(max(id), 0) + 1 FROM tools").fetchone()[0]
        connection.executemany(
            "INSERT INTO tools VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(first + place, id, *row) for place, row in enumerate(server.tools)],
        )
        connection.executemany(
            "INSERT INTO found (rowid, words, server, description, facets) VALUES (?, ?, ?, ?, ?)",
            [(first + place, *row) for place, row in enumerate(server.found)],
        )
        return len(server.tools)

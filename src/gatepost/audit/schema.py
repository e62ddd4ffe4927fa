"""The tables of the index: an SQLite file that points into the segments, and can be built again from them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from gatepost.errors import GatepostError

_VERSION: Final = 1
_TABLES: Final = """
CREATE TABLE words (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
CREATE TABLE places (
    chain INTEGER PRIMARY KEY,          -- of words, as all names below
    segment INTEGER NOT NULL,           -- what was read so far ends here
    offset INTEGER NOT NULL,
    hash TEXT NOT NULL,                 -- of the row that ends here
    rows INTEGER NOT NULL
);
CREATE TABLE entries (
    chain INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    time INTEGER NOT NULL,              -- microseconds since the epoch
    kind INTEGER NOT NULL,
    grant_ INTEGER,
    identity INTEGER,
    server INTEGER,
    tool INTEGER,
    decision INTEGER,
    waiting TEXT,                       -- the decision id of a call that has no settled row yet
    segment INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    length INTEGER NOT NULL,
    settled_segment INTEGER,
    settled_offset INTEGER,
    settled_length INTEGER,
    PRIMARY KEY (chain, seq)
) WITHOUT ROWID;
CREATE INDEX by_kind ON entries (kind, time, chain, seq);
CREATE INDEX by_grant ON entries (grant_, time, chain, seq) WHERE grant_ IS NOT NULL;
CREATE INDEX by_server ON entries (server, time, chain, seq) WHERE server IS NOT NULL;
CREATE INDEX by_tool ON entries (tool, time, chain, seq) WHERE tool IS NOT NULL;
CREATE INDEX by_decision ON entries (decision, time, chain, seq) WHERE decision IS NOT NULL;
CREATE INDEX by_time ON entries (time, chain, seq);
CREATE INDEX by_waiting ON entries (waiting) WHERE waiting IS NOT NULL;
"""


def connect(path: Path) -> sqlite3.Connection:
    """Open the index, made if it is missing, and made again if it is of another version or damaged."""
    connection = _open(path)
    try:
        usable = _version(connection) in (0, _VERSION)
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        usable = False
    if not usable:
        connection.close()
        remove(path)
        connection = _open(path)
    for setting in ("journal_mode = WAL", "synchronous = NORMAL", "cache_size = -16384"):
        connection.execute(f"PRAGMA {setting}")
    if _version(connection) == 0:
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            if _version(connection) == 0:
                for statement in _TABLES.split(";"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {_VERSION}")
    return connection


@contextmanager
def telling(path: Path) -> Iterator[None]:
    """For who is answered: what keeps the index at `path` from being used is a `GatepostError` GP-5003."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise GatepostError(
            "GP-5003",
            f"The log's index {path} cannot be brought up to date: {why}.",
            "Look at the free space and the permissions of the data folder. "
            "`gatepost log export --format jsonl` needs no index.",
        ) from error


def remove(path: Path) -> None:
    """Delete the index's files."""
    for suffix in ("", "-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)


def is_damage(error: sqlite3.DatabaseError) -> bool:
    """Whether the file itself is broken: not a database, or malformed. Being locked or full is something else."""
    return error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _open(path: Path) -> sqlite3.Connection:
    # Transactions are begun by hand; the connection may be handed from one thread to another.
    connection = sqlite3.connect(path, timeout=30.0, isolation_level=None, check_same_thread=False)
    path.chmod(0o600)
    return connection


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])

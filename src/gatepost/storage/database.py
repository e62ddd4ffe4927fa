"""The configuration store's database: one SQLite file in WAL mode, opened, migrated, read and written."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DatabaseError, IntegrityError

from gatepost.errors import GatepostError
from gatepost.storage.migrate import SCRIPTS, migrate

_BUSY_SECONDS = 30.0


class Database:
    """An open store. May be used from several threads; every `read` and `write` has a connection of its own."""

    def __init__(self, engine: Engine, path: Path) -> None:
        self._engine = engine
        self.path = path

    @classmethod
    def open(cls, path: Path, *, scripts: Path = SCRIPTS) -> Database:
        """Opens the file at `path`, making it (mode 0600) or migrating it first where that is needed.

        Raises `GatepostError` GP-5003 where it cannot be used, is no store, or was written by a newer program.
        """
        engine = create_engine(
            URL.create("sqlite", database=str(path)), connect_args={"timeout": _BUSY_SECONDS}, pool_pre_ping=False
        )
        event.listen(engine, "connect", _configure)
        database = cls(engine, path)
        try:
            # SQLite does not wait its turn for the change to WAL mode, so that two first starts have to be kept apart.
            with _alone(path.parent):
                os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
                with database.write() as connection:
                    migrate(connection, scripts)
        except OSError as error:
            engine.dispose()
            raise GatepostError("GP-5003", f"The store {path} cannot be opened: {error.strerror}.") from None
        except GatepostError:
            engine.dispose()
            raise
        return database

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that sees one state of the store throughout."""
        with self._transaction("BEGIN") as connection:
            yield connection

    @contextmanager
    def write(self, *, durable: bool = True) -> Iterator[Connection]:
        """The only writing connection, until the block ends: committed then, or rolled back if it raises.

        Args:
            durable: committed means that it survives a power cut; else only that it survives the process.
        """
        # Takes the write lock at once: what is read in the block is still true when it writes.
        with self._transaction("BEGIN IMMEDIATE", "FULL" if durable else "NORMAL") as connection:
            yield connection

    @contextmanager
    def _transaction(self, begin: str, synchronous: str | None = None) -> Iterator[Connection]:
        try:
            with self._engine.connect() as connection, connection.begin():
                # SQLAlchemy only notes that it has begun. To begin in a listener of its events would be the usual way,
                # and makes every statement pay for events.
                if synchronous is not None and connection.info.get("synchronous") != synchronous:
                    connection.exec_driver_sql(f"PRAGMA synchronous = {synchronous}")
                    connection.info["synchronous"] = synchronous
                connection.exec_driver_sql(begin)
                yield connection
        except IntegrityError:
            raise
        except DatabaseError as error:
            raise GatepostError(
                "GP-5003",
                f"The store {self.path} cannot be used: {error.orig}.",
                "Look at the free space and the permissions of the data folder.",
            ) from None

    def close(self) -> None:
        """Closes every connection that is not in use."""
        self._engine.dispose()


def _configure(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # `Database` says when a transaction begins, and of which kind
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA foreign_keys = ON")


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)

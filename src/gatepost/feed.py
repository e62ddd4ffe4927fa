"""The data plane's view of the configuration: the published feed, read with the standard library alone.

Whoever changes the configuration also writes, in the same transaction, the finished form of what changed into the table
`published(kind, key, body, revision)` of `DATA/store.db` (docs/decisions/0004). A reader keeps the revision it has seen
and asks for what came after it.

| kind | key | body, a JSON object |
| --- | --- | --- |
| `server` | name | `name url headers [[name, sealed]] command env {name: sealed} cwd eras versions info tools {name: {tool, hash, category, quarantined}} drift keep_arguments drift_mode` |
| `policy` | version, `sha256:…` | `name version document` |
| `grant` | SHA-256 of the token, hex | `id label identity server policy policy_version expires revoked rotated` |
"""  # noqa: E501

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, TypeVar

from gatepost.errors import GatepostError

_BUSY_SECONDS = 5.0
_T = TypeVar("_T")


class Row(NamedTuple):
    """One published row.

    Attributes:
        kind: `server`, `policy` or `grant`.
        key: what it is found by.
        body: JSON text; None where it was removed.
        revision: of the change that wrote it.
    """

    kind: str
    key: str
    body: str | None
    revision: int


class Feed:
    """A read-only connection to the published feed. For one thread, such as that of an event loop."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path

    @classmethod
    def open(cls, path: Path) -> Feed:
        """Opens the store at `path`. Raises `GatepostError` GP-5003 where it is not there or has no feed."""
        try:
            connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_BUSY_SECONDS, isolation_level=None
            )
        except sqlite3.Error as error:
            raise _unusable(path, error) from None
        feed = cls(connection, path)
        try:
            feed.revision()
        except GatepostError:
            connection.close()
            raise
        return feed

    def __enter__(self) -> Feed:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def revision(self) -> int:
        """The revision of the newest change; it only grows. One row read, some 10 µs."""
        row = self._read(lambda: self._connection.execute("SELECT revision FROM feed WHERE id = 1").fetchone())
        return int(row[0])

    def since(self, revision: int) -> list[Row]:
        """Every row written after `revision`, in ascending order of revision, all from one state of the store.

        0 gives all. Rows of one change have one revision: take them over together.
        """
        rows = self._read(
            lambda: self._connection.execute(
                "SELECT kind, key, body, revision FROM published WHERE revision > ? ORDER BY revision, kind, key",
                (revision,),
            ).fetchall()
        )
        return [Row(*row) for row in rows]

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()

    def _read(self, query: Callable[[], _T]) -> _T:
        try:
            return query()
        except sqlite3.Error as error:
            raise _unusable(self._path, error) from None


def _unusable(path: Path, error: sqlite3.Error) -> GatepostError:
    return GatepostError("GP-5003", f"The store {path} cannot be read: {error}.", "Is it this Gatepost's data folder?")

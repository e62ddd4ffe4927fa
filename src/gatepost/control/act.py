"""How every change is made: rows, feed and outbox in one transaction, then the admin chain, then the notice."""

from __future__ import annotations

import getpass
import time
import uuid
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection

from gatepost.control.jsontext import dumps
from gatepost.control.store import Store
from gatepost.storage import outbox, published

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Actor:
    """Who makes a change: a name, and the way in (`cli`, `console`, `worker`)."""

    name: str
    kind: str

    @classmethod
    def local(cls, kind: str = "cli") -> Actor:
        """The user whom this process belongs to."""
        try:
            name = getpass.getuser()
        except (KeyError, OSError):  # a container's user without a name
            name = "unknown"
        return cls(name, kind)

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    """A change that was made.

    Attributes:
        value: what it resulted in.
        revision: of the published feed, from which on the data plane decides by it.
        warnings: sentences on what is not yet as it should be; empty as a rule.
    """

    value: T
    revision: int
    warnings: tuple[str, ...] = ()


def moment(at: float) -> str:
    """Epoch seconds as records write them: `2026-11-21T05:31:00.123456Z`."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Act:
    """One change, as a context manager around its writing transaction.

    with Act(store, actor) as act:
        storage.servers.add(act.connection, …)
        act.publish("server", name, body)
        act.record("server.add", f"server:{name}", after=…)
    return act.done(value)
    """

    def __init__(self, store: Store, actor: Actor) -> None:
        self._store = store
        self._actor = actor
        self._transaction: AbstractContextManager[Connection] = store.database.write()
        self._rows: list[tuple[str, str, str | None]] = []
        self._records: list[tuple[str, str]] = []
        self._revision = 0
        self._warnings: list[str] = []
        self.now = time.time()
        self.connection: Connection

    def __enter__(self) -> Act:
        self.connection = self._transaction.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            try:
                self._revision = published.publish(self.connection, self._rows)
                outbox.add(self.connection, self._records)
            except BaseException as failure:
                self._transaction.__exit__(type(failure), failure, failure.__traceback__)
                raise
        self._transaction.__exit__(kind, error, trace)
        if error is None:
            self._warnings += self._store.tell(
                recorded=bool(self._records), revision=self._revision if self._rows else None
            )

    def publish(self, kind: str, key: str, body: str | None) -> None:
        """Adds a row to the published feed, or takes it out with a body of None."""
        self._rows.append((kind, key, body))

    def publish_all(self, rows: Iterable[tuple[str, str, str | None]]) -> None:
        """`publish` for many."""
        self._rows.extend(rows)

    def record(
        self,
        action: str,
        object: str,
        *,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
        kind: str = "admin",
    ) -> None:
        """Adds a record for the admin chain: what was done to what, without secrets. `before` and `after` have ASCII
        keys and no fractions."""
        id = uuid.uuid4().hex
        content = {
            "v": 1,
            "id": id,
            "kind": kind,
            "time": moment(self.now),
            "actor": str(self._actor),
            "action": action,
            "object": object,
            "before": before,
            "after": after,
        }
        self._records.append((id, dumps(content)))

    def warn(self, *sentences: str) -> None:
        """Adds to the warnings of the result."""
        self._warnings.extend(sentences)

    def done(self, value: T) -> Done[T]:
        """The result, after the block."""
        return Done(value, self._revision, tuple(self._warnings))

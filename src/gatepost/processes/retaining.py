"""The worker's part in the log's retention, and in that of kept arguments: each hour, and when somebody asks."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from gatepost.audit.index import Index
from gatepost.control.keeping import expire_kept
from gatepost.control.retention import Retention, read_retention
from gatepost.control.store import Store
from gatepost.errors import GatepostError
from gatepost.journal import retention
from gatepost.journal.retention import Removal
from gatepost.paths import DataFolder

_SECONDS: Final = 3600.0
_T = TypeVar("_T")

OnThread = Callable[[Callable[[], _T]], Awaitable[_T]]


def told(removal: Removal) -> dict[str, Any]:
    """What was, or would be, removed of one chain."""
    return {
        "chain": removal.chain,
        "segments": len(removal.files),
        "first_seq": removal.first_seq,
        "last_seq": removal.last_seq,
        "bytes": removal.size,
        "reason": removal.why,
    }


def compact(data: DataFolder, store: Store, index: Index, bounds: Retention, *, dry_run: bool) -> dict[str, Any]:
    """Remove what is over the bounds, and give back the space that the index no longer needs.

    Safe while the log is being written; used by the worker, and by the command where no worker runs. Returns
    `{"removed": [as `told`], "index_bytes": bytes given back}`. Raises as `retention.apply`.
    """
    age, size = bounds.max_age, bounds.max_bytes
    if dry_run:
        would = retention.planned(data.journal, max_age=age, max_bytes=size)
        return {"removed": [told(removal) for removal in would], "index_bytes": 0}
    removed = retention.apply(data.journal, store.keyring, max_age=age, max_bytes=size)
    index.catch_up()
    return {"removed": [told(removal) for removal in removed], "index_bytes": index.compact()}


class Retaining:
    """Applies the retention that is in force: what serve's environment says, and for the rest what is set.

    Args:
        environment: the bounds that `serve` was started with.
        on_index, on_store: run a function in the thread that the index, or the store, belongs to.
    """

    def __init__(
        self,
        data: DataFolder,
        store: Store,
        index: Index,
        environment: Retention,
        on_index: OnThread[Any],
        on_store: OnThread[Any],
    ) -> None:
        self._data = data
        self._store = store
        self._index = index
        self._environment = environment
        self._on_index = on_index
        self._on_store = on_store
        self._again = asyncio.Event()

    async def keep(self) -> None:
        """For ever; what keeps it from working is said on stderr, and it tries again the next time."""
        while True:
            self._again.clear()
            try:
                bounds = await self._bounds()
                if bounds.bounded:
                    await self._on_index(self._apply(bounds))
            except (OSError, GatepostError) as error:
                print(f"the log's retention was not applied: {error}", file=sys.stderr, flush=True)
            try:
                await self._on_store(lambda: expire_kept(self._store))
            except GatepostError as error:
                print(str(error), file=sys.stderr, flush=True)
            try:
                async with asyncio.timeout(_SECONDS):
                    await self._again.wait()
            except TimeoutError:
                pass

    async def show(self, request: dict[str, Any]) -> dict[str, Any]:
        """What is in force. With `"apply": true` it is read anew and applied, soon after the answer."""
        bounds = await self._bounds()
        if request.get("apply") is True:
            self._again.set()
        return {"in_force": bounds.as_dict(), "environment": self._environment.as_dict()}

    async def compact(self, request: dict[str, Any]) -> dict[str, Any]:
        """`compact` now, with the request's bounds, and for the rest with those in force."""
        asked = Retention(_whole(request, "max_age"), _whole(request, "max_bytes"))
        bounds = asked if asked.bounded else await self._bounds()
        dry = request.get("dry_run") is True
        try:
            result: dict[str, Any] = await self._on_index(
                lambda: compact(self._data, self._store, self._index, bounds, dry_run=dry)
            )
        except (sqlite3.Error, OSError) as error:
            raise GatepostError(
                "GP-5003", f"The log was not compacted: {error}.", "Is there room on the disk?"
            ) from None
        return result

    async def _bounds(self) -> Retention:
        found: Retention = await self._on_store(lambda: read_retention(self._store))
        return self._environment.over(found)

    def _apply(self, bounds: Retention) -> Callable[[], list[Removal]]:
        return lambda: retention.apply(
            self._data.journal, self._store.keyring, max_age=bounds.max_age, max_bytes=bounds.max_bytes
        )


def _whole(request: dict[str, Any], name: str) -> int | None:
    value = request.get(name)
    if value is not None and (type(value) is not int or value < 0):
        raise GatepostError("GP-4005", f"{name} is not a number.")
    return value

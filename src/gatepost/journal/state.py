"""What a chain's rows add up to: the ledger that is rebuilt from them, seen from the journal."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from typing import Any, Protocol


class Replayed(Protocol):
    """What is rebuilt from the rows; see `gatepost.quota.MemoryLedger` for each method."""

    def restore(self, state: bytes) -> None: ...
    def replay(self, record: Mapping[str, Any]) -> None: ...
    def settle(self, id: str) -> None: ...


class Recoverable(Replayed, Protocol):
    """One whose state is kept in snapshots as well."""

    def freeze(self, recorded: Container[str] | None = None) -> Callable[[], bytes]: ...


class NoLedger:
    """For a chain whose rows take nothing from any counter."""

    def restore(self, state: bytes) -> None: ...
    def replay(self, record: Mapping[str, Any]) -> None: ...
    def settle(self, id: str) -> None: ...
    def freeze(self, recorded: Container[str] | None = None) -> Callable[[], bytes]:  # noqa: ARG002
        return lambda: b"null"

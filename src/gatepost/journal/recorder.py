"""What the main path asks of a journal; `Journal` is one that this process writes itself."""

from __future__ import annotations

from typing import Protocol

from gatepost.journal.calls import Record
from gatepost.wire.running import Signal


class Recorder(Protocol):
    """Takes rows, and says when they are safe. See `Journal` for each member."""

    @property
    def healthy(self) -> bool: ...
    @property
    def pending(self) -> int: ...
    def append(self, record: Record) -> Signal[None]: ...
    def post(self, record: Record) -> None: ...

"""Uses, callers and a clock to test ledgers with."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from gatepost.quota import Exhausted, Ledger, Reservation

_T = TypeVar("_T")

NOON = 1_795_262_400.0
"""2026-11-21T12:00:00Z, a Saturday."""


@dataclass(frozen=True)
class Use:
    """Has the attributes of the policy's own; numbers may be given as ints or texts."""

    counter: str = "c"
    window: str | int = "minute"
    scope: str = "grant"
    max: Any = 10
    amount: Any = 1
    algorithm: str = "fixed"
    rule: str = "/tools/t/limits/c"
    on_deny: str | None = None
    enforced: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "max", Decimal(self.max))
        object.__setattr__(self, "amount", Decimal(self.amount))


@dataclass(frozen=True)
class Caller:
    grant_id: str = "g1"
    identity: str = "ann"
    server: str = "s1"


class Clock:
    """A clock that is set by hand."""

    def __init__(self, now: float = NOON) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def run(coroutine: Coroutine[Any, Any, _T]) -> _T:
    return asyncio.run(coroutine)


def take(ledger: Ledger, *uses: Use, call: Caller | None = None, id: str | None = None) -> Reservation:
    """Reserve, and require that it is granted."""
    outcome = run(ledger.reserve(call or Caller(), uses, id))
    assert isinstance(outcome, Reservation), outcome
    return outcome


def refused(ledger: Ledger, *uses: Use, call: Caller | None = None) -> Exhausted:
    """Reserve, and require that it is refused."""
    outcome = run(ledger.reserve(call or Caller(), uses))
    assert isinstance(outcome, Exhausted), outcome
    return outcome


def used(ledger: Ledger, use: Use, call: Caller | None = None) -> Decimal:
    """What the use's counter holds now; takes nothing."""
    probe = Use(use.counter, use.window, use.scope, 0, 1, use.algorithm)
    outcome = run(ledger.look(call or Caller(), [probe]))
    assert outcome is not None
    return outcome.counts[0].before


def row(reservation: Reservation, call: Caller | None = None) -> dict[str, Any]:
    """The decided row that the gateway writes for a reservation, as far as a ledger reads it."""
    call = call or Caller()
    return {
        "kind": "decided",
        "grant_id": call.grant_id,
        "identity": call.identity,
        "server": call.server,
        "limits": [msgspec.to_builtins(count.as_record()) for count in reservation.counts],
        "reservation": reservation.id,
    }

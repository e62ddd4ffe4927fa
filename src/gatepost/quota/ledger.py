"""What a ledger of limits is asked and answers (POLICY.md section 4); `MemoryLedger` is one that keeps it in memory."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Protocol

import msgspec

from gatepost.quota.amounts import decimal, micro, plain, text


class Subject(Protocol):
    """Whose counters a call uses."""

    @property
    def grant_id(self) -> str: ...
    @property
    def identity(self) -> str: ...
    @property
    def server(self) -> str: ...


class Use(Protocol):
    """What one limit takes and allows; the policy's `Use` has these attributes."""

    @property
    def counter(self) -> str: ...
    @property
    def window(self) -> str | int: ...
    @property
    def scope(self) -> str: ...
    @property
    def max(self) -> Decimal: ...
    @property
    def amount(self) -> Decimal: ...
    @property
    def algorithm(self) -> str: ...
    @property
    def rule(self) -> str: ...
    @property
    def on_deny(self) -> str | None: ...
    @property
    def enforced(self) -> bool: ...


class Taken(msgspec.Struct, frozen=True, gc=False):
    """A count in a record, its members in the order of the canonical form.

    Amounts are texts of exact decimals; `at` is an int where it is whole, as canonical JSON wants it.
    """

    after: str
    algorithm: str
    amount: str
    at: int | float
    before: str
    counter: str
    max: str
    scope: str
    window: str | int


class Count(msgspec.Struct, frozen=True, gc=False):
    """One limit's counter before and after a call.

    Attributes:
        counter, scope, rule, enforced, max, amount: as in the use.
        window: by name where it has one (`"minute"`, also for 60), else its seconds.
        total_before, total_after: the counter's total in the window, in millionths; equal where nothing was taken.
        frees_at: epoch seconds at which the window next gives something back: a fixed window's end, the moment the
            oldest used slot of a sliding one leaves it.
        at: epoch seconds of the ledger's clock, whole microseconds.
    """

    counter: str
    window: str | int
    scope: str
    max: Decimal
    amount: Decimal
    total_before: int
    total_after: int
    frees_at: float
    rule: str
    enforced: bool
    algorithm: str = "fixed"
    at: float = 0.0

    @property
    def before(self) -> Decimal:
        """The counter's total before the call."""
        return decimal(self.total_before)

    @property
    def after(self) -> Decimal:
        """The counter's total after the call."""
        return decimal(self.total_after)

    @property
    def over(self) -> bool:
        """Whether the counter is over its max with this call."""
        return self.total_after > micro(self.max)

    def untaken(self) -> Count:
        """The same count where nothing was taken."""
        return msgspec.structs.replace(self, total_after=self.total_before)

    def as_record(self) -> Taken:
        """The count as a decided row carries it, from which `replay` rebuilds the ledger exactly."""
        at = self.at
        return Taken(
            text(self.total_after),
            self.algorithm,
            plain(self.amount),
            int(at) if at.is_integer() else at,
            text(self.total_before),
            self.counter,
            plain(self.max),
            self.scope,
            self.window,
        )


class Reservation(msgspec.Struct, frozen=True):
    """What one call took: one count per limit, in the order of the uses, and the id that releases it."""

    id: str
    counts: tuple[Count, ...]


class Exhausted(msgspec.Struct, frozen=True):
    """A limit is reached, and nothing was taken.

    Attributes:
        use: the first enforced use that blocks.
        remaining: what its counter still holds, 0 or more.
        retry_at: epoch seconds from which this use would fit if nothing more were taken: the end of a fixed window,
            the earliest instant of a sliding one. None where it never fits, because its amount is over its max.
        counts: every use's counter, unchanged (`after` equals `before`).
    """

    use: Use
    remaining: Decimal
    retry_at: float | None
    counts: tuple[Count, ...]


class Ledger(Protocol):
    """The counters of all limits, one ledger for everything that must share them.

    A counter is told apart by scope, the scope's id, the server (unless the scope is identity), counter name, window
    and algorithm; nothing of policies is part of it. A call takes from a counter once however many limits name it.
    All uses of a call are taken in one step or none. Uses that are not enforced count and never block. The clock is
    the ledger's own and never goes back. Every method raises `ValueError` for a use that no valid policy makes
    (an amount out of range, two amounts for one counter): the caller denies then.
    """

    async def look(self, call: Subject, uses: Sequence[Use]) -> Exhausted | None:
        """What `reserve` would answer where it would refuse, else None. Takes nothing."""
        ...

    async def reserve(self, call: Subject, uses: Sequence[Use], id: str | None = None) -> Reservation | Exhausted:
        """Take every use, or none. `id` names the reservation (default: a new one); `ValueError` while it is held."""
        ...

    async def release(self, id: str) -> bool:
        """Give back what the reservation took in windows that still run, once. True where anything was given back.

        Only for a call that provably never left the gateway.
        """
        ...

    def settle(self, id: str) -> None:
        """The call's outcome is known: the reservation stays, and its id is forgotten. Unknown ids are ignored."""
        ...

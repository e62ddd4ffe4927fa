"""POLICY.md section 4 once more, as simple as it can be: a list of everything that was ever reserved.

Written from the text, not from the ledger. Instants are whole microseconds, amounts whole millionths.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

from tests.quota.using import Caller, Use

MILLION = 1_000_000
SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}


@dataclass
class Taken:
    id: str
    at: int
    counter: tuple[object, ...]
    amount: int
    released: bool = False


class Model:
    """Every reservation, one entry for each counter it used."""

    def __init__(self) -> None:
        self.taken: list[Taken] = []
        self.now = 0
        self.settled: set[str] = set()

    def tick(self, now: int) -> None:
        self.now = max(self.now, now)

    def used(self, call: Caller, use: Use) -> int:
        counter = identity(call, use)
        return sum(
            taken.amount
            for taken in self.taken
            if taken.counter == counter and not taken.released and counts(use, taken.at, self.now)
        )

    def blocking(self, call: Caller, uses: list[Use]) -> Use | None:
        for use in uses:
            if use.enforced and self.used(call, use) + micro(use.amount) > micro(use.max):
                return use
        return None

    def reserve(self, call: Caller, uses: list[Use], id: str) -> Use | None:
        blocked = self.blocking(call, uses)
        if blocked is None:
            for counter, amount in {identity(call, use): micro(use.amount) for use in uses}.items():
                self.taken.append(Taken(id, self.now, counter, amount))
        return blocked

    def release(self, id: str) -> bool:
        given = False
        for taken in self.taken:
            if taken.id == id and not taken.released and id not in self.settled:
                window, algorithm = taken.counter[-2:]
                still = counts(Use(window=window, algorithm=str(algorithm)), taken.at, self.now)  # type: ignore[arg-type]
                given = given or (still and taken.amount > 0)
                taken.released = True
        return given


def micro(amount: object) -> int:
    value = Fraction(str(amount)) * MILLION
    assert value.denominator == 1
    return int(value)


def identity(call: Caller, use: Use) -> tuple[object, ...]:
    owner = {"grant": call.grant_id, "identity": call.identity, "server": call.server}[use.scope]
    server = None if use.scope == "identity" else call.server
    return (use.scope, owner, server, use.counter, SECONDS.get(str(use.window), use.window), use.algorithm)


def counts(use: Use, at: int, now: int) -> bool:
    """Whether what was taken at `at` still counts at `now`."""
    if use.algorithm == "sliding":
        slot = Fraction(int(SECONDS.get(str(use.window), use.window)), 60) * MILLION
        # The running slot, and every slot that the span before now touches.
        return now // slot - at // slot <= 60
    return window_of(use.window, at) == window_of(use.window, now)


def window_of(window: str | int, at: int) -> object:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)
    if window == "month":
        return (moment.year, moment.month)
    if window == "week":
        return moment.date() - timedelta(days=moment.weekday())
    if window == "day":
        return date(moment.year, moment.month, moment.day)
    if window == "hour":
        return (moment.date(), moment.hour)
    if window == "minute":
        return (moment.date(), moment.hour, moment.minute)
    if window == "second":
        return moment.replace(microsecond=0)
    return at // MILLION // int(window)

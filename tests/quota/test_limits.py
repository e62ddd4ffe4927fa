"""POLICY.md section 4, for every ledger: what counts together, what blocks, when it frees."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest

from gatepost.quota import Exhausted, Ledger, MemoryLedger, Reservation
from tests.quota.using import NOON, Caller, Clock, Use, refused, run, take, used

Make = Callable[[Clock], Ledger]
LEDGERS: dict[str, Make] = {"memory": MemoryLedger}


@pytest.fixture(params=LEDGERS, ids=list(LEDGERS))
def make(request: pytest.FixtureRequest) -> Make:
    """Every implementation of the interface goes through every test of this file."""
    return LEDGERS[request.param]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(make: Make, clock: Clock) -> Ledger:
    return make(clock)


def test_the_call_after_the_last_allowed_one_is_refused(ledger: Ledger) -> None:
    for _ in range(10):
        take(ledger, Use(max=10))
    outcome = refused(ledger, Use(max=10))
    assert outcome.remaining == 0
    assert outcome.retry_at == NOON + 60


def test_a_max_of_zero_admits_nothing(ledger: Ledger) -> None:
    assert refused(ledger, Use(max=0)).retry_at is None


def test_an_amount_over_the_max_never_fits_and_says_so(ledger: Ledger) -> None:
    outcome = refused(ledger, Use(max=10, amount=11))
    assert outcome.retry_at is None
    assert outcome.remaining == 10


def test_amounts_are_exact_to_the_sixth_decimal(ledger: Ledger) -> None:
    for _ in range(10):
        take(ledger, Use(max="1", amount="0.1"))
    assert used(ledger, Use()) == 1
    refused(ledger, Use(max="1", amount="0.000001"))
    take(ledger, Use(max="1.000001", amount="0.000001"))


@pytest.mark.parametrize("amount", ["-1", "0.0000001", "NaN", "Infinity", "1000000001"])
def test_an_amount_that_no_policy_yields_is_an_error_and_takes_nothing(ledger: Ledger, amount: str) -> None:
    with pytest.raises(ValueError):
        run(ledger.reserve(Caller(), [Use(counter="other"), Use(amount=amount)]))
    assert used(ledger, Use(counter="other")) == 0


@pytest.mark.parametrize(
    ("window", "algorithm"), [("year", "fixed"), (0, "fixed"), (2678401, "fixed"), ("week", "sliding"), (1, "leaky")]
)
def test_a_window_that_no_policy_has_is_an_error(ledger: Ledger, window: str | int, algorithm: str) -> None:
    with pytest.raises(ValueError):
        run(ledger.reserve(Caller(), [Use(window=window, algorithm=algorithm)]))


def test_all_limits_are_taken_or_none(ledger: Ledger) -> None:
    first, second = Use("a", max=5), Use("b", max=1)
    take(ledger, first, second)
    outcome = refused(ledger, first, second)
    assert outcome.use is second
    assert [count.before for count in outcome.counts] == [count.after for count in outcome.counts] == [1, 1]
    assert used(ledger, first) == 1


def test_the_first_limit_that_blocks_is_named(ledger: Ledger) -> None:
    full = [Use("a", max=0), Use("b", max=0)]
    assert refused(ledger, Use("z", max=5), *full).use is full[0]


def test_a_counter_is_used_once_however_many_limits_name_it(ledger: Ledger) -> None:
    strict, loose = Use(max=3, rule="strict"), Use(max=100, rule="loose")
    for _ in range(3):
        take(ledger, loose, strict, loose)
    assert used(ledger, strict) == 3
    assert refused(ledger, loose, strict).use is strict
    take(ledger, loose)


def test_two_amounts_for_one_counter_are_an_error(ledger: Ledger) -> None:
    with pytest.raises(ValueError):
        run(ledger.reserve(Caller(), [Use(amount=1), Use(amount=2)]))
    assert used(ledger, Use()) == 0


def test_a_shadow_limit_counts_and_never_blocks(ledger: Ledger) -> None:
    shadow = Use(max=1, enforced=False)
    for _ in range(5):
        take(ledger, shadow)
    assert used(ledger, shadow) == 5
    assert refused(ledger, Use(max=5)).remaining == 0


def test_a_refused_call_uses_nothing_of_a_shadow_limit_either(ledger: Ledger) -> None:
    refused(ledger, Use("s", enforced=False), Use("e", max=0))
    assert used(ledger, Use("s")) == 0


def test_looking_takes_nothing(ledger: Ledger) -> None:
    for _ in range(20):
        assert run(ledger.look(Caller(), [Use(max=1)])) is None
    take(ledger, Use(max=1))
    assert isinstance(run(ledger.look(Caller(), [Use(max=1)])), Exhausted)


def test_a_call_without_limits_is_granted(ledger: Ledger) -> None:
    assert take(ledger).counts == ()


# -- identity of counters ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scope", "other", "shared"),
    [
        ("grant", Caller(identity="bob"), True),
        ("grant", Caller(grant_id="g2"), False),
        ("grant", Caller(server="s2"), False),
        ("identity", Caller(grant_id="g2", server="s2"), True),
        ("identity", Caller(identity="bob"), False),
        ("server", Caller(grant_id="g2", identity="bob"), True),
        ("server", Caller(server="s2"), False),
    ],
)
def test_who_shares_a_counter(ledger: Ledger, scope: str, other: Caller, shared: bool) -> None:
    take(ledger, Use(scope=scope))
    assert used(ledger, Use(scope=scope), other) == (1 if shared else 0)


def test_scopes_do_not_share_a_counter_even_with_equal_ids(ledger: Ledger) -> None:
    same = Caller("x", "x", "x")
    take(ledger, Use(scope="grant"), call=same)
    assert used(ledger, Use(scope="identity"), same) == 0
    assert used(ledger, Use(scope="server"), same) == 0


def test_rule_and_max_are_no_part_of_a_counter(ledger: Ledger) -> None:
    take(ledger, Use(max=10, rule="/tools/a/limits/c"))
    assert used(ledger, Use(max=99, rule="/tools/b/limits/c")) == 1


@pytest.mark.parametrize(
    ("window", "same", "algorithm"),
    [
        ("second", 1, "fixed"),
        ("minute", 60, "fixed"),
        ("hour", 3600, "fixed"),
        ("day", 86400, "fixed"),
        ("minute", 60, "sliding"),
        ("day", 86400, "sliding"),
    ],
)
def test_a_window_by_name_and_in_seconds_are_one(ledger: Ledger, window: str, same: int, algorithm: str) -> None:
    take(ledger, Use(window=window, algorithm=algorithm))
    assert used(ledger, Use(window=same, algorithm=algorithm)) == 1


def test_windows_and_algorithms_have_counters_of_their_own(ledger: Ledger) -> None:
    take(ledger, Use(window="week"))
    for other in (Use(window=604800), Use(window="month"), Use(window="day"), Use(window=60, algorithm="sliding")):
        assert used(ledger, other) == 0


# -- fixed windows ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("window", "at", "end"),
    [
        ("second", "2026-11-21T12:00:00.999999", "2026-11-21T12:00:01"),
        ("minute", "2026-11-21T12:00:59.999999", "2026-11-21T12:01:00"),
        ("hour", "2026-11-21T12:30:00", "2026-11-21T13:00:00"),
        ("day", "2026-11-21T12:30:00", "2026-11-22T00:00:00"),
        ("week", "2026-11-22T23:59:59", "2026-11-23T00:00:00"),
        ("week", "2026-11-23T00:00:00", "2026-11-30T00:00:00"),
        ("month", "2026-11-30T23:59:59", "2026-12-01T00:00:00"),
        ("month", "2026-12-31T23:59:59", "2027-01-01T00:00:00"),
        ("month", "2028-02-01T00:00:00", "2028-03-01T00:00:00"),
        (7, "1970-01-01T00:00:08", "1970-01-01T00:00:14"),
        (2678400, "1970-01-31T12:00:00", "1970-02-01T00:00:00"),
    ],
)
def test_windows_are_aligned_to_the_calendar_in_utc(
    make: Make, clock: Clock, window: str | int, at: str, end: str
) -> None:
    clock.now = datetime.fromisoformat(at).replace(tzinfo=UTC).timestamp()
    ends = datetime.fromisoformat(end).replace(tzinfo=UTC).timestamp()
    ledger = make(clock)
    take(ledger, Use(window=window, max=1))
    assert refused(ledger, Use(window=window, max=1)).retry_at == ends
    clock.now = ends - 0.000001
    refused(ledger, Use(window=window, max=1))
    clock.now = ends
    take(ledger, Use(window=window, max=1))


def test_the_clock_never_goes_back(ledger: Ledger, clock: Clock) -> None:
    take(ledger, Use(max=1))
    clock.now = NOON + 60
    take(ledger, Use(max=1))
    clock.now = NOON  # set back into the window before, where another call would fit
    refused(ledger, Use(max=1))
    clock.now = NOON + 120
    take(ledger, Use(max=1))


# -- sliding windows --------------------------------------------------------------------------------------------------


def test_a_sliding_window_frees_only_when_the_slot_has_left_the_span(ledger: Ledger, clock: Clock) -> None:
    slide = Use(algorithm="sliding", max=2)
    clock.now = NOON + 30.5
    take(ledger, slide)
    take(ledger, slide)
    outcome = refused(ledger, slide)
    assert outcome.retry_at == NOON + 91
    clock.now = NOON + 90.999999
    refused(ledger, slide)
    clock.now = NOON + 91
    take(ledger, slide)


def test_a_sliding_window_says_the_earliest_instant_at_which_the_amount_fits(ledger: Ledger, clock: Clock) -> None:
    for second, amount in ((0, 5), (10, 3), (20, 2)):
        clock.now = NOON + second
        take(ledger, Use(algorithm="sliding", max=10, amount=amount))
    for amount, slot in ((1, 0), (5, 0), (6, 10), (8, 10), (9, 20), (10, 20)):
        assert refused(ledger, Use(algorithm="sliding", max=10, amount=amount)).retry_at == NOON + slot + 61


def test_a_burst_over_the_edge_of_a_window_is_not_admitted_twice(ledger: Ledger, clock: Clock) -> None:
    slide = Use(algorithm="sliding", max=10)
    clock.now = NOON + 59
    for _ in range(10):
        take(ledger, slide)
    clock.now = NOON + 61
    refused(ledger, slide)


def test_a_sliding_window_of_one_second_has_slots_too(ledger: Ledger, clock: Clock) -> None:
    slide = Use(window=1, algorithm="sliding", max=1)
    take(ledger, slide)
    retry = refused(ledger, slide).retry_at
    assert retry is not None
    assert 1.0 < retry - NOON <= 1 + 1 / 60 + 0.000001
    clock.now = retry
    take(ledger, slide)


@pytest.mark.parametrize("other_at", range(1, 61, 3))
def test_a_sliding_counter_is_not_forgotten_early_whoever_else_calls(make: Make, clock: Clock, other_at: int) -> None:
    ledger = make(clock)
    slide = Use(algorithm="sliding", max=1)
    take(ledger, slide, call=Caller("other"))
    clock.now = NOON + 60
    take(ledger, slide)
    for seconds in sorted({1, other_at, other_at + 1}):
        clock.now = NOON + 60 + seconds
        run(ledger.reserve(Caller("other"), [slide]))
        assert used(ledger, slide) == (1 if seconds <= 60 else 0)


# -- reservations -----------------------------------------------------------------------------------------------------


def test_a_release_gives_back_once(ledger: Ledger) -> None:
    kept, given = take(ledger, Use()), take(ledger, Use(), Use("b", algorithm="sliding"))
    assert run(ledger.release(given.id))
    assert not run(ledger.release(given.id))
    assert used(ledger, Use()) == 1
    assert used(ledger, Use("b", algorithm="sliding")) == 0
    assert kept.id != given.id


def test_a_release_by_another_id_gives_nothing_back(ledger: Ledger) -> None:
    take(ledger, Use(), id="mine")
    assert not run(ledger.release("yours"))
    assert used(ledger, Use()) == 1


def test_a_release_after_the_window_gives_nothing_back(ledger: Ledger, clock: Clock) -> None:
    late = take(ledger, Use())
    clock.now += 60
    take(ledger, Use())
    assert not run(ledger.release(late.id))
    assert used(ledger, Use()) == 1


def test_a_release_gives_back_in_those_windows_that_still_run(ledger: Ledger, clock: Clock) -> None:
    both = take(ledger, Use(window="minute"), Use(window="hour"))
    clock.now += 60
    assert run(ledger.release(both.id))
    assert used(ledger, Use(window="hour")) == 0


def test_a_settled_reservation_stays_and_cannot_be_released(ledger: Ledger) -> None:
    done = take(ledger, Use())
    ledger.settle(done.id)
    assert not run(ledger.release(done.id))
    assert used(ledger, Use()) == 1


def test_an_id_names_one_reservation_at_a_time(ledger: Ledger) -> None:
    take(ledger, Use(), id="mine")
    with pytest.raises(ValueError):
        run(ledger.reserve(Caller(), [Use()], "mine"))
    assert used(ledger, Use()) == 1


def test_a_reservation_tells_each_limit_before_and_after(ledger: Ledger) -> None:
    take(ledger, Use(max=5, amount="1.5"))
    count = take(ledger, Use(window=60, max=5, amount="1.5", rule="/r")).counts[0]
    assert (count.counter, count.window, count.scope, count.rule) == ("c", "minute", "grant", "/r")
    assert (count.before, count.after, count.max, count.amount) == (
        Decimal("1.5"),
        Decimal(3),
        Decimal(5),
        Decimal("1.5"),
    )
    assert (count.frees_at, count.at) == (NOON + 60, NOON)
    assert msgspec.to_builtins(count.as_record()) == {
        "counter": "c",
        "window": "minute",
        "scope": "grant",
        "max": "5",
        "amount": "1.5",
        "before": "1.5",
        "after": "3",
        "algorithm": "fixed",
        "at": int(NOON),
    }


def test_a_thousand_at_once_against_a_hundred_admit_exactly_a_hundred(ledger: Ledger) -> None:
    async def all_at_once() -> int:
        limits = [Use("a", max=100), Use("b", max=200, algorithm="sliding")]
        outcomes = await asyncio.gather(*(ledger.reserve(Caller(), limits) for _ in range(1000)))
        return sum(isinstance(outcome, Reservation) for outcome in outcomes)

    assert run(all_at_once()) == 100
    assert used(ledger, Use("b", algorithm="sliding")) == 100


@pytest.mark.parametrize("algorithm", ["fixed", "sliding"])
def test_a_release_after_a_quiet_window_gives_nothing_back(ledger: Ledger, clock: Clock, algorithm: str) -> None:
    late = take(ledger, Use(algorithm=algorithm))
    clock.now += 121
    assert not run(ledger.release(late.id))

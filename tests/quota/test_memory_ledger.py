"""The ledger in memory: bounded, and the same after a restart as before."""

from __future__ import annotations

import msgspec
import pytest

from gatepost.quota import MemoryLedger
from tests.quota.using import NOON, Caller, Clock, Use, row, run, take, used

KINDS = [
    Use("m", "minute"),
    Use("w", "week", scope="identity", amount="0.25"),
    Use("mo", "month", scope="server"),
    Use("sl", "minute", algorithm="sliding"),
    Use("ss", 7, scope="identity", algorithm="sliding", amount="2.000001"),
]


@pytest.mark.parametrize("algorithm", ["fixed", "sliding"])
def test_memory_is_bounded_however_many_identities_come_and_go(algorithm: str) -> None:
    clock = Clock()
    ledger = MemoryLedger(clock)
    use = Use(window=10, scope="identity", algorithm=algorithm)
    most = 0
    for number in range(30_000):
        clock.now += 0.01  # a thousand identities in each window
        ledger.settle(take_one(ledger, use, f"user-{number}"))
        most = max(most, len(ledger))
    assert most <= 3100
    clock.now += 1000
    ledger.forget()
    assert len(ledger) == 0


def take_one(ledger: MemoryLedger, use: Use, identity: str) -> str:
    coroutine = ledger.reserve(Caller(identity=identity), [use])
    try:
        coroutine.send(None)
    except StopIteration as done:
        return str(done.value.id)
    raise AssertionError("reserve was suspended")


def test_windows_that_nobody_uses_any_more_are_forgotten_too() -> None:
    clock = Clock()
    ledger = MemoryLedger(clock)
    for window in range(1, 200):
        take(ledger, Use(window=window))
        take(ledger, Use(window=window, algorithm="sliding"))
    clock.now += 1000
    take(ledger, Use(window=1))
    assert len(ledger) == 1


def test_reservations_that_are_never_settled_are_bounded() -> None:
    ledger = MemoryLedger(Clock(), held=10)
    ids = [take(ledger, Use(max=1000)).id for _ in range(20)]
    assert not run(ledger.release(ids[0]))
    assert run(ledger.release(ids[-1]))


def test_a_snapshot_brings_back_the_same_counters() -> None:
    clock = Clock()
    ledger = MemoryLedger(clock)
    held = [take(ledger, *KINDS, call=Caller(grant_id=f"g{number}")) for number in range(3)]
    state = ledger.snapshot()
    again = MemoryLedger(clock)
    again.restore(state)
    for use in KINDS:
        for number in range(3):
            call = Caller(grant_id=f"g{number}")
            assert used(again, use, call) == used(ledger, use, call) > 0
    assert again.snapshot() == state
    assert run(again.release(held[0].id))
    assert used(again, KINDS[0], Caller(grant_id="g0")) == 0


def test_a_snapshot_of_many_counters_is_whole() -> None:
    ledger = MemoryLedger(Clock())
    for number in range(2500):
        take_one(ledger, KINDS[1], f"user-{number}")
        take_one(ledger, KINDS[4], f"user-{number}")
    again = MemoryLedger(Clock())
    again.restore(ledger.snapshot())
    assert len(again) == len(ledger) == 5000
    assert again.snapshot() == ledger.snapshot()


def test_a_snapshot_knows_the_time_so_that_the_clock_never_goes_back_over_a_restart() -> None:
    clock = Clock()
    ledger = MemoryLedger(clock)
    take(ledger, Use(max=1))
    clock.now -= 3600
    again = MemoryLedger(clock)
    again.restore(ledger.snapshot())
    assert used(again, Use()) == 1


def test_a_snapshot_leaves_out_what_the_journal_does_not_know() -> None:
    ledger = MemoryLedger(Clock())
    recorded, unrecorded = take(ledger, *KINDS), take(ledger, *KINDS)
    finish = ledger.freeze({recorded.id})
    take(ledger, *KINDS)  # what comes after the freezing has no part in it
    again = MemoryLedger(Clock())
    again.restore(finish())
    for use in KINDS:
        assert used(again, use) == use.amount
    assert not run(again.release(unrecorded.id))
    assert run(again.release(recorded.id))


@pytest.mark.parametrize("state", [b"", b"null", b"[]", b"[{}]", b'[{"now":"x"}]', b'{"now":1}'])
def test_what_is_no_snapshot_is_refused_and_changes_nothing(state: bytes) -> None:
    ledger = MemoryLedger(Clock())
    take(ledger, Use())
    with pytest.raises(ValueError):
        ledger.restore(state)
    assert used(ledger, Use()) == 1


def test_replaying_the_rows_brings_back_the_same_counters() -> None:
    clock = Clock()
    ledger = MemoryLedger(clock)
    rows = []
    for step in range(40):
        clock.now = NOON + step * 3.7
        reservation = take(ledger, *(Use(u.counter, u.window, u.scope, 1000, u.amount, u.algorithm) for u in KINDS))
        rows.append(row(reservation))
        if step % 5 == 0:
            run(ledger.release(reservation.id))
            rows.append({"kind": "released", "reservation": reservation.id})
    again = MemoryLedger(clock)
    for record in rows:
        again.replay(record)
    for use in KINDS:
        assert used(again, use) == used(ledger, use)


def test_replaying_counts_a_counter_once_however_many_limits_name_it() -> None:
    ledger, again = MemoryLedger(Clock()), MemoryLedger(Clock())
    again.replay(row(take(ledger, Use(max=5), Use(max=7))))
    assert used(again, Use()) == 1


def test_replaying_a_refused_call_or_a_kept_reservation_takes_nothing() -> None:
    ledger = MemoryLedger(Clock())
    take(ledger, Use(max=1), id="first")
    untaken = run(ledger.look(Caller(), [Use(max=1)]))
    assert untaken is not None
    again = MemoryLedger(Clock())
    counts = [msgspec.to_builtins(count.as_record()) for count in untaken.counts]
    base = {"kind": "decided", "grant_id": "g1", "identity": "ann", "server": "s1"}
    again.replay({**base, "limits": counts, "reservation": None})
    again.replay({**base, "limits": counts, "reservation": "first"})
    again.replay({**base, "limits": [], "reservation": "first"})
    assert used(again, Use()) == 0


def test_replaying_rows_of_windows_that_have_passed_counts_nothing_now() -> None:
    clock = Clock()
    ledger = MemoryLedger(clock)
    old = row(take(ledger, *KINDS))
    clock.now += 40 * 86400
    again = MemoryLedger(clock)
    again.replay(old)
    for use in KINDS:
        assert used(again, use) == 0
    assert not run(again.release(old["reservation"]))


def test_replaying_rows_out_of_the_order_of_their_times_is_exact() -> None:
    """Between reserving and recording a call may wait, so that rows can stand in another order than their times."""
    clock = Clock()
    ledger = MemoryLedger(clock)
    rows = []
    for step in (0, 50, 55, 61):
        clock.now = NOON + step
        rows.append(row(take(ledger, *KINDS)))
    again = MemoryLedger(clock)
    for record in (rows[1], rows[0], rows[3], rows[2]):
        again.replay(record)
    for now in (NOON + 61, NOON + 110.9, NOON + 111, NOON + 116, NOON + 122):
        clock.now = now
        for use in KINDS:
            assert used(again, use) == used(ledger, use)

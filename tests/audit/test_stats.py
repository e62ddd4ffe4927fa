"""What the log adds up to, against sums made row by row with the standard library."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.audit.stats import Latency, Stats, stats
from gatepost.audit.window import Window
from gatepost.journal import Journal
from gatepost.journal.rows import epoch, timestamp
from tests.audit.using import make_journal
from tests.journal.using import decided, in_journal, rows, settled, write
from tests.quota.using import NOON

SPANS = [(None, None), (10.0, None), (None, 17.0), (10.0, 30.0), (100.0, None)]


def expected(journal: Path, since: float | None, until: float | None, grant: str | None) -> dict[str, Any]:
    every = rows(journal / "data")
    outcome = {row["decision_id"]: row for row in every if row["kind"] == "settled"}
    meant = [
        row
        for row in every
        if (since is None or epoch(row["time"]) >= since) and (until is None or epoch(row["time"]) < until)
    ]
    calls = [row for row in meant if row["kind"] == "decided" and grant in (None, row["grant"])]
    denied = [row for row in calls if row["decision"] != "allow"]
    answered = [row for row in calls if row["decision"] == "allow" and row["decision_id"] in outcome]
    return {
        "calls": len(calls),
        "denied": len(denied),
        "open": len(calls) - len(denied) - len(answered),
        "refused": 0 if grant else len([row for row in meant if row["kind"] == "refused"]),
        "tools": {tool: sum(row["tool"] == tool for row in calls) for tool in {row["tool"] for row in calls}},
        "grants": {label: sum(row["grant"] == label for row in calls) for label in {row["grant"] for row in calls}},
        "rules": {rule: sum(row["rule"] == rule for row in denied) for rule in {row["rule"] for row in denied}},
        "answered": len(answered),
    }


def told(found: Stats) -> dict[str, Any]:
    return {
        "calls": found.total.calls,
        "denied": found.total.denied,
        "open": found.open,
        "refused": found.refused.total(),
        "tools": {tool: numbers.calls for (_, tool), numbers in found.tools.items()},
        "grants": {grant: numbers.calls for grant, numbers in found.grants.items()},
        "rules": {rule: calls for (_, rule, _), calls in found.rules.items()},
        "answered": len(found.added.taken),
    }


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_journal(tmp_path_factory.mktemp("log"), 60)


@pytest.mark.parametrize(("since", "until"), SPANS)
@pytest.mark.parametrize("grant", [None, "g1", "nobody"])
def test_the_sums_are_those_of_the_rows(
    journal: Path, since: float | None, until: float | None, grant: str | None
) -> None:
    begin, end = (None if bound is None else NOON + bound for bound in (since, until))
    assert told(stats(journal, since=begin, until=end, grant=grant)) == expected(journal, begin, end, grant)


def test_a_server_that_nobody_called_has_no_calls(journal: Path) -> None:
    assert stats(journal, server="s1").total.calls == 60
    assert stats(journal, server="other").total.calls == 0


def in_log(tmp_path: Path, *records: dict[str, Any]) -> Path:
    in_journal(tmp_path / "journal" / "data", lambda journal: write(journal, *records))
    return tmp_path / "journal"


def test_how_calls_ended_is_told_apart(tmp_path: Path) -> None:
    log = in_log(
        tmp_path,
        *(decided(id) for id in ("fine", "wrong", "late", "lost")),
        decided("shadow", decision="deny", enforced=False, rule="x"),
        decided("asks", decision="approve", rule="y"),
        settled("fine"),
        settled("wrong", is_error=True),
        settled("late", carried_out="unknown", error_class="timeout"),
        settled("shadow"),
    )
    found = stats(log)
    assert (found.total.calls, found.total.denied, found.total.errors, found.total.failed) == (6, 1, 1, 1)
    assert (found.shadowed, found.open) == (1, 1)
    assert found.rules == {("p", "x", "deny (shadow)"): 1, ("p", "y", "approve"): 1}


def test_what_the_server_took_and_what_the_gateway_added_are_told_apart(tmp_path: Path) -> None:
    records = [decided(f"d{number}") for number in range(100)]
    records += [settled(f"d{number}", latency_us=number * 10 + 7, upstream_us=number * 10) for number in range(100)]
    found = stats(in_log(tmp_path, *records))
    assert found.upstream["s1"].at(50, 95, 100) == [490, 940, 990]
    assert found.added.at(50, 95) == [7, 7]


@given(st.lists(st.integers(0, 1000), max_size=30), st.integers(1, 100))
def test_a_percentile_is_the_smallest_value_that_covers_so_many(values: list[int], percent: int) -> None:
    latency = Latency()
    latency.taken.extend(values)
    (found,) = latency.at(percent)
    covering = [value for value in values if sum(each <= value for each in values) * 100 >= percent * len(values)]
    assert found == min(covering, default=None)


def test_a_window_moves_with_the_time_and_reads_only_what_is_new(tmp_path: Path) -> None:
    log = tmp_path / "journal"
    window = Window(log, 60)
    window.catch_up(NOON)
    assert window.stats().total.calls == 0
    ids = itertools.count()

    async def act(journal: Journal) -> None:
        async def call(second: float) -> None:
            id = f"d{next(ids)}"
            await write(journal, decided(id, time=timestamp(NOON + second), tool=id), settled(id))

        await call(0)
        await call(30)
        window.catch_up(NOON + 31)
        assert [row.tool for row, _ in window.newest(10)] == ["d1", "d0"]
        assert window.rates(NOON + 31, 2) == [1, 1]
        await call(61)
        refused = {"kind": "refused", "time": timestamp(NOON + 62), "code": "GP-1001", "v": 1, "id": "r"}
        await write(journal, refused)
        window.catch_up(NOON + 62)
        assert [row.tool for row, outcome in window.newest(10) if outcome is not None] == ["d2", "d1"]
        assert window.stats().refused == {"GP-1001": 1}
        assert len(window.newest(1)) == 1
        window.catch_up(NOON + 1000)
        assert window.stats() == Stats()

    in_journal(log / "data", act, segment_bytes=1)


def test_a_window_over_a_long_log_begins_near_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatepost.audit.window._BACKLOG", 5000)
    log = in_log(tmp_path, *(decided(f"d{number}", time=timestamp(NOON)) for number in range(100)))
    window = Window(log, 60)
    window.catch_up(NOON)
    assert 1 < window.stats().total.calls < 15
    assert window.newest(1)[0][0].decision_id == "d99"

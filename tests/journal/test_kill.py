"""Killed at any moment: what was acknowledged is there, the chain has no gap, the counters are what it says."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections import Counter
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from gatepost.journal import Journal
from gatepost.quota import MemoryLedger
from tests.journal.using import KEYS, require_chain
from tests.journal.writing_child import CALLERS, USES, clock_since
from tests.quota.using import Caller, Use, used

ROOT = Path(__file__).parents[2]


def run_until_killed(folder: Path, seed: str, began: float, lines: int) -> list[tuple[str, str]]:
    """Start the child, kill it after it has said so many things, and return all that it has said."""
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.journal.writing_child", str(folder), seed, str(began)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    said = []
    deadline = threading.Timer(60, child.kill)
    deadline.start()
    try:
        for line in child.stdout:
            said.append(line)
            if len(said) == lines:
                break
    finally:
        deadline.cancel()
        child.kill()
        said += child.stdout.readlines()
        child.wait()
        child.stdout.close()
    assert len(said) >= lines, "the child ended by itself"
    acknowledged = [line.split() for line in said if line.endswith("\n")]
    return [(kind, id) for kind, id in acknowledged]


def counters_by_the_rows(folder: Path) -> dict[tuple[str, str], Decimal]:
    """What each of the child's counters holds, added up from all rows: none of its windows ends in the meantime."""
    totals: dict[tuple[str, str], Decimal] = Counter()  # type: ignore[assignment]
    taken: dict[str, list[tuple[tuple[str, str], Decimal]]] = {}
    for row in require_chain(folder):
        if row["kind"] == "decided" and row["reservation"]:
            owner = {"month": row["grant_id"], "day": row["identity"], "slide": row["server"]}
            uses = [((limit["counter"], owner[limit["counter"]]), Decimal(limit["amount"])) for limit in row["limits"]]
            taken[row["decision_id"]] = uses
            for counter, amount in uses:
                totals[counter] += amount
        elif row["kind"] == "released":
            for counter, amount in taken.pop(row["decision_id"], []):
                totals[counter] -= amount
    return totals


def held(ledger: MemoryLedger, use: Use, caller: Caller) -> tuple[tuple[str, str], Decimal]:
    owner = {"month": caller.grant_id, "day": caller.identity, "slide": caller.server}[use.counter]
    return (use.counter, owner), used(ledger, use, caller)


def kill_and_check(folder: Path, rounds: int, random: Random) -> None:
    said: list[tuple[str, str]] = []
    began = time.time()
    for number in range(rounds):
        said += run_until_killed(folder, f"r{number}", began, random.randint(1, 400))
        if random.random() < 0.5:
            continue  # the next child recovers, and is killed in its turn
        ledger = MemoryLedger(clock_since(began))
        Journal.open(folder, "data", KEYS, ledger=ledger).close()
        rows = require_chain(folder)
        written = {(row["kind"], row.get("decision_id")) for row in rows}
        assert set(said) <= written
        outcomes = Counter(row["decision_id"] for row in rows if row["kind"] == "settled")
        assert outcomes == Counter(row["decision_id"] for row in rows if row["kind"] == "decided"), "one outcome each"
        expected = counters_by_the_rows(folder)
        for use in USES:
            for caller in CALLERS:
                counter, total = held(ledger, use, caller)
                assert total == expected.get(counter, 0), counter


def test_nothing_acknowledged_is_lost_by_a_kill_and_the_counters_are_what_the_rows_say(tmp_path: Path) -> None:
    kill_and_check(tmp_path / "data", 10, Random(1))


@pytest.mark.slow
def test_a_hundred_kills(tmp_path: Path) -> None:
    kill_and_check(tmp_path / "data", 100, Random(2))

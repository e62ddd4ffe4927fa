"""The queryable log: what it finds, in which order, and that it is never more nor less than the journal."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from gatepost.audit import Index, cursor
from gatepost.journal import Journal, append_admin
from gatepost.journal.retention import apply
from tests.audit.using import at, make_journal
from tests.journal.using import KEYS, decided, files, in_journal, rows, settled, write
from tests.quota.using import NOON

ROOT = Path(__file__).parents[2]


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return make_journal(tmp_path)


@pytest.fixture
def index(journal: Path) -> Iterator[Index]:
    index = Index(journal.parent / "index.db")
    index.catch_up()
    yield index
    index.close()


def ids(entries: Iterator[dict[str, Any]]) -> list[int]:
    return [int(entry["decision_id"][1:]) for entry in entries]


def fresh(journal: Path) -> list[dict[str, Any]]:
    """Everything, by an index that was made from nothing."""
    path = journal.parent / f"fresh-{time.monotonic_ns()}.db"
    index = Index(path, journal)
    index.catch_up()
    found = list(index.query(kind=None, oldest_first=True))
    index.close()
    return found


# -- what is found ----------------------------------------------------------------------------------------------------


def test_a_call_is_one_entry_with_its_outcome(index: Index) -> None:
    entry = next(index.query(tool="t1", oldest_first=True))
    assert (entry["decision_id"], entry["kind"], entry["decision"], entry["seq"]) == ("d0001", "decided", "allow", 3)
    assert (entry["carried_out"], entry["upstream_status"], entry["latency_us"]) == (True, 200, 1000)
    assert (entry["settled_seq"], entry["settled_time"]) == (4, at(1.5))


def test_a_refused_call_was_not_carried_out_with_or_without_a_settled_row(index: Index) -> None:
    denied = list(index.query(decision="deny"))
    assert {entry["carried_out"] for entry in denied} == {False}
    assert {entry["settled_seq"] is None for entry in denied} == {True, False}


def test_a_call_in_flight_has_no_outcome_until_it_is_settled(tmp_path: Path) -> None:
    index = Index(tmp_path / "index.db")
    chain = tmp_path / "journal" / "data"

    async def act(journal: Journal) -> None:
        await write(journal, decided("d1"))
        index.catch_up()
        assert next(index.query())["carried_out"] is None
        await write(journal, settled("d1", carried_out="unknown"))
        index.catch_up()
        assert next(index.query())["carried_out"] == "unknown"

    chain.parent.mkdir()
    in_journal(chain, act)
    index.close()


@pytest.mark.parametrize(
    ("narrowed", "expected"),
    [
        ({}, range(40)),
        ({"grant": "g1"}, range(1, 40, 3)),
        ({"identity": "user1"}, range(1, 40, 2)),
        ({"tool": "t3"}, range(3, 40, 4)),
        ({"server": "s1"}, range(40)),
        ({"server": "other"}, []),
        ({"decision": "deny"}, range(4, 40, 5)),
        ({"decision": "deny", "grant": "g1"}, [4, 19, 34]),
        ({"since": NOON + 10, "until": NOON + 13}, [10, 11, 12]),
        ({"tool": "t3", "since": NOON + 30}, [31, 35, 39]),
        ({"limit": 3}, [37, 38, 39]),
        ({"grant": "nobody"}, []),
        ({"kind": "settled"}, []),
    ],
)
def test_calls_are_found_newest_first(index: Index, narrowed: dict[str, Any], expected: Any) -> None:
    assert ids(index.query(**narrowed)) == sorted(expected, reverse=True)
    if "limit" not in narrowed:
        assert ids(index.query(**narrowed, oldest_first=True)) == sorted(expected)


def test_other_kinds_of_rows_are_found_by_kind(index: Index) -> None:
    assert [entry["actor"] for entry in index.query(kind="admin")] == ["ann"] * 3
    assert [entry["code"] for entry in index.query(kind="refused")] == ["GP-1001"] * 4
    assert {entry["chain"] for entry in index.query(kind="checkpoint")} == {"admin", "data"}


def test_every_kind_together_is_in_the_order_of_time(index: Index, journal: Path) -> None:
    everything = list(index.query(kind=None))
    times = [entry["time"] for entry in everything]
    assert times == sorted(times, reverse=True)
    outcomes = len(rows(journal / "data", "settled"))
    assert len(everything) == len(rows(journal / "data")) - outcomes + len(rows(journal / "admin"))


@pytest.mark.parametrize("oldest_first", [False, True])
@pytest.mark.parametrize("kind", ["decided", None])
def test_pages_by_cursor_leave_nothing_out_and_give_nothing_twice(
    index: Index, kind: str | None, oldest_first: bool
) -> None:
    whole = list(index.query(kind=kind, oldest_first=oldest_first))
    paged: list[dict[str, Any]] = []
    after = None
    while page := list(index.query(kind=kind, oldest_first=oldest_first, limit=7, after=after)):
        paged += page
        after = cursor(page[-1])
    assert paged == whole


@pytest.mark.parametrize("bad", ["", "x", "a/b/c", "2026-11-21T12:00:00Z/data", "2026-11-21T12:00:00Z/data/x"])
def test_a_cursor_that_is_none_is_an_error(index: Index, bad: str) -> None:
    with pytest.raises(ValueError):
        list(index.query(after=bad))


@pytest.mark.parametrize("text", ["'; DROP TABLE entries; --", "%", "g1' OR '1'='1", "\0"])
def test_values_are_values_whatever_they_hold(index: Index, text: str) -> None:
    assert list(index.query(grant=text)) == []
    assert len(list(index.query())) == 40


def test_when_grants_were_last_used_is_told_once(index: Index) -> None:
    assert index.take_last_used() == {"id0": NOON + 39, "id1": NOON + 37, "id2": NOON + 38}
    assert index.take_last_used() == {}


# -- keeping up -------------------------------------------------------------------------------------------------------


def test_only_what_is_new_is_read(index: Index, journal: Path) -> None:
    assert index.catch_up() == 0
    before = index.rows()
    assert before == len(rows(journal / "data")) + len(rows(journal / "admin"))
    append_admin(journal / "admin", KEYS, {"actor": "bob"}, clock=lambda: NOON + 2000)
    assert index.catch_up() == 2
    assert index.rows() == before + 2
    assert next(index.query(kind="admin"))["actor"] == "bob"


def test_a_line_that_is_being_written_is_left_for_later(index: Index, journal: Path) -> None:
    path = files(journal / "admin")[0]
    whole = path.read_bytes()
    append_admin(journal / "admin", KEYS, {"actor": "bob"})
    more = path.read_bytes()[len(whole) :]
    for cut in (1, 50, len(more) // 2, len(more) - 1):
        path.write_bytes(whole + more[:cut])
        index.catch_up()
    path.write_bytes(whole + more)
    index.catch_up()
    assert list(index.query(kind=None, oldest_first=True)) == fresh(journal)


def test_rows_that_were_read_and_cut_off_again_are_taken_back(tmp_path: Path) -> None:
    """A batch of which a part reached the full disk may be seen before the journal cuts it off."""
    journal = tmp_path / "journal"
    journal.mkdir()
    in_journal(journal / "data", lambda chain: write(chain, decided("d1"), settled("d1"), decided("d2")))
    index = Index(tmp_path / "index.db")
    path = files(journal / "data")[0]
    good = path.read_bytes()
    in_journal(journal / "data", lambda chain: write(chain, settled("d2"), decided("failed")))
    index.catch_up()
    path.write_bytes(good)
    in_journal(journal / "data", lambda chain: write(chain, decided("d3"), settled("d2", carried_out=False)))
    index.catch_up()
    assert [entry["decision_id"] for entry in index.query(oldest_first=True)] == ["d1", "d2", "d3"]
    assert list(index.query(kind=None, oldest_first=True)) == fresh(journal)
    index.close()


def test_another_chain_in_the_place_of_the_old_one_is_indexed_from_its_beginning(index: Index, journal: Path) -> None:
    shutil.rmtree(journal / "data")
    in_journal(journal / "data", lambda chain: write(chain, decided("new")))
    index.catch_up()
    assert [entry["decision_id"] for entry in index.query()] == ["new"]


def test_a_line_that_is_no_record_is_passed_over(tmp_path: Path) -> None:
    journal = make_journal(tmp_path)
    path = files(journal / "data")[0]
    lines = path.read_bytes().splitlines(keepends=True)
    nested = b"[" * 5000 + b"]" * 5000 + b"\n"
    path.write_bytes(b"".join([lines[0], b"garbage\n", nested, *lines[1:]]))
    index = Index(tmp_path / "index.db")
    index.catch_up()
    assert len(list(index.query())) == 40
    assert index.catch_up() == 0
    index.close()


def test_what_the_retention_removes_leaves_the_index(tmp_path: Path) -> None:
    journal = make_journal(tmp_path, 600, segment_bytes=20_000)
    index = Index(tmp_path / "index.db")
    index.catch_up()
    (removal,) = [removal for removal in apply(journal, KEYS, max_bytes=60_000) if removal.chain == "data"]
    index.catch_up()
    left = list(index.query(kind=None, oldest_first=True))
    assert min(entry["seq"] for entry in left if entry["chain"] == "data") > removal.last_seq
    assert left == fresh(journal)
    index.close()


def test_an_entry_whose_segment_has_just_gone_is_left_out(index: Index, journal: Path) -> None:
    files(journal / "data")[0].unlink()
    assert 0 < len(list(index.query())) < 40


def test_an_index_can_be_made_again(index: Index) -> None:
    before = list(index.query(kind=None))
    count = index.rows()
    assert index.rebuild() == count
    assert list(index.query(kind=None)) == before


def test_an_index_of_another_version_is_made_again(journal: Path) -> None:
    import sqlite3

    path = journal.parent / "index.db"
    with sqlite3.connect(path) as old:
        old.execute("CREATE TABLE entries (x)")
        old.execute("PRAGMA user_version = 99")
    old.close()
    index = Index(path)
    index.catch_up()
    assert len(list(index.query())) == 40
    index.close()


@pytest.mark.parametrize("damage", ["not a database", "a page overwritten"])
def test_an_index_that_is_damaged_is_made_again(tmp_path: Path, damage: str) -> None:
    journal = make_journal(tmp_path, 200)
    path = tmp_path / "index.db"
    first = Index(path)
    first.catch_up()
    first.close()
    if damage == "not a database":
        path.write_bytes(b"garbage" * 1000)
    else:
        whole = path.read_bytes()
        path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    append_admin(journal / "admin", KEYS, {"actor": "bob"}, clock=lambda: NOON + 2000)
    again = Index(path)
    again.catch_up()
    assert list(again.query(kind=None, oldest_first=True)) == fresh(journal)
    again.close()


def test_a_number_that_is_there_twice_does_not_stop_the_index(tmp_path: Path) -> None:
    journal = make_journal(tmp_path)
    path = files(journal / "data")[0]
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines, *lines]))
    index = Index(tmp_path / "index.db")
    index.catch_up()
    assert len(list(index.query())) == 40
    index.close()


def test_the_index_is_for_its_owner_only(index: Index, journal: Path) -> None:
    assert (journal.parent / "index.db").stat().st_mode & 0o777 == 0o600


def test_an_empty_journal_is_an_empty_index(tmp_path: Path) -> None:
    index = Index(tmp_path / "index.db")
    assert index.catch_up() == 0
    assert list(index.query()) == []
    index.close()


# -- killed, and two at once ------------------------------------------------------------------------------------------


def test_killed_at_any_moment_it_has_nothing_twice_and_nothing_lost(tmp_path: Path) -> None:
    journal = make_journal(tmp_path, 300, segment_bytes=30_000)
    random = Random(4)
    for _ in range(8):
        child = start_indexing(tmp_path)
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(random.random() * 0.03)  # anywhere in its work: no state of the child is waited for
        child.kill()
        child.communicate()
    index = Index(tmp_path / "index.db", journal)
    index.catch_up()
    assert list(index.query(kind=None, oldest_first=True)) == fresh(journal)
    assert index.rows() == len(rows(journal / "data")) + len(rows(journal / "admin"))
    index.close()


def start_indexing(root: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.audit.indexing_child", str(root / "index.db"), str(root / "journal")]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env={**os.environ})


def test_two_that_index_at_once_do_not_double_anything(tmp_path: Path) -> None:
    journal = make_journal(tmp_path, 300, segment_bytes=30_000)
    counts: list[int] = []

    def catch_up() -> None:
        index = Index(tmp_path / "index.db", journal)
        counts.append(index.catch_up())
        index.close()

    threads = [threading.Thread(target=catch_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(counts) == 4
    assert sum(counts) == len(rows(journal / "data")) + len(rows(journal / "admin"))


def test_it_keeps_up_while_the_journal_is_written_and_read(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    journal.mkdir()
    index = Index(tmp_path / "index.db")

    async def act(chain: Journal) -> None:
        for number in range(300):
            await write(chain, decided(f"d{number:04}"), settled(f"d{number - 1:04}"))
            if number % 10 == 0:
                index.catch_up()
                assert next(index.query(oldest_first=True))["decision_id"] == "d0000"
                assert len(list(index.query())) == number + 1

    in_journal(journal / "data", act, segment_bytes=10_000)
    index.catch_up()
    assert list(index.query(kind=None, oldest_first=True)) == fresh(journal)
    index.close()

"""Old segments go, whole, oldest first, with a row that says so; what is needed stays."""

from __future__ import annotations

from pathlib import Path

from gatepost.journal import Journal, append_admin
from gatepost.journal.retention import apply
from tests.journal.using import KEYS, decided, files, in_journal, rows, settled, until, write
from tests.quota.using import NOON, Clock

DAY = 86400.0


def fill(journal_folder: Path, count: int, **options: object) -> None:
    """A data chain of about a row for each segment, one row an hour, with a snapshot near its end."""
    clock = Clock()
    folder = journal_folder / "data"

    async def act(journal: Journal) -> None:
        for number in range(count):
            clock.now = NOON + number * 3600
            await write(journal, {"kind": "drift", "number": number})
        await until((folder / "snapshot.json").exists)

    in_journal(folder, act, segment_bytes=1, clock=clock, snapshot_rows=count, **options)


def test_segments_that_are_too_old_are_removed(tmp_path: Path) -> None:
    fill(tmp_path, 10)
    before = rows(tmp_path / "data")
    removals = apply(tmp_path, KEYS, max_age=5.5 * 3600, clock=lambda: NOON + 10 * 3600)
    assert [row["number"] for row in rows(tmp_path / "data", "drift")] == [5, 6, 7, 8, 9]
    (told,) = rows(tmp_path / "admin", "retention")
    assert (told["of"], told["reason"], told["first_seq"], told["last_seq"]) == ("data", "age", 1, 5)
    assert told["last_hash"] == before[4]["hash"]
    assert len(told["segments"]) == 5
    assert [(removal.chain, removal.last_seq) for removal in removals] == [("data", 5)]


def test_segments_over_the_size_are_removed_oldest_first(tmp_path: Path) -> None:
    fill(tmp_path, 10)
    sizes = [path.stat().st_size for path in files(tmp_path / "data")]
    apply(tmp_path, KEYS, max_bytes=sum(sizes[-4:]))
    assert [path.stat().st_size for path in files(tmp_path / "data")] == sizes[-4:]
    assert rows(tmp_path / "admin", "retention")[0]["reason"] == "size"


def test_what_the_next_start_needs_stays(tmp_path: Path) -> None:
    """The segment of the last snapshot and those after it hold rows that the counters are rebuilt from."""
    fill(tmp_path, 10)
    apply(tmp_path, KEYS, max_age=1, max_bytes=0, clock=lambda: NOON + 100 * DAY)
    assert [row["seq"] for row in rows(tmp_path / "data")] == [10, 11]
    in_journal(tmp_path / "data", lambda journal: write(journal, decided("d"), settled("d")))


def test_a_chain_with_counters_and_no_snapshot_stays_whole(tmp_path: Path) -> None:
    fill(tmp_path, 5)
    (tmp_path / "data" / "snapshot.json").unlink()
    assert apply(tmp_path, KEYS, max_age=1, max_bytes=0, clock=lambda: NOON + 100 * DAY) == []


def test_the_newest_segment_stays_however_old_and_large(tmp_path: Path) -> None:
    append_admin(tmp_path / "admin", KEYS, {"actor": "ann"}, clock=Clock())
    assert apply(tmp_path, KEYS, max_age=1, max_bytes=1, clock=lambda: NOON + 100 * DAY) == []
    append_admin(tmp_path / "admin", KEYS, {"actor": "bob"}, clock=lambda: NOON + 2 * DAY)
    removals = apply(tmp_path, KEYS, max_age=1, clock=lambda: NOON + 100 * DAY)
    assert [(removal.chain, removal.last_seq) for removal in removals] == [("admin", 2)]
    assert [row["kind"] for row in rows(tmp_path / "admin")] == ["admin", "checkpoint", "retention", "checkpoint"]


def test_without_bounds_nothing_is_removed_and_nothing_told(tmp_path: Path) -> None:
    fill(tmp_path, 5)
    assert apply(tmp_path, KEYS) == []
    assert apply(tmp_path, KEYS, max_age=1e9, max_bytes=10**12) == []
    assert not (tmp_path / "admin").exists()


def test_it_works_while_the_chain_is_being_written(tmp_path: Path) -> None:
    folder = tmp_path / "data"

    async def act(journal: Journal) -> None:
        for number in range(10):
            await write(journal, decided(f"d{number}"), settled(f"d{number}"))
        await until((folder / "snapshot.json").exists)
        assert apply(tmp_path, KEYS, max_bytes=3000)
        await write(journal, decided("last"), settled("last"))

    in_journal(folder, act, segment_bytes=1500, snapshot_rows=20)
    assert 2 <= len(files(folder)) <= 4
    in_journal(folder, lambda journal: write(journal, decided("after")))

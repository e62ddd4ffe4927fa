"""Starting again: exact counters, calls in flight, torn lines, snapshots; and refusing what is not to be trusted."""

from __future__ import annotations

import asyncio
import json
import resource
import shutil
from pathlib import Path

import pytest

from gatepost.journal import ChainBroken, Journal
from gatepost.quota import MemoryLedger
from tests.journal.using import (
    call,
    decided,
    files,
    in_journal,
    open_journal,
    released,
    require_chain,
    rows,
    run,
    settled,
    until,
    write,
)
from tests.quota.using import Caller, Clock, Use, used

LIMIT = Use("c", "hour", max=1000)
SLIDE = Use("s", "minute", scope="identity", max=1000, amount="0.5", algorithm="sliding")


def crashed(folder: Path, journal: Journal) -> Path:
    """What is on the disk when the process ends now: a copy, as the journal itself would close properly."""
    copy = folder.parent.parent / f"crashed-{journal.seq}" / folder.name
    shutil.copytree(folder, copy)
    return copy


def test_counters_are_exact_after_a_restart(tmp_path: Path) -> None:
    ledger = MemoryLedger(Clock())

    async def act(journal: Journal) -> Path:
        for number in range(30):
            assert await call(journal, ledger, f"d{number}", LIMIT, SLIDE, caller=Caller(f"g{number % 3}"))
            if number % 5 == 0:
                await journal.append(released(f"d{number}"))
                assert await ledger.release(f"d{number}")
        return crashed(tmp_path / "j" / "data", journal)

    copy = in_journal(tmp_path / "j" / "data", act, ledger=ledger)
    again = MemoryLedger(Clock())
    open_journal(copy, again).close()
    for number in range(3):
        caller = Caller(f"g{number}")
        assert used(again, LIMIT, caller) == used(ledger, LIMIT, caller) == 8
    assert used(again, SLIDE) == used(ledger, SLIDE) == 12


def test_calls_in_flight_at_a_crash_are_settled_as_unknown(tmp_path: Path) -> None:
    async def act(journal: Journal) -> Path:
        await write(journal, decided("done"), settled("done"), decided("open"))
        await write(
            journal, decided("refused", decision="deny", rule="/r"), decided("shadow", decision="deny", enforced=False)
        )
        return crashed(tmp_path / "j" / "data", journal)

    copy = in_journal(tmp_path / "j" / "data", act)
    journal = open_journal(copy)
    assert set(journal.recovered.in_flight) == {"open", "shadow"}
    journal.close()
    unknown = [row for row in require_chain(copy) if row.get("carried_out") == "unknown"]
    assert [row["decision_id"] for row in unknown] == ["open", "shadow"]
    assert rows(copy, "recovered")[0]["in_flight"] == 2
    third = open_journal(copy)
    assert third.recovered.in_flight == {}
    third.close()
    assert len(rows(copy, "recovered")) == 1


def test_a_reservation_stays_when_its_call_was_in_flight_at_a_crash(tmp_path: Path) -> None:
    ledger, again = MemoryLedger(Clock()), MemoryLedger(Clock())

    async def act(journal: Journal) -> Path:
        await call(journal, ledger, "open", LIMIT)
        return crashed(tmp_path / "j" / "data", journal)

    copy = in_journal(tmp_path / "j" / "data", act, ledger=ledger)
    open_journal(copy, again).close()
    assert used(again, LIMIT) == 1
    assert not run(again.release("open"))


def test_a_proper_end_leaves_nothing_to_tell(tmp_path: Path) -> None:
    in_journal(tmp_path / "data", lambda journal: write(journal, decided("d1"), settled("d1")))
    journal = open_journal(tmp_path / "data")
    assert (journal.recovered.rows, journal.recovered.bytes_cut, journal.recovered.in_flight) == (3, 0, {})
    journal.close()
    assert [row["kind"] for row in require_chain(tmp_path / "data")] == ["decided", "settled", "checkpoint"]


def test_a_line_torn_at_any_byte_is_cut_off_and_told_of(tmp_path: Path) -> None:
    in_journal(
        tmp_path / "data", lambda journal: write(journal, decided("d1"), settled("d1"), decided("d2", message="é"))
    )
    whole = files(tmp_path / "data")[0].read_bytes()
    lines = whole.splitlines(keepends=True)[:3]  # without the checkpoint of the proper end
    good = len(lines[0] + lines[1])
    for cut in range(len(lines[2])):
        folder = tmp_path / f"cut-{cut}" / "data"
        folder.mkdir(parents=True)
        (folder / "0000000000000001.jsonl").write_bytes((lines[0] + lines[1] + lines[2])[: good + cut])
        journal = open_journal(folder)
        assert (journal.recovered.rows, journal.recovered.bytes_cut) == (2, cut)
        journal.close()
        told = rows(folder, "recovered")
        assert [row["bytes_cut"] for row in told] == ([cut] if cut else [])
        assert [row["seq"] for row in require_chain(folder)[:2]] == [1, 2]
        shutil.rmtree(folder)


def test_a_first_line_that_is_torn_leaves_an_empty_chain(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "0000000000000001.jsonl").write_bytes(b'{"chain":"da')
    in_journal(folder, lambda journal: write(journal, decided("d1")))
    assert [row["kind"] for row in require_chain(folder)] == ["recovered", "decided", "checkpoint"]


def test_a_segment_that_was_begun_and_not_written_is_gone_on_with(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    in_journal(folder, lambda journal: write(journal, decided("d1"), settled("d1")))
    (folder / "0000000000000004.jsonl").touch()
    in_journal(folder, lambda journal: write(journal, decided("d2")))
    assert len(files(folder)) == 2
    assert require_chain(folder)[3]["decision_id"] == "d2"


# -- snapshots --------------------------------------------------------------------------------------------------------


def test_a_proper_end_after_many_rows_leaves_a_snapshot(tmp_path: Path) -> None:
    in_journal(tmp_path / "data", lambda journal: write(journal, *(decided(f"d{number}") for number in range(1000))))
    journal = open_journal(tmp_path / "data")
    assert journal.recovered.rows == 0
    assert len(journal.recovered.in_flight) == 1000
    journal.close()


def test_a_start_reads_only_what_came_after_the_snapshot(tmp_path: Path) -> None:
    ledger, again = MemoryLedger(Clock()), MemoryLedger(Clock())
    folder = tmp_path / "j" / "data"

    async def act(journal: Journal) -> Path:
        for number in range(50):
            await call(journal, ledger, f"d{number}", LIMIT, SLIDE)
        await until(lambda: (folder / "snapshot.json").exists())
        for number in range(50, 60):
            await call(journal, ledger, f"d{number}", LIMIT, SLIDE)
            await journal.append(settled(f"d{number - 50}"))
        return crashed(folder, journal)

    copy = in_journal(folder, act, ledger=ledger, snapshot_rows=50, segment_bytes=5000)
    journal = open_journal(copy, again)
    assert journal.recovered.snapshot_seq == 50
    assert journal.recovered.rows == 20
    assert list(journal.recovered.in_flight) == [f"d{number}" for number in range(10, 60)]
    journal.close()
    assert used(again, LIMIT) == used(ledger, LIMIT) == 60
    assert used(again, SLIDE) == used(ledger, SLIDE) == 30


def test_a_snapshot_is_exact_while_calls_are_between_reserving_and_recording(tmp_path: Path) -> None:
    """A reservation whose row is not written yet is no part of it; it would be counted without a row that says so."""
    ledger = MemoryLedger(Clock())
    folder = tmp_path / "j" / "data"

    async def act(journal: Journal) -> Path:
        await ledger.reserve(Caller(), [LIMIT, SLIDE], "not recorded")
        await call(journal, ledger, "recorded", LIMIT, SLIDE)
        await call(journal, ledger, "given back", LIMIT, SLIDE)
        await journal.append(released("given back"))  # and the ledger has not done it yet
        await until(lambda: (folder / "snapshot.json").exists())
        return crashed(folder, journal)

    copy = in_journal(folder, act, ledger=ledger, snapshot_rows=3)
    again = MemoryLedger(Clock())
    journal = open_journal(copy, again)
    assert (journal.recovered.rows, journal.recovered.snapshot_seq) == (0, 3)
    journal.close()
    assert used(again, LIMIT) == 1
    assert used(again, SLIDE) == 0.5


@pytest.mark.parametrize("damage", ["empty", "half", "other state", "other place", "other key", "ahead", "gone"])
def test_a_snapshot_that_cannot_be_trusted_is_not_used(tmp_path: Path, damage: str) -> None:
    ledger, again = MemoryLedger(Clock()), MemoryLedger(Clock())
    folder = tmp_path / "data"
    path = folder / "snapshot.json"

    async def act(journal: Journal) -> None:
        for number in range(5):
            await call(journal, ledger, f"d{number}", LIMIT)
            await journal.append(settled(f"d{number}"))
        await until(path.exists)

    in_journal(folder, act, ledger=ledger, snapshot_rows=10)
    text = path.read_bytes()
    if damage == "empty":
        path.write_bytes(b"")
    elif damage == "half":
        path.write_bytes(text[: len(text) // 2])
    elif damage == "other state":
        path.write_bytes(text.replace(b"5000000", b"1000000"))
    elif damage == "other place":
        path.write_bytes(text.replace(b'"seq":10', b'"seq":9'))
    elif damage == "other key":
        changed = json.loads(text)
        changed["signature"] = "00" * 64
        path.write_text(json.dumps(changed))
    elif damage == "ahead":  # as after a power failure that lost the end of the segment
        segment = files(folder)[0]
        segment.write_bytes(b"".join(segment.read_bytes().splitlines(keepends=True)[:-2]))
    else:
        path.unlink()
    journal = open_journal(folder, again)
    assert journal.recovered.snapshot_seq is None
    assert journal.recovered.rows >= 9
    journal.close()
    assert used(again, LIMIT) == 5


def test_a_snapshot_that_cannot_be_written_costs_no_row(tmp_path: Path) -> None:
    folder = tmp_path / "data"

    async def act(journal: Journal) -> None:
        (folder / "snapshot.json.new").mkdir()
        for number in range(20):
            await write(journal, decided(f"d{number}"))
        assert journal.healthy

    in_journal(folder, act, snapshot_rows=5)
    assert not (folder / "snapshot.json").exists()
    journal = open_journal(folder)
    assert journal.recovered.rows == 21
    journal.close()


def test_a_snapshot_that_cannot_be_begun_costs_no_row(tmp_path: Path) -> None:
    async def act(journal: Journal) -> None:
        await write(journal, decided("first"))
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
        try:
            await write(journal, *(decided(f"d{number}") for number in range(20)))
            assert journal.healthy
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    in_journal(tmp_path / "data", act, snapshot_rows=5)
    assert not (tmp_path / "data" / "snapshot.json").exists()
    assert len(require_chain(tmp_path / "data")) == 22


# -- what is not to be trusted ----------------------------------------------------------------------------------------


def test_a_start_refuses_rows_that_do_not_follow_from_one_another(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    in_journal(folder, lambda journal: write(journal, *(decided(f"d{number}") for number in range(5))))
    path = files(folder)[0]
    lines = path.read_bytes().splitlines(keepends=True)
    for damaged, why in (
        ([*lines[:2], lines[2].replace(b'"tool":"t"', b'"tool":"u"'), *lines[3:]], "hash"),
        ([*lines[:2], *lines[3:]], "follow"),
        ([*lines[:2], b"{}\n", *lines[3:]], "record"),
        ([*lines[:2], b"\n", *lines[2:]], "record"),
        ([*lines[:2], lines[3], lines[2], *lines[4:]], "follow"),
    ):
        path.write_bytes(b"".join(damaged))
        with pytest.raises(ChainBroken, match=f"{path.name}.*{why}"):
            open_journal(folder)
    path.write_bytes(b"".join(lines))
    open_journal(folder).close()


def test_a_torn_segment_that_others_follow_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "data"

    async def act(journal: Journal) -> None:
        for number in range(20):
            await write(journal, decided(f"d{number}"))

    in_journal(folder, act, segment_bytes=3000)
    first = files(folder)[0]
    first.write_bytes(first.read_bytes()[:-10])
    with pytest.raises(ChainBroken, match=first.name):
        open_journal(folder)


def test_two_starts_at_once_do_not_both_write(tmp_path: Path) -> None:
    async def both() -> int:
        results = await asyncio.gather(
            *(asyncio.to_thread(open_journal, tmp_path / "data") for _ in range(2)), return_exceptions=True
        )
        opened = [result for result in results if isinstance(result, Journal)]
        for journal in opened:
            journal.close()
        return len(opened)

    assert run(both()) == 1

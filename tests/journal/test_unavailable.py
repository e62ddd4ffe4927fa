"""A disk that takes no rows: each append fails, nothing of it is in the chain, and it goes on without a restart."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from gatepost.errors import GatepostError
from gatepost.journal import Journal, JournalUnavailable
from gatepost.quota import MemoryLedger
from tests.journal.using import (
    call,
    decided,
    files,
    in_journal,
    open_journal,
    require_chain,
    rows,
    run,
    settled,
    until,
    write,
)
from tests.quota.using import Clock, Use, used

ROOT = Path(__file__).parents[2]


def _may_mount() -> bool:
    command = ["unshare", "-rm", "sh", "-c", "mount -t tmpfs -o size=64k none /mnt"]
    return shutil.which("unshare") is not None and subprocess.run(command, capture_output=True).returncode == 0


async def refused(journal: Journal, *ids: str) -> str:
    """Append rows that must all fail; returns the reason."""
    outcomes = await asyncio.gather(*(journal.append(decided(id)) for id in ids), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [JournalUnavailable] * len(ids)
    assert not journal.healthy
    assert isinstance(outcomes[0], JournalUnavailable)
    return outcomes[0].reason


def kinds(folder: Path) -> list[str]:
    return [row.get("decision_id") or row["kind"] for row in require_chain(folder)]


# -- full -------------------------------------------------------------------------------------------------------------


def full_child(folder: Path, *ballast: str, within: Sequence[str] = ()) -> list[list[str]]:
    """Run the child whose disk fills up; the ids that it prints, a list for each line."""
    command = [*within, sys.executable, "-m", "tests.journal.full_child", str(folder), *ballast]
    child = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert child.returncode == 0, child.stderr
    return [line.split() for line in child.stdout.splitlines()]


# A limit on the size of files cuts a batch in its middle, as a full disk does. Where a file system may be mounted in a
# name space of one's own, the same is done with a small one that really fills up.
@pytest.mark.parametrize("disk", ["limited", *(["small"] if _may_mount() else [])])
def test_a_disk_that_fills_up_loses_no_row_and_keeps_none_that_failed(tmp_path: Path, disk: str) -> None:
    folder = tmp_path / "data"
    if disk == "limited":
        acknowledged, failed, written = full_child(folder)
        told = rows(folder, "recovered")
        assert sum(row["rows_failed"] for row in told) == len(failed)
        assert "File too large" in told[0]["reason"]
    else:
        mounted = ["unshare", "-rm", "sh", "-c", 'mount -t tmpfs -o size=64k none "$0" && exec "$@"', str(tmp_path)]
        acknowledged, failed, written = full_child(folder, str(tmp_path / "ballast"), within=mounted)
    assert written == acknowledged
    assert len(failed) > 20
    assert not set(failed) & set(written)


def test_a_full_disk_at_a_new_segment(tmp_path: Path) -> None:
    """/dev/full answers every write as a full disk does, and cannot be cut."""
    folder = tmp_path / "data"

    async def act(journal: Journal) -> None:
        await write(journal, decided("d1"))
        (folder / "0000000000000002.jsonl").symlink_to("/dev/full")
        assert "No space left" in await refused(journal, "d2", "d3")
        assert not await journal.probe()
        (folder / "0000000000000002.jsonl").unlink()
        assert await journal.probe()
        assert journal.healthy
        await write(journal, decided("d4"))

    in_journal(folder, act, segment_bytes=1)
    assert kinds(folder) == ["d1", "recovered", "d4", "checkpoint"]


def test_outcomes_that_come_while_nothing_can_be_written_are_written_once_it_can(tmp_path: Path) -> None:
    folder = tmp_path / "data"

    async def act(journal: Journal) -> None:
        await write(journal, decided("d1"), decided("d2"))
        (folder / "0000000000000003.jsonl").symlink_to("/dev/full")
        journal.post(settled("d1"))
        assert "No space left" in await refused(journal, "d3")
        journal.post(settled("d2"))
        (folder / "0000000000000003.jsonl").unlink()
        assert await journal.probe()
        await journal.flush()

    in_journal(folder, act, segment_bytes=1)
    told = [(row["kind"], row.get("decision_id"), row.get("carried_out")) for row in require_chain(folder)][2:]
    assert told == [
        ("recovered", None, None),
        ("settled", "d1", True),
        ("settled", "d2", True),
        ("checkpoint", None, None),
    ]
    assert rows(folder, "recovered")[0]["rows_failed"] == 1


# -- gone -------------------------------------------------------------------------------------------------------------


def test_a_deleted_folder_is_noticed_at_the_next_row_and_made_again(tmp_path: Path) -> None:
    folder = tmp_path / "data"

    async def act(journal: Journal) -> None:
        await write(journal, decided("d1"))
        shutil.rmtree(folder)
        await refused(journal, "d2")
        await until(lambda: journal.healthy)  # by itself, within a second
        await write(journal, decided("d3"))

    in_journal(folder, act)
    assert [(row["seq"], row["kind"]) for row in rows(folder)] == [(2, "recovered"), (3, "decided"), (4, "checkpoint")]


def test_a_folder_that_is_moved_away_takes_no_rows_and_may_come_back(tmp_path: Path) -> None:
    folder = tmp_path / "journal" / "data"

    async def act(journal: Journal) -> None:
        await write(journal, decided("d1"))
        (tmp_path / "journal").rename(tmp_path / "away")
        await refused(journal, "d2", "d3")
        assert not await journal.probe()
        assert kinds(tmp_path / "away" / "data") == ["d1"]
        (tmp_path / "away").rename(tmp_path / "journal")
        assert await journal.probe()
        await write(journal, decided("d4"))

    (tmp_path / "journal").mkdir()
    in_journal(folder, act)
    assert kinds(folder) == ["d1", "recovered", "d4", "checkpoint"]


def test_a_folder_in_whose_place_a_file_is(tmp_path: Path) -> None:
    folder = tmp_path / "data"

    async def act(journal: Journal) -> None:
        await write(journal, decided("d1"))
        folder.rename(tmp_path / "away")
        folder.write_text("not a folder")
        await refused(journal, "d2")
        assert not await journal.probe()
        folder.unlink()
        (tmp_path / "away").rename(folder)
        assert await journal.probe()

    in_journal(folder, act)
    assert kinds(folder) == ["d1", "recovered", "checkpoint"]


def test_a_segment_that_somebody_else_empties_or_writes_to_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "data"

    async def act(journal: Journal) -> None:
        await write(journal, decided("d1"))
        files(folder)[0].write_bytes(b"")
        assert "changed by somebody else" in await refused(journal, "d2")
        assert await journal.probe()
        await write(journal, decided("d3"))
        assert [row["seq"] for row in rows(folder)] == [2, 3]

    in_journal(folder, act)


def test_no_file_may_be_opened(tmp_path: Path) -> None:
    """A process that has run out of descriptors fails at a new segment, and goes on when it has some again."""
    folder = tmp_path / "data"

    async def act(journal: Journal) -> None:
        await write(journal, decided("d1"))
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
        try:
            assert "Too many open files" in await refused(journal, "d2")
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert await journal.probe()

    in_journal(folder, act, segment_bytes=1)
    assert kinds(folder) == ["d1", "recovered", "checkpoint"]


# -- in between -------------------------------------------------------------------------------------------------------


def test_while_unhealthy_rows_are_refused_at_once_and_counted(tmp_path: Path) -> None:
    folder = tmp_path / "data"

    async def act(journal: Journal) -> None:
        await write(journal, decided("d1"))
        folder.rename(tmp_path / "away")
        await refused(journal, "d2")
        for number in range(5):
            signal = journal.append(decided(f"e{number}"))
            assert signal.done
            with pytest.raises(JournalUnavailable):
                await signal
        (tmp_path / "away").rename(folder)
        assert await journal.probe()
        assert await journal.probe()

    in_journal(folder, act)
    assert [row["rows_failed"] for row in rows(folder, "recovered")] == [6]


def test_a_failed_row_that_nobody_waits_for_is_not_reported_by_the_loop(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    reported: list[object] = []

    async def act(journal: Journal) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
        await write(journal, decided("d1"))
        shutil.rmtree(folder)
        journal.append(decided("d2"))
        await until(lambda: not journal.healthy)

    in_journal(folder, act)
    assert reported == []


def test_an_error_that_nobody_foresaw_is_told_to_who_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "data"

    def fails(*_: object) -> int:
        monkeypatch.undo()
        raise MemoryError

    async def act(journal: Journal) -> None:
        await write(journal, decided("d1"))
        monkeypatch.setattr(os, "write", fails)
        assert "MemoryError" in await refused(journal, "d2")
        assert await journal.probe()

    in_journal(folder, act)
    assert kinds(folder) == ["d1", "recovered", "checkpoint"]


def test_a_call_whose_row_failed_is_no_part_of_the_counters_after_a_restart(tmp_path: Path) -> None:
    folder, limit = tmp_path / "data", Use("c", "day", max=100)
    ledger, again = MemoryLedger(Clock()), MemoryLedger(Clock())

    async def act(journal: Journal) -> None:
        await call(journal, ledger, "d1", limit)
        folder.rename(tmp_path / "away")
        with pytest.raises(JournalUnavailable):
            await call(journal, ledger, "d2", limit)
        assert await ledger.release("d2")
        (tmp_path / "away").rename(folder)
        assert await journal.probe()
        await call(journal, ledger, "d3", limit)

    in_journal(folder, act, ledger=ledger)
    open_journal(folder, again).close()
    assert used(again, limit) == used(ledger, limit) == 2


def test_a_journal_that_cannot_start_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(GatepostError) as refusal:
        open_journal(tmp_path / "file" / "data")
    assert refusal.value.code == "GP-5003"


def test_what_failed_half_way_and_could_not_be_cut_is_cut_at_the_next_start(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    in_journal(folder, lambda journal: write(journal, decided("d1")))
    with files(folder)[0].open("ab") as file:
        file.write(b'{"approval_id":null,"argum')
    assert run(_reopened(folder)) == 26
    assert "recovered" in kinds(folder)


async def _reopened(folder: Path) -> int:
    journal = open_journal(folder)
    await write(journal, decided("d2"))
    journal.close()
    return journal.recovered.bytes_cut

"""`gatepost journal`: old segments go, whole, with a record that says so, whether or not `serve` runs."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from gatepost.journal import Journal
from gatepost.journal.rows import timestamp
from gatepost.keys import Keyring
from gatepost.quota import MemoryLedger
from tests.cli.program import Program
from tests.cli.serving import eventually, serving
from tests.journal.using import decided, files, in_journal, rows, settled, until, write

DAY = 86400.0


@pytest.fixture
def old(ready: Program, monkeypatch: pytest.MonkeyPatch) -> Program:
    """An installation with calls of the last ten days, a segment for each, and a snapshot at the end."""
    monkeypatch.setattr("tests.journal.using.KEYS", Keyring.open(ready.data / "keys"))
    now = time.time()
    folder = ready.data / "journal" / "data"

    async def act(journal: Journal) -> None:
        for day in range(10):
            at = timestamp(now - (9.5 - day) * DAY)
            await write(journal, decided(f"d{day}", time=at), settled(f"d{day}", time=at))
        await until((folder / "snapshot.json").exists)

    in_journal(folder, act, ledger=MemoryLedger(), segment_bytes=1, clock=time.time, snapshot_rows=20)
    return ready


def calls(gatepost: Program) -> list[str]:
    return [row["decision_id"] for row in rows(gatepost.data / "journal" / "data", "decided")]


def verified(gatepost: Program) -> dict[str, Any]:
    found = gatepost.read("log", "verify")
    assert found["ok"] is True, found
    return dict(found)


def test_what_is_set_is_kept_shown_and_recorded(old: Program) -> None:
    assert "Set: everything is kept." in old.quick("journal", "retention").out
    ran = old("journal", "retention", "--max-age", "90d", "--max-bytes", "20GB")
    assert "rows are kept for 90 days and each chain keeps 20.0 GB" in ran.out
    assert old.quick("journal", "retention", "--max-bytes", "none").code == 0
    shown = old.read("journal", "retention")
    assert shown["set"] == {"max_age": 90 * 86400, "max_bytes": None}
    assert shown["serve"] is None
    assert {chain["chain"]: chain["segments"] for chain in shown["chains"]} == {"admin": 1, "data": 11}
    acts = [row for row in rows(old.data / "journal" / "admin") if row.get("action") == "journal.retention"]
    assert [row["after"]["max_bytes"] for row in acts] == [20_000_000_000, None]


@pytest.mark.parametrize(
    ("bound", "code"), [(["--max-age", "soon"], 2), (["--max-bytes", "much"], 2), (["--max-age", "0s"], 1)]
)
def test_a_bound_that_is_none_is_refused_and_changes_nothing(old: Program, bound: list[str], code: int) -> None:
    ran = old.quick("journal", "retention", *bound)
    assert ran.code == code
    assert code == 2 or "error GP-4005: " in ran.err
    assert old.read("journal", "retention")["set"] == {"max_age": None, "max_bytes": None}


def test_compacting_removes_whole_segments_and_the_rest_verifies(old: Program) -> None:
    assert old.quick("log", "show").code == 0  # makes the index
    before = calls(old)
    dry = old.read("journal", "compact", "--max-age", "5d", "--dry-run")
    assert calls(old) == before
    done = old.read("journal", "compact", "--max-age", "5d")
    assert done["removed"] == dry["removed"]
    (removed,) = done["removed"]
    assert (removed["chain"], removed["first_seq"], removed["reason"]) == ("data", 1, "age")
    assert calls(old) == before[5:]
    verified(old)
    (told,) = rows(old.data / "journal" / "admin", "retention")
    assert told["last_seq"] == removed["last_seq"]
    assert len([row for row in old.read("log", "show") if row["kind"] == "decided"]) == 5
    assert "No whole segment" in old.quick("journal", "compact", "--max-age", "5d").out


def test_what_is_set_counts_where_nothing_is_named(old: Program) -> None:
    ran = old.quick("journal", "compact")
    assert ran.code == 2
    assert "Nothing is set" in ran.err
    assert old.quick("journal", "retention", "--max-age", "5d").code == 0
    assert old.read("journal", "compact")["removed"][0]["chain"] == "data"


def test_a_running_serve_applies_what_is_set_at_once_and_compacts_through_its_worker(old: Program) -> None:
    with serving(old):
        ran = old("journal", "retention", "--max-age", "8d")
        assert ran.code == 0
        eventually(lambda: len(calls(old)) == 8)
        done = old.read("journal", "compact", "--max-age", "5d")
        assert done["removed"][0]["reason"] == "age"
        assert len(calls(old)) == 5
        verified(old)
        assert len([row for row in old.read("log", "show") if row["kind"] == "decided"]) == 5
    with serving(old):
        verified(old)


def test_what_serve_was_started_with_goes_before_what_is_set(old: Program) -> None:
    assert old.quick("journal", "retention", "--max-age", "8d").code == 0
    with serving(old, env={"GATEPOST_LOG_MAX_AGE": "9d"}):
        eventually(lambda: len(calls(old)) == 9)
        shown = old.read("journal", "retention")
        assert shown["serve"]["in_force"]["max_age"] == 9 * 86400
        assert "started with: rows are kept for 9 days" in old.quick("journal", "retention").out


def test_the_worker_survives_a_log_that_it_cannot_remove_from(old: Program) -> None:
    """A segment that does not end in a record, and an admin chain that cannot be gone on with."""
    assert old.quick("journal", "retention", "--max-age", "5d").code == 0
    with serving(old) as running:
        worker = running.children()["worker"]
        eventually(lambda: len(calls(old)) == 5)
        first = files(old.data / "journal" / "data")[0]
        whole = first.read_bytes()
        first.write_bytes(whole[:-20] + b"\n")
        ran = old.quick("journal", "compact", "--max-age", "1d")
        assert ran.code == 1
        assert "error GP-5002: The record chain is broken at data" in ran.err
        first.write_bytes(whole)
        admin = files(old.data / "journal" / "admin")[-1]
        kept = admin.read_bytes()
        admin.write_bytes(kept[:-20] + b"}\n")
        assert "error GP-5002" in old.quick("journal", "compact", "--max-age", "1d").err
        admin.write_bytes(kept)
        assert len(calls(old)) == 5
        assert old.quick("journal", "compact", "--max-age", "1d").code == 0
        assert running.children()["worker"] == worker
        verified(old)


def test_the_log_of_a_folder_that_only_run_has_used_is_bounded_and_exported_too(old: Program, tmp_path: Path) -> None:
    for file in old.data.glob("store.db*"):
        file.unlink()
    shutil.rmtree(old.data / "journal" / "admin")
    before = calls(old)
    assert old.quick("journal", "compact", "--max-age", "5d").code == 0
    assert calls(old) == before[5:]
    assert old.quick("journal", "retention", "--max-age", "5d").code == 0
    assert old.quick("export-data", str(tmp_path / "all.tar.gz")).code == 0
    verified(old)


def test_a_folder_without_an_installation_is_said(gatepost: Program, tmp_path: Path) -> None:
    assert "GP-5003" in gatepost.quick("journal", "retention").err
    assert "GP-5003" in gatepost.quick("journal", "compact", "--max-age", "1d").err

"""Rows as they are written: one write a turn, in one chain, in canonical JSON."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

from gatepost.errors import GatepostError
from gatepost.journal import Journal, JournalUnavailable
from gatepost.journal.calls import OPEN, Decided, Settled
from tests.journal.using import (
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
from tests.quota.using import Clock


def test_rows_are_chained_in_the_order_of_their_append(tmp_path: Path) -> None:
    async def act(journal: Journal) -> None:
        for number in range(20):
            await write(journal, decided(f"d{number}"), settled(f"d{number}"))

    in_journal(tmp_path / "data", act)
    written = require_chain(tmp_path / "data")
    assert [row["decision_id"] for row in written if row["kind"] == "decided"] == [f"d{number}" for number in range(20)]
    assert {row["chain"] for row in written} == {"data"}


def test_all_rows_of_a_turn_go_out_in_one_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writes: list[int] = []
    real = os.write

    def counted(fd: int, data: bytes) -> int:
        writes.append(bytes(data).count(b"\n"))
        return real(fd, data)

    async def act(journal: Journal) -> None:
        monkeypatch.setattr(os, "write", counted)
        await asyncio.gather(*(write(journal, decided(f"d{number}")) for number in range(64)))
        monkeypatch.undo()

    in_journal(tmp_path / "data", act)
    assert writes == [64]


def test_a_row_is_in_the_file_when_its_future_has_resolved(tmp_path: Path) -> None:
    async def act(journal: Journal) -> None:
        future = journal.append(decided("d1"))
        assert journal.pending == 1
        assert rows(tmp_path / "data") == []
        await future
        assert [row["decision_id"] for row in rows(tmp_path / "data")] == ["d1"]
        assert (journal.pending, journal.seq) == (0, 1)

    in_journal(tmp_path / "data", act)


@pytest.mark.parametrize(
    "text",
    [
        "".join(map(chr, range(0x20))),
        "\x7f\x80\x9f\u2028\u2029\ufeff",
        "\"\\/<>&'",
        "\u00e9\u4e2d\U0001f600\ue000",
        '","hash":"' + "0" * 64 + '",',
        '\\"hash\\":\\"x\\",',
        "line\nbreak\r\n",
    ],
)
def test_rows_are_canonical_whatever_a_text_holds(tmp_path: Path, text: str) -> None:
    """RFC 8785, section 3.2.2.2: short escapes, lower-case \\u00xx for other controls, everything else as it is."""
    in_journal(tmp_path / "data", lambda journal: write(journal, decided("d1", message=text), decided("d2")))
    written = require_chain(tmp_path / "data")
    assert written[0]["message"] == text
    assert len(files(tmp_path / "data")[0].read_bytes().splitlines()) == len(written)


def test_the_rows_of_a_call_are_the_same_from_either_form_of_record(tmp_path: Path) -> None:
    own = {"chain": "", "prev": "", "seq": 0, "hash": OPEN}
    records = [decided("d1", limits=[{"after": "1", "window": "minute"}]), settled("d1")]
    in_journal(tmp_path / "dicts" / "data", lambda journal: write(journal, *[dict(record) for record in records]))
    structs = [Decided(**records[0], **own), Settled(**records[1], **own)]
    in_journal(tmp_path / "structs" / "data", lambda journal: write(journal, *structs))
    lines = [files(tmp_path / form / "data")[0].read_bytes().splitlines() for form in ("dicts", "structs")]
    assert lines[0][:2] == lines[1][:2]
    assert len(lines[0][:2]) == 2


def test_the_journal_fills_in_version_id_and_time(tmp_path: Path) -> None:
    in_journal(tmp_path / "data", lambda journal: write(journal, {"kind": "drift", "server": "s"}))
    row = rows(tmp_path / "data")[0]
    assert (row["v"], row["time"]) == (1, "2026-11-21T12:00:00.000000Z")
    assert row["id"]


@pytest.mark.parametrize("value", ["\ud800", object(), {1j: 1}, {"a": {"b": {object()}}}])
def test_a_record_without_a_json_form_fails_alone(tmp_path: Path, value: Any) -> None:
    async def act(journal: Journal) -> None:
        before, bad, after = (
            journal.append(decided("d1")),
            journal.append(decided("d2", message=value)),
            journal.append(decided("d3")),
        )
        await before
        await after
        with pytest.raises(JournalUnavailable):
            await bad
        assert journal.healthy

    in_journal(tmp_path / "data", act)
    assert [row["decision_id"] for row in require_chain(tmp_path / "data") if row["kind"] == "decided"] == ["d1", "d3"]


def test_a_caller_that_stops_waiting_does_not_take_its_row_back(tmp_path: Path) -> None:
    async def act(journal: Journal) -> None:
        asyncio.ensure_future(journal.append(decided("d1"))).cancel()
        await journal.append(decided("d2"))

    in_journal(tmp_path / "data", act)
    assert [row["decision_id"] for row in require_chain(tmp_path / "data") if row["kind"] == "decided"] == ["d1", "d2"]


def test_what_is_queued_is_written_at_the_end(tmp_path: Path) -> None:
    async def act(journal: Journal) -> None:
        journal.append(decided("d1"))

    in_journal(tmp_path / "data", act)
    assert [row["kind"] for row in require_chain(tmp_path / "data")] == ["decided", "checkpoint"]


def test_after_the_end_nothing_is_taken(tmp_path: Path) -> None:
    async def closed() -> None:
        journal = open_journal(tmp_path / "data")
        journal.close()
        journal.close()
        assert not journal.healthy
        with pytest.raises(JournalUnavailable):
            await journal.append(decided("d1"))
        assert not await journal.probe()

    run(closed())


def test_one_process_writes_a_chain(tmp_path: Path) -> None:
    journal = open_journal(tmp_path / "data")
    with pytest.raises(GatepostError) as refused:
        open_journal(tmp_path / "data")
    assert refused.value.code == "GP-6002"
    journal.close()
    open_journal(tmp_path / "data").close()


def test_only_the_owner_may_read(tmp_path: Path) -> None:
    in_journal(tmp_path / "data", lambda journal: write(journal, decided("d1")))
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "data").iterdir()} == {0o600}


# -- segments and checkpoints -----------------------------------------------------------------------------------------


def test_a_segment_that_is_large_enough_is_followed_by_another(tmp_path: Path) -> None:
    async def act(journal: Journal) -> None:
        for number in range(30):
            await write(journal, decided(f"d{number}"))

    in_journal(tmp_path / "data", act, segment_bytes=4000)
    names = [path.name for path in files(tmp_path / "data")]
    assert len(names) > 3
    first = [json.loads(path.read_bytes().splitlines()[0])["seq"] for path in files(tmp_path / "data")]
    assert names == [f"{seq:016d}.jsonl" for seq in first]
    require_chain(tmp_path / "data")


def test_a_segment_that_is_old_enough_is_followed_by_another(tmp_path: Path) -> None:
    clock = Clock()

    async def act(journal: Journal) -> None:
        for number in range(5):
            clock.now += 86400 / 2
            await write(journal, decided(f"d{number}"))

    in_journal(tmp_path / "data", act, clock=clock)
    assert len(files(tmp_path / "data")) == 3
    require_chain(tmp_path / "data")


def test_a_checkpoint_follows_after_so_many_rows(tmp_path: Path) -> None:
    async def act(journal: Journal) -> None:
        for number in range(25):
            await write(journal, decided(f"d{number}"))

    in_journal(tmp_path / "data", act, checkpoint_rows=10)
    kinds = [row["kind"] for row in require_chain(tmp_path / "data")]
    assert [at for at, kind in enumerate(kinds) if kind == "checkpoint"] == [10, 21, 27]
    assert [row["rows"] for row in rows(tmp_path / "data", "checkpoint")] == [10, 10, 5]


def test_a_checkpoint_follows_after_so_many_seconds(tmp_path: Path) -> None:
    async def act(journal: Journal) -> None:
        await write(journal, decided("d1"))
        await until(lambda: len(rows(tmp_path / "data", "checkpoint")) == 1)
        await write(journal, decided("d2"))
        await until(lambda: len(rows(tmp_path / "data", "checkpoint")) == 2)

    in_journal(tmp_path / "data", act, checkpoint_seconds=0.05)
    kinds = [row["kind"] for row in require_chain(tmp_path / "data")]
    assert kinds == ["decided", "checkpoint"] * 2, "a chain at rest needs no further checkpoint"


def test_full_sync_forces_each_batch_to_the_disk_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    real = os.fdatasync

    def counted(fd: int) -> None:
        real(fd)
        synced.append(len(rows(tmp_path / "data")))

    async def act(journal: Journal) -> None:
        monkeypatch.setattr(os, "fdatasync", counted)
        for number in range(3):
            await write(journal, decided(f"d{number}"), settled(f"d{number}"))
            assert synced == [2, 4, 6][: number + 1], "before anybody is told that it is written"
        monkeypatch.undo()

    in_journal(tmp_path / "data", act, sync="full", segment_bytes=3000)
    require_chain(tmp_path / "data")

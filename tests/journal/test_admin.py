"""The chain of administrative acts: from any process, one at a time, on the disk when it returns."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gatepost.errors import GatepostError
from gatepost.journal import JournalUnavailable, append_acts, append_admin
from tests.journal.using import KEYS, files, open_journal, require_chain, rows

ROOT = Path(__file__).parents[2]


def act(number: int, **changes: Any) -> dict[str, Any]:
    return {"id": f"a{number}", "actor": "ann", "action": "grant.add", "object": "laptop", "before": None, **changes}


def child(folder: Path, name: str, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.journal.admin_child", str(folder), name, str(count)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def ids(folder: Path) -> list[str]:
    return [row["id"] for row in require_chain(folder) if row["kind"] == "admin"]


def test_each_act_is_followed_by_a_signed_checkpoint(tmp_path: Path) -> None:
    append_admin(tmp_path / "admin", KEYS, act(1))
    append_acts(tmp_path / "admin", KEYS, [act(2), act(3)])
    kinds = [row["kind"] for row in require_chain(tmp_path / "admin")]
    assert kinds == ["admin", "checkpoint", "admin", "admin", "checkpoint"]
    assert [row["rows"] for row in rows(tmp_path / "admin", "checkpoint")] == [1, 2]
    assert {row["chain"] for row in rows(tmp_path / "admin")} == {"admin"}


def test_processes_that_append_at_once_make_one_chain(tmp_path: Path) -> None:
    children = [child(tmp_path / "admin", name, 25) for name in "abcd"]
    for process in children:
        process.communicate(timeout=60)
        assert process.returncode == 0
    assert sorted(ids(tmp_path / "admin")) == sorted(f"{name}-{number}" for name in "abcd" for number in range(25))


def test_an_act_that_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    said: list[str] = []
    for name in "abc":
        process = child(tmp_path / "admin", name, 10_000)
        assert process.stdout is not None
        said += [process.stdout.readline().strip() for _ in range(10)]
        process.kill()
        said += [line.strip() for line in process.communicate()[0].splitlines(keepends=True) if line.endswith("\n")]
    append_admin(tmp_path / "admin", KEYS, act(1))
    assert set(said) <= set(ids(tmp_path / "admin"))
    assert len(set(ids(tmp_path / "admin"))) == len(ids(tmp_path / "admin"))


def test_an_act_that_is_repeated_by_its_id_is_written_once(tmp_path: Path) -> None:
    append_acts(tmp_path / "admin", KEYS, [act(1), act(2)])
    append_acts(tmp_path / "admin", KEYS, [act(1), act(2), act(3)])
    append_acts(tmp_path / "admin", KEYS, [act(3)])
    assert ids(tmp_path / "admin") == ["a1", "a2", "a3"]


def test_a_torn_end_is_cut_off_and_told_of(tmp_path: Path) -> None:
    folder = tmp_path / "admin"
    append_admin(folder, KEYS, act(1))
    with files(folder)[0].open("ab") as file:
        file.write(b'{"action":"gr')
    append_admin(folder, KEYS, act(2))
    assert ids(folder) == ["a1", "a2"]
    assert [row["bytes_cut"] for row in rows(folder, "recovered")] == [13]


def test_segments_of_the_admin_chain_are_followed_by_others(tmp_path: Path) -> None:
    for number in range(10):
        append_acts(tmp_path / "admin", KEYS, [act(number)], segment_bytes=1000)
    assert len(files(tmp_path / "admin")) > 2
    assert ids(tmp_path / "admin") == [f"a{number}" for number in range(10)]


def test_a_served_chain_is_gone_on_with(tmp_path: Path) -> None:
    """An admin chain can be opened as any other, and waits for whoever has it open."""
    journal = open_journal(tmp_path / "admin")
    journal.close()
    append_admin(tmp_path / "admin", KEYS, act(1))
    assert ids(tmp_path / "admin") == ["a1"]


@pytest.mark.parametrize(
    "bad", [{"after": {"é": 1}}, {"after": [{"ü": 1}]}, {"after": {1: 2}}, {"after": object()}, {"object": "\ud800"}]
)
def test_an_act_without_a_canonical_form_is_refused_and_nothing_is_appended(tmp_path: Path, bad: Any) -> None:
    append_admin(tmp_path / "admin", KEYS, act(1))
    with pytest.raises((ValueError, TypeError)):
        append_acts(tmp_path / "admin", KEYS, [act(2), act(3, **bad)])
    assert ids(tmp_path / "admin") == ["a1"]


def test_a_folder_that_is_not_usable_is_an_error_with_its_code(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(GatepostError) as refused:
        append_admin(tmp_path / "file" / "admin", KEYS, act(1))
    assert refused.value.code == "GP-5003"


def test_an_act_that_finds_the_disk_full_is_not_in_the_chain(tmp_path: Path) -> None:
    folder = tmp_path / "admin"
    append_admin(folder, KEYS, act(1))
    (folder / "0000000000000003.jsonl").symlink_to("/dev/full")
    with pytest.raises(JournalUnavailable):
        append_admin(folder, KEYS, act(2))
    (folder / "0000000000000003.jsonl").unlink()
    append_admin(folder, KEYS, act(2))
    assert ids(folder) == ["a1", "a2"]

"""Exports verify away from the installation; what is done to them afterwards is found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gatepost.audit import Filter, export_jsonl, verify_export
from tests.audit.using import lines_of, make_journal
from tests.journal.using import KEYS, Keys
from tests.quota.using import NOON

PUBLIC = KEYS.verify_key


def export(journal: Path, narrowed: Filter | None = None) -> Path:
    path = journal.parent / "export.jsonl"
    with path.open("wb") as out:
        export_jsonl(journal, out, narrowed, signer=KEYS)
    return path


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return make_journal(tmp_path)


def test_an_export_holds_the_journals_own_lines_and_verifies(journal: Path) -> None:
    path = export(journal)
    lines = path.read_bytes().splitlines(keepends=True)
    assert lines == lines_of(journal / "admin") + lines_of(journal / "data")
    found = verify_export(path, PUBLIC)
    assert (found.ok, found.rows, found.notes) == (True, len(lines), [])
    assert [chain.chain for chain in found.chains] == ["admin", "data"]


def test_a_span_of_time_verifies_and_says_that_it_begins_in_the_middle(journal: Path) -> None:
    path = export(journal, Filter(since=NOON + 10, until=NOON + 20))
    calls = [json.loads(line) for line in path.read_bytes().splitlines()]
    assert [row["decision_id"] for row in calls if row["kind"] == "decided"] == [f"d{n:04}" for n in range(10, 20)]
    found = verify_export(path, PUBLIC)
    assert found.ok
    assert "begins with row" in found.notes[0]


def test_each_line_that_is_taken_out_is_noticed(journal: Path) -> None:
    path = export(journal)
    lines = path.read_bytes().splitlines(keepends=True)
    for at in range(len(lines)):
        path.write_bytes(b"".join(lines[:at] + lines[at + 1 :]))
        found = verify_export(path, PUBLIC)
        ends_of_chains = (0, 5, 6, len(lines) - 1)  # an export may begin and end anywhere
        if at not in ends_of_chains:
            assert found.first_bad is not None, at
            assert found.first_bad.line == at + 1
            assert "missing" in found.first_bad.why


def test_lines_in_another_order_are_noticed(journal: Path) -> None:
    path = export(journal)
    lines = path.read_bytes().splitlines(keepends=True)
    lines[20], lines[21] = lines[21], lines[20]
    path.write_bytes(b"".join(lines))
    found = verify_export(path, PUBLIC)
    assert found.first_bad is not None
    assert (found.first_bad.line, "out of order" in found.first_bad.why) == (21, True)


def test_a_changed_line_is_named_with_file_line_and_number(journal: Path) -> None:
    path = export(journal)
    lines = path.read_bytes().splitlines(keepends=True)
    lines[20] = lines[20].replace(b'"chain":"data"', b'"chain":"dato"')
    path.write_bytes(b"".join(lines))
    found = verify_export(path, PUBLIC)
    assert found.first_bad is not None
    assert found.first_bad[:2] == ("export.jsonl", 21)


def test_the_key_is_what_makes_it_worth_something(journal: Path) -> None:
    path = export(journal)
    assert not verify_export(path, Keys(b"x" * 32).verify_key).ok
    assert "No public key" in verify_export(path).notes[-1]


def test_an_export_that_is_cut_off_in_a_line(journal: Path) -> None:
    path = export(journal)
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    found = verify_export(path, PUBLIC)
    assert found.first_bad is not None
    assert found.first_bad.line == whole.count(b"\n")
    assert "cut off" in found.first_bad.why
    path.write_bytes(b"half a line")
    assert not verify_export(path, PUBLIC).ok


def test_an_empty_export_holds(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    assert verify_export(tmp_path / "empty", PUBLIC).ok


# -- narrowed ---------------------------------------------------------------------------------------------------------


def test_a_narrowed_export_has_the_matching_calls_with_their_outcomes_and_verifies(journal: Path) -> None:
    path = export(journal, Filter(grant="g1", decision="allow"))
    *rows, trailer = [json.loads(line) for line in path.read_bytes().splitlines()]
    decided = [row for row in rows if row["kind"] == "decided"]
    assert {(row["grant"], row["decision"]) for row in decided} == {("g1", "allow")}
    assert len(decided) == len([row for row in rows if row["kind"] == "settled"]) == 10
    assert (trailer["kind"], trailer["rows"], trailer["filter"]) == ("export", 20, {"grant": "g1", "decision": "allow"})
    found = verify_export(path, PUBLIC)
    assert (found.ok, found.rows) == (True, 20)
    assert "narrowed" in found.notes[0]


def test_whatever_is_done_to_a_narrowed_export_is_noticed(journal: Path) -> None:
    path = export(journal, Filter(grant="g1"))
    lines = path.read_bytes().splitlines(keepends=True)
    for at in range(len(lines)):
        path.write_bytes(b"".join(lines[:at] + lines[at + 1 :]))
        assert not verify_export(path, PUBLIC).ok, at
    for at in range(len(lines) - 2):
        path.write_bytes(b"".join([*lines[:at], lines[at + 1], lines[at], *lines[at + 2 :]]))
        assert not verify_export(path, PUBLIC).ok, at
    whole = b"".join(lines)
    for at in range(0, len(whole), 41):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert not verify_export(path, PUBLIC).ok, at


def test_a_trailer_that_somebody_else_made_is_not_believed(journal: Path) -> None:
    path = journal.parent / "export.jsonl"
    with path.open("wb") as out:
        export_jsonl(journal, out, Filter(grant="g1"), signer=Keys(b"x" * 32))
    found = verify_export(path, PUBLIC)
    assert found.first_bad is not None
    assert "another key" in found.first_bad.why


def test_an_export_in_which_nothing_matched_holds(journal: Path) -> None:
    path = export(journal, Filter(grant="nobody"))
    found = verify_export(path, PUBLIC)
    assert (found.ok, found.rows) == (True, 0)

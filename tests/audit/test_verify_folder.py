"""Whatever is done to a journal afterwards is found, and the first bad record is named."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from gatepost.audit import Verification, verify_folder
from gatepost.journal import Journal, append_admin
from gatepost.journal.retention import apply
from tests.audit.using import make_journal
from tests.journal.using import KEYS, Keys, decided, files, in_journal, open_journal, rows, run, settled, write
from tests.quota.using import NOON

PUBLIC = KEYS.verify_key


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return make_journal(tmp_path)


def change(path: Path, edit: Callable[[list[bytes]], object]) -> None:
    """Edit the lines of a segment in place."""
    lines = path.read_bytes().splitlines(keepends=True)
    edit(lines)
    path.write_bytes(b"".join(lines))


def rehashed(line: bytes, **changes: object) -> bytes:
    """The line of a row with other members and a hash that fits: what somebody does who knows the format."""
    row = {**json.loads(line), **changes}
    row.pop("hash")
    text = json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    row["hash"] = hashlib.sha256(text.encode()).hexdigest()
    return json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def rechain(folder: Path, seq: int, **changes: object) -> None:
    """Change a row and make every later row follow from it."""
    prev = None
    for path in files(folder):
        lines = path.read_bytes().splitlines(keepends=True)
        for at, line in enumerate(lines):
            row = json.loads(line)
            if row["seq"] == seq:
                lines[at] = rehashed(line, **changes)
            elif prev is not None:
                lines[at] = rehashed(line, prev=prev)
            else:
                continue
            prev = json.loads(lines[at])["hash"]
        path.write_bytes(b"".join(lines))


def test_a_journal_as_it_was_written_holds(journal: Path) -> None:
    found = verify_folder(journal, PUBLIC)
    assert (found.ok, found.first_bad, found.notes) == (True, None, [])
    assert found.rows == len(rows(journal / "data")) + len(rows(journal / "admin"))
    data, admin = found.chains
    assert (data.chain, data.first, data.last, data.unsigned) == ("data", 1, len(rows(journal / "data")), 0)
    assert data.checkpoints == len(rows(journal / "data", "checkpoint")) > 2
    assert data.hash == rows(journal / "data")[-1]["hash"]
    assert admin.checkpoints == 3


def test_one_chain_can_be_verified_by_itself(journal: Path) -> None:
    assert verify_folder(journal / "data", PUBLIC).ok
    assert verify_folder(journal / "admin", PUBLIC).ok


def test_where_there_is_no_journal_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        verify_folder(tmp_path, PUBLIC)
    with pytest.raises(FileNotFoundError):
        verify_folder(tmp_path / "nothing", PUBLIC)


def test_any_byte_of_a_segment_that_is_changed_is_found_in_its_line(tmp_path: Path) -> None:
    journal = make_journal(tmp_path, 1, acts=0)
    (path,) = files(journal / "data")
    whole = path.read_bytes()
    random = Random(3)
    for at in range(len(whole)):
        changed = bytearray(whole)
        changed[at] ^= 1 << random.randrange(8)
        path.write_bytes(bytes(changed))
        found = verify_folder(journal / "data", PUBLIC)
        assert not found.ok, at
        assert found.first_bad is not None
        line = whole.count(b"\n", 0, at) + 1
        assert found.first_bad.file == path.name
        assert found.first_bad.line == line, (at, found.first_bad)
    path.write_bytes(whole)
    assert verify_folder(journal / "data", PUBLIC).ok


def test_a_changed_row_is_named(journal: Path) -> None:
    path = files(journal / "data")[1]
    change(path, lambda lines: lines.__setitem__(4, lines[4].replace(b'"v":1', b'"v":2')))
    found = verify_folder(journal, PUBLIC)
    assert found.first_bad is not None
    file, line, seq, why = found.first_bad
    assert (file, line) == (path.name, 5)
    assert seq == int(path.stem) + 4
    assert why == "its hash does not fit its content"


def test_a_changed_row_with_a_new_hash_is_found_at_the_next(journal: Path) -> None:
    path = files(journal / "data")[1]
    change(path, lambda lines: lines.__setitem__(4, rehashed(lines[4], rule="other")))
    found = verify_folder(journal, PUBLIC)
    assert found.first_bad is not None
    assert (found.first_bad.file, found.first_bad.line) == (path.name, 6)
    assert "previous hash" in found.first_bad.why


def test_a_chain_that_was_made_anew_from_a_row_on_is_found_at_the_next_checkpoint(journal: Path) -> None:
    rechain(journal / "data", 30, rule="other")
    found = verify_folder(journal, PUBLIC)
    assert found.first_bad is not None
    checkpoint = next(row for row in rows(journal / "data", "checkpoint") if row["seq"] > 30)
    assert found.first_bad.seq == checkpoint["seq"]
    assert "signature" in found.first_bad.why


def test_checkpoints_of_another_key_are_found(journal: Path) -> None:
    found = verify_folder(journal, Keys(b"x" * 32).verify_key)
    assert found.first_bad is not None
    assert found.first_bad.seq == rows(journal / "data", "checkpoint")[0]["seq"]
    assert "another key" in found.first_bad.why


def test_without_a_key_it_says_what_that_means(journal: Path) -> None:
    found = verify_folder(journal)
    assert found.ok
    assert "No public key" in found.notes[0]
    rechain(journal / "data", 30, rule="other")
    assert not verify_folder(journal).ok


@pytest.mark.parametrize(
    ("edit", "line", "why"),
    [
        (lambda lines: lines.pop(3), 4, "missing before it"),
        (lambda lines: lines.insert(3, lines[2]), 4, "there twice"),
        (lambda lines: lines.insert(4, lines[1]), 5, "out of order"),
        (lambda lines: lines.insert(3, lines.pop(4)), 4, "out of order"),
        (lambda lines: lines.insert(3, b"\n"), 4, "not a record"),
        (lambda lines: lines.insert(3, b"null\n"), 4, "not a record"),
        (lambda lines: lines.insert(3, b'{"note":"hello"}\n'), 4, "not a record"),
        (lambda lines: lines.insert(3, b"[" * 5000 + b"]" * 5000 + b"\n"), 4, "not a record"),
        (lambda lines: lines.__setitem__(3, lines[3][:-1] + b"\r\n"), 4, "hash"),
        (lambda lines: lines.__setitem__(3, lines[3].replace(b",", b", ", 1)), 4, "hash"),
    ],
    ids=["removed", "doubled", "repeated", "swapped", "empty", "null", "foreign", "nested", "crlf", "spaced"],
)
def test_lines_that_are_removed_added_or_moved(
    journal: Path, edit: Callable[[list[bytes]], object], line: int, why: str
) -> None:
    path = files(journal / "data")[1]
    change(path, edit)
    found = verify_folder(journal, PUBLIC)
    assert found.first_bad is not None
    assert (found.first_bad.file, found.first_bad.line) == (path.name, line)
    assert why in found.first_bad.why


def test_a_row_of_another_chain_is_found(journal: Path) -> None:
    row = files(journal / "admin")[0].read_bytes().splitlines(keepends=True)[0]
    change(files(journal / "data")[0], lambda lines: lines.__setitem__(0, row))
    found = verify_folder(journal, PUBLIC)
    assert found.first_bad is not None
    assert "chain admin" in found.first_bad.why


@pytest.mark.parametrize("which", [0, 2], ids=["the first", "one in the middle"])
def test_a_deleted_segment_without_a_retention_row_is_found(journal: Path, which: int) -> None:
    gone = files(journal / "data")[which]
    following = files(journal / "data")[which + 1]
    gone.unlink()
    found = verify_folder(journal, PUBLIC)
    assert found.first_bad is not None
    assert (found.first_bad.file, found.first_bad.line) == (following.name, 1)
    assert f"rows {int(gone.stem)} to {int(following.stem) - 1} are missing" in found.first_bad.why


def test_a_renamed_segment_is_found(journal: Path) -> None:
    last = files(journal / "data")[-1]
    last.rename(last.with_name("0000000000009999.jsonl"))
    found = verify_folder(journal, PUBLIC)
    assert found.first_bad is not None
    assert "should begin with row 9999" in found.first_bad.why


# -- the end ----------------------------------------------------------------------------------------------------------


def test_a_line_that_is_cut_off_is_found(journal: Path) -> None:
    path = files(journal / "data")[-1]
    path.write_bytes(path.read_bytes()[:-10])
    found = verify_folder(journal, PUBLIC)
    assert found.first_bad is not None
    assert found.first_bad.file == path.name
    assert found.first_bad.line == path.read_bytes().count(b"\n") + 1
    assert "cut off" in found.first_bad.why


def test_rows_that_were_cut_off_behind_a_snapshot_are_found(tmp_path: Path) -> None:
    journal = make_journal(tmp_path, 600)
    assert (journal / "data" / "snapshot.json").exists()
    path = files(journal / "data")[-1]
    change(path, lambda lines: lines.pop())
    found = verify_folder(journal, PUBLIC)
    assert found.first_bad is not None
    assert "a signed snapshot is of row" in found.first_bad.why
    for left in files(journal / "data"):
        left.unlink()
    assert not verify_folder(journal, PUBLIC).ok


def test_a_chain_made_anew_behind_the_last_checkpoint_but_before_a_snapshot_is_found(tmp_path: Path) -> None:
    """The rows at the very end are under no checkpoint; a snapshot that was signed knows the hash of one."""

    async def act(journal: Journal) -> None:
        await write(journal, *(decided(f"d{number}") for number in range(5)))
        while not (tmp_path / "data" / "snapshot.json").exists():
            await write(journal, settled("d0"))

    journal = open_journal(tmp_path / "data", snapshot_rows=5)
    run(act(journal))
    journal._chain.close()  # as a kill leaves it: without the checkpoint of a proper end
    assert verify_folder(tmp_path / "data", PUBLIC).chains[0].unsigned > 0
    rechain(tmp_path / "data", 2, rule="other")
    found = verify_folder(tmp_path / "data", PUBLIC)
    assert found.first_bad is not None
    assert "signed snapshot" in found.first_bad.why


def test_how_many_rows_are_under_no_checkpoint_yet_is_told(tmp_path: Path) -> None:
    async def act(journal: Journal) -> int:
        await write(journal, *(decided(f"d{number}") for number in range(7)))
        return verify_folder(tmp_path / "data", PUBLIC).chains[0].unsigned

    assert in_journal(tmp_path / "data", act) == 7
    assert verify_folder(tmp_path / "data", PUBLIC).chains[0].unsigned == 0


# -- while it is written ----------------------------------------------------------------------------------------------


def test_a_journal_that_is_being_written_holds(tmp_path: Path) -> None:
    stop = threading.Event()
    outcomes: list[Verification] = []

    def verify_again_and_again() -> None:
        while not stop.is_set():
            outcomes.append(verify_folder(tmp_path / "data", PUBLIC))

    async def act(journal: Journal) -> None:
        await write(journal, decided("first"))
        thread = threading.Thread(target=verify_again_and_again)
        thread.start()
        for number in range(1500):
            await write(journal, decided(f"d{number}"), settled(f"d{number}"))
        stop.set()
        thread.join()

    in_journal(tmp_path / "data", act, segment_bytes=5000, checkpoint_rows=10)
    assert len(outcomes) > 3
    assert [found.first_bad for found in outcomes if not found.ok] == []


# -- retention --------------------------------------------------------------------------------------------------------


def test_what_remains_after_the_retention_holds(tmp_path: Path) -> None:
    journal = make_journal(tmp_path, 600, segment_bytes=20_000)
    first = files(journal / "data")[0]
    assert apply(journal, KEYS, max_bytes=60_000, clock=lambda: NOON + 1000)
    assert not first.exists()
    found = verify_folder(journal, PUBLIC)
    assert (found.ok, found.first_bad) == (True, None)
    assert found.chains[0].first > 1
    assert verify_folder(journal / "data", PUBLIC).ok
    files(journal / "data")[0].unlink()
    assert not verify_folder(journal, PUBLIC).ok


def test_a_retention_row_that_somebody_made_up_is_not_believed(journal: Path) -> None:
    gone, following = files(journal / "data")[:2]
    last = json.loads(gone.read_bytes().splitlines()[-1])
    gone.unlink()
    made_up = {"of": "data", "first_seq": 1, "last_seq": last["seq"], "last_hash": last["hash"]}
    append_admin(journal / "admin", Keys(b"x" * 32), {"kind": "retention", **made_up})
    found = verify_folder(journal, PUBLIC)
    assert found.first_bad is not None
    assert found.first_bad.file == following.name


def test_a_removal_that_was_cut_short_holds(tmp_path: Path) -> None:
    journal = make_journal(tmp_path, 600, segment_bytes=20_000)
    kept = {path: path.read_bytes() for path in files(journal / "data")}
    apply(journal, KEYS, max_bytes=60_000)
    for path in [path for path in kept if not path.exists()][2:]:
        path.write_bytes(kept[path])
    assert verify_folder(journal, PUBLIC).ok

"""`gatepost log stats` and `gatepost top`: sums and pictures of the log; a terminal that is as before afterwards."""

from __future__ import annotations

import time

import click
import pytest

from gatepost.cli.frame import bars, beside, grid
from gatepost.cli.output import width_of
from gatepost.journal.rows import timestamp
from gatepost.keys import Keyring
from tests.cli.program import SECONDS, Program
from tests.cli.terminal import terminal
from tests.journal.using import decided, in_journal, settled, write

EVIL = "evil\x1b[2Jtool"


@pytest.fixture
def called(ready: Program, monkeypatch: pytest.MonkeyPatch) -> Program:
    """An installation in which somebody called something just now."""
    monkeypatch.setattr("tests.journal.using.KEYS", Keyring.open(ready.data / "keys"))
    now = timestamp(time.time())
    records = [decided(f"d{number}", time=now, server="files", tool="read_file") for number in range(5)]
    records += [settled(f"d{number}", time=now, upstream_us=2500, latency_us=2800) for number in range(5)]
    records.append(decided("no", time=now, server="files", tool=EVIL, decision="deny", rule="/tools/x/deny_if/y"))
    in_journal(ready.data / "journal" / "data", lambda journal: write(journal, *records), clock=time.time)
    return ready


def test_the_sums_are_printed_for_people_and_for_programs(called: Program) -> None:
    said = called("log", "stats").out
    assert "6 calls: 5 let through, 1 denied" in said
    assert "/tools/x/deny_if/y" in said and "2.50 ms" in said
    assert "\x1b" not in said
    sums = called.read("log", "stats", "--server", "files")
    assert (sums["calls"], sums["denied"], sums["added_us"]) == (6, 1, {"p50": 300, "p95": 300})
    assert sums["tools"][0] | {"errors": 0} == {
        "server": "files",
        "tool": "read_file",
        "calls": 5,
        "denied": 0,
        "errors": 0,
        "failed": 0,
    }
    assert called.read("log", "stats", "--until", "1h")["calls"] == 0
    assert "Nothing was called." in called.quick("log", "stats", "--grant", "nobody").out
    assert called.quick("log", "stats", "--since", "yesterday").code == 2
    assert "6 calls" in called.quick("log", "stats", "--since", "0001-01-01T00:00+14:00").out


def test_without_a_terminal_one_picture_is_drawn(called: Program) -> None:
    ran = called("top", "--window", "10m")
    assert (ran.code, ran.err) == (0, "")
    assert "serve is not running" in ran.out
    assert "6 calls  1 denied" in ran.out
    assert "\x1b" not in ran.out
    assert called.read("top", "--window", "10m")["calls"] == 6
    for nonsense in ("soon", "", "999999999w"):
        ran = called.quick("top", "--window", nonsense)
        assert (ran.code, "is not a length of time" in ran.err or "100 years" in ran.err) == (2, True)
    assert called.quick("log", "stats", "--since", "999999999w").code == 2


def test_an_empty_folder_has_a_picture_too(ready: Program) -> None:
    assert "Nothing was called." in ready.quick("top").out


def test_a_terminal_gets_a_picture_that_follows_its_size_and_is_left_as_it_was(called: Program) -> None:
    with terminal(called, "top", "--window", "10m", "--interval", "60") as shown:
        before = shown.settings()
        shown.until(b"\x1b[?1049h")
        wide = shown.frame()
        assert any("6 calls  1 denied" in line for line in wide)
        assert any("TOOL" in line and "RULE" in line for line in wide), wide
        assert "\x1b[2J" not in "".join(wide)
        shown.resize(50, 12)
        narrow = shown.frame()
        assert len(narrow) <= 12
        assert [line for line in narrow if width_of(line) > 50] == []
        shown.type(b"q")
        shown.until(b"\x1b[?25h\x1b[?1049l")
        assert shown.process.wait(SECONDS) == 0
        assert shown.settings() == before


@pytest.mark.parametrize(("how", "code"), [("Ctrl-C", 130), ("SIGTERM", 143)])
def test_it_ends_cleanly_however_it_is_ended(called: Program, how: str, code: int) -> None:
    with terminal(called, "top", "--interval", "60") as shown:
        before = shown.settings()
        shown.frame()
        if how == "Ctrl-C":
            shown.type(b"\x03")
        else:
            shown.process.terminate()
        shown.until(b"\x1b[?25h\x1b[?1049l")
        assert shown.process.wait(SECONDS) == code
        assert shown.settings() == before


def test_no_color_is_honoured_on_a_terminal(called: Program) -> None:
    with terminal(called, "top", "--window", "10m", "--interval", "60", env={"NO_COLOR": "1"}) as shown:
        shown.until(b"\x1b[H")
        assert b"m" not in {piece[-1:] for piece in shown.until(b"\x1b[J").split(b"\x1b[")[1:]}


def test_a_grid_keeps_within_its_width_and_numbers_stand_at_the_right() -> None:
    lines = [click.unstyle(line) for line in grid(["NAME", "N"], [["a" * 50, "1"], ["b", "1,000"]], 20, 1)]
    assert lines[0] == "NAME               N"
    assert lines[1].endswith("…      1")
    assert lines[2] == "b              1,000"
    assert all(len(line) <= 20 for line in lines)
    assert grid(["NAME"], [], 20, 0) == []


def test_blocks_stand_side_by_side_and_bars_are_as_high_as_their_values() -> None:
    assert beside(["a"], ["x", "y"], 3, 1) == ["a   x", "    y"]
    assert bars([0, 1, 50, 100]) == " ▁▄█"
    assert bars([0, 0]) == "  "

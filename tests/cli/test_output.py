"""Tables, times and texts that come from elsewhere."""

from __future__ import annotations

from datetime import datetime

import click
import pytest

from gatepost.cli.output import Styled, clean, fit, local, style, table, utc, width_of


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain – ünïcode", "plain – ünïcode"),
        ("two\nlines\tand a tab", "two lines and a tab"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("\x9b2J", "\\x9b2J"),
        ("abc\u202edef\u2066", "abcdef"),
        ("\ufeffzero\u200bwidth", "zerowidth"),
        ("\ud800", "\\xd800"),
    ],
)
def test_what_could_steer_a_terminal_is_made_visible_or_taken_out(text: str, shown: str) -> None:
    assert clean(text) == shown


def test_only_our_own_styling_passes_as_it_is() -> None:
    assert isinstance(style("\x1b[2J", fg="red"), Styled)
    assert "\x1b[2J" not in style("\x1b[2J", fg="red")


@pytest.mark.parametrize(
    ("text", "columns"), [("abc", 3), ("日本", 4), ("e\u0301", 1), (click.style("ab", fg="red"), 2)]
)
def test_width_is_counted_in_columns(text: str, columns: int) -> None:
    assert width_of(text) == columns


def test_a_text_is_cut_or_padded_to_a_width() -> None:
    assert fit("abc", 5) == "abc  "
    assert fit("abcdef", 4) == "abc…"
    assert fit("日本語", 4) == "日… "
    assert width_of(fit("日本語日本語", 7)) == 7


def test_a_table_gives_way_where_it_is_widest(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    table(["NAME", "WHAT"], [["a", "x" * 60], ["日本", style("y" * 60, fg="red")]])
    lines = capsys.readouterr().out.splitlines()
    assert all(width_of(line) == 30 for line in lines[1:])
    assert lines[1].startswith("a     xxx")
    assert lines[2].startswith("日本  yyy")


def test_times_stay_whole_and_rules_keep_their_end(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    table(
        ["TIME", "CALL", "RULE"], [["1999-11-21 05:31:00", "read_text_file", "/tools/read_text_file/require/in-notes"]]
    )
    assert capsys.readouterr().out.splitlines()[1] == "1999-11-21 05:31:00  read_text_file  …_file/require/in-notes"
    monkeypatch.setenv("COLUMNS", "24")
    table(["TIME", "CALL"], [["1999-11-21 05:31:00", "read_text_file"]])
    assert capsys.readouterr().out.splitlines()[1] == "1999-11-21 05:3…  read_…"


def test_a_narrow_table_leaves_this_year_out(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    this, long_call = f"{datetime.now().year}-01-02 05:31:00", "read_text_file_of_mine"
    table(["TIME", "CALL"], [[this, long_call]])
    assert capsys.readouterr().out.splitlines()[1] == "01-02 05:31:00  read_text_fil…"
    table(["TIME", "CALL"], [[this, long_call], ["1999-12-31 23:59:59", long_call]])
    assert capsys.readouterr().out.splitlines()[1] == f"{this}  read_tex…"
    monkeypatch.setenv("COLUMNS", "80")
    table(["TIME", "CALL"], [[this, long_call]])
    assert capsys.readouterr().out.splitlines()[1] == f"{this}  {long_call}"


def test_times_are_local_for_people_and_utc_for_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setenv("TZ", "Etc/GMT-3")
    time.tzset()
    try:
        assert local("2026-11-21T05:31:00.123456Z") == "2026-11-21 08:31:00"
        assert utc(1795239060) == "2026-11-21T05:31:00Z"
        assert utc(None) is None
        assert local(None, missing="never") == "never"
    finally:
        monkeypatch.undo()
        time.tzset()

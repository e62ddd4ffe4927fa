"""CSV for spreadsheets: every entry, whole, and nothing that a spreadsheet would carry out."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest

from gatepost.audit import Index, export_csv
from gatepost.audit.export import COLUMNS
from tests.audit.using import make_journal


def written(*entries: dict[str, Any]) -> list[dict[str, str]]:
    out = io.StringIO(newline="")
    assert export_csv(entries, out) == len(entries)
    return list(csv.DictReader(io.StringIO(out.getvalue(), newline="")))


def test_every_call_is_a_line_with_its_outcome(tmp_path: Path) -> None:
    make_journal(tmp_path)
    index = Index(tmp_path / "index.db")
    index.catch_up()
    lines = written(*index.query(oldest_first=True))
    assert len(lines) == 40
    first = lines[0]
    assert list(first) == list(COLUMNS)
    assert (first["decision_id"], first["grant"], first["tool"], first["decision"]) == ("d0000", "g0", "t0", "allow")
    assert (first["carried_out"], first["latency_us"], first["is_error"]) == ("true", "1000", "false")
    assert (first["arguments"], first["category"]) == ('["a"]', "")
    index.close()


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "  =1",
        "=cmd|' /C calc'!A0",
        "＝1+1",
        "＋1",
        "－1",
        "＠x",
    ],
)
def test_no_text_becomes_a_formula(text: str) -> None:
    (line,) = written({"tool": text, "message": text, "rule": f"fine {text}"})
    assert line["tool"] == line["message"] == "'" + text
    assert line["rule"] == f"fine {text}"


@pytest.mark.parametrize("text", ['a"b', "a,b", "a\nb", "a\r\nb", "é 中 😀", "'quoted'", "plain", ""])
def test_other_texts_come_back_as_they_were(text: str) -> None:
    assert written({"message": text})[0]["message"] == text


def test_numbers_stay_numbers_and_lists_are_json() -> None:
    (line,) = written({"latency_us": 12, "upstream_status": -1, "limits": [{"max": "1"}], "is_error": True})
    assert (line["latency_us"], line["upstream_status"], line["is_error"]) == ("12", "-1", "true")
    assert line["limits"] == '[{"max":"1"}]'

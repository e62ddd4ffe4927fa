"""Lengths and points of time as people write them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gatepost.control.durations import parse_duration, parse_expiry
from gatepost.errors import GatepostError

NOW = datetime(2026, 11, 21, 5, 31, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("45s", 45),
        ("90m", 5400),
        ("1h", 3600),
        ("30d", 2_592_000),
        ("2w", 1_209_600),
        ("1h30m", 5400),
        ("1d12h", 129_600),
        ("0s", 0),
        (" 1H ", 3600),
    ],
)
def test_a_length_is_a_number_and_a_unit_or_several(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "30", "d", "1.5h", "-1h", "1 h", "1y", "h1", "1h 30m", "٣h", "99999999w", "9999999999s"]
)
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(GatepostError) as refused:
        parse_duration(text)
    assert refused.value.code == "GP-4005"
    assert refused.value.hint


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("1h", NOW + 3600),
        ("2027-01-31", datetime(2027, 1, 31, tzinfo=UTC).timestamp()),
        ("2027-01-31T12:00:00Z", datetime(2027, 1, 31, 12, tzinfo=UTC).timestamp()),
        ("2027-01-31T12:00", datetime(2027, 1, 31, 12, tzinfo=UTC).timestamp()),
        ("2027-01-31 12:00:00+02:00", datetime(2027, 1, 31, 10, tzinfo=UTC).timestamp()),
    ],
)
def test_an_expiry_is_a_length_from_now_or_a_date_or_time(text: str, at: float) -> None:
    assert parse_expiry(text, NOW) == at


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tomorrow",
        "31.01.2027",
        "2027-02-30",
        "2027-13-01",
        "0s",
        "2026-11-21",
        "2020-01-01T00:00:00Z",
        "2200-01-01",
    ],
)
def test_a_time_that_is_none_or_past_or_too_far_off_is_refused(text: str) -> None:
    with pytest.raises(GatepostError) as refused:
        parse_expiry(text, NOW)
    assert refused.value.code == "GP-4005"
    assert refused.value.hint

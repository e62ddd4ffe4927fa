"""Numbers of bytes, read and said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.control.sizes import parse_size, spoken_size
from gatepost.errors import GatepostError


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("812", 812),
        ("20GB", 20_000_000_000),
        ("20 gb", 20_000_000_000),
        ("5k", 5000),
        ("512MiB", 536_870_912),
        ("1Gi", 1_073_741_824),
        ("3B", 3),
    ],
)
def test_a_size_is_a_number_and_a_unit(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "GB", "-1", "1.5GB", "20 XB", "1i", "1 ib", "٣", "1e9", "9" * 16])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(GatepostError, match="not a number of bytes"):
        parse_size(text)


@given(st.integers(0, 10**15))
def test_what_is_said_is_within_a_twentieth(size: int) -> None:
    number, unit = spoken_size(size).replace(",", "").split()
    factor = {"bytes": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}[unit]
    assert float(number) * factor == pytest.approx(size, rel=0.06)

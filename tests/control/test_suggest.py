"""A name is only suggested where it is a slip of typing away."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.control.suggest import _slips, nearest

KNOWN = ["files", "github", "read-only", "x", "db"]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("flies", "files"),
        ("file", "files"),
        ("Files", "files"),
        ("gtihub", "github"),
        ("gitub", "github"),
        ("raed-onyl", "read-only"),
    ],
)
def test_a_slip_or_two_are_understood(typed: str, meant: str) -> None:
    assert nearest(typed, KNOWN) == f"Did you mean {meant}?"


@pytest.mark.parametrize("typed", ["", "y", "bd", "fax", "gopher", "git", "write-only", "read", "pixels", "f" * 1000])
def test_what_is_only_somewhat_alike_is_not_suggested(typed: str) -> None:
    assert nearest(typed, KNOWN) == ""


words = st.text("abc", max_size=5)


@given(words, words)
def test_slips_are_counted_as_the_definition_says(one: str, other: str) -> None:
    @cache
    def distance(i: int, j: int) -> int:
        if not i or not j:
            return i + j
        ways = [distance(i - 1, j) + 1, distance(i, j - 1) + 1, distance(i - 1, j - 1) + (one[i - 1] != other[j - 1])]
        if i > 1 and j > 1 and one[i - 1] == other[j - 2] and one[i - 2] == other[j - 1]:
            ways.append(distance(i - 2, j - 2) + 1)
        return min(ways)

    expected = distance(len(one), len(other))
    assert min(_slips(one, other), 3) == min(expected, 3)

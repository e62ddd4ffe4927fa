"""Cutting a program's output into lines."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.upstreams.lines import LineSplitter, LineTooLong


@given(st.lists(st.binary(max_size=8).map(lambda part: part.replace(b"a", b"\n")), max_size=30))
def test_lines_do_not_depend_on_how_they_come(chunks: list[bytes]) -> None:
    splitter = LineSplitter(10_000)
    lines = [line for chunk in chunks for line in splitter.feed(chunk)]
    assert lines == b"".join(chunks).split(b"\n")[:-1]


@pytest.mark.parametrize("chunks", [[b"x" * 11], [b"x" * 6, b"x" * 5], [b"ok\n" + b"x" * 11], [b"x" * 11 + b"\n"]])
def test_a_line_over_the_limit_is_noticed_before_it_is_complete(chunks: list[bytes]) -> None:
    splitter = LineSplitter(10)
    with pytest.raises(LineTooLong, match="a line of more than 10 bytes"):
        for chunk in chunks:
            splitter.feed(chunk)


def test_a_line_of_exactly_the_limit_is_fine() -> None:
    assert LineSplitter(10).feed(b"x" * 10 + b"\n") == [b"x" * 10]


def test_a_long_line_in_small_pieces_takes_linear_time() -> None:
    splitter = LineSplitter(16 * 1024 * 1024)
    before = time.process_time()
    for _ in range(100_000):
        splitter.feed(b"x" * 100)
    assert splitter.feed(b"\n") == [b"x" * 10_000_000]
    assert time.process_time() - before < 2

"""The text of a token: its shape, its checksum, and what is stored of it."""

from __future__ import annotations

import hashlib
import string
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatepost.grants.token import LENGTH, digest, is_well_formed, new_token

DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase


def _base62(number: int, width: int) -> str:
    text = ""
    while number:
        number, digit = divmod(number, 62)
        text = DIGITS[digit] + text
    return text.rjust(width, "0")


def test_tokens_have_one_length_one_alphabet_and_are_all_different() -> None:
    tokens = {new_token() for _ in range(2000)}
    assert len(tokens) == 2000
    for token in tokens:
        assert len(token) == LENGTH == 52
        assert token.startswith("gp_")
        assert set(token[3:]) <= set(DIGITS)
        assert is_well_formed(token)


def test_the_checksum_is_the_crc32_of_what_stands_before_it() -> None:
    token = new_token()
    assert token[-6:] == _base62(zlib.crc32(token[:-6].encode()), 6)


def test_every_digit_of_the_random_part_is_used() -> None:
    assert set("".join(new_token()[4:46] for _ in range(1000))) == set(DIGITS)


@settings(deadline=None, derandomize=True)
@given(st.data())
def test_one_wrong_character_is_noticed(data: st.DataObject) -> None:
    token = new_token()
    position = data.draw(st.integers(0, LENGTH - 1))
    other = data.draw(st.sampled_from(DIGITS + "_-. \né").filter(lambda digit: digit != token[position]))
    assert not is_well_formed(token[:position] + other + token[position + 1 :])


@settings(deadline=None, derandomize=True)
@given(st.text(max_size=60))
def test_any_text_may_be_asked_about(text: str) -> None:
    assert not is_well_formed(text)
    assert not is_well_formed("gp_" + text)


def test_a_number_beyond_32_bytes_is_not_well_formed_though_its_checksum_fits() -> None:
    body = "gp_" + "z" * 43
    assert not is_well_formed(body + _base62(zlib.crc32(body.encode()), 6))


@pytest.mark.parametrize("change", [lambda t: t + "\n", lambda t: t[:-1], lambda t: t + "0", lambda t: t.upper()])
def test_a_token_with_something_more_or_less_is_not_well_formed(change: object) -> None:
    assert not is_well_formed(change(new_token()))  # type: ignore[operator]


def test_the_digest_is_the_sha256_of_the_whole_token() -> None:
    token = new_token()
    assert digest(token) == digest(token.encode()) == hashlib.sha256(token.encode()).hexdigest()
    assert len(digest("\ud800 odd")) == 64

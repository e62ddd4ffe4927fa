"""Strict JSON against random values, random bytes and the standard library's parser."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from gatepost.policy.canonical import canonical as policy_canonical
from gatepost.wire.strictjson import StrictJSONError, canonical, parse, write

_TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
_DIGITS = st.text("0123456789", min_size=1, max_size=24)


@st.composite
def number_texts(draw: st.DrawFn) -> str:
    """Any spelling of a number that JSON has (RFC 8259, section 6), up to 10^±40."""
    whole = draw(_DIGITS).lstrip("0") or "0"
    fraction = draw(st.one_of(st.just(""), _DIGITS.map(lambda digits: "." + digits)))
    exponent = draw(
        st.one_of(
            st.just(""),
            st.builds("{}{}{}".format, st.sampled_from("eE"), st.sampled_from(["", "+", "-"]), st.integers(0, 40)),
        )
    )
    return draw(st.sampled_from(["", "-"])) + whole + fraction + exponent


def _texts_of(children: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    space = st.sampled_from(["", " ", "\n\t", "\r\n"])
    array = st.builds(lambda items, gap: f"[{gap}" + f",{gap}".join(items) + "]", st.lists(children, max_size=4), space)
    names = _TEXT.map(lambda name: json.dumps(name))
    members = st.dictionaries(names, children, max_size=4)
    return array | st.builds(
        lambda pairs, gap: "{" + f"{gap},".join(f"{k}{gap}:{gap}{v}" for k, v in pairs.items()) + "}", members, space
    )


_scalar_texts = st.one_of(
    number_texts(),
    _TEXT.map(lambda text: json.dumps(text)),
    _TEXT.map(lambda text: json.dumps(text, ensure_ascii=False)),
    st.sampled_from(["null", "true", "false"]),
)
documents = st.recursive(_scalar_texts, _texts_of, max_leaves=12)
"""Valid JSON without duplicate keys: dumps is one-to-one, so different names stay different."""

_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | _TEXT
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


def exactly(value: Any) -> Any:
    """A value in which equality is exact: numbers as (sign-less) fractions, true apart from 1."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return type(value).__name__, value
    if isinstance(value, int | Decimal):
        return "number", Decimal(value).as_integer_ratio()
    if isinstance(value, float):
        return "number", Decimal(repr(value)).as_integer_ratio()
    if isinstance(value, dict):
        return "object", frozenset((key, exactly(member)) for key, member in value.items())
    return "array", tuple(map(exactly, value))


@settings(max_examples=150)
@given(_values)
def test_what_is_written_is_read_again_as_the_same_value(value: Any) -> None:
    assert exactly(parse(write(value))) == exactly(value)


@settings(max_examples=150)
@given(number_texts())
def test_any_spelling_of_a_number_is_kept_to_the_byte(text: str) -> None:
    value = parse(text.encode())
    assert write(value) == text.encode()
    assert exactly(value) == exactly(Decimal(text))


@settings(max_examples=150)
@given(documents)
def test_a_valid_document_reads_as_the_standard_library_reads_it(text: str) -> None:
    value = parse(text.encode())
    plain = json.loads(text)
    assert exactly(value) == exactly(json.loads(text, parse_float=Decimal))
    assert json.loads(write(value)) == plain
    assert write(parse(write(value))) == write(value)


_SPECIALS = st.sampled_from(
    [b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"-", b"e9", b"\\ud800", b"\xef\xbb\xbf", b"\0", b"\xff", b"NaN",
     b'"a":1,', b"1e999", b" ", b"0"]
)  # fmt: skip


@settings(max_examples=200)
@given(documents, st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 2), _SPECIALS), min_size=1, max_size=4))
@example('{"a":1}', [(1, 0, b'"a":1,')])
def test_a_mutated_document_is_refused_as_such_or_is_json(text: str, mutations: list[tuple[int, int, bytes]]) -> None:
    body = text.encode()
    for at, removed, inserted in mutations:
        at %= len(body) + 1
        body = body[:at] + inserted + body[at + removed :]
    _refused_or_read_alike(body)


@settings(max_examples=150)
@given(st.binary(max_size=40))
def test_random_bytes_are_refused_as_such_or_are_json(body: bytes) -> None:
    _refused_or_read_alike(body)


def _refused_or_read_alike(body: bytes) -> None:
    try:
        value = parse(body)
    except StrictJSONError as error:
        assert 0 <= error.position <= len(body)
        assert error.line >= 1
        assert error.column >= 1
        assert error.message
        return
    plain = json.loads(body.decode())
    assert json.loads(write(value)) == plain
    assert not _has_nan(plain)


def _has_nan(value: Any) -> bool:
    if isinstance(value, float):
        return not math.isfinite(value)
    if isinstance(value, dict):
        return any(map(_has_nan, value.values()))
    return isinstance(value, list) and any(map(_has_nan, value))


_few = st.recursive(
    st.sampled_from(["1", "1.0", "1e0", "100", "1e2", "0", "-0", "1e-9", "1.00000000000000000001", "true", "null",
                     "100000000000000000000000001", "1e26", "0.1", "0.10", '"1"', '"a"', '"\\u0061"']),
    lambda inner: st.lists(inner, max_size=2).map(lambda items: "[" + ",".join(items) + "]")
    | st.dictionaries(st.sampled_from(["a", "b", "😀", "\ufb33"]), inner, max_size=2).map(
        lambda members: "{" + ",".join(f'"{key}":{member}' for key, member in members.items()) + "}"
    ),
    max_leaves=4,
)  # fmt: skip


@settings(max_examples=200)
@given(_few, _few)
def test_two_values_have_one_canonical_form_exactly_when_they_are_equal(one: str, other: str) -> None:
    left, right = parse(one.encode()), parse(other.encode())
    assert (canonical(left) == canonical(right)) == (exactly(left) == exactly(right))


@settings(max_examples=150)
@given(documents)
def test_the_canonical_form_reads_as_the_value_and_is_its_own_canonical_form(text: str) -> None:
    value = parse(text.encode())
    form = canonical(value)
    assert exactly(parse(form)) == exactly(value)
    assert canonical(parse(form)) == form


@settings(max_examples=150)
@given(documents)
def test_the_policy_engine_has_the_same_canonical_form(text: str) -> None:
    value = parse(text.encode())
    assert canonical(value) == policy_canonical(value)


def _kinds(value: Any) -> Any:
    """A value with the kind and the text of each number in it."""
    if isinstance(value, dict):
        return [(key, _kinds(member)) for key, member in value.items()]
    if isinstance(value, list):
        return [_kinds(member) for member in value]
    return type(value).__name__, getattr(value, "text", repr(value))


@settings(max_examples=400)
@given(
    st.one_of(documents.map(str.encode), _values.map(write), st.binary(max_size=40)), st.binary(max_size=2), st.data()
)
def test_the_quick_and_the_careful_reader_agree_on_every_text(text: bytes, other: bytes, data: st.DataObject) -> None:
    """A space before the text is enough for the quick reader to leave it to the careful one."""
    at = data.draw(st.integers(0, len(text)))
    for one in (text, text[:at] + other + text[at:]):
        read = []
        for spelled in (one, b" " + one):
            try:
                read.append(_kinds(parse(spelled)))
            except StrictJSONError:
                read.append("refused")
        if not one.startswith(b"\xef\xbb\xbf"):
            assert read[0] == read[1]

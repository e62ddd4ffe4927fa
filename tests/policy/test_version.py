"""The version is the hash of the canonical document."""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal

import pytest

from gatepost.policy import compile_policy
from gatepost.policy.canonical import canonical

from .support import condition, rule


def with_operand(number: str) -> str:
    rules = '[{"conditions":[{"path":"args.a","op":"gt","value":' + number + "}]}]"
    return '{"version":"1","default":"deny","tools":{"t":{"deny_if":' + rules + "}}}"


def test_order_and_white_space_do_not_change_the_version() -> None:
    one = compile_policy('{"version":"1","default":"deny","tools":{"b":{},"a":{}}}')
    other = compile_policy('{ "tools": {"a": {}, "b": {}},\n "default": "deny", "version": "1" }')
    assert one.version == other.version
    expected = b'{"default":"deny","tools":{"a":{},"b":{}},"version":"1"}'
    assert one.canonical == expected
    assert one.version == "sha256:" + hashlib.sha256(expected).hexdigest()


@pytest.mark.parametrize(
    ("one", "other"),
    [("1", "1.0"), ("1", "1e0"), ("100", "1e2"), ("0", "-0"), ("0.5", "5e-1"), ("1e21", "1" + "0" * 21)],
)
def test_numbers_of_one_value_give_one_version(one: str, other: str) -> None:
    assert compile_policy(with_operand(one)).version == compile_policy(with_operand(other)).version


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("9007199254740993", "9007199254740992"),
        ("13.0000000000000000001", "13"),
        ("0.1", "0.1000000000000000055511151231257827"),
        ("1", '"1"'),
    ],
)
def test_numbers_of_different_values_give_different_versions(one: str, other: str) -> None:
    def version(operand: str) -> str:
        return compile_policy(with_operand(operand).replace('"gt"', '"eq"')).version

    assert version(one) != version(other)


def test_the_canonical_bytes_load_to_the_same_version() -> None:
    for number in ("1.50", "1e-7", "12345678901234567890", "13.0000000000000000001", "1e300", "5e-324"):
        made = compile_policy(with_operand(number))
        assert compile_policy(made.canonical).version == made.version
        assert compile_policy(made.document).version == made.version


@pytest.mark.parametrize(
    ("number", "text"),
    [
        # the examples of RFC 8785 appendix B, for numbers whose exact value is what is written
        ("0", "0"),
        ("-0.0", "0"),
        ("5e-324", "5e-324"),
        ("9007199254740992", "9007199254740992"),
        ("295147905179352830000", "295147905179352830000"),
        ("1e21", "1e+21"),
        ("1e23", "1e+23"),
        ("333333333.3333333", "333333333.3333333"),
        ("0.000001", "0.000001"),
        ("0.0000001", "1e-7"),
        ("-1.50", "-1.5"),
        ("123e-20", "1.23e-18"),
        ("1.7976931348623157e308", "1.7976931348623157e+308"),
    ],
)
def test_a_number_is_laid_out_as_in_rfc_8785(number: str, text: str) -> None:
    assert canonical(Decimal(number)).decode() == text


def test_keys_are_sorted_by_utf_16_units_and_strings_escaped_least() -> None:
    # RFC 8785 section 3.2.3
    value = {"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\u0080": 6, "\u00f6": 7}
    expected = '{"\\r":2,"1":4,"\u0080":6,"\u00f6":7,"\u20ac":1,"\U0001f600":5,"\ufb33":3}'
    assert canonical(value).decode() == expected
    assert canonical('\u20ac$\u000f\nA\'B"\\\\"/').decode() == '"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"'


def test_a_document_with_plain_numbers_can_be_written_with_json() -> None:
    made = compile_policy(with_operand("1.50"))
    assert compile_policy(json.dumps(made.document)).version == made.version
    nested = compile_policy(
        {"version": "1", "default": "deny", "tools": {"t": {"deny_if": [rule(condition("args.a", "lt", 2))]}}}
    )
    assert json.loads(nested.canonical) == nested.document

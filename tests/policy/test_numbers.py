"""POLICY.md section 3: numbers are compared by their exact value, and one that an upstream may misread is unknown."""

from __future__ import annotations

import math
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from .support import truth


class NumberText(Decimal):
    """A number as the wire hands it over where its text must be kept."""

    __slots__ = ("text",)


KNOWN: list[Any] = [
    0,
    -1,
    2**53,
    2**53 + 2,
    10**22,
    10**23,
    0.1,
    0.30000000000000004,
    1e300,
    5e-324,
    -0.0,
    Decimal("0.1"),
    Decimal("5.50"),
    Decimal("1e2"),
    Decimal("1E+23"),
    Decimal("-0"),
    NumberText("13.0"),
    NumberText("1.7976931348623157e308"),
]

UNKNOWN: list[Any] = [
    9007199254740993,
    -9007199254740993,
    2**63 + 1,
    10**23 + 1,
    10**308 * 18,
    10**400,
    10**5000,
    math.nan,
    math.inf,
    -math.inf,
    Decimal("13.0000000000000000001"),
    Decimal("0.1000000000000000055511151231257827"),
    Decimal("1e-400"),
    Decimal("1e400"),
    Decimal("1e999999"),
    Decimal("NaN"),
    Decimal("sNaN"),
    Decimal("Infinity"),
    NumberText("9007199254740993"),
    NumberText("1.00000000000000000000000000000000001"),
]


@pytest.mark.parametrize("value", KNOWN, ids=repr)
def test_a_number_that_is_the_shortest_decimal_of_its_binary64_is_itself(value: Any) -> None:
    operand = float(value)
    assert truth("args.a", "eq", operand, {"a": value}) == "true"
    assert truth("args.a", "lte", operand, {"a": value}) == "true"
    assert truth("args.a", "lt", operand, {"a": value}) == "false"
    assert truth("args.a", "in", [operand, 77], {"a": value}) == "true"
    assert truth("args.a", "exists", True, {"a": value}) == "true"


@pytest.mark.parametrize("value", UNKNOWN, ids=range(len(UNKNOWN)))
@pytest.mark.parametrize(
    ("op", "operand"),
    [("eq", 1), ("neq", 1), ("in", [1]), ("not_in", [1]), ("gt", 0), ("lt", 0), ("exists", True), ("exists", False)],
)
def test_any_other_number_is_unknown_to_every_rule(value: Any, op: str, operand: Any) -> None:
    assert truth("args.a", op, operand, {"a": value}) == "unknown"


def test_nearly_equal_numbers_are_told_apart() -> None:
    assert truth("args.a", "eq", 0.3, {"a": 0.30000000000000004}) == "false"
    assert truth("args.a", "gt", 0.3, {"a": 0.30000000000000004}) == "true"
    assert truth("args.a", "gt", 9007199254740992, {"a": 9007199254740994}) == "true"
    assert truth("args.a", "lt", 10**23, {"a": math.nextafter(1e23, 0)}) == "true"


def test_an_operand_that_no_call_can_carry_exactly_is_compared_exactly_all_the_same() -> None:
    assert truth("args.a", "gt", 9007199254740993, {"a": 9007199254740994}) == "true"
    assert truth("args.a", "gt", 9007199254740993, {"a": 9007199254740992}) == "false"
    assert truth("args.a", "gte", Decimal("5.0000000000000000001"), {"a": 5}) == "false"
    assert truth("args.a", "lte", Decimal("5.0000000000000000001"), {"a": 5}) == "true"
    assert truth("args.a", "eq", Decimal("5.0000000000000000001"), {"a": 5}) == "false"
    assert truth("args.a", "neq", Decimal("5.0000000000000000001"), {"a": 5}) == "true"
    assert truth("args.a", "eq", 9007199254740993, {"a": 9007199254740993}) == "unknown"


def test_the_order_of_known_numbers_is_that_of_their_decimals() -> None:
    values = sorted({*map(float, KNOWN), math.nextafter(0.1, 1), math.nextafter(1e300, 0), 0.2, 0.3})
    decimals = [Decimal(repr(value)) for value in values]
    assert decimals == sorted(decimals)
    for low, high in pairwise(values):
        assert truth("args.a", "lt", high, {"a": low}) == "true"
        assert truth("args.a", "gt", low, {"a": high}) == "true"


def test_a_number_text_is_read_by_its_exact_value() -> None:
    number = NumberText("1e2")
    number.text = "1e2"
    assert truth("args.a", "eq", 100, {"a": number}) == "true"
    assert truth("args.a[*]", "eq", 100, {"a": [number]}) == "true"

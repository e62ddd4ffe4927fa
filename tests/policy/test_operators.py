"""POLICY.md section 3: the table of operators, cell by cell."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from .support import call, condition, rule, truth, value_in

TRUE, FALSE, UNKNOWN = "true", "false", "unknown"

# op, operand, value, what it is
TABLE: list[tuple[str, Any, Any, str]] = [
    ("eq", "a", "a", TRUE),
    ("eq", "a", "A", FALSE),
    ("eq", "a", "a ", FALSE),
    ("eq", "é", "e\u0301", FALSE),
    ("eq", "5", 5, UNKNOWN),
    ("eq", 5, "5", UNKNOWN),
    ("eq", 1, 1.0, TRUE),
    ("eq", 1.0, 1, TRUE),
    ("eq", 1, True, UNKNOWN),
    ("eq", True, 1, UNKNOWN),
    ("eq", True, True, TRUE),
    ("eq", True, False, FALSE),
    ("eq", False, 0, UNKNOWN),
    ("eq", 0, -0.0, TRUE),
    ("eq", "a", ["a"], UNKNOWN),
    ("eq", "a", {"a": "a"}, UNKNOWN),
    ("neq", "a", "b", TRUE),
    ("neq", "a", "a", FALSE),
    ("neq", "a", 5, UNKNOWN),
    ("neq", 5, 5.0, FALSE),
    ("neq", 5, "5", UNKNOWN),
    ("neq", True, False, TRUE),
    ("neq", True, "true", UNKNOWN),
    ("in", ["a", "b"], "b", TRUE),
    ("in", ["a", "b"], "c", FALSE),
    ("in", ["a", "b"], 5, UNKNOWN),
    ("in", [1, 2.5], 2.5, TRUE),
    ("in", [1, 2.5], Decimal("1.0"), TRUE),
    ("in", [1], True, UNKNOWN),
    ("in", [True], True, TRUE),
    ("in", [True, False], 1, UNKNOWN),
    ("in", ["a"], ["a"], UNKNOWN),
    ("not_in", ["a", "b"], "c", TRUE),
    ("not_in", ["a", "b"], "a", FALSE),
    ("not_in", ["a"], 5, UNKNOWN),
    ("not_in", [1], 1.0, FALSE),
    ("lt", 5, 4, TRUE),
    ("lt", 5, 5, FALSE),
    ("lt", 5, "4", UNKNOWN),
    ("lt", 5, False, UNKNOWN),
    ("lte", 5, 5.0, TRUE),
    ("lte", 5, 5.000001, FALSE),
    ("gt", 5, 5.000001, TRUE),
    ("gt", 5, 5, FALSE),
    ("gt", 5, [6], UNKNOWN),
    ("gte", 5, 5, TRUE),
    ("gte", 5, 4.999, FALSE),
    ("gte", 5, {}, UNKNOWN),
    ("exists", True, "", TRUE),
    ("exists", True, 0, TRUE),
    ("exists", True, False, TRUE),
    ("exists", True, [], TRUE),
    ("exists", False, {}, FALSE),
    ("contains", "b", "abc", TRUE),
    ("contains", "", "abc", TRUE),
    ("contains", "B", "abc", FALSE),
    ("contains", 5, "5", UNKNOWN),
    ("contains", "a", ["b", "a"], TRUE),
    ("contains", "a", ["b"], FALSE),
    ("contains", "a", [], FALSE),
    ("contains", "a", ["ba"], FALSE),
    ("contains", "a", ["b", 5], UNKNOWN),
    ("contains", "a", [5, "a"], TRUE),
    ("contains", "a", ["b", None], UNKNOWN),
    ("contains", "a", [["a"]], UNKNOWN),
    ("contains", 1, [2, 1.0], TRUE),
    ("contains", 1, [2, True], UNKNOWN),
    ("contains", True, [False], FALSE),
    ("contains", 1, [2, 9007199254740993], UNKNOWN),
    ("contains", "a", {"a": 1}, UNKNOWN),
    ("contains", "a", 5, UNKNOWN),
    ("regex", "b", "abc", TRUE),
    ("regex", "^b", "abc", FALSE),
    ("regex", "^abc$", "abc\n", FALSE),
    ("regex", "a.c", "a\nc", FALSE),
    ("regex", "(?s)a.c", "a\nc", TRUE),
    ("regex", "(?i)ABC", "abc", TRUE),
    ("regex", "^.$", "𝒳", TRUE),
    ("regex", r"^\d$", "٣", FALSE),
    ("regex", "a", 5, UNKNOWN),
    ("regex", "a", ["a"], UNKNOWN),
    ("regex", "", "", TRUE),
    ("regex", "a", "\ud800a", UNKNOWN),
    ("matches", "abc", "abc", TRUE),
    ("matches", "b", "abc", FALSE),
    ("matches", "a|ab", "ab", TRUE),
    ("matches", "a|b", "ab", FALSE),
    ("matches", "abc", "abc\n", FALSE),
    ("matches", "", "", TRUE),
    ("matches", "abc", True, UNKNOWN),
    ("starts_with", "ab", "abc", TRUE),
    ("starts_with", "bc", "abc", FALSE),
    ("starts_with", ["x", "a"], "abc", TRUE),
    ("starts_with", "", "", TRUE),
    ("starts_with", "a", ["a"], UNKNOWN),
    ("ends_with", "bc", "abc", TRUE),
    ("ends_with", "bc", "abc\n", FALSE),
    ("ends_with", ["x", "y"], "abc", FALSE),
    ("ends_with", "5", 5, UNKNOWN),
    ("max_length", 3, "abc", TRUE),
    ("max_length", 3, "abcd", FALSE),
    ("max_length", 1, "𝒳", TRUE),
    ("max_length", 2, [1, 2], TRUE),
    ("max_length", 2, [1, 2, 3], FALSE),
    ("max_length", 1, {"a": 1}, TRUE),
    ("max_length", 0, {"a": 1}, FALSE),
    ("max_length", 3, 5, UNKNOWN),
    ("max_length", 3, True, UNKNOWN),
    ("min_length", 3, "ab", FALSE),
    ("min_length", 2.0, "ab", TRUE),
    ("min_length", 0, "", TRUE),
    ("min_length", 1, [], FALSE),
    ("min_length", 1, 100, UNKNOWN),
    ("host_in", ["a.example"], 5, UNKNOWN),
    ("path_within", ["/srv"], ["/srv"], UNKNOWN),
    ("email_domain_in", ["a.example"], {"a": 1}, UNKNOWN),
]


@pytest.mark.parametrize(("op", "operand", "value", "expected"), TABLE, ids=lambda item: repr(item)[:40])
def test_each_operator_is_true_false_or_unknown_as_its_row_says(
    op: str, operand: Any, value: Any, expected: str
) -> None:
    assert truth("args.a", op, operand, {"a": value}) == expected


OPERANDS: dict[str, Any] = {
    "eq": "x",
    "neq": "x",
    "in": ["x"],
    "not_in": ["x"],
    "lt": 1,
    "lte": 1,
    "gt": 1,
    "gte": 1,
    "contains": "x",
    "regex": "",
    "matches": ".*",
    "starts_with": "",
    "ends_with": "",
    "max_length": 5,
    "min_length": 0,
    "host_in": ["a.example"],
    "path_within": ["/"],
    "email_domain_in": ["a.example"],
}


@pytest.mark.parametrize("arguments", [{}, {"a": None}], ids=["absent", "null"])
@pytest.mark.parametrize("op", OPERANDS)
def test_a_missing_value_is_false_or_for_neq_and_not_in_as_their_list_says(op: str, arguments: dict[str, Any]) -> None:
    held_up = {
        where: value_in(where, "args.a", op, OPERANDS[op], arguments) for where in ("deny_if", "approve_if", "when")
    }
    negative = op in ("neq", "not_in")
    assert held_up == dict.fromkeys(held_up, negative)
    assert value_in("require", "args.a", op, OPERANDS[op], arguments), "false in require, whatever the operator"


def test_exists_compares_presence_with_its_operand() -> None:
    assert truth("args.a", "exists", True, {}) == FALSE
    assert truth("args.a", "exists", False, {}) == TRUE
    assert truth("args.a", "exists", False, {"a": None}) == TRUE


def test_unknown_is_never_in_the_callers_favour() -> None:
    unknown = condition("args.a", "gt", 5)
    arguments = {"a": "6"}
    assert call({"require": [rule(unknown)]}, arguments).effect == "deny"
    assert call({"deny_if": [rule(unknown)]}, arguments).effect == "deny"
    assert call({"approve_if": [rule(unknown)]}, arguments).effect == "approve"
    assert call({"deny_if": [rule(when=[unknown])]}, arguments).effect == "deny"


def test_a_rule_is_the_and_of_its_conditions() -> None:
    true, false, unknown = (condition("args.a", "eq", one) for one in (1, 2, "x"))
    arguments = {"a": 1}

    def denies(*conditions: dict[str, Any]) -> bool:
        return call({"deny_if": [rule(*conditions)]}, arguments).effect == "deny"

    assert denies(true, true)
    assert not denies(true, false)
    assert denies(true, unknown)
    assert not denies(unknown, false), "false outweighs unknown"
    assert not denies(false, unknown)
    assert call({"require": [rule(true, unknown)]}, arguments).effect == "deny"
    assert call({"require": [rule(true, false)]}, arguments).effect == "deny"
    assert call({"require": [rule(true, true)]}, arguments).effect == "allow"


def test_a_rule_is_skipped_only_where_when_is_false() -> None:
    def denied(when: list[dict[str, Any]]) -> bool:
        return call({"require": [rule(condition("args.b", "exists", True), when=when)]}, {"a": 1}).effect == "deny"

    assert denied([])
    assert denied([condition("args.a", "eq", 1)])
    assert not denied([condition("args.a", "eq", 2)])
    assert denied([condition("args.a", "eq", "x")])
    assert not denied([condition("args.a", "eq", 1), condition("args.a", "eq", 2)])
    assert not denied([condition("args.a", "eq", "x"), condition("args.a", "eq", 2)])


def test_an_empty_list_of_conditions_always_holds() -> None:
    assert call({"require": [rule()]}).effect == "allow"
    assert call({"deny_if": [rule()]}).effect == "deny"
    assert call({"approve_if": [rule()]}).effect == "approve"


def test_nothing_is_coerced_trimmed_folded_or_normalised() -> None:
    for value in ("5", " 5", "5.0", "five", True, [5], {"value": 5}):
        assert truth("args.a", "eq", 5, {"a": value}) == UNKNOWN
    for value in ("Yes", " yes", "yes ", "ｙes", "yes\u200b", "yes\x00"):
        assert truth("args.a", "eq", "yes", {"a": value}) == FALSE

"""What an attacker would try that no other file of these tests is about."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

import pytest

from gatepost.policy import Decision, PolicyError, compile_policy

from .support import call, condition, errors_in, policy, rule


def timed(entry: dict[str, Any], arguments: dict[str, Any]) -> Decision:
    started = time.process_time()
    decision = call(entry, arguments)
    assert time.process_time() - started < 2
    return decision


@pytest.mark.parametrize(
    "pattern", ["^(a+)+$", "^(a|a)*$", "^(a|aa)+$", "(x+x+)+y", r"^(\w+\s?)*$", ".*.*.*.*=.*", "a*a*a*a*a*b"]
)
@pytest.mark.parametrize("op", ["regex", "matches"])
def test_a_text_that_takes_other_engines_hours_takes_linear_time(pattern: str, op: str) -> None:
    for text in ("a" * 200_000 + "!", "x" * 200_000, "a " * 100_000 + "!"):
        timed({"deny_if": [rule(condition("args.a", op, pattern))]}, {"a": text})


def test_a_pattern_that_needs_too_much_memory_is_refused() -> None:
    errors = errors_in(tools={"t": {"deny_if": [rule(condition("args.a", "regex", "((a{100}){100}){100}"))]}})
    assert "RE2" in errors["/tools/t/deny_if/0/conditions/0/value"]


def test_a_pattern_whose_automaton_explodes_still_answers_rightly() -> None:
    pattern = "(?:a|b)*a" + "(?:a|b)" * 18 + "$"
    text = "ab" * 50_000
    expected = text[-19] == "a"
    assert (timed({"deny_if": [rule(condition("args.a", "regex", pattern))]}, {"a": text}).effect == "deny") is expected


def test_many_elements_under_two_stars_take_linear_time() -> None:
    rows = [[{"n": number} for number in range(100)] for _ in range(1000)]
    assert timed({"require": [rule(condition("args.rows[*][*].n", "lt", 100))]}, {"rows": rows}).effect == "allow"


def test_long_lists_of_operands_take_constant_time_for_each_call() -> None:
    operands = [f"host-{number}.example" for number in range(20_000)]
    made = policy(tools={"t": {"require": [rule(condition("args.a", "in", operands))]}})
    started = time.process_time()
    for number in range(5000):
        assert made.decide(tool="t", arguments={"a": f"host-{number}.example"}).effect == "allow"
    assert time.process_time() - started < 2


def test_letters_that_look_alike_are_not_equal() -> None:
    for alike in ("раypal", "paypaI", "paypal\u200d", "ｐaypal", "PAYPAL"):
        assert call({"require": [rule(condition("args.a", "eq", "paypal"))]}, {"a": alike}).effect == "deny"


def test_an_argument_cannot_hide_behind_a_name_that_reads_alike() -> None:
    entry = {"require": [rule(condition("args.amount", "lte", 100))]}
    assert call(entry, {"Amount": 50}).effect == "deny"
    assert call(entry, {"amount ": 50}).effect == "deny"
    schema = {"name": "t", "inputSchema": {"type": "object", "properties": {"amount": {"type": "number"}}}}
    assert call(entry, {"amount": 50, "AMOUNT": 5000}, definition=schema).rule == "(invalid arguments)"


def test_names_of_the_language_mean_nothing_inside_arguments() -> None:
    arguments = {"__proto__": {"admin": True}, "constructor": 1, "args": {"a": 1}, "$ref": "#", "*": 2, "[*]": 3, "": 4}
    assert call({"deny_if": [rule(condition("args.a", "exists", True))]}, arguments).effect == "allow"
    assert call({"deny_if": [rule(condition("args.admin", "exists", True))]}, arguments).effect == "allow"
    assert call({"deny_if": [rule(condition('args["*"]', "eq", 2))]}, arguments).effect == "deny"
    assert call({"deny_if": [rule(condition('args["[*]"]', "eq", 3))]}, arguments).effect == "deny"


class NumberText(Decimal):
    __slots__ = ("text",)


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        0,
        -(10**5000),
        float("nan"),
        float("-inf"),
        Decimal("sNaN"),
        Decimal("1e999999999"),
        Decimal("-1e-999999999"),
        NumberText("1" * 10_000),
        "",
        "\ud800",
        "\x00",
        "a" * 1_000_000,
        [],
        [[[[[]]]]],
        [None] * 1000,
        {},
        {"": {"": {"": None}}},
        {"\ud800": "\udfff"},
        object(),
        (),
        b"",
        {1: 2},
        1j,
    ],
    ids=range(25),
)
def test_no_value_at_all_makes_a_decision_fail(value: Any) -> None:
    """Every operator, in every list, on the value itself, its elements and its members."""
    operands: dict[str, Any] = {
        "eq": "a",
        "neq": 1,
        "in": ["a"],
        "not_in": [1],
        "lt": 1,
        "lte": 1,
        "gt": 1,
        "gte": 1,
        "exists": True,
        "contains": "a",
        "regex": "a",
        "matches": "a",
        "starts_with": "a",
        "ends_with": ["a"],
        "max_length": 1,
        "min_length": 1,
        "host_in": ["a.example"],
        "path_within": ["/a"],
        "email_domain_in": ["a.example"],
    }
    for op, operand in operands.items():
        for path in ("args.a", "args.a[*]", "args.a.b", "args.a[0]", "args.a[*][*]"):
            for where in ("require", "deny_if", "approve_if"):
                limit = {"counter": "c", "window": "day", "max": 1, "amount": path, "mode": "shadow"}
                entry = {where: [rule(condition(path, op, operand), mode="shadow")], "limits": [limit]}
                decision = call(entry, {"a": value})
                assert decision.effect in ("allow", "deny"), (op, path, where)
                assert "could not be evaluated" not in decision.message, (op, path, where)


def test_a_policy_that_is_refused_leaves_nothing_behind() -> None:
    with pytest.raises(PolicyError):
        compile_policy({"version": "1", "default": "deny", "tools": {"t": {"deny_if": [{}]}}})


def test_a_large_document_compiles_and_decides_in_reasonable_time() -> None:
    entries = {
        f"tool_{number}_*": {
            "deny_if": [rule(condition("args.a", "regex", f"^{number}$"))],
            "rate_limit": {"max": 1, "window": 60},
        }
        for number in range(2000)
    }
    started = time.process_time()
    made = policy(tools=entries)
    for number in range(200):
        assert made.decide(tool=f"tool_{number}_x", arguments={"a": str(number)}).effect == "deny"
    assert time.process_time() - started < 5

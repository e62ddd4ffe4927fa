"""POLICY.md section 4: what a limit may say, and the uses that a decision lists."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pytest

from gatepost.policy import Decision

from .support import call, condition, errors_in, policy, rule

LIMIT: dict[str, Any] = {"counter": "c", "window": "day", "max": 10}


def errors_with(**changes: Any) -> dict[str, str]:
    limit = {name: value for name, value in {**LIMIT, **changes}.items() if value is not ...}
    return errors_in(tools={"t": {"limits": [limit]}})


@pytest.mark.parametrize("counter", ["c", "A.b-c_9", "x" * 64])
def test_a_counter_is_letters_digits_underscore_dot_and_hyphen(counter: str) -> None:
    assert errors_with(counter=counter) == {}


@pytest.mark.parametrize("counter", ["", "x" * 65, "a b", "é", "a/b", "a\n", 5, None])
def test_anything_else_is_no_counter(counter: Any) -> None:
    assert "/tools/t/limits/0/counter" in errors_with(counter=counter)


@pytest.mark.parametrize(
    ("window", "listed"),
    [
        ("second", "second"),
        ("minute", "minute"),
        ("hour", "hour"),
        ("day", "day"),
        ("week", "week"),
        ("month", "month"),
        (1, "second"),
        (60, "minute"),
        (60.0, "minute"),
        (3600, "hour"),
        (86400, "day"),
        (604800, 604800),
        (2678400, 2678400),
        (90, 90),
    ],
)
def test_a_window_is_a_name_or_seconds_and_sixty_is_a_minute(window: Any, listed: Any) -> None:
    (use,) = call({"limits": [{**LIMIT, "window": window}]}).limits
    assert use.window == listed
    assert use.rule == f"/tools/t/limits/c-per-{listed}"


@pytest.mark.parametrize("window", [0, -1, 2678401, 1.5, "minutes", "60", True, None, [60], 10**400])
def test_anything_else_is_no_window(window: Any) -> None:
    assert "/tools/t/limits/0/window" in errors_with(window=window)


@pytest.mark.parametrize("most", [0, 1, 10**9, 0.000001, 999999999.999999, Decimal("2.500000"), 1e9])
def test_max_is_kept_exactly(most: Any) -> None:
    (use,) = call({"limits": [{**LIMIT, "max": most}]}).limits
    assert use.max == (Decimal(repr(most)) if isinstance(most, float) else Decimal(most))


@pytest.mark.parametrize("most", [-1, -0.000001, 10**9 + 1, 1000000000.000001, 0.0000001, "10", True, None, math.inf])
def test_max_is_from_zero_to_a_thousand_million_with_six_decimals(most: Any) -> None:
    assert "/tools/t/limits/0/max" in errors_with(max=most)


@pytest.mark.parametrize("field", ["counter", "window", "max"])
def test_counter_window_and_max_are_required(field: str) -> None:
    assert errors_with(**{field: ...}) == {"/tools/t/limits/0": f'found no "{field}", expected it (required)'}


def test_the_scope_is_the_grants_unless_said() -> None:
    assert call({"limits": [LIMIT]}).limits[0].scope == "grant"
    for scope in ("grant", "identity", "server"):
        assert call({"limits": [{**LIMIT, "scope": scope}]}).limits[0].scope == scope
    assert 'the nearest is "grant"' in errors_with(scope="session-grant")["/tools/t/limits/0/scope"]


def test_the_algorithm_is_fixed_unless_said_and_sliding_goes_up_to_a_day() -> None:
    assert call({"limits": [LIMIT]}).limits[0].algorithm == "fixed"
    for window in ("day", 86400, "second", 90):
        assert call({"limits": [{**LIMIT, "window": window, "algorithm": "sliding"}]}).limits[0].algorithm == "sliding"
    for window in ("week", "month", 86401):
        assert "/tools/t/limits/0/window" in errors_with(window=window, algorithm="sliding")


def test_the_short_form_uses_a_counter_named_after_the_entry() -> None:
    made = policy(tools={"read_*": {"rate_limit": {"max": 5, "window": "hour"}}})
    (use,) = made.decide(tool="read_x", arguments={}).limits
    assert (use.counter, use.window, use.scope, use.rule) == (
        "read_*_rate",
        "hour",
        "grant",
        "/tools/read_*/limits/read_*_rate-per-hour",
    )
    errors = errors_in(
        tools={"t": {"rate_limit": {"max": 5}}, "u": {"rate_limit": {"max": 5, "window": 1, "scope": "x"}}}
    )
    assert set(errors) == {"/tools/t/rate_limit", "/tools/u/rate_limit/scope"}


def test_the_short_form_comes_after_the_limits() -> None:
    entry = {"limits": [LIMIT], "rate_limit": {"max": 5, "window": 60}}
    assert [use.counter for use in call(entry).limits] == ["c", "t_rate"]


def using(arguments: dict[str, Any], amount: str = "args.n", **more: Any) -> Decision:
    return call({"limits": [{**LIMIT, "amount": amount, **more}]}, arguments)


@pytest.mark.parametrize(
    ("value", "used"),
    [
        (0, "0"),
        (5, "5"),
        (2.5, "2.5"),
        (0.1, "0.1"),
        (0.000001, "0.000001"),
        (999999999.999999, "999999999.999999"),
        (-0.0, "0"),
        (Decimal("5.50"), "5.5"),
        (Decimal("1e2"), "100"),
        (1e8, "100000000"),
    ],
)
def test_a_call_uses_exactly_its_amount(value: Any, used: str) -> None:
    decision = using({"n": value})
    assert decision.effect == "allow"
    assert decision.limits[0].amount == Decimal(used)


@pytest.mark.parametrize(
    "value",
    [
        None,
        -1,
        -0.000001,
        0.0000001,
        1.0000001,
        10**9,
        1e9,
        10**400,
        math.nan,
        math.inf,
        -math.inf,
        Decimal("NaN"),
        Decimal("5.0000000000000000001"),
        9007199254740993,
        "5",
        True,
        [5],
        {},
    ],
    ids=lambda value: repr(value)[:30],
)
def test_an_amount_that_is_missing_or_odd_is_denied(value: Any) -> None:
    decision = using({"n": value})
    assert (decision.effect, decision.rule, decision.limits) == ("deny", "/tools/t/limits/c-per-day", ())
    assert decision.message == ("t is denied: the limit c needs one amount from 0 to below 1000000000 at args.n.")


def test_an_absent_amount_is_denied_and_the_authors_text_is_used() -> None:
    decision = using({}, on_deny="Say how much.")
    assert (decision.effect, decision.message) == ("deny", "Say how much.")


def test_a_step_into_another_kind_is_no_amount() -> None:
    assert using({"n": 5}, "args.n.x").effect == "deny"
    assert using({"n": {"0": 5}}, "args.n[0]").effect == "deny"


def test_stars_sum_the_amounts() -> None:
    items = [{"price": 1.1}, {"price": 2.2}, {"price": 0}]
    assert using({"items": items}, "args.items[*].price").limits[0].amount == Decimal("3.3")
    nested = {"a": [[0.1, 0.2], [], [0.3]]}
    assert using(nested, "args.a[*][*]").limits[0].amount == Decimal("0.6")


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"items": []},
        {"items": None},
        {"items": [{}]},
        {"items": [{"price": 1}, {}]},
        {"items": [{"price": 1}, {"price": None}]},
        {"items": [{"price": 1}, {"price": "1"}]},
        {"items": [{"price": 2}, {"price": -1}]},
        {"items": [{"price": 999999999}, {"price": 1}]},
        {"items": [1]},
        {"items": {"price": 1}},
        {"items": "text"},
    ],
)
def test_a_sum_with_nothing_or_an_odd_amount_in_it_is_denied(arguments: dict[str, Any]) -> None:
    assert using(arguments, "args.items[*].price").rule == "/tools/t/limits/c-per-day"


def test_a_sum_is_exact_over_many_small_amounts() -> None:
    assert using({"items": [0.1] * 100_000}, "args.items[*]").limits[0].amount == 10_000


def test_the_amount_is_read_after_the_rules_and_before_anyone_is_asked() -> None:
    entry: dict[str, Any] = {"limits": [{**LIMIT, "amount": "args.n"}], "approve_if": [rule()]}
    assert call(entry, {}).rule == "/tools/t/limits/c-per-day"
    entry["deny_if"] = [rule(name="first")]
    assert call(entry, {}).rule == "/tools/t/deny_if/first"


def test_an_amount_has_no_place_in_all_tools_resources_or_prompts() -> None:
    limit = {**LIMIT, "amount": "args.n"}
    for holder in ("all_tools", "resources", "prompts"):
        assert set(errors_in(**{holder: {"limits": [limit]}})) == {f"/{holder}/limits/0/amount"}


def test_an_amount_is_a_path() -> None:
    assert "/tools/t/limits/0/amount" in errors_with(amount="amount")
    assert "/tools/t/limits/0/amount" in errors_with(amount=5)


def test_limits_that_share_a_counter_must_agree_on_amount_and_algorithm() -> None:
    def errors(one: dict[str, Any], other: dict[str, Any]) -> dict[str, str]:
        return errors_in(tools={"t": {"limits": [{**LIMIT, **one}]}, "u": {"limits": [{**LIMIT, **other}]}})

    where = "/tools/u/limits/0"
    assert set(errors({}, {"amount": "args.n"})) == {where}
    assert set(errors({"amount": "args.n"}, {"amount": "args.m"})) == {where}
    assert set(errors({}, {"algorithm": "sliding"})) == {where}
    assert set(errors({"window": "hour"}, {"scope": "server", "amount": "args.n"})) == {where}
    assert errors({}, {"max": 5}) == {}
    assert errors({}, {"window": "hour", "scope": "identity"}) == {}
    assert errors({"amount": "args.n"}, {"amount": 'args["n"]'}) == {}
    assert "/tools/t/limits/0" in errors({}, {"amount": "args.n"})[where]


def test_limits_of_different_holders_share_a_counter_too() -> None:
    tools = {"t": {"limits": [{**LIMIT, "amount": "args.n"}]}}
    assert set(errors_in(tools=tools, all_tools={"limits": [LIMIT]})) == {"/tools/t/limits/0"}
    assert set(errors_in(tools=tools, prompts={"limits": [LIMIT]})) == {"/prompts/limits/0"}
    short = {
        "t": {"rate_limit": {"max": 1, "window": 1}, "limits": [{**LIMIT, "counter": "t_rate", "amount": "args.n"}]}
    }
    assert set(errors_in(tools=short)) == {"/tools/t/rate_limit"}


def test_every_limit_that_applies_is_listed_and_a_denied_call_uses_nothing() -> None:
    tools = {"t": {"limits": [LIMIT, {**LIMIT, "max": 5}], "deny_if": [rule(condition("args.a", "eq", 1))]}}
    made = policy(tools=tools, all_tools={"limits": [{**LIMIT, "counter": "calls", "window": "minute"}]})
    uses = made.decide(tool="t", arguments={}).limits
    assert [(use.counter, use.max) for use in uses] == [("c", 10), ("c", 5), ("calls", 10)]
    assert made.decide(tool="t", arguments={"a": 1}).limits == ()


def test_an_approval_lists_the_uses_that_will_be_reserved_later() -> None:
    decision = call({"action": "require_approval", "limits": [{**LIMIT, "amount": "args.n"}]}, {"n": 7})
    assert (decision.effect, decision.limits[0].amount) == ("approve", 7)


def test_a_use_carries_everything_its_counter_needs() -> None:
    limit = {**LIMIT, "scope": "identity", "algorithm": "sliding", "on_deny": "Enough.", "name": "mine"}
    (use,) = call({"limits": [limit]}).limits
    assert (use.counter, use.window, use.scope, use.max, use.amount) == ("c", "day", "identity", 10, 1)
    assert (use.algorithm, use.rule, use.on_deny, use.enforced) == ("sliding", "/tools/t/limits/mine", "Enough.", True)

"""`explain` shows every step with each condition's value, and agrees with `decide`."""

from __future__ import annotations

from typing import Any

import pytest

from .support import condition, policy, rule

DEFINITION = {
    "name": "create_refund",
    "inputSchema": {
        "type": "object",
        "properties": {
            "amount": {"type": "number"},
            "reason": {"type": "string", "default": "none given"},
            "items": {},
        },
    },
}
TOOLS: dict[str, Any] = {
    "create_refund": {
        "require": [rule(condition("args.reason", "exists", True), on_deny="Give a reason.")],
        "deny_if": [
            rule(condition("args.amount", "gt", 10000), name="too-much"),
            rule(condition("args.items[*].n", "eq", 1), when=[condition("args.amount", "lt", 5)], mode="shadow"),
        ],
        "approve_if": [rule(condition("args.amount", "gt", 500))],
        "limits": [{"counter": "refunds", "window": "day", "max": 100000, "amount": "args.amount"}],
    }
}


def explained(arguments: Any, **more: Any) -> list[dict[str, Any]]:
    return policy(tools=TOOLS).explain(tool="create_refund", arguments=arguments, **more)


def test_every_step_stands_in_its_order_also_after_the_one_that_decides() -> None:
    steps = explained({"amount": 20000, "items": [{"n": 1}, {}, 5]})
    assert [(step["step"], step["rule"], step["kind"], step["result"], step["enforced"]) for step in steps] == [
        (2, "(no policy)", "policy", "pass", True),
        (3, "(hidden)", "hide", "pass", True),
        (5, "/tools/create_refund/action", "action", "pass", True),
        (6, "(default deny)", "default", "pass", True),
        (7, "(invalid arguments)", "arguments", "skipped", True),
        (8, "/tools/create_refund/require/args.reason-exists", "require", "deny", True),
        (8, "/tools/create_refund/deny_if/too-much", "deny_if", "deny", True),
        (8, "/tools/create_refund/deny_if/args.items[*].n-eq", "deny_if", "skipped", False),
        (9, "/tools/create_refund/limits/refunds-per-day", "limit", "use", True),
        (10, "/tools/create_refund/approve_if/args.amount-gt", "approve_if", "approve", True),
    ]
    assert [step["decides"] for step in steps].index(True) == 5
    assert sum(step["decides"] for step in steps) == 1


def test_each_condition_has_its_value_and_its_result() -> None:
    steps = explained({"amount": "many", "items": [{"n": 1}, {}, 5]})
    too_much, shadowed = steps[6:8]
    assert too_much["conditions"] == [
        {
            "part": "conditions",
            "path": "args.amount",
            "op": "gt",
            "operand": 10000,
            "value": "many",
            "found": "value",
            "result": "unknown",
        }
    ]
    when, ranging = shadowed["conditions"]
    assert (when["part"], when["result"]) == ("when", "unknown")
    assert ranging["value"] == [1, None, None]
    assert ranging["found"] == ["value", "missing", "unknown"]
    assert ranging["result"] is True
    assert (shadowed["result"], shadowed["enforced"]) == ("deny", False)


def test_a_default_that_a_rule_reads_is_shown_as_the_value() -> None:
    steps = explained({"amount": 1}, definition=DEFINITION)
    (required,) = [step for step in steps if step["kind"] == "require"]
    assert required["conditions"][0]["value"] == "none given"
    (checked,) = [step for step in steps if step["kind"] == "arguments"]
    assert checked["result"] == "pass"


def test_invalid_arguments_say_why() -> None:
    (step,) = [one for one in explained({"amount": "x"}, definition=DEFINITION) if one["kind"] == "arguments"]
    assert (step["result"], step["decides"]) == ("deny", True)
    assert step["message"].endswith('the argument "amount" does not satisfy the schema (type).')
    steps = explained([1])
    assert (steps[-1]["rule"], steps[-1]["result"]) == ("(invalid arguments)", "deny")


def test_a_limit_shows_what_the_call_would_use_or_that_it_has_no_amount() -> None:
    (limit,) = [step for step in explained({"amount": 7, "reason": "x"}) if step["kind"] == "limit"]
    assert (limit["result"], limit["use"].counter, limit["use"].amount) == ("use", "refunds", 7)
    (limit,) = [step for step in explained({"amount": -7, "reason": "x"}) if step["kind"] == "limit"]
    assert (limit["result"], limit["decides"]) == ("deny", True)


def test_hiding_actions_and_the_default_are_steps() -> None:
    made = policy(
        hide=["t"], tools={"*": {"action": "deny", "mode": "shadow"}, "@read": {"action": "require_approval"}}
    )
    steps = made.explain(tool="t", arguments=None)
    assert [(step["step"], step["rule"], step["result"]) for step in steps] == [
        (2, "(no policy)", "pass"),
        (3, "(hidden)", "deny"),
        (5, "/tools/*/action", "deny"),
        (5, "/tools/@read/action", "pass"),
        (6, "(default deny)", "pass"),
        (7, "(invalid arguments)", "skipped"),
        (10, "/tools/@read/action", "approve"),
    ]
    assert [step["decides"] for step in steps].index(True) == 1
    assert [step["enforced"] for step in steps] == [True, True, False, True, True, True, True]


@pytest.mark.parametrize(("default", "result", "decides"), [("deny", "deny", True), ("allow", "pass", False)])
def test_of_a_tool_that_no_entry_is_for_the_default_says_what_happens(default: str, result: str, decides: bool) -> None:
    steps = policy(default=default).explain(tool="t", arguments={})
    assert [(step["step"], step["rule"], step["kind"], step["result"], step["decides"]) for step in steps] == [
        (2, "(no policy)", "policy", "pass", False),
        (3, "(hidden)", "hide", "pass", False),
        (5, "", "action", "skipped", False),
        (6, "(default deny)", "default", result, decides),
        (7, "(invalid arguments)", "arguments", "skipped", False),
    ]


def test_a_plain_allow_has_no_deciding_step() -> None:
    assert not any(step["decides"] for step in explained({"amount": 7, "reason": "x"}))


def test_a_rule_that_fails_is_an_error_that_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    from gatepost.policy import operators

    def broken(_value: Any) -> bool | None:
        raise RuntimeError("boom")

    monkeypatch.setitem(operators.OPERATORS, "eq", operators.Operator(lambda _operand: broken))
    made = policy(tools={"t": {"deny_if": [rule(condition("args.a", "eq", 1), mode="shadow", name="breaks")]}})
    (step,) = [step for step in made.explain(tool="t", arguments={"a": 1}) if step["kind"] == "deny_if"]
    assert (step["result"], step["enforced"], step["decides"]) == ("error", True, True)
    assert step["conditions"][0]["result"] == "error"
    assert made.decide(tool="t", arguments={"a": 1}).message == step["message"]

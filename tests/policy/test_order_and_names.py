"""POLICY.md section 5: the order of judging, and the names of rules in the log."""

from __future__ import annotations

from typing import Any

import pytest

from gatepost.policy import Decision

from .support import call, condition, policy, rule

LIMIT: dict[str, Any] = {"counter": "c", "window": "day", "max": 1, "amount": "args.n"}
DEFINITION = {"name": "t", "inputSchema": {"type": "object", "properties": {"n": {}, "a": {}}}}


def test_the_first_step_that_denies_is_the_decision() -> None:
    """Everything denies at first; what decided is taken away, step by step, until the call passes."""
    entry: dict[str, Any] = {
        "action": "deny",
        "require": [rule(condition("args.a", "eq", "x"))],
        "deny_if": [rule(name="entry-deny")],
        "approve_if": [rule(name="entry-ask")],
        "limits": [LIMIT],
    }
    all_tools: dict[str, Any] = {
        "require": [rule(condition("args.a", "eq", "x"))],
        "deny_if": [rule(name="all-deny")],
        "approve_if": [rule(name="all-ask")],
    }
    document: dict[str, Any] = {"hide": ["t"], "all_tools": all_tools, "tools": {"*": entry}}
    arguments: dict[str, Any] = {"undeclared": 1}

    def decision() -> Decision:
        return policy(**document).decide(tool="t", arguments=arguments, definition=DEFINITION)

    assert decision().rule == "(hidden)"
    del document["hide"]
    assert decision().rule == "/tools/*/action"
    del entry["action"]
    assert decision().rule == "(invalid arguments)"
    del arguments["undeclared"]
    assert decision().rule == "/tools/*/require/args.a-eq"
    del entry["require"]
    assert decision().rule == "/tools/*/deny_if/entry-deny"
    del entry["deny_if"]
    assert decision().rule == "/all_tools/require/args.a-eq"
    del all_tools["require"]
    assert decision().rule == "/all_tools/deny_if/all-deny"
    del all_tools["deny_if"]
    assert decision().rule == "/tools/*/limits/c-per-day"
    arguments["n"] = 1
    assert (decision().effect, decision().rule) == ("approve", "/tools/*/approve_if/entry-ask")
    entry["action"] = "require_approval"
    assert decision().rule == "/tools/*/action"
    del entry["action"]
    del entry["approve_if"]
    assert (decision().effect, decision().rule) == ("approve", "/all_tools/approve_if/all-ask")
    del all_tools["approve_if"]
    assert (decision().effect, decision().rule) == ("allow", "")


def test_the_default_deny_comes_after_actions_and_before_the_arguments() -> None:
    tools = {"@write": {"action": "deny"}}
    made = policy(tools=tools)
    assert made.decide(tool="t", arguments={}).rule == "/tools/@write/action"
    assert policy().decide(tool="t", arguments={"undeclared": 1}, definition=DEFINITION).rule == "(default deny)"


def test_every_entrys_require_comes_before_any_entrys_deny_if() -> None:
    tools = {
        "t*": {"deny_if": [rule(name="d")]},
        "*": {"require": [rule(condition("args.a", "exists", True), name="r")]},
    }
    assert policy(tools=tools).decide(tool="t", arguments={}).rule == "/tools/*/require/r"


@pytest.mark.parametrize(
    ("conditions", "leaf"),
    [
        ([], "always"),
        ([condition("args.amount", "gt", 1)], "args.amount-gt"),
        ([condition("args.a", "gt", 1), condition("args.b[*].c", "not_in", ["x"])], "args.a-gt+args.b[*].c-not_in"),
        ([condition('args["odd.name"]', "eq", 1)], 'args["odd.name"]-eq'),
        ([condition('args["a/b~c"]', "eq", 1)], 'args["a~1b~0c"]-eq'),
    ],
)
def test_the_leaf_is_made_of_the_conditions(conditions: list[dict[str, Any]], leaf: str) -> None:
    entry = {"deny_if": [rule(*conditions)]}
    steps = policy(tools={"t": entry}).explain(tool="t", arguments={})
    assert [step["rule"] for step in steps if step["kind"] == "deny_if"] == [f"/tools/t/deny_if/{leaf}"]


def leaves(kind: str, *rules: dict[str, Any]) -> list[str]:
    steps = policy(tools={"t": {kind: list(rules)}}).explain(tool="t", arguments={})
    return [step["rule"].rpartition("/")[2] for step in steps if step["kind"] in (kind, "limit")]


def test_a_repeated_leaf_is_numbered_in_its_list() -> None:
    same = rule(condition("args.a", "eq", 1))
    other = rule(condition("args.a", "eq", 2))
    assert leaves("deny_if", same, other, same) == ["args.a-eq", "args.a-eq#2", "args.a-eq#3"]
    assert leaves("approve_if", rule(), rule(), rule(name="named")) == ["always", "always#2", "named"]
    assert leaves("deny_if", rule(name="always"), rule()) == ["always", "always#2"]


def test_when_is_no_part_of_the_leaf() -> None:
    assert leaves("deny_if", rule(condition("args.a", "eq", 1), when=[condition("args.b", "eq", 1)])) == ["args.a-eq"]


def test_a_name_stands_for_the_leaf() -> None:
    assert leaves("deny_if", rule(condition("args.a", "eq", 1), name="too-much")) == ["too-much"]


def test_limits_are_named_by_counter_and_window_or_by_name() -> None:
    def limit(**more: Any) -> dict[str, Any]:
        return {"counter": "calls", "window": "minute", "max": 1, **more}

    names = leaves("limits", limit(), limit(max=2), limit(window=90), limit(window=3600), limit(name="mine"))
    assert names == ["calls-per-minute", "calls-per-minute#2", "calls-per-90", "calls-per-hour", "mine"]
    made = policy(default="allow", all_tools={"limits": [limit()]}, resources={"allow": ["*"], "limits": [limit()]})
    assert made.decide(tool="t", arguments={}).limits[0].rule == "/all_tools/limits/calls-per-minute"
    assert made.decide_resource("a:b").limits[0].rule == "/resources/limits/calls-per-minute"


@pytest.mark.parametrize(
    ("key", "tool", "escaped"),
    [("a/b", "a/b", "a~1b"), ("a~b", "a~b", "a~0b"), ("a/*", "a/x", "a~1*"), ("@read", "t", "@read")],
)
def test_the_key_is_the_entrys_own_escaped_as_in_a_json_pointer(key: str, tool: str, escaped: str) -> None:
    decision = policy(tools={key: {"action": "deny"}}).decide(tool=tool, arguments={}, category="read")
    assert decision.rule == f"/tools/{escaped}/action"


def test_a_plain_allow_has_no_rule_and_no_message() -> None:
    decision = call({}, {"a": 1})
    assert decision == Decision("allow")
    assert (decision.rule, decision.message, decision.shadowed, decision.approval) == ("", "", (), None)


def test_the_same_document_and_call_give_the_same_answer() -> None:
    entry = {"deny_if": [rule(condition("args.a", "regex", "x+$"))], "limits": [LIMIT]}
    calls: list[dict[str, Any]] = [{"a": "xx", "n": 1}, {"a": "y", "n": 2}, {"a": 5}, {}]
    made, again = policy(tools={"t": entry}), policy(tools={"t": entry})
    first = [made.decide(tool="t", arguments=arguments) for arguments in calls]
    second = [again.decide(tool="t", arguments=arguments) for arguments in reversed(calls)]
    assert first == list(reversed(second))
    assert first == [made.decide(tool="t", arguments=arguments) for arguments in calls]


def test_a_decision_cannot_be_changed() -> None:
    decision = call({"limits": [{"counter": "c", "window": "day", "max": 1}]})
    for target, name in ((decision, "effect"), (decision.limits[0], "max")):
        with pytest.raises(AttributeError):
            setattr(target, name, "other")


def test_judging_leaves_the_arguments_as_they_were() -> None:
    arguments = {"a": [1, {"b": None}], "n": 5}
    call({"require": [rule(condition("args.a[*].b", "neq", 1))], "limits": [LIMIT]}, arguments, definition=DEFINITION)
    assert arguments == {"a": [1, {"b": None}], "n": 5}

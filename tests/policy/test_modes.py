"""POLICY.md section 1, `mode`: what shadow mode lets through, what it records, and what it never touches."""

from __future__ import annotations

from typing import Any

import pytest

from gatepost.policy import Decision

from .support import condition, policy, rule

ALWAYS = rule(name="always-rule")


def judged(document_mode: str | None = None, tool: str = "t", **entry: Any) -> Decision:
    fields: dict[str, Any] = {"tools": {"t": entry}}
    if document_mode:
        fields["mode"] = document_mode
    return policy(**fields).decide(tool=tool, arguments={})


def test_a_shadow_rule_is_recorded_and_evaluation_goes_on() -> None:
    decision = judged(deny_if=[{**ALWAYS, "mode": "shadow"}, rule(name="second")])
    assert (decision.effect, decision.rule, decision.enforced) == ("deny", "/tools/t/deny_if/second", True)
    assert decision.shadowed == (("/tools/t/deny_if/always-rule", "deny"),)


def test_a_call_that_only_shadow_mode_let_through_says_what_would_have_applied() -> None:
    decision = judged("shadow", action="deny", deny_if=[ALWAYS], approve_if=[ALWAYS])
    assert (decision.effect, decision.enforced, decision.message) == ("allow", False, "")
    assert decision.rule == "/tools/t/action"
    assert decision.shadowed == (
        ("/tools/t/action", "deny"),
        ("/tools/t/deny_if/always-rule", "deny"),
        ("/tools/t/approve_if/always-rule", "approve"),
    )


def test_a_call_that_no_rule_touches_is_enforced_in_shadow_mode_too() -> None:
    decision = judged("shadow", deny_if=[rule(condition("args.a", "exists", True))])
    assert (decision.effect, decision.rule, decision.enforced, decision.shadowed) == ("allow", "", True, ())


@pytest.mark.parametrize("document", ["enforce", "shadow", None])
@pytest.mark.parametrize("entry", ["enforce", "shadow", None])
@pytest.mark.parametrize("own", ["enforce", "shadow", None])
def test_the_innermost_mode_wins(document: str | None, entry: str | None, own: str | None) -> None:
    chosen: dict[str, Any] = {"deny_if": [{**ALWAYS, **({"mode": own} if own else {})}]}
    if entry:
        chosen["mode"] = entry
    expected = own or entry or document or "enforce"
    assert judged(document, **chosen).effect == ("deny" if expected == "enforce" else "allow")


def test_the_mode_of_an_entry_is_that_of_its_action_and_its_limits() -> None:
    limit = {"counter": "c", "window": "day", "max": 1}
    decision = judged(None, mode="shadow", action="deny", limits=[limit, {**limit, "mode": "enforce"}])
    assert decision.effect == "allow"
    assert [use.enforced for use in decision.limits] == [False, True]


def test_the_default_deny_has_the_mode_of_the_document() -> None:
    decision = judged("shadow", tool="other")
    assert (decision.effect, decision.rule, decision.enforced) == ("allow", "(default deny)", False)


def test_hiding_blocks_in_every_mode() -> None:
    assert judged("shadow", action="hide").rule == "(hidden)"
    assert judged(None, mode="shadow", action="hide").enforced
    made = policy(mode="shadow", hide=["t"])
    assert made.hides("t", None)
    assert made.decide(tool="t", arguments={}).effect == "deny"


def test_rules_of_all_tools_follow_the_document_unless_they_say_otherwise() -> None:
    rules = [ALWAYS, rule(name="blocks", mode="enforce")]
    made = policy(default="allow", mode="shadow", all_tools={"deny_if": rules})
    decision = made.decide(tool="t", arguments={})
    assert decision.rule == "/all_tools/deny_if/blocks"
    assert decision.shadowed == (("/all_tools/deny_if/always-rule", "deny"),)


def test_a_shadowed_denial_gives_way_to_the_milder_action_that_enforces() -> None:
    tools = {"t*": {"action": "deny", "mode": "shadow"}, "@write": {"action": "require_approval"}}
    decision = policy(tools=tools).decide(tool="t", arguments={}, category="write")
    assert (decision.effect, decision.rule) == ("approve", "/tools/@write/action")
    assert decision.shadowed == (("/tools/t*/action", "deny"),)


def test_invalid_arguments_have_the_mode_of_the_entry_that_validates() -> None:
    definition = {"name": "t", "inputSchema": {"type": "object", "properties": {}}}
    made = policy(tools={"t": {"mode": "shadow"}})
    decision = made.decide(tool="t", arguments={"a": 1}, definition=definition)
    assert (decision.effect, decision.shadowed) == ("allow", (("(invalid arguments)", "deny"),))
    tools = {"t*": {"mode": "shadow"}, "*": {}}
    assert policy(tools=tools).decide(tool="t", arguments={"a": 1}, definition=definition).effect == "deny"


def test_a_shadow_limit_is_listed_and_marked() -> None:
    decision = judged(limits=[{"counter": "c", "window": "day", "max": 0, "mode": "shadow"}])
    assert (decision.effect, decision.rule, decision.enforced) == ("allow", "", True)
    assert [(use.counter, use.enforced) for use in decision.limits] == [("c", False)]


def test_a_shadow_limit_without_a_usable_amount_is_recorded_and_not_listed() -> None:
    limit = {"counter": "c", "window": "day", "max": 1, "amount": "args.n", "mode": "shadow"}
    decision = judged(limits=[limit])
    assert (decision.effect, decision.limits) == ("allow", ())
    assert decision.shadowed == (("/tools/t/limits/c-per-day", "deny"),)


def test_an_exception_in_a_rule_blocks_in_every_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_value: Any) -> bool | None:
        raise RuntimeError("boom")

    from gatepost.policy import operators

    monkeypatch.setitem(operators.OPERATORS, "eq", operators.Operator(lambda _operand: broken))
    rules = [rule(condition("args.a", "eq", 1), name="breaks", mode="shadow")]
    for where in ("require", "deny_if", "approve_if"):
        decision = policy(mode="shadow", tools={"t": {where: rules}}).decide(tool="t", arguments={"a": 1})
        assert (decision.effect, decision.rule, decision.enforced) == ("deny", f"/tools/t/{where}/breaks", True)
        assert decision.message == "t is denied: the rule breaks could not be evaluated."


def test_resources_and_prompts_have_the_mode_of_the_document() -> None:
    made = policy(mode="shadow", resources={"deny": ["a:*"]})
    decision = made.decide_resource("a:b")
    assert (decision.effect, decision.rule, decision.enforced) == ("allow", "/resources/deny/a:*", False)
    assert made.lists_resource("a:b")
    assert made.decide_prompt("p").shadowed == (("/prompts/default", "deny"),)
    assert made.lists_prompt("p")
    assert made.lists_template("a:{x}")

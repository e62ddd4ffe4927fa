"""The engine and the reference evaluator agree, on effect, rule, uses and all the rest."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatepost.policy import Decision, Policy, compile_definition, compile_policy

from . import generate, reference

CALLS = 40
"""Calls for each document; each counts as one pair."""


def as_answer(decision: Decision) -> dict[str, Any]:
    approval = decision.approval
    return {
        "effect": decision.effect,
        "rule": decision.rule,
        "uses": [
            {
                "counter": use.counter,
                "window": use.window,
                "scope": use.scope,
                "max": use.max,
                "amount": use.amount,
                "algorithm": use.algorithm,
                "rule": use.rule,
                "enforced": use.enforced,
            }
            for use in decision.limits
        ],
        "enforced": decision.enforced,
        "shadowed": decision.shadowed,
        "approval": None if approval is None else {"timeout": approval.timeout, "approvers": approval.approvers},
    }


def kind_of(decision: Decision) -> str:
    """The branch that decided: the rule's place without its own names."""
    rule = decision.rule
    if rule.startswith("/tools/"):
        holder = "@" if rule.startswith("/tools/@") else "*" if "*" in rule.split("/")[2] else "exact"
        rule = f"{holder} {rule.split('/')[3]}"
    elif rule.startswith("/"):
        rule = "/".join(rule.split("/")[:3])
    return f"{decision.effect} {rule or 'plain'}{'' if decision.enforced else ' (shadow)'}"


def compare_one_document(random: Random, calls: int, seen: Counter[str]) -> None:
    document = generate.document(random)
    policy = compile_policy(document)
    definition, compiled = None, None
    for number in range(calls):
        if number % 8 == 0:
            definition = generate.definition(random)
            compiled = None if definition is None else compile_definition(definition)
        tool, category = random.choice(generate.TOOLS), random.choice(generate.CATEGORIES)
        arguments = generate.arguments(random)
        decision = policy.decide(tool=tool, arguments=arguments, category=category, definition=compiled)
        expected = reference.judge(document, tool, arguments, category, definition)
        assert as_answer(decision) == expected, (document, tool, arguments, category, definition)
        assert policy.hides(tool, category) == (expected["rule"] == "(hidden)")
        seen[kind_of(decision)] += 1
        if number % 8 == 0:
            check_explanation(policy, decision, tool, arguments, category, compiled)
    compare_lists(random, policy, document, seen)


def check_explanation(
    policy: Policy, decision: Decision, tool: str, arguments: dict[str, Any], category: str | None, definition: Any
) -> None:
    steps = policy.explain(tool=tool, arguments=arguments, category=category, definition=definition)
    deciding = [step for step in steps if step["decides"]]
    if decision.effect == "allow":
        assert not deciding
    else:
        assert [step["rule"] for step in deciding] == [decision.rule]
        assert deciding[0]["message"] == decision.message
    end = steps.index(deciding[0]) if deciding else len(steps)
    shadowed = [(s["rule"], s["result"]) for s in steps[:end] if s["result"] in ("deny", "approve")]
    assert tuple(shadowed) == decision.shadowed


def compare_lists(random: Random, policy: Policy, document: dict[str, Any], seen: Counter[str]) -> None:
    for uri in random.sample(generate.URIS, 4):
        decision = policy.decide_resource(uri)
        assert as_answer(decision) == reference.judge_listed(document, "resources", uri), (document, uri)
        assert policy.lists_resource(uri) == (decision.effect == "allow")
        seen[kind_of(decision)] += 1
    for name in random.sample(generate.TOOLS, 2):
        decision = policy.decide_prompt(name)
        assert as_answer(decision) == reference.judge_listed(document, "prompts", name), (document, name)
        assert policy.lists_prompt(name) == (decision.effect == "allow")
        seen[kind_of(decision)] += 1


EVERY_OUTCOME = {
    "allow plain",
    "deny (hidden)",
    "deny (default deny)",
    "deny (invalid arguments)",
    "deny (invalid uri)",
    "deny exact action",
    "deny * action",
    "deny @ action",
    "approve exact action",
    "approve * action",
    "approve @ action",
    "allow (default deny) (shadow)",
    "allow (invalid arguments) (shadow)",
    "allow (invalid uri) (shadow)",
    "allow exact action (shadow)",
    "deny /all_tools/require",
    "deny /all_tools/deny_if",
    "approve /all_tools/approve_if",
    "allow /all_tools/require (shadow)",
    "allow /all_tools/deny_if (shadow)",
    "allow /all_tools/approve_if (shadow)",
    "deny /resources/default",
    "deny /resources/deny",
    "allow /resources/deny (shadow)",
    "allow /resources/default (shadow)",
    "deny /prompts/default",
    "deny /prompts/deny",
    *(
        f"{effect} {holder} {where}"
        for holder in ("exact", "*", "@")
        for effect, where in [("deny", "require"), ("deny", "deny_if"), ("deny", "limits"), ("approve", "approve_if")]
    ),
    *(
        f"allow {holder} {where} (shadow)"
        for holder in ("exact", "*", "@")
        for where in ("require", "deny_if", "approve_if", "limits")
    ),
}


def compare(seeds: range) -> Counter[str]:
    seen: Counter[str] = Counter()
    for seed in seeds:
        compare_one_document(Random(seed), CALLS, seen)
    return seen


def test_engine_and_reference_agree_on_twenty_thousand_calls() -> None:
    seen = compare(range(500))
    assert EVERY_OUTCOME - seen.keys() == set()


def test_every_operator_alone_agrees_and_is_seen_true_false_unknown_and_missing() -> None:
    random = Random(7)
    seen: Counter[tuple[str, str, str, str]] = Counter()
    for _ in range(5000):
        document, where = generate.one_rule(random)
        policy = compile_policy(document)
        (rules,) = document["tools"]["a"].values()
        (condition,) = rules[0]["when" if where == "when" else "conditions"]
        for _ in range(4):
            arguments = generate.arguments(random)
            decision = policy.decide(tool="a", arguments=arguments)
            assert as_answer(decision) == reference.judge(document, "a", arguments, None, None), (document, arguments)
            for value in reference.values_at(arguments, condition["path"], None):
                found = value if value in (reference.MISSING, reference.UNKNOWN) else "value"
                result = reference.operate(condition["op"], condition["value"], value, where)
                seen[condition["op"], where, found, str(result)] += 1
    for op in generate.OPERATORS:
        for where in ("require", "deny_if", "approve_if", "when"):
            results = {(found, result) for name, place, found, result in seen if (name, place) == (op, where)}
            assert {result for found, result in results if found == "value"} >= {"True", "False", reference.UNKNOWN}
            assert {found for found, _ in results} == {"value", reference.MISSING, reference.UNKNOWN}


@settings(max_examples=200)
@given(st.randoms(use_true_random=False))
def test_engine_and_reference_agree_on_what_hypothesis_chooses(random: Random) -> None:
    compare_one_document(random, 8, Counter())


@pytest.mark.slow
def test_engine_and_reference_agree_on_a_million_calls() -> None:
    compare(range(1_000_000, 1_000_000 + 1_000_000 // CALLS))

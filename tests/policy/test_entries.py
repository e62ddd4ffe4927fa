"""POLICY.md section 1: which entries apply to a tool, and what their actions do."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest

from .support import condition, policy, rule

ALWAYS = [rule()]


def named(key: str) -> dict[str, Any]:
    """An entry whose one rule denies only the argument that names it."""
    return {"deny_if": [rule(condition("args.which", "eq", key))]}


def read_order(keys: list[str], tool: str, category: str | None = None) -> list[str]:
    """The keys of the entries that apply, in the order in which their rules are read."""
    made = policy(default="allow", tools={key: {"deny_if": [rule(name="r")]} for key in keys})
    steps = made.explain(tool=tool, arguments={}, category=category)
    return [step["rule"].split("/")[2] for step in steps if step["kind"] == "deny_if"]


def test_an_exact_name_applies_alone() -> None:
    keys = ["read_file", "read_*", "*", "@read"]
    assert read_order(keys, "read_file", "read") == ["read_file"]
    tools = {"read_file": {}, "*": {"action": "deny"}, "@read": {"action": "hide"}}
    assert policy(tools=tools).decide(tool="read_file", arguments={}, category="read").effect == "allow"


def test_globs_come_before_categories_longer_literal_prefix_first_then_alphabetically() -> None:
    keys = ["@read", "*", "*e", "read_*", "r*", "read_f*", "re*e", "re*", "@write"]
    assert read_order(keys, "read_file", "read") == ["read_f*", "read_*", "re*", "re*e", "r*", "*", "*e", "@read"]


def test_the_category_entries_of_a_tool_without_category_are_read_alphabetically() -> None:
    keys = ["@write", "@read", "@financial", "@execute", "@destructive"]
    assert read_order(keys, "t") == sorted(keys)


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("*", ["", "a", "a.b/c"], []),
        ("a*", ["a", "ab", "a*"], ["b", "", "A"]),
        ("*a", ["a", "ba"], ["ab", ""]),
        ("a*b", ["ab", "axb", "a*b", "abb"], ["a", "b", "ba"]),
        ("a*b*c", ["abc", "axbxc", "abbcc"], ["acb", "ac"]),
        ("a**c", ["ac", "abc"], ["a", "ab"]),
        ("ab*ba", ["abba", "abxba"], ["aba"]),
        ("a*bc*c", ["abcc", "axbcxc"], ["abc"]),
        ("a.c*", ["a.c", "a.cx"], ["abc"]),
        ("[ab]*", ["[ab]x"], ["a", "b"]),
        ("a?*", ["a?", "a?x"], ["ab"]),
        ("READ*", ["READ_x"], ["read_x"]),
    ],
)
def test_a_star_is_any_run_of_characters_and_everything_else_is_literal(
    pattern: str, matching: list[str], others: list[str]
) -> None:
    made = policy(tools={pattern: {}})
    assert [name for name in matching if made.decide(tool=name, arguments={}).effect != "allow"] == []
    assert [name for name in others if made.decide(tool=name, arguments={}).effect != "deny"] == []


def test_a_glob_takes_time_in_proportion_to_the_name() -> None:
    made = policy(tools={"*a" * 50 + "*b": {}})
    assert made.decide(tool="a" * 100_000, arguments={}).rule == "(default deny)"


STRICTNESS = ["allow", "require_approval", "deny", "hide"]


@pytest.mark.parametrize("one", STRICTNESS)
@pytest.mark.parametrize("other", STRICTNESS)
def test_the_strictest_action_wins(one: str, other: str) -> None:
    made = policy(tools={"x*": {"action": one}, "@write": {"action": other}})
    decision = made.decide(tool="x1", arguments={}, category="write")
    strictest = max(one, other, key=STRICTNESS.index)
    expected = {"allow": "allow", "require_approval": "approve", "deny": "deny", "hide": "deny"}[strictest]
    assert decision.effect == expected
    assert (decision.rule == "(hidden)") == (strictest == "hide")


def test_all_their_rules_and_limits_are_read() -> None:
    def limit(counter: str) -> dict[str, Any]:
        return {"counter": counter, "window": "day", "max": 1}

    tools = {
        "x*": {**named("glob"), "limits": [limit("glob")]},
        "*": {**named("star"), "limits": [limit("star")]},
        "@write": {**named("category"), "limits": [limit("category")]},
    }
    made = policy(tools=tools, all_tools={**named("all"), "limits": [limit("all")]})
    for which in ("glob", "star", "category", "all"):
        assert made.decide(tool="x", arguments={"which": which}, category="write").effect == "deny"
    allowed = made.decide(tool="x", arguments={"which": "none"}, category="write")
    assert [use.counter for use in allowed.limits] == ["glob", "star", "category", "all"]


def test_the_default_applies_only_where_nothing_matches() -> None:
    made = policy(default="deny", tools={"a*": {}})
    assert made.decide(tool="a1", arguments={}).effect == "allow"
    assert made.decide(tool="b", arguments={}).rule == "(default deny)"
    assert policy(default="allow").decide(tool="b", arguments={}).effect == "allow"


def test_a_category_entry_matches_the_tools_of_its_category() -> None:
    made = policy(tools={"@read": {}, "@destructive": {"action": "deny"}})
    assert made.decide(tool="t", arguments={}, category="read").effect == "allow"
    assert made.decide(tool="t", arguments={}, category="write").rule == "(default deny)"
    assert made.decide(tool="t", arguments={}, category="destructive").rule == "/tools/@destructive/action"


@pytest.mark.parametrize("category", [None, "", "other", "@read", "READ"])
def test_a_tool_without_a_known_category_is_never_allowed_by_a_category_entry_alone(category: str | None) -> None:
    made = policy(tools={"@read": {}, "@write": {}})
    assert made.decide(tool="t", arguments={}, category=category).rule == "(default deny)"


@pytest.mark.parametrize("category", [None, "", "other"])
def test_a_tool_without_a_known_category_meets_every_category_entry_as_a_restriction(category: str | None) -> None:
    def judged(**tools: Any) -> str:
        return policy(tools={"t*": {}, **tools}).decide(tool="t", arguments={}, category=category).effect

    assert judged() == "allow"
    assert judged(**{"@financial": {"action": "deny"}}) == "deny"
    assert judged(**{"@financial": {"action": "require_approval"}}) == "approve"
    assert judged(**{"@financial": {"deny_if": ALWAYS}}) == "deny"
    assert policy(tools={"t*": {}, "@read": {"action": "hide"}}).hides("t", category)
    limit = {"counter": "c", "window": "day", "max": 1}
    made = policy(tools={"t*": {}, "@read": {"limits": [limit]}})
    assert len(made.decide(tool="t", arguments={}, category=category).limits) == 1


def test_under_default_allow_a_tool_without_category_is_still_restricted_by_category_entries() -> None:
    made = policy(default="allow", tools={"@financial": {"action": "deny"}})
    assert made.decide(tool="t", arguments={}).effect == "deny"
    assert made.decide(tool="t", arguments={}, category="read").effect == "allow"


def test_hide_takes_a_tool_off_the_list_and_makes_it_unknown() -> None:
    made = policy(default="allow", hide=["secret", "delete_*"], tools={"secret": {}, "internal": {"action": "hide"}})
    for tool in ("secret", "delete_all", "internal"):
        assert made.hides(tool, "read")
        decision = made.decide(tool=tool, arguments={})
        assert (decision.effect, decision.rule) == ("deny", "(hidden)")
        assert decision.message == f"Unknown tool: {tool}"
    assert not made.hides("secrets", None)
    assert not made.hides("Secret", None)


def test_a_star_in_hide_hides_everything() -> None:
    made = policy(default="allow", hide=["*"])
    assert made.hides("anything", None)
    assert made.decide(tool="anything", arguments={}).rule == "(hidden)"


def test_a_denied_tool_stays_on_the_list() -> None:
    made = policy(tools={"t": {"action": "deny"}, "u": {"deny_if": ALWAYS}})
    assert not made.hides("t", None)
    assert not made.hides("u", None)
    assert not made.hides("not-mentioned", None)


def test_a_tool_name_is_case_sensitive() -> None:
    made = policy(tools={"Read": {}})
    assert made.decide(tool="read", arguments={}).rule == "(default deny)"


def test_names_that_look_alike_are_other_names() -> None:
    made = policy(tools={"pay": {}})
    for name in ("раy", "pаy", "pay\u200b", "ｐay", "pay ", "pay\x00"):  # Cyrillic letters, zero width, full width
        assert made.decide(tool=name, arguments={}).rule == "(default deny)"


def test_all_tools_is_for_every_tool_also_the_unmatched() -> None:
    made = policy(default="allow", all_tools={"deny_if": [rule(condition("args.a", "eq", 1))]}, tools={"t": {}})
    for tool in ("t", "other"):
        assert made.decide(tool=tool, arguments={"a": 1}).rule == "/all_tools/deny_if/args.a-eq"
        assert made.decide(tool=tool, arguments={"a": 2}).effect == "allow"


def test_a_policy_does_not_grow_with_the_names_it_is_asked_about() -> None:
    rules = [rule(condition(f"args.a{number}", "eq", number)) for number in range(20)]
    made = policy(tools={"*": {"deny_if": rules}, "x*": {"action": "hide"}})

    def grown(first: int, last: int) -> int:
        tracemalloc.start()
        for number in range(first, last):
            assert made.decide(tool=f"tool_{number}", arguments={}).effect == "allow"
            assert not made.hides(f"tool_{number}", "read")
        grew, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return grew

    grown(0, 2000)
    assert grown(2000, 6000) < 20_000_000
    assert made.decide(tool="tool_1", arguments={"a7": 7}).effect == "deny"

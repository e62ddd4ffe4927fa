"""A policy of Intercept becomes one that refuses what it refused, and what it does not say alike is noted."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatepost.importing.converted import CannotConvert, Converted
from gatepost.importing.intercept import convert_intercept, is_intercept
from gatepost.policy import Decision, compile_policy


def converted(tools: dict[str, Any], **more: Any) -> Converted:
    return convert_intercept({"version": "1", "tools": tools, **more})


def rules(*each: dict[str, Any]) -> dict[str, Any]:
    return {"rules": [{"name": f"Rule {number}", **rule} for number, rule in enumerate(each)]}


def decide(made: Converted, tool: str, **arguments: Any) -> Decision:
    return compile_policy(made.document).decide(tool=tool, arguments=arguments)


def state(path: str, op: str, most: Any, **more: Any) -> dict[str, Any]:
    return {"conditions": [{"path": f"state.{path}", "op": op, "value": most}], "state": {"window": "day", **more}}


def test_a_requirement_is_one_here_with_its_name_and_text() -> None:
    rule = {"conditions": [{"path": "args.amount", "op": "lte", "value": 500}], "on_deny": "Too much."}
    made = converted({"create_charge": rules(rule)})
    assert made.document["default"] == "allow"
    assert decide(made, "create_charge", amount=500).effect == "allow"
    refused = decide(made, "create_charge", amount=501)
    assert (refused.rule, refused.message) == ("/tools/create_charge/require/rule-0", "Too much.")
    assert decide(made, "create_charge").effect == "deny"
    assert decide(made, "anything").effect == "allow"


def test_a_rule_that_denies_is_the_action_and_for_every_tool_a_rule_that_always_denies() -> None:
    made = converted({"drop": rules({"action": "deny", "on_deny": "Never."}), "get": {"rules": []}}, default="deny")
    assert (decide(made, "drop").rule, decide(made, "drop").message) == ("/tools/drop/action", "Never.")
    assert decide(made, "get").effect == "allow"
    assert decide(made, "else").rule == "(default deny)"
    everything = converted({"*": rules({"action": "deny"})})
    assert decide(everything, "any").rule == "/all_tools/deny_if/rule-0"


def test_the_short_form_of_a_limit_and_the_long_one_count_alike() -> None:
    short = converted({"create_issue": rules({"rate_limit": "5/hour"})})
    (use,) = decide(short, "create_issue").limits
    assert (use.counter, use.window, use.max, use.scope) == ("create_issue._rate_hour", "hour", Decimal(5), "server")
    for op, most in (("lte", 10), ("lt", 11)):
        long = converted({"create_issue": rules(state("create_issue.c", op, most, counter="c"))})
        (use,) = decide(long, "create_issue").limits
        assert (use.counter, use.window, use.max) == ("create_issue.c", "day", Decimal(10))
    everywhere = converted({"*": rules({"rate_limit": "60/minute"})})
    assert [use.counter for use in decide(everywhere, "any").limits] == ["_global._rate_minute"]


def test_a_counter_of_an_argument_takes_that_much() -> None:
    made = converted({"pay": rules(state("pay.spent", "lte", 1000, counter="spent", increment_from="args.sum.cents"))})
    (use,) = decide(made, "pay", sum={"cents": 30}).limits
    assert (use.amount, use.max) == (Decimal(30), Decimal(1000))
    assert decide(made, "pay").effect == "deny"
    assert any("amount is missing" in note.text for note in made.notes)


def test_a_larger_step_is_a_smaller_most() -> None:
    made = converted({"t": rules(state("t.c", "lte", 10, counter="c", increment=3))})
    assert [use.max for use in decide(made, "t").limits] == [Decimal(3)]
    assert any("divided by 3" in note.text for note in made.notes)


@pytest.mark.parametrize(
    "rule",
    [
        {"conditions": [{"path": "state.other.c", "op": "lte", "value": 1}]},
        {"conditions": [{"path": "args.x", "op": "in", "value": ["a", 1]}]},
        {"conditions": [{"path": "args.x", "op": "eq", "value": None}]},
        {"conditions": [{"path": "args.x", "op": "eq", "value": {"a": 1}}]},
        state("t.c", "gte", 1, counter="c"),
    ],
)
def test_what_cannot_be_said_is_refused_and_marked(rule: dict[str, Any]) -> None:
    made = converted({"t": rules(rule)})
    assert decide(made, "t", x="a").effect == "deny"
    assert decide(made, "t").effect == "deny"
    assert decide(made, "t", never="never").effect == "deny"
    (refused,) = [note for note in made.notes if note.refused]
    assert refused.where.startswith("tools/t/rules/0")


def test_every_kind_of_difference_is_noted_once_and_with_its_place() -> None:
    given = {"conditions": [{"path": "args.x", "op": "exists", "value": True}]}
    made = converted(
        {
            "a": rules({"rate_limit": "1/day"}, {"rate_limit": "2/hour"}),
            "b*": rules({"action": "deny"}),
            "c": rules({"conditions": [{"path": "args.x-y.z w", "op": "neq", "value": "v"}]}),
            "d": rules({**given, "state": {"counter": "c", "window": "day"}}),
        },
        hide=["a", "del_*"],
    )  # fmt: skip
    places = {note.where for note in made.notes}
    assert {"tools/b*", "hide/del_*", "tools/d/rules/0/state"} <= places
    assert len(made.notes) == len(set(made.notes))
    assert made.document["tools"]["c"]["require"][0]["conditions"][0]["path"] == 'args.x-y["z w"]'
    assert made.document["hide"] == ["a", "del_*"]


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"version": "2", "tools": {}}, "version"),
        ({"version": 1, "tools": {}, "mode": "x"}, "mode"),
        ({"version": "1", "default": "ask", "tools": {}}, "default"),
        ({"version": "1", "tools": {"t": rules({"action": "maybe"})}}, "tools/t/rules/0/action"),
        ({"version": "1", "tools": {"t": rules({"conditions": []})}}, "tools/t/rules/0/conditions"),
        ({"version": "1", "tools": {"t": rules({"rate_limit": "5/week"})}}, "rate_limit"),
        ({"version": "1", "tools": {"t": rules({"conditions": [{"path": "x", "op": "eq", "value": 1}]})}}, "path"),
        ({"version": "1", "tools": {"t": rules({"conditions": [{"path": "args.x", "op": "is", "value": 1}]})}}, "is"),
        ({"version": "1", "tools": {"t": {"rules": [{"name": "", "rate_limit": "5/day"}]}}}, "name: expected words"),
        ({"version": "1", "tools": {"t": rules({"action": "deny", "on_deny": 5})}}, "on_deny: expected a text"),
        ({"version": "1", "tools": {"t": {"rules": [], "rate_limit": "5/day"}}}, "tools/t/rate_limit"),
        ({"version": "1", "tools": {"t": rules({"action": "deny", "approval_timeout": "5m"})}}, "goes with"),
        ({"version": "1", "tools": {"t": rules({"action": "require_approval", "approval_timeout": "5"})}}, "30m"),
        ({"version": "1", "tools": {"t": rules({"rules": 1})}}, "rules/0/rules"),
    ],
)
def test_what_intercept_would_not_take_is_not_taken(values: dict[str, Any], why: str) -> None:
    with pytest.raises(CannotConvert, match=why):
        convert_intercept(values)


def test_a_policy_of_this_kind_is_no_policy_of_that_kind() -> None:
    assert is_intercept({"tools": {"a": {"rules": []}}})
    assert is_intercept({"version": "1", "default": "deny"})
    assert is_intercept({"version": "1", "hide": ["a"], "tools": {"b": None}})
    assert not is_intercept({"tools": {"a": {"action": "deny"}}})
    assert not is_intercept({"version": "1", "default": "deny", "mode": "shadow"})
    assert not is_intercept({"version": "1"})
    assert not is_intercept({"hide": ["a"]})


def test_a_rule_that_asks_a_person_asks_one_here_for_as_long() -> None:
    large = {"path": "args.amount", "op": "gt", "value": 50000}
    made = converted(
        {
            "pay": rules(
                {"action": "require_approval", "conditions": [large], "on_deny": "Large.", "approval_timeout": "1h30m"},
                {"action": "require_approval", "conditions": [{"path": "args.to", "op": "eq", "value": None}]},
                {"rate_limit": "5/day"},
            ),
            "drop": rules({"action": "require_approval"}),
            "one": rules({"action": "require_approval", "conditions": [large]}),
        },
        approvals={"default_timeout": "24h", "webhook": {"url": "http://127.0.0.1/"}},
    )
    assert (decide(made, "one", amount=50000).effect, decide(made, "one", amount=50001).effect) == ("allow", "approve")
    assert decide(made, "one").effect == "allow"
    assert decide(made, "drop").effect == "approve"
    asked = decide(made, "pay", amount=50001)
    assert (asked.effect, asked.rule, asked.message) == ("approve", "/tools/pay/approve_if/rule-0", "Large.")
    assert asked.approval is not None and asked.approval.timeout == 5400
    assert decide(made, "pay", amount=1).effect == "approve"
    assert made.document["tools"]["drop"]["approval"] == {"timeout": "24h"}
    places = {note.where for note in made.notes}
    assert {
        "approvals/webhook", "tools/pay/rules/1/conditions/0", "tools/pay/rules/1/approval_timeout"
    } <= places  # fmt: skip


def test_a_budget_for_what_a_server_charges_is_refused_and_marked() -> None:
    made = converted({"draw": rules({"spend": {"per_call": 0.5, "daily": 50}})})
    assert decide(made, "draw").effect == "deny"
    assert [note.where for note in made.notes if note.refused] == ["tools/draw/rules/0/spend"]


def test_rules_as_they_are_published_without_names_are_named_for_what_they_do() -> None:
    made = converted(
        {"head": {"rules": [{"rate_limit": "30/hour"}]}, "drop": {"rules": [{"action": "deny", "reason": "Never."}]}}
    )
    assert made.document["tools"]["head"]["limits"][0]["name"] == "rate-limit"
    assert decide(made, "drop").message == "Never."
    assert {"tools/head/rules/0", "tools/drop/rules/0"} <= {note.where for note in made.notes}


# -- against a model of Intercept's own evaluation, written from its documentation ------------------------------------

scalars = st.sampled_from(["a", "b", "main"]) | st.integers(0, 4)
conditions = st.one_of(
    st.tuples(st.sampled_from(["lt", "lte", "gt", "gte"]), st.integers(0, 4)),
    st.tuples(st.sampled_from(["eq", "neq"]), scalars),
    st.tuples(st.sampled_from(["in", "not_in"]), st.lists(st.sampled_from(["a", "b"]), min_size=1, max_size=2)),
    st.tuples(st.just("exists"), st.booleans()),
    st.tuples(st.just("regex"), st.sampled_from(["^a", "in$"])),
).flatmap(
    lambda drawn: st.sampled_from(["x", "y"]).map(lambda n: {"path": f"args.{n}", "op": drawn[0], "value": drawn[1]})
)
model_rules = st.lists(
    st.fixed_dictionaries({"name": st.just("r"), "conditions": st.lists(conditions, min_size=1, max_size=2)}),
    max_size=2,
)
documents = st.fixed_dictionaries(
    {
        "version": st.just("1"),
        "default": st.sampled_from(["allow", "deny"]),
        "tools": st.fixed_dictionaries(
            {}, optional={"t": model_rules.map(lambda r: {"rules": r}), "*": model_rules.map(lambda r: {"rules": r})}
        ),
        "hide": st.sampled_from([[], ["t"], ["*"], ["other"]]),
    }
)


def allowed_there(document: dict[str, Any], tool: str, arguments: dict[str, Any]) -> bool:
    if tool in document["hide"] or "*" in document["hide"]:
        return False
    if document["default"] == "deny" and tool not in document["tools"]:
        return False
    return all(
        holds(condition, arguments)
        for name in (tool, "*")
        for rule in document["tools"].get(name, {"rules": []})["rules"]
        for condition in rule["conditions"]
    )


def holds(condition: dict[str, Any], arguments: dict[str, Any]) -> bool:
    name, op, wanted = condition["path"].removeprefix("args."), condition["op"], condition["value"]
    if op == "exists":
        return (name in arguments) == wanted
    if name not in arguments:
        return False
    value = arguments[name]
    if op in ("lt", "lte", "gt", "gte"):
        compare = {"lt": "__lt__", "lte": "__le__", "gt": "__gt__", "gte": "__ge__"}[op]
        return isinstance(value, int) and bool(getattr(value, compare)(wanted))
    if op == "regex":
        return isinstance(value, str) and (value.startswith("a") if wanted == "^a" else value.endswith("in"))
    members = wanted if isinstance(wanted, list) else [wanted]
    return (value in members) == (op in ("eq", "in"))


@given(documents, st.dictionaries(st.sampled_from(["x", "y"]), scalars, max_size=2), st.sampled_from(["t", "u"]))
@settings(max_examples=120)
def test_nothing_that_was_refused_there_is_let_through_here(
    document: dict[str, Any], arguments: dict[str, Any], tool: str
) -> None:
    made = convert_intercept(document)
    here = decide(made, tool, **arguments).effect == "allow"
    there = allowed_there(document, tool, arguments)
    if here:
        assert there
    elif there:
        # Only a value of another type than the operand's is refused here and compared there.
        assert any(
            type(arguments.get(condition["path"].removeprefix("args."))) is not type(_one(condition["value"]))
            for name in (tool, "*")
            for rule in document["tools"].get(name, {"rules": []})["rules"]
            for condition in rule["conditions"]
            if condition["op"] in ("neq", "not_in")
        )


def _one(value: Any) -> Any:
    return value[0] if isinstance(value, list) else value

"""What another policy would do: in words, and for the calls of the log with and without their arguments."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatepost.control.policy_replay import Changed, Replay, replay
from gatepost.control.policy_words import Described, differences
from gatepost.definitions.definition import Definition, definition_hash
from gatepost.journal.rows import timestamp
from gatepost.policy import compile_policy
from gatepost.quota import Exhausted, MemoryLedger

NOON = 1_795_262_400.0
TOOLS = {"read": "read", "write": "write", "drop": "destructive"}
GIVEN = [{"path": "args.x", "op": "exists", "value": True}]


def policy(**members: Any) -> str:
    return json.dumps({"version": "1", "default": "deny", **members})


def words(old: str, new: str) -> dict[str, list[str]]:
    found = differences(Described(old), Described(new), TOOLS)
    return {", ".join(each.subjects): list(each.changes) for each in found}


def rule(path: str, op: str, value: Any, **more: Any) -> dict[str, Any]:
    return {"conditions": [{"path": path, "op": op, "value": value}], **more}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ({"tools": {"read": {}}}, {"tools": {"read": {}}, "description": "x"}, {}),
        (
            {"tools": {"read": {}}},
            {"tools": {"read": {}, "write": {}}},
            {"write": ["refused by default → allowed"]},
        ),
        (
            {"default": "allow"},
            {"default": "allow", "tools": {"@destructive": {"action": "deny"}}},
            # A tool that nobody classed matches every category.
            {
                "drop, other tools classed destructive, any other tool": [
                    "allowed → refused by /tools/@destructive/action"
                ]
            },
        ),
        ({"default": "allow"}, {"default": "allow", "hide": ["read"]}, {"read": ["allowed → hidden"]}),
        (
            {"tools": {"read": {"require": [rule("args.path", "path_within", ["/srv"])]}}},
            {"tools": {"read": {"require": [rule("args.path", "path_within", ["/srv", "/tmp"])]}}},
            {
                "read": [
                    'no longer is refused unless args.path is a path within "/srv"',
                    'now is refused unless args.path is a path within "/srv", "/tmp"',
                ]
            },
        ),
        (
            {"tools": {"read": {"limits": [{"counter": "c", "window": "minute", "max": 10}]}}},
            {"tools": {"read": {"limits": [{"counter": "c", "window": "minute", "max": 2.5}]}}},
            {"read": ["the limit per minute of c goes from 10 to 2.5"]},
        ),
        (
            {"tools": {"read": {}}},
            {"tools": {"read": {"approve_if": [rule("args.n", "gt", 5, when=GIVEN)]}}},
            {"read": ["now asks a person if args.n is more than 5, where args.x is given"]},
        ),
        (
            {"tools": {"read": {"deny_if": [rule("args.n", "gt", 5, name="a")]}}},
            {"tools": {"read": {"deny_if": [rule("args.n", "gt", 5, name="b")]}}},
            {
                "read": [
                    "the rule that is refused if args.n is more than 5 is called /tools/read/deny_if/b in the log, "
                    "was /tools/read/deny_if/a"
                ]
            },
        ),
        (
            {"tools": {"get_*": {}}},
            {"tools": {"get_*": {"validate_arguments": False}}},
            {"other tools like get_*": ["its arguments no longer have to satisfy the tool's schema"]},
        ),
        (
            {"resources": {"default": "deny", "allow": ["a://*"]}},
            {"resources": {"default": "allow", "deny": ["b://*"]}},
            {"resources": ["what nothing speaks of: refused → allowed", "no longer allowed: a://*", "now refused: b://*"]},
        ),
    ],
)  # fmt: skip
def test_a_change_is_said_in_words_for_the_tools_that_it_is_about(
    old: dict[str, Any], new: dict[str, Any], said: dict[str, list[str]]
) -> None:
    assert words(policy(**old), policy(**new)) == said


# -- the log ---------------------------------------------------------------------------------------------------------

SCHEMA = {
    "type": "object",
    "properties": {"n": {"type": "integer", "default": 3}, "s": {"type": "string"}, "m": {"type": "integer"}},
}
TOOL = {"name": "t", "inputSchema": SCHEMA}
DEFINITION = Definition("t", TOOL, definition_hash(TOOL), None, 0.0)


def logged(document: str, calls: Sequence[Mapping[str, Any]], every: float = 1.0) -> list[dict[str, Any]]:
    """What the log says of calls of the tool `t` that were judged by a policy, and counted."""
    judged = compile_policy(document)
    now = NOON
    ledger = MemoryLedger(lambda: now)

    class Who:
        grant_id, identity, server = "g", "ann", "s"

    async def all_of_them() -> list[dict[str, Any]]:
        nonlocal now
        rows = []
        for number, arguments in enumerate(calls):
            now = NOON + number * every
            decision = judged.decide(tool="t", arguments=dict(arguments), definition=TOOL)
            effect, name, counts = decision.effect, decision.rule, ()
            if effect == "allow" and decision.limits:
                outcome = await ledger.reserve(Who(), decision.limits, str(number))
                if isinstance(outcome, Exhausted):
                    effect, name = "deny", outcome.use.rule
                else:
                    counts = outcome.counts
            elif effect == "approve":
                looked = await ledger.look(Who(), decision.limits)
                if looked is not None:
                    effect, name = "deny", looked.use.rule
            rows.append(
                {
                    "time": timestamp(now),
                    "decision_id": f"d{number}",
                    "grant_id": "g",
                    "grant": "laptop",
                    "identity": "ann",
                    "server": "s",
                    "method": "tools/call",
                    "tool": "t",
                    "category": None,
                    "arguments": sorted(arguments),
                    "policy": "p",
                    "policy_version": judged.version,
                    "definition_hash": DEFINITION.hash,
                    "decision": effect,
                    "rule": name,
                    "shadowed": [list(pair) for pair in decision.shadowed],
                    "limits": [json.loads(_json(count.as_record())) for count in counts],
                    "values": dict(arguments),
                }
            )
        return rows

    return asyncio.run(all_of_them())


def _json(value: Any) -> bytes:
    import msgspec

    return msgspec.json.encode(value)


def again(old: str, new: str, rows: Sequence[Mapping[str, Any]], *, kept: bool, then: str | None = None) -> Replay:
    documents = {compile_policy(text).version: text for text in (old, new, then or old)}
    return replay(
        rows,
        old,
        new,
        definitions={"s": {"t": DEFINITION}},
        document_of=documents.get,
        kept=lambda row: row["values"] if kept else None,
    )


def ids(changed: Sequence[Changed]) -> set[str]:
    return {each.entry["decision_id"] for each in changed}


def test_a_new_rule_on_arguments_is_undecided_without_them_and_decided_with_them() -> None:
    old = policy(tools={"t": {}})
    new = policy(tools={"t": {"deny_if": [rule("args.m", "gt", 5)]}})
    rows = logged(old, [{"m": 1}, {"m": 9}, {"s": "x"}])
    blind = again(old, new, rows, kept=False)
    assert (blind.calls, blind.changes, dict(blind.undecided)) == (3, 0, {"/tools/t/deny_if/args.m-gt": 2})
    seeing = again(old, new, rows, kept=True)
    assert (ids(seeing.changed), sum(seeing.undecided.values()), seeing.kept) == ({"d1"}, 0, 3)
    assert seeing.changed[0].new.rule == "/tools/t/deny_if/args.m-gt"


def test_what_became_of_a_call_tells_what_its_rules_said() -> None:
    within = rule("args.m", "lt", 5, name="small")
    old = policy(tools={"t": {"require": [within]}})
    new = policy(
        tools={
            "t": {"require": [{**within, "name": "renamed"}], "limits": [{"counter": "c", "window": "hour", "max": 1}]}
        }
    )
    rows = logged(old, [{"m": 1}, {"m": 9}, {"m": 2}])
    found = again(old, new, rows, kept=False)
    assert not found.undecided
    assert [(each.entry["decision_id"], each.new.rule) for each in found.changed] == [
        ("d2", "/tools/t/limits/c-per-hour")
    ]
    assert found.renamed == 1


def test_a_limit_is_counted_again_from_what_its_counter_held() -> None:
    def limited(most: int) -> str:
        return policy(tools={"t": {"limits": [{"counter": "c", "window": "hour", "max": most}]}})

    rows = logged(limited(10), [{}] * 8)
    found = again(limited(10), limited(6), rows[4:], kept=False)
    assert ids(found.changed) == {"d6", "d7"}
    raised = again(limited(2), limited(3), logged(limited(2), [{}] * 4), kept=False)
    assert ids(raised.changed) == {"d2"}


def test_resources_and_prompts_are_judged_by_their_names() -> None:
    (row,) = logged(policy(default="allow"), [{}])
    rows = [
        {**row, "method": "resources/read", "tool": "a://x"},
        {**row, "method": "prompts/get", "tool": "p"},
        {**row, "method": "tools/list", "tool": None},
    ]
    new = policy(resources={"default": "allow", "deny": ["a://*"]}, prompts={"default": "allow"})
    found = again(policy(default="allow"), new, rows, kept=False)
    assert (found.calls, [each.new.rule for each in found.changed]) == (2, ["/resources/deny/a:~1~1*"])


operators = st.sampled_from([("gt", 2), ("lte", 1), ("eq", 3), ("exists", True), ("exists", False), ("neq", 1)])
conditions = st.tuples(st.sampled_from(["args.n", "args.m", "args.s"]), operators).map(
    lambda drawn: {"path": drawn[0], "op": drawn[1][0], "value": drawn[1][1]}
)
rules = st.fixed_dictionaries(
    {"conditions": st.lists(conditions, max_size=2)},
    optional={"when": st.lists(conditions, max_size=1), "mode": st.sampled_from(["shadow", "enforce"])},
)
entries = st.fixed_dictionaries(
    {},
    optional={
        "require": st.lists(rules, max_size=2),
        "deny_if": st.lists(rules, max_size=2),
        "approve_if": st.lists(rules, max_size=1),
        "action": st.sampled_from(["allow", "deny", "require_approval"]),
        "validate_arguments": st.booleans(),
        "mode": st.sampled_from(["shadow", "enforce"]),
    },
)
documents = entries.map(lambda entry: policy(tools={"t": entry}))
arguments = st.dictionaries(st.sampled_from(["n", "m", "s", "odd"]), st.integers(0, 4) | st.just("x"), max_size=3)


@given(documents, documents, documents, st.lists(arguments, min_size=1, max_size=4))
@settings(max_examples=120, deadline=None)
def test_what_is_said_without_the_arguments_is_what_they_would_say(
    then: str, old: str, new: str, calls: list[dict[str, Any]]
) -> None:
    """Blind judging leaves open, and never says anything that the values would belie."""
    rows = logged(then, calls)
    for row in rows:
        blind = again(old, new, [row], kept=False, then=then)
        seeing = again(old, new, [row], kept=True, then=then)
        assert not seeing.undecided
        if not blind.undecided:
            first, second = (
                [(each.old.effect, each.new.effect) for each in found.changed] for found in (blind, seeing)
            )
            assert first == second


@given(documents, st.lists(arguments, min_size=1, max_size=4))
@settings(max_examples=40, deadline=None)
def test_nothing_changes_from_a_policy_to_itself(document: str, calls: list[dict[str, Any]]) -> None:
    found = again(document, document, logged(document, calls), kept=False)
    assert (found.changes, found.renamed, dict(found.undecided)) == (0, 0, {})
    assert differences(Described(document), Described(document), TOOLS) == []

"""POLICY.md sections 1 and 2, with a definition: step 7, and the defaults that rules read."""

from __future__ import annotations

import socket
import threading
import time
from decimal import Decimal
from typing import Any

import pytest

from gatepost.policy import Decision, compile_definition

from .support import call, condition, policy, rule

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "path": {"type": "string", "maxLength": 20},
        "count": {"type": "integer", "minimum": 1, "default": 10},
        "options": {"type": "object", "properties": {"deep": {"type": "boolean", "default": True}}},
    },
    "required": ["path"],
}


def tool(schema: Any) -> dict[str, Any]:
    return {"name": "t", "inputSchema": schema}


def judged(schema: Any, arguments: dict[str, Any], **entry: Any) -> Decision:
    return call(entry, arguments, definition=tool(schema))


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({}, 'the argument "path" is missing'),
        ({"path": 5}, 'the argument "path" does not satisfy the schema (type)'),
        ({"path": "x" * 21}, 'the argument "path" does not satisfy the schema (maxLength)'),
        ({"path": "x", "count": "5"}, 'the argument "count" does not satisfy the schema (type)'),
        ({"path": "x", "count": 0}, 'the argument "count" does not satisfy the schema (minimum)'),
        ({"path": "x", "count": 1.5}, 'the argument "count" does not satisfy the schema (type)'),
        ({"path": "x", "count": True}, 'the argument "count" does not satisfy the schema (type)'),
        ({"path": "x", "options": {"deep": "yes"}}, 'the argument "options" does not satisfy the schema (type)'),
        ({"path": "x", "other": 1}, 'the tool takes no argument "other"'),
        ({"path": None}, 'the argument "path" does not satisfy the schema (type)'),
    ],
)
def test_arguments_that_do_not_satisfy_the_schema_are_invalid(arguments: dict[str, Any], why: str) -> None:
    decision = judged(SCHEMA, arguments)
    assert (decision.effect, decision.rule) == ("deny", "(invalid arguments)")
    assert decision.message == f"The arguments of t are not valid: {why}."


def test_valid_arguments_pass() -> None:
    for arguments in ({"path": "x"}, {"path": "x", "count": 1}, {"path": "x", "count": 2.0, "options": {"any": [1]}}):
        assert judged(SCHEMA, arguments).effect == "allow"


def test_the_message_never_holds_the_value_of_an_argument() -> None:
    secret = "hunter2-secret"
    for arguments in ({"path": "x", "count": secret}, {"path": secret * 5}, {"path": "x", "options": {secret: secret}}):
        assert secret not in judged(SCHEMA, arguments).message


def test_without_a_definition_nothing_is_validated() -> None:
    assert call({}, {"any": object}).effect == "allow"


def test_validation_can_be_turned_off_for_an_entry() -> None:
    assert judged(SCHEMA, {"path": 5, "other": 1}, validate_arguments=False).effect == "allow"


def test_one_entry_that_validates_is_enough_and_an_uncategorised_match_cannot_turn_it_off() -> None:
    off, definition = {"validate_arguments": False}, tool(SCHEMA)

    def effect(default: str = "deny", category: str | None = None, **tools: Any) -> str:
        return (
            policy(default, tools=tools).decide(tool="t", arguments={}, category=category, definition=definition).effect
        )

    assert effect(**{"t*": off, "*": {}}) == "deny"
    assert effect(**{"t*": off, "*": off}) == "allow"
    assert effect(category="read", **{"@read": off}) == "allow"
    assert effect("allow", **{"@read": off}) == "deny"
    assert effect("allow") == "deny", "an unmatched tool under default allow is validated"


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, "deny"),
        ({"additionalProperties": False}, "deny"),
        ({"additionalProperties": True}, "allow"),
        ({"additionalProperties": {}}, "allow"),
        ({"additionalProperties": {"type": "number"}}, "allow"),
        ({"additionalProperties": {"type": "string"}}, "deny"),
        ({"patternProperties": {"^oth": {}}}, "allow"),
        ({"patternProperties": {"^other.$": {}}}, "deny"),
        ({"allOf": [{"properties": {"other": {}}}]}, "allow"),
        ({"anyOf": [{"properties": {"other": {"type": "string"}}}, {}]}, "allow"),
        ({"not": {"properties": {"other": {"type": "string"}}, "required": ["other"]}}, "deny"),
        ({"$ref": "#/$defs/more", "$defs": {"more": {"properties": {"other": {}}}}}, "allow"),
        ({"$ref": "#/$defs/more", "$defs": {"more": {"additionalProperties": True}}}, "allow"),
        ({"unevaluatedProperties": True}, "deny"),
    ],
)
def test_an_undeclared_argument_is_invalid_unless_additional_properties_say_otherwise(more: Any, expected: str) -> None:
    assert judged({"type": "object", "properties": {"a": {}}, **more}, {"other": 5}).effect == expected


def test_undeclared_members_deeper_down_are_the_schemas_affair() -> None:
    assert judged(SCHEMA, {"path": "x", "options": {"undeclared": 1}}).effect == "allow"


def test_no_argument_is_coerced() -> None:
    schema = {
        "type": "object",
        "properties": {"n": {"type": "number"}, "b": {"type": "boolean"}, "s": {"type": "string"}},
    }
    for arguments in ({"n": "5"}, {"n": True}, {"b": 1}, {"b": "true"}, {"s": 5}, {"s": None}):
        assert judged(schema, arguments).rule == "(invalid arguments)"


class NumberText(Decimal):
    __slots__ = ("text",)


def test_numbers_are_validated_by_their_exact_value() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer", "maximum": 13}}}
    for valid in (13, 13.0, Decimal(13), NumberText("13.0"), NumberText("1.3e1"), -(2**70)):
        assert judged(schema, {"n": valid}).effect == "allow"
    for invalid in (NumberText("13.0000000000000000001"), Decimal("12.5"), 14, 2**70, NumberText("13.5")):
        assert judged(schema, {"n": invalid}).rule == "(invalid arguments)"
    nested = {"type": "object", "properties": {"a": {"items": {"type": "object"}}}}
    assert judged(nested, {"a": [{"x": [NumberText("1e2"), {"y": NumberText("5.0")}]}]}).effect == "allow"


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        10**400,
        10**5000,
        Decimal("NaN"),
        Decimal("sNaN"),
        Decimal("1e999999999"),
        Decimal("1e-999999999"),
        "\ud800",
        {"\udfff": 1},
        {5: 1},
        object(),
        (1, 2),
        b"bytes",
        {1},
    ],
    ids=range(15),
)
def test_values_that_no_json_text_holds_are_invalid_wherever_they_stand(value: Any) -> None:
    schema = {"type": "object", "additionalProperties": True}
    for arguments in ({"a": value}, {"a": [value]}, {"a": {"b": [{"c": value}]}}):
        assert judged(schema, arguments).rule == "(invalid arguments)"


def test_arguments_nested_beyond_any_bound_are_invalid_and_do_not_crash() -> None:
    deep: dict[str, Any] = {}
    for _ in range(100_000):
        deep = {"a": deep}
    schema = {"type": "object", "properties": {"a": {"$ref": "#"}}}
    assert judged(schema, deep).message == "The arguments of t are not valid: values are nested too deeply."


def test_arguments_that_are_no_object_are_invalid() -> None:
    for arguments in ([], "text", 5):
        decision = policy(tools={"t": {}}).decide(tool="t", arguments=arguments)  # type: ignore[arg-type]
        assert (decision.effect, decision.rule) == ("deny", "(invalid arguments)")


UNUSABLE: list[Any] = [
    None,
    True,
    "text",
    [],
    {"type": "nonsense"},
    {"properties": 5},
    {"properties": {"a": {"pattern": "("}}},
    {"properties": {"a": {"pattern": "(?=look)ahead"}}},
    {"properties": {"a": {"$ref": "#/$defs/absent"}}},
    {"properties": {"a": {"$ref": "#absent"}}},
    {"properties": {"a": {"$ref": "other.json"}}},
    {"properties": {"a": {"$ref": "https://schemas.example/a.json"}}},
    {"properties": {"a": {"$ref": "file:///etc/passwd"}}},
    {"$schema": "https://schemas.example/custom"},
    {"properties": {"a": {"$id": "https://schemas.example/a", "$ref": "#"}}},
    {"properties": {"a": {"minimum": float("nan")}}},
    {"properties": {"a": {"$anchor": "x"}, "b": {"$anchor": "x"}}},
]


@pytest.mark.parametrize("schema", UNUSABLE, ids=range(len(UNUSABLE)))
def test_an_unusable_schema_denies(schema: Any) -> None:
    decision = judged(schema, {})
    assert (decision.effect, decision.rule) == ("deny", "(invalid arguments)")
    assert decision.message.startswith("The arguments of t are not valid: the tool's input schema cannot be used: ")


def test_a_definition_without_a_schema_denies() -> None:
    assert call({}, {}, definition={"name": "t"}).rule == "(invalid arguments)"


def test_a_remote_reference_is_never_fetched() -> None:
    connected = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)

        def accept() -> None:
            try:
                server.accept()[0].close()
                connected.set()
            except TimeoutError:
                pass

        listener = threading.Thread(target=accept)
        listener.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/schema.json"
        for schema in (
            {"$ref": url},
            {"$schema": url},
            {"properties": {"a": {"$dynamicRef": f"{url}#x"}}},
            {"$id": url, "properties": {"a": {"$ref": "other.json"}}},
            {"properties": {"a": {"$id": url, "items": {"$ref": "b.json"}}}},
        ):
            assert judged(schema, {"a": []}).rule == "(invalid arguments)"
        listener.join()
    assert not connected.is_set()


def within_a_second(schema: Any, arguments: dict[str, Any]) -> Decision:
    started = time.process_time()
    decision = judged(schema, arguments)
    assert time.process_time() - started < 1
    return decision


def doubling(inner: Any, levels: int = 40) -> dict[str, Any]:
    """References that double at each level: two to the power of `levels` when written out."""
    defs = {f"s{level}": inner([{"$ref": f"#/$defs/s{level + 1}"}] * 2) for level in range(levels)}
    return {"type": "object", "$defs": {**defs, f"s{levels}": {}}, "$ref": "#/$defs/s0"}


def nested(depth: int, leaf: Any) -> Any:
    return {"a": nested(depth - 1, leaf)} if depth else leaf


@pytest.mark.parametrize("word", ["allOf", "anyOf", "oneOf"])
def test_a_schema_whose_references_multiply_is_unusable(word: str) -> None:
    assert "cannot be used" in within_a_second(doubling(lambda two: {word: two}), {}).message
    deeper = doubling(lambda two: {"properties": {"a": {word: two}}})
    assert "cannot be used" in within_a_second(deeper, nested(40, {})).message
    anchored = {"type": "object", "$defs": {}}
    for level in range(40):
        anchored["$defs"][f"s{level}"] = {"$anchor": f"s{level}", word: [{"$ref": f"#s{level + 1}"}] * 2}
    anchored["$defs"]["s40"] = {"$anchor": "s40"}
    assert "cannot be used" in within_a_second({**anchored, "$ref": "#s0"}, {}).message


@pytest.mark.parametrize("word", ["allOf", "anyOf", "oneOf"])
def test_a_schema_that_refers_to_itself_twice_is_checked_in_reasonable_time(word: str) -> None:
    schema = {"type": "object", "properties": {"a": {word: [{"$ref": "#"}, {"$ref": "#"}]}}, "required": ["a"]}
    assert within_a_second(schema, nested(60, {})).rule == "(invalid arguments)"
    assert within_a_second(schema, nested(60, {"a": 5})).rule == "(invalid arguments)"


def test_references_in_a_circle_do_no_harm() -> None:
    circle = {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}
    within_a_second(circle, {})
    within_a_second({"$ref": "#"}, {})
    within_a_second({"allOf": [{"$ref": "#"}]}, {})


def test_a_pattern_of_the_schema_runs_in_linear_time() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string", "pattern": "^(a+)+$"}}}
    assert within_a_second(schema, {"a": "a" * 100_000 + "b"}).rule == "(invalid arguments)"


def test_a_large_schema_is_not_checked_against_millions_of_values() -> None:
    wide = {"anyOf": [{"properties": {f"p{number}": {"const": number}}} for number in range(5000)]}
    schema = {"type": "object", "properties": {"a": {"items": wide}}}
    decision = judged(schema, {"a": [{}] * 100_000})
    assert decision.message == "The arguments of t are not valid: they are too many to be checked against this schema."
    assert judged(schema, {"a": [{}] * 10}).effect == "allow"


def reads(schema: Any, arguments: dict[str, Any], path: str, value: Any) -> bool:
    """Whether a rule reads this value at the path."""
    require = [rule(condition(path, "eq", value))]
    return judged(schema, arguments, require=require, validate_arguments=False).effect == "allow"


def test_rules_read_the_default_of_an_absent_member() -> None:
    assert reads(SCHEMA, {}, "args.count", 10)
    assert reads(SCHEMA, {"count": 5}, "args.count", 5)
    assert reads(SCHEMA, {"options": {}}, "args.options.deep", True)
    entry = {"deny_if": [rule(condition("args.count", "exists", True))]}
    assert call(entry, {"path": "x"}, definition=tool(SCHEMA)).effect == "deny"
    assert call(entry, {"path": "x"}).effect == "allow"


def test_a_null_is_not_absent_and_the_default_of_an_absent_parents_member_is_not_invented() -> None:
    assert not reads(SCHEMA, {"count": None}, "args.count", 10)
    assert not reads(SCHEMA, {}, "args.options.deep", True)


def test_a_default_of_a_parent_is_read_and_completed() -> None:
    schema = {
        "type": "object",
        "properties": {
            "options": {"default": {"one": 1}, "properties": {"two": {"default": 2}}},
            "list": {"default": [{"x": 1}, {}], "items": {"properties": {"x": {"default": 9}}}},
        },
    }
    assert reads(schema, {}, "args.options.one", 1)
    assert reads(schema, {}, "args.options.two", 2)
    assert reads(schema, {}, "args.list[0].x", 1)
    assert reads(schema, {}, "args.list[1].x", 9)
    assert reads(schema, {"list": [{}, {}]}, "args.list[*].x", 9)
    assert not reads(schema, {"list": []}, "args.list[0].x", 9), "an element past the end has no default"


def test_a_default_is_found_through_references_and_combinations() -> None:
    schema = {
        "$defs": {"size": {"default": 3}, "all": {"properties": {"c": {"default": 5}}}},
        "type": "object",
        "allOf": [{"$ref": "#/$defs/all"}],
        "properties": {
            "a": {"$ref": "#/$defs/size"},
            "b": {"$ref": "#/$defs/size", "default": 4},
            "d": {"anyOf": [{"type": "null"}, {"default": 6}]},
        },
    }
    for name, value in {"a": 3, "b": 4, "c": 5, "d": 6}.items():
        assert reads(schema, {}, f"args.{name}", value)


def test_two_different_defaults_are_unknown() -> None:
    schema = {"type": "object", "properties": {"a": {"anyOf": [{"default": 1}, {"default": 2}]}}}
    for where, effect in (("require", "deny"), ("deny_if", "deny"), ("approve_if", "approve")):
        for op, operand in (("eq", 1), ("neq", 1), ("exists", True)):
            entry = {where: [rule(condition("args.a", op, operand))]}
            assert judged(schema, {}, **entry).effect == effect
    same = {"type": "object", "properties": {"a": {"anyOf": [{"default": 1}, {"default": 1.0}]}}}
    assert reads(same, {}, "args.a", 1)


def test_the_default_of_an_amount_is_used() -> None:
    limit = {"counter": "c", "window": "day", "max": 100, "amount": "args.count"}
    decision = call({"limits": [limit]}, {"path": "x"}, definition=tool(SCHEMA))
    assert [use.amount for use in decision.limits] == [10]


def test_a_default_of_null_is_missing() -> None:
    schema = {"type": "object", "properties": {"a": {"default": None}}}
    assert judged(schema, {}, deny_if=[rule(condition("args.a", "exists", False))]).effect == "deny"


def test_a_definition_may_be_compiled_once_and_shared() -> None:
    definition = compile_definition(tool(SCHEMA))
    made = policy(tools={"t": {}})
    assert made.decide(tool="t", arguments={"path": "x"}, definition=definition).effect == "allow"
    assert made.decide(tool="t", arguments={}, definition=definition).effect == "deny"
    assert (definition.name, definition.unusable) == ("t", None)


def test_a_definition_given_as_it_came_may_hold_anything() -> None:
    for odd in (10**5000, float("nan"), "\ud800", object(), {1: 2}):
        decision = judged({"type": "object", "maxProperties": odd}, {})
        assert decision.rule == "(invalid arguments)"


def test_a_definition_that_changes_is_compiled_again_and_a_compiled_one_is_not_affected() -> None:
    given = tool({"type": "object", "properties": {"a": {}}})
    compiled = compile_definition(given)
    made = policy(tools={"t": {}})
    assert made.decide(tool="t", arguments={"a": 1}, definition=given).effect == "allow"
    del given["inputSchema"]["properties"]["a"]
    assert made.decide(tool="t", arguments={"a": 1}, definition=given).effect == "deny"
    assert made.decide(tool="t", arguments={"a": 1}, definition=compiled).effect == "allow"


class PanicException(BaseException):
    """As the validator's extension module raises it."""


@pytest.mark.parametrize("error", [RuntimeError, PanicException, MemoryError])
def test_a_validator_that_fails_denies_in_every_mode(
    monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    definition = compile_definition(tool(SCHEMA))

    class Broken:
        def is_valid(self, _value: Any) -> bool:
            raise error("boom")

    monkeypatch.setattr(definition, "_validator", Broken())
    decision = policy(mode="shadow", tools={"t": {}}).decide(tool="t", arguments={"path": "x"}, definition=definition)
    assert (decision.effect, decision.rule, decision.enforced) == ("deny", "(invalid arguments)", True)

"""POLICY.md section 2: paths, what is missing, what is unknown, and how `[*]` ranges."""

from __future__ import annotations

from typing import Any

import pytest

from .support import call, condition, errors_in, rule, truth, value_in

ARGUMENTS: dict[str, Any] = {
    "metadata": {
        "key": "k",
        "null": None,
        "odd.name": "dot",
        "": "empty",
        "a b": "space",
        "é": "accent",
        "q\"'": "quotes",
    },
    "items": [{"price": 1, "sku": "a", "tags": ["x", "y"]}, {"price": 2, "sku": None, "tags": []}],
    "odd.name": "top",
    "a.b": {"c": "hidden"},
    "list": ["zero", "one"],
    "text": "text",
    "number": 5,
    "nothing": None,
    "deep": [[1, 2], [3]],
    "$ref": "dollar",
    "with-hyphen": "hyphen",
    "0": "zero-name",
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("args.metadata.key", "k"),
        ("args.items[0].price", 1),
        ("args.items[1].price", 2),
        ('args.metadata["odd.name"]', "dot"),
        ('args["odd.name"]', "top"),
        ('args["metadata"]["key"]', "k"),
        ('args.metadata[""]', "empty"),
        ('args.metadata["a b"]', "space"),
        ("args.metadata.é", "accent"),
        ('args.metadata["\\u00e9"]', "accent"),
        ('args.metadata["q\\"\'"]', "quotes"),
        ("args.list[1]", "one"),
        ("args.deep[0][1]", 2),
        ("args.$ref", "dollar"),
        ("args.with-hyphen", "hyphen"),
        ("args.0", "zero-name"),
    ],
)
def test_a_path_reaches_its_value(path: str, value: Any) -> None:
    assert truth(path, "eq", value, ARGUMENTS) == "true"


def test_a_member_whose_name_holds_a_dot_is_reached_only_by_the_quoted_form() -> None:
    assert truth("args.a.b.c", "exists", True, ARGUMENTS) == "false"
    assert truth("args.odd.name", "exists", True, ARGUMENTS) == "false"
    assert truth('args["a.b"].c', "exists", True, ARGUMENTS) == "true"


@pytest.mark.parametrize(
    "path",
    [
        "args.absent",
        "args.absent.deeper[3].still",
        "args.metadata.absent",
        "args.list[2]",
        "args.list[999999999]",
        "args.nothing",
        "args.nothing.member",
        "args.nothing[0]",
        "args.nothing[*]",
        "args.absent[*]",
        "args.absent[*].member",
        "args.metadata.null",
        "args.items[1].sku",
        "args.items[1].tags[0]",
        "args.items[*].tags[7]",
    ],
)
def test_missing_is_an_absent_member_an_index_past_the_end_or_null(path: str) -> None:
    assert truth(path, "exists", True, ARGUMENTS) == "false"
    assert truth(path, "exists", False, ARGUMENTS) == "true"
    assert truth(path, "eq", "x", ARGUMENTS) == "false"


@pytest.mark.parametrize(
    "path",
    [
        "args.text.member",
        "args.number.member",
        "args.list.member",
        "args.list.0",
        "args.metadata[0]",
        "args.text[0]",
        "args.text[*]",
        "args.number[*]",
        "args.metadata[*]",
        "args.items[0].price.member",
        "args[0]",
        "args[*]",
        "args.text.a.b.c[0][*]",
        "args.list[*][0]",
        "args.items[*].price[*].x",
    ],
)
@pytest.mark.parametrize(
    ("op", "operand"),
    [("exists", True), ("exists", False), ("eq", "x"), ("neq", "x"), ("not_in", ["x"]), ("max_length", 9), ("gt", 0)],
)
def test_a_step_into_a_value_of_another_kind_is_unknown_for_every_operator(path: str, op: str, operand: Any) -> None:
    assert truth(path, op, operand, ARGUMENTS) == "unknown"


def test_absent_arguments_are_an_empty_object() -> None:
    entry = {"deny_if": [rule(condition("args.a", "exists", False), name="absent")]}
    assert call(entry, None).rule == "/tools/t/deny_if/absent"


@pytest.mark.parametrize(
    "path",
    [
        "",
        "a",
        "arg.a",
        "args",
        "argsa",
        "args.",
        "args..a",
        "args.a.",
        "args.a[",
        "args.a[]",
        "args.a[-1]",
        "args.a[01]",
        "args.a[1.5]",
        "args.a[ 1]",
        "args.a['b']",
        'args.a["b]',
        'args.a["b"',
        'args.a["\\x"]',
        'args.a["\\ud800"]',
        "args.a b",
        " args.a",
        "args.a\n",
        "args.*",
        "args.a.*",
        "args.a[**]",
        "args.a[0]b",
        "args.a/b",
        "args.a:b",
        "Args.a",
        "args.a[9999999999]",
    ],
)
def test_what_is_no_path_is_refused(path: str) -> None:
    errors = errors_in(tools={"t": {"deny_if": [rule(condition(path, "exists", True))]}})
    assert set(errors) == {"/tools/t/deny_if/0/conditions/0/path"}
    assert "expected " in errors["/tools/t/deny_if/0/conditions/0/path"]


SKUS = "args.items[*].sku"


def with_skus(*skus: Any) -> dict[str, Any]:
    return {"items": [{"sku": sku} for sku in skus]}


@pytest.mark.parametrize("where", ["deny_if", "approve_if", "when"])
def test_outside_require_any_element_is_enough(where: str) -> None:
    def applies(*skus: Any) -> bool:
        return value_in(where, SKUS, "eq", "bad", with_skus(*skus))

    assert applies("good", "bad")
    assert applies("good", 5), "one unknown, none true: unknown"
    assert applies(5, "bad")
    assert not applies("good", "fine")
    assert not applies("good", None), "a missing element is not equal"
    assert not applies(), "an empty array is false"


def test_in_require_all_elements_must_hold() -> None:
    def passes(*skus: Any) -> bool:
        return not value_in("require", SKUS, "eq", "good", with_skus(*skus))

    assert passes("good", "good")
    assert not passes("good", "bad")
    assert not passes("good", 5)
    assert not passes("good", None)
    assert passes(), "an empty array is true"


def test_a_false_element_outweighs_an_unknown_one_in_require_so_that_when_is_not_needed() -> None:
    # false and unknown both deny; what tells them apart is explain
    made = {"require": [rule(condition(SKUS, "eq", "good"))]}
    from .support import policy

    steps = policy(tools={"t": made}).explain(tool="t", arguments=with_skus(5, "bad"))
    (step,) = [step for step in steps if step["kind"] == "require"]
    assert step["conditions"][0]["result"] is False
    assert step["conditions"][0]["value"] == [5, "bad"]


def test_stars_over_a_missing_array_are_one_missing_value() -> None:
    assert value_in("deny_if", SKUS, "neq", "x", {})
    assert value_in("require", SKUS, "eq", "x", {})
    assert not value_in("deny_if", SKUS, "eq", "x", {"items": None})


def test_each_condition_ranges_on_its_own() -> None:
    both = rule(condition("args.items[*].a", "eq", 1), condition("args.items[*].b", "eq", 2))
    split = {"items": [{"a": 1, "b": 0}, {"a": 0, "b": 2}]}
    assert call({"deny_if": [both]}, split).effect == "deny"


def test_two_stars_range_over_all_inner_elements() -> None:
    def denied(deep: Any) -> bool:
        return value_in("deny_if", "args.deep[*][*]", "eq", 3, {"deep": deep})

    assert denied([[1, 2], [3]])
    assert not denied([[1], [2]])
    assert not denied([[], []])
    assert denied([[1], "text"]), "[*] of a text is unknown"
    assert not value_in("require", "args.deep[*][*]", "gt", 0, {"deep": [[1, 2], []]})


def test_a_path_deeper_than_the_value_costs_nothing_odd() -> None:
    path = "args" + ".a" * 5000
    assert truth(path, "exists", True, {"a": {"a": {}}}) == "false"
    assert truth(path, "exists", True, {"a": {"a": 1}}) == "unknown"

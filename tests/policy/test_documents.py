"""POLICY.md section 1: a document is read strictly, and refused as a whole with every error at once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gatepost.policy import PolicyError, compile_policy

from .support import condition, errors_in, errors_of, policy, rule

SECTION_1 = """
{
  "version": "1",
  "description": "What an agent may do with this server",
  "default": "deny",
  "mode": "enforce",
  "hide": ["delete_playlist"],
  "all_tools": { "require": [], "deny_if": [], "approve_if": [], "limits": [] },
  "tools": {
    "get_libraries": {},
    "trakt_start_scrobbling": {
      "limits": [ { "counter": "trakt_start_scrobbling_rate", "window": "minute", "max": 10, "scope": "grant" } ]
    },
    "delete_*":   { "action": "deny", "reason": "Nothing is deleted by an agent." },
    "@financial": { "action": "require_approval", "reason": "A person approves every payment." },
    "create_refund": {
      "require":    [ { "conditions": [ { "path": "args.reason", "op": "exists", "value": true } ],
                        "on_deny": "Give a reason." } ],
      "deny_if":    [ { "name": "too-much", "conditions": [ { "path": "args.amount", "op": "gt", "value": 10000 } ],
                        "on_deny": "Refund exceeds the limit." } ],
      "approve_if": [ { "conditions": [ { "path": "args.amount", "op": "gt", "value": 500 } ] } ],
      "limits":     [ { "counter": "refunds", "window": "day", "max": 100000, "amount": "args.amount" } ]
    }
  },
  "resources": { "default": "deny", "allow": ["plex://library/*"], "deny": [] },
  "prompts":   { "default": "deny", "allow": ["discover_trending"] }
}
"""


@pytest.mark.parametrize("form", [str, str.encode, json.loads], ids=["text", "bytes", "value"])
def test_the_example_document_loads_in_every_form_and_means_the_same(form: Any) -> None:
    loaded = compile_policy(form(SECTION_1))
    assert loaded.document == json.loads(SECTION_1)
    assert loaded.version == compile_policy(SECTION_1).version

    refund = {"reason": "broken", "amount": 600}
    assert loaded.decide(tool="create_refund", arguments=refund).effect == "approve"
    assert loaded.decide(tool="create_refund", arguments={"amount": 1}).message == "Give a reason."
    assert (
        loaded.decide(tool="create_refund", arguments=refund | {"amount": 10001}).message == "Refund exceeds the limit."
    )
    assert loaded.decide(tool="delete_movie", arguments={}).message == "Nothing is deleted by an agent."
    assert loaded.decide(tool="pay", arguments={}, category="financial").message == "A person approves every payment."
    assert loaded.hides("delete_playlist", None)


@pytest.mark.parametrize("field", ["version", "default"])
def test_version_and_default_are_required(field: str) -> None:
    document = {"version": "1", "default": "deny"}
    del document[field]
    assert errors_of(document) == {"": f'found no "{field}", expected it (required)'}


@pytest.mark.parametrize("version", ["2", "1.0", 1, None, ""])
def test_the_version_is_one_and_nothing_else(version: Any) -> None:
    assert "/version" in errors_of({"version": version, "default": "deny"})


def test_every_error_is_told_at_once_with_its_pointer() -> None:
    document = {
        "version": "2",
        "default": "dney",
        "mode": "observe",
        "extra": 1,
        "hide": ["a", 5],
        "all_tools": {"rate_limit": {"max": 1, "window": 1}},
        "tools": {
            "a/b": {"requier": []},
            "c": {"require": [{"conditions": [{"path": "arg.x", "op": "equals", "value": 1}]}], "limits": {}},
            "@finance": {},
            "d": 7,
        },
        "resources": {"allow": "x"},
    }
    assert set(errors_of(document)) == {
        "/version",
        "/default",
        "/mode",
        "/extra",
        "/hide/1",
        "/all_tools/rate_limit",
        "/tools/a~1b/requier",
        "/tools/c/require/0/conditions/0/path",
        "/tools/c/require/0/conditions/0/op",
        "/tools/c/limits",
        "/tools/@finance",
        "/tools/d",
        "/resources/allow",
    }


def test_an_error_says_what_was_found_what_was_expected_and_the_nearest_word() -> None:
    errors = errors_in(tools={"t": {"requier": [], "action": "denny", "rate_limit": {"max": 10, "window": "minutes"}}})
    assert errors["/tools/t/requier"] == (
        'found the unknown field "requier", expected one of action, reason, require, deny_if, approve_if, limits, '
        'rate_limit, approval, validate_arguments, mode; the nearest is "require"'
    )
    assert errors["/tools/t/action"] == (
        'found "denny", expected one of allow, deny, hide, require_approval; the nearest is "deny"'
    )
    assert 'the nearest is "minute"' in errors["/tools/t/rate_limit/window"]


@pytest.mark.parametrize(
    ("place", "unknown"),
    [
        ({"tools": {"t": {"require": [{"conditions": [], "on_fail": ""}]}}}, "/tools/t/require/0/on_fail"),
        (
            {"tools": {"t": {"deny_if": [{"conditions": [{**condition("args.a", "eq", 1), "flags": "i"}]}]}}},
            "/tools/t/deny_if/0/conditions/0/flags",
        ),
        ({"tools": {"t": {"approval": {"time": "3m"}}}}, "/tools/t/approval/time"),
        (
            {"tools": {"t": {"limits": [{"counter": "c", "window": "day", "max": 1, "per": 1}]}}},
            "/tools/t/limits/0/per",
        ),
        ({"prompts": {"default": "deny", "hide": []}}, "/prompts/hide"),
        ({"all_tools": {"action": "deny"}}, "/all_tools/action"),
        ({"all_tools": {"mode": "shadow"}}, "/all_tools/mode"),
    ],
)
def test_an_unknown_field_is_refused_wherever_it_stands(place: dict[str, Any], unknown: str) -> None:
    errors = errors_in(**place)
    assert set(errors) == {unknown}
    assert errors[unknown].startswith("found the unknown field")


def test_an_unknown_operator_is_refused_with_the_nearest_one() -> None:
    errors = errors_in(tools={"t": {"deny_if": [rule(condition("args.a", "greater_than", 1))]}})
    assert 'the nearest is "' in errors["/tools/t/deny_if/0/conditions/0/op"]
    errors = errors_in(tools={"t": {"deny_if": [rule(condition("args.a", "start_with", "x"))]}})
    assert errors["/tools/t/deny_if/0/conditions/0/op"].endswith('the nearest is "starts_with"')


def test_a_duplicate_key_is_refused_at_any_depth_and_each_is_named() -> None:
    text = """{"version": "1", "default": "deny", "default": "allow",
      "tools": {"t": {"deny_if": [{"conditions": [], "on_deny": "a", "on_deny": "b"}]}, "u": {}, "u": {}}}"""
    errors = errors_of(text)
    assert set(errors) == {"/default", "/tools/t/deny_if/0/on_deny", "/tools/u"}
    assert errors["/tools/u"] == 'found the key "u" more than once, expected it once'


def test_a_duplicate_key_is_named_also_in_a_value_that_its_own_duplicate_replaces() -> None:
    text = """{"version": "1", "default": "deny", "tools": {"t": {"deny_if": [{"name": "a", "name": "b"}]}, "t": {}},
      "tools": {"u": {"mode": "shadow", "mode": "shadow"}, "t": {"reason": "", "reason": ""}}, "tools": {"t": {}}}"""
    with pytest.raises(PolicyError) as refused:
        compile_policy(text)
    assert [pointer for pointer, _ in refused.value.errors] == [
        "/tools",
        "/tools/t",
        "/tools/t/deny_if/0/name",
        "/tools/u/mode",
        "/tools/t/reason",
    ]


def test_what_else_is_wrong_with_a_duplicate_key_is_told_too() -> None:
    with pytest.raises(PolicyError) as refused:
        compile_policy('{"version": "1", "default": "deny", "mod": "shadow", "mod": "shadow"}')
    (repeated, unknown) = [message for pointer, message in refused.value.errors if pointer == "/mod"]
    assert repeated.startswith('found the key "mod" more than once')
    assert unknown.startswith('found the unknown field "mod"')


def test_the_same_duplicate_in_both_values_of_a_duplicate_key_is_named_once() -> None:
    twice = '{"mode": "shadow", "mode": "shadow"}'
    with pytest.raises(PolicyError) as refused:
        compile_policy(f'{{"version": "1", "default": "deny", "tools": {{"t": {twice}, "t": {twice}}}}}')
    assert [pointer for pointer, _ in refused.value.errors] == ["/tools/t", "/tools/t/mode"]


def test_keys_that_become_equal_by_escapes_are_duplicates() -> None:
    assert "/tools/t" in errors_of(
        '{"version": "1", "default": "deny", "tools": {"t": {}, "\\u0074": {"action": "deny"}}}'
    )


@pytest.mark.parametrize("op", ["regex", "matches"])
@pytest.mark.parametrize("pattern", ["(", "(?=x)", r"(a)\1", "a{2000}", "[", "(?<!a)b"])
def test_a_regex_that_does_not_compile_is_refused(op: str, pattern: str) -> None:
    errors = errors_in(tools={"t": {"require": [rule(condition("args.a", op, pattern))]}})
    assert "RE2" in errors["/tools/t/require/0/conditions/0/value"]


@pytest.mark.parametrize("op", ["in", "not_in", "starts_with", "host_in", "path_within", "email_domain_in"])
def test_an_empty_list_of_operands_is_refused(op: str) -> None:
    assert "/tools/t/deny_if/0/conditions/0/value" in errors_in(
        tools={"t": {"deny_if": [rule(condition("args.a", op, []))]}}
    )


@pytest.mark.parametrize(
    ("op", "operands", "where"),
    [
        ("in", ["a", 1], 1),
        ("in", [1, True], 1),
        ("not_in", [1.5, 2, "x"], 2),
        ("in", ["a", None], 1),
        ("in", [["a"]], 0),
        ("ends_with", ["a", 1], 1),
        ("host_in", ["a.example", 1], 1),
    ],
)
def test_a_mixed_list_of_operands_is_refused_at_the_odd_one(op: str, operands: list[Any], where: int) -> None:
    errors = errors_in(tools={"t": {"deny_if": [rule(condition("args.a", op, operands))]}})
    assert set(errors) == {f"/tools/t/deny_if/0/conditions/0/value/{where}"}


@pytest.mark.parametrize(
    ("op", "operand"),
    [
        ("eq", None),
        ("eq", []),
        ("neq", {}),
        ("in", "abc"),
        ("lt", "5"),
        ("gt", True),
        ("gte", None),
        ("exists", 1),
        ("exists", "true"),
        ("contains", []),
        ("regex", 5),
        ("matches", ["a"]),
        ("starts_with", 5),
        ("max_length", -1),
        ("max_length", 1.5),
        ("min_length", True),
        ("min_length", "3"),
        ("host_in", "a.example"),
        ("host_in", ["https://a.example"]),
        ("host_in", ["a.example:443"]),
        ("host_in", ["a.example/x"]),
        ("host_in", [""]),
        ("host_in", ["."]),
        ("host_in", ["127.1"]),
        ("host_in", [".127.0.0.1"]),
        ("host_in", ["münchen.example"]),
        ("path_within", "/srv"),
        ("path_within", ["srv"]),
        ("path_within", ["/srv/../etc"]),
        ("path_within", ["~/x"]),
        ("email_domain_in", ["a@b.example"]),
        ("email_domain_in", [".b.example"]),
    ],
)
def test_an_operand_of_the_wrong_kind_is_refused(op: str, operand: Any) -> None:
    errors = errors_in(tools={"t": {"deny_if": [rule(condition("args.a", op, operand))]}})
    (pointer,) = errors
    assert pointer.startswith("/tools/t/deny_if/0/conditions/0/value")
    assert errors[pointer].startswith("found ")
    assert "expected " in errors[pointer]


def test_conditions_need_path_op_and_value() -> None:
    errors = errors_in(tools={"t": {"require": [{"conditions": [{}]}, {}]}})
    assert set(errors) == {"/tools/t/require/0/conditions/0", "/tools/t/require/1"}
    try:
        compile_policy({"version": "1", "default": "deny", "tools": {"t": {"require": [{"conditions": [{}]}]}}})
    except PolicyError as error:
        assert [message for _, message in error.errors] == [
            f'found no "{name}", expected it (required)' for name in ("path", "op", "value")
        ]


@pytest.mark.parametrize("name", ["Too-Much", "", "a" * 65, "a_b", "a b", "é", "a\n", 5])
def test_a_name_is_lower_case_letters_digits_and_hyphens(name: Any) -> None:
    assert "/tools/t/deny_if/0/name" in errors_in(tools={"t": {"deny_if": [rule(name=name)]}})
    limit = {"counter": "c", "window": "day", "max": 1, "name": name}
    assert "/tools/t/limits/0/name" in errors_in(tools={"t": {"limits": [limit]}})


def test_a_name_is_unique_in_its_list_and_may_stand_in_another() -> None:
    twice = [rule(name="same"), rule(name="same")]
    assert set(errors_in(tools={"t": {"deny_if": twice}})) == {"/tools/t/deny_if/1/name"}
    assert errors_in(tools={"t": {"deny_if": [rule(name="same")], "require": [rule(name="same")]}}) == {}


def test_a_document_of_one_mebibyte_loads_and_one_byte_more_does_not() -> None:
    frame = len('{"version":"1","default":"deny","description":""}')
    room = 1024 * 1024 - frame
    text = '{"version":"1","default":"deny","description":"%s"}'
    assert compile_policy(text % ("x" * room)).version
    assert "1 MiB" in errors_of(text % ("x" * (room + 1)))[""]
    value = {"version": "1", "default": "deny", "description": "x" * (room + 1)}
    assert "1 MiB" in errors_of(value)[""]


def test_two_thousand_entries_load_and_one_more_does_not() -> None:
    entries: dict[str, Any] = {f"tool_{number}": {} for number in range(2000)}
    assert errors_in(tools=entries) == {}
    assert errors_in(tools={**entries, "one_more": {}}) == {"/tools": "found 2001 entries, expected at most 2000"}


def test_two_stars_in_a_path_load_and_a_third_does_not() -> None:
    def errors(path: str) -> dict[str, str]:
        return errors_in(tools={"t": {"deny_if": [rule(condition(path, "eq", 1))]}})

    assert errors("args.a[*].b[*].c") == {}
    assert "at most 2 [*]" in errors("args.a[*].b[*].c[*]")["/tools/t/deny_if/0/conditions/0/path"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "line 1, column 1"),
        ("{", "line 1"),
        ('{"version":"1","default":"deny"} x', "Extra data"),
        ('{"version":"1","default":"deny",}', "line 1"),
        ("{'version':'1'}", "line 1"),
        (b'\xef\xbb\xbf{"version":"1","default":"deny"}', "byte order mark"),
        ('\ufeff{"version":"1","default":"deny"}', "byte order mark"),
        (b'{"version":"1","default":"deny","description":"\xff"}', "not UTF-8"),
        ('{"version":"1","default":"deny"}'.encode("utf-16"), "not UTF-8"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a":' * 100_000, "nested too deeply"),
    ],
)
def test_text_that_is_not_strict_json_is_refused(text: Any, found: str) -> None:
    errors = errors_of(text)
    assert set(errors) == {""}
    assert found in errors[""]


@pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity"])
def test_a_number_that_json_has_not_is_told_of_with_its_place_and_with_all_else(literal: str) -> None:
    limit = f'{{"counter":"c","window":"minute","max":{literal}}}'
    text = f'{{"version":"1","default":"alow","tools":{{"t":{{"limits":[{limit}]}}}}}}'
    errors = errors_of(text)
    assert errors.keys() == {"/default", "/tools/t/limits/0/max"}
    assert literal in errors["/tools/t/limits/0/max"]


@pytest.mark.parametrize("document", [None, [], "[]", "1", 5, "null", b'"x"', ()])
def test_a_document_is_an_object(document: Any) -> None:
    assert "" in errors_of(document)


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), 10**400, object(), {1, 2}, b"bytes", "\ud800", ("tuple",)],
    ids=range(8),
)
def test_values_that_no_json_document_holds_are_refused_with_their_pointer(value: Any) -> None:
    errors = errors_in(tools={"t": {"deny_if": [rule(condition("args.a", "eq", value))]}})
    assert "/tools/t/deny_if/0/conditions/0/value" in errors


def test_odd_keys_of_a_parsed_document_are_refused() -> None:
    assert errors_of({"version": "1", "default": "deny", 5: 1}) == {"": "found the key 5, expected Unicode text"}
    assert "" in errors_of({"version": "1", "default": "deny", "\ud800": 1})


def test_a_number_that_overflows_is_refused() -> None:
    rules = '[{"conditions":[{"path":"args.a","op":"gt","value":%s}]}]'
    text = '{"version":"1","default":"deny","tools":{"t":{"deny_if":' + rules + "}}}"
    for number in ("1e400", "1" + "0" * 400, "1e99999999999999999999", "9" * 5000):
        assert set(errors_of(text % number)) == {"/tools/t/deny_if/0/conditions/0/value"}


def test_a_document_that_loops_is_refused() -> None:
    document: dict[str, Any] = {"version": "1", "default": "deny"}
    document["tools"] = document
    assert errors_of(document)


def test_the_error_is_a_value_error_whose_text_names_every_pointer() -> None:
    with pytest.raises(ValueError, match=r"/version: .*/default: "):
        compile_policy({"version": "3", "default": "maybe"})


def test_a_policy_keeps_nothing_of_the_document_it_was_made_from() -> None:
    operands = ["a"]
    document = {
        "version": "1",
        "default": "deny",
        "tools": {"t": {"deny_if": [rule(condition("args.a", "in", operands))]}},
    }
    made = compile_policy(document)
    operands.append("b")
    document["tools"] = {}
    assert made.decide(tool="t", arguments={"a": "b"}).effect == "allow"
    assert made.document["tools"]["t"]["deny_if"][0]["conditions"][0]["value"] == ["a"]


def test_integral_numbers_are_integers_however_they_are_written() -> None:
    text = '{"version":"1","default":"deny","tools":{"t":{"rate_limit":{"max":10.0,"window":6e1}}}}'
    assert compile_policy(text).version == policy(tools={"t": {"rate_limit": {"max": 10, "window": 60}}}).version
    (use,) = compile_policy(text).decide(tool="t", arguments={}).limits
    assert (use.window, use.max) == ("minute", 10)

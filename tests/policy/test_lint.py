"""POLICY.md section 1: what `lint` warns of, and what it leaves alone."""

from __future__ import annotations

from typing import Any

import pytest

from gatepost.policy import LintWarning, PolicyError, compile_definition, lint
from gatepost.policy.linting.rules import is_anchored

from .support import condition, rule

SCHEMA = {
    "type": "object",
    "properties": {
        "path": {"type": "string"},
        "amount": {"type": "number"},
        "size": {"type": "integer", "default": 5},
        "items": {"type": "array", "items": {"type": "object", "properties": {"sku": {"type": "string"}}}},
        "free": {"type": "object"},
        "closed": {"type": "object", "properties": {"a": {}}, "additionalProperties": False},
        "open": {"type": "object", "properties": {"a": {}}, "additionalProperties": True},
    },
    "required": ["path"],
}


def definition(name: str, schema: Any = SCHEMA) -> dict[str, Any]:
    return {"name": name, "inputSchema": schema}


KNOWN = {name: definition(name) for name in ("read_file", "read_dir", "write_file")}


def warnings(default: str = "deny", definitions: dict[str, Any] | None = None, **fields: Any) -> list[LintWarning]:
    return lint({"version": "1", "default": default, **fields}, definitions)


def pointers(default: str = "deny", definitions: dict[str, Any] | None = None, **fields: Any) -> set[str]:
    return {warning.pointer for warning in warnings(default, definitions, **fields)}


def test_a_sensible_policy_has_no_warnings() -> None:
    tools = {
        "read_file": {
            "require": [
                rule(condition("args.path", "matches", "[a-z]+")),
                rule(condition("args.path", "regex", "^/srv/.*$")),
            ],
            "deny_if": [rule(condition("args.path", "contains", "secret")), rule(condition("args.size", "gt", 10))],
            "limits": [
                {"counter": "reads", "window": "minute", "max": 10},
                {"counter": "reads", "window": "day", "max": 100},
            ],
        },
        "write_*": {"action": "require_approval"},
    }
    assert warnings(tools=tools, definitions=KNOWN, hide=["read_dir"]) == []
    assert warnings(tools=tools) == []


def test_a_document_that_is_not_valid_is_refused_as_ever() -> None:
    with pytest.raises(PolicyError):
        lint({"version": "1"})


@pytest.mark.parametrize(
    ("path", "warned"),
    [
        ("args.path", False),
        ("args.paht", True),
        ("args.items[*].sku", False),
        ("args.items[0].sku", False),
        ("args.items[*].sk", True),
        ("args.items.sku", True),
        ("args.path.x", True),
        ("args.path[0]", True),
        ("args.free.anything.at[0].all", False),
        ("args.closed.a", False),
        ("args.closed.b", True),
        ("args.open.b", False),
        ("args[0]", True),
    ],
)
def test_a_path_that_is_not_in_the_tools_schema(path: str, warned: bool) -> None:
    tools = {"read_file": {"approve_if": [rule(condition(path, "exists", True))]}}
    found = pointers(tools=tools, definitions=KNOWN)
    assert ("/tools/read_file/approve_if/0/conditions/0/path" in found) is warned


def test_a_path_of_when_and_of_an_amount_is_looked_at_too() -> None:
    limit = {"counter": "c", "window": "day", "max": 1, "amount": "args.amuont"}
    tools = {"read_file": {"deny_if": [rule(when=[condition("args.siez", "gt", 1)])], "limits": [limit]}}
    assert pointers(tools=tools, definitions=KNOWN) == {
        "/tools/read_file/deny_if/0/when/0/path",
        "/tools/read_file/limits/0/amount",
    }


def test_a_path_is_fine_where_one_of_the_tools_has_it() -> None:
    known = {"a1": definition("a1"), "a2": definition("a2", {"type": "object", "properties": {"other": {}}})}
    tools = {"a*": {"approve_if": [rule(condition("args.other", "eq", 1)), rule(condition("args.none", "eq", 1))]}}
    assert pointers(tools=tools, definitions=known) == {"/tools/a*/approve_if/1/conditions/0/path"}


def test_rules_of_all_tools_are_looked_at_with_every_schema() -> None:
    rules = [rule(condition("args.nowhere", "exists", True))]
    found = pointers(all_tools={"approve_if": rules}, definitions=KNOWN)
    assert found == {"/all_tools/approve_if/0/conditions/0/path"}


def test_an_open_schema_declares_nothing_that_could_be_missed() -> None:
    known = {"t": definition("t", {"type": "object", "additionalProperties": True})}
    tools = {"t": {"approve_if": [rule(condition("args.any", "eq", 1))]}}
    assert pointers(tools=tools, definitions=known) == set()


@pytest.mark.parametrize(
    ("one", "warned"),
    [
        (condition("args.amount", "gt", 5), True),
        (condition("args.items[*].sku", "eq", "x"), True),
        (condition("args.path", "eq", "x"), False),
        (condition("args.size", "gt", 5), False),
        (condition("args.amount", "neq", 5), False),
        (condition("args.amount", "not_in", [5]), False),
        (condition("args.amount", "exists", False), False),
        (condition("args.amount", "exists", True), True),
    ],
)
def test_a_deny_if_on_an_optional_argument(one: dict[str, Any], warned: bool) -> None:
    tools = {"read_file": {"deny_if": [rule(one)]}}
    found = warnings(tools=tools, definitions=KNOWN)
    assert [warning.pointer for warning in found] == ["/tools/read_file/deny_if/0/conditions/0/path"] * warned
    assert all("optional" in warning.message for warning in found)


def test_a_deny_if_on_an_argument_that_the_policy_requires() -> None:
    tools = {
        "read_file": {
            "require": [rule(condition("args.amount", "exists", True))],
            "deny_if": [rule(condition("args.amount", "gt", 5))],
        }
    }
    assert pointers(tools=tools, definitions=KNOWN) == set()


def test_an_unanchored_regex_in_require() -> None:
    tools = {
        "t": {
            "require": [rule(condition("args.a", "regex", "abc"))],
            "deny_if": [rule(condition("args.a", "regex", "x"))],
        }
    }
    assert pointers(tools=tools) == {"/tools/t/require/0/conditions/0/value"}


@pytest.mark.parametrize(
    "pattern", ["^abc$", r"\Aabc\z", "^(a|b)$", r"(?i)^a$", r"^a[|]b$", r"^a\|b$", r"^[\]|]$", "^$", r"^a\\$"]
)
def test_an_anchored_regex_is_seen_as_one(pattern: str) -> None:
    assert is_anchored(pattern)


@pytest.mark.parametrize(
    "pattern", ["", "abc", "^abc", "abc$", r"^abc\$", "^a|b$", "(?m)^a$", r"(?im)^a$", "(^a$)", "a^$"]
)
def test_an_unanchored_regex_is_seen_as_one(pattern: str) -> None:
    assert not is_anchored(pattern)


def test_an_unknown_tool() -> None:
    tools = {"read_flie": {}, "read_*": {"rate_limit": {"max": 1, "window": 1}}, "delete_*": {}, "write_file": {}}
    found = dict(warnings(tools=tools, hide=["write_dir", "x*", "read_dir"], definitions=KNOWN))
    assert found == {
        "/tools/read_flie": 'no known tool has this name; the nearest is "read_file"',
        "/tools/delete_*": "no known tool matches",
        "/hide/0": 'no known tool has this name; the nearest is "write_file"',
        "/hide/1": "no known tool matches",
    }


@pytest.mark.parametrize("definitions", [None, KNOWN])
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "write a name or a glob"),
        ("a b", 'not " "'),
        ("del ete_*", 'not " "'),
        ("read_file\n", r'not "\n"'),
        ("café", 'not "é"'),
        ("tool:read", 'not ":"'),
        ("a" * 129, "at most 128 characters"),
        ("a" * 100 + "*" + "b" * 29, "at most 128 characters"),
    ],
)
def test_a_name_that_no_tool_can_be_called_by(name: str, said: str, definitions: dict[str, Any] | None) -> None:
    (entry,) = warnings(definitions=definitions, tools={name: {"action": "deny"}})
    assert entry.pointer == f"/tools/{name}"
    assert said in entry.message
    (hidden,) = warnings(definitions=definitions, hide=[name])
    assert (hidden.pointer, hidden.message) == ("/hide/0", entry.message)


def test_names_that_a_tool_may_have_are_left_alone_where_no_tools_are_known() -> None:
    names = ["a" * 128, "a" * 100 + "***" + "b" * 28, "A.b/c-d_9", "*", "@write"]
    assert pointers(hide=names[:3], tools={name: {"action": "hide"} for name in names[3:]}) == set()
    assert pointers(tools={name: {"action": "deny"} for name in names[:3]}) == set()


def test_a_listed_tool_that_cannot_be_called_can_be_hidden_and_nothing_else() -> None:
    known = {"odd name": definition("odd name")}
    assert pointers(definitions=known, hide=["odd name"]) == set()
    assert pointers(definitions=known, hide=["odd*"]) == set()
    assert pointers(definitions=known, tools={"odd name": {"action": "hide"}}) == set()
    assert pointers(definitions=known, tools={"odd name": {}}) == {"/tools/odd name"}


@pytest.mark.parametrize("definitions", [None, KNOWN])
def test_a_category_in_hide_hides_nothing(definitions: dict[str, Any] | None) -> None:
    (warning,) = warnings(definitions=definitions, hide=["@destructive"])
    assert warning.pointer == "/hide/0"
    assert 'write "@destructive": {"action": "hide"} in tools' in warning.message


@pytest.mark.parametrize(
    ("uri", "warned"),
    [
        ("", True),
        ("@read", True),
        ("FILE:///srv/*", True),
        ("file:///srv/../etc/*", True),
        ("*/./*", True),
        ("*%2e*", True),
        ("c:\\files\\*", True),
        ("file:///srv/.*", False),
        ("file:///srv/*..", False),
        ("*", False),
        ("F*:x", False),
        ("plex://library/*", False),
    ],
)
def test_a_uri_that_none_matches(uri: str, warned: bool) -> None:
    section = {"default": "deny", "allow": ["plex://*", uri], "deny": [uri]}
    assert pointers(resources=section) == ({"/resources/allow/1", "/resources/deny/0"} if warned else set())


def test_a_prompt_that_none_is_called() -> None:
    section = {"default": "deny", "allow": ["", "@read", "discover trending", "*"], "deny": []}
    assert pointers(prompts=section) == {"/prompts/allow/0", "/prompts/allow/1"}


def test_a_path_that_steps_into_the_arguments_themselves_says_what_to_write() -> None:
    limit = {"counter": "c", "window": "day", "max": 1, "amount": "args[*]"}
    tools = {"t": {"deny_if": [rule(condition("args[0].x", "eq", 1))], "limits": [limit]}}
    read, amount = warnings(tools=tools)
    assert (read.pointer, amount.pointer) == ("/tools/t/deny_if/0/conditions/0/path", "/tools/t/limits/0/amount")
    assert "it is always unknown; name an argument, as in args.NAME[0].x" in read.message
    assert "every call is denied; name an argument, as in args.NAME[*]" in amount.message


def test_a_category_that_no_tool_has() -> None:
    known = {"t": {"tool": definition("t"), "category": "read"}}
    assert pointers(tools={"@read": {}, "@write": {}}, definitions=known) == {"/tools/@write"}
    assert pointers(tools={"@write": {}}, definitions={"t": definition("t")}) == set(), "a tool without one counts"


def test_a_glob_whose_tools_all_have_entries_of_their_own() -> None:
    tools = {"write_*": {"action": "deny"}, "write_file": {}}
    assert pointers(tools=tools, definitions=KNOWN) == {"/tools/write_*"}
    assert pointers(tools={**tools, "read_*": {"action": "deny"}}, definitions=KNOWN) == {"/tools/write_*"}


def test_a_glob_that_outranks_nothing() -> None:
    deny, ask = {"action": "deny"}, {"action": "require_approval"}
    assert pointers("allow", tools={"a*": {}}) == {"/tools/a*"}
    assert pointers("deny", tools={"a*": {}}) == set()
    assert pointers(tools={"*": deny, "delete_*": deny}) == {"/tools/delete_*"}
    assert pointers(tools={"*": deny, "delete_*": ask}) == {"/tools/delete_*"}
    assert pointers(tools={"*": ask, "delete_*": deny}) == set()
    assert pointers(tools={"*": deny, "delete_*": {**deny, "reason": "Its own words."}}) == set()
    assert pointers(tools={"*": {**deny, "mode": "shadow"}, "delete_*": deny}) == set()


def test_rules_that_no_call_can_reach() -> None:
    x = rule(condition("args.a", "eq", 1))
    y = rule(condition("args.b", "eq", 1))
    assert pointers(tools={"t": {"deny_if": [x, rule(), y]}}) == {"/tools/t/deny_if/2"}
    assert pointers(tools={"t": {"deny_if": [rule(mode="shadow"), y]}}) == set()
    assert pointers(tools={"t": {"deny_if": [rule(when=[condition("args.c", "eq", 1)]), y]}}) == set()
    assert pointers(tools={"t": {"approve_if": [x, y, x]}}) == {"/tools/t/approve_if/2"}
    assert pointers(tools={"t": {"deny_if": [{**x, "mode": "shadow"}, x]}}) == set()
    assert pointers(tools={"t": {"action": "deny", "deny_if": [x]}}) == {"/tools/t"}
    assert pointers(tools={"t": {"action": "hide", "require": [x]}}) == {"/tools/t"}
    assert pointers(tools={"t": {"action": "deny", "mode": "shadow", "deny_if": [x]}}) == set()
    assert pointers(hide=["t*"], tools={"t": {}, "x*": {}}) == {"/tools/t"}
    assert pointers(tools={"t": {"require": [rule()]}}) == {"/tools/t/require/0"}


def test_limits_with_no_effect() -> None:
    def idle(*limits: dict[str, Any], **entry: Any) -> set[str]:
        return pointers(
            tools={"t": {"limits": [{"counter": "c", "window": "minute", **limit} for limit in limits], **entry}}
        )

    assert idle({"max": 10}, {"max": 20}) == {"/tools/t/limits/1"}
    assert idle({"max": 20}, {"max": 10}) == {"/tools/t/limits/0"}
    assert idle({"max": 10}, {"max": 10}) == {"/tools/t/limits/1"}
    assert idle({"max": 10}, {"max": 20, "scope": "server"}) == set()
    assert idle({"max": 10}, {"max": 20, "mode": "shadow"}) == set()
    assert idle({"max": 10}, {"max": 20, "counter": "other"}) == set()
    assert idle({"max": 10}, {"max": 600, "window": "hour"}) == {"/tools/t/limits/1"}
    assert idle({"max": 10}, {"max": 599, "window": "hour"}) == set()
    assert idle({"max": 10, "window": "week"}, {"max": 100, "window": "month"}) == set(), (
        "weeks cross the edges of months"
    )
    assert idle({"max": 10}, action="deny") == {"/tools/t/limits/0"}
    assert idle({"max": 0}) == set()


@pytest.mark.parametrize("form", ["tools/list", "compiled", "published", "object"])
def test_definitions_come_in_every_shape_they_are_kept_in(form: str) -> None:
    class Kept:
        tool = definition("t")
        category = "read"

    shapes: dict[str, Any] = {
        "tools/list": definition("t"),
        "compiled": compile_definition(definition("t")),
        "published": {"tool": definition("t"), "category": "read", "hash": "sha256:0"},
        "object": Kept(),
    }
    tools = {"t": {"approve_if": [rule(condition("args.none", "eq", 1))]}}
    assert pointers(tools=tools, definitions={"t": shapes[form]}) == {"/tools/t/approve_if/0/conditions/0/path"}


def test_a_tool_with_an_unusable_schema_says_nothing_about_paths() -> None:
    tools = {"t": {"deny_if": [rule(condition("args.none", "eq", 1))]}}
    assert pointers(tools=tools, definitions={"t": definition("t", {"type": "nonsense"})}) == set()


def test_warnings_come_in_the_order_of_their_pointers() -> None:
    tools = {"b": {"action": "deny", "deny_if": [rule()]}, "a": {"require": [rule()]}}
    assert [warning.pointer for warning in warnings(tools=tools)] == ["/tools/a/require/0", "/tools/b"]


@pytest.mark.parametrize("action", ["deny", "hide"])
def test_rules_of_a_glob_that_a_wider_one_refuses_are_never_reached(action: str) -> None:
    narrow = {"deny_if": [rule(condition("args.path", "contains", "secret"))]}
    (warning,) = warnings(tools={"read_*": {"action": action}, "read_d*": narrow})
    assert warning.pointer == "/tools/read_d*"
    assert f'"read_*" covers it, and its action is {action}' in warning.message
    limited = {"limits": [{"counter": "reads", "window": "minute", "max": 10}]}
    assert pointers(tools={"read_*": {"action": action}, "read_d*": limited}) == {"/tools/read_d*"}
    assert warnings(tools={"read_*": {"action": action}, "read_dir": narrow}) == [], "an exact name applies alone"
    assert warnings(tools={"read_d*": {"action": action}, "read_*": narrow}) == [], "others are left to the wide one"
    assert warnings(tools={"read_*": {"action": "deny", "mode": "shadow"}, "read_d*": narrow}) == []


def test_a_rule_that_refuses_every_tool_is_told_of() -> None:
    assert pointers(all_tools={"deny_if": [rule()]}) == {"/all_tools/deny_if/0"}
    assert pointers(all_tools={"deny_if": [rule(mode="shadow")]}) == set()
    assert pointers(all_tools={"deny_if": [rule(condition("args.path", "exists", False))]}) == set()

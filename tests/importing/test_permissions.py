"""Permission lists of Claude Code and Codex become policies that are no looser."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.importing.converted import CannotConvert, Converted
from gatepost.importing.permissions import convert_claude_code, convert_codex
from gatepost.policy import compile_policy

TOOLS = {
    "get_issue": {"name": "get_issue", "annotations": {"readOnlyHint": True}},
    "list_issues": {"name": "list_issues", "annotations": {"readOnlyHint": True}},
    "create_issue": {"name": "create_issue"},
    "delete_repo": {"name": "delete_repo"},
}


def effects(made: Converted, *tools: str) -> list[str]:
    policy = compile_policy(made.document)
    return ["hidden" if policy.hides(tool) else policy.decide(tool=tool).effect for tool in tools]


def claude(known: bool = False, **lists: list[str]) -> list[Converted]:
    return convert_claude_code({"permissions": lists}, {"github": TOOLS} if known else {})


def test_deny_goes_before_ask_before_allow_however_exact_each_is() -> None:
    (made,) = claude(
        allow=["mcp__github__get_issue", "mcp__github__delete_repo", "Bash(ls:*)"],
        ask=["mcp__github__create_*"],
        deny=["mcp__github__delete_*"],
    )
    assert made.server == "github"
    assert effects(made, "get_issue", "create_issue", "delete_repo", "delete_x", "other") == [
        "allow", "approve", "deny", "deny", "approve",
    ]  # fmt: skip
    assert any("1 rules are about Claude Code's own tools" in note.text for note in made.notes)


def test_a_whole_server_is_named_in_two_ways() -> None:
    for rule in ("mcp__github", "mcp__github__*"):
        (made,) = claude(allow=[rule], deny=["mcp__github__delete_repo"])
        assert effects(made, "get_issue", "delete_repo") == ["allow", "deny"]


def test_what_claude_code_passes_over_is_passed_over_and_said() -> None:
    (made,) = claude(
        allow=["mcp__*", "mcp__github__get_issue(x)", "mcp__github__list_issues"], deny=["mcp__*__delete_*"]
    )
    assert effects(made, "list_issues", "get_issue", "delete_repo") == ["allow", "approve", "deny"]
    assert {note.where for note in made.notes} >= {
        "permissions/allow/mcp__*",
        "permissions/allow/mcp__github__get_issue(x)",
    }


def test_globs_are_spelled_out_for_a_server_that_is_known() -> None:
    (made,) = claude(known=True, allow=["mcp__github__*_issue*"])
    assert set(made.document["tools"]) == set(TOOLS)
    assert effects(made, *TOOLS, "new") == ["allow", "allow", "allow", "approve", "deny"]
    (blind,) = claude(allow=["mcp__github__get_*"])
    assert effects(blind, "get_x", "delete_repo") == ["allow", "deny"]
    assert any("refused here, and Claude Code asks" in note.text for note in blind.notes)


def test_each_server_gets_a_policy_of_its_own() -> None:
    made = claude(allow=["mcp__github__get_issue", "mcp__files"], deny=["mcp__*"])
    assert [each.server for each in made] == ["github", "files"]
    assert [effects(each, "get_issue") for each in made] == [["deny"], ["deny"]]


patterns = st.lists(st.sampled_from(["get_a", "get_b", "put_a", "get_*", "*_a", "*"]), max_size=3)


@given(patterns, patterns, patterns, st.sampled_from(["get_a", "get_b", "put_a", "put_b"]), st.booleans())
def test_no_call_goes_through_that_the_lists_would_stop(
    deny: list[str], ask: list[str], allow: list[str], tool: str, known: bool
) -> None:
    lists = {"deny": deny, "ask": ask, "allow": allow}
    if not any(lists.values()):
        return
    settings = {"permissions": {word: [f"mcp__s__{glob}" for glob in globs] for word, globs in lists.items()}}
    tools = {"s": {name: {"name": name} for name in ("get_a", "get_b", "put_a", "put_b")}} if known else {}
    (made,) = convert_claude_code(settings, tools)

    def listed(globs: list[str]) -> bool:
        import fnmatch

        return any(fnmatch.fnmatchcase(tool, glob) for glob in globs)

    there = next((word for word in ("deny", "ask", "allow") if listed(lists[word])), "ask")
    (here,) = effects(made, tool)
    strictness = ["allow", "approve", "deny"]
    assert strictness.index(here) >= strictness.index({"ask": "approve"}.get(there, there))
    if known or there != "ask" or listed(lists["ask"]):
        assert here == {"ask": "approve"}.get(there, there)


def codex(known: bool = False, **table: Any) -> Converted:
    (made,) = convert_codex({"mcp_servers": {"github": table}}, {"github": TOOLS} if known else {})
    return made


def test_codex_lists_say_which_tools_there_are() -> None:
    made = codex(
        enabled_tools=["get_issue", "create_issue"],
        disabled_tools=["create_issue"],
        default_tools_approval_mode="approve",
    )
    assert effects(made, "get_issue", "create_issue", "other") == ["allow", "hidden", "hidden"]
    made = codex(disabled_tools=["delete_repo"], default_tools_approval_mode="approve")
    assert effects(made, "delete_repo", "other") == ["hidden", "allow"]


def test_codex_modes_say_who_is_asked() -> None:
    made = codex(default_tools_approval_mode="prompt", tools={"get_issue": {"approval_mode": "approve"}})
    assert effects(made, "get_issue", "create_issue") == ["allow", "approve"]
    made = codex(known=True, tools={"delete_repo": {"approval_mode": "approve"}})
    assert effects(made, *TOOLS, "new") == ["allow", "allow", "approve", "allow", "deny"]
    blind = codex()
    assert effects(blind, "get_issue") == ["approve"]
    assert any("not known here" in note.text for note in blind.notes)


@pytest.mark.parametrize(
    "table",
    [
        {"enabled_tools": "x"},
        {"default_tools_approval_mode": "never"},
        {"tools": {"a": 1}},
        {"tools": {"a": {"approval_mode": 1}}},
    ],
)
def test_what_codex_would_not_take_is_not_taken(table: dict[str, Any]) -> None:
    with pytest.raises(CannotConvert, match=r"mcp_servers\.github"):
        codex(**table)


def test_a_file_without_servers_is_said() -> None:
    with pytest.raises(CannotConvert, match="there is none"):
        convert_codex({}, {})
    with pytest.raises(CannotConvert, match="no rule names an MCP server"):
        claude(allow=["Bash"])

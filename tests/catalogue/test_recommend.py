"""What is recommended compiles, and the engine does with it what the catalogue says."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatepost.catalogue.listed import ListedTool, read_tools
from gatepost.catalogue.recommend import (
    MOST_ENTRIES,
    PROFILES,
    Profile,
    blocking,
    entry,
    recommend,
    tool_policy,
    way_of,
)
from gatepost.catalogue.suggest import suggestions
from gatepost.cli.policy_recommend import PROFILE_NAMES
from gatepost.policy import compile_policy
from tests.catalogue.labelled import servers

# What the engine must answer for each way of a profile: effect, and how many a minute where that is bounded.
_ANSWERS = {
    "free": ("allow", None),
    "writes": ("allow", 30),
    "executes": ("allow", 10),
    "hide": ("deny", None),
    "deny": ("deny", None),
    "ask": ("approve", None),
}


def _listed(name: str) -> tuple[ListedTool, ...]:
    return read_tools(
        [{"name": tool.name, "description": tool.description, "inputSchema": tool.schema} for tool in servers()[name]]
    )


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
def test_a_servers_policy_does_with_each_tool_what_the_profile_says(profile: Profile) -> None:
    chosen = list(servers()) if profile.name == "standard" else ["github", "stripe", "redis", "playwright"]
    for name in chosen:
        tools = _listed(name)
        policy = compile_policy(recommend(tools, about=name, profile=profile).document)
        other = policy.decide(tool="another_tool")
        assert other.rule == "(default deny)"
        assert other.effect == ("allow" if profile.shadow else "deny")
        for tool in tools:
            decision = policy.decide(tool=tool.name, arguments={})
            way = way_of(profile, tool)
            effect, most = _ANSWERS[way]
            if profile.shadow:
                assert decision.effect == "allow"
                assert policy.hides(tool.name) is False
                continue
            assert decision.effect == effect, tool.name
            assert policy.hides(tool.name) == (way == "hide")
            assert [int(use.max) for use in decision.limits] == ([] if most is None else [most])


def test_with_argument_rules_every_servers_policy_still_compiles() -> None:
    for name in servers():
        compile_policy(recommend(_listed(name), arguments=True).document)


def test_a_tools_own_policy_is_the_published_one() -> None:
    (scrobble,) = read_tools([{"name": "trakt_start_scrobbling", "description": "Enable real-time scrobbling"}])
    assert tool_policy(scrobble) == {
        "version": "1",
        "default": "deny",
        "tools": {
            "trakt_start_scrobbling": {
                "limits": [{"counter": "trakt_start_scrobbling_rate", "window": "minute", "max": 10, "scope": "grant"}]
            }
        },
    }
    (progress,) = read_tools([{"name": "fetch_playback_progress"}])
    assert tool_policy(progress)["tools"] == {"fetch_playback_progress": {}}
    assert (
        compile_policy({"version": "1", "default": "allow", "tools": blocking(progress)})
        .decide(tool="fetch_playback_progress")
        .effect
        == "deny"
    )


def _tool(name: str, description: str, **properties: Any) -> ListedTool:
    required = [key for key, value in properties.items() if not value.pop("optional", False)]
    schema = {"type": "object", "properties": properties, "required": required}
    return read_tools([{"name": name, "description": description, "inputSchema": schema}])[0]


def _effect(tool: ListedTool, arguments: dict[str, Any]) -> str:
    document = recommend([tool], arguments=True).document
    return compile_policy(document).decide(tool=tool.name, arguments=arguments).effect


def test_a_path_is_kept_within_a_folder() -> None:
    tool = _tool("read_file", "Reads a file", path={"type": "string"})
    assert _effect(tool, {"path": "/srv/agent/notes.txt"}) == "allow"
    assert _effect(tool, {"path": "/srv/agent/../../etc/passwd"}) == "deny"
    assert _effect(tool, {"path": "notes.txt"}) == "deny"


def test_every_path_of_a_list_is_kept_within_a_folder_and_an_absent_one_is_no_matter() -> None:
    tool = _tool("read_files", "Reads files", paths={"type": "array", "items": {"type": "string"}, "optional": True})
    assert _effect(tool, {"paths": ["/srv/agent/a", "/srv/agent/b"]}) == "allow"
    assert _effect(tool, {"paths": ["/srv/agent/a", "/etc/passwd"]}) == "deny"
    assert _effect(tool, {}) == "allow"


def test_a_path_inside_a_repository_stays_relative() -> None:
    tool = _tool("get_contents", "Gets contents", repo={"type": "string"}, path={"type": "string"})
    assert _effect(tool, {"repo": "a", "path": "src/main.py"}) == "allow"
    assert _effect(tool, {"repo": "a", "path": "../other/secret"}) == "deny"
    assert _effect(tool, {"repo": "a", "path": "/etc/passwd"}) == "deny"


def test_a_url_leads_to_an_allowed_host() -> None:
    tool = _tool("fetch", "Fetches a URL", url={"type": "string"})
    assert _effect(tool, {"url": "https://api.example.com/x"}) == "allow"
    assert _effect(tool, {"url": "http://169.254.169.254/latest"}) == "deny"


def test_an_amount_counts_against_what_a_day_may_move() -> None:
    tool = _tool("create_refund", "Refunds a payment", amount={"type": "number"})
    (limit,) = recommend([tool], profile=PROFILES["no-deletes"], arguments=True).document["tools"]["create_refund"][
        "limits"
    ][1:]
    assert (limit["amount"], limit["window"]) == ("args.amount", "day")


def test_code_that_is_run_is_read_by_a_person_first() -> None:
    tool = _tool("run_command", "Runs a command", command={"type": "string"})
    assert _effect(tool, {"command": "ls"}) == "approve"


def test_an_id_is_an_id() -> None:
    tool = _tool("update_item", "Updates an item", item_id={"type": "string"})
    assert _effect(tool, {"item_id": "a-1_B"}) == "allow"
    assert _effect(tool, {"item_id": "1/../../admin"}) == "deny"


def test_mail_goes_to_allowed_domains() -> None:
    tool = _tool("send_email", "Sends an email", to={"type": "array", "items": {"type": "string"}})
    assert _effect(tool, {"to": ["a@example.com"]}) == "allow"
    assert _effect(tool, {"to": ["a@example.com", "b@elsewhere.test"]}) == "deny"


def test_every_suggestion_says_why() -> None:
    for name in servers():
        for tool in _listed(name):
            for one in suggestions(tool):
                assert one.reason.endswith(".")


def test_a_persons_word_for_a_tool_wins() -> None:
    (tool,) = read_tools([{"name": "get_it", "description": "Gets it"}], {"get_it": "destructive"})
    assert tool.category == "destructive"
    assert tool.classification.severity == "critical"
    assert entry(tool) == {"action": "hide"}


def test_more_tools_than_a_policy_has_room_for_are_denied_and_said() -> None:
    tools = read_tools([{"name": f"set_{number}"} for number in range(MOST_ENTRIES + 5)])
    made = recommend(tools)
    assert len(made.document["tools"]) == MOST_ENTRIES
    assert "5 after those are denied" in made.notes[0]
    assert compile_policy(made.document).decide(tool=f"set_{MOST_ENTRIES + 1}").effect == "deny"


def test_the_command_offers_the_profiles_that_there_are() -> None:
    assert tuple(PROFILES) == PROFILE_NAMES


_NAMES = st.text("abcXYZ09_./-", min_size=1, max_size=128)
_KINDS = st.sampled_from(["string", "number", "integer", "array", "boolean", "object"])
_PARAMETERS = st.sampled_from(
    [
        "path",
        "file-path",
        "url",
        "callback URL",
        "amount",
        "id",
        "user.id",
        "sql",
        'odd"name',
        "token",
        "to",
        "ä",
        "0",
        "",
    ]
)


@settings(max_examples=40)
@given(st.lists(st.tuples(_NAMES, st.dictionaries(_PARAMETERS, _KINDS, max_size=5)), max_size=6))
def test_whatever_is_listed_gets_a_policy_that_compiles(tools: list[tuple[str, dict[str, str]]]) -> None:
    listed = read_tools(
        {"name": name, "inputSchema": {"properties": {key: {"type": kind} for key, kind in parameters.items()}}}
        for name, parameters in tools
    )
    for profile in (PROFILES["standard"], PROFILES["observe"]):
        compile_policy(recommend(listed, profile=profile, arguments=True).document)


def test_the_path_of_a_repository_itself_is_kept_within_a_folder() -> None:
    tool = _tool("status", "Shows the status", repo_path={"type": "string"})
    assert _effect(tool, {"repo_path": "/srv/agent/project"}) == "allow"
    assert _effect(tool, {"repo_path": "/home/someone/.ssh"}) == "deny"

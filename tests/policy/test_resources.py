"""POLICY.md section 1, `resources` and `prompts`."""

from __future__ import annotations

from typing import Any

import pytest

from .support import policy

SECTION: dict[str, Any] = {"default": "deny", "allow": ["plex://library/*", "plex://users"], "deny": ["*secret*"]}


def rule_for(uri: str, default: str = "deny", **section: Any) -> str:
    decision = policy(default, resources=section or SECTION).decide_resource(uri)
    assert (decision.effect == "deny") == bool(decision.rule)
    return decision.rule


def test_what_a_glob_allows_may_be_read_and_the_rest_has_the_default() -> None:
    assert rule_for("plex://library/1/all") == ""
    assert rule_for("plex://users") == ""
    assert rule_for("plex://users/1") == "/resources/default"
    assert rule_for("plex://users", allow=[], default="allow") == ""


def test_deny_wins_and_is_named_by_its_glob() -> None:
    assert rule_for("plex://library/secret") == "/resources/deny/*secret*"
    assert rule_for("plex://a/b", "allow", deny=["plex://a/*"]) == "/resources/deny/plex:~1~1a~1*"
    assert rule_for("plex://a", "allow", allow=["*"], deny=["plex://a", "*"]) == "/resources/deny/plex:~1~1a"


@pytest.mark.parametrize("default", ["allow", "deny"])
def test_the_documents_default_holds_where_the_section_or_its_default_is_absent(default: str) -> None:
    for made in (policy(default), policy(default, resources={}, prompts={"allow": ["x"]})):
        assert made.decide_resource("a:b").effect == default
        assert made.decide_prompt("p").effect == default
    assert policy("allow", resources={"default": "deny"}).decide_resource("a:b").effect == "deny"
    assert policy("deny", prompts={"default": "allow"}).decide_prompt("p").effect == "allow"


@pytest.mark.parametrize(
    "uri",
    [
        "plex://library/../users",
        "plex://library/./1",
        "plex://library/..",
        "plex://library/.",
        "plex:..",
        "..",
        "../x",
        "plex://library/..?x",
        "plex://library/..#x",
        "plex://library/..;x/y",
        "plex://library/a\\b",
        "plex://library/\n",
        "plex://library/\x00",
        "plex://library/\x7f",
        "plex://library/\x85",
        "plex://library/%2e%2e/x",
        "plex://library/%2E",
        "plex://library/%2f",
        "plex://library/%2F",
        "plex://library/%5c",
        "plex://library/%5C",
        "PLEX://library/1",
        "Plex://library/1",
        "plEx:library",
        "plex://library/\ud800",
    ],
)
def test_a_uri_that_servers_may_read_differently_is_invalid(uri: str) -> None:
    for made in (policy("allow"), policy(resources={"allow": ["*"]})):
        decision = made.decide_resource(uri)
        assert (decision.effect, decision.rule) == ("deny", "(invalid uri)")
        assert not made.lists_resource(uri)


@pytest.mark.parametrize(
    "uri",
    [
        "plex://library/1",
        "plex://library/...",
        "plex://library/..a",
        "plex://library/a..",
        "plex://library/%20",
        "Nocolon",
        "a:B",
    ],
)
def test_other_uris_are_judged_by_the_globs(uri: str) -> None:
    assert policy("allow").decide_resource(uri).effect == "allow"


def test_what_is_denied_is_not_listed() -> None:
    made = policy(resources=SECTION, prompts={"default": "allow", "deny": ["admin*"]})
    assert made.lists_resource("plex://library/1")
    assert not made.lists_resource("plex://library/secret")
    assert not made.lists_resource("trakt://x")
    assert made.lists_prompt("hello")
    assert not made.lists_prompt("admin_reset")


def test_a_prompt_is_judged_by_its_name_and_any_text_is_a_name() -> None:
    made = policy(prompts={"allow": ["discover_*"], "deny": ["discover_secret"]})
    assert made.decide_prompt("discover_trending").effect == "allow"
    assert made.decide_prompt("discover_secret").rule == "/prompts/deny/discover_secret"
    assert made.decide_prompt("other").rule == "/prompts/default"
    assert policy("allow").decide_prompt("a/../b\n").effect == "allow"


def test_limits_of_a_section_are_listed_with_what_is_allowed() -> None:
    limit = {"counter": "reads", "window": "minute", "max": 5}
    made = policy(
        resources={"allow": ["a:*"], "limits": [limit, {**limit, "mode": "shadow"}]}, prompts={"limits": [limit]}
    )
    uses = made.decide_resource("a:b").limits
    assert [(use.counter, use.amount, use.rule, use.enforced) for use in uses] == [
        ("reads", 1, "/resources/limits/reads-per-minute", True),
        ("reads", 1, "/resources/limits/reads-per-minute#2", False),
    ]
    assert made.decide_resource("b:c").limits == ()


def test_the_limits_of_all_tools_are_for_tools() -> None:
    limit = {"counter": "calls", "window": "minute", "max": 5}
    assert policy("allow", all_tools={"limits": [limit]}).decide_resource("a:b").limits == ()


@pytest.mark.parametrize(
    ("template", "listed"),
    [
        ("plex://library/{id}", True),
        ("plex://library/{id}/children", True),
        ("plex://{kind}/{id}", True),
        ("plex://{+path}", True),
        ("{scheme}://library/1", True),
        ("plex://users", True),
        ("plex://users/{id}", False),
        ("trakt://{id}", False),
        ("plex://library/secret/{id}", False),
        ("plex://library/{id", False),
        ("plex://library/id}", False),
        ("plex://library/../{id}", False),
        ("PLEX://library/{id}", False),
        ("plex://library/*{id}", False),
    ],
)
def test_a_template_is_listed_where_something_it_expands_to_may_be_read(template: str, listed: bool) -> None:
    assert policy(resources=SECTION).lists_template(template) is listed


def test_under_default_allow_a_template_is_listed_unless_all_of_it_is_denied() -> None:
    made = policy("allow", resources={"deny": ["a:*", "b:*/x", "c:d"]})
    assert not made.lists_template("a:{x}")
    assert made.lists_template("b:{x}")
    assert not made.lists_template("b:{x}/x")
    assert made.lists_template("c:{x}")
    assert not made.lists_template("c:d")


def test_a_very_long_uri_is_judged_in_linear_time() -> None:
    made = policy(resources={"allow": ["a:" + "*x" * 20], "deny": ["*y*z*"]})
    assert made.decide_resource("a:" + "x" * 2_000_000).effect == "allow"

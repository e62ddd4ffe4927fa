"""POLICY.md section 7: the published policies load unchanged and mean what they say."""

from __future__ import annotations

from decimal import Decimal

import pytest

from gatepost.policy import compile_policy


def rate_limited(tool: str, most: int) -> str:
    return f"""{{
  "version": "1",
  "default": "deny",
  "tools": {{
    "{tool}": {{
      "limits": [
        {{
          "counter": "{tool}_rate",
          "window": "minute",
          "max": {most},
          "scope": "grant"
        }}
      ]
    }}
  }}
}}"""


@pytest.mark.parametrize(
    ("tool", "most"), [("trakt_start_scrobbling", 10), ("trakt_authenticate", 10), ("export_library", 30)]
)
def test_a_rate_limited_tool_uses_one_of_its_counter_and_everything_else_is_denied(tool: str, most: int) -> None:
    policy = compile_policy(rate_limited(tool, most))
    decision = policy.decide(tool=tool, arguments={}, category="execute")
    assert (decision.effect, decision.rule, decision.enforced) == ("allow", "", True)
    (use,) = decision.limits
    assert (use.counter, use.window, use.scope, use.max, use.amount) == (f"{tool}_rate", "minute", "grant", most, 1)
    assert isinstance(use.max, Decimal)
    assert use.rule == f"/tools/{tool}/limits/{tool}_rate-per-minute"
    assert policy.decide(tool="plex_delete", arguments={}).rule == "(default deny)"
    assert policy.decide_resource("plex://library/1").rule == "/resources/default"
    assert policy.decide_prompt("anything").rule == "/prompts/default"
    assert not policy.hides("plex_delete", None)


@pytest.mark.parametrize("tool", ["fetch_playback_progress", "authenticate_plex"])
def test_a_tool_listed_with_nothing_is_allowed_without_limit(tool: str) -> None:
    policy = compile_policy(f'{{"version":"1","default":"deny","tools":{{"{tool}":{{}}}}}}')
    decision = policy.decide(tool=tool, arguments={"any": "thing"}, category="read")
    assert (decision.effect, decision.rule, decision.limits) == ("allow", "", ())
    assert policy.decide(tool="other", arguments={}).rule == "(default deny)"


def test_the_short_form_of_the_published_questions_and_answers_is_one_limit_per_grant() -> None:
    policy = compile_policy('{"version":"1","default":"deny","tools":{"x":{"rate_limit":{"max":10,"window":60}}}}')
    (use,) = policy.decide(tool="x", arguments={}).limits
    assert (use.counter, use.window, use.max, use.scope, use.algorithm) == ("x_rate", "minute", 10, "grant", "fixed")
    assert use.rule == "/tools/x/limits/x_rate-per-minute"


def test_a_published_document_with_action_and_reason_denies_with_that_text() -> None:
    policy = compile_policy(
        '{"version":"1","default":"allow","tools":{"x":{"action":"deny","reason":"Not for agents."}},"hide":["y"]}'
    )
    decision = policy.decide(tool="x", arguments={})
    assert (decision.effect, decision.rule, decision.message) == ("deny", "/tools/x/action", "Not for agents.")
    assert policy.decide(tool="y", arguments={}).rule == "(hidden)"
    assert policy.decide(tool="z", arguments={}).effect == "allow"

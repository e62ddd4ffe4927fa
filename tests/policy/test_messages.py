"""POLICY.md section 6: what the agent is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from gatepost.policy import Use, limit_message

from .support import call, condition, policy, rule

LIMIT: dict[str, Any] = {"counter": "c", "window": "day", "max": 10}


def test_the_authors_texts_are_used_as_they_are() -> None:
    assert call({"action": "deny", "reason": "No."}).message == "No."
    assert call({"action": "require_approval", "reason": "Ask."}).message == "Ask."
    assert call({"require": [rule(condition("args.a", "exists", True), on_deny="Say a.")]}).message == "Say a."
    assert call({"deny_if": [rule(on_deny="Never.")]}).message == "Never."
    assert call({"approve_if": [rule(on_deny="Wait.")]}).message == "Wait."


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"action": "deny"}, "t is denied by the policy."),
        ({"action": "deny", "reason": ""}, "t is denied by the policy."),
        ({"deny_if": [rule()]}, "t is denied by the rule always."),
        ({"require": [rule(condition("args.a", "eq", 1))]}, "t is denied by the rule args.a-eq."),
        ({"deny_if": [rule(name="no-way")]}, "t is denied by the rule no-way."),
        ({"action": "require_approval"}, "A person must approve t."),
        ({"approve_if": [rule()]}, "A person must approve t."),
    ],
)
def test_without_one_the_text_says_what_was_denied(entry: dict[str, Any], message: str) -> None:
    assert call(entry).message == message


def test_a_tool_that_no_entry_allows_is_said_to_be_not_allowed() -> None:
    assert policy().decide(tool="t", arguments={}).message == "t is not allowed by the policy."


def use(window: str | int = "minute", most: str = "10", on_deny: str | None = None) -> Use:
    return Use("c", window, "grant", Decimal(most), Decimal(1), "fixed", "/tools/t/limits/c", on_deny, True)


FREES_AT = datetime(2026, 11, 21, 5, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        ("minute", "Limit of 10 per minute reached for trakt_start_scrobbling; it frees at 05:31:00Z."),
        ("hour", "Limit of 10 per hour reached for trakt_start_scrobbling; it frees at 05:31:00Z."),
        ("day", "Limit of 10 per day reached for trakt_start_scrobbling; it frees at 2026-11-21T05:31:00Z."),
        (90, "Limit of 10 in 90 seconds reached for trakt_start_scrobbling; it frees at 05:31:00Z."),
        (7200, "Limit of 10 in 7200 seconds reached for trakt_start_scrobbling; it frees at 2026-11-21T05:31:00Z."),
    ],
)
def test_an_exhausted_limit_says_when_it_frees(window: str | int, expected: str) -> None:
    assert limit_message(use(window), FREES_AT, "trakt_start_scrobbling") == expected


def test_the_time_is_in_utc_and_never_too_early() -> None:
    elsewhere = FREES_AT.astimezone(timezone(timedelta(hours=2)))
    assert limit_message(use(), elsewhere, "t").endswith("it frees at 05:31:00Z.")
    assert limit_message(use(), FREES_AT.replace(microsecond=1), "t").endswith("it frees at 05:31:01Z.")
    assert limit_message(use(), FREES_AT.replace(tzinfo=None), "t").endswith("it frees at 05:31:00Z.")


def test_a_limit_that_never_frees_for_this_call_says_no_time() -> None:
    assert limit_message(use(most="2.50"), None, "t") == "Limit of 2.5 per minute reached for t."
    assert limit_message(use(most="1E+9"), None, "t") == "Limit of 1000000000 per minute reached for t."


def test_the_authors_text_for_a_limit_is_used_as_it_is() -> None:
    assert limit_message(use(on_deny="Enough for today."), FREES_AT, "t") == "Enough for today."


def test_a_hidden_tool_is_unknown_by_its_name_and_nothing_else() -> None:
    assert policy(hide=["t"]).decide(tool="t", arguments={}).message == "Unknown tool: t"


def test_a_very_long_name_does_not_make_a_very_long_message() -> None:
    assert len(policy().decide(tool="t" * 100_000, arguments={}).message) < 200
    assert len(policy().decide_resource("a:" + "x" * 1_000_000).message) < 200
    schema = {"name": "t", "inputSchema": {"type": "object"}}
    assert len(call({}, {"x" * 1_000_000: 1}, definition=schema).message) < 200


def test_a_message_holds_no_control_characters_from_argument_names() -> None:
    schema = {"name": "t", "inputSchema": {"type": "object"}}
    message = call({}, {"a\x1b[2J\n\u202e": 1}, definition=schema).message
    assert message.isascii()
    assert message.isprintable()


def test_a_message_holds_no_control_characters_from_names() -> None:
    made = policy()
    for name in ("a\x1b[2J", "a\nb", "\ud800", "\u202eevil"):
        assert made.decide_prompt(name).message.isprintable()
        assert made.decide_resource(name).message.isprintable()
        assert made.decide(tool=name, arguments={}).message.isprintable()

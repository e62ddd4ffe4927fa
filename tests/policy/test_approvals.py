"""POLICY.md section 1, `approval`: its settings, their defaults, and whose settings count."""

from __future__ import annotations

from typing import Any

import pytest

from gatepost.policy import Approval

from .support import call, condition, errors_in, policy, rule

ASK: dict[str, Any] = {"action": "require_approval"}


def test_the_defaults_are_thirty_minutes_and_the_approver_role() -> None:
    assert call(ASK).approval == Approval(1800, ("role:approver",), "A person must approve t.")
    assert call({**ASK, "approval": {}}).approval == Approval(1800, ("role:approver",), "A person must approve t.")


@pytest.mark.parametrize(
    ("text", "seconds"), [("30m", 1800), ("90s", 90), ("2h", 7200), ("1d", 86400), ("31d", 2678400)]
)
def test_the_timeout_is_in_seconds(text: str, seconds: int) -> None:
    approval = call({**ASK, "approval": {"timeout": text}}).approval
    assert approval is not None
    assert approval.timeout == seconds


@pytest.mark.parametrize("timeout", ["", "30", "30 m", "0m", "-5m", "1.5h", "1w", "32d", "٣m", 30, None, "9999999999s"])
def test_anything_else_is_no_timeout(timeout: Any) -> None:
    assert "/tools/t/approval/timeout" in errors_in(tools={"t": {"approval": {"timeout": timeout}}})


@pytest.mark.parametrize("approvers", [[], "role:a", [""], [5], None])
def test_approvers_are_a_list_of_texts_and_never_nobody(approvers: Any) -> None:
    errors = errors_in(tools={"t": {"approval": {"approvers": approvers}}})
    assert any(pointer.startswith("/tools/t/approval/approvers") for pointer in errors)


def test_the_entrys_settings_come_before_those_of_all_tools_one_by_one() -> None:
    made = policy(
        tools={"t": {**ASK, "approval": {"timeout": "5m"}}},
        all_tools={"approval": {"timeout": "1h", "approvers": ["role:lead"], "message": "Look twice."}},
    )
    decision = made.decide(tool="t", arguments={})
    assert decision.approval == Approval(300, ("role:lead",), "Look twice.")
    assert decision.message == "Look twice."


def test_the_settings_of_the_entry_that_asks_come_first() -> None:
    tools = {
        "t*": {"approval": {"timeout": "1m", "approvers": ["role:first"]}},
        "@financial": {**ASK, "approval": {"approvers": ["role:finance"]}},
    }
    approval = policy(tools=tools).decide(tool="t", arguments={}, category="financial").approval
    assert approval is not None
    assert (approval.approvers, approval.timeout) == (("role:finance",), 60)


def test_a_rule_of_all_tools_asks_with_the_settings_of_the_tools_entry() -> None:
    made = policy(
        tools={"t": {"approval": {"approvers": ["role:owner"]}}},
        all_tools={"approve_if": [rule()], "approval": {"approvers": ["role:anyone"], "timeout": "2m"}},
    )
    approval = made.decide(tool="t", arguments={}).approval
    assert approval is not None
    assert (approval.approvers, approval.timeout) == (("role:owner",), 120)


def test_any_rule_of_approve_if_that_holds_asks() -> None:
    entry = {"approve_if": [rule(condition("args.n", "gt", 5)), rule(condition("args.m", "gt", 5))]}
    assert call(entry, {"n": 1, "m": 1}).effect == "allow"
    assert call(entry, {"n": 1, "m": 6}).rule == "/tools/t/approve_if/args.m-gt"
    assert call(entry, {"n": "x", "m": 1}).rule == "/tools/t/approve_if/args.n-gt"


def test_only_an_approval_carries_an_approval() -> None:
    assert call({}).approval is None
    assert call({**ASK, "deny_if": [rule()]}).approval is None
    assert call({**ASK, "mode": "shadow"}).approval is None

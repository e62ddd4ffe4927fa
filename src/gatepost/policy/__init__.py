"""Policies: a document becomes a compiled policy, a call becomes a decision. Pure: no I/O, no clock.

    policy = compile_policy(document)
    decision = policy.decide(tool="create_refund", arguments={"amount": 12})

The language is described in docs/policy.md.
"""

from __future__ import annotations

from gatepost.policy.absent import WITHOUT_POLICY, explain_without_policy
from gatepost.policy.decision import Approval, Decision, Effect, Use
from gatepost.policy.definition import CompiledDefinition, compile_definition
from gatepost.policy.engine import Policy, compile_policy
from gatepost.policy.errors import PolicyError
from gatepost.policy.linting import LintWarning, lint
from gatepost.policy.messages import limit_message

__all__ = [
    "Approval",
    "CompiledDefinition",
    "Decision",
    "Effect",
    "WITHOUT_POLICY",
    "LintWarning",
    "Policy",
    "PolicyError",
    "Use",
    "compile_definition",
    "compile_policy",
    "explain_without_policy",
    "limit_message",
    "lint",
]

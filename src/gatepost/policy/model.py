"""A policy document that has been checked: what the compiler works on."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from gatepost.policy.operands import Judge
from gatepost.policy.paths import Step

ACTIONS = ("allow", "require_approval", "deny", "hide")
"""What an entry does, from the mildest to the strictest."""

CATEGORIES = ("read", "write", "execute", "destructive", "financial")
"""The categories a tool can have; an entry names one with a leading `@`."""

LISTS = ("require", "deny_if", "approve_if")
"""The lists of rules."""


@dataclass(frozen=True, slots=True)
class Condition:
    pointer: str
    path: str
    steps: tuple[Step, ...]
    op: str
    operand: Any
    judge: Judge


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule; `leaf` is the last part of its name in the log, not yet escaped. `when` is None where there is none."""

    pointer: str
    leaf: str
    conditions: tuple[Condition, ...]
    when: tuple[Condition, ...] | None
    on_deny: str | None
    mode: str | None


@dataclass(frozen=True, slots=True)
class Amount:
    path: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit; `window` is a calendar name, or seconds that are none of the named spans."""

    pointer: str
    leaf: str
    counter: str
    window: str | int
    max: Decimal
    scope: str
    amount: Amount | None
    algorithm: str
    on_deny: str | None
    mode: str | None


@dataclass(frozen=True, slots=True)
class ApprovalSettings:
    """What an `approval` object sets; None for what it leaves to others. `timeout` in seconds."""

    timeout: int | None = None
    approvers: tuple[str, ...] | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class RuleSet:
    """What an entry and `all_tools` have in common."""

    require: tuple[Rule, ...] = ()
    deny_if: tuple[Rule, ...] = ()
    approve_if: tuple[Rule, ...] = ()
    limits: tuple[Limit, ...] = ()
    approval: ApprovalSettings = ApprovalSettings()


@dataclass(frozen=True, slots=True)
class Entry:
    key: str
    action: str
    reason: str | None
    rules: RuleSet
    validate_arguments: bool
    mode: str | None


@dataclass(frozen=True, slots=True)
class Section:
    """`resources` or `prompts`."""

    default: str | None = None
    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    limits: tuple[Limit, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    default: str
    mode: str
    hide: tuple[str, ...]
    all_tools: RuleSet
    tools: dict[str, Entry]
    resources: Section
    prompts: Section

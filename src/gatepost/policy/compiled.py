"""A checked document compiled: its entries with their rules as functions, ready to be put together for a tool."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from gatepost.policy import messages
from gatepost.policy.amounts import Meter, compile_amount
from gatepost.policy.conditions import Fires, Test, compile_condition, fires_elsewhere, fires_in_require
from gatepost.policy.decision import Use
from gatepost.policy.errors import escape
from gatepost.policy.model import ApprovalSettings, Condition, Entry, Limit, Rule, RuleSet
from gatepost.policy.paths import Defaults

ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A rule ready to run.

    Attributes:
        name: its name in the log.
        kind: the list it stands in.
        tests: the test of each condition, and of each condition of `when`, for `explain`.
    """

    name: str
    leaf: str
    kind: str
    fires: Fires
    enforced: bool
    on_deny: str | None
    conditions: tuple[tuple[Condition, Test], ...]
    when: tuple[tuple[Condition, Test], ...] | None


@dataclass(frozen=True, slots=True)
class CompiledLimit:
    """A limit ready to be listed.

    Attributes:
        use: what it takes from its counter, with the amount 1 where `meter` reads it from the call.
        path: where the amount is read, or None.
    """

    use: Use
    meter: Meter | None
    path: str | None

    def listed(self, arguments: dict[str, Any], defaults: Defaults | None) -> Use | None:
        """The use of one call, or None where the call has no amount that counts."""
        if self.meter is None:
            return self.use
        amount = self.meter(arguments, defaults)
        if amount is None:
            return None
        use = self.use  # `replace` takes several times as long
        return Use(
            use.counter,
            use.window,
            use.scope,
            use.max,
            amount,
            use.algorithm,
            use.rule,
            use.on_deny,
            use.enforced,
        )

    def no_amount(self, tool: str) -> str:
        """What is said when the call has no amount that counts."""
        return self.use.on_deny or messages.amount_invalid(tool, self.use.counter, self.path or "")


@dataclass(frozen=True, slots=True)
class CompiledRules:
    require: tuple[CompiledRule, ...]
    deny_if: tuple[CompiledRule, ...]
    approve_if: tuple[CompiledRule, ...]
    limits: tuple[CompiledLimit, ...]
    approval: ApprovalSettings


@dataclass(frozen=True, slots=True)
class CompiledEntry:
    key: str
    name: str
    action: str
    reason: str | None
    enforced: bool
    validate_arguments: bool
    rules: CompiledRules


def compile_entry(entry: Entry, document_mode: str) -> CompiledEntry:
    mode = entry.mode or document_mode
    name = f"/tools/{escape(entry.key)}"
    return CompiledEntry(
        key=entry.key,
        name=name,
        action=entry.action,
        reason=entry.reason,
        enforced=mode == "enforce",
        validate_arguments=entry.validate_arguments,
        rules=compile_rule_set(entry.rules, name, mode),
    )


def compile_rule_set(rules: RuleSet, holder: str, mode: str) -> CompiledRules:
    """Compile the lists of an entry or of `all_tools`.

    Args:
        holder: the first part of the rules' names, `/tools/KEY` or `/all_tools`.
        mode: the mode of rules and limits that have none of their own.
    """

    def compiled(kind: str, listed: tuple[Rule, ...]) -> tuple[CompiledRule, ...]:
        return tuple(_compile_rule(rule, f"{holder}/{kind}", kind, mode) for rule in listed)

    return CompiledRules(
        require=compiled("require", rules.require),
        deny_if=compiled("deny_if", rules.deny_if),
        approve_if=compiled("approve_if", rules.approve_if),
        limits=compile_limits(rules.limits, holder, mode),
        approval=rules.approval,
    )


def compile_limits(limits: tuple[Limit, ...], holder: str, mode: str) -> tuple[CompiledLimit, ...]:
    return tuple(_compile_limit(limit, holder, mode) for limit in limits)


def _compile_rule(rule: Rule, prefix: str, kind: str, mode: str) -> CompiledRule:
    in_require = kind == "require"
    conditions = _tests(rule.conditions, in_require=in_require)
    when = None if rule.when is None else _tests(rule.when, in_require=False)
    combine: Callable[..., Fires] = fires_in_require if in_require else fires_elsewhere
    return CompiledRule(
        name=f"{prefix}/{escape(rule.leaf)}",
        leaf=rule.leaf,
        kind=kind,
        fires=combine(tuple(test for _, test in conditions), None if when is None else tuple(test for _, test in when)),
        enforced=(rule.mode or mode) == "enforce",
        on_deny=rule.on_deny,
        conditions=conditions,
        when=when,
    )


def _tests(conditions: tuple[Condition, ...], *, in_require: bool) -> tuple[tuple[Condition, Test], ...]:
    return tuple((condition, compile_condition(condition, in_require=in_require)) for condition in conditions)


def _compile_limit(limit: Limit, holder: str, mode: str) -> CompiledLimit:
    use = Use(
        counter=limit.counter,
        window=limit.window,
        scope=limit.scope,
        max=limit.max,
        amount=ONE,
        algorithm=limit.algorithm,
        rule=f"{holder}/limits/{escape(limit.leaf)}",
        on_deny=limit.on_deny,
        enforced=(limit.mode or mode) == "enforce",
    )
    if limit.amount is None:
        return CompiledLimit(use, None, None)
    return CompiledLimit(use, compile_amount(limit.amount), limit.amount.path)

"""Every step of judging a call, with each condition's value: slow, complete, and the same functions as the decision."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gatepost.policy import messages
from gatepost.policy.compiled import CompiledLimit, CompiledRule
from gatepost.policy.conditions import Test
from gatepost.policy.decision import DEFAULT_DENY, HIDDEN, INVALID_ARGUMENTS, NO_POLICY
from gatepost.policy.definition import CompiledDefinition
from gatepost.policy.model import Condition
from gatepost.policy.paths import EVERY, UNKNOWN, find_all, find_one
from gatepost.policy.plan import Ask, Check, Plan

_BLOCKS = ("deny", "approve", "error")


def explain(plan: Plan, arguments: Any, definition: CompiledDefinition | None) -> list[dict[str, Any]]:
    """The steps for one call; see `Policy.explain` for their shape."""
    hidden = messages.unknown_tool(plan.tool) if plan.hidden else ""
    steps = [
        step(2, NO_POLICY, "policy", "pass"),
        step(3, HIDDEN, "hide", "deny" if plan.hidden else "pass", message=hidden),
        *_static(plan),
    ]
    steps.append(_arguments(plan, arguments, definition))
    if isinstance(arguments, dict):
        steps += [_check(plan, check, arguments, definition) for check in plan.checks]
        steps += [_limit(plan, limit, arguments, definition) for limit in plan.limits]
        steps += [_ask(plan, ask, arguments, definition) for ask in plan.asks]
    deciding = next((one for one in steps if one["result"] in _BLOCKS and one["enforced"]), None)
    if deciding is not None:
        deciding["decides"] = True
    return steps


def step(
    number: int, rule: str, kind: str, result: str, *, enforced: bool = True, message: str = "", **more: Any
) -> dict[str, Any]:
    """One step, as `Policy.explain` gives it, which does not decide yet."""
    return {
        "step": number,
        "rule": rule,
        "kind": kind,
        "result": result,
        "enforced": enforced or result == "error",
        "decides": False,
        "message": message,
        "conditions": [],
        **more,
    }


def _static(plan: Plan) -> Iterator[dict[str, Any]]:
    """Steps 5 and 6: the action of each entry that applies, then the default."""
    denied = {result.rule: result for result in plan.steps}
    if not plan.entries:
        yield step(5, "", "action", "skipped")
    actions = [(5, "action", f"{entry.name}/action", entry.enforced) for entry in plan.entries]
    for number, kind, rule, enforced in (*actions, (6, "default", DEFAULT_DENY, True)):
        result = denied.get(rule)
        if result is None:
            yield step(number, rule, kind, "pass", enforced=enforced)
        else:
            yield step(number, rule, kind, "deny", enforced=result.enforced, message=result.message)


def _arguments(plan: Plan, arguments: Any, definition: CompiledDefinition | None) -> dict[str, Any]:
    if not isinstance(arguments, dict):
        message = messages.arguments_invalid(plan.tool, messages.NOT_AN_OBJECT)
        return step(7, INVALID_ARGUMENTS, "arguments", "deny", message=message)
    if definition is None or not plan.validates:
        return step(7, INVALID_ARGUMENTS, "arguments", "skipped")
    try:
        why = definition.invalid(arguments)
    except Exception:
        message = messages.arguments_invalid(plan.tool, messages.NOT_CHECKED)
        return step(7, INVALID_ARGUMENTS, "arguments", "error", message=message)
    enforced = plan.validation_enforced
    if why is None:
        return step(7, INVALID_ARGUMENTS, "arguments", "pass", enforced=enforced)
    message = messages.arguments_invalid(plan.tool, why)
    return step(7, INVALID_ARGUMENTS, "arguments", "deny", enforced=enforced, message=message)


def _check(
    plan: Plan, check: Check, arguments: dict[str, Any], definition: CompiledDefinition | None
) -> dict[str, Any]:
    rule = check.rule
    result, conditions = _rule(rule, arguments, definition)
    message = {"deny": check.denied.message, "error": messages.rule_failed(plan.tool, rule.leaf)}.get(result, "")
    return step(8, rule.name, rule.kind, result, enforced=rule.enforced, message=message, conditions=conditions)


def _ask(plan: Plan, ask: Ask, arguments: dict[str, Any], definition: CompiledDefinition | None) -> dict[str, Any]:
    if ask.rule is None:
        return step(10, ask.name, "action", "approve", enforced=ask.enforced, message=ask.message)
    result, conditions = _rule(ask.rule, arguments, definition)
    message = {"approve": ask.message, "error": messages.rule_failed(plan.tool, ask.rule.leaf)}.get(result, "")
    return step(10, ask.name, "approve_if", result, enforced=ask.enforced, message=message, conditions=conditions)


def _limit(
    plan: Plan, limit: CompiledLimit, arguments: dict[str, Any], definition: CompiledDefinition | None
) -> dict[str, Any]:
    use = limit.use
    try:
        listed = limit.listed(arguments, definition)
    except Exception:
        message = messages.rule_failed(plan.tool, use.counter)
        return step(9, use.rule, "limit", "error", message=message)
    if listed is None:
        message = limit.no_amount(plan.tool)
        return step(9, use.rule, "limit", "deny", enforced=use.enforced, message=message)
    return step(9, use.rule, "limit", "use", enforced=use.enforced, use=listed)


def _rule(
    rule: CompiledRule, arguments: dict[str, Any], definition: CompiledDefinition | None
) -> tuple[str, list[dict[str, Any]]]:
    """The result of a rule, and each of its conditions."""
    shown = [_condition("when", condition, test, arguments, definition) for condition, test in rule.when or ()]
    guard = [condition["result"] for condition in shown]
    shown += [_condition("conditions", condition, test, arguments, definition) for condition, test in rule.conditions]
    try:
        fires = rule.fires(arguments, definition)
    except Exception:
        return "error", shown
    if fires:
        return ("approve" if rule.kind == "approve_if" else "deny"), shown
    return ("skipped" if False in guard else "pass"), shown


def _condition(
    part: str, condition: Condition, test: Test, arguments: dict[str, Any], definition: CompiledDefinition | None
) -> dict[str, Any]:
    try:
        result: Any = test(arguments, definition)
    except Exception:
        result = "error"
    if EVERY in condition.steps:
        values = find_all(arguments, condition.steps, definition)
        value: Any = [_shown(one) for one in values]
        found: Any = [_found(one) for one in values]
    else:
        one = find_one(arguments, condition.steps, definition)
        value, found = _shown(one), _found(one)
    return {
        "part": part,
        "path": condition.path,
        "op": condition.op,
        "operand": condition.operand,
        "value": value,
        "found": found,
        "result": "unknown" if result is None else result,
    }


def _shown(value: Any) -> Any:
    return None if value is UNKNOWN else value


def _found(value: Any) -> str:
    if value is UNKNOWN:
        return "unknown"
    return "missing" if value is None else "value"

"""Short ways to write policies and calls."""

from __future__ import annotations

from typing import Any

from gatepost.policy import Decision, Policy, PolicyError, compile_policy


def policy(default: str = "deny", **fields: Any) -> Policy:
    return compile_policy({"version": "1", "default": default, **fields})


def errors_of(document: Any) -> dict[str, str]:
    """The message at each pointer of a document that is refused."""
    try:
        compile_policy(document)
    except PolicyError as error:
        return dict(error.errors)
    return {}


def errors_in(default: str = "deny", **fields: Any) -> dict[str, str]:
    return errors_of({"version": "1", "default": default, **fields})


def condition(path: str, op: str, value: Any) -> dict[str, Any]:
    return {"path": path, "op": op, "value": value}


def rule(*conditions: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"conditions": list(conditions), **more}


def call(entry: dict[str, Any], arguments: dict[str, Any] | None = None, **more: Any) -> Decision:
    """The decision on a call of a tool with this entry and nothing else."""
    return policy(tools={"t": entry}).decide(tool="t", arguments={} if arguments is None else arguments, **more)


def value_in(where: str, path: str, op: str, operand: Any, arguments: dict[str, Any]) -> bool:
    """Whether a rule of one condition holds the call up: denies it, asks for it, or (as `when`) applies its rule."""
    rules = [rule(condition(path, op, operand))]
    if where == "when":
        return call({"deny_if": [rule(when=rules[0]["conditions"])]}, arguments).effect == "deny"
    return call({where: rules}, arguments).effect != "allow"


def truth(path: str, op: str, operand: Any, arguments: dict[str, Any]) -> str:
    """A condition's value, told from what it does: in `require` only true passes, in `deny_if` only false."""
    passes_require = not value_in("require", path, op, operand, arguments)
    passes_deny_if = not value_in("deny_if", path, op, operand, arguments)
    if passes_require:
        return "contradiction" if passes_deny_if else "true"
    return "false" if passes_deny_if else "unknown"

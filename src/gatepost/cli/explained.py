"""How `gatepost policy explain` shows the steps by which a call is judged."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from gatepost.cli.output import clean, decision, emit, heading, style
from gatepost.policy import WITHOUT_POLICY

if TYPE_CHECKING:
    from gatepost.policy import Decision, Use

_COLOURS = {
    "pass": "green",
    "use": "green",
    "allow": "green",
    "true": "green",
    "deny": "red",
    "error": "red",
    "false": "red",
    "approve": "yellow",
    "unknown": "yellow",
}
_BLOCKS = ("deny", "approve", "error")
_PARTS = {"when": "when ", "conditions": ""}


@dataclass(frozen=True, slots=True)
class Judged:
    """One call and what became of it.

    Attributes:
        tool: its name.
        decision: what the policy decides.
        steps: as `Policy.explain` gives them.
        known: whether the server defines the tool; a call of an unknown one is refused before any rule.
        category: the tool's category, if it has one.
        waits: whether its definition waits to be accepted, so that a call of it is refused before any rule.
        grant: "active", "expired" or "revoked"; None where a policy alone is asked.
    """

    tool: str
    decision: Decision
    steps: Sequence[Mapping[str, Any]]
    known: bool
    category: str | None
    waits: bool = False
    grant: str | None = None


def show_explanation(judged: Judged, *, as_json: bool) -> int:
    """Prints the steps and the decision; the exit code is 0 for a call that would be allowed."""
    verdict = judged.decision
    effect, rule, message, limits = verdict.effect, verdict.rule, verdict.message, verdict.limits
    steps = _all_steps(judged)
    decides = next((step for step in steps if step["decides"]), None)
    if decides is not None and decides["kind"] in ("grant", "definition"):
        effect, rule, message, limits = "deny", decides["rule"], decides["message"], ()
    if as_json:
        emit(
            {
                "tool": judged.tool,
                "category": judged.category,
                "decision": effect,
                "rule": rule,
                "message": message,
                "enforced": verdict.enforced,
                "shadowed": [list(pair) for pair in verdict.shadowed],
                "limits": [_use(use) for use in limits],
                "steps": [_plain(step) for step in steps],
            }
        )
        return 0 if effect == "allow" else 1
    click.echo(f"{style(judged.tool, bold=True)}{f'  @{judged.category}' if judged.category else ''}")
    for step in steps:
        _show_step(step)
    heading("Decision")
    click.echo(f"  {decision(effect)}  {clean(rule) or 'no rule stands against it'}")
    if message:
        click.echo(f"  {clean(message)}")
    if rule == WITHOUT_POLICY.rule:
        click.echo("  gatepost grant attach LABEL POLICY gives it one.")
    if effect == "approve":
        click.echo(
            "  Nobody can be set up to approve calls yet: such a call is refused, and takes nothing from a limit."
        )
    for use in limits:
        counted = "" if use.enforced else "  (shadow: counted, never blocks)"
        click.echo(f"  would use {use.amount} of {use.max} per {use.window} of {use.scope} “{use.counter}”{counted}")
    return 0 if effect == "allow" else 1


def _all_steps(judged: Judged) -> list[Mapping[str, Any]]:
    """The policy's steps, and where a grant is asked those before them that are not the policy's: 1 and 4."""
    if judged.grant is None:
        return list(judged.steps)
    stands, rule, message = judged.known, "(unknown tool)", f"Unknown tool: {judged.tool}"
    if judged.waits:
        stands, rule = False, "(definition changed)"
        message = f"The definition of {judged.tool} has changed; see it with gatepost server accept --dry-run."
    active = judged.grant == "active"
    refused = "" if active else f"The grant is {judged.grant}: whatever is asked with it is answered with HTTP 401."
    steps = [_step(1, "(grant)", "grant", active, refused)]
    steps += [dict(step) for step in judged.steps if step["step"] <= 3]
    steps += [_step(4, rule, "definition", stands, "" if stands else message)]
    steps += [dict(step) for step in judged.steps if step["step"] > 3]
    deciding = next((step for step in steps if step["enforced"] and step["result"] in _BLOCKS), None)
    for step in steps:
        step["decides"] = step is deciding
    return [*steps]


def _step(number: int, rule: str, kind: str, passes: bool, message: str) -> dict[str, Any]:
    return {
        "step": number,
        "rule": rule,
        "kind": kind,
        "result": "pass" if passes else "deny",
        "enforced": True,
        "decides": False,
        "message": message,
        "conditions": [],
    }


def _use(use: Use) -> dict[str, Any]:
    return {
        "counter": use.counter,
        "window": use.window,
        "scope": use.scope,
        "max": str(use.max),
        "amount": str(use.amount),
        "rule": use.rule,
        "enforced": use.enforced,
    }


def _plain(step: Mapping[str, Any]) -> dict[str, Any]:
    return {**step, "use": _use(step["use"])} if "use" in step else dict(step)


def _show_step(step: Mapping[str, Any]) -> None:
    result = str(step["result"])
    notes = "" if step["enforced"] else style("  shadow: recorded, does not count", dim=True)
    if step["decides"]:
        notes += style("  ◀ decides", bold=True)
    padding = " " * (8 - len(result))
    rule = clean(step["rule"]) or style("no entry of tools applies", dim=True)
    click.echo(f"  {step['step']:>2}  {style(result, fg=_COLOURS.get(result))}{padding} {rule}{notes}")
    for condition in step["conditions"]:
        value = str(condition["result"]).lower()
        click.echo(
            f"        {style(value, fg=_COLOURS.get(value))}{' ' * (8 - len(value))}{_PARTS[condition['part']]}"
            f"{clean(condition['path'])} {condition['op']} {_shown(condition['operand'])}"
            f"{style('  it is ' + _found(condition['value'], condition['found']), dim=True)}"
        )


def _found(value: Any, found: Any) -> str:
    """What stands at a condition's path: a value, nothing, or something that has no such member."""
    if isinstance(found, list):
        return "[" + ", ".join(_found(one, how) for one, how in zip(value, found, strict=True)) + "]"
    return {"missing": "missing", "unknown": "of another kind"}.get(found) or _shown(value)


def _shown(value: Any) -> str:
    return clean(json.dumps(value, ensure_ascii=False, default=str))

"""How `gatepost policy explain` shows the steps by which a call is judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from gatepost.cli.output import clean, decision, emit, heading, style

if TYPE_CHECKING:
    from gatepost.policy import Decision

_COLOURS = {
    "true": "green",
    "holds": "green",
    "pass": "green",
    "allow": "green",
    "false": "red",
    "deny": "red",
    "unknown": "yellow",
    "approve": "yellow",
}


@dataclass(frozen=True, slots=True)
class Judged:
    """One call and what became of it.

    Attributes:
        tool: its name.
        decision: what the policy decides.
        steps: as `Policy.explain` gives them.
        known: whether the server defines the tool; a call of an unknown one is refused before any rule.
        category: the tool's category, if it has one.
    """

    tool: str
    decision: Decision
    steps: Sequence[Mapping[str, Any]]
    known: bool
    category: str | None


def show_explanation(judged: Judged, *, as_json: bool) -> int:
    """Prints the steps and the decision; the exit code is 0 for a call that would be allowed."""
    verdict = judged.decision
    effect, rule, message = verdict.effect, verdict.rule, verdict.message
    if not judged.known:
        effect, rule, message = "deny", "(unknown tool)", f"The server has no tool {judged.tool}."
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
                "limits": [
                    {
                        "counter": use.counter,
                        "window": use.window,
                        "scope": use.scope,
                        "max": str(use.max),
                        "amount": str(use.amount),
                        "rule": use.rule,
                        "enforced": use.enforced,
                    }
                    for use in verdict.limits
                ],
                "steps": list(judged.steps),
            }
        )
        return 0 if effect == "allow" else 1
    click.echo(f"{style(judged.tool, bold=True)}{f'  @{judged.category}' if judged.category else ''}")
    for step in judged.steps:
        _show_step(step)
    heading("Decision")
    click.echo(f"  {decision(effect)}  {clean(rule)}")
    if message:
        click.echo(f"  {clean(message)}")
    for use in verdict.limits:
        counted = "" if use.enforced else "  (shadow: counted, never blocks)"
        click.echo(f"  would use {use.amount} of {use.max} per {use.window} of {use.scope} “{use.counter}”{counted}")
    return 0 if effect == "allow" else 1


def _show_step(step: Mapping[str, Any]) -> None:
    result = str(step.get("result", ""))
    shadow = "" if step.get("enforced", True) else style("  shadow", dim=True)
    coloured = style(result, fg=_COLOURS.get(result.split(" ")[0]))
    click.echo(
        f"  {step.get('step', ''):>2}  {coloured:<8}  {clean(str(step.get('rule') or step.get('kind') or ''))}{shadow}"
    )
    for condition in step.get("conditions") or ():
        value = str(condition.get("result"))
        click.echo(
            f"        {style(value, fg=_COLOURS.get(value))}  {clean(str(condition.get('path')))} "
            f"{clean(str(condition.get('op')))} {_shown(condition.get('operand'))}"
            f"{style('  it is ' + _shown(condition.get('value')), dim=True)}"
        )


def _shown(value: Any) -> str:
    import json

    return clean(json.dumps(value, ensure_ascii=False, default=str))

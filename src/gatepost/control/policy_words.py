"""What two policies do differently, in words, tool by tool."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from gatepost.policy.canonical import number_text
from gatepost.policy.compiled import CompiledLimit, CompiledRule, compile_entry, compile_rule_set
from gatepost.policy.decision import DEFAULT_DENY, Use
from gatepost.policy.exact import is_number
from gatepost.policy.globs import is_glob
from gatepost.policy.model import CATEGORIES, Condition, Document, Limit, Section
from gatepost.policy.plan import Plan, Planner
from gatepost.policy.read import check_document

_UNNAMED = "~"
"""Stands for a name that nobody gave: no tool may have it (names have letters, digits and _ . / -)."""
_WORDS = {
    "eq": "is",
    "neq": "is not",
    "in": "is one of",
    "not_in": "is none of",
    "lt": "is less than",
    "lte": "is at most",
    "gt": "is more than",
    "gte": "is at least",
    "contains": "contains",
    "regex": "matches somewhere",
    "matches": "matches",
    "starts_with": "starts with",
    "ends_with": "ends with",
    "max_length": "is at most so long:",
    "min_length": "is at least so long:",
    "host_in": "is a URL at",
    "path_within": "is a path within",
    "email_domain_in": "is an address at",
}
_DENIES, _ASKS = "is refused if", "asks a person if"


@dataclass(frozen=True, slots=True)
class Subject:
    """Something that policies speak of: one tool, or all tools that are like something and are not named."""

    label: str
    name: str
    category: str | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """What changes for some tools (or for resources, or prompts), a sentence each."""

    subjects: tuple[str, ...]
    changes: tuple[str, ...]


class Described:
    """A document, ready to be asked what it says of a tool."""

    def __init__(self, document: str | bytes) -> None:
        _, _, self.document = check_document(document)
        self._planner = planner_of(self.document)
        self._plans: dict[tuple[str, str | None], Plan] = {}

    def plan(self, tool: str, category: str | None) -> Plan:
        """Everything about a tool that does not depend on its arguments."""
        plan = self._plans.get((tool, category))
        if plan is None:
            plan = self._plans[tool, category] = self._planner.plan(tool, category)
        return plan


def planner_of(document: Document) -> Planner:
    """The planner of a checked document, as the compiled policy has it."""
    return Planner(
        [compile_entry(entry, document.mode) for entry in document.tools.values()],
        compile_rule_set(document.all_tools, "/all_tools", document.mode),
        document.hide,
        default_allows=document.default == "allow",
        enforced=document.mode == "enforce",
    )


def differences(old: Described, new: Described, tools: Mapping[str, str | None]) -> list[Difference]:
    """What changes from `old` to `new`.

    Args:
        tools: the categories of tools that are known, by name; those that a document names are added.
    """
    found: dict[tuple[str, ...], list[str]] = {}
    for subject in _subjects(old.document, new.document, tools):
        changes = tuple(_of_tool(old.plan(subject.name, subject.category), new.plan(subject.name, subject.category)))
        if changes:
            found.setdefault(changes, []).append(subject.label)
    result = [Difference(tuple(subjects), changes) for changes, subjects in found.items()]
    for kind in ("resources", "prompts"):
        changes = tuple(
            _of_section(getattr(old.document, kind), getattr(new.document, kind), old.document, new.document)
        )
        if changes:
            result.append(Difference((kind,), changes))
    return result


def _subjects(old: Document, new: Document, tools: Mapping[str, str | None]) -> list[Subject]:
    keys = dict.fromkeys([*old.tools, *new.tools, *old.hide, *new.hide])
    named = dict(tools)
    for key in keys:
        if not is_glob(key) and not key.startswith("@"):
            named.setdefault(key, None)
    subjects = [Subject(name, name, category) for name, category in named.items()]
    subjects += [
        Subject(f"other tools like {key}", key.replace("*", _UNNAMED)) for key in keys if is_glob(key) and key != "*"
    ]
    categories = {key[1:] for key in keys if key.startswith("@")}
    subjects += [
        Subject(f"other tools classed {category}", _UNNAMED, category)
        for category in CATEGORIES
        if category in categories
    ]
    return [*subjects, Subject("any other tool", _UNNAMED)]


# -- one tool --------------------------------------------------------------------------------------------------------


def _of_tool(old: Plan, new: Plan) -> list[str]:
    before, after = _standing(old), _standing(new)
    changes = []
    if before != after:
        changes.append(f"{before} → {after}")
    if after.startswith(("hidden", "refused")):
        return changes  # nothing further is read there
    if before.startswith(("hidden", "refused")):
        return changes + [f"now {text}" for text in [*_rules(new), *map(_limit_text, new.limits)]]
    changes += _of_rules(_rules(old), _rules(new))
    changes += _of_limits(old.limits, new.limits)
    validated = [plan.validates and plan.validation_enforced for plan in (old, new)]
    if validated[0] != validated[1]:
        now = "now have" if validated[1] else "no longer have"
        changes.append(f"its arguments {now} to satisfy the tool's schema")
    return changes


def _standing(plan: Plan) -> str:
    """How a tool stands before its arguments are looked at."""
    if plan.hidden:
        return "hidden"
    enforced = next((step for step in plan.steps if step.enforced), None)
    if enforced is not None:
        return "refused by default" if enforced.rule == DEFAULT_DENY else f"refused by {enforced.rule}"
    shadow = " (would be refused, but for shadow mode)" if plan.steps else ""
    if any(ask.fires is None and ask.enforced for ask in plan.asks):
        return f"asks a person{shadow}"
    return f"allowed{shadow}"


def _rules(plan: Plan) -> dict[str, str]:
    """Every rule that reads arguments: what it says, and its name."""
    found = {_rule_text(check.rule): check.rule.name for check in plan.checks}
    found.update((_rule_text(ask.rule), ask.name) for ask in plan.asks if ask.rule is not None)
    return found


def _of_rules(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    changes = [f"no longer {text}" for text in old if text not in new]
    changes += [f"now {text}" for text in new if text not in old]
    changes += [
        f"the rule that {text} is called {new[text]} in the log, was {old[text]}"
        for text in new
        if text in old and old[text] != new[text]
    ]
    return changes


def _rule_text(rule: CompiledRule) -> str:
    conditions = " and ".join(_condition_text(condition) for condition, _ in rule.conditions) or "it is called at all"
    when = " and ".join(_condition_text(condition) for condition, _ in rule.when or ())
    if rule.kind == "require":
        text = f"is refused unless {conditions}"
    else:
        text = f"{_DENIES if rule.kind == 'deny_if' else _ASKS} {conditions}"
    if when:
        text += f", where {when}"
    return text if rule.enforced else f"{text} (shadow: only recorded)"


def _condition_text(condition: Condition) -> str:
    if condition.op == "exists":
        return f"{condition.path} is {'given' if condition.operand else 'not given'}"
    return f"{condition.path} {_WORDS.get(condition.op, condition.op)} {_operand(condition.operand)}"


def _operand(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_operand, value))
    if is_number(value):
        return number_text(value if isinstance(value, Decimal) else Decimal(str(value)))
    return json.dumps(value, ensure_ascii=False)


def _of_limits(old: Iterable[CompiledLimit], new: Iterable[CompiledLimit]) -> list[str]:
    before, after = ({_counted(limit): limit for limit in limits} for limits in (old, new))
    changes = [f"no longer {_limit_text(limit)}" for key, limit in before.items() if key not in after]
    changes += [f"now {_limit_text(limit)}" for key, limit in after.items() if key not in before]
    for key, limit in after.items():
        if key in before and before[key].use.max != limit.use.max:
            was, now = number_text(before[key].use.max), number_text(limit.use.max)
            changes.append(f"the limit {_per(limit.use)} of {limit.use.counter} goes from {was} to {now}")
    return changes


def _counted(limit: CompiledLimit) -> tuple[Any, ...]:
    use = limit.use
    return use.counter, use.window, use.scope, use.algorithm, limit.path, use.enforced


def _limit_text(limit: CompiledLimit) -> str:
    use = limit.use
    what = f" of {limit.path}" if limit.path else ""
    sliding = " in any such span" if use.algorithm == "sliding" else ""
    text = f"takes at most {number_text(use.max)}{what} {_per(use)}{sliding} for each {use.scope} ({use.counter})"
    return text if use.enforced else f"{text} (shadow: only counted)"


def _per(use: Use | Limit) -> str:
    return f"per {use.window}" if isinstance(use.window, str) else f"in {use.window} seconds"


# -- resources and prompts -------------------------------------------------------------------------------------------


def _of_section(old: Section, new: Section, before: Document, after: Document) -> list[str]:
    was, now = old.default or before.default, new.default or after.default
    changes = [] if was == now else [f"what nothing speaks of: {_word(was)} → {_word(now)}"]
    for word, globs_before, globs_after in (("allowed", old.allow, new.allow), ("refused", old.deny, new.deny)):
        changes += [f"no longer {word}: {glob}" for glob in globs_before if glob not in globs_after]
        changes += [f"now {word}: {glob}" for glob in globs_after if glob not in globs_before]
    if before.mode != after.mode:
        changes.append("refusals are now only recorded" if after.mode == "shadow" else "refusals now hold")
    limits = [
        {(limit.counter, limit.window, limit.scope, limit.algorithm): limit for limit in section.limits}
        for section in (old, new)
    ]
    for key in dict.fromkeys([*limits[0], *limits[1]]):
        texts = [
            f"{number_text(side[key].max)} {_per(side[key])} ({key[0]})" if key in side else "no limit"
            for side in limits
        ]
        if texts[0] != texts[1]:
            changes.append(f"{texts[0]} → {texts[1]}")
    return changes


def _word(default: str) -> str:
    return "allowed" if default == "allow" else "refused"

"""Warnings about rules: paths not in the schema, absence that passes, regexes that match in part, unreachable rules."""

from __future__ import annotations

from collections.abc import Iterator

from gatepost.policy.errors import describe, escape
from gatepost.policy.globs import covers, is_glob
from gatepost.policy.linting.known import KnownTools
from gatepost.policy.linting.schemas import has_path, may_be_absent
from gatepost.policy.linting.warning import LintWarning
from gatepost.policy.model import LISTS, Amount, Condition, Document, Entry, Rule, RuleSet
from gatepost.policy.operators import missing_result
from gatepost.policy.schema import Schema

_FLAGS = "imsU-"


def check_rules(document: Document, tools: KnownTools) -> Iterator[LintWarning]:
    for entry in document.tools.values():
        schemas = tools.schemas_of(tools.judged_by(entry.key, document))
        yield from _check_set(entry.rules, schemas)
        yield from _unreachable_entry(entry, document)
    yield from _check_set(document.all_tools, tools.schemas_of(tools.schemas))
    for rule in document.all_tools.deny_if:
        if not rule.conditions and not rule.when and (rule.mode or document.mode) == "enforce":
            yield LintWarning(rule.pointer, "it has no conditions, so it refuses every call of every tool")


def _check_set(rules: RuleSet, schemas: list[Schema]) -> Iterator[LintWarning]:
    demanded = {condition.steps for rule in rules.require for condition in rule.conditions if condition.op == "exists"}
    for kind in LISTS:
        listed: tuple[Rule, ...] = getattr(rules, kind)
        yield from _unreachable_rules(kind, listed)
        for rule in listed:
            for condition in (*rule.conditions, *(rule.when or ())):
                yield from _check_path(f"{condition.pointer}/path", condition, schemas)
            for condition in rule.conditions:
                if kind == "require":
                    yield from _check_anchors(condition)
                if kind == "deny_if" and condition.steps not in demanded:
                    yield from _check_absence(condition, schemas)
    for limit in rules.limits:
        if limit.amount is not None:
            yield from _check_path(f"{limit.pointer}/amount", limit.amount, schemas, then="every call is denied")


def _check_path(
    pointer: str, read: Condition | Amount, schemas: list[Schema], *, then: str = "it is always unknown"
) -> Iterator[LintWarning]:
    """A path to what no call has; `then` says what comes of one that is not even a member of an object."""
    if not isinstance(read.steps[0], str):
        named = f"args.NAME{read.path.removeprefix('args')}"
        message = f"{read.path} steps into the arguments, which are an object: {then}; name an argument, as in {named}"
        yield LintWarning(pointer, message)
    elif schemas and not any(has_path(schema, read.steps) for schema in schemas):
        yield LintWarning(pointer, f"{read.path} is not in the input schema of a tool this applies to")


def _check_anchors(condition: Condition) -> Iterator[LintWarning]:
    if condition.op == "regex" and not is_anchored(condition.operand):
        message = 'the regex may match any part of the text; anchor it with ^ and $, or use "matches"'
        yield LintWarning(f"{condition.pointer}/value", message)


def is_anchored(pattern: str) -> bool:
    """Whether a regex starts with `^` or `\\A`, ends with `$` or `\\z`, and has no alternative outside of brackets."""
    # `(?flags)` at the start; with m among them, anchors are those of a line
    flags, bracket, rest = pattern[2:].partition(")")
    if pattern.startswith("(?") and bracket and flags and not flags.strip(_FLAGS):
        pattern = rest
        if "m" in flags.partition("-")[0]:
            return False
    if not pattern.startswith(("^", r"\A")):
        return False
    depth, in_class, last, position = 0, False, "", 0
    while position < len(pattern):
        character = pattern[position]
        last = pattern[position : position + 2] if character == "\\" else character
        position += len(last)
        if in_class:
            in_class = last != "]"
        elif last == "[":
            in_class = True
        elif last in "()":
            depth += 1 if last == "(" else -1
        elif last == "|" and depth == 0:
            return False
    return last in ("$", r"\z")


def _check_absence(condition: Condition, schemas: list[Schema]) -> Iterator[LintWarning]:
    if not missing_result(condition.op, condition.operand, in_require=False) and any(
        may_be_absent(schema, condition.steps) for schema in schemas
    ):
        message = f"{condition.path} is optional, and a call without it passes; require it, or add a rule with exists"
        yield LintWarning(f"{condition.pointer}/path", message)


def _unreachable_rules(kind: str, rules: tuple[Rule, ...]) -> Iterator[LintWarning]:
    """Rules after one that always applies, rules said twice, and rules that never do anything."""
    always: Rule | None = None
    seen: dict[object, Rule] = {}
    for rule in rules:
        what = (_said(rule.conditions), None if rule.when is None else _said(rule.when))
        if kind == "require" and not rule.conditions:
            yield LintWarning(rule.pointer, "it has no conditions, so it always holds")
        elif always is not None:
            yield LintWarning(rule.pointer, f"no call reaches it: {always.pointer} applies to every call")
        elif what in seen and seen[what].mode in (rule.mode, "enforce"):
            yield LintWarning(rule.pointer, f"no call reaches it: {seen[what].pointer} says the same")
        seen.setdefault(what, rule)
        if kind != "require" and not rule.conditions and not rule.when and rule.mode != "shadow" and always is None:
            always = rule


def _said(conditions: tuple[Condition, ...]) -> tuple[object, ...]:
    return tuple((condition.steps, condition.op, repr(condition.operand)) for condition in conditions)


def _unreachable_entry(entry: Entry, document: Document) -> Iterator[LintWarning]:
    pointer = f"/tools/{escape(entry.key)}"
    rules = [rule for kind in LISTS for rule in getattr(entry.rules, kind)]
    hiding = [pattern for pattern in document.hide if not entry.key.startswith("@") and covers(pattern, entry.key)]
    if hiding and entry.action != "hide":
        yield LintWarning(pointer, f"no call reaches it: {describe(hiding[0])} in hide hides every tool it is for")
    enforced = (entry.mode or document.mode) == "enforce"
    if rules and (entry.action == "hide" or (entry.action == "deny" and enforced)):
        yield LintWarning(pointer, f"no call reaches its rules: its action is {entry.action}")
    elif (rules or entry.rules.limits) and is_glob(entry.key):
        yield from _overruled(pointer, entry, document)


def _overruled(pointer: str, entry: Entry, document: Document) -> Iterator[LintWarning]:
    """A glob's rules where a wider glob refuses all that it matches: of actions the strictest counts."""
    for other in document.tools.values():
        refuses = other.action == "hide" or (other.action == "deny" and (other.mode or document.mode) == "enforce")
        if other is not entry and refuses and is_glob(other.key) and covers(other.key, entry.key):
            message = f"no call reaches its rules: {describe(other.key)} covers it, and its action is {other.action}"
            yield LintWarning(pointer, message)
            return

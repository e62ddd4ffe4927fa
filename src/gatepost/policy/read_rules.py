"""Rules and their conditions, read from the document."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any, TypeVar

from gatepost.policy.errors import Problems
from gatepost.policy.fields import Fields
from gatepost.policy.model import Condition, Limit, Rule
from gatepost.policy.operands import OperandError
from gatepost.policy.operators import OPERATORS
from gatepost.policy.paths import PathError, parse_path
from gatepost.policy.texts import LOWER, consists_of

MODES = ("enforce", "shadow")

_IN_NAMES = LOWER | {"-"}

Named = TypeVar("Named", Rule, Limit)


def read_rules(fields: Fields, name: str) -> tuple[Rule, ...]:
    """The list of rules in one member of an entry or of `all_tools`."""
    names: set[str] = set()
    rules = fields.objects(name, lambda item, pointer: _read_rule(item, pointer, fields.problems, names))
    return number_repeated(rules)


def read_name(fields: Fields, taken: set[str]) -> str | None:
    """A rule's or a limit's own `name`, unique among `taken`, which it joins."""
    name = fields.text("name")
    if name is None:
        return None
    if not consists_of(name, _IN_NAMES, most=64):
        fields.problems.unexpected(fields.at("name"), name, "1 to 64 of a-z, 0-9 and -")
    elif name in taken:
        fields.problems.unexpected(fields.at("name"), name, "a name that no other has in this list")
    taken.add(name)
    return name


def number_repeated(items: list[Named]) -> tuple[Named, ...]:
    """The second of the same leaf in one list gets `#2`, the third `#3`."""
    seen: Counter[str] = Counter()
    numbered = []
    for item in items:
        seen[item.leaf] += 1
        times = seen[item.leaf]
        numbered.append(item if times == 1 else replace(item, leaf=f"{item.leaf}#{times}"))
    return tuple(numbered)


def _read_rule(value: Any, pointer: str, problems: Problems, names: set[str]) -> Rule | None:
    fields = Fields.of(value, pointer, problems, ("conditions", "when", "on_deny", "mode", "name"))
    if fields is None:
        return None
    fields.required("conditions")
    conditions = tuple(fields.objects("conditions", lambda item, at: _read_condition(item, at, problems)))
    when = tuple(fields.objects("when", lambda item, at: _read_condition(item, at, problems)))
    name = read_name(fields, names)
    return Rule(
        pointer=pointer,
        leaf=name or "+".join(f"{condition.path}-{condition.op}" for condition in conditions) or "always",
        conditions=conditions,
        when=when if "when" in fields.members else None,
        on_deny=fields.text("on_deny"),
        mode=fields.word("mode", MODES),
    )


def _read_condition(value: Any, pointer: str, problems: Problems) -> Condition | None:
    fields = Fields.of(value, pointer, problems, ("path", "op", "value"))
    if fields is None:
        return None
    fields.required("path", "op", "value")
    path = fields.text("path")
    steps = None
    if path is not None:
        try:
            steps = parse_path(path)
        except PathError as error:
            problems.unexpected(fields.at("path"), path, str(error))
    op = fields.word("op", tuple(OPERATORS))
    if op is None or "value" not in fields.members:
        return None
    operand = fields.members["value"]
    try:
        judge = OPERATORS[op].build(operand)
    except OperandError as error:
        problems.add(fields.at("value") + error.where, str(error))
        return None
    if path is None or steps is None:
        return None
    return Condition(pointer, path, steps, op, operand, judge)

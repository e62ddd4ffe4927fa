"""The operators (POLICY.md section 3). Each turns its operand into a judge of one present value.

A judge answers true, false, or None for unknown. What a missing value means is not the judge's: `missing_result` says
it, and for `neq` and `not_in` it depends on the list that the condition stands in.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from gatepost.policy.emails import build_email_domain_in
from gatepost.policy.exact import as_integer, exact, is_number, known, shortest
from gatepost.policy.folders import build_path_within
from gatepost.policy.hosts import build_host_in
from gatepost.policy.operands import Judge, OperandError, strings
from gatepost.policy.regex import RegexError, searcher


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator of the language.

    Attributes:
        build: makes the judge for an operand; raises OperandError.
        negative: a missing value is true outside `require` (`neq`, `not_in`).
    """

    build: Callable[[Any], Judge]
    negative: bool = False


def _scalar_kind(value: Any) -> str | None:
    if isinstance(value, str):
        return "string"
    if isinstance(value, bool):
        return "boolean"
    return "number" if is_number(value) else None


def _expect_scalar(operand: Any) -> str:
    kind = _scalar_kind(operand)
    if kind is None:
        raise OperandError("a string, a number or a boolean", operand)
    return kind


def _build_eq(operand: Any) -> Judge:
    return _member_of(_expect_scalar(operand), [operand])


def _build_in(operand: Any) -> Judge:
    if not isinstance(operand, list) or not operand:
        raise OperandError("a list of strings, of numbers or of booleans, not empty", operand)
    kinds: list[str] = []
    for index, item in enumerate(operand):
        kind = _scalar_kind(item)
        if kind is None:
            raise OperandError("a string, a number or a boolean", item, f"/{index}")
        if kinds and kind != kinds[0]:
            raise OperandError(f"a {kinds[0]} like the first (operands of one type)", item, f"/{index}")
        kinds.append(kind)
    return _member_of(kinds[0], operand)


def _member_of(kind: str, operands: list[Any]) -> Judge:
    """A judge that says whether the value is of this kind and equals one of the operands."""
    if kind == "string":
        texts = frozenset(operands)
        return lambda value: value in texts if isinstance(value, str) else None
    if kind == "boolean":
        flags = frozenset(operands)
        return lambda value: value in flags if isinstance(value, bool) else None
    # an operand that no known number equals can never be equal to a value
    numbers = frozenset(number for number in map(known, operands) if number is not None)

    def judge(value: Any) -> bool | None:
        number = known(value)
        return None if number is None else number in numbers

    return judge


def _negated(build: Callable[[Any], Judge]) -> Callable[[Any], Judge]:
    def build_negated(operand: Any) -> Judge:
        positive = build(operand)

        def judge(value: Any) -> bool | None:
            result = positive(value)
            return None if result is None else not result

        return judge

    return build_negated


def _comparison(compare: Callable[[Any, Any], bool]) -> Callable[[Any], Judge]:
    def build(operand: Any) -> Judge:
        if not is_number(operand):
            raise OperandError("a number", operand)
        bound = known(operand)
        if bound is None:
            return _compare_exactly(compare, exact(operand))

        # the order of known numbers as floats is the order of their exact values
        def judge(value: Any) -> bool | None:
            number = known(value)
            return None if number is None else compare(number, bound)

        return judge

    return build


def _compare_exactly(compare: Callable[[Any, Any], bool], bound: Decimal) -> Judge:
    """Compare with an operand that is no binary64's shortest decimal."""

    def judge(value: Any) -> bool | None:
        number = known(value)
        return None if number is None else compare(shortest(number), bound)

    return judge


def _build_exists(operand: Any) -> Judge:
    if not isinstance(operand, bool):
        raise OperandError("true or false", operand)

    def judge(value: Any) -> bool | None:
        # a number that an upstream may read as another is unknown to every rule
        return None if is_number(value) and known(value) is None else operand

    return judge


def _build_contains(operand: Any) -> Judge:
    kind = _expect_scalar(operand)
    equals = _member_of(kind, [operand])

    def judge(value: Any) -> bool | None:
        if isinstance(value, str):
            return operand in value if kind == "string" else None
        if not isinstance(value, list):
            return None
        result: bool | None = False
        for item in value:
            same = None if item is None else equals(item)
            if same:
                return True
            if same is None:
                result = None
        return result

    return judge


def _regex(*, anchored: bool) -> Callable[[Any], Judge]:
    def build(operand: Any) -> Judge:
        if not isinstance(operand, str):
            raise OperandError("a regular expression (RE2)", operand)
        try:
            search = searcher(operand, anchored=anchored)
        except RegexError as error:
            raise OperandError(f"a regular expression that RE2 compiles ({error})", operand) from None
        return lambda value: search(value) if isinstance(value, str) else None

    return build


def _affix(test: Callable[[str, tuple[str, ...]], bool]) -> Callable[[Any], Judge]:
    def build(operand: Any) -> Judge:
        affixes = (
            (operand,) if isinstance(operand, str) else strings(operand, "a string or a list of strings, not empty")
        )
        return lambda value: test(value, affixes) if isinstance(value, str) else None

    return build


def _length(*, at_most: bool) -> Callable[[Any], Judge]:
    def build(operand: Any) -> Judge:
        bound = as_integer(operand)
        if bound is None or bound < 0:
            raise OperandError("an integer of 0 or more", operand)

        def judge(value: Any) -> bool | None:
            if not isinstance(value, (str, list, dict)):
                return None
            return len(value) <= bound if at_most else len(value) >= bound

        return judge

    return build


OPERATORS: dict[str, Operator] = {
    "eq": Operator(_build_eq),
    "neq": Operator(_negated(_build_eq), negative=True),
    "in": Operator(_build_in),
    "not_in": Operator(_negated(_build_in), negative=True),
    "lt": Operator(_comparison(operator.lt)),
    "lte": Operator(_comparison(operator.le)),
    "gt": Operator(_comparison(operator.gt)),
    "gte": Operator(_comparison(operator.ge)),
    "exists": Operator(_build_exists),
    "contains": Operator(_build_contains),
    "regex": Operator(_regex(anchored=False)),
    "matches": Operator(_regex(anchored=True)),
    "starts_with": Operator(_affix(str.startswith)),
    "ends_with": Operator(_affix(str.endswith)),
    "max_length": Operator(_length(at_most=True)),
    "min_length": Operator(_length(at_most=False)),
    "host_in": Operator(build_host_in),
    "path_within": Operator(build_path_within),
    "email_domain_in": Operator(build_email_domain_in),
}


def missing_result(name: str, operand: Any, *, in_require: bool) -> bool:
    """What a condition is for a missing value, in `require` or in the other lists and `when`."""
    if name == "exists":
        return operand is False
    return OPERATORS[name].negative and not in_require

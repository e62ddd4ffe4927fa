"""Conditions compiled into functions of a call's arguments: true, false, or None, unknown.

Which list a condition stands in changes two things (POLICY.md sections 2 and 3): what a missing value means to `neq`
and `not_in`, and how the values of a path with `[*]` are put together.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gatepost.policy.model import Condition
from gatepost.policy.operands import Judge
from gatepost.policy.operators import missing_result
from gatepost.policy.paths import EVERY, UNKNOWN, Defaults, find_all, find_one

Test = Callable[[dict[str, Any], "Defaults | None"], "bool | None"]
"""Judges the arguments of a call, with what the tool's schema says of absent members where it is known."""

Fires = Callable[[dict[str, Any], "Defaults | None"], bool]
"""Whether a rule applies its effect to the arguments of a call."""


def compile_condition(condition: Condition, *, in_require: bool) -> Test:
    """The test of one condition of a `require` list, or of any other list or a `when`."""
    missing = missing_result(condition.op, condition.operand, in_require=in_require)
    steps, judge = condition.steps, condition.judge
    if EVERY in steps:
        return _every_value(condition, missing, in_require=in_require)
    if len(steps) == 1 and isinstance(steps[0], str):
        return _one_argument(steps[0], judge, missing)

    def test(arguments: dict[str, Any], defaults: Defaults | None) -> bool | None:
        value = find_one(arguments, steps, defaults)
        if value is None:
            return missing
        return None if value is UNKNOWN else judge(value)

    return test


def _one_argument(name: str, judge: Judge, missing: bool) -> Test:
    """The test of `args.name`: the path of most rules, without the walk."""
    steps = (name,)

    def test(arguments: dict[str, Any], defaults: Defaults | None) -> bool | None:
        value = arguments.get(name)
        if value is None:
            if defaults is None or name in arguments:
                return missing
            value = defaults.default(steps)
            if value is None:
                return missing
            if value is UNKNOWN:
                return None
        return judge(value)

    return test


def _every_value(condition: Condition, missing: bool, *, in_require: bool) -> Test:
    """The test of a path with `[*]`: all values must hold in `require`, one is enough elsewhere."""
    steps, judge = condition.steps, condition.judge
    decisive = not in_require

    def test(arguments: dict[str, Any], defaults: Defaults | None) -> bool | None:
        together: bool | None = in_require
        for value in find_all(arguments, steps, defaults):
            result = missing if value is None else None if value is UNKNOWN else judge(value)
            if result is decisive:
                return result
            if result is None:
                together = None
        return together

    return test


def fires_in_require(conditions: tuple[Test, ...], when: tuple[Test, ...] | None) -> Fires:
    """A rule of `require` fires (denies) unless it is true, or its `when` is false."""
    fires = _unless_true(conditions[0]) if len(conditions) == 1 else _unless_all_true(conditions)
    return fires if when is None else _guarded(fires, when)


def fires_elsewhere(conditions: tuple[Test, ...], when: tuple[Test, ...] | None) -> Fires:
    """A rule of `deny_if` or `approve_if` fires unless it is false, or its `when` is false."""
    fires = _unless_false(conditions[0]) if len(conditions) == 1 else _unless_any_false(conditions)
    return fires if when is None else _guarded(fires, when)


def _unless_true(test: Test) -> Fires:
    return lambda arguments, defaults: test(arguments, defaults) is not True


def _unless_false(test: Test) -> Fires:
    return lambda arguments, defaults: test(arguments, defaults) is not False


def _unless_all_true(tests: tuple[Test, ...]) -> Fires:
    def fires(arguments: dict[str, Any], defaults: Defaults | None) -> bool:
        for test in tests:  # noqa: SIM110 - `any` takes twice as long
            if test(arguments, defaults) is not True:
                return True
        return False

    return fires


def _unless_any_false(tests: tuple[Test, ...]) -> Fires:
    def fires(arguments: dict[str, Any], defaults: Defaults | None) -> bool:
        for test in tests:  # noqa: SIM110 - `all` takes twice as long
            if test(arguments, defaults) is False:
                return False
        return True

    return fires


def _guarded(fires: Fires, when: tuple[Test, ...]) -> Fires:
    applies = _unless_any_false(when)
    return lambda arguments, defaults: applies(arguments, defaults) and fires(arguments, defaults)

"""Warnings about limits that can never be what stops a call."""

from __future__ import annotations

from collections.abc import Iterator

from gatepost.policy.linting.warning import LintWarning
from gatepost.policy.model import Document, Limit
from gatepost.policy.read_limits import WINDOWS


def check_limits(document: Document) -> Iterator[LintWarning]:
    for entry in document.tools.values():
        enforced = (entry.mode or document.mode) == "enforce"
        denied = entry.action == "hide" or (entry.action == "deny" and enforced)
        for limit in entry.rules.limits:
            if denied:
                yield LintWarning(limit.pointer, f"it has no effect: the entry's action is {entry.action}")
        if not denied:
            yield from _idle(entry.rules.limits)
    for limits in (document.all_tools.limits, document.resources.limits, document.prompts.limits):
        yield from _idle(limits)


def _idle(limits: tuple[Limit, ...]) -> Iterator[LintWarning]:
    """Limits that another limit of the same list always reaches first."""
    for index, limit in enumerate(limits):
        for other_index, other in enumerate(limits):
            if other_index != index and _reached_first(other, limit, earlier=other_index < index):
                yield LintWarning(limit.pointer, f"it has no effect: {other.pointer} is always reached first")
                break


def _reached_first(other: Limit, limit: Limit, *, earlier: bool) -> bool:
    """Whether `other` always stops a call before `limit` does."""
    if (other.counter, other.scope, other.mode) != (limit.counter, limit.scope, limit.mode):
        return False
    short, long = _seconds(other), _seconds(limit)
    if other.window == limit.window:
        return other.max < limit.max or (other.max == limit.max and earlier)
    # the short windows must lie within the long ones without crossing their edges
    if limit.algorithm == "sliding" or long % short or not _nested(other.window, limit.window):
        return False
    return other.max * (long // short) <= limit.max


def _nested(short: str | int, long: str | int) -> bool:
    if isinstance(long, str):
        return isinstance(short, str) and short != "week"
    return True


def _seconds(limit: Limit) -> int:
    return WINDOWS[limit.window] if isinstance(limit.window, str) else limit.window

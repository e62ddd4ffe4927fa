"""Warnings about entries and `hide`: names nobody has, globs that change nothing."""

from __future__ import annotations

from collections.abc import Iterator

from gatepost.policy.errors import describe, escape, nearest
from gatepost.policy.globs import covers, is_glob, matcher
from gatepost.policy.linting.known import KnownTools
from gatepost.policy.linting.warning import LintWarning
from gatepost.policy.model import ACTIONS, Document, Entry, RuleSet


def check_entries(document: Document, tools: KnownTools) -> Iterator[LintWarning]:
    if tools.given:
        yield from _unknown_tools(document, tools)
    for entry in document.tools.values():
        if is_glob(entry.key):
            yield from _idle_glob(entry, document, tools)


def _unknown_tools(document: Document, tools: KnownTools) -> Iterator[LintWarning]:
    for key in document.tools:
        if not tools.matched_by(key):
            yield LintWarning(f"/tools/{escape(key)}", _matches_nothing(key, tools))
    for index, pattern in enumerate(document.hide):
        if not any(map(matcher(pattern), tools.schemas)):
            yield LintWarning(f"/hide/{index}", _matches_nothing(pattern, tools))


def _matches_nothing(key: str, tools: KnownTools) -> str:
    if key.startswith("@"):
        return "no known tool is in this category, or without one"
    if is_glob(key):
        return "no known tool matches"
    known = f"; the nearest is {describe(nearest(key, tools.schemas))}" if tools.schemas else ""
    return f"no known tool has this name{known}"


def _idle_glob(entry: Entry, document: Document, tools: KnownTools) -> Iterator[LintWarning]:
    """A glob that outranks nothing: without it every call would be judged the same."""
    pointer = f"/tools/{escape(entry.key)}"
    if tools.matched_by(entry.key) and not tools.judged_by(entry.key, document):
        yield LintWarning(pointer, "every known tool that matches has an entry of its own, which applies alone")
    if entry.rules != RuleSet() or not entry.validate_arguments or entry.reason is not None:
        return
    if entry.action == "allow" and document.default == "allow":
        yield LintWarning(pointer, "the default allows these tools already")
        return
    for other in document.tools.values():
        wider = other is not entry and is_glob(other.key) and covers(other.key, entry.key)
        if wider and _as_strict(other, entry, document):
            yield LintWarning(pointer, f"{describe(other.key)} covers it and is as strict")
            return


def _as_strict(other: Entry, entry: Entry, document: Document) -> bool:
    if ACTIONS.index(other.action) < ACTIONS.index(entry.action):
        return False
    enforced = (other.mode or document.mode) == "enforce"
    return enforced or (entry.mode or document.mode) == "shadow"

"""Warnings about entries and `hide`: names nobody has, globs that change nothing."""

from __future__ import annotations

from collections.abc import Iterator

from gatepost.policy.errors import describe, escape, nearest
from gatepost.policy.globs import covers, is_glob, matcher
from gatepost.policy.linting.known import KnownTools
from gatepost.policy.linting.names import is_category, no_tool
from gatepost.policy.linting.warning import LintWarning
from gatepost.policy.model import ACTIONS, Document, Entry, RuleSet


def check_entries(document: Document, tools: KnownTools) -> Iterator[LintWarning]:
    for entry in document.tools.values():
        why = _no_tool(entry, tools)
        if why is not None:
            yield LintWarning(f"/tools/{escape(entry.key)}", why)
        elif is_glob(entry.key):
            yield from _idle_glob(entry, document, tools)
    for index, pattern in enumerate(document.hide):
        why = _not_hidden(pattern, tools)
        if why is not None:
            yield LintWarning(f"/hide/{index}", why)


def _no_tool(entry: Entry, tools: KnownTools) -> str | None:
    """Why an entry is for no tool, none that can be there or none that is known; None where it is for one."""
    known = tools.matched_by(entry.key)
    # a tool whose name cannot be called may be listed all the same, and be hidden
    if not (is_category(entry.key) or (known and entry.action == "hide")):
        why = no_tool(entry.key)
        if why is not None:
            return why
    return _matches_nothing(entry.key, tools) if tools.given and not known else None


def _not_hidden(pattern: str, tools: KnownTools) -> str | None:
    """Why an item of `hide` hides nothing, None where it hides a tool."""
    if any(map(matcher(pattern), tools.schemas)):
        return None
    if is_category(pattern):
        return f'hide takes names and globs, no categories; write {describe(pattern)}: {{"action": "hide"}} in tools'
    why = no_tool(pattern)
    return _matches_nothing(pattern, tools) if why is None and tools.given else why


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

"""The document (POLICY.md section 1): checked as a whole, every error at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gatepost.policy.canonical import canonical
from gatepost.policy.errors import PolicyError, Problems, describe, escape
from gatepost.policy.fields import Fields
from gatepost.policy.load import MAX_BYTES, parse, plain
from gatepost.policy.model import ACTIONS, CATEGORIES, Document, Entry, Limit, RuleSet, Section
from gatepost.policy.read_limits import read_approval, read_limits
from gatepost.policy.read_rules import MODES, read_rules

MAX_ENTRIES = 2000
"""The most entries `tools` may have."""

DEFAULTS = ("allow", "deny")

_DOCUMENT_FIELDS = ("version", "description", "default", "mode", "hide", "all_tools", "tools", "resources", "prompts")
_ALL_TOOLS_FIELDS = ("require", "deny_if", "approve_if", "limits", "approval")
_ENTRY_FIELDS = (
    "action",
    "reason",
    "require",
    "deny_if",
    "approve_if",
    "limits",
    "rate_limit",
    "approval",
    "validate_arguments",
    "mode",
)
_SECTION_FIELDS = ("default", "allow", "deny", "limits")


def check_document(document: Any) -> tuple[dict[str, Any], bytes, Document]:
    """The document in plain values, its canonical bytes, and its checked form.

    Args:
        document: JSON text (str or bytes), or its parsed value.

    Raises:
        PolicyError: with every error at once.
    """
    problems = Problems()
    values = plain(parse(document) if isinstance(document, (str, bytes, bytearray)) else document, problems)
    rules = Problems()
    checked = _read_document(values, rules)
    # of what cannot even stand in a JSON document there is no more to say
    errors = problems.errors + [error for error in rules.errors if error[0] not in problems.dropped]
    if errors:
        raise PolicyError(dict.fromkeys(errors))  # values of a repeated key may have the same problem
    canonical_document = canonical(values)
    if len(canonical_document) > MAX_BYTES:
        found = f"found {len(canonical_document)} bytes in canonical form, expected at most {MAX_BYTES} (1 MiB)"
        raise PolicyError([("", found)])
    return values, canonical_document, checked


def _read_document(value: Any, problems: Problems) -> Document:
    """The checked document. Where `problems` grew, what is returned is not to be used."""
    fields = Fields.of(value, "", problems, _DOCUMENT_FIELDS)
    if fields is None:
        return Document("deny", "enforce", (), RuleSet(), {}, Section(), Section())
    fields.required("version", "default")
    fields.word("version", ("1",))
    fields.text("description")
    document = Document(
        default=fields.word("default", DEFAULTS) or "deny",
        mode=fields.word("mode", MODES) or "enforce",
        hide=fields.texts("hide", "a tool's name or a glob"),
        all_tools=_read_all_tools(fields),
        tools=_read_tools(fields),
        resources=_read_section(fields, "resources"),
        prompts=_read_section(fields, "prompts"),
    )
    _check_shared_counters(document, fields)
    return document


def _read_all_tools(document: Fields) -> RuleSet:
    fields = _member(document, "all_tools", _ALL_TOOLS_FIELDS)
    return RuleSet() if fields is None else _read_rule_set(fields, key=None)


def _read_tools(document: Fields) -> dict[str, Entry]:
    if "tools" not in document.members:
        return {}
    tools, pointer = document.members["tools"], document.at("tools")
    if not isinstance(tools, dict):
        document.problems.unexpected(pointer, tools, "an object of entries by tool name, glob or @category")
        return {}
    if len(tools) > MAX_ENTRIES:
        document.problems.add(pointer, f"found {len(tools)} entries, expected at most {MAX_ENTRIES}")
    entries = (_read_entry(key, entry, f"{pointer}/{escape(key)}", document.problems) for key, entry in tools.items())
    return {entry.key: entry for entry in entries if entry is not None}


def _read_entry(key: str, value: Any, pointer: str, problems: Problems) -> Entry | None:
    if key.startswith("@") and key[1:] not in CATEGORIES:
        problems.not_a_word(pointer, key, [f"@{category}" for category in CATEGORIES])
    fields = Fields.of(value, pointer, problems, _ENTRY_FIELDS)
    if fields is None:
        return None
    validate = fields.flag("validate_arguments")
    return Entry(
        key=key,
        action=fields.word("action", ACTIONS) or "allow",
        reason=fields.text("reason"),
        rules=_read_rule_set(fields, key=key),
        validate_arguments=True if validate is None else validate,
        mode=fields.word("mode", MODES),
    )


def _read_rule_set(fields: Fields, key: str | None) -> RuleSet:
    return RuleSet(
        require=read_rules(fields, "require"),
        deny_if=read_rules(fields, "deny_if"),
        approve_if=read_rules(fields, "approve_if"),
        limits=read_limits(fields, amounts=key is not None, key=key),
        approval=read_approval(fields),
    )


def _read_section(document: Fields, name: str) -> Section:
    fields = _member(document, name, _SECTION_FIELDS)
    if fields is None:
        return Section()
    return Section(
        default=fields.word("default", DEFAULTS),
        allow=fields.texts("allow", "a name or a glob"),
        deny=fields.texts("deny", "a name or a glob"),
        limits=read_limits(fields, amounts=False),
    )


def _member(document: Fields, name: str, known: tuple[str, ...]) -> Fields | None:
    if name not in document.members:
        return None
    return Fields.of(document.members[name], document.at(name), document.problems, known)


def _check_shared_counters(document: Document, fields: Fields) -> None:
    """Limits that share a counter must take the same amount from it, in the same way."""
    first: dict[str, Limit] = {}
    for limit in _limits(document):
        other = first.setdefault(limit.counter, limit)
        steps = None if limit.amount is None else limit.amount.steps
        others = None if other.amount is None else other.amount.steps
        if steps != others:
            said = "no amount" if limit.amount is None else describe(limit.amount.path)
            told = "no amount" if other.amount is None else describe(other.amount.path)
            fields.problems.add(
                limit.pointer,
                f"found {said} for the counter {describe(limit.counter)}, expected {told} as in {other.pointer}",
            )
        if limit.algorithm != other.algorithm:
            fields.problems.add(
                limit.pointer,
                f'found the algorithm "{limit.algorithm}" for the counter {describe(limit.counter)}, '
                f'expected "{other.algorithm}" as in {other.pointer}',
            )


def _limits(document: Document) -> Iterator[Limit]:
    yield from document.all_tools.limits
    for entry in document.tools.values():
        yield from entry.rules.limits
    yield from document.resources.limits
    yield from document.prompts.limits

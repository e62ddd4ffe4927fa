"""Running cases against a policy: what differs from what was expected, and which rules no case is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from gatepost.control.policies import check
from gatepost.control.policy_cases import Case, CaseFile
from gatepost.errors import GatepostError
from gatepost.policy import CompiledDefinition, Decision, Policy, Use, compile_definition, compile_policy, limit_message
from gatepost.policy.errors import escape, nearest
from gatepost.policy.model import LISTS, RuleSet
from gatepost.policy.read import check_document

HIDDEN, UNKNOWN_TOOL = "(hidden)", "(unknown tool)"


@dataclass(frozen=True, slots=True)
class Got:
    """What was decided: as the log would have it."""

    effect: str
    rule: str
    message: str


@dataclass(frozen=True, slots=True)
class Ran:
    """A case that was run; `why` says in which way it was not as expected, and is empty where it was."""

    case: Case
    got: Got
    why: str

    @property
    def passed(self) -> bool:
        return not self.why


@dataclass(frozen=True, slots=True)
class Tested:
    """One file of cases that was run.

    Attributes:
        file: what was read.
        version: of the policy.
        ran: every case.
        rules: the policy's rules by their names in the log, in its order.
        covered: those that decided a case, or would have but for shadow mode.
    """

    file: CaseFile
    version: str
    ran: tuple[Ran, ...]
    rules: tuple[str, ...]
    covered: frozenset[str]

    @property
    def uncovered(self) -> tuple[str, ...]:
        return tuple(rule for rule in self.rules if rule not in self.covered)


def run_cases(file: CaseFile) -> Tested:
    """Runs every case of a file. Raises `PolicyRefused`, or GatepostError GP-4005 where the policy cannot be read."""
    try:
        text = file.policy.read_bytes()
    except OSError as error:
        raise GatepostError(
            "GP-4005", f"The policy {file.policy} cannot be read: {error.strerror}.", f"See {file.file}."
        ) from None
    checked = check(text)
    policy = compile_policy(checked.text)
    compiled: dict[str, CompiledDefinition] = {}
    counters = _counters_of(checked.text)
    ran, covered = [], set()
    for case in file.cases:
        got, names = judge(policy, case, file.tools, compiled)
        covered |= names
        ran.append(Ran(case, got, _uncounted(case, counters) or _difference(case, got)))
    rules = rules_of(checked.text)
    return Tested(file, checked.version, tuple(ran), rules, frozenset(covered & set(rules)))


def judge(
    policy: Policy,
    case: Case,
    tools: Mapping[str, Mapping[str, Any]] | None,
    compiled: dict[str, CompiledDefinition],
) -> tuple[Got, set[str]]:
    """What the gateway would decide of a case, and the rules that had a part in it.

    Args:
        tools: the server's definitions; None where they are not known, and every tool counts as known.
        compiled: definitions that are compiled already, by tool.
    """
    if case.kind == "resource":
        decision = policy.decide_resource(case.target)
    elif case.kind == "prompt":
        decision = policy.decide_prompt(case.target)
    else:
        known = None if tools is None else tools.get(case.target)
        category = case.category or (None if known is None else known["category"])
        if tools is not None and known is None:
            rule = HIDDEN if policy.hides(case.target, category) else UNKNOWN_TOOL
            return Got("deny", rule, f"Unknown tool: {case.target}"), {rule}
        if known is not None and case.target not in compiled:
            compiled[case.target] = compile_definition(known["tool"])
        decision = policy.decide(
            tool=case.target,
            arguments=case.arguments,
            category=category,
            definition=compiled.get(case.target),
        )
    rules = {rule for rule, _ in decision.shadowed}
    exhausted = [use for use in decision.limits if _used(case.counters, use) + use.amount > use.max]
    blocking = next((use for use in exhausted if use.enforced), None)
    rules |= {use.rule for use in exhausted if not use.enforced}
    if blocking is not None:
        got = Got("deny", blocking.rule, limit_message(blocking, None, case.target))
    else:
        got = _got(decision)
    return got, {*rules, got.rule}


def rules_of(document: str | bytes) -> tuple[str, ...]:
    """The rules of a document by their names in the log; `(hidden)` where it hides anything."""
    _, _, checked = check_document(document)
    names = [HIDDEN] if checked.hide or any(entry.action == "hide" for entry in checked.tools.values()) else []
    for key, entry in checked.tools.items():
        holder = f"/tools/{escape(key)}"
        if entry.action in ("deny", "require_approval"):
            names.append(f"{holder}/action")
        names += _of_set(entry.rules, holder)
    names += _of_set(checked.all_tools, "/all_tools")
    for holder, section in (("/resources", checked.resources), ("/prompts", checked.prompts)):
        names += [f"{holder}/deny/{escape(glob)}" for glob in section.deny]
        names += [f"{holder}/limits/{escape(limit.leaf)}" for limit in section.limits]
    return tuple(dict.fromkeys(names))


def _counters_of(document: str | bytes) -> frozenset[str]:
    """The names by which a case may say what was used of the document's counters."""
    _, _, checked = check_document(document)
    limits = [limit for entry in checked.tools.values() for limit in entry.rules.limits]
    limits += [*checked.all_tools.limits, *checked.resources.limits, *checked.prompts.limits]
    return frozenset(name for limit in limits for name in (limit.counter, f"{limit.counter}/{limit.window}"))


def _of_set(rules: RuleSet, holder: str) -> list[str]:
    names = [f"{holder}/{kind}/{escape(rule.leaf)}" for kind in LISTS for rule in getattr(rules, kind)]
    return names + [f"{holder}/limits/{escape(limit.leaf)}" for limit in rules.limits]


def _got(decision: Decision) -> Got:
    return Got(decision.effect, decision.rule, decision.message)


def _used(counters: Mapping[str, Decimal], use: Use) -> Decimal:
    """What was used of a counter before the call, in the use's own window."""
    return counters.get(f"{use.counter}/{use.window}", counters.get(use.counter, Decimal(0)))


def _uncounted(case: Case, counters: frozenset[str]) -> str:
    """What a case says of counters that the policy does not have: a slip, after which it proves nothing."""
    unknown = [name for name in case.counters if name not in counters]
    if not unknown:
        return ""
    instead = f"; the nearest is {nearest(unknown[0], sorted(counters))}" if counters else ""
    return f"no limit of the policy counts {unknown[0]}{instead}"


def _difference(case: Case, got: Got) -> str:
    expected = case.expected
    if got.effect != expected.effect:
        by = f" by {got.rule}" if got.rule else ""
        return f"expected {expected.effect}, got {got.effect}{by}"
    if expected.rule is not None and got.rule != expected.rule:
        return f"expected the rule {expected.rule or '(none)'}, got {got.rule or '(none)'}"
    if expected.message is not None and expected.message not in got.message:
        return f"expected “{expected.message}” in the message, got “{got.message}”"
    return ""


def totals(tested: Sequence[Tested]) -> tuple[int, int, int, int]:
    """Cases that passed, cases that failed, rules that are covered, and all rules."""
    passed = sum(ran.passed for each in tested for ran in each.ran)
    cases = sum(len(each.ran) for each in tested)
    return passed, cases - passed, sum(len(each.covered) for each in tested), sum(len(each.rules) for each in tested)

"""Which entries apply to a tool, and everything about a call of it that does not depend on its arguments."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gatepost.policy import messages
from gatepost.policy.compiled import CompiledEntry, CompiledLimit, CompiledRule, CompiledRules
from gatepost.policy.conditions import Fires
from gatepost.policy.decision import DEFAULT_DENY, HIDDEN, Approval, Decision, Use
from gatepost.policy.globs import Matcher, any_of, is_glob, literal_prefix, matcher
from gatepost.policy.model import CATEGORIES, ApprovalSettings

_TIMEOUT = 30 * 60
_APPROVERS = ("role:approver",)


@dataclass(frozen=True, slots=True)
class Check:
    """A rule of step 8 with what is said when it denies."""

    rule: CompiledRule
    fires: Fires
    enforced: bool
    denied: Decision


@dataclass(frozen=True, slots=True)
class Ask:
    """Something of step 10 that may ask for a person: an action (`fires` is None: always) or a rule of `approve_if`."""

    name: str
    enforced: bool
    fires: Fires | None
    rule: CompiledRule | None
    message: str
    approval: Approval


@dataclass(frozen=True, slots=True)
class Step:
    """A result of steps 5 and 6, known before the arguments are seen."""

    rule: str
    message: str
    enforced: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """How one tool is judged.

    Attributes:
        entries: the entries that apply, in reading order.
        hidden: off the list, and unknown when called.
        verdict: the decision where one is certain without the arguments, else None.
        steps: results of steps 5 and 6, in order.
        shadowed: those of `steps` in shadow mode before the verdict.
        validates: whether step 7 applies, and `validation_enforced` whether it blocks.
        limits, uses: the limits that apply; `uses` is complete only where `metered` is False.
        allowed: the plain allow with `uses`.
    """

    tool: str
    entries: tuple[CompiledEntry, ...]
    hidden: bool
    verdict: Decision | None
    steps: tuple[Step, ...]
    shadowed: tuple[tuple[str, str], ...]
    validates: bool
    validation_enforced: bool
    checks: tuple[Check, ...]
    limits: tuple[CompiledLimit, ...]
    uses: tuple[Use, ...]
    metered: bool
    asks: tuple[Ask, ...]
    allowed: Decision

    @property
    def size(self) -> int:
        """How much it holds, in rules and limits."""
        return 4 + len(self.checks) + len(self.limits) + len(self.asks)


class Planner:
    """Makes the plan for a tool of a category, from the compiled document."""

    __slots__ = (
        "_all_tools",
        "_categories",
        "_default_allows",
        "_enforced",
        "_exact",
        "_globs",
        "_has_hiding",
        "_hide",
    )

    def __init__(
        self,
        entries: Iterable[CompiledEntry],
        all_tools: CompiledRules,
        hide: Iterable[str],
        *,
        default_allows: bool,
        enforced: bool,
    ) -> None:
        self._all_tools = all_tools
        self._hide = any_of(hide)
        self._default_allows = default_allows
        self._enforced = enforced
        self._exact: dict[str, CompiledEntry] = {}
        self._categories: dict[str, CompiledEntry] = {}
        self._has_hiding = False
        globs: list[CompiledEntry] = []
        for entry in entries:
            self._has_hiding = self._has_hiding or entry.action == "hide"
            if entry.key.startswith("@"):
                self._categories[entry.key[1:]] = entry
            elif is_glob(entry.key):
                globs.append(entry)
            else:
                self._exact[entry.key] = entry
        globs.sort(key=lambda entry: (-len(literal_prefix(entry.key)), entry.key))
        self._globs: tuple[tuple[Matcher, CompiledEntry], ...] = tuple((matcher(entry.key), entry) for entry in globs)

    def applying(self, tool: str, category: str | None) -> tuple[tuple[CompiledEntry, ...], bool]:
        """The entries that apply, in reading order, and whether one of them is more than a restriction.

        A tool without a category matches every category entry, and is allowed by none of them alone.
        """
        exact = self._exact.get(tool)
        if exact is not None:
            return (exact,), True
        entries = [entry for matches, entry in self._globs if matches(tool)]
        matched = bool(entries)
        if category in CATEGORIES:
            named = self._categories.get(category)
            if named is not None:
                entries.append(named)
                matched = True
        else:
            entries += [self._categories[name] for name in sorted(self._categories)]
        return tuple(entries), matched

    def hidden(self, tool: str, category: str | None) -> bool:
        """Whether `hide` or an entry that applies hides the tool."""
        if self._hide(tool):
            return True
        return self._has_hiding and any(entry.action == "hide" for entry in self.applying(tool, category)[0])

    def plan(self, tool: str, category: str | None) -> Plan:
        entries, matched = self.applying(tool, category)
        hidden = self.hidden(tool, category)
        steps = self._static_steps(tool, entries, matched=matched)
        shadowed: list[tuple[str, str]] = []
        verdict = Decision("deny", HIDDEN, messages.unknown_tool(tool)) if hidden else None
        for step in steps:
            if verdict is None and step.enforced:
                verdict = Decision("deny", step.rule, step.message, shadowed=tuple(shadowed))
            elif verdict is None:
                shadowed.append((step.rule, "deny"))
        validating = [entry for entry in entries if entry.validate_arguments]
        sources = [entry.rules for entry in entries]
        limits = tuple(limit for rules in [*sources, self._all_tools] for limit in rules.limits)
        uses = tuple(limit.use for limit in limits)
        return Plan(
            tool=tool,
            entries=entries,
            hidden=hidden,
            verdict=verdict,
            steps=steps,
            shadowed=tuple(shadowed),
            validates=bool(validating) or not matched,
            validation_enforced=any(entry.enforced for entry in validating) or (not matched and self._enforced),
            checks=tuple(_check(tool, rule) for rule in self._checked(sources)),
            limits=limits,
            uses=uses,
            metered=any(limit.meter is not None for limit in limits),
            asks=tuple(self._asks(tool, entries)),
            allowed=Decision("allow", limits=uses),
        )

    def _static_steps(self, tool: str, entries: tuple[CompiledEntry, ...], *, matched: bool) -> tuple[Step, ...]:
        steps = [
            Step(f"{entry.name}/action", entry.reason or messages.action_denied(tool), entry.enforced)
            for entry in entries
            if entry.action == "deny"
        ]
        if not matched and not self._default_allows:
            steps.append(Step(DEFAULT_DENY, messages.default_denied(tool), self._enforced))
        return tuple(steps)

    def _checked(self, sources: list[CompiledRules]) -> list[CompiledRule]:
        """The rules of step 8 in their order."""
        rules = [rule for source in sources for rule in source.require]
        rules += [rule for source in sources for rule in source.deny_if]
        return [*rules, *self._all_tools.require, *self._all_tools.deny_if]

    def _asks(self, tool: str, entries: tuple[CompiledEntry, ...]) -> list[Ask]:
        asks = []
        for entry in entries:
            if entry.action == "require_approval":
                approval, message = self._approval(tool, entries, entry, entry.reason)
                name = f"{entry.name}/action"
                asks.append(Ask(name, entry.enforced, None, None, message, approval))
        for entry in entries:
            asks += [self._ask(tool, entries, entry, rule) for rule in entry.rules.approve_if]
        asks += [self._ask(tool, entries, None, rule) for rule in self._all_tools.approve_if]
        return asks

    def _ask(
        self, tool: str, entries: tuple[CompiledEntry, ...], entry: CompiledEntry | None, rule: CompiledRule
    ) -> Ask:
        approval, message = self._approval(tool, entries, entry, rule.on_deny)
        return Ask(rule.name, rule.enforced, rule.fires, rule, message, approval)

    def _approval(
        self, tool: str, entries: tuple[CompiledEntry, ...], asking: CompiledEntry | None, said: str | None
    ) -> tuple[Approval, str]:
        """How to ask, and what the agent is told.

        Each setting comes from the entry that asks, else from the others that apply, `all_tools`, the default.
        """
        sources = [*entries] if asking is None else [asking, *entries]
        merged = _merge([*(entry.rules.approval for entry in sources), self._all_tools.approval])
        message = said or merged.message or messages.approval_needed(tool)
        return Approval(merged.timeout or _TIMEOUT, merged.approvers or _APPROVERS, merged.message or message), message


def _merge(settings: list[ApprovalSettings]) -> ApprovalSettings:
    """Each setting from the first that has it."""
    merged = ApprovalSettings()
    for one in settings:
        merged = ApprovalSettings(
            merged.timeout if merged.timeout is not None else one.timeout,
            merged.approvers if merged.approvers is not None else one.approvers,
            merged.message if merged.message is not None else one.message,
        )
    return merged


def _check(tool: str, rule: CompiledRule) -> Check:
    message = rule.on_deny or messages.rule_denied(tool, rule.leaf)
    denied = Decision("deny", rule.name, message)
    return Check(rule, rule.fires, rule.enforced, denied)

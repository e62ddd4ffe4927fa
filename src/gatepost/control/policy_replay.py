"""Judging the calls of the log again: which would be decided otherwise by another policy.

The log holds the names of a call's arguments, and of their values only a keyed hash, unless its server keeps arguments.
Where a rule reads a value that was not kept, what became of the call then often still tells: a rule that let it through
lets it through again. Where nothing tells, the call is undecided, and counted as that.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from gatepost.control.policy_words import Described
from gatepost.definitions.definition import Definition
from gatepost.journal.rows import epoch
from gatepost.policy import CompiledDefinition, Decision, Policy, Use, compile_definition, compile_policy
from gatepost.policy.compiled import CompiledLimit, CompiledRule
from gatepost.policy.decision import INVALID_ARGUMENTS
from gatepost.policy.model import Condition
from gatepost.policy.plan import Plan
from gatepost.quota import Exhausted, Reservation
from gatepost.quota.memory import MemoryLedger

_UNKNOWN_TOOL = "(unknown tool)"
_NOT_THE_POLICYS = frozenset({"(no policy)", "(definition changed)", "(unavailable)"})
_OF_RESOURCES = frozenset({"resources/read", "resources/subscribe"})
_CALL, _PROMPT = "tools/call", "prompts/get"
_MOST_LISTED = 1000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a policy decides of a call: the effect, and the rule as in the log."""

    effect: str
    rule: str


@dataclass(frozen=True, slots=True)
class Undecided:
    """The rule that reads what was not kept."""

    rule: str


@dataclass(frozen=True, slots=True)
class Changed:
    """A call of the log that would be decided otherwise."""

    entry: Mapping[str, Any]
    old: Outcome
    new: Outcome


@dataclass(slots=True)
class Replay:
    """What came of judging the log again.

    Attributes:
        calls: how many were judged.
        changed: those whose effect would change; the first thousand.
        changes: how many they are.
        renamed: how many would be refused as before, by another rule.
        undecided: how many nothing can be said of, by the rule that reads arguments that were not kept.
        kept: how many calls had their arguments.
    """

    calls: int = 0
    changed: list[Changed] = field(default_factory=list)
    changes: int = 0
    renamed: int = 0
    undecided: Counter[str] = field(default_factory=Counter)
    kept: int = 0


Kept = Callable[[Mapping[str, Any]], dict[str, Any] | None]
"""The arguments of an entry of the log, None where they were not kept."""


def replay(
    entries: Iterable[Mapping[str, Any]],
    old: str,
    new: str,
    *,
    definitions: Mapping[str, Mapping[str, Definition]],
    document_of: Callable[[str], str | None],
    kept: Kept,
) -> Replay:
    """Judges calls by two policies.

    Args:
        entries: of the log, of kind `decided`, oldest first.
        old, new: the documents.
        definitions: what servers say of their tools now, by server and name.
        document_of: the document of a policy's version, or None: what the call was judged by then.
        kept: looks arguments up.
    """
    return asyncio.run(_Replayer(old, new, definitions, document_of, kept).run(entries))


@dataclass(frozen=True, slots=True)
class _Who:
    """Whose counters a call uses."""

    grant_id: str
    identity: str
    server: str


class _Side:
    """One of the two policies, with the counters as they would stand under it."""

    def __init__(self, document: str) -> None:
        self.policy: Policy = compile_policy(document)
        self.described = Described(document)
        self.now = 0.0
        self.ledger = MemoryLedger(lambda: self.now)
        self.seen: set[tuple[Any, ...]] = set()

    async def settled(self, decided: Decision | Undecided, entry: Mapping[str, Any], who: _Who) -> Outcome | Undecided:
        """The outcome after the limits, which are taken where the call would be made."""
        if isinstance(decided, Undecided):
            return decided
        if decided.effect == "deny" or not decided.limits:
            return Outcome(decided.effect, decided.rule)
        self.now = epoch(entry["time"])
        await self._seed(decided.limits, entry, who)
        counted: Reservation | Exhausted | None
        if decided.effect == "approve":
            counted = await self.ledger.look(who, decided.limits)
        else:
            counted = await self.ledger.reserve(who, decided.limits)
        if isinstance(counted, Exhausted):
            return Outcome("deny", counted.use.rule)
        return Outcome(decided.effect, decided.rule)

    async def _seed(self, uses: Iterable[Use], entry: Mapping[str, Any], who: _Who) -> None:
        """What the counters held before the first call that is looked at: as its own record says."""
        recorded = {(count["counter"], count["scope"], count["window"]): count for count in entry["limits"]}
        for use in uses:
            whose = {"grant": who.grant_id, "identity": who.identity}.get(use.scope, who.server)
            key = (use.counter, use.scope, whose, use.window, use.algorithm)
            count = recorded.get((use.counter, use.scope, use.window))
            if key in self.seen:
                continue
            self.seen.add(key)
            before = Decimal(count["before"]) if count is not None else Decimal(0)
            if before:
                taken = Use(
                    use.counter, use.window, use.scope, before, before, use.algorithm, use.rule, None, enforced=False
                )
                await self.ledger.reserve(who, [taken])


class _Replayer:
    def __init__(
        self,
        old: str,
        new: str,
        definitions: Mapping[str, Mapping[str, Definition]],
        document_of: Callable[[str], str | None],
        kept: Kept,
    ) -> None:
        self._old, self._new = _Side(old), _Side(new)
        self._definitions = definitions
        self._document_of = document_of
        self._kept = kept
        self._compiled: dict[str, CompiledDefinition] = {}
        self._versions: dict[str, Described | None] = {}
        self._alike: dict[tuple[str, str | None], bool] = {}
        self._found = Replay()

    async def run(self, entries: Iterable[Mapping[str, Any]]) -> Replay:
        for entry in entries:
            if entry["method"] in (_CALL, _PROMPT, *_OF_RESOURCES) and entry["rule"] not in _NOT_THE_POLICYS:
                await self._judge(entry)
        return self._found

    async def _judge(self, entry: Mapping[str, Any]) -> None:
        found = self._found
        found.calls += 1
        who = _Who(entry["grant_id"], entry["identity"], entry["server"])
        decided = self._decided(entry)
        old, new = [
            await side.settled(each, entry, who) for side, each in zip((self._old, self._new), decided, strict=True)
        ]
        if isinstance(old, Undecided) or isinstance(new, Undecided):
            if self._same(entry):
                return
            found.undecided[old.rule if isinstance(old, Undecided) else new.rule] += 1
        elif old.effect != new.effect:
            found.changes += 1
            if len(found.changed) < _MOST_LISTED:
                found.changed.append(Changed(entry, old, new))
        elif old.effect == "deny" and old.rule != new.rule:
            found.renamed += 1

    def _decided(self, entry: Mapping[str, Any]) -> list[Decision | Undecided]:
        target, method = str(entry["tool"]), entry["method"]
        sides = (self._old, self._new)
        if method in _OF_RESOURCES:
            return [side.policy.decide_resource(target) for side in sides]
        if method == _PROMPT:
            return [side.policy.decide_prompt(target) for side in sides]
        definition = self._definitions.get(entry["server"], {}).get(target)
        if definition is None and entry["rule"] in (_UNKNOWN_TOOL, "(hidden)"):
            return [
                Decision("deny", "(hidden)" if side.policy.hides(target, None) else _UNKNOWN_TOOL) for side in sides
            ]
        category = entry["category"]
        compiled = None if definition is None else self._schema(definition)
        arguments = {} if not entry["arguments"] else self._kept(entry)
        if arguments is not None:
            self._found.kept += bool(entry["arguments"])
            return [
                side.policy.decide(tool=target, arguments=arguments, category=category, definition=compiled)
                for side in sides
            ]
        told = self._told(entry, definition)
        return [_partly(side.described.plan(target, category), told, compiled) for side in sides]

    def _schema(self, definition: Definition) -> CompiledDefinition:
        if definition.hash not in self._compiled:
            self._compiled[definition.hash] = compile_definition(definition.tool)
        return self._compiled[definition.hash]

    def _told(self, entry: Mapping[str, Any], definition: Definition | None) -> _Told:
        """What the record says of a call whose arguments were not kept."""
        told = _Told(frozenset(entry["arguments"]))
        told.amounts = {
            (count["counter"], count["scope"], count["window"]): Decimal(count["amount"]) for count in entry["limits"]
        }
        version = entry["policy_version"]
        if version is not None and version not in self._versions:
            document = self._document_of(version)
            self._versions[version] = None if document is None else Described(document)
        described = self._versions.get(version) if version is not None else None
        if described is not None:
            same = definition is not None and definition.hash == entry["definition_hash"]
            told.learn(described.plan(str(entry["tool"]), entry["category"]), entry, same_schema=same)
        return told

    def _same(self, entry: Mapping[str, Any]) -> bool:
        """Whether both policies judge this tool alike, whatever its arguments are."""
        if entry["method"] != _CALL:
            return False
        key = (str(entry["tool"]), entry["category"])
        if key not in self._alike:
            old, new = (_signature(side.described.plan(*key)) for side in (self._old, self._new))
            self._alike[key] = old == new
        return self._alike[key]


class _Told:
    """What is known of a call's arguments without their values.

    Attributes:
        names: of the arguments.
        amounts: what it took from counters.
        valid: whether its arguments satisfied the schema that the tool has still, or None.
        fired: what rules said of it, by what they say.
    """

    def __init__(self, names: frozenset[str]) -> None:
        self.names = names
        self.amounts: dict[tuple[Any, ...], Decimal] = {}
        self.valid: bool | None = None
        self.fired: dict[tuple[Any, ...], bool] = {}

    def learn(self, plan: Plan, entry: Mapping[str, Any], *, same_schema: bool) -> None:
        """Takes over what the decision of then tells, which `plan` led to."""
        rule, effect = entry["rule"], entry["decision"]
        shadowed = {name for name, _ in entry["shadowed"]}
        if plan.verdict is not None:
            return
        if rule == INVALID_ARGUMENTS and effect == "deny":
            self.valid = False if same_schema else None
            return
        if same_schema and plan.validates:
            self.valid = INVALID_ARGUMENTS not in shadowed
        for check in plan.checks:
            decides = effect == "deny" and check.rule.name == rule
            self.fired[_key(check.rule)] = decides or check.rule.name in shadowed
            if decides:
                return
        if effect == "deny":
            return  # by a limit, before anything that asks
        for ask in plan.asks:
            decides = effect == "approve" and ask.name == rule
            if ask.rule is not None:
                self.fired[_key(ask.rule)] = decides or ask.name in shadowed
            if decides:
                return

    def fires(self, rule: CompiledRule, definition: CompiledDefinition | None) -> bool | None:
        """What a rule says of the call, None where that cannot be told."""
        known = self.fired.get(_key(rule))
        if known is not None:
            return known
        if self.names & _tops(condition for condition, _ in (*rule.conditions, *(rule.when or ()))):
            return None
        return rule.fires({}, definition)

    def amount(self, limit: CompiledLimit, definition: CompiledDefinition | None) -> Use | Undecided | None:
        """The use of a limit, None where it has no amount that counts."""
        use = limit.use
        if limit.meter is None:
            return use
        known = self.amounts.get((use.counter, use.scope, use.window))
        if known is not None:
            return Use(
                use.counter, use.window, use.scope, use.max, known, use.algorithm, use.rule, use.on_deny, use.enforced
            )
        top = (limit.path or "").removeprefix("args.").partition(".")[0].partition("[")[0]
        if top in self.names or not top:
            return Undecided(use.rule)
        return limit.listed({}, definition)


def _partly(plan: Plan, told: _Told, definition: CompiledDefinition | None) -> Decision | Undecided:
    """The decision of a plan as far as it can be told; the order is that of the engine."""
    if plan.verdict is not None:
        return plan.verdict
    if definition is not None and plan.validates and plan.validation_enforced:
        if told.valid is None:
            return Undecided(INVALID_ARGUMENTS)
        if not told.valid:
            return Decision("deny", INVALID_ARGUMENTS)
    for check in plan.checks:
        if not check.enforced:
            continue
        fires = told.fires(check.rule, definition)
        if fires is None:
            return Undecided(check.rule.name)
        if fires:
            return check.denied
    uses: list[Use] = []
    for limit in plan.limits:
        use = told.amount(limit, definition)
        if isinstance(use, Undecided):
            return use
        if use is not None:
            uses.append(use)
        elif limit.use.enforced:
            return Decision("deny", limit.use.rule)
    for ask in plan.asks:
        if not ask.enforced:
            continue
        asks = True if ask.rule is None else told.fires(ask.rule, definition)
        if asks is None:
            return Undecided(ask.name)
        if asks:
            return Decision("approve", ask.name, limits=tuple(uses))
    return Decision("allow", limits=tuple(uses))


def _key(rule: CompiledRule) -> tuple[Any, ...]:
    """What a rule says, whatever it is called and wherever it stands."""
    sides = (rule.conditions, rule.when or ())
    said = tuple(tuple((c.path, c.op, repr(c.operand)) for c, _ in side) for side in sides)
    return rule.kind == "require", rule.when is None, said


def _signature(plan: Plan) -> tuple[Any, ...]:
    return (
        plan.verdict,
        plan.steps,
        plan.validates and plan.validation_enforced,
        tuple((_key(check.rule), check.rule.name, check.enforced) for check in plan.checks),
        tuple((limit.use, limit.path) for limit in plan.limits),
        tuple((ask.name, ask.enforced, None if ask.rule is None else _key(ask.rule)) for ask in plan.asks),
    )


def _tops(conditions: Iterable[Condition]) -> frozenset[str]:
    """The arguments that conditions read."""
    return frozenset(str(condition.steps[0]) for condition in conditions)

"""A compiled policy, and the decision for a call (POLICY.md section 5, steps 3 and 5 to 10)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from gatepost.policy import messages
from gatepost.policy.canonical import version_of
from gatepost.policy.compiled import compile_entry, compile_rule_set
from gatepost.policy.decision import INVALID_ARGUMENTS, Decision, Use
from gatepost.policy.definition import CompiledDefinition, compile_definition
from gatepost.policy.explain import explain
from gatepost.policy.model import Document
from gatepost.policy.plan import Plan, Planner
from gatepost.policy.read import check_document
from gatepost.policy.sections import CompiledSection

_REMEMBERED = 16_384
"""How many rules and limits, over all tools, a policy keeps ready: names come from others, so it must be bounded."""

_DEFINITIONS = 256


class Policy:
    """One immutable version of a policy.

    Attributes:
        document: the document in plain values; not to be changed.
        canonical: its canonical bytes, which load to the same policy.
        version: `sha256:` and the digest of `canonical`.
    """

    __slots__ = (
        "_definitions",
        "_planner",
        "_plans",
        "_prompts",
        "_remembered",
        "_resources",
        "canonical",
        "document",
        "version",
    )

    def __init__(self, values: dict[str, Any], canonical_document: bytes, document: Document) -> None:
        """Use `compile_policy`."""
        self.document = values
        self.canonical = canonical_document
        self.version = version_of(canonical_document)
        self._planner = Planner(
            [compile_entry(entry, document.mode) for entry in document.tools.values()],
            compile_rule_set(document.all_tools, "/all_tools", document.mode),
            document.hide,
            default_allows=document.default == "allow",
            enforced=document.mode == "enforce",
        )
        self._resources = CompiledSection(
            document.resources, holder="/resources", default=document.default, mode=document.mode, uris=True
        )
        self._prompts = CompiledSection(
            document.prompts, holder="/prompts", default=document.default, mode=document.mode, uris=False
        )
        self._plans: dict[tuple[str, str | None], Plan] = {}
        self._remembered = 0
        self._definitions: dict[str, CompiledDefinition] = {}

    def decide(
        self,
        *,
        tool: str,
        arguments: dict[str, Any] | None = None,
        category: str | None = None,
        definition: CompiledDefinition | Mapping[str, Any] | None = None,
    ) -> Decision:
        """Judge one call of a tool. Never raises; what cannot be judged is denied.

        Args:
            tool: the name as called.
            arguments: the call's arguments in plain JSON values (Decimal for exact numbers); None for absent.
            category: "read", "write", "execute", "destructive" or "financial" as recorded with the definition.
            definition: what the server said of the tool: as in `tools/list`, or compiled. Without one nothing is
                validated, and no schema defaults are read.
        """
        plan = self._plans.get((tool, category)) or self._remember(tool, category)
        if plan.verdict is not None:
            return plan.verdict
        if arguments is None:
            arguments = {}
        elif not isinstance(arguments, dict):
            return Decision("deny", INVALID_ARGUMENTS, messages.arguments_invalid(tool, messages.NOT_AN_OBJECT))
        known = None if definition is None else self._compiled(definition)
        shadowed = plan.shadowed

        if known is not None and plan.validates:
            invalid = _invalid(known, arguments)
            if invalid is not None:
                message, failed = invalid
                if plan.validation_enforced or failed:
                    return Decision(
                        "deny", INVALID_ARGUMENTS, messages.arguments_invalid(tool, message), shadowed=shadowed
                    )
                shadowed += ((INVALID_ARGUMENTS, "deny"),)

        for check in plan.checks:
            try:
                if not check.fires(arguments, known):
                    continue
            except Exception:  # whatever goes wrong in a rule denies, in every mode
                return _failed(tool, check.rule.name, check.rule.leaf, shadowed)
            if check.enforced:
                return _with(check.denied, shadowed)
            shadowed += ((check.rule.name, "deny"),)

        uses = plan.uses
        if plan.metered:
            metered = _metered(plan, arguments, known)
            if isinstance(metered, Decision):
                return _with(metered, shadowed + metered.shadowed)
            uses, skipped = metered
            shadowed += skipped

        for ask in plan.asks:
            try:
                if ask.fires is not None and not ask.fires(arguments, known):
                    continue
            except Exception:
                return _failed(tool, ask.name, "" if ask.rule is None else ask.rule.leaf, shadowed)
            if ask.enforced:
                return Decision("approve", ask.name, ask.message, uses, True, shadowed, ask.approval)
            shadowed += ((ask.name, "approve"),)

        if shadowed:
            return Decision("allow", shadowed[0][0], "", uses, False, shadowed)
        return plan.allowed if uses is plan.uses else Decision("allow", limits=uses)

    def explain(
        self,
        *,
        tool: str,
        arguments: dict[str, Any] | None = None,
        category: str | None = None,
        definition: CompiledDefinition | Mapping[str, Any] | None = None,
    ) -> list[dict[str, Any]]:
        """Every step of judging a call, also those after the one that decides. The arguments are those of `decide`.

        Returns:
            One dict for each step, passed or not, in the order of evaluation: steps 2, 3, 6 and 7 once, 5 for each
            entry that applies (once where none does), 8 to 10 for each rule, limit and question that there is:

            * `step`: its number in the order of POLICY.md section 5;
            * `rule`: its name in the log, empty where no entry applies;
            * `kind`: "policy", "hide", "action", "default", "arguments", "require", "deny_if", "limit" or "approve_if";
            * `result`: "deny", "approve", "pass", "skipped" (its `when` is false, or there is nothing to check), "use"
              (a limit that counts), "error";
            * `enforced`: whether its result counts, or is only recorded;
            * `decides`: whether this is the step that decides (none does for a plain allow);
            * `message`: what the agent would be told, or empty;
            * `conditions`: for rules, dicts of `part` ("when" or "conditions"), `path`, `op`, `operand`, `value` (of a
              path with [*]: a list), `found` ("value", "missing", "unknown"; a list for [*]) and `result` (True, False,
              "unknown" or "error");
            * `use`: for limits that count, the use.
        """
        known = None if definition is None else self._compiled(definition)
        plan = self._plans.get((tool, category)) or self._remember(tool, category)
        return explain(plan, {} if arguments is None else arguments, known)

    def decide_resource(self, uri: str) -> Decision:
        """Judge the reading of, or subscribing to, one resource."""
        return self._resources.decide(uri)

    def decide_prompt(self, name: str) -> Decision:
        """Judge the getting of one prompt."""
        return self._prompts.decide(name)

    def admits(self, tool: str, category: str | None = None) -> Decision:
        """Judge what follows a call that was let through (polling its task): the steps that read no arguments."""
        plan = self._plans.get((tool, category)) or self._remember(tool, category)
        if plan.verdict is not None:
            return plan.verdict
        if plan.shadowed:
            return Decision("allow", plan.shadowed[0][0], enforced=False, shadowed=plan.shadowed)
        return Decision("allow")

    def hides(self, tool: str, category: str | None = None) -> bool:
        """Whether a tool is taken off `tools/list`, and unknown when called."""
        return self._planner.hidden(tool, category)

    def lists_resource(self, uri: str) -> bool:
        """Whether a resource stays on `resources/list`."""
        return self._resources.lists(uri)

    def lists_prompt(self, name: str) -> bool:
        """Whether a prompt stays on `prompts/list`."""
        return self._prompts.lists(name)

    def lists_template(self, uri_template: str) -> bool:
        """Whether a template stays on `resources/templates/list`: unless all that it can expand to is denied."""
        return self._resources.lists_template(uri_template)

    def _remember(self, tool: str, category: str | None) -> Plan:
        plan = self._planner.plan(tool, category)
        if self._remembered + plan.size > _REMEMBERED:
            self._plans.clear()
            self._remembered = 0
        self._plans[tool, category] = plan
        self._remembered += plan.size
        return plan

    def _compiled(self, definition: CompiledDefinition | Mapping[str, Any]) -> CompiledDefinition:
        if isinstance(definition, CompiledDefinition):
            return definition
        # by content: a caller may change the mapping, or make an equal one for each call
        try:
            content = repr(definition.get("inputSchema"))
        except (ValueError, RecursionError):  # it holds an integer of thousands of digits, or is nested without end
            return compile_definition(definition)
        compiled = self._definitions.get(content)
        if compiled is None:
            if len(self._definitions) >= _DEFINITIONS:
                self._definitions.clear()
            compiled = self._definitions[content] = compile_definition(definition)
        return compiled


def compile_policy(document: Mapping[str, Any] | str | bytes) -> Policy:
    """Check a policy document as a whole and compile it.

    Args:
        document: the JSON text, or its parsed value.

    Raises:
        PolicyError: with every error at once.
    """
    values, canonical_document, checked = check_document(document)
    return Policy(values, canonical_document, checked)


def _with(decision: Decision, shadowed: tuple[tuple[str, str], ...]) -> Decision:
    return replace(decision, shadowed=shadowed) if shadowed else decision


def _failed(tool: str, rule: str, leaf: str, shadowed: tuple[tuple[str, str], ...]) -> Decision:
    return Decision("deny", rule, messages.rule_failed(tool, leaf), shadowed=shadowed)


def _invalid(definition: CompiledDefinition, arguments: dict[str, Any]) -> tuple[str, bool] | None:
    """Why the arguments are not valid, and whether that is because the check itself failed."""
    try:
        why = definition.invalid(arguments)
    except Exception:
        return messages.NOT_CHECKED, True
    return None if why is None else (why, False)


def _metered(
    plan: Plan, arguments: dict[str, Any], definition: CompiledDefinition | None
) -> Decision | tuple[tuple[Use, ...], tuple[tuple[str, str], ...]]:
    """The uses with their amounts, and the shadow limits that have none.

    Or the denial, where a limit that blocks has no amount.
    """
    uses: list[Use] = []
    skipped: list[tuple[str, str]] = []
    for limit in plan.limits:
        rule = limit.use.rule
        try:
            use = limit.listed(arguments, definition)
        except Exception:
            message = messages.rule_failed(plan.tool, limit.use.counter)
            return Decision("deny", rule, message, shadowed=tuple(skipped))
        if use is not None:
            uses.append(use)
        elif limit.use.enforced:
            return Decision("deny", rule, limit.no_amount(plan.tool), shadowed=tuple(skipped))
        else:
            skipped.append((rule, "deny"))
    return tuple(uses), tuple(skipped)

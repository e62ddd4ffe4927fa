"""Policies of PolicyLayer Intercept: each tool has `rules: [{name, action, conditions, on_deny, rate_limit, state}]`.

Its rules are all requirements: each of a tool's, then each of `"*"`, has to hold. They become `require`, its counters
`limits`, a `deny` rule the action. What cannot be said in the same words is refused, and noted.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import re2

from gatepost.importing.converted import CannotConvert, Converted
from gatepost.policy import PolicyError, compile_policy

_WINDOWS = ("minute", "hour", "day")
_ARGUMENT_OPERATORS = frozenset({"eq", "neq", "in", "not_in", "lt", "lte", "gt", "gte", "regex", "contains", "exists"})
_LIMIT_OPERATORS = ("lte", "lt")
_COERCING = frozenset({"eq", "neq", "in", "not_in", "contains"})
_DOCUMENT_FIELDS = ("version", "description", "default", "hide", "tools")
_RULE_FIELDS = ("name", "action", "conditions", "on_deny", "rate_limit", "state")
_STATE_FIELDS = ("counter", "window", "increment", "increment_from")
_RATE = re2.compile(r"^([0-9]{1,9})/(minute|hour|day)$")
_PLAIN_MEMBER = re2.compile(r"^[A-Za-z0-9_$-]+$")
_NOT_IN_A_NAME = re2.compile(r"[^a-z0-9]+")
_NOT_IN_A_COUNTER = re2.compile(r"[^A-Za-z0-9_.-]+")
_LONGEST = 64
_GLOBAL = "_global"


def is_intercept(values: Any) -> bool:
    """Whether a document is written for Intercept: some tool of it has `rules`."""
    tools = values.get("tools") if isinstance(values, dict) else None
    return isinstance(tools, dict) and any(isinstance(tool, dict) and "rules" in tool for tool in tools.values())


def convert_intercept(values: Mapping[str, Any], *, scope: str = "server") -> Converted:
    """The policy that says the same.

    Args:
        values: the file's document, plain values.
        scope: whose counters are meant. Intercept's are those of whoever shares its state.

    Raises CannotConvert where Intercept would not take the file either.
    """
    _known(values, _DOCUMENT_FIELDS, "")
    if str(values.get("version")) != "1":
        raise CannotConvert("version: expected 1")
    default = values.get("default") or "allow"
    if default not in ("allow", "deny"):
        raise CannotConvert("default: expected allow or deny")
    document: dict[str, Any] = {"version": "1", "default": default}
    if isinstance(values.get("description"), str) and values["description"]:
        document["description"] = values["description"]
    made = Converted(None, document)
    tools = _object(values.get("tools") or {}, "tools")
    if hide := _hidden(values.get("hide") or [], made):
        document["hide"] = hide
    everywhere = _Rules("*", made, scope)
    entries: dict[str, Any] = {}
    for name, tool in tools.items():
        where = f"tools/{name}"
        rules = _object(tool or {}, where).get("rules") or []
        if not isinstance(rules, list):
            raise CannotConvert(f"{where}/rules: expected a list")
        if name == "*":
            everywhere.read(rules, where)
        elif "*" in name or name.startswith("@"):
            made.note(where, "In Intercept this is a tool of just that name, which no tool can have here; left out.")
        else:
            entry = _Rules(name, made, scope)
            entry.read(rules, where)
            entries[name] = entry.entry()
    if whole := everywhere.for_all():
        document["all_tools"] = whole
    document["tools"] = entries
    document["resources"] = {"default": "allow"}
    document["prompts"] = {"default": "allow"}
    _general(made)
    try:
        compile_policy(document)
    except PolicyError as error:
        raise CannotConvert(f"the policy that was made of it is not valid: {error}") from None
    return made


def _general(made: Converted) -> None:
    made.note("", "Intercept judges calls of tools only; resources and prompts are therefore allowed here, by section.")
    made.note("", "Arguments also have to satisfy the tool's schema here; `validate_arguments: false` turns that off.")


def _hidden(listed: Any, made: Converted) -> list[str]:
    if not isinstance(listed, list) or not all(isinstance(name, str) and name.strip() for name in listed):
        raise CannotConvert("hide: expected a list of names")
    names = list(dict.fromkeys(listed))
    if names:
        made.note(
            "", "A hidden tool answers like one that does not exist; in Intercept it says that a policy hides it."
        )
    for name in names:
        if "*" in name and name != "*":
            made.note(f"hide/{name}", "In Intercept this is just that name; here it is a glob, and hides more.")
    return names


class _Rules:
    """The rules of one tool, or of `*`."""

    def __init__(self, tool: str, made: Converted, scope: str) -> None:
        self._tool = tool
        self._made = made
        self._scope = scope
        self._denied: dict[str, Any] | None = None
        self._require: list[dict[str, Any]] = []
        self._deny_if: list[dict[str, Any]] = []
        self._limits: list[dict[str, Any]] = []
        self._names: set[str] = set()

    def entry(self) -> dict[str, Any]:
        """The entry of `tools`."""
        entry: dict[str, Any] = {}
        if self._denied is not None:
            entry["action"] = "deny"
            if self._denied.get("on_deny"):
                entry["reason"] = self._denied["on_deny"]
        return {**entry, **self._lists()}

    def for_all(self) -> dict[str, Any]:
        """What stands in `all_tools`: it has no action, so a rule that always denies is one of `deny_if`."""
        if self._denied is not None:
            self._deny_if.append({**self._denied, "conditions": []})
        return self._lists()

    def _lists(self) -> dict[str, Any]:
        lists = {"require": self._require, "deny_if": self._deny_if, "limits": self._limits}
        return {key: value for key, value in lists.items() if value}

    def read(self, rules: Iterable[Any], where: str) -> None:
        for number, rule in enumerate(rules):
            at = f"{where}/rules/{number}"
            self._rule(_object(rule, at), at)

    def _rule(self, rule: Mapping[str, Any], at: str) -> None:
        _known(rule, _RULE_FIELDS, at)
        name = self._name(rule.get("name"), at)
        action = rule.get("action") or "evaluate"
        conditions = rule.get("conditions") or []
        if action not in ("evaluate", "deny"):
            raise CannotConvert(f"{at}/action: expected evaluate or deny")
        if action == "deny":
            if conditions or rule.get("rate_limit"):
                raise CannotConvert(f"{at}: a rule that denies has no conditions and no rate_limit")
            if self._denied is None:
                self._denied = _said(rule, {"name": name})
            return
        if rule.get("rate_limit"):
            if conditions or rule.get("state"):
                raise CannotConvert(f"{at}: rate_limit goes without conditions and state")
            self._rate(rule, name, at)
            return
        if not isinstance(conditions, list) or not conditions:
            raise CannotConvert(f"{at}/conditions: expected at least one")
        self._evaluate(rule, name, conditions, at)

    def _rate(self, rule: Mapping[str, Any], name: str, at: str) -> None:
        match = _RATE.search(str(rule["rate_limit"]))
        if match is None or int(match[1]) == 0:
            raise CannotConvert(f"{at}/rate_limit: expected a number and a window, such as 5/hour")
        self._limit(rule, name, f"_rate_{match[2]}", match[2], Decimal(int(match[1])), None)

    def _evaluate(self, rule: Mapping[str, Any], name: str, conditions: list[Any], at: str) -> None:
        state = None if rule.get("state") is None else _object(rule["state"], f"{at}/state")
        counter = None if state is None else self._state(state, f"{at}/state")
        own = f"state.{_GLOBAL if self._tool == '*' else self._tool}.{counter}"
        kept, limited = [], False
        for number, condition in enumerate(conditions):
            place = f"{at}/conditions/{number}"
            values = _object(condition, place)
            path = values.get("path")
            if not isinstance(path, str) or not path.startswith(("args.", "state.")):
                raise CannotConvert(f"{place}/path: expected one that starts with args. or state.")
            if path.startswith("args."):
                kept.append(self._condition(values, place))
            elif path == own and values.get("op") in _LIMIT_OPERATORS and state is not None and not limited:
                limited = True
                self._counted(rule, name, state, str(counter), values, place)
            else:
                self._close(
                    rule, name, place, f"{path} is read without being counted, which no limit does: a tool's counters "
                    "belong to its own limits"
                )  # fmt: skip
                return
        if state is not None and not limited:
            self._made.note(f"{at}/state", "No condition limits this counter, so it is not counted; left out.")
        if None in kept:
            self._close(rule, name, at, "a condition of it compares with what no operator takes here")
        elif kept:
            self._require.append(_said(rule, {"name": name, "conditions": kept}))

    def _state(self, state: Mapping[str, Any], at: str) -> str:
        _known(state, _STATE_FIELDS, at)
        counter = state.get("counter")
        if not isinstance(counter, str) or not counter:
            raise CannotConvert(f"{at}/counter: expected a name")
        if state.get("window") not in _WINDOWS:
            raise CannotConvert(f"{at}/window: expected one of {', '.join(_WINDOWS)}")
        return counter

    def _counted(
        self,
        rule: Mapping[str, Any],
        name: str,
        state: Mapping[str, Any],
        counter: str,
        condition: Mapping[str, Any],
        place: str,
    ) -> None:
        """The limit that a counter with `lt` or `lte` is."""
        value = condition.get("value")
        if not isinstance(value, (int, float, Decimal)) or isinstance(value, bool):
            raise CannotConvert(f"{place}/value: expected a number")
        most = Decimal(int(value)) - (condition["op"] == "lt")
        amount = state.get("increment_from")
        step = state.get("increment") or 1
        if amount is not None:
            if not isinstance(amount, str) or not amount.startswith("args."):
                raise CannotConvert(f"{place}: increment_from has to start with args.")
            if self._tool == "*":
                self._close(rule, name, place, "a limit for every tool cannot count what an argument says")
                return
            self._made.note(place, "A call whose amount is missing, negative or no number is refused here.")
        elif not isinstance(step, int) or isinstance(step, bool) or step < 1:
            raise CannotConvert(f"{place}: increment has to be a whole number above 0")
        elif step != 1:
            self._made.note(place, f"Every call counts {step} there and 1 here; the most is divided by {step}.")
            most //= step
        self._limit(rule, name, counter, str(state["window"]), max(most, Decimal(0)), amount)

    def _limit(
        self, rule: Mapping[str, Any], name: str, counter: str, window: str, most: Decimal, amount: str | None
    ) -> None:
        made = self._made
        limit: dict[str, Any] = {
            "name": name,
            "counter": _counter(_GLOBAL if self._tool == "*" else self._tool, counter),
            "window": window,
            "max": int(most),
            "scope": self._scope,
        }
        if amount is not None:
            limit["amount"] = _path(amount)
        self._limits.append(_said(rule, limit))
        made.note(
            "", "A call that the server answers with an error keeps what it took from a limit; Intercept gives it back."
        )
        made.note(
            "",
            f"Counters are kept for each {self._scope}; Intercept's are shared by all that use its state. "
            "--scope chooses another.",
        )

    def _condition(self, values: Mapping[str, Any], place: str) -> dict[str, Any] | None:
        """A condition on arguments; None where no operator takes its operand."""
        _known(values, ("path", "op", "value"), place)
        op, value = values.get("op"), values.get("value")
        if op not in _ARGUMENT_OPERATORS:
            raise CannotConvert(f"{place}/op: {op!r} is no operator of Intercept")
        condition = {"path": _path(values["path"]), "op": op, "value": value}
        try:
            compile_policy(
                {"version": "1", "default": "deny", "tools": {"t": {"require": [{"conditions": [condition]}]}}}
            )
        except PolicyError:
            return None
        made = self._made
        made.note("", "A null argument counts as missing here, in every operator; Intercept compares it as a value.")
        if condition["path"].count(".") > 1:
            made.note("", "A path through what is no object is missing in Intercept; here it never helps the caller.")
        if op in _COERCING:
            made.note(
                "",
                "Values are compared by type here, and one of another type is refused; Intercept compares the texts of "
                'values, so that true equals "true".',
            )
        return condition

    def _close(self, rule: Mapping[str, Any], name: str, place: str, why: str) -> None:
        """What cannot be said is refused: a rule that always denies, in its place."""
        who = "Every call of every tool" if self._tool == "*" else f"Every call of {self._tool}"
        self._made.note(place, f"{why}. {who} is refused until you write it yourself.", refused=True)
        self._deny_if.append(_said(rule, {"name": name, "conditions": []}))

    def _name(self, name: Any, at: str) -> str:
        if not isinstance(name, str) or not name.strip():
            raise CannotConvert(f"{at}/name: is missing")
        slug = _NOT_IN_A_NAME.sub("-", name.lower()).strip("-")[:_LONGEST].strip("-") or "rule"
        found, number = slug, 1
        while found in self._names:
            number += 1
            found = f"{slug[: _LONGEST - 4]}-{number}"
        self._names.add(found)
        return found


def _said(rule: Mapping[str, Any], made: dict[str, Any]) -> dict[str, Any]:
    """With the author's text for the agent, where there is one."""
    on_deny = rule.get("on_deny")
    return {**made, "on_deny": on_deny} if isinstance(on_deny, str) and on_deny else made


def _path(path: str) -> str:
    """A path, members with other characters quoted; Intercept knows neither indexes nor quotes."""
    parts = path.split(".")[1:]
    return "args" + "".join(
        f".{part}" if _PLAIN_MEMBER.search(part) else f"[{json.dumps(part, ensure_ascii=False)}]" for part in parts
    )


def _counter(scope: str, counter: str) -> str:
    """A counter's name; here they are of the server, so the tool becomes part of it."""
    name = str(_NOT_IN_A_COUNTER.sub(".", f"{scope}.{counter}"))
    if len(name) <= _LONGEST:
        return name
    return f"{name[: _LONGEST - 9]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _object(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise CannotConvert(f"{where}: expected an object")
    return value


def _known(values: Mapping[str, Any], fields: tuple[str, ...], where: str) -> None:
    for key in values:
        if key not in fields:
            raise CannotConvert(f"{where}/{key}: is no field of Intercept")

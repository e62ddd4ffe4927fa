"""What the rules of one tool become, of a policy of PolicyLayer Intercept.

A rule is `{name, action, conditions, on_deny, rate_limit, state}`, and in later versions also `approval_timeout` and
`spend`. All of them are requirements: each of a tool's, then each of `"*"`, has to hold. They become `require`,
counters `limits`, a `deny` rule the action, a `require_approval` rule one of `approve_if`. What cannot be said in the
same words is refused, and noted.
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
_ACTIONS = ("evaluate", "deny", "require_approval")
_ARGUMENT_OPERATORS = frozenset({"eq", "neq", "in", "not_in", "lt", "lte", "gt", "gte", "regex", "contains", "exists"})
_LIMIT_OPERATORS = ("lte", "lt")
_COERCING = frozenset({"eq", "neq", "in", "not_in", "contains"})
_RULE_FIELDS = (
    "name", "action", "conditions", "on_deny", "reason", "rate_limit", "state", "approval_timeout", "spend"
)  # fmt: skip
_STATE_FIELDS = ("counter", "window", "increment", "increment_from")
_RATE = re2.compile(r"^([0-9]{1,9})/(minute|hour|day)$")
_DURATION = re2.compile(r"^(?:([0-9]{1,6})h)?(?:([0-9]{1,6})m)?(?:([0-9]{1,6})s)?$")
_PLAIN_MEMBER = re2.compile(r"^[A-Za-z0-9_$-]+$")
_NOT_IN_A_NAME = re2.compile(r"[^a-z0-9]+")
_NOT_IN_A_COUNTER = re2.compile(r"[^A-Za-z0-9_.-]+")
_LONGEST = 64
_LONGEST_WAIT = 31 * 24 * 3600
_GLOBAL = "_global"


class Rules:
    """The rules of one tool, or of `*`."""

    def __init__(self, tool: str, made: Converted, scope: str, timeout: Any) -> None:
        self._tool = tool
        self._made = made
        self._scope = scope
        self._timeout = timeout
        self._denied: dict[str, Any] | None = None
        self._require: list[dict[str, Any]] = []
        self._deny_if: list[dict[str, Any]] = []
        self._approve_if: list[dict[str, Any]] = []
        self._waits: set[int] = set()
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
        lists: dict[str, Any] = {
            "require": self._require,
            "deny_if": self._deny_if,
            "approve_if": self._approve_if,
            "limits": self._limits,
            "approval": {"timeout": _time(min(self._waits))} if self._waits else None,
        }
        return {key: value for key, value in lists.items() if value}

    def read(self, rules: Iterable[Any], where: str) -> None:
        for number, rule in enumerate(rules):
            at = f"{where}/rules/{number}"
            self._rule(object_at(rule, at), at)

    def _rule(self, rule: Mapping[str, Any], at: str) -> None:
        known_only(rule, _RULE_FIELDS, at)
        name = self._name(rule, at)
        action = rule.get("action") or "evaluate"
        conditions = rule.get("conditions") or []
        if action not in _ACTIONS:
            raise CannotConvert(f"{at}/action: expected {', '.join(_ACTIONS[:-1])} or {_ACTIONS[-1]}")
        if not isinstance(conditions, list):
            raise CannotConvert(f"{at}/conditions: expected a list")
        if rule.get("reason") and rule.get("on_deny"):
            raise CannotConvert(f"{at}: on_deny and reason are the same; one of them is enough")
        for key in ("on_deny", "reason"):
            if not isinstance(rule.get(key) or "", str):
                raise CannotConvert(f"{at}/{key}: expected a text")
        if rule.get("approval_timeout") is not None and action != "require_approval":
            raise CannotConvert(f"{at}/approval_timeout: goes with the action require_approval only")
        if rule.get("spend") is not None:
            self._close(
                rule, name, f"{at}/spend", "A budget for what a server charges cannot be said: no price is read here"
            )
            return
        if action == "require_approval":
            if rule.get("rate_limit"):
                raise CannotConvert(f"{at}: rate_limit goes without an action")
            self._ask(rule, name, conditions, at)
            return
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
        if not conditions:
            raise CannotConvert(f"{at}/conditions: expected at least one")
        self._evaluate(rule, name, conditions, at)

    def _ask(self, rule: Mapping[str, Any], name: str, conditions: list[Any], at: str) -> None:
        """A rule that waits for a person where its conditions hold, all of them; without one, always."""
        made, kept = self._made, []
        for number, condition in enumerate(conditions):
            place = f"{at}/conditions/{number}"
            values = object_at(condition, place)
            read = self._condition(values, place) if _path_of(values, place).startswith("args.") else None
            if read is None:
                made.note(place, "This cannot be said of an approval here, so that a person is asked every time.")
            kept.append(read)
        if rule.get("state") is not None:
            made.note(f"{at}/state", "A rule that asks counts nothing here; left out.")
        asked = rule.get("approval_timeout") or self._timeout
        if asked is not None:
            self._waits.add(_seconds(asked, f"{at}/approval_timeout"))
            if len(self._waits) > 1:
                made.note(
                    f"{at}/approval_timeout", "A tool's approvals share one time here, the shortest of all its rules'."
                )
        else:
            made.note("", "An approval without a time of its own expires after 30 minutes here.")
        readable = [condition for condition in kept if condition is not None]
        said = {"name": name, "conditions": readable if len(readable) == len(kept) else []}
        self._approve_if.append(_said(rule, said))
        made.note(
            "", "Every rule that refuses goes before those that ask here; in Intercept the first of them decides."
        )
        made.note(
            "",
            "People answer in Gatepost itself: where nobody is set up to, a call that asks is not made. An answer "
            "serves one call, also where the server then fails; Intercept gives it back.",
        )

    def _rate(self, rule: Mapping[str, Any], name: str, at: str) -> None:
        match = _RATE.search(str(rule["rate_limit"]))
        if match is None or int(match[1]) == 0:
            raise CannotConvert(f"{at}/rate_limit: expected a number and a window, such as 5/hour")
        self._limit(rule, name, f"_rate_{match[2]}", match[2], Decimal(int(match[1])), None)

    def _evaluate(self, rule: Mapping[str, Any], name: str, conditions: list[Any], at: str) -> None:
        state = None if rule.get("state") is None else object_at(rule["state"], f"{at}/state")
        counter = None if state is None else self._state(state, f"{at}/state")
        own = f"state.{_GLOBAL if self._tool == '*' else self._tool}.{counter}"
        kept, limited = [], False
        for number, condition in enumerate(conditions):
            place = f"{at}/conditions/{number}"
            values = object_at(condition, place)
            path = _path_of(values, place)
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
        known_only(state, _STATE_FIELDS, at)
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
            self._made.note(
                place,
                "A call whose amount is missing, negative or no number is refused here; a fraction counts, and is "
                "dropped in Intercept.",
            )
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
        known_only(values, ("path", "op", "value"), place)
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
                "Values are compared by type here, and one of another type is refused, or asks where the rule does; "
                'Intercept compares the texts of values, so that true equals "true".',
            )
        return condition

    def _close(self, rule: Mapping[str, Any], name: str, place: str, why: str) -> None:
        """What cannot be said is refused: a rule that always denies, in its place."""
        who = "Every call of every tool" if self._tool == "*" else f"Every call of {self._tool}"
        self._made.note(place, f"{why}. {who} is refused until you write it yourself.", refused=True)
        self._deny_if.append(_said(rule, {"name": name, "conditions": []}))

    def _name(self, rule: Mapping[str, Any], at: str) -> str:
        """The rule's name in letters that one has here, unlike those before it.

        A rule without one, as in examples that are published of Intercept, is named for what it does.
        """
        name = rule.get("name")
        if name is None:
            name = "rate limit" if rule.get("rate_limit") else rule.get("action") or "rule"
            self._made.note(at, f"The rule has no name, which Intercept wants; it is called {name!r} here.")
        if not isinstance(name, str) or not name.strip():
            raise CannotConvert(f"{at}/name: expected words")
        slug = _NOT_IN_A_NAME.sub("-", name.lower()).strip("-")[:_LONGEST].strip("-") or "rule"
        found, number = slug, 1
        while found in self._names:
            number += 1
            found = f"{slug[: _LONGEST - 4]}-{number}"
        self._names.add(found)
        return found


def _said(rule: Mapping[str, Any], made: dict[str, Any]) -> dict[str, Any]:
    """With the author's text for the agent, where there is one."""
    on_deny = rule.get("on_deny") or rule.get("reason")
    return {**made, "on_deny": on_deny} if on_deny else made


def _path_of(condition: Mapping[str, Any], place: str) -> str:
    path = condition.get("path")
    if not isinstance(path, str) or not path.startswith(("args.", "state.")):
        raise CannotConvert(f"{place}/path: expected one that starts with args. or state.")
    return path


def _seconds(text: Any, place: str) -> int:
    """A time as Go writes it, such as 1h30m."""
    match = _DURATION.search(str(text))
    hours, minutes, seconds = (int(part or 0) for part in match.groups()) if match else (0, 0, 0)
    whole = hours * 3600 + minutes * 60 + seconds
    if not 0 < whole <= _LONGEST_WAIT:
        raise CannotConvert(f"{place}: expected a time such as 30m or 1h30m, at most 31 days")
    return whole


def _time(seconds: int) -> str:
    for size, unit in ((3600, "h"), (60, "m")):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


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


def object_at(value: Any, where: str) -> Mapping[str, Any]:
    """The value, which has to be an object. Raises CannotConvert."""
    if not isinstance(value, dict):
        raise CannotConvert(f"{where}: expected an object")
    return value


def known_only(values: Mapping[str, Any], fields: tuple[str, ...], where: str) -> None:
    """Raises CannotConvert, naming the first field that Intercept does not have."""
    for key in values:
        if key not in fields:
            raise CannotConvert(f"{where}/{key}: is no field of Intercept")

"""Argument rules that a tool's schema speaks for. They need a value of yours: which folder, which host, how much."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from gatepost.catalogue.listed import ListedTool
from gatepost.catalogue.schema_facts import Parameter, kind_of
from gatepost.catalogue.words import name_words, vocabulary

FOLDER: Final = "/srv/agent"
HOST: Final = "api.example.com"
DOMAIN: Final = "example.com"
AMOUNT: Final = 1000

_ID: Final = "[A-Za-z0-9_-]{1,64}"
# Every segment begins with a letter, a digit or an underscore: no `..`, no leading slash, no hidden file.
_RELATIVE: Final = "(?:[A-Za-z0-9_][A-Za-z0-9_. -]*/)*[A-Za-z0-9_][A-Za-z0-9_. -]*"
_ELSEWHERE: Final = vocabulary("repo repository owner project bucket vault")
_RECIPIENTS: Final = vocabulary("to cc bcc recipient recipients email emails attendees invitees share_with user_email")


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One rule for one argument of one tool.

    Attributes:
        tool, parameter: what it is about.
        member: the list of the tool's entry it goes into: `require`, `deny_if`, `approve_if` or `limits`.
        rule: what goes there, ready to load; the value in it is an example.
        reason: why.
        change: what of it is yours to change, or empty.
    """

    tool: str
    parameter: str
    member: str
    rule: dict[str, Any]
    reason: str
    change: str

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "tool": self.tool,
            "parameter": self.parameter,
            "member": self.member,
            "rule": self.rule,
            "reason": self.reason,
            "change": self.change,
        }


def suggestions(tool: ListedTool) -> tuple[Suggestion, ...]:
    """Every argument rule that the tool's schema speaks for, in the order of its parameters."""
    found: list[Suggestion] = []
    for parameter in tool.facts.parameters:
        one = _suggest(tool, parameter)
        if one is not None:
            found.append(one)
    return tuple(found)


def _suggest(tool: ListedTool, parameter: Parameter) -> Suggestion | None:
    name, facts = parameter.name, tool.facts
    if _holds_objects(parameter):  # what the name speaks of is within them
        return None
    if name in facts.credentials and tool.category != "execute":
        rule = _rule(parameter, "no-secret", "exists", True, "A secret does not belong in an argument.")
        return Suggestion(tool.name, name, "deny_if", rule, "What an agent writes ends in logs and contexts.", "")
    if name in facts.code and tool.category == "execute" and "runs-code" in tool.classification.signals:
        rule = _rule(parameter, "asks-first", "exists", True, "")
        del rule["on_deny"]
        return Suggestion(
            tool.name, name, "approve_if", rule, "It runs what it is given; let a person read it first.", ""
        )
    if name in facts.urls:
        rule = _require(parameter, "host", "host_in", [HOST], f"{name} must lead to an allowed host.")
        return Suggestion(
            tool.name, name, "require", rule, "A URL can lead inside your network, or carry data out.", "the hosts"
        )
    if name in facts.paths:
        return _path(tool, parameter)
    if tool.category == "financial" and name in facts.amounts and parameter.kind in ("number", "integer", ""):
        return _amount(tool, parameter)
    if _is_recipient(parameter) and "sends-messages" in tool.classification.signals:
        rule = _require(parameter, "recipient", "email_domain_in", [DOMAIN], "Mail only goes to allowed domains.")
        return Suggestion(tool.name, name, "require", rule, "It reaches other people.", "the domains")
    if parameter.kind in ("string", "") and parameter.words[-1:] == ("id",) and "format" not in parameter.schema:
        if tool.category == "read" and not parameter.required:
            return None
        rule = _require(parameter, "is-an-id", "matches", _ID, f"{name} must be an id.")
        return Suggestion(
            tool.name, name, "require", rule, "An id that holds slashes or dots can reach another thing.", "the form"
        )
    return None


def _path(tool: ListedTool, parameter: Parameter) -> Suggestion:
    others = {word for one in tool.facts.parameters if one.name != parameter.name for word in one.words}
    inside = bool(_ELSEWHERE & others) and _ELSEWHERE.isdisjoint(parameter.words)  # `repo_path` is the place itself
    if inside or is_relative(parameter.schema.get("description")):
        rule = _require(parameter, "stays-inside", "matches", _RELATIVE, f"{parameter.name} must stay inside.")
        why = "A path with dots or a leading slash leaves the place that is meant."
        return Suggestion(tool.name, parameter.name, "require", rule, why, "the form")
    rule = _require(parameter, "folder", "path_within", [FOLDER], f"{parameter.name} must lie in an allowed folder.")
    return Suggestion(
        tool.name, parameter.name, "require", rule, "A path can name any file its server may open.", "the folders"
    )


def is_relative(text: object) -> bool:
    """Whether the text of a path says that it is relative to some place, and not that it may be absolute as well."""
    said = text[:400].lower() if isinstance(text, str) else ""
    return "relative" in said and "absolute" not in said


def _holds_objects(parameter: Parameter) -> bool:
    items = parameter.schema.get("items")
    return parameter.kind == "array" and isinstance(items, Mapping) and kind_of(items) == "object"


def _amount(tool: ListedTool, parameter: Parameter) -> Suggestion | None:
    if not parameter.required and "default" not in parameter.schema:
        rule = _rule(parameter, "too-much", "gt", AMOUNT, f"{parameter.name} is over the limit.")
        rule["when"] = [{"path": _path_of(parameter, whole=True), "op": "exists", "value": True}]
        return Suggestion(tool.name, parameter.name, "deny_if", rule, "One call must not move any sum.", "the sum")
    limit = {
        "counter": counter_name(tool.name, "amount"),
        "window": "day",
        "max": AMOUNT,
        "amount": _path_of(parameter),
    }
    return Suggestion(
        tool.name, parameter.name, "limits", limit, "Many small sums are a large one: what a day may move.", "the sum"
    )


def _is_recipient(parameter: Parameter) -> bool:
    return parameter.kind in ("string", "array", "") and parameter.name.lower() in _RECIPIENTS


def _require(parameter: Parameter, name: str, op: str, value: Any, on_deny: str) -> dict[str, Any]:
    rule = _rule(parameter, name, op, value, on_deny)
    if not parameter.required:
        rule["when"] = [{"path": _path_of(parameter, whole=True), "op": "exists", "value": True}]
    return rule


def _rule(parameter: Parameter, name: str, op: str, value: Any, on_deny: str) -> dict[str, Any]:
    whole = op == "exists"
    slug = "-".join(name_words(parameter.name))[:40].encode("ascii", "ignore").decode().strip("-")
    return {
        "name": f"{slug}-{name}" if slug else name,
        "conditions": [{"path": _path_of(parameter, whole=whole), "op": op, "value": value}],
        "on_deny": on_deny,
    }


def _path_of(parameter: Parameter, *, whole: bool = False) -> str:
    """The policy path of a parameter: quoted where its name needs it, every element of an array unless `whole`."""
    name = parameter.name
    plain = name.isascii() and name.replace("_", "a").isalnum() and not name[0].isdigit()
    path = f"args.{name}" if plain else 'args["' + name.replace("\\", "\\\\").replace('"', '\\"') + '"]'
    return path + "[*]" if parameter.kind == "array" and not whole else path


def counter_name(tool: str, what: str) -> str:
    """`TOOL_what`, cut to what a counter may be called; a name that had to be changed gets a mark of its own."""
    import hashlib

    kept = "".join(
        character if character.isascii() and (character.isalnum() or character in "_.-") else "." for character in tool
    )
    name = f"{kept}_{what}"
    if kept == tool and len(name) <= 64:
        return name
    mark = hashlib.sha256(tool.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{kept[: 64 - len(what) - 10]}.{mark}_{what}"

"""Policies of PolicyLayer Intercept: `default`, `hide`, and `tools`, each of them with `rules`.

What the rules of a tool become is in intercept_rules.py. Here is the document around them, and how it is told apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gatepost.importing.converted import CannotConvert, Converted
from gatepost.importing.intercept_rules import Rules, known_only, object_at
from gatepost.policy import PolicyError, compile_policy

_DOCUMENT_FIELDS = ("version", "description", "default", "hide", "tools", "approvals")


def is_intercept(values: Any) -> bool:
    """Whether a document is written for Intercept.

    It is where a tool of it has `rules`, and where it says no more than Intercept can: a `version` with `default`,
    `hide` or both, and at most names under `tools`.
    """
    if not isinstance(values, dict):
        return False
    tools = values.get("tools")
    each = list(tools.values()) if isinstance(tools, dict) else []
    if any(isinstance(tool, dict) and "rules" in tool for tool in each):
        return True
    bare = tools is None or (isinstance(tools, dict) and not any(each))
    says = any(field in values for field in ("default", "hide", "tools"))
    return bare and says and "version" in values and all(field in _DOCUMENT_FIELDS for field in values)


def convert_intercept(values: Mapping[str, Any], *, scope: str = "server") -> Converted:
    """The policy that says the same.

    Args:
        values: the file's document, plain values.
        scope: whose counters are meant. Intercept's are those of whoever shares its state.

    Raises CannotConvert where Intercept would not take the file either.
    """
    known_only(values, _DOCUMENT_FIELDS, "")
    if str(values.get("version")) != "1":
        raise CannotConvert("version: expected 1")
    default = values.get("default") or "allow"
    if default not in ("allow", "deny"):
        raise CannotConvert("default: expected allow or deny")
    document: dict[str, Any] = {"version": "1", "default": default}
    if isinstance(values.get("description"), str) and values["description"]:
        document["description"] = values["description"]
    made = Converted(None, document)
    timeout = _approvals(values.get("approvals"), made)
    tools = object_at(values.get("tools") or {}, "tools")
    if hide := _hidden(values.get("hide") or [], made):
        document["hide"] = hide
    everywhere = Rules("*", made, scope, timeout)
    entries: dict[str, Any] = {}
    for name, tool in tools.items():
        where = f"tools/{name}"
        known_only(object_at(tool or {}, where), ("rules",), where)
        rules = (tool or {}).get("rules") or []
        if not isinstance(rules, list):
            raise CannotConvert(f"{where}/rules: expected a list")
        if name == "*":
            everywhere.read(rules, where)
        elif "*" in name or name.startswith("@"):
            made.note(where, "In Intercept this is a tool of just that name, which no tool can have here; left out.")
        else:
            entry = Rules(name, made, scope, timeout)
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


def _approvals(settings: Any, made: Converted) -> Any:
    """How long a person has where a rule does not say; the rest of `approvals` is about how Intercept asks."""
    if settings is None:
        return None
    for key in object_at(settings, "approvals"):
        if key != "default_timeout":
            made.note(f"approvals/{key}", "Nobody is told of approvals yet: what needs one is refused. Left out.")
    return settings.get("default_timeout")

"""The policy language a second time: simple, slow, and written from the language's description alone.

Nothing of the engine is imported, so that a mistake would have to be made twice. Every function does one paragraph of
the description in the plainest way. `judge` answers what the engine's `decide` answers, as plain values.

Regular expressions go through Python's `re`, so only harmless patterns may be given; `$` must only stand at the end.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

MISSING = "«missing»"
UNKNOWN = "«unknown»"

CATEGORIES = ["destructive", "execute", "financial", "read", "write"]
STRICTEST_FIRST = ["hide", "deny", "require_approval", "allow"]


# --- globs -----------------------------------------------------------------------------------------------------------


def glob_matches(pattern: str, text: str) -> bool:
    if pattern == "":
        return text == ""
    if pattern[0] == "*":
        return any(glob_matches(pattern[1:], text[cut:]) for cut in range(len(text) + 1))
    return text != "" and text[0] == pattern[0] and glob_matches(pattern[1:], text[1:])


# --- numbers ---------------------------------------------------------------------------------------------------------


def is_number(value: Any) -> bool:
    return not isinstance(value, bool) and isinstance(value, (int, float, Decimal))


def exact(value: Any) -> Decimal:
    return Decimal(repr(value)) if isinstance(value, float) else Decimal(value)


def is_known_number(value: Any) -> bool:
    """Its exact value is the shortest decimal of its binary64."""
    number = exact(value)
    if not number.is_finite():
        return False
    try:
        binary = float(number)
    except OverflowError:
        return False
    return binary not in (float("inf"), float("-inf")) and Decimal(repr(binary)) == number


# --- paths -----------------------------------------------------------------------------------------------------------


def steps_of(path: str) -> list[Any]:
    """`args.a[0][*]["b.c"]` → ["a", 0, "*", ("b.c",)]: a name is a str or a one-tuple, every element is "*"."""
    steps: list[Any] = []
    rest = path[len("args") :]
    while rest:
        if rest.startswith("."):
            end = 1
            while end < len(rest) and rest[end] not in ".[":
                end += 1
            steps.append((rest[1:end],))
            rest = rest[end:]
        elif rest.startswith("[*]"):
            steps.append("*")
            rest = rest[3:]
        elif rest.startswith('["'):
            name, length = json.JSONDecoder().raw_decode(rest[1:])
            steps.append((name,))
            rest = rest[1 + length + 1 :]
        else:
            end = rest.index("]")
            steps.append(int(rest[1:end]))
            rest = rest[end + 1 :]
    return steps


def values_at(arguments: dict[str, Any], path: str, schema: Any) -> list[Any]:
    """Every value at the path; MISSING and UNKNOWN stand among them. Without `[*]` it is exactly one."""
    found: list[tuple[Any, Any]] = [(arguments, schema)]
    for step in steps_of(path):
        after: list[tuple[Any, Any]] = []
        for value, shape in found:
            if value is MISSING or value is None:
                after.append((MISSING, None))
            elif value is UNKNOWN:
                after.append((UNKNOWN, None))
            elif step == "*":
                if isinstance(value, list):
                    after += [(item, items_of(shape)) for item in value]
                else:
                    after.append((UNKNOWN, None))
            elif isinstance(step, tuple):
                (name,) = step
                if not isinstance(value, dict):
                    after.append((UNKNOWN, None))
                elif name in value:
                    after.append((value[name], property_of(shape, name)))
                else:
                    inner = property_of(shape, name)
                    default = inner.get("default", MISSING) if isinstance(inner, dict) else MISSING
                    after.append((default, inner))
            elif not isinstance(value, list):
                after.append((UNKNOWN, None))
            else:
                after.append((value[step], items_of(shape)) if step < len(value) else (MISSING, None))
        found = after
    return [MISSING if value is None else value for value, _ in found]


def property_of(schema: Any, name: str) -> Any:
    return schema.get("properties", {}).get(name) if isinstance(schema, dict) else None


def items_of(schema: Any) -> Any:
    return schema.get("items") if isinstance(schema, dict) else None


# --- operators: True, False or UNKNOWN for one value -----------------------------------------------------------------


def same_type(value: Any, operand: Any) -> bool:
    if isinstance(operand, bool):
        return isinstance(value, bool)
    if isinstance(operand, str):
        return isinstance(value, str)
    return is_number(value)


def equal(value: Any, operand: Any) -> Any:
    if not same_type(value, operand):
        return UNKNOWN
    if is_number(value):
        return exact(value) == exact(operand)
    return value == operand


def operate(op: str, operand: Any, value: Any, where: str) -> Any:
    """`where` is the list the condition stands in: require, deny_if, approve_if or when."""
    if value is UNKNOWN:
        return UNKNOWN
    if value is not MISSING and is_number(value) and not is_known_number(value):
        return UNKNOWN
    if op == "exists":
        return (value is not MISSING) == operand
    if value is MISSING:
        return op in ("neq", "not_in") and where != "require"
    if op == "eq":
        return equal(value, operand)
    if op == "neq":
        result = equal(value, operand)
        return result if result is UNKNOWN else not result
    if op in ("in", "not_in"):
        if not same_type(value, operand[0]):
            return UNKNOWN
        inside = any(equal(value, one) is True for one in operand)
        return inside if op == "in" else not inside
    if op in ("lt", "lte", "gt", "gte"):
        if not is_number(value):
            return UNKNOWN
        left, right = exact(value), exact(operand)
        return {"lt": left < right, "lte": left <= right, "gt": left > right, "gte": left >= right}[op]
    if op == "contains":
        return contains(value, operand)
    if op in ("max_length", "min_length"):
        if not isinstance(value, (str, list, dict)):
            return UNKNOWN
        return len(value) <= operand if op == "max_length" else len(value) >= operand
    if not isinstance(value, str):
        return UNKNOWN
    if op in ("regex", "matches"):
        if holds_no_json(value):  # a regular expression reads Unicode text
            return UNKNOWN
        pattern = re.compile(operand.replace("$", r"\Z"), re.ASCII)
        return (pattern.search(value) if op == "regex" else pattern.fullmatch(value)) is not None
    if op in ("starts_with", "ends_with"):
        affixes = [operand] if isinstance(operand, str) else operand
        if op == "starts_with":
            return any(value[: len(affix)] == affix for affix in affixes)
        return any(affix == "" or value[-len(affix) :] == affix for affix in affixes)
    if op == "host_in":
        return host_in(value, operand)
    if op == "path_within":
        return path_within(value, operand)
    assert op == "email_domain_in", op
    return email_domain_in(value, operand)


def contains(value: Any, operand: Any) -> Any:
    if isinstance(value, str):
        return operand in value if isinstance(operand, str) else UNKNOWN
    if not isinstance(value, list):
        return UNKNOWN
    answers = []
    for item in value:
        if item is None or (is_number(item) and not is_known_number(item)):
            answers.append(UNKNOWN)
        else:
            answers.append(equal(item, operand))
    if True in answers:
        return True
    return UNKNOWN if UNKNOWN in answers else False


DIGITS = "0123456789"
NAME_CHARACTERS = "abcdefghijklmnopqrstuvwxyz" + DIGITS + "-_"


def ascii_lower(text: str) -> str:
    return "".join(chr(ord(character) + 32) if "A" <= character <= "Z" else character for character in text)


def host_of(url: str) -> Any:
    scheme, separator, rest = url.partition("://")
    if not separator or ascii_lower(scheme) not in ("http", "https"):
        return UNKNOWN
    before_slash = rest.split("/")[0]
    if "@" in before_slash or "\\" in before_slash:
        return UNKNOWN
    authority = before_slash.split("?")[0].split("#")[0]
    if authority.startswith("["):
        return ipv6_host(authority)
    host, colon, port = authority.partition(":")
    if colon and port and (not all(digit in DIGITS for digit in port) or len(port) > 5 or int(port) > 65535):
        return UNKNOWN
    host = ascii_lower(host)
    trailing_dot = host.endswith(".")
    if trailing_dot:
        host = host[:-1]
    labels = host.split(".")
    if len(host) > 253 or any(not 1 <= len(label) <= 63 for label in labels):
        return UNKNOWN
    if any(character not in NAME_CHARACTERS for label in labels for character in label):
        return UNKNOWN
    last = labels[-1]
    if all(digit in DIGITS for digit in last) or re.fullmatch("0x[0-9a-f]*", last):
        canonical = len(labels) == 4 and all(
            all(digit in DIGITS for digit in label) and str(int(label)) == label and int(label) <= 255
            for label in labels
        )
        return host if canonical and not trailing_dot else UNKNOWN
    return host


# the addresses that the generator makes; a general reading of IPv6 would be another implementation of it
CANONICAL_IPV6 = {"[::1]", "[2001:db8::1]"}


def ipv6_host(authority: str) -> Any:
    host, bracket, port = authority.partition("]")
    if port and not (
        port.startswith(":") and all(digit in DIGITS for digit in port[1:]) and int(port[1:] or 0) <= 65535
    ):
        return UNKNOWN
    host = ascii_lower(host + bracket)
    return host if host in CANONICAL_IPV6 else UNKNOWN


def host_in(url: str, operand: list[str]) -> Any:
    host = host_of(url)
    if host is UNKNOWN:
        return UNKNOWN
    is_address = host.startswith("[") or all(label.isdigit() for label in host.split("."))
    for one in operand:
        one = ascii_lower(one)
        if one.startswith("."):
            if not is_address and len(host) > len(one) and host[-len(one) :] == one:
                return True
        elif host in (one, f"[{one}]"):
            return True
    return False


def has_control(text: str) -> bool:
    return any(ord(character) < 32 or 127 <= ord(character) < 160 for character in text)


def path_within(path: str, folders: list[str]) -> Any:
    if not path.startswith("/") or "\\" in path or has_control(path) or re.search("%[0-9a-fA-F][0-9a-fA-F]", path):
        return UNKNOWN
    if path.startswith("//") and not path.startswith("///"):
        return UNKNOWN
    real = absolute(path)
    for folder in folders:
        inside = absolute(folder)
        if real == inside or real.startswith(inside.rstrip("/") + "/"):
            return True
    return False


def absolute(path: str) -> str:
    resolved = "/"
    for name in path.split("/"):
        if name in ("", "."):
            continue
        parent = resolved[: resolved.rindex("/")] or "/"
        resolved = parent if name == ".." else resolved.rstrip("/") + "/" + name
    return resolved


def email_domain_in(address: str, domains: list[str]) -> Any:
    if address.count("@") != 1 or has_control(address) or any(odd in address for odd in ' ,;:<>()"\\'):
        return UNKNOWN
    local, domain = address.split("@")
    domain = ascii_lower(domain)
    labels = domain.split(".")
    if not local or any(not 1 <= len(label) <= 63 or set(label) - set(NAME_CHARACTERS) for label in labels):
        return UNKNOWN
    return domain in [ascii_lower(one) for one in domains]


# --- conditions and rules --------------------------------------------------------------------------------------------


def condition_value(condition: dict[str, Any], arguments: dict[str, Any], schema: Any, where: str) -> Any:
    values = values_at(arguments, condition["path"], schema)
    answers = [operate(condition["op"], condition["value"], value, where) for value in values]
    if "[*]" not in condition["path"].replace('"[*]"', ""):
        return answers[0]
    if where == "require":
        return False if False in answers else UNKNOWN if UNKNOWN in answers else True
    return True if True in answers else UNKNOWN if UNKNOWN in answers else False


def conjunction(answers: list[Any]) -> Any:
    return False if False in answers else UNKNOWN if UNKNOWN in answers else True


def rule_applies(rule: dict[str, Any], where: str, arguments: dict[str, Any], schema: Any) -> bool:
    """Whether a rule of the list `where` denies (or asks)."""
    if "when" in rule:
        guard = conjunction([condition_value(one, arguments, schema, "when") for one in rule["when"]])
        if guard is False:
            return False
    value = conjunction([condition_value(one, arguments, schema, where) for one in rule["conditions"]])
    return value is not True if where == "require" else value is not False


# --- names -----------------------------------------------------------------------------------------------------------


def escaped(text: str) -> str:
    return text.replace("~", "~0").replace("/", "~1")


def rule_leaves(rules: list[dict[str, Any]]) -> list[str]:
    return numbered(
        [
            rule.get("name") or "+".join(f"{one['path']}-{one['op']}" for one in rule["conditions"]) or "always"
            for rule in rules
        ]
    )


def limit_leaves(limits: list[dict[str, Any]]) -> list[str]:
    return numbered([limit.get("name") or f"{limit['counter']}-per-{window_of(limit)}" for limit in limits])


def numbered(leaves: list[str]) -> list[str]:
    result = []
    for index, leaf in enumerate(leaves):
        times = leaves[: index + 1].count(leaf)
        result.append(leaf if times == 1 else f"{leaf}#{times}")
    return result


def window_of(limit: dict[str, Any]) -> Any:
    return {1: "second", 60: "minute", 3600: "hour", 86400: "day"}.get(limit["window"], limit["window"])


# --- limits ----------------------------------------------------------------------------------------------------------


def limits_of(holder: dict[str, Any], key: str | None) -> list[dict[str, Any]]:
    limits = list(holder.get("limits", []))
    if key is not None and "rate_limit" in holder:
        limits.append({"counter": f"{key}_rate", **holder["rate_limit"]})
    return limits


def amount_of(limit: dict[str, Any], arguments: dict[str, Any], schema: Any) -> Any:
    """What a call uses, or None where the call is denied for it."""
    if "amount" not in limit:
        return Decimal(1)
    values = values_at(arguments, limit["amount"], schema)
    if not values:
        return None
    total = Decimal(0)
    for value in values:
        if value is MISSING or value is UNKNOWN or not is_number(value) or not is_known_number(value):
            return None
        number = exact(value)
        if number < 0 or number >= 10**9 or number * 10**6 != int(number * 10**6):
            return None
        total += number
    return total if total < 10**9 else None


# --- schemas: the few keywords that the generator uses ---------------------------------------------------------------


def satisfies(value: Any, schema: dict[str, Any]) -> bool:
    kind = schema.get("type")
    if kind == "object" and not isinstance(value, dict):
        return False
    if kind == "array" and not isinstance(value, list):
        return False
    if kind == "string" and not isinstance(value, str):
        return False
    if kind == "boolean" and not isinstance(value, bool):
        return False
    if kind == "number" and not is_number(value):
        return False
    if kind == "integer" and not (is_number(value) and exact(value) == int(exact(value))):
        return False
    if isinstance(value, dict):
        if any(name not in value for name in schema.get("required", [])):
            return False
        for name, member in value.items():
            if name in schema.get("properties", {}):
                if not satisfies(member, schema["properties"][name]):
                    return False
            elif "additionalProperties" in schema:
                others = schema["additionalProperties"]
                if others is False or (isinstance(others, dict) and not satisfies(member, others)):
                    return False
    if isinstance(value, list) and "items" in schema:
        return all(satisfies(item, schema["items"]) for item in value)
    return True


def arguments_valid(arguments: dict[str, Any], schema: Any) -> bool:
    if not isinstance(schema, dict) or schema.get("type") == "nonsense":
        return False
    others = schema.get("additionalProperties", False)
    if others is False and any(name not in schema.get("properties", {}) for name in arguments):
        return False
    if holds_no_json(arguments):
        return False
    return satisfies(arguments, schema)


def holds_no_json(value: Any) -> bool:
    if isinstance(value, dict):
        return any(holds_no_json(key) or holds_no_json(member) for key, member in value.items())
    if isinstance(value, list):
        return any(holds_no_json(item) for item in value)
    if isinstance(value, str):
        return any(0xD800 <= ord(character) <= 0xDFFF for character in value)
    if is_number(value):
        number = exact(value)
        return not number.is_finite() or abs(number) >= Decimal(2) ** 1024
    return False


# --- the whole -------------------------------------------------------------------------------------------------------


def applying(
    document: dict[str, Any], tool: str, category: str | None
) -> tuple[list[tuple[str, dict[str, Any]]], bool]:
    """The entries that apply, in order, and whether one of them counts as matching (not only as a restriction)."""
    tools = document.get("tools", {})
    if tool in tools and "*" not in tool:
        return [(tool, tools[tool])], True
    globs = [key for key in tools if "*" in key and not key.startswith("@") and glob_matches(key, tool)]
    globs.sort(key=lambda key: (-key.index("*"), key))
    known = category in CATEGORIES
    names = [f"@{name}" for name in CATEGORIES if f"@{name}" in tools and (name == category or not known)]
    return [(key, tools[key]) for key in globs + names], bool(globs) or (known and bool(names))


def mode_of(*innermost_first: Any) -> str:
    return next((mode for mode in innermost_first if mode is not None), "enforce")


def judge(
    document: dict[str, Any],
    tool: str,
    arguments: dict[str, Any],
    category: str | None,
    definition: dict[str, Any] | None,
) -> dict[str, Any]:
    document_mode = document.get("mode")
    all_tools = document.get("all_tools", {})
    entries, matched = applying(document, tool, category)
    schema = None if definition is None else definition["inputSchema"]
    shadowed: list[tuple[str, str]] = []

    def denied(rule: str) -> dict[str, Any]:
        return answer("deny", rule, [], True, shadowed, None)

    # 3
    hidden = any(glob_matches(pattern, tool) for pattern in document.get("hide", []))
    if hidden or any(entry.get("action") == "hide" for _, entry in entries):
        return denied("(hidden)")

    # 5
    for key, entry in entries:
        if entry.get("action") == "deny":
            rule = f"/tools/{escaped(key)}/action"
            if mode_of(entry.get("mode"), document_mode) == "enforce":
                return denied(rule)
            shadowed.append((rule, "deny"))

    # 6
    if not matched and document["default"] == "deny":
        if mode_of(document_mode) == "enforce":
            return denied("(default deny)")
        shadowed.append(("(default deny)", "deny"))

    # 7
    asking = [entry for _, entry in entries if entry.get("validate_arguments", True)]
    if definition is not None and (asking or not matched) and not arguments_valid(arguments, schema):
        modes = [mode_of(entry.get("mode"), document_mode) for entry in asking]
        if not matched:
            modes.append(mode_of(document_mode))
        if "enforce" in modes:
            return denied("(invalid arguments)")
        shadowed.append(("(invalid arguments)", "deny"))

    # 8
    readable = schema if isinstance(schema, dict) and schema.get("type") != "nonsense" else None
    holders: list[tuple[str, dict[str, Any]]] = [(f"/tools/{escaped(key)}", entry) for key, entry in entries]
    everyone = ("/all_tools", all_tools)
    order = [(holder, "require") for holder in holders] + [(holder, "deny_if") for holder in holders]
    order += [(everyone, "require"), (everyone, "deny_if")]
    for (prefix, holder), where in order:
        rules = holder.get(where, [])
        for rule, leaf in zip(rules, rule_leaves(rules), strict=True):
            if rule_applies(rule, where, arguments, readable):
                name = f"{prefix}/{where}/{escaped(leaf)}"
                if mode_of(rule.get("mode"), holder.get("mode"), document_mode) == "enforce":
                    return denied(name)
                shadowed.append((name, "deny"))

    # 9
    uses = []
    for prefix, holder, key in [(f"/tools/{escaped(key)}", entry, key) for key, entry in entries] + [(*everyone, None)]:
        limits = limits_of(holder, key)
        for limit, leaf in zip(limits, limit_leaves(limits), strict=True):
            name = f"{prefix}/limits/{escaped(leaf)}"
            enforced = mode_of(limit.get("mode"), holder.get("mode"), document_mode) == "enforce"
            amount = amount_of(limit, arguments, readable)
            if amount is None:
                if enforced:
                    return denied(name)
                shadowed.append((name, "deny"))
                continue
            uses.append(
                {
                    "counter": limit["counter"],
                    "window": window_of(limit),
                    "scope": limit.get("scope", "grant"),
                    "max": exact(limit["max"]),
                    "amount": amount,
                    "algorithm": limit.get("algorithm", "fixed"),
                    "rule": name,
                    "enforced": enforced,
                }
            )

    # 10
    asks: list[tuple[str, str, str | None]] = []
    for key, entry in entries:
        if entry.get("action") == "require_approval":
            asks.append((f"/tools/{escaped(key)}/action", mode_of(entry.get("mode"), document_mode), key))
    for prefix, holder, key in [(f"/tools/{escaped(key)}", entry, key) for key, entry in entries] + [(*everyone, None)]:
        rules = holder.get("approve_if", [])
        for rule, leaf in zip(rules, rule_leaves(rules), strict=True):
            if rule_applies(rule, "approve_if", arguments, readable):
                mode = mode_of(rule.get("mode"), holder.get("mode"), document_mode)
                asks.append((f"{prefix}/approve_if/{escaped(leaf)}", mode, key))
    for name, mode, key in asks:
        if mode == "enforce":
            return answer("approve", name, uses, True, shadowed, approval_of(entries, key, all_tools))
        shadowed.append((name, "approve"))

    if shadowed:
        return answer("allow", shadowed[0][0], uses, False, shadowed, None)
    return answer("allow", "", uses, True, shadowed, None)


def approval_of(
    entries: list[tuple[str, dict[str, Any]]], key: str | None, all_tools: dict[str, Any]
) -> dict[str, Any]:
    """The settings of the entry that asks, then of the others, then of `all_tools`, then the defaults."""
    asking = [entry.get("approval", {}) for name, entry in entries if name == key]
    others = [entry.get("approval", {}) for name, entry in entries if name != key]
    merged: dict[str, Any] = {"timeout": "30m", "approvers": ["role:approver"]}
    for settings in reversed([*asking, *others, all_tools.get("approval", {})]):
        merged.update(settings)
    unit = {"s": 1, "m": 60, "h": 3600, "d": 86400}[merged["timeout"][-1]]
    return {"timeout": int(merged["timeout"][:-1]) * unit, "approvers": tuple(merged["approvers"])}


def answer(
    effect: str,
    rule: str,
    uses: list[dict[str, Any]],
    enforced: bool,
    shadowed: list[tuple[str, str]],
    approval: dict[str, Any] | None,
) -> dict[str, Any]:
    return {
        "effect": effect,
        "rule": rule,
        "uses": uses,
        "enforced": enforced,
        "shadowed": tuple(shadowed),
        "approval": approval,
    }


# --- resources and prompts -------------------------------------------------------------------------------------------


def uri_is_invalid(uri: str) -> bool:
    if "\\" in uri or has_control(uri) or any(0xD800 <= ord(character) <= 0xDFFF for character in uri):
        return True
    if any(escape in uri.lower() for escape in ("%2e", "%2f", "%5c")):
        return True
    if any(segment in (".", "..") for segment in re.split("[/?#:;]", uri)):
        return True
    scheme = re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", uri)
    return scheme is not None and any("A" <= character <= "Z" for character in scheme.group())


def judge_listed(document: dict[str, Any], section: str, name: str) -> dict[str, Any]:
    """The decision for a resource's URI or a prompt's name."""
    holder = document.get(section, {})
    results = []
    if section == "resources" and uri_is_invalid(name):
        results.append("(invalid uri)")
    default = holder.get("default", document["default"])
    allowed = default == "allow" or any(glob_matches(pattern, name) for pattern in holder.get("allow", []))
    denying = [pattern for pattern in holder.get("deny", []) if glob_matches(pattern, name)]
    if denying:
        results.append(f"/{section}/deny/{escaped(denying[0])}")
    elif not allowed:
        results.append(f"/{section}/default")
    if results and document.get("mode") != "shadow":
        return answer("deny", results[0], [], True, [], None)
    uses = []
    limits = limits_of(holder, None)
    for limit, leaf in zip(limits, limit_leaves(limits), strict=True):
        uses.append(
            {
                "counter": limit["counter"],
                "window": window_of(limit),
                "scope": limit.get("scope", "grant"),
                "max": exact(limit["max"]),
                "amount": Decimal(1),
                "algorithm": limit.get("algorithm", "fixed"),
                "rule": f"/{section}/limits/{escaped(leaf)}",
                "enforced": mode_of(limit.get("mode"), document.get("mode")) == "enforce",
            }
        )
    shadowed = [(rule, "deny") for rule in results]
    return answer("allow", results[0] if results else "", uses, not results, shadowed, None)

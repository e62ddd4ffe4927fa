"""Limits (POLICY.md section 4), `rate_limit` and `approval`, read from the document."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from gatepost.policy.errors import Problems
from gatepost.policy.exact import as_integer, exact, is_number
from gatepost.policy.fields import Fields
from gatepost.policy.model import Amount, ApprovalSettings, Limit
from gatepost.policy.paths import PathError, parse_path
from gatepost.policy.read_rules import MODES, number_repeated, read_name
from gatepost.policy.texts import LETTERS, consists_of, is_digits

WINDOWS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800, "month": 2678400}
"""The windows by name, with their longest length in seconds."""

SCOPES = ("grant", "identity", "server")
ALGORITHMS = ("fixed", "sliding")

_LONGEST_WINDOW = 2678400
_LONGEST_TIMEOUT = 2678400
_LARGEST_MAX = 10**9
_DECIMALS = 6
# these spans are the same windows whether given by name or in seconds; weeks and months are aligned to the calendar
_NAMED_SPANS = {1: "second", 60: "minute", 3600: "hour", 86400: "day"}
_IN_COUNTERS = LETTERS | frozenset("_.-")
_MOST_DIGITS = 9
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}

_LIMIT_FIELDS = ("counter", "window", "max", "scope", "amount", "algorithm", "name", "on_deny", "mode")


def read_limits(fields: Fields, *, amounts: bool, key: str | None = None) -> tuple[Limit, ...]:
    """The `limits` of an object, and its `rate_limit` after them where it is the entry `key`.

    Args:
        amounts: whether its limits may have an `amount`.
    """
    names: set[str] = set()
    limits = fields.objects(
        "limits", lambda item, pointer: _read_limit(item, pointer, fields.problems, names, amounts=amounts)
    )
    if key is not None and "rate_limit" in fields.members:
        short = _read_rate_limit(fields.members["rate_limit"], fields.at("rate_limit"), fields.problems, key)
        limits += [] if short is None else [short]
    return number_repeated(limits)


def _read_limit(value: Any, pointer: str, problems: Problems, names: set[str], *, amounts: bool) -> Limit | None:
    known = _LIMIT_FIELDS if amounts else tuple(name for name in _LIMIT_FIELDS if name != "amount")
    fields = Fields.of(value, pointer, problems, known)
    if fields is None:
        return None
    fields.required("counter", "window", "max")
    counter = fields.text("counter")
    if counter is not None and not consists_of(counter, _IN_COUNTERS, most=64):
        problems.unexpected(fields.at("counter"), counter, "1 to 64 of A-Z, a-z, 0-9, _, . and -")
    window = _read_window(fields)
    most = _read_max(fields)
    algorithm = fields.word("algorithm", ALGORITHMS) or "fixed"
    if algorithm == "sliding" and window is not None and _seconds(window) > WINDOWS["day"]:
        problems.unexpected(fields.at("window"), window, "a window of at most a day for a sliding limit")
    name = read_name(fields, names)
    scope = fields.word("scope", SCOPES) or "grant"
    amount = _read_amount(fields) if amounts else None
    on_deny = fields.text("on_deny")
    mode = fields.word("mode", MODES)
    if counter is None or window is None or most is None:
        return None
    leaf = name or f"{counter}-per-{window}"
    return Limit(pointer, leaf, counter, window, most, scope, amount, algorithm, on_deny, mode)


def _read_rate_limit(value: Any, pointer: str, problems: Problems, key: str) -> Limit | None:
    fields = Fields.of(value, pointer, problems, ("max", "window"))
    if fields is None:
        return None
    fields.required("max", "window")
    window = _read_window(fields)
    most = _read_max(fields)
    if window is None or most is None:
        return None
    counter = f"{key}_rate"
    return Limit(pointer, f"{counter}-per-{window}", counter, window, most, "grant", None, "fixed", None, None)


def _read_window(fields: Fields) -> str | int | None:
    if "window" not in fields.members:
        return None
    value = fields.members["window"]
    if is_number(value):
        seconds = as_integer(value)
        if seconds is None or not 1 <= seconds <= _LONGEST_WINDOW:
            fields.problems.unexpected(
                fields.at("window"), value, f"whole seconds from 1 to {_LONGEST_WINDOW}, or a name"
            )
            return None
        return _NAMED_SPANS.get(seconds, seconds)
    return fields.word("window", tuple(WINDOWS))


def _seconds(window: str | int) -> int:
    return WINDOWS[window] if isinstance(window, str) else window


def _read_max(fields: Fields) -> Decimal | None:
    if "max" not in fields.members:
        return None
    value = fields.members["max"]
    if is_number(value):
        most = exact(value)
        if 0 <= most <= _LARGEST_MAX and round(most, _DECIMALS) == most:
            return most
    fields.problems.unexpected(fields.at("max"), value, "a number from 0 to 1000000000 with at most 6 decimals")
    return None


def _read_amount(fields: Fields) -> Amount | None:
    path = fields.text("amount")
    if path is None:
        return None
    try:
        return Amount(path, parse_path(path))
    except PathError as error:
        fields.problems.unexpected(fields.at("amount"), path, str(error))
        return None


def read_approval(fields: Fields) -> ApprovalSettings:
    """The `approval` of an entry or of `all_tools`."""
    if "approval" not in fields.members:
        return ApprovalSettings()
    pointer, problems = fields.at("approval"), fields.problems
    settings = Fields.of(fields.members["approval"], pointer, problems, ("timeout", "approvers", "message"))
    if settings is None:
        return ApprovalSettings()
    approvers = None
    if "approvers" in settings.members:
        approvers = settings.texts("approvers", 'an approver like "role:approver"')
        if not approvers or "" in approvers:
            problems.unexpected(
                settings.at("approvers"), settings.members["approvers"], "a list of approvers, not empty"
            )
    return ApprovalSettings(_read_timeout(settings), approvers, settings.text("message"))


def _read_timeout(fields: Fields) -> int | None:
    text = fields.text("timeout")
    if text is None:
        return None
    number, unit = text[:-1], _UNITS.get(text[-1:])
    if unit is not None and is_digits(number, most=_MOST_DIGITS) and not number.startswith("0"):
        seconds = int(number) * unit
        if seconds <= _LONGEST_TIMEOUT:
            return seconds
    fields.problems.unexpected(fields.at("timeout"), text, 'a time like "30m" (s, m, h or d), at most 31 days')
    return None

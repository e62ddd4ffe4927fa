"""Arguments in the plain types that the schema validator takes, with their exact values."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from gatepost.policy.exact import is_finite

MAX_DEPTH = 128
"""The deepest nesting that is looked at; the wire refuses far shallower ones."""

_MAX_DIGITS = 5000
_EXACT = 2**53
_LARGEST = 1.7976931348623157e308


class NotJSON(ValueError):
    """A value that no JSON text holds, or that nobody can judge. The message does not name it."""


def as_plain(values: dict[str, Any]) -> dict[str, Any]:
    """The values in exact plain types: Decimal subclasses become Decimal, everything else stays what it is.

    Raises:
        NotJSON: numbers that are not finite, overflow binary64 or have thousands of digits, lone surrogates, keys that
            are no strings, types that JSON has not, nesting deeper than `MAX_DEPTH`.
    """
    return values if _is_plain(values, 0) else _copy(values)


def plain_copy(values: dict[str, Any]) -> dict[str, Any]:
    """A copy in exact plain types that shares nothing; raises like `as_plain`."""
    _is_plain(values, 0)
    copied: dict[str, Any] = _copy(values)
    return copied


def count(value: Any) -> int:
    """How many values there are, in all containers."""
    total, stack = 0, [value]
    while stack:
        one = stack.pop()
        total += 1
        if isinstance(one, dict):
            stack.extend(one.values())
        elif isinstance(one, list):
            stack.extend(one)
    return total


def _is_plain(value: dict[Any, Any] | list[Any], depth: int) -> bool:
    """Whether nothing needs to be copied; most arguments are like this, and only looked through."""
    if depth >= MAX_DEPTH:
        raise NotJSON("values are nested too deeply")
    members: Any = value
    if isinstance(value, dict):
        try:
            names = "".join(value)
        except TypeError:
            raise NotJSON("a name is not a string") from None
        if not names.isascii():
            for key in value:
                _check_text(key)
        members = value.values()
    plain = True
    for member in members:
        kind = type(member)
        if kind is str:
            if not member.isascii():
                _check_text(member)
        elif kind is int:
            if not -_EXACT <= member <= _EXACT and not is_finite(member):
                raise NotJSON("a number overflows")
        elif kind is float:
            if not -_LARGEST <= member <= _LARGEST:
                raise NotJSON("a number is not finite")
        elif kind is dict or kind is list:
            plain = _is_plain(member, depth + 1) and plain
        elif member is not None and kind is not bool:
            plain = False
            _check_rare(member, depth)
    return plain


def _check_rare(value: Any, depth: int) -> None:
    """Decimals, and subclasses of the plain types."""
    if isinstance(value, Decimal):
        _check_decimal(value)
    elif isinstance(value, (dict, list)):
        _is_plain(value, depth + 1)
    elif isinstance(value, (str, int, float)):
        _is_plain([_copy(value)], depth)
    else:
        raise NotJSON("a value is not JSON")


def _copy(value: Any) -> Any:
    """A copy of a checked value in plain types."""
    if isinstance(value, dict):
        return {str(key): _copy(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_copy(item) for item in value]
    if value is None or isinstance(value, bool):
        return value
    return next(kind(value) for kind in (str, int, float, Decimal) if isinstance(value, kind))


def _check_text(text: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise NotJSON("a text holds a lone surrogate") from None


def _check_decimal(value: Decimal) -> None:
    if not is_finite(value):
        raise NotJSON("a number overflows or is not finite")
    _, digits, exponent = value.as_tuple()
    if len(digits) > _MAX_DIGITS or abs(int(exponent)) > _MAX_DIGITS:
        raise NotJSON("a number has too many digits")

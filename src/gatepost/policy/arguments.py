"""Arguments in the plain types that the schema validator takes, with their exact values."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from gatepost.policy.exact import is_finite

MAX_DEPTH = 128
"""The deepest nesting that is looked at; the wire refuses far shallower ones."""

_MAX_DIGITS = 5000


class NotJSON(ValueError):
    """A value that no JSON text holds, or that nobody can judge. The message does not name it."""


def as_plain(value: Any, depth: int = 0) -> Any:
    """The value in exact plain types: Decimal subclasses become Decimal; containers are copied only where they must be.

    Raises:
        NotJSON: not finite, overflowing binary64, lone surrogates, keys that are no strings, other types, nested deeper
            than `MAX_DEPTH`.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        _check_text(value)
        return value
    if isinstance(value, (int, float, Decimal)):
        return _plain_number(value)
    if depth >= MAX_DEPTH:
        raise NotJSON("they are nested too deeply")
    if isinstance(value, dict):
        changed: dict[str, Any] = {}
        for key, member in value.items():
            if not isinstance(key, str):
                raise NotJSON("they have a name that is no string")
            _check_text(key)
            kept = as_plain(member, depth + 1)
            if kept is not member:
                changed[key] = kept
        return {**value, **changed} if changed else value
    if isinstance(value, list):
        items = [as_plain(item, depth + 1) for item in value]
        return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
    raise NotJSON("they hold a value that is not JSON")


def _check_text(text: str) -> None:
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            raise NotJSON("they hold a lone surrogate") from None


def _plain_number(value: int | float | Decimal) -> int | float | Decimal:
    if not is_finite(value):
        raise NotJSON("they hold a number that overflows or is not finite")
    if not isinstance(value, Decimal):
        return value
    number = Decimal(value)
    _, digits, exponent = number.as_tuple()
    if len(digits) > _MAX_DIGITS or abs(int(exponent)) > _MAX_DIGITS:
        raise NotJSON("they hold a number of too many digits")
    return number if type(value) is not Decimal else value

"""Numbers by their exact value.

A JSON number is *known* when its exact value equals the shortest decimal of its binary64 (POLICY.md section 3). Known
numbers and finite binary64 values are one to one, and their order is the same; so a known number is handled as a
float, and comparing floats compares the exact decimals.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

# every integer up to here is its own binary64
_EXACT = 2**53
_LARGEST = 1.7976931348623157e308


def is_number(value: Any) -> bool:
    """Whether this is a JSON number at all (bool is not)."""
    return isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)


def known(value: Any) -> float | None:
    """The number as the float that stands for it.

    None for what is no number, is not finite, or is not exactly the shortest decimal of a binary64.
    """
    kind = type(value)
    if kind is int and -_EXACT <= value <= _EXACT:
        return float(value)
    if kind is float:
        return value if -_LARGEST <= value <= _LARGEST else None
    if not is_number(value):
        return None
    if isinstance(value, Decimal) and not value.is_finite():
        return None
    try:
        near = float(value)
    except OverflowError:
        return None
    if not -_LARGEST <= near <= _LARGEST:
        return None
    return near if shortest(near) == value else None


def shortest(number: float) -> Decimal:
    """The shortest decimal that reads back as this finite float: the value it stands for."""
    return Decimal(repr(number))


def exact(value: Any) -> Decimal:
    """The exact value of a finite number as a Decimal; a float stands for its shortest decimal."""
    if isinstance(value, float):
        return shortest(float(value))
    return Decimal(value)


def is_finite(value: Any) -> bool:
    """Whether a number has a value that binary64 does not overflow on."""
    if isinstance(value, Decimal) and not value.is_finite():
        return False
    try:
        return -_LARGEST <= float(value) <= _LARGEST
    except OverflowError:
        return False


def as_integer(value: Any) -> int | None:
    """The integer this number equals (`5`, `5.0`, `5e0`), or None."""
    if not is_number(value) or not is_finite(value):
        return None
    number = exact(value)
    whole = int(number)
    return whole if whole == number else None

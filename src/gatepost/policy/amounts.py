"""The amount that a call takes from a counter (POLICY.md section 4), read exactly from its arguments."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from gatepost.policy.exact import known, shortest
from gatepost.policy.model import Amount
from gatepost.policy.paths import EVERY, Defaults, find_all, find_one

Meter = Callable[[dict[str, Any], "Defaults | None"], "Decimal | None"]
"""The amount of a call, or None where it has none that counts."""

_TOO_MUCH = 10**9
_MICRO = Decimal("0.000001")
_PLACES = 6


def compile_amount(amount: Amount) -> Meter:
    """A function that reads the amount: one number, or the sum of all that `[*]` finds."""
    steps = amount.steps
    if EVERY not in steps:
        return lambda arguments, defaults: _one(find_one(arguments, steps, defaults))

    def total(arguments: dict[str, Any], defaults: Defaults | None) -> Decimal | None:
        values = find_all(arguments, steps, defaults)
        if not values:
            return None
        together = Decimal(0)
        for value in values:
            number = _one(value)
            if number is None:
                return None
            together += number
            if together >= _TOO_MUCH:
                return None
        return together

    return total


def _one(value: Any) -> Decimal | None:
    """One number from 0 to below 10⁹ with at most 6 decimals, or None."""
    if type(value) is int:
        return Decimal(value) if 0 <= value < _TOO_MUCH else None
    number = known(value)
    if number is None or not 0 <= number < _TOO_MUCH:
        return None
    text = repr(number)
    whole, _, fraction = text.partition(".")
    if whole.isdigit() and fraction.isdigit() and len(fraction) <= _PLACES:  # the usual spelling: nothing to round
        return Decimal(text)
    amount = shortest(number)
    if amount == 0:
        return Decimal(0)
    return amount if amount.quantize(_MICRO) == amount else None

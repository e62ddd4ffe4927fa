"""Exact amounts: whole millionths inside, decimals outside (POLICY.md section 4: at most 6 decimals)."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache

MILLION = 1_000_000
_MOST = 10**9 * MILLION


@lru_cache(4096)
def micro(value: Decimal | int) -> int:
    """The number of millionths in `value`. Raises `ValueError` where it is not one of 0 to 10⁹ with ≤ 6 decimals."""
    if not Decimal(value).is_finite():
        raise ValueError(f"{value} is not a finite amount")
    numerator, denominator = value.as_integer_ratio()
    millionths, rest = divmod(numerator * MILLION, denominator)
    if rest or not 0 <= millionths <= _MOST:
        raise ValueError(f"{value} is not an amount from 0 to 10^9 with at most 6 decimals")
    return millionths


def decimal(millionths: int) -> Decimal:
    """The exact decimal of a number of millionths, without trailing zeros."""
    return Decimal(text(millionths))


def text(millionths: int) -> str:
    """The shortest plain decimal text of a number of millionths: `4`, `0.25`; never an exponent."""
    whole, rest = divmod(millionths, MILLION)
    return f"{whole}.{rest:06d}".rstrip("0") if rest else str(whole)


@lru_cache(4096)
def plain(value: Decimal | int) -> str:
    """The shortest plain decimal text of an exact amount: `4` for `4.00`, `100000` for `1E+5`."""
    shown = format(Decimal(value), "f")
    return shown.rstrip("0").rstrip(".") if "." in shown else shown

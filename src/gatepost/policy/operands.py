"""What the operators share: the type of a judge, and operands that are not what they should be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gatepost.policy.errors import describe

Judge = Callable[[Any], "bool | None"]
"""Judges one present value: true, false, or None for unknown."""


class OperandError(ValueError):
    """An operand that an operator does not take.

    Attributes:
        where: JSON pointer from the operand to the part that is wrong.
    """

    def __init__(self, expected: str, found: Any, where: str = "") -> None:
        super().__init__(f"found {describe(found)}, expected {expected}")
        self.where = where


def strings(operand: Any, expected: str) -> tuple[str, ...]:
    """The operand as a non-empty list of strings."""
    if not isinstance(operand, list) or not operand:
        raise OperandError(expected, operand)
    for index, item in enumerate(operand):
        if not isinstance(item, str):
            raise OperandError("a string (operands of one type)", item, f"/{index}")
    return tuple(operand)

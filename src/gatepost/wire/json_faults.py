"""Why a JSON text is refused, and where. Only refused texts come here: it may be slow, but it is bounded."""

from __future__ import annotations

import json
import math
import re
from decimal import Decimal, InvalidOperation
from typing import Final

MAX_NUMBER: Final = 4300
"""Characters that a number may have. What binary64 holds exactly needs less than 1,100."""
MAX_EXPONENT: Final = 9999
"""The greatest power of ten, up and down; upwards binary64 ends at 308."""

_TOKEN: Final = re.compile(r'["{}\[\]]|-?(NaN|Infinity)|-?[0-9]+(?:\.[0-9]+)?([eE][-+]?[0-9]+)?')
_COLON: Final = re.compile(r"[ \t\n\r]*:")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_SMALL_NUMBER: Final = 300
"""Characters that a number without exponent needs at least to be beyond binary64."""
_SHOWN: Final = 64
"""Characters of a key that a message shows."""
_MOST_TOKENS: Final = 200_000
"""So many strings, brackets and numbers are looked through, a quarter of a second's work: a text that is refused must
not cost a multiple of one that is read. What is wrong behind them is told with the place where the looking ended."""


class StrictJSONError(ValueError):
    """A text that is not strict JSON.

    Attributes: `message` what is wrong, `position` the byte where it is, `line` and `column` the same, counted from 1
    (columns in characters).
    """

    def __init__(self, message: str, text: str, index: int) -> None:
        super().__init__(message)
        self.message = message
        self.position = len(text[:index].encode("utf-8", "surrogatepass"))
        self.line = text.count("\n", 0, index) + 1
        self.column = index - (text.rfind("\n", 0, index) + 1) + 1


def located(text: str, max_depth: int, fallback: str) -> StrictJSONError:
    """The first of the faults that the scanner itself does not see, with its place.

    Args:
        fallback: the message where there is none of them, or none in what is looked through.
    """
    keys: list[set[str] | None] = []
    index = 0
    for _ in range(_MOST_TOKENS):
        token = _TOKEN.search(text, index)
        if token is None:
            return StrictJSONError(fallback, text, 0)
        start, index = token.span()
        character = text[start]
        if character == '"':
            try:
                value, index = json.decoder.scanstring(text, start + 1, True)  # type: ignore[attr-defined]
            except json.JSONDecodeError as error:
                return syntax(text, error)
            if not value.isascii() and _SURROGATE.search(value):
                return StrictJSONError("A string has half a surrogate pair.", text, start)
            names = keys[-1] if keys else None
            if names is not None and _COLON.match(text, index):
                if value in names:
                    shown = value if len(value) <= _SHOWN else value[:_SHOWN] + "…"
                    return StrictJSONError(f"The key {shown!r} stands twice in one object.", text, start)
                names.add(value)
        elif character in "{[":
            keys.append(set() if character == "{" else None)
            if len(keys) > max_depth:
                return StrictJSONError(f"More than {max_depth} levels of nesting.", text, start)
        elif character in "}]":
            if keys:
                keys.pop()
        elif token.lastindex is not None or index - start > _SMALL_NUMBER:
            why = _number_fault(text[start : min(index, start + MAX_NUMBER + 1)])
            if why:
                return StrictJSONError(why, text, start)
    behind = "a key that stands twice, a number that is none, half a surrogate pair or too much nesting"
    return StrictJSONError(f"{fallback} Somewhere behind this place is {behind}.", text, index)


def syntax(text: str, error: json.JSONDecodeError) -> StrictJSONError:
    """What the scanner itself says."""
    return StrictJSONError(f"This is not JSON: {error.msg.removesuffix(' at')}.", text, error.pos)


def _number_fault(token: str) -> str:
    """Why a number is refused, empty where it is not."""
    if token[-1].isalpha():
        return f"{token} is not a JSON number."
    if len(token) > MAX_NUMBER:
        return f"A number has more than {MAX_NUMBER} characters."
    if math.isinf(float(token)):
        return "A number is beyond what binary64 holds."
    return "" if _measurable(token) else f"A number has an exponent beyond {MAX_EXPONENT}."


def _measurable(token: str) -> bool:
    """Whether a number's power of ten is one to calculate with: exact sums with 1e-999999999 would fill the memory."""
    try:
        return -MAX_EXPONENT <= Decimal(token).adjusted() <= MAX_EXPONENT
    except InvalidOperation:  # beyond what decimals hold
        return False

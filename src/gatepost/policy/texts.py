"""What is asked of foreign texts, in a time linear in them and without a regular expression."""

from __future__ import annotations

import string
from typing import Final

CONTROLS: Final = frozenset(map(chr, (*range(0x20), *range(0x7F, 0xA0))))
"""The control characters: C0, DEL and C1."""

_IN_NAMES: Final = b"abcdefghijklmnopqrstuvwxyz0123456789_-."
_LONGEST_LABEL: Final = 63

DIGITS: Final = frozenset(string.digits)
LOWER: Final = frozenset(string.ascii_lowercase) | DIGITS
LETTERS: Final = LOWER | frozenset(string.ascii_uppercase)


def has_control(text: str) -> bool:
    """Whether a control character stands in a text."""
    # what is printable holds none, and that is told at a tenth of the price
    return not text.isprintable() and not CONTROLS.isdisjoint(text)


def is_dotted_name(text: str) -> bool:
    """Whether an ASCII text is labels of 1 to 63 of `a-z`, `0-9`, `_` and `-` with a dot between each two."""
    if text.encode("ascii").translate(None, _IN_NAMES):
        return False
    labels = text.split(".")
    return "" not in labels and (len(text) <= _LONGEST_LABEL or max(map(len, labels)) <= _LONGEST_LABEL)


def consists_of(text: str, letters: frozenset[str], *, most: int) -> bool:
    """Whether a text is 1 to `most` of these letters."""
    return 1 <= len(text) <= most and letters.issuperset(text)


def is_digits(text: str, *, most: int) -> bool:
    """Whether a text is 1 to `most` of the digits 0 to 9."""
    return 1 <= len(text) <= most and text.isascii() and text.isdigit()

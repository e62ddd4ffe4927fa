"""What is wrong with a policy document, all of it at once."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from typing import Any

_SHOWN = 60


class PolicyError(ValueError):
    """A policy document that was refused.

    Attributes:
        errors: every problem found, as (JSON pointer, message), in the order of the document. The message says what was
            found, what was expected and, where the choice is among words, the nearest valid one.
    """

    def __init__(self, errors: Iterable[tuple[str, str]]) -> None:
        self.errors: list[tuple[str, str]] = list(errors)
        super().__init__("; ".join(f"{pointer or '(document)'}: {message}" for pointer, message in self.errors))


class Problems:
    """Collects problems while a document is read, so that all are reported together.

    Attributes:
        errors: (JSON pointer, message) of each.
        dropped: the pointers of values that were reported and not read on.
    """

    __slots__ = ("dropped", "errors")

    def __init__(self) -> None:
        self.errors: list[tuple[str, str]] = []
        self.dropped: set[str] = set()

    def add(self, pointer: str, message: str) -> None:
        self.errors.append((pointer, message))

    def drop(self, pointer: str, message: str) -> None:
        """Report a value for which something else, or nothing, is read on."""
        self.add(pointer, message)
        self.dropped.add(pointer)

    def unexpected(self, pointer: str, value: Any, expected: str) -> None:
        self.add(pointer, f"found {describe(value)}, expected {expected}")

    def not_a_word(self, pointer: str, value: Any, words: Iterable[str]) -> None:
        """Report a value that should have been one of `words`, with the nearest of them."""
        choices = sorted(words)
        expected = f"one of {', '.join(choices)}" if len(choices) > 1 else describe(choices[0])
        message = f"found {describe(value)}, expected {expected}"
        if isinstance(value, str) and len(choices) > 1:
            message += f"; the nearest is {describe(nearest(value, choices))}"
        self.add(pointer, message)


def nearest(word: str, words: Iterable[str]) -> str:
    """The one of `words` most like `word`."""
    choices = sorted(words)
    close = difflib.get_close_matches(word[:200].lower(), choices, n=1, cutoff=0.0)
    return close[0] if close else choices[0]


def escape(part: str) -> str:
    """One reference token of a JSON pointer (RFC 6901 section 3)."""
    return part.replace("~", "~0").replace("/", "~1")


def describe(value: Any) -> str:
    """A value in few words, as it would stand in the document."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        text = json.dumps(value if len(value) <= _SHOWN else value[:_SHOWN] + "…", ensure_ascii=False)
        return text.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict):
        return f"an object of {len(value)} member{'' if len(value) == 1 else 's'}"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, int) and value.bit_length() > 256:
        return "a very large number"
    text = str(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"

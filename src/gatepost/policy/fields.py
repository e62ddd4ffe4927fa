"""Reading the members of a JSON object one by one, reporting each that is not what it should be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from gatepost.policy.errors import Problems, describe, escape, nearest

T = TypeVar("T")


class Fields:
    """The members of one object of the document.

    Every reading method answers None for a member that is absent or was reported.
    """

    __slots__ = ("members", "pointer", "problems")

    def __init__(self, members: dict[str, Any], pointer: str, problems: Problems) -> None:
        self.members = members
        self.pointer = pointer
        self.problems = problems

    @classmethod
    def of(cls, value: Any, pointer: str, problems: Problems, known: Sequence[str]) -> Fields | None:
        """The members of `value`; reports a value that is no object, and members that are not in `known`."""
        if not isinstance(value, dict):
            problems.unexpected(pointer, value, f"an object with {', '.join(known)}")
            return None
        for name in value:
            if name not in known:
                problems.add(
                    f"{pointer}/{escape(name)}",
                    f"found the unknown field {describe(name)}, expected one of {', '.join(known)}; "
                    f"the nearest is {describe(nearest(name, known))}",
                )
        return cls(value, pointer, problems)

    def at(self, name: str) -> str:
        """The pointer of a member."""
        return f"{self.pointer}/{escape(name)}"

    def required(self, *names: str) -> None:
        """Report each of these members that is absent."""
        for name in names:
            if name not in self.members:
                self.problems.add(self.pointer, f"found no {describe(name)}, expected it (required)")

    def word(self, name: str, words: Sequence[str]) -> str | None:
        """A member that is one of a few words."""
        if name not in self.members:
            return None
        value = self.members[name]
        if isinstance(value, str) and value in words:
            return value
        self.problems.not_a_word(self.at(name), value, words)
        return None

    def text(self, name: str) -> str | None:
        """A member that is any string."""
        return self._typed(name, str, "a string")

    def flag(self, name: str) -> bool | None:
        """A member that is true or false."""
        return self._typed(name, bool, "true or false")

    def objects(self, name: str, read: Callable[[Any, str], T | None]) -> list[T]:
        """A member that is a list, each item read by `read(item, pointer)`."""
        items = self._typed(name, list, "a list")
        if items is None:
            return []
        pointer = self.at(name)
        results = [read(item, f"{pointer}/{index}") for index, item in enumerate(items)]
        return [result for result in results if result is not None]

    def texts(self, name: str, expected: str) -> tuple[str, ...]:
        """A member that is a list of strings."""

        def read(item: Any, pointer: str) -> str | None:
            if isinstance(item, str):
                return item
            self.problems.unexpected(pointer, item, expected)
            return None

        return tuple(self.objects(name, read))

    def _typed(self, name: str, kind: type[T], expected: str) -> T | None:
        if name not in self.members:
            return None
        value = self.members[name]
        if isinstance(value, kind):
            return value
        self.problems.unexpected(self.at(name), value, expected)
        return None

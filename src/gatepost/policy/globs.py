"""Globs: `*` is any run of characters, also empty; everything else is literal and case-sensitive."""

from __future__ import annotations

from collections.abc import Callable, Iterable

Matcher = Callable[[str], bool]


def is_glob(pattern: str) -> bool:
    return "*" in pattern


def literal_prefix(pattern: str) -> str:
    """What stands before the first `*`."""
    return pattern.partition("*")[0]


def matcher(pattern: str) -> Matcher:
    """A function that says whether a text matches the whole pattern; its time is linear in the text for each `*`."""
    if "*" not in pattern:
        return pattern.__eq__
    first, *middle, last = pattern.split("*")
    middle = [part for part in middle if part]
    shortest = len(first) + len(last)

    def matches(text: str) -> bool:
        if len(text) < shortest or not text.startswith(first) or not text.endswith(last):
            return False
        # taking each middle part at its first place leaves the most room for those after it
        position, end = len(first), len(text) - len(last)
        for part in middle:
            position = text.find(part, position, end)
            if position < 0:
                return False
            position += len(part)
        return True

    return matches


def any_of(patterns: Iterable[str]) -> Matcher:
    """A function that says whether a text matches one of the patterns."""
    names: set[str] = set()
    globs: list[Matcher] = []
    for pattern in patterns:
        if pattern == "*":
            return lambda _text: True
        if is_glob(pattern):
            globs.append(matcher(pattern))
        else:
            names.add(pattern)

    def matches(text: str) -> bool:
        return text in names or any(glob(text) for glob in globs)

    return matches


def covers(wide: str, narrow: str) -> bool:
    """Whether every text that `narrow` matches is matched by `wide`.

    A character that stands in neither pattern is put for each `*` of `narrow`: only a `*` of `wide` can match it, and
    then matches whatever else could stand there.
    """
    stranger = next(
        chr(point) for point in range(0xE000, 0xF8FF) if chr(point) not in wide and chr(point) not in narrow
    )
    return matcher(wide)(narrow.replace("*", stranger))


def intersect(one: str, other: str) -> bool:
    """Whether some text matches both patterns."""
    # reachable[j]: the part of `one` read so far and other[:j] can match a common text
    reachable = [True] + [False] * len(other)
    for j, character in enumerate(other, start=1):
        reachable[j] = reachable[j - 1] and character == "*"
    for left in one:
        row = [reachable[0] and left == "*"]
        for j, right in enumerate(other, start=1):
            if left == "*" or right == "*":
                row.append(reachable[j] or row[j - 1])
            else:
                row.append(reachable[j - 1] and left == right)
        reachable = row
    return reachable[-1]

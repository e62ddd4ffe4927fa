"""What differs between two definitions of a tool, for people: words of texts, members of schemas.

Pure and bounded. What a screen would not show, or would show as something else, is spelled out.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from gatepost.definitions.definition import HASHED
from gatepost.wire import strictjson

Kind = Literal["added", "removed", "changed"]
Piece = tuple[Literal["same", "removed", "added", "cut"], str]

_AROUND = 6
_CLOSE = 30
_MOST_WORDS = 1_500
_MOST_WORK = 100_000_000
"""Steps that all texts of a definition may take together, a few seconds' work; what is left is shown whole."""
_LONGEST = 2_000
_DEEPEST = 40
MOST: Final = 500
"""Differences that are told one by one."""


@dataclass(frozen=True, slots=True)
class Change:
    """One difference.

    Attributes:
        where: the member's path, such as `description` or `inputSchema.properties.path.type`.
        kind: what became of it.
        pieces: the text before and after, word by word: ("same", …), ("removed", …), ("added", …), ("cut", "…").
    """

    where: str
    kind: Kind
    pieces: tuple[Piece, ...]

    def __str__(self) -> str:
        """`description: Reads [-a-] {+any+} file.`"""
        marks = {"same": "{}", "cut": "{}", "removed": "[-{}-]", "added": "{{+{}+}}"}
        return f"{self.where}: " + " ".join(marks[kind].format(text) for kind, text in self.pieces)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"where": self.where, "kind": self.kind, "pieces": [list(piece) for piece in self.pieces]}


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[Change, ...]:
    """What differs in what the hash is taken over, in its order; at most `MOST` and one that says there are more."""
    found: list[Change] = []
    for change in _members(old, new, _Work()):
        if len(found) == MOST:
            found.append(Change("…", "changed", (("cut", "and more"),)))
            break
        found.append(change)
    return tuple(found)


def spelled(text: str) -> str:
    """A text on one line in which every character can be seen: `<U+200B>` for one that could not."""
    return "".join(
        character if character.isprintable() else " " if character in "\n\r\t" else f"<U+{ord(character):04X}>"
        for character in text
    )


class _Work:
    """What may still be spent on words: how long they take to compare depends on how often they repeat."""

    def __init__(self) -> None:
        self._left = _MOST_WORK

    def allows(self, old: list[str], new: list[str]) -> bool:
        """Whether these words may be compared one by one."""
        if len(old) > _MOST_WORDS or len(new) > _MOST_WORDS:
            return False
        before, after = Counter(old), Counter(new)
        alike = sum(number * after[word] for word, number in before.items())
        steps = (alike + len(old) + len(new)) * min(len(old), len(new))
        if steps > self._left:
            return False
        self._left -= steps
        return True


def _members(old: Mapping[str, Any], new: Mapping[str, Any], work: _Work) -> Iterator[Change]:
    for member in HASHED:
        if member in old or member in new:
            yield from _compared(member, old, new, member, 0, work)


def _compared(
    where: str, old: Mapping[str, Any], new: Mapping[str, Any], key: str, depth: int, work: _Work
) -> Iterator[Change]:
    if key not in old:
        yield Change(where, "added", (("added", _value(new[key])),))
    elif key not in new:
        yield Change(where, "removed", (("removed", _value(old[key])),))
    else:
        yield from _values(where, old[key], new[key], depth, work)


def _values(where: str, old: Any, new: Any, depth: int, work: _Work) -> Iterator[Change]:
    if isinstance(old, str) and isinstance(new, str):
        if old != new:
            yield Change(where, "changed", _words(old, new, work))
    elif isinstance(old, Mapping) and isinstance(new, Mapping) and depth < _DEEPEST:
        for key in (*old, *(key for key in new if key not in old)):
            yield from _compared(f"{where}.{spelled(key)}", old, new, key, depth + 1, work)
    elif isinstance(old, Sequence) and isinstance(new, Sequence) and _scalars(old) and _scalars(new):
        yield from _lists(where, old, new)
    elif strictjson.canonical(old) != strictjson.canonical(new):
        yield Change(where, "changed", (("removed", _value(old)), ("added", _value(new))))


def _scalars(values: Sequence[Any]) -> bool:
    return not isinstance(values, str) and not any(isinstance(value, (Mapping, list)) for value in values)


def _lists(where: str, old: Sequence[Any], new: Sequence[Any]) -> Iterator[Change]:
    """Lists of names and the like, `required` or `enum`: what came, what went."""
    before, after = [_value(value) for value in old], [_value(value) for value in new]
    was, now = dict.fromkeys(before), dict.fromkeys(after)
    gone, come = [value for value in was if value not in now], [value for value in now if value not in was]
    if gone or come:
        pieces: list[Piece] = [("removed", _cut(", ".join(gone)))] if gone else []
        pieces += [("added", _cut(", ".join(come)))] if come else []
        yield Change(where, "changed", tuple(pieces))
    elif before != after:
        yield Change(where, "changed", (("removed", _cut(", ".join(before))), ("added", _cut(", ".join(after)))))


def _words(old: str, new: str, work: _Work) -> tuple[Piece, ...]:
    before, after = spelled(old).split(" "), spelled(new).split(" ")
    if old.split() == new.split():
        return tuple(_white_space(old, new))
    start = 0
    while start < min(len(before), len(after)) and before[start] == after[start]:
        start += 1
    end = 0
    while end < min(len(before), len(after)) - start and before[-1 - end] == after[-1 - end]:
        end += 1
    left, right = before[start : len(before) - end], after[start : len(after) - end]
    pieces: list[Piece] = []
    _same(pieces, before[:start], first=True)
    if not work.allows(left, right):
        _put(pieces, left, right)
    else:
        for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
            if tag == "equal":
                _same(pieces, left[i1:i2])
            else:
                _put(pieces, left[i1:i2], right[j1:j2])
    _same(pieces, before[len(before) - end :], last=True)
    return tuple(pieces)


def _white_space(old: str, new: str) -> Iterator[Piece]:
    """Where only white space differs, the place itself, with each blank, tab and line break spelled out."""
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    yield "cut", "(only white space)"
    if before := " ".join(spelled(old[:start][-_CLOSE:]).split()):
        yield "same", before
    if gone := old[start : len(old) - end]:
        yield "removed", _cut(_blanks_spelled(gone))
    if come := new[start : len(new) - end]:
        yield "added", _cut(_blanks_spelled(come))
    if after := " ".join(spelled(old[len(old) - end :][:_CLOSE]).split()):
        yield "same", after


def _blanks_spelled(text: str) -> str:
    return "".join(f"<U+{ord(one):04X}>" if one.isspace() or not one.isprintable() else one for one in text)


def _put(pieces: list[Piece], gone: list[str], come: list[str]) -> None:
    if gone:
        pieces.append(("removed", _cut(" ".join(gone))))
    if come:
        pieces.append(("added", _cut(" ".join(come))))


def _same(pieces: list[Piece], words: list[str], *, first: bool = False, last: bool = False) -> None:
    """Words that stand in both, of a long run only those beside a difference."""
    before, after = ([] if first else words[:_AROUND]), ([] if last else words[-_AROUND:])
    if len(words) <= len(before) + len(after):
        before, after, cut = words, [], False
    else:
        cut = True
    if before:
        pieces.append(("same", _cut(" ".join(before))))
    if cut:
        pieces.append(("cut", "…"))
    if after:
        pieces.append(("same", _cut(" ".join(after))))


def _value(value: Any) -> str:
    """Any value as text, a string as itself in quotes."""
    return _cut(spelled(strictjson.write(value).decode("utf-8", "replace")))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} … ({len(text):,} characters)"

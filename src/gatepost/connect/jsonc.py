"""JSON as editors keep it (with comments and trailing commas), read with the position of every member.

Positions make it possible to change one member and leave every other byte alone, comments included.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

MAX_DEPTH = 128

_BLANK = re.compile(r"(?:[ \t\r\n]+|//[^\r\n]*|/\*.*?\*/)*", re.DOTALL)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_WORDS: tuple[tuple[str, Any], ...] = (("true", True), ("false", False), ("null", None))


class JSONCError(ValueError):
    """The text is not JSON with comments; `.line` and `.column` count from 1."""

    def __init__(self, message: str, text: str, position: int) -> None:
        self.line = text.count("\n", 0, position) + 1
        self.column = position - (text.rfind("\n", 0, position) + 1) + 1
        super().__init__(f"{message} at line {self.line}, column {self.column}")


@dataclass(slots=True)
class Member:
    """One member of an object: where its key begins, and its value."""

    key: str
    key_start: int
    value: Node


@dataclass(slots=True)
class Node:
    """One value: its kind, the half-open range of the text it takes, and its content.

    `members` is filled for objects, `items` for arrays, `plain` for everything else (numbers as their text).
    """

    kind: str
    start: int
    end: int
    members: list[Member] = field(default_factory=list)
    items: list[Node] = field(default_factory=list)
    plain: Any = None
    trailing_comma: bool = False

    def python(self) -> Any:
        """The value as Python objects; an object's members as a list of pairs where a key comes twice."""
        if self.kind == "object":
            pairs = [(member.key, member.value.python()) for member in self.members]
            as_dict = dict(pairs)
            return as_dict if len(as_dict) == len(pairs) else pairs
        if self.kind == "array":
            return [item.python() for item in self.items]
        return self.plain

    def named(self, key: str) -> list[Member]:
        """The members called `key`, in order."""
        return [member for member in self.members if member.key == key]


def parse(text: str) -> Node:
    """Parses one document. Raises JSONCError."""
    reader = _Reader(text)
    node = reader.value(reader.skip(0), 0)
    end = reader.skip(node.end)
    if end != len(text):
        raise JSONCError("something follows the document", text, end)
    return node


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text

    def skip(self, position: int) -> int:
        """The position after white space and comments."""
        match = _BLANK.match(self.text, position)
        assert match is not None  # the pattern matches the empty string
        if self.text.startswith("/*", match.end()):
            raise JSONCError("a comment that does not end begins", self.text, match.end())
        return match.end()

    def value(self, position: int, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise JSONCError("values are nested too deeply", self.text, position)
        first = self.text[position : position + 1]
        if first == "{":
            return self.object(position, depth)
        if first == "[":
            return self.array(position, depth)
        if first == '"':
            end, content = self.string(position)
            return Node("string", position, end, plain=content)
        for word, meaning in _WORDS:
            if self.text.startswith(word, position):
                return Node(word, position, position + len(word), plain=meaning)
        if number := _NUMBER.match(self.text, position):
            return Node("number", position, number.end(), plain=_NumberText(number.group()))
        raise JSONCError("a value is missing", self.text, position)

    def object(self, start: int, depth: int) -> Node:
        node = Node("object", start, start)
        position = self.skip(start + 1)
        while not self.text.startswith("}", position):
            if not self.text.startswith('"', position):
                raise JSONCError("a name in double quotes or } is missing", self.text, position)
            key_start = position
            position, key = self.string(position)
            position = self.skip(position)
            if not self.text.startswith(":", position):
                raise JSONCError("a colon is missing", self.text, position)
            value = self.value(self.skip(position + 1), depth + 1)
            node.members.append(Member(key, key_start, value))
            position = self.separator(node, value.end, "}")
        node.end = position + 1
        return node

    def array(self, start: int, depth: int) -> Node:
        node = Node("array", start, start)
        position = self.skip(start + 1)
        while not self.text.startswith("]", position):
            item = self.value(position, depth + 1)
            node.items.append(item)
            position = self.separator(node, item.end, "]")
        node.end = position + 1
        return node

    def separator(self, node: Node, position: int, closing: str) -> int:
        """Passes the comma after an element; stops at the next element or at the closing bracket."""
        position = self.skip(position)
        if self.text.startswith(",", position):
            position = self.skip(position + 1)
            node.trailing_comma = self.text.startswith(closing, position)
        elif not self.text.startswith(closing, position):
            raise JSONCError(f"a comma or {closing} is missing", self.text, position)
        return position

    def string(self, start: int) -> tuple[int, str]:
        """The end of the string that begins at `start`, and its content."""
        try:
            content, end = json.JSONDecoder().raw_decode(self.text, start)
        except json.JSONDecodeError as error:
            raise JSONCError("a string is not valid", self.text, start) from error
        return end, content


class _NumberText(str):
    """A number by its text, so that it equals no string of the same characters."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _NumberText) and str.__eq__(self, other)

    __hash__ = str.__hash__

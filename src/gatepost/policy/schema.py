"""Reading a JSON Schema: where its references lead, what applies to one value, which members and defaults it has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import unquote

from gatepost.policy.paths import EVERY, UNKNOWN, Step

REFERENCES: Final = ("$ref", "$dynamicRef", "$recursiveRef")

_IN_PLACE_LISTS = ("allOf", "anyOf", "oneOf")
_IN_PLACE = ("if", "then", "else")
_SHOWN = 100
# what a subschema that is only true or false has to read
_BOOLEAN: Final[dict[str, Any]] = {}


class Unusable(ValueError):
    """A schema that no arguments can be checked against."""


class Schema:
    """One schema document, whose references all lead to places within it.

    Raises:
        Unusable: two anchors of one name, or a part with an `$id` of its own, in which references mean something else.
    """

    __slots__ = ("_anchors", "_base", "_id_word", "root")

    def __init__(self, root: dict[str, Any]) -> None:
        self.root = root
        self._id_word = "id" if "draft-04" in str(root.get("$schema")) else "$id"
        identity = root.get(self._id_word)
        self._base = identity.partition("#")[0] if isinstance(identity, str) else ""
        self._anchors: dict[str, dict[str, Any]] = {}
        for node in objects(root):
            self._note_anchors(node)

    def _note_anchors(self, node: dict[str, Any]) -> None:
        names = [node.get("$anchor"), node.get("$dynamicAnchor")]
        identity = node.get(self._id_word)
        if isinstance(identity, str) and node is not self.root:
            if not identity.startswith("#"):
                raise Unusable(f"a part of it has the $id {identity[:_SHOWN]}")
            names.append(identity[1:])  # how drafts 4 to 7 write an anchor
        for name in names:
            if isinstance(name, str) and self._anchors.setdefault(name, node) is not node:
                raise Unusable(f"it has two anchors {name[:_SHOWN]}")

    def refer(self, reference: str) -> dict[str, Any]:
        """The part at a reference: `#`, `#/$defs/…`, `#anchor`.

        Raises:
            Unusable: it leads nowhere, or elsewhere; nothing is ever fetched.
        """
        document, _, fragment = reference.partition("#")
        node: Any = None
        if document in ("", self._base):
            pointer = unquote(fragment)
            node = self._at(pointer) if pointer.startswith("/") or not pointer else self._anchors.get(pointer)
        if not isinstance(node, dict):
            raise Unusable(f"it refers to {reference[:_SHOWN]}, which is not in it")
        return node

    def _at(self, pointer: str) -> Any:
        node: Any = self.root
        for token in pointer.split("/")[1:]:
            part = token.replace("~1", "/").replace("~0", "~")
            if isinstance(node, dict):
                node = node.get(part)
            elif isinstance(node, list) and part.isascii() and part.isdecimal() and int(part) < len(node):
                node = node[int(part)]
            else:
                return None
        # a schema that is only true or false is referred to like any other, and has nothing to read
        return _BOOLEAN if isinstance(node, bool) else node

    def referred(self, node: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """What an object of the schema refers to."""
        for word in REFERENCES:
            reference = node.get(word)
            if isinstance(reference, str):
                yield self.refer(reference)

    def applied(self, start: dict[str, Any]) -> list[dict[str, Any]]:
        """Every subschema that may apply to the same value as `start`, itself first, each once."""
        found = [start]
        seen = {id(start)}
        for node in found:
            for child in self._in_place(node):
                if id(child) not in seen:
                    seen.add(id(child))
                    found.append(child)
        return found

    def _in_place(self, node: dict[str, Any]) -> Iterator[dict[str, Any]]:
        yield from self.referred(node)
        parts = [part for keyword in _IN_PLACE_LISTS for part in _list(node.get(keyword))]
        parts += [node.get(keyword) for keyword in _IN_PLACE]
        dependent = node.get("dependentSchemas")
        parts += dependent.values() if isinstance(dependent, dict) else ()
        yield from (part for part in parts if isinstance(part, dict))

    def declared(self, keyword: str) -> set[str]:
        """The members named in `properties` or `patternProperties`, wherever they apply to the whole value."""
        names: set[str] = set()
        for node in self.applied(self.root):
            members = node.get(keyword)
            if isinstance(members, dict):
                names.update(members)
        return names

    def takes_others(self) -> bool:
        """Whether `additionalProperties` is true or a schema, on the root or on what the root refers to."""
        nodes = [self.root]
        for node in nodes:
            if "additionalProperties" in node:
                return node["additionalProperties"] is True or isinstance(node["additionalProperties"], dict)
            nodes += [referred for referred in self.referred(node) if all(referred is not known for known in nodes)]
        return False

    def step(self, node: dict[str, Any], step: Step) -> list[dict[str, Any]]:
        """The subschemas that one object of the schema has for a member or an element."""
        if isinstance(step, str):
            properties = node.get("properties")
            found = [properties.get(step)] if isinstance(properties, dict) else []
        else:
            prefix, items = node.get("prefixItems"), node.get("items")
            if isinstance(items, list):  # up to draft 2019-09
                prefix, items = items, node.get("additionalItems")
            places = _list(prefix)
            if step is EVERY:
                found = [*places, items]
            else:
                assert isinstance(step, int)
                found = [places[step] if step < len(places) else items]
        return [child for child in found if isinstance(child, dict)]

    def default_at(self, steps: tuple[Step, ...]) -> Any:
        """The default that the schema gives to the member at `steps`.

        A member's own `default` counts before those of the schemas it refers to or combines. None where there is none,
        UNKNOWN where several differ.
        """
        places = [self.root]
        for step in steps:
            reached = [child for place in places for node in self.applied(place) for child in self.step(node, step)]
            places = list({id(place): place for place in reached}.values())
        candidates = [place["default"] for place in places if "default" in place]
        if not candidates:
            parts = [part for place in places for part in self.applied(place)]
            candidates = [part["default"] for part in parts if "default" in part]
        if not candidates:
            return None
        return candidates[0] if all(_same(candidates[0], other) for other in candidates) else UNKNOWN


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in a JSON value, in no order; among them every subschema of a schema."""
    stack = [value]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            yield node
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _same(one: Any, other: Any) -> bool:
    """Equal as JSON: true is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    return bool(one == other)

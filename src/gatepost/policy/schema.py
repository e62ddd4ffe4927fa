"""Reading a JSON Schema: what applies to one value, what default a member has, and whether it is safe to use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from gatepost.policy.paths import EVERY, UNKNOWN, Step

MAX_APPLIED = 10_000
"""The most subschemas that may apply to one value, counted through every reference."""

_IN_PLACE_LISTS = ("allOf", "anyOf", "oneOf")
_IN_PLACE = ("if", "then", "else")


class Unusable(ValueError):
    """A schema that no arguments can be checked against."""


def resolve(root: dict[str, Any], reference: Any) -> dict[str, Any] | None:
    """The schema at a reference within the same document (`#`, `#/$defs/…`), or None."""
    if not isinstance(reference, str) or not reference.startswith("#"):
        return None
    pointer = unquote(reference[1:])
    if pointer and not pointer.startswith("/"):
        return None
    node: Any = root
    for part in pointer.split("/")[1:]:
        part = part.replace("~1", "/").replace("~0", "~")
        if isinstance(node, dict) and part in node:
            node = node[part]
        elif isinstance(node, list) and part.isdecimal() and part.isascii() and int(part) < len(node):
            node = node[int(part)]
        else:
            return None
    return node if isinstance(node, dict) else None


def _children(root: dict[str, Any], schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The subschemas that apply to the same value as `schema`."""
    referred = resolve(root, schema.get("$ref"))
    if referred is not None:
        yield referred
    for keyword in _IN_PLACE_LISTS:
        parts = schema.get(keyword)
        if isinstance(parts, list):
            yield from (part for part in parts if isinstance(part, dict))
    for keyword in _IN_PLACE:
        part = schema.get(keyword)
        if isinstance(part, dict):
            yield part
    dependent = schema.get("dependentSchemas")
    if isinstance(dependent, dict):
        yield from (part for part in dependent.values() if isinstance(part, dict))


def applied_in_place(root: dict[str, Any], start: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """Every subschema that may apply to the same value as `start` (the root), itself first, each once."""
    first = root if start is None else start
    found = [first]
    seen = {id(first)}
    for schema in found:
        for child in _children(root, schema):
            if id(child) not in seen:
                seen.add(id(child))
                found.append(child)
    return found


def allows_undeclared(root: dict[str, Any]) -> bool:
    """Whether `additionalProperties` is true or a schema, on the root or on what the root refers to."""
    node: dict[str, Any] | None = root
    seen: set[int] = set()
    while node is not None and id(node) not in seen:
        if "additionalProperties" in node:
            return node["additionalProperties"] is True or isinstance(node["additionalProperties"], dict)
        seen.add(id(node))
        node = resolve(root, node.get("$ref"))
    return False


def has_defaults(schema: Any) -> bool:
    """Whether the word `default` stands anywhere in a schema as a key."""
    stack = [schema]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            if "default" in node:
                return True
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)
    return False


def default_at(root: dict[str, Any], steps: tuple[Step, ...]) -> Any:
    """The default that the schema gives to the member at `steps`.

    A member's own `default` counts before those of the schemas it refers to or combines. None where there is none,
    UNKNOWN where several differ.
    """
    places = [root]
    for step in steps:
        reached: list[dict[str, Any]] = []
        for place in places:
            for schema in applied_in_place(root, place):
                reached.extend(_step(schema, step))
        places = _unique(reached)
    candidates = [place["default"] for place in places if "default" in place]
    if not candidates:
        for place in places:
            candidates += [part["default"] for part in applied_in_place(root, place) if "default" in part]
    if not candidates:
        return None
    return candidates[0] if all(_same(candidates[0], other) for other in candidates) else UNKNOWN


def _step(schema: dict[str, Any], step: Step) -> list[dict[str, Any]]:
    if isinstance(step, str):
        properties = schema.get("properties")
        child = properties.get(step) if isinstance(properties, dict) else None
        return [child] if isinstance(child, dict) else []
    prefix = schema.get("prefixItems")
    items = schema.get("items")
    if isinstance(items, list):  # up to draft 2019-09
        prefix, items = items, schema.get("additionalItems")
    children = list(prefix) if isinstance(prefix, list) else []
    if step is EVERY:
        found = [*children, items]
    else:
        assert isinstance(step, int)
        found = [children[step]] if step < len(children) else [items]
    return [child for child in found if isinstance(child, dict)]


def _unique(schemas: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({id(schema): schema for schema in schemas}.values())


def _same(one: Any, other: Any) -> bool:
    """Equal as JSON: true is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    return bool(one == other)


def check_size(root: dict[str, Any]) -> None:
    """Refuse a schema whose references multiply: a few lines can make a validator work for hours on one value.

    Raises:
        Unusable: more than `MAX_APPLIED` subschemas apply to one value.
    """
    counts: dict[int, int] = {}
    stack: list[tuple[dict[str, Any], bool]] = [(schema, False) for schema in _every_schema(root)]
    open_nodes: set[int] = set()
    while stack:
        schema, done = stack.pop()
        key = id(schema)
        if done:
            total = 1 + sum(counts.get(id(child), 1) for child in _evaluated(root, schema))
            if total > MAX_APPLIED:
                raise Unusable(f"more than {MAX_APPLIED} subschemas apply to one value")
            counts[key] = total
            open_nodes.discard(key)
        elif key not in counts and key not in open_nodes:
            open_nodes.add(key)
            stack.append((schema, True))
            stack.extend((child, False) for child in _evaluated(root, schema) if id(child) not in open_nodes)


def _evaluated(root: dict[str, Any], schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The subschemas that a validator evaluates on the same value, `not` and dynamic references among them."""
    yield from _children(root, schema)
    for keyword in ("$dynamicRef", "$recursiveRef"):
        referred = resolve(root, schema.get(keyword))
        if referred is not None:
            yield referred
    negated = schema.get("not")
    if isinstance(negated, dict):
        yield negated


def _every_schema(root: dict[str, Any]) -> list[dict[str, Any]]:
    """Every object in the schema, which includes every subschema."""
    found: list[dict[str, Any]] = []
    stack: list[Any] = [root]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            found.append(node)
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)
    return found

"""How much work a schema can make: a few lines of references that double can keep a validator busy for hours."""

from __future__ import annotations

from typing import Any

from gatepost.policy.schema import Schema, Unusable

MAX_SIZE = 100_000
"""The most subschemas a schema may have with every reference written out."""


def written_out(schema: Schema) -> tuple[int, bool]:
    """How many objects a schema has with every reference written out, and whether it refers to itself.

    A reference back to a schema that is being written out counts once: validators remember what they found there.

    Raises:
        Unusable: more than `MAX_SIZE`, or a reference that leads nowhere.
    """
    sizes: dict[int, int] = {}
    entered: set[int] = set()
    recursive = False
    stack: list[tuple[dict[str, Any], bool]] = [(schema.root, False)]
    while stack:
        node, complete = stack.pop()
        key = id(node)
        if complete:
            sizes[key] = 1 + sum(sizes.get(id(child), 1) for child in _children(schema, node))
            if sizes[key] > MAX_SIZE:
                raise Unusable(f"it has more than {MAX_SIZE} parts with its references written out")
            entered.discard(key)
        elif key not in sizes and key not in entered:
            entered.add(key)
            stack.append((node, True))
            for child in _children(schema, node):
                if id(child) in entered:
                    recursive = True
                elif id(child) not in sizes:
                    stack.append((child, False))
    return sizes[id(schema.root)], recursive


def _children(schema: Schema, node: dict[str, Any]) -> list[dict[str, Any]]:
    """The objects directly below a schema's object, also through lists, and those it refers to."""
    found = list(schema.referred(node))
    values = list(node.values())
    while values:
        value = values.pop()
        if isinstance(value, dict):
            found.append(value)
        elif isinstance(value, list):
            values.extend(value)
    return found

"""What an input schema says of a path."""

from __future__ import annotations

from typing import Any

from gatepost.policy.paths import Step
from gatepost.policy.schema import Schema


def has_path(schema: Schema, steps: tuple[Step, ...]) -> bool:
    """Whether the schema names what stands at `steps`, or leaves open what stands there."""
    places = [schema.root]
    for depth, step in enumerate(steps):
        parts = [part for place in places for part in schema.applied(place)]
        places = [child for part in parts for child in schema.step(part, step)]
        if not places:
            return _leaves_open(schema, parts, step, top=depth == 0)
    return True


def _leaves_open(schema: Schema, parts: list[dict[str, Any]], step: Step, *, top: bool) -> bool:
    """Whether a schema without a word on this member or element may still have it."""
    if top:
        return schema.takes_others() or bool(schema.declared("patternProperties"))
    kind, words = ("object", ("properties", "patternProperties")) if isinstance(step, str) else ("array", ("items",))
    types = [one for part in parts for one in _types(part)]
    if types and kind not in types:
        return False
    others = [part.get("additionalProperties") for part in parts]
    if any(other is True or isinstance(other, dict) for other in others):
        return True
    return not any(word in part for part in parts for word in words)


def _types(part: dict[str, Any]) -> list[str]:
    kind = part.get("type")
    return [kind] if isinstance(kind, str) else kind if isinstance(kind, list) else []


def may_be_absent(schema: Schema, steps: tuple[Step, ...]) -> bool:
    """Whether a valid call may leave out the argument that a path starts at, and no default stands in for it."""
    name = steps[0]
    if not isinstance(name, str) or schema.default_at((name,)) is not None:
        return False
    required = [part.get("required") for part in schema.applied(schema.root)]
    demanded = any(isinstance(names, list) and name in names for names in required)
    return not demanded and has_path(schema, (name,))

"""What of a definition may be passed on: names, figures and structure. The texts are their authors'."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from gatepost.catalogue.classification import Evidence
from gatepost.catalogue.schema_facts import schema_facts
from gatepost.catalogue.suggest import is_relative

_DEPTH: Final = 12
_SHALLOW: Final = 2
_LONGEST_WORD: Final = 80
_LONGEST_PATTERN: Final = 200
_QUOTED_WORDS: Final = 4
_NUMBERS: Final = (
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "minItems",
    "maxItems", "minProperties", "maxProperties", "uniqueItems",
)  # fmt: skip
_INNER: Final = ("items", "additionalProperties", "not", "contains", "propertyNames")
_LISTS: Final = ("anyOf", "oneOf", "allOf", "prefixItems")
_MAPS: Final = ("properties", "patternProperties", "$defs", "definitions")


def reduced_schema(schema: object, *, deep: bool = True) -> dict[str, Any] | None:
    """A schema without its texts; None where it is no object. With `deep` off, only its parameters and their types.

    Of a path's text one thing is kept in a word of ours, for a rule depends on it: that the path is relative.
    """
    kept = _reduced(schema, _DEPTH if deep else _SHALLOW)
    if not isinstance(kept, dict) or not isinstance(schema, Mapping):
        return None
    for path in schema_facts(schema).paths:
        member = schema["properties"][path]
        if isinstance(member, Mapping) and is_relative(member.get("description")):
            kept["properties"][path]["description"] = "Relative."
    return kept


def _reduced(schema: object, depth: int) -> object:
    if isinstance(schema, bool):
        return schema
    if not isinstance(schema, Mapping) or depth < 0:
        return {} if isinstance(schema, Mapping) else None
    kept: dict[str, Any] = {}
    for key, value in schema.items():
        if _is_kept(key, value):
            kept[key] = value
        elif key in ("enum", "required") and isinstance(value, list):
            kept[key] = [one for one in value if _is_word(one)]
        elif key in _INNER:
            inner = _reduced(value, depth - 1)
            if inner is not None:
                kept[key] = inner
        elif key in _LISTS and isinstance(value, list):
            kept[key] = [one for one in (_reduced(part, depth - 1) for part in value) if one is not None]
        elif key in _MAPS and isinstance(value, Mapping):
            parts = ((str(name), _reduced(part, depth - 1)) for name, part in value.items())
            kept[key] = {name: {} if part is None else part for name, part in parts}
    return kept


def _is_kept(key: str, value: object) -> bool:
    if key in _NUMBERS:
        return isinstance(value, (bool, int, float))
    if key == "type":
        return isinstance(value, (str, list))
    if key in ("format", "pattern", "$ref"):
        return isinstance(value, str) and len(value) <= _LONGEST_PATTERN
    return key in ("const", "default") and _is_word(value)


def _is_word(value: object) -> bool:
    """Whether a value is one of an interface, not a text: short, and of few words."""
    if isinstance(value, str):
        return len(value) <= _LONGEST_WORD and len(value.split()) <= _QUOTED_WORDS
    return value is None or isinstance(value, (bool, int, float))


def reduced_evidence(evidence: Evidence) -> list[str]:
    """(source, quote, what it says), of a description no more than the words that decided."""
    quote = evidence.quote
    words = quote.split()
    if evidence.source == "description" and len(words) > _QUOTED_WORDS:
        quote = " ".join(words[:_QUOTED_WORDS]) + " …"
    return [evidence.source, quote, evidence.says]

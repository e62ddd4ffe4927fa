"""What is known of the server's tools, and which entries apply to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gatepost.policy.definition import CompiledDefinition, compile_definition
from gatepost.policy.globs import is_glob, matcher
from gatepost.policy.model import CATEGORIES, Document
from gatepost.policy.schema import Schema


class KnownTools:
    """The tools of a server by name, or nothing where no definitions were given.

    Attributes:
        given: whether definitions were given at all.
        schemas: each tool's input schema; None where it has no usable one.
        categories: each tool's category; None where it has none.
    """

    def __init__(self, definitions: Mapping[str, Any] | None) -> None:
        self.given = definitions is not None
        self.schemas: dict[str, Schema | None] = {}
        self.categories: dict[str, str | None] = {}
        for name, definition in (definitions or {}).items():
            tool, category = _parts(definition)
            compiled = tool if isinstance(tool, CompiledDefinition) else compile_definition(tool)
            self.schemas[name] = compiled.schema
            self.categories[name] = category if category in CATEGORIES else None

    def matched_by(self, key: str) -> list[str]:
        """The tools that a key of `tools` means, whatever other entries there are."""
        if key.startswith("@"):
            return [name for name, category in self.categories.items() if category in (None, key[1:])]
        matches = matcher(key)
        return [name for name in self.schemas if matches(name)]

    def judged_by(self, key: str, document: Document) -> list[str]:
        """The tools that the entry with this key applies to: an exact name applies alone."""
        names = self.matched_by(key)
        if key.startswith("@") or is_glob(key):
            return [name for name in names if name not in document.tools]
        return names

    def schemas_of(self, names: Iterable[str]) -> list[Schema]:
        """The usable schemas of these tools."""
        return [schema for name in names if (schema := self.schemas[name]) is not None]


def _parts(definition: Any) -> tuple[Any, Any]:
    """A definition's tool and category, in any of the shapes it is kept in."""
    if isinstance(definition, CompiledDefinition):
        return definition, None
    if isinstance(definition, Mapping):
        inner = definition.get("tool")
        return (inner if isinstance(inner, Mapping) else definition), definition.get("category")
    return definition.tool, definition.category

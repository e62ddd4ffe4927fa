"""The tools of one server as the catalogue sees them: what was listed, bounded, each with its class."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from gatepost.catalogue.classification import CATEGORIES, SEVERITY_OF, Category, Classification, Evidence
from gatepost.catalogue.classify import classify_facts
from gatepost.catalogue.schema_facts import SchemaFacts, schema_facts
from gatepost.catalogue.siblings import Siblings

MOST_TOOLS = 100_000
DESCRIPTION_KEPT = 8_000
_NAME_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./-")


@dataclass(frozen=True, slots=True)
class ListedTool:
    """One tool of a server.

    Attributes:
        name, title, description: as listed; of a description the first `DESCRIPTION_KEPT` characters.
        schema: its input schema, or None where it is no object.
        classification: what it can do; where a person said another category, that one.
        facts: what its parameters say.
        tokens: about how many tokens its definition costs in a model's context, at four bytes a token.
    """

    name: str
    title: str
    description: str
    schema: Mapping[str, Any] | None = field(repr=False)
    classification: Classification
    facts: SchemaFacts = field(repr=False)
    tokens: int

    @property
    def category(self) -> Category:
        """What kind of act a call of it is."""
        return self.classification.category

    @property
    def callable(self) -> bool:
        """Whether a call through the gateway may name it at all."""
        return 0 < len(self.name) <= 128 and _NAME_CHARACTERS.issuperset(self.name)


def read_tools(tools: Iterable[object], said: Mapping[str, str | None] | None = None) -> tuple[ListedTool, ...]:
    """Classifies the tools of one server, in the order of its list; of two with one name the first counts.

    Args:
        tools: the objects of `tools/list`; what is no object with a name is left out, and all past `MOST_TOOLS`.
        said: categories that a person gave tools, by name; they win over the classifier's.
    """
    kept: dict[str, Mapping[str, Any]] = {}
    for _, tool in zip(range(MOST_TOOLS), tools, strict=False):
        if isinstance(tool, Mapping) and isinstance(tool.get("name"), str) and tool["name"]:
            kept.setdefault(tool["name"], tool)
    siblings = Siblings.of(kept)
    return tuple(_read(tool, siblings, (said or {}).get(name)) for name, tool in kept.items())


def _read(tool: Mapping[str, Any], siblings: Siblings, said: str | None) -> ListedTool:
    text = tool.get("description")
    description = text if isinstance(text, str) else ""
    schema = tool.get("inputSchema")
    facts = schema_facts(schema)
    found = classify_facts(tool["name"], description, facts, tool.get("annotations"), siblings)
    for category in CATEGORIES:
        if category == said and category != found.category:
            evidence = (Evidence("person", "", f"said to be {category}"), *found.evidence)
            found = replace(
                found, category=category, severity=SEVERITY_OF[category], confidence="high", evidence=evidence
            )
    title = tool.get("title")
    return ListedTool(
        name=tool["name"],
        title=title if isinstance(title, str) else "",
        description=description[:DESCRIPTION_KEPT],
        schema=schema if isinstance(schema, Mapping) else None,
        classification=found,
        facts=facts,
        tokens=token_cost(tool),
    )


def token_cost(tool: Mapping[str, Any]) -> int:
    """About how many tokens a definition costs: its JSON without white space, at four bytes a token, rounded up."""
    return -(-len(shown_json(tool)) // 4)


_SHOWN_TO_MODELS = ("name", "title", "description", "inputSchema", "annotations")


def shown_json(tool: Mapping[str, Any]) -> bytes:
    """What a model is shown of a definition, as compact JSON; only its texts where the rest is nested without end."""
    shown = {key: tool[key] for key in _SHOWN_TO_MODELS if key in tool}
    try:
        text = json.dumps(shown, ensure_ascii=False, separators=(",", ":"), default=_number)
    except (RecursionError, ValueError):
        texts = {key: value for key, value in shown.items() if isinstance(value, str)}
        text = json.dumps(texts, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")


def _number(value: object) -> float | str:
    """A number of a kind that `json` does not know, such as a Decimal; text for anything else."""
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return str(value)

"""The tools of one server as the catalogue sees them: what was listed, bounded, each with its class."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final, NamedTuple

import msgspec

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


class Classified(NamedTuple):
    """One tool of a server, as `classified` goes through them: its definition, its description or empty, its class."""

    definition: Mapping[str, Any]
    description: str
    facts: SchemaFacts
    found: Classification


def read_tools(tools: Iterable[object], said: Mapping[str, str | None] | None = None) -> tuple[ListedTool, ...]:
    """Classifies the tools of one server, in the order of its list.

    Two of one name that are alike count once; two that are not count not at all: which of them a call would run cannot
    be told, and none of them can be called through the gateway.

    Args:
        tools: the objects of `tools/list`; what is no object with a name is left out, and all past `MOST_TOOLS`.
        said: categories that a person gave tools, by name; they win over the classifier's.
    """
    return tuple(_listed(one) for one in classified(tools, said))


def classified(tools: Iterable[object], said: Mapping[str, str | None] | None = None) -> Iterator[Classified]:
    """As `read_tools`, of each tool no more than its class: for those of whom there are very many."""
    kept: dict[str, Mapping[str, Any]] = {}
    twice: list[tuple[str, Mapping[str, Any], Mapping[str, Any]]] = []
    for tool in islice(tools, MOST_TOOLS):
        if isinstance(tool, (dict, Mapping)):
            name = tool.get("name")
            if isinstance(name, str) and name and (other := kept.setdefault(name, tool)) is not tool:
                twice.append((name, other, tool))
    for name, one, other in twice:
        if not _alike(one, other):
            kept.pop(name, None)
    siblings = Siblings.of(kept)
    for name, tool in kept.items():
        text = tool.get("description")
        description = text if isinstance(text, str) else ""
        facts = schema_facts(tool.get("inputSchema"))
        found = classify_facts(name, description, facts, tool.get("annotations"), siblings)
        yield Classified(tool, description, facts, _as_said(found, said.get(name)) if said else found)


def _alike(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    try:
        return one == other
    except RecursionError:  # nested without end
        return False


def _as_said(found: Classification, said: str | None) -> Classification:
    for category in CATEGORIES:
        if category == said and category != found.category:
            evidence = (Evidence("person", "", f"said to be {category}"), *found.evidence)
            severity = SEVERITY_OF[category]
            return found._replace(category=category, severity=severity, confidence="high", evidence=evidence)
    return found


def _listed(one: Classified) -> ListedTool:
    tool = one.definition
    title = tool.get("title")
    schema = tool.get("inputSchema")
    return ListedTool(
        name=tool["name"],
        title=title if isinstance(title, str) else "",
        description=one.description[:DESCRIPTION_KEPT],
        schema=schema if isinstance(schema, Mapping) else None,
        classification=one.found,
        facts=one.facts,
        tokens=token_cost(tool),
    )


def token_cost(tool: Mapping[str, Any]) -> int:
    """About how many tokens a definition costs: its JSON without white space, at four bytes a token, rounded up."""
    return tokens_of(shown_json(tool))


def tokens_of(shown: bytes) -> int:
    """As `token_cost`, of the JSON."""
    return -(-len(shown) // 4)


_SHOWN_TO_MODELS = ("name", "title", "description", "inputSchema", "annotations")


def shown_json(tool: Mapping[str, Any]) -> bytes:
    """What a model is shown of a definition, as compact JSON; only its texts where the rest is nested without end."""
    shown = {key: tool[key] for key in _SHOWN_TO_MODELS if key in tool}
    try:
        text = _WRITER.encode(shown)
    except (RecursionError, ValueError):
        texts = {key: value for key, value in shown.items() if isinstance(value, str)}
        text = json.dumps(texts, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")


def shown_plain(tool: Mapping[str, Any]) -> bytes:
    """As `shown_json`, byte for byte, of a definition that holds nothing but what `json.loads` makes.

    The quicker writer spells some numbers otherwise. What it wrote where there may be one is not used: those with an
    exponent, and those that are none, of which it makes null.
    """
    try:
        quick = _quick({key: tool[key] for key in _SHOWN_TO_MODELS if key in tool})
    except (ValueError, TypeError, OverflowError, RecursionError):
        return shown_json(tool)
    return shown_json(tool) if b"null" in quick or b"0e" in quick.translate(_DIGITS_AS_0) else quick


def _number(value: object) -> float | str:
    """A number of a kind that `json` does not know, such as a Decimal; text for anything else."""
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return str(value)


_quick: Final = msgspec.json.Encoder().encode
_DIGITS_AS_0: Final = bytes.maketrans(b"123456789", b"000000000")
_WRITER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_number)

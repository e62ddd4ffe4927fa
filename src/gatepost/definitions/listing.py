"""From the tools that a server listed to definitions: what cannot be used is left out and said, the rest is kept."""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gatepost.definitions.definition import CATEGORIES, Definition, definition_hash
from gatepost.errors import GatepostError

MAX_TOOLS = 100_000
_MAX_PROBLEMS = 20
_MAX_SHOWN = 80
# What a call may name; a tool with another name could never be called through the gateway.
_IN_NAMES = frozenset(string.ascii_letters + string.digits + "_./-")
_LONGEST_NAME = 128


@dataclass(frozen=True, slots=True)
class Listing:
    """What can be used of a list of tools.

    Attributes:
        definitions: in the order of the list, no two with one name.
        problems: a sentence for everything that was left out or is odd; at most 21.
    """

    definitions: tuple[Definition, ...]
    problems: tuple[str, ...]


def read_listing(tools: Sequence[object], *, now: float, known: Mapping[str, Definition] | None = None) -> Listing:
    """Makes definitions of a server's tools.

    A tool that is no object, has no usable name, or is listed twice with different definitions is left out: which of
    the two the server would run cannot be told. A schema that is not an object is kept as the server gave it, for the
    policy denies calls that cannot be validated. Past `MAX_TOOLS` nothing is read.

    Args:
        tools: the members of every page's `tools`, strictly parsed.
        now: epoch seconds of the scan.
        known: the definitions of the last scan: categories are taken over, and `seen_at` where nothing changed.
    """
    problems = _Problems()
    if len(tools) > MAX_TOOLS:
        problems.add(f"The server lists {len(tools):,} tools; those after the first {MAX_TOOLS:,} are left out.")
    found: dict[str, Definition] = {}
    doubtful: set[str] = set()
    for number, tool in enumerate(tools[:MAX_TOOLS], start=1):
        definition = _definition(tool, number, now, known or {}, problems)
        if definition is None or definition.name in doubtful:
            continue
        other = found.get(definition.name)
        if other is None:
            found[definition.name] = definition
            _check_schemas(definition, problems)
        elif other.hash == definition.hash:
            problems.add(f"The tool {definition.name} is listed twice, alike; it is kept once.")
        else:
            problems.add(f"The tool {definition.name} is listed twice with different definitions; both are left out.")
            doubtful.add(definition.name)
            del found[definition.name]
    return Listing(tuple(found.values()), problems.sentences())


def check_category(category: str | None) -> str | None:
    """`category` itself where it is one of `CATEGORIES` or None. Raises `GatepostError` GP-4005."""
    if category is not None and category not in CATEGORIES:
        raise GatepostError("GP-4005", f"{category!r} is not a category.", f"Use one of: {', '.join(CATEGORIES)}.")
    return category


class _Problems:
    """Sentences, the first of which are kept and the rest counted."""

    def __init__(self) -> None:
        self._kept: list[str] = []
        self._more = 0

    def add(self, sentence: str) -> None:
        if len(self._kept) < _MAX_PROBLEMS:
            self._kept.append(sentence)
        else:
            self._more += 1

    def sentences(self) -> tuple[str, ...]:
        return (*self._kept, f"And {self._more:,} more of the kind.") if self._more else tuple(self._kept)


def _definition(
    tool: object, number: int, now: float, known: Mapping[str, Definition], problems: _Problems
) -> Definition | None:
    if not isinstance(tool, dict):
        problems.add(f"Entry {number} of the tools is not an object; it is left out.")
        return None
    name = tool.get("name")
    if not isinstance(name, str) or not name:
        problems.add(f"Tool {number} has no name; it is left out.")
        return None
    if len(name) > _LONGEST_NAME or not _IN_NAMES.issuperset(name):
        problems.add(f"Tool {number} has the name {_shown(name)}, which no call may use; it is left out.")
        return None
    try:
        hash = definition_hash(tool)
    except (ValueError, TypeError) as error:
        problems.add(f"The tool {name} has a definition without a canonical form ({error}); it is left out.")
        return None
    before = known.get(name)
    return Definition(
        name=name,
        tool=tool,
        hash=hash,
        category=before.category if before else None,
        seen_at=before.seen_at if before and before.hash == hash else now,
    )


def _check_schemas(definition: Definition, problems: _Problems) -> None:
    tool: Mapping[str, Any] = definition.tool
    if "inputSchema" not in tool:
        problems.add(f"The tool {definition.name} has no inputSchema.")
    for member in ("inputSchema", "outputSchema"):
        if member in tool and not isinstance(tool[member], dict):
            problems.add(f"The {member} of the tool {definition.name} is not an object.")


def _shown(name: str) -> str:
    text = ascii(name)
    return text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "…'"

"""What goes into the index: servers, each with its tools if they are known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from gatepost.catalogue.classification import CATEGORIES, SEVERITIES, SIGNALS
from gatepost.catalogue.listed import ListedTool, read_tools, shown_json

LONGEST_DEFINITION: Final = 64 * 1024
LONGEST_TEXT: Final = 2_000
_BITS: Final = {signal: 1 << place for place, signal in enumerate(SIGNALS)}
_CONFIDENCES: Final = ("low", "medium", "high")


@dataclass(frozen=True, slots=True)
class ToolEntry:
    """One tool as the index keeps it.

    Attributes:
        name, description: as listed; of the description the first `LONGEST_TEXT` characters.
        category, severity, confidence, signals: its class.
        tokens: what its definition costs.
        definition: its definition as JSON; one over `LONGEST_DEFINITION` without its schema.
    """

    name: str
    description: str
    category: str
    severity: str
    confidence: str
    signals: tuple[str, ...]
    tokens: int
    definition: str

    def as_row(self) -> tuple[str, int, int, int, int, int, str]:
        """(name, category, severity, confidence, signals, tokens, definition), words as numbers."""
        return (
            self.name,
            CATEGORIES.index(self.category),
            SEVERITIES.index(self.severity),
            _CONFIDENCES.index(self.confidence),
            bits_of(self.signals),
            self.tokens,
            self.definition,
        )


@dataclass(frozen=True, slots=True)
class ServerEntry:
    """One server.

    Attributes:
        name: its name in its source, such as `io.github.someone/weather`.
        title, description, version, url: what the source says of it, or empty.
        source: where it comes from: `registry`, `scan`, `mcp.json`, `registered`, or another word.
        updated_at: when the source last changed it, ISO 8601, or empty.
        tools: its tools, or None where the source does not know them; those known before then stay.
    """

    name: str
    title: str = ""
    description: str = ""
    version: str = ""
    url: str = ""
    source: str = ""
    updated_at: str = ""
    tools: tuple[ToolEntry, ...] | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """How much went in, or is there."""

    servers: int
    tools: int


def entries_of(definitions: Iterable[object], said: Mapping[str, str | None] | None = None) -> tuple[ToolEntry, ...]:
    """Classifies the tools that a server listed."""
    kept = {
        one["name"]: one
        for one in reversed(list(definitions))
        if isinstance(one, Mapping) and isinstance(one.get("name"), str)
    }
    return tuple(_entry(tool, kept[tool.name]) for tool in read_tools(reversed(list(kept.values())), said))


def _entry(tool: ListedTool, definition: Mapping[str, Any]) -> ToolEntry:
    found = tool.classification
    return ToolEntry(
        name=tool.name[:512],
        description=tool.description[:LONGEST_TEXT],
        category=found.category,
        severity=found.severity,
        confidence=found.confidence,
        signals=found.signals,
        tokens=tool.tokens,
        definition=_as_json(tool, definition),
    )


def _as_json(tool: ListedTool, definition: Mapping[str, Any]) -> str:
    shown = shown_json(definition)
    if len(shown) <= LONGEST_DEFINITION:
        return shown.decode()
    return shown_json({"name": tool.name[:512], "description": tool.description[:LONGEST_TEXT]}).decode()


def bits_of(signals: Iterable[str]) -> int:
    """Signals as bits, in the order of `SIGNALS`."""
    return sum(_BITS[signal] for signal in signals)


def signals_of(bits: int) -> tuple[str, ...]:
    """The signals that bits stand for."""
    return tuple(signal for signal, bit in _BITS.items() if bits & bit)


def confidence_of(number: int) -> str:
    """The word for a confidence as it is stored."""
    return _CONFIDENCES[number]

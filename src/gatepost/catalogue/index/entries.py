"""What goes into the index: servers, each with its tools if they are known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from gatepost.catalogue.classification import SIGNALS
from gatepost.catalogue.listed import Classified, classified, shown_json, shown_plain, tokens_of

LONGEST_DEFINITION: Final = 64 * 1024
LONGEST_TEXT: Final = 2_000
REGISTERED: Final = "registered"
"""The source of servers that are registered here: what it says of a server goes before what any other says."""
_BITS: Final = {signal: 1 << place for place, signal in enumerate(SIGNALS)}
CONFIDENCES: Final = ("low", "medium", "high")


class ToolEntry(NamedTuple):
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


def entries_of(
    definitions: Iterable[object], said: Mapping[str, str | None] | None = None, *, plain: bool = False
) -> tuple[ToolEntry, ...]:
    """Classifies the tools that a server listed.

    Args:
        definitions, said: as `catalogue.listed.read_tools`.
        plain: whether they hold nothing but what `json.loads` makes: then the same is done in less time.
    """
    show = shown_plain if plain else shown_json
    return tuple([_entry(one, show(one.definition)) for one in classified(definitions, said)])


def _entry(one: Classified, shown: bytes) -> ToolEntry:
    tool, description, _, found = one
    name = tool["name"][:512]
    text = description[:LONGEST_TEXT]
    kept = shown if len(shown) <= LONGEST_DEFINITION else shown_json({"name": name, "description": text})
    category, severity, confidence, signals = found.category, found.severity, found.confidence, found.signals
    return ToolEntry(name, text, category, severity, confidence, signals, tokens_of(shown), kept.decode())


def bits_of(signals: Iterable[str]) -> int:
    """Signals as bits, in the order of `SIGNALS`."""
    return sum(_BITS[signal] for signal in signals)


def signals_of(bits: int) -> tuple[str, ...]:
    """The signals that bits stand for."""
    return tuple(signal for signal, bit in _BITS.items() if bits & bit)


def confidence_of(number: int) -> str:
    """The word for a confidence as it is stored."""
    return CONFIDENCES[number]

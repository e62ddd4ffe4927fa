"""A server as the index's file takes it: rows made beforehand, which another process may have done."""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

from gatepost.catalogue.classification import CATEGORIES, SEVERITIES
from gatepost.catalogue.index.entries import CONFIDENCES, ServerEntry, bits_of
from gatepost.catalogue.words import name_words

_SHOWN: Final = 300

ToolRow = tuple[str, int, int, int, int, int, str]
"""(name, category, severity, confidence, signals, tokens, definition), words as numbers: a row of `tools`."""

FoundRow = tuple[str, str, str, str]
"""(words, server, description, facets): a row of `found`."""


class Rows(NamedTuple):
    """One server.

    Attributes:
        name: what it is called in its source.
        texts: title, description, version, url, source, updated_at.
        tools, found: a row of each for every tool, or None where its source does not know its tools.
    """

    name: str
    texts: tuple[str, str, str, str, str, str]
    tools: tuple[ToolRow, ...] | None
    found: tuple[FoundRow, ...]

    @property
    def source(self) -> str:
        """Where it comes from."""
        return self.texts[4]


def rows_of(server: ServerEntry) -> Rows:
    """The rows of a server."""
    texts = (server.title, server.description, server.version, server.url, server.source, server.updated_at)
    title, description, version, url, source, updated_at = map(_sound, texts)
    name, sound = _sound(server.name), (title, description, version, url, source, updated_at)
    if server.tools is None:
        return Rows(name, sound, None, ())
    tools: list[ToolRow] = []
    found: list[FoundRow] = []
    for tool in server.tools:
        category, severity, confidence, signals, facets = _class(
            tool.category, tool.severity, tool.confidence, tool.signals
        )
        called = _sound(tool.name)
        tools.append((called, category, severity, confidence, signals, tool.tokens, tool.definition))
        words = f"{' '.join(name_words(called))} {called}"
        found.append((words, name, _sound(tool.description[:_SHOWN]), facets))
    return Rows(name, sound, tuple(tools), tuple(found))


def _sound(text: str) -> str:
    """A text that can be stored: half of a surrogate pair, which JSON can spell, becomes a question mark."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


@lru_cache(maxsize=4_096)
def _class(category: str, severity: str, confidence: str, signals: tuple[str, ...]) -> tuple[int, int, int, int, str]:
    """A class as the file keeps it: numbers, and words to search by."""
    facets = " ".join((f"xc{category}", f"xs{severity}", *(f"xg{signal.replace('-', '')}" for signal in signals)))
    return (
        CATEGORIES.index(category),
        SEVERITIES.index(severity),
        CONFIDENCES.index(confidence),
        bits_of(signals),
        facets,
    )

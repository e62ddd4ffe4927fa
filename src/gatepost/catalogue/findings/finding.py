"""One thing to look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from gatepost.catalogue.classification import Severity

KINDS: Final = {
    "hidden-text": "text that a person does not see and a model reads",
    "instructions": "words to the model instead of about the tool",
    "mimicry": "a name like that of another server's tool",
    "schema": "an input schema that no call can satisfy",
    "oversized": "a text too long to be read",
}
"""Every kind of finding, and what it is."""

_QUOTED = 160


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to look at.

    Attributes:
        kind: a key of `KINDS`.
        severity: how bad it is if it is meant.
        tool: in which tool, or what else of the server.
        where: in which member: `description`, `inputSchema.properties.path.description`.
        what: what was found, the rest of a sentence.
        quote: the place itself, every character of it to be seen; may be empty.
    """

    kind: str
    severity: Severity
    tool: str
    where: str
    what: str
    quote: str

    def __str__(self) -> str:
        """`read_file, description: tells the model …: “…”`"""
        return f"{self.tool}, {self.where}: {self.what}" + (f": “{self.quote}”" if self.quote else "")

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "kind": self.kind,
            "severity": self.severity,
            "tool": self.tool,
            "where": self.where,
            "what": self.what,
            "quote": self.quote or None,
        }


def quoted(text: str) -> str:
    """The beginning of a text on one line, in which what cannot be seen is spelled out: `<U+200B>`."""
    shown = []
    length = 0
    for character in text[:_QUOTED]:
        piece = character
        if not character.isprintable():
            piece = " " if character in "\n\r\t" else f"<U+{ord(character):04X}>"
        shown.append(piece)
        length += len(piece)
        if length >= _QUOTED:
            break
    whole = " ".join("".join(shown).split())
    return whole if len(shown) == len(text) else whole + " …"

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

ADVICE: Final = {
    "hidden-text": (
        "Do not let an agent use this tool before whoever runs the server has said what the text is for; leave the "
        "tool out of the policy until then."
    ),
    "instructions": (
        "Read the whole definition. Where the words steer the model away from what the tool is for, leave the tool "
        "out of the policy and ask whoever runs the server; where they only say how to use it, allow it."
    ),
    "mimicry": (
        "Make sure which of the two you mean: put only that one into the policy, and rename or remove the other "
        "server if it is not yours."
    ),
    "schema": (
        "Nothing needs to be done to be safe: every call of it is denied. To use it, its server must offer a schema "
        "that is one."
    ),
    "oversized": (
        "Only its beginning was looked at. A definition of this length costs more context than it can be worth: ask "
        "whoever runs the server, or leave the tool out of the policy."
    ),
}
"""What to do about each kind."""

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

    @property
    def advice(self) -> str:
        """What to do."""
        return ADVICE[self.kind]

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
            "advice": self.advice,
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

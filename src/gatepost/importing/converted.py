"""What importing another program's rules gives: policies, and where their meaning is not the same."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


class CannotConvert(ValueError):
    """The file is not of the form that was expected, or not valid there either; the text says what and where."""


@dataclass(frozen=True, slots=True)
class Note:
    """One meaning that differs.

    Attributes:
        where: the place in the file that was read, or empty for all of it.
        text: what is different, a sentence.
        refused: whether something could not be said at all, and is refused in its place.
    """

    where: str
    text: str
    refused: bool = False


@dataclass(slots=True)
class Converted:
    """One policy.

    Attributes:
        server: the server's name in the file, or None where the file is about one server without naming it.
        document: the policy.
        notes: every meaning that differs.
    """

    server: str | None
    document: dict[str, Any]
    notes: list[Note] = field(default_factory=list)

    def note(self, where: str, text: str, *, refused: bool = False) -> None:
        """Adds a note, once."""
        note = Note(where, text, refused)
        if note not in self.notes:
            self.notes.append(note)

"""What an examination finds."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Level = Literal["ok", "note", "warning", "problem"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        check: the name of the check that found it, one of `examine.CHECKS`.
        level: `ok`; `note`: worth knowing; `warning`: works, and may not for long; `problem`: does not work.
        text: what was found, a whole sentence, without secrets.
        mend: the command that mends it, or what to do; empty where nothing is to be done.
    """

    check: str
    level: Level
    text: str
    mend: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Every attribute by name, for JSON."""
        return asdict(self)


def counted(number: int, noun: str) -> str:
    """`1 tool`, `2 tools`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"

"""The type of a warning."""

from __future__ import annotations

from typing import NamedTuple


class LintWarning(NamedTuple):
    """One warning: a JSON pointer into the document, and a sentence."""

    pointer: str
    message: str

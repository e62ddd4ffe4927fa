"""The name that somebody may have meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str:
    """`Did you mean NAME?` for the most similar of the known names, or empty where none is similar."""
    similar = difflib.get_close_matches(name[:128], list(known)[:1000], n=1)
    return f"Did you mean {similar[0]}?" if similar else ""

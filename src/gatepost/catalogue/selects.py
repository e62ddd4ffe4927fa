"""Whether a tool that runs queries says of itself that they can only look.

That a description somewhere has the word `select` says nothing: it may be an example, or one of the things allowed.
"""

from __future__ import annotations

from typing import Final

from gatepost.catalogue.anatomy import Tool
from gatepost.catalogue.words import vocabulary

_READ_ONLY: Final = frozenset(("read-only", "readonly"))
_CHANGES: Final = vocabulary("insert update delete drop alter create ddl dml truncate merge write read-write")
_DENIES: Final = vocabulary(
    "not no non cannot can't never isn't don't doesn't only blocked rejected refused prohibited"
)
_DEPENDS: Final = vocabulary("mode if unless when not isn't disabled otherwise except readwrite")
_QUERIES: Final = vocabulary("query queries statement statements")
_AROUND: Final = "().,;:!?\"'“”*_#<>[]{}|-–—"


def says_it_only_selects(tool: Tool) -> bool:
    """By its first sentence, or by a later one where none speaks of queries that change something."""
    text = tool.reading.text.lower()
    if "read-only" not in text and "readonly" not in text and "select" not in text:
        return False
    said = False
    for at, sentence in enumerate(_sentences(text)):
        if _promises(sentence):
            if at == 0:
                return True
            said = True
        elif not _CHANGES.isdisjoint(sentence) and _DENIES.isdisjoint(sentence):
            return False
    return said


def _promises(sentence: list[str]) -> bool:
    """Whether it says without a condition that queries are read-only or are selections."""
    if not _DEPENDS.isdisjoint(sentence):
        return False
    if not _READ_ONLY.isdisjoint(sentence):
        return True
    if "select" not in sentence or not ("only" in sentence or _CHANGES.isdisjoint(sentence)):
        return False
    at = sentence.index("select")
    return "only" in sentence or not _QUERIES.isdisjoint(sentence[at + 1 : at + 2])


def _sentences(text: str) -> list[list[str]]:
    parts = text.replace("\n", ". ").replace("! ", ". ").replace("; ", ". ").split(". ")
    split = ([stripped for word in part.split() if (stripped := word.strip(_AROUND))] for part in parts)
    return [words for words in split if words]

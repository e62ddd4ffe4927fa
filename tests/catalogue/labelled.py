"""The labelled tools: which servers there are, on which side of the split, and what was said of each tool.

A line of data/servers/NAME.txt is `label|name|what it does|parameters`; the label is one letter, and a parameter may
carry `:n` for a number or `=a|b` for its choices. data/README.md says how they were labelled.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from gatepost.catalogue import Classification, Siblings, classify

DATA = Path(__file__).parent / "data"
_LABELS = {"R": "read", "W": "write", "X": "execute", "D": "destructive", "F": "financial"}


@dataclass(frozen=True, slots=True)
class Labelled:
    """One tool and its label."""

    server: str
    label: str
    name: str
    description: str
    schema: dict[str, Any]
    siblings: Siblings

    def classified(self) -> Classification:
        return classify(self.name, self.description, self.schema, None, self.siblings)


def holdout_servers() -> set[str]:
    return set((DATA / "holdout.txt").read_text().split())


@cache
def servers(folder: str = "servers") -> dict[str, list[Labelled]]:
    """Every server's tools by its name."""
    return {file.stem: _read(file) for file in sorted((DATA / folder).glob("*.txt"))}


def later() -> list[Labelled]:
    """Tools of many other services, one or two of each, so without siblings."""
    return [replace(tool, siblings=Siblings()) for tool in _read(DATA / "later.txt")]


def _read(file: Path) -> list[Labelled]:
    rows = [line.split("|", 3) for line in file.read_text().splitlines() if line]
    siblings = Siblings.of(row[1] for row in rows)
    return [
        Labelled(file.stem, _LABELS[label], name, text, _schema(parameters), siblings)
        for label, name, text, parameters in rows
    ]


def _schema(parameters: str) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    for parameter in filter(None, parameters.split(",")):
        name, _, choices = parameter.partition("=")
        name, _, number = name.partition(":")
        properties[name] = {"type": "number"} if number else {"enum": choices.split("|")} if choices else {}
    return {"type": "object", "properties": properties}

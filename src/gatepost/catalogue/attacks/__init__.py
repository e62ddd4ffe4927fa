"""The documented patterns of attack on agents and their tools, as data: the `.toml` files beside this one."""

from __future__ import annotations

import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from gatepost.catalogue.listed import ListedTool

OWASP: dict[str, str] = {
    "MCP01": "Token mismanagement and secret exposure",
    "MCP02": "Privilege escalation via scope creep",
    "MCP03": "Tool poisoning",
    "MCP04": "Software supply chain attacks and dependency tampering",
    "MCP05": "Command injection and execution",
    "MCP06": "Intent flow subversion",
    "MCP07": "Insufficient authentication and authorization",
    "MCP08": "Lack of audit and telemetry",
    "MCP09": "Shadow MCP servers",
    "MCP10": "Context injection and over-sharing",
}
"""The OWASP MCP Top 10 (2025)."""

GROUPS = ("agents", "definitions", "arguments", "protocol", "identity")


@dataclass(frozen=True, slots=True)
class Attack:
    """One pattern.

    Attributes:
        name, group, title: its key, the file it stands in, and what it is called.
        what, how: what happens, and by which means.
        incident, source: where it happened or was shown, and who tells of it.
        specification: what a protocol itself says of it, or empty.
        owasp: keys of `OWASP`.
        stops: what stops it here; empty where nothing does.
        remains: what is not stopped all the same, or empty.
        categories, signals: the tools it concerns: those of one of these categories, or with one of these signals. With
            both, a tool needs both.
        findings: kinds of findings; a tool in whose definition one of them was made is concerned too, whatever it is.
        confirmed: whether the source was read and says what `incident` says; where not, `incident` is only known of.
    """

    name: str
    group: str
    title: str
    what: str
    how: str
    incident: str
    source: str
    owasp: tuple[str, ...]
    stops: str
    remains: str
    categories: tuple[str, ...]
    signals: tuple[str, ...]
    findings: tuple[str, ...] = ()
    confirmed: bool = False
    specification: str = ""

    @property
    def checked(self) -> str:
        """Whether the source was read, as a sentence."""
        return "Read for this library; it says so." if self.confirmed else "Not read for this library."

    def concerns(self, tool: ListedTool, kinds: Collection[str] = ()) -> bool:
        """Whether a tool is one it is made with or against; `kinds` are those of the findings about it."""
        if any(kind in kinds for kind in self.findings):
            return True
        of_category = not self.categories or tool.category in self.categories
        with_signal = not self.signals or bool(set(self.signals) & set(tool.classification.signals))
        return of_category and with_signal

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "name": self.name,
            "group": self.group,
            "title": self.title,
            "what": self.what,
            "how": self.how,
            "incident": self.incident,
            "source": self.source,
            "confirmed": self.confirmed,
            "specification": self.specification or None,
            "owasp": {key: OWASP[key] for key in self.owasp},
            "stops": self.stops or None,
            "remains": self.remains or None,
        }


@cache
def attacks() -> dict[str, Attack]:
    """Every attack by its name, in the order of the files."""
    found: dict[str, Attack] = {}
    for group in GROUPS:
        text = (files(__name__) / f"{group}.toml").read_text("utf-8")
        for name, values in tomllib.loads(text).items():
            for key in ("owasp", "categories", "signals", "findings"):
                values[key] = tuple(values.get(key, ()))
            found[name] = Attack(name=name, group=group, **values)
    return found


def concerning(tool: ListedTool, kinds: Collection[str] = ()) -> tuple[Attack, ...]:
    """The attacks that concern a tool: first what was found in its definition, then those made with tools of its kind.

    Args:
        tool: the tool.
        kinds: the kinds of the findings about it.
    """
    found = [attack for attack in attacks().values() if attack.concerns(tool, kinds)]
    return tuple(sorted(found, key=lambda attack: not any(kind in kinds for kind in attack.findings)))

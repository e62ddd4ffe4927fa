"""What in a server's definitions a person should look at before anybody believes them.

    for finding in findings(tools, others={"files": ["read_file"]}):
        print(finding)

Hidden text, instructions to the model, names that mimic another server's tool, schemas that cannot be used. Pure and
bounded: no model, no network; the same definitions give the same findings. A finding is a reason to look, no verdict.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import Any, Final

from gatepost.catalogue.classification import SEVERITIES
from gatepost.catalogue.findings.finding import Finding, quoted
from gatepost.catalogue.findings.hidden import hidden
from gatepost.catalogue.findings.instructions import instructions
from gatepost.catalogue.findings.mimicry import Names
from gatepost.catalogue.findings.schemas import schemas
from gatepost.catalogue.findings.texts import LONGEST, texts
from gatepost.catalogue.findings.texts import MOST as MOST_TEXTS
from gatepost.catalogue.listed import MOST_TOOLS

__all__ = ["Finding", "about_tool", "advice", "by_tool", "findings", "findings_of", "text_findings", "worst_first"]

MOST_OF_TOOL: Final = 12
MOST: Final = 1_000
_LOOKED_AT: Final = 500


def findings(tools: Iterable[object], *, others: Mapping[str, Iterable[str]] | None = None) -> tuple[Finding, ...]:
    """What is to be looked at in the definitions of one server, the worst first; at most `MOST`.

    Args:
        tools: the objects of `tools/list`.
        others: the names of other servers' tools, by server.
    """
    names = Names(others or {})
    found: list[Finding] = []
    for _, tool in zip(range(MOST_TOOLS), tools, strict=False):
        if isinstance(tool, Mapping) and isinstance(tool.get("name"), str):
            found += findings_of(tool)
            found += names.mimicked(tool["name"])
            if len(found) > 4 * MOST:
                found = list(worst_first(found))  # many harmless ones must not keep a bad one out
    return worst_first(found)


def worst_first(found: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings by their severity, else in their order; the first `MOST`."""
    return tuple(sorted(found, key=lambda one: -SEVERITIES.index(one.severity))[:MOST])


def by_tool(found: Iterable[Finding]) -> dict[str, tuple[Finding, ...]]:
    """A server's findings by what they are about, as it stands in them; see `about_tool`."""
    about: dict[str, tuple[Finding, ...]] = {}
    for one in found:
        about[one.tool] = (*about.get(one.tool, ()), one)
    return about


def about_tool(found: Mapping[str, tuple[Finding, ...]], name: str) -> tuple[Finding, ...]:
    """Those that are about the tool of this name, in their order."""
    return found.get(quoted(name), ())


def advice(found: Iterable[Finding]) -> tuple[tuple[str, str], ...]:
    """(kind, what to do) of the findings, each kind once, in their order."""
    return tuple({one.kind: one.advice for one in found}.items())


def findings_of(tool: Mapping[str, Any]) -> list[Finding]:
    """What is to be looked at in one definition by itself; at most `MOST_OF_TOOL`."""
    name = quoted(str(tool.get("name")))
    return _worst(chain(schemas(tool), _in_texts(name, texts(tool))))


def text_findings(about: str, named: Mapping[str, object]) -> list[Finding]:
    """What is to be looked at in other texts of a server, such as its instructions; at most `MOST_OF_TOOL`.

    Args:
        about: what they are of, where a tool's name would stand.
        named: the texts, or objects with texts, by where they stand.
    """
    return _worst(_in_texts(about, texts(named)))


def _worst(found: Iterable[Finding]) -> list[Finding]:
    return list(worst_first(islice(found, _LOOKED_AT))[:MOST_OF_TOOL])


def _in_texts(name: str, read: Iterable[tuple[str, str]]) -> Iterator[Finding]:
    for number, (where, text) in enumerate(read):
        if number == MOST_TEXTS:
            what = f"it holds more than {MOST_TEXTS:,} texts, of which the first were looked at"
            yield Finding("oversized", "medium", name, where, what, "")
            return
        if len(text) > LONGEST:
            what = f"it has {len(text):,} characters, of which the first {LONGEST:,} were looked at"
            yield Finding("oversized", "medium", name, where, what, "")
        part = text[:LONGEST].encode("utf-8", "replace").decode("utf-8")
        for kind, severity, what, quote in hidden(part):
            yield Finding(kind, severity, name, where, what, quote)
        for severity, what, quote in instructions(part):
            yield Finding("instructions", severity, name, where, what, quote)

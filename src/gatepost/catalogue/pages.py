"""What stands on the page of a tool and of a server, once for every form in which it is shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from gatepost.catalogue.attacks import Attack, concerning
from gatepost.catalogue.classification import CATEGORIES, SEVERITIES, SIGNALS
from gatepost.catalogue.findings import Finding, about_tool, by_tool
from gatepost.catalogue.listed import ListedTool
from gatepost.catalogue.reasons import reasons
from gatepost.catalogue.recommend import Recommendation, blocking, rate_limit, recommend, tool_policy
from gatepost.catalogue.suggest import Suggestion, suggestions

WINDOW: Final = 200_000
"""Tokens of the context window that shares are given of."""

_WHAT_LONGEST = 700
_NOTE_LONGEST = 160


@dataclass(frozen=True, slots=True)
class ParameterLine:
    """One parameter as the page lists it."""

    name: str
    kind: str
    required: bool
    note: str


@dataclass(frozen=True, slots=True)
class ToolPage:
    """The page of one tool.

    Attributes:
        server, tool: whose and which.
        what: the beginning of its description.
        why: why it needs a policy, in sentences.
        parameters: its parameters; `parameter_count` says how many there are in all: `4, 1 required`.
        evidence, signals: what decided, and what to look at, in words.
        policy: the recommended policy for it alone.
        rate, block: entries that limit its rate, and that block it.
        suggestions: rules for its arguments.
        attacks: those that concern it.
        findings: what in its definition is to be looked at first.
    """

    server: str
    tool: ListedTool
    what: str
    why: tuple[str, ...]
    parameters: tuple[ParameterLine, ...]
    parameter_count: str
    evidence: tuple[str, ...]
    signals: tuple[str, ...]
    policy: dict[str, Any]
    rate: dict[str, Any]
    block: dict[str, Any]
    suggestions: tuple[Suggestion, ...]
    attacks: tuple[Attack, ...]
    findings: tuple[Finding, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "server": self.server,
            "tool": self.tool.name,
            "title": self.tool.title or None,
            "what": self.what,
            "why": list(self.why),
            **self.tool.classification.as_dict(),
            "parameters": [
                {"name": one.name, "type": one.kind or None, "required": one.required, "description": one.note or None}
                for one in self.parameters
            ],
            "tokens": self.tool.tokens,
            "policy": self.policy,
            "rate_limit": self.rate,
            "block": self.block,
            "suggestions": [one.as_dict() for one in self.suggestions],
            "attacks": [one.name for one in self.attacks],
            "findings": [one.as_dict() for one in self.findings],
        }


def tool_page(server: str, tool: ListedTool, findings: Sequence[Finding] = ()) -> ToolPage:
    """The page of one tool of a server, with those of the server's findings that are about it."""
    own = about_tool(by_tool(findings), tool.name)
    shown = tuple(
        ParameterLine(one.name, one.kind, one.required, _beginning(one.schema.get("description"), _NOTE_LONGEST))
        for one in tool.facts.parameters
    )
    return ToolPage(
        server=server,
        tool=tool,
        what=_beginning(tool.description, _WHAT_LONGEST),
        why=reasons(tool),
        parameters=shown,
        parameter_count=f"{tool.facts.total}, {tool.facts.required} required" if tool.facts.total else "none",
        evidence=tuple(str(one) for one in tool.classification.evidence),
        signals=tuple(SIGNALS[one] for one in tool.classification.signals),
        policy=tool_policy(tool),
        rate={tool.name: {"limits": [rate_limit(tool.name, 30 if tool.category == "write" else 10)]}},
        block=blocking(tool),
        suggestions=suggestions(tool),
        attacks=concerning(tool, {one.kind for one in own}),
        findings=own,
    )


@dataclass(frozen=True, slots=True)
class ServerPage:
    """The page of one server.

    Attributes:
        name, tools: its name, and its tools, the most harmful first.
        counts: how many tools of each category.
        tokens, share: what its definitions cost in a model's context, and what part of `WINDOW` that is.
        heaviest: the tool that costs most, or None without tools.
        recommendation: its whole policy.
        findings: what in its definitions is to be looked at first.
    """

    name: str
    tools: tuple[ListedTool, ...]
    counts: dict[str, int]
    tokens: int
    share: float
    heaviest: ListedTool | None
    recommendation: Recommendation
    findings: tuple[Finding, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        marked = by_tool(self.findings)
        return {
            "server": self.name,
            "counts": self.counts,
            "tokens": self.tokens,
            "share_of_window": round(self.share, 4),
            "heaviest": None if self.heaviest is None else {"tool": self.heaviest.name, "tokens": self.heaviest.tokens},
            "tools": [
                {
                    "name": tool.name,
                    "tokens": tool.tokens,
                    **tool.classification.as_dict(),
                    "findings": len(about_tool(marked, tool.name)),
                }
                for tool in self.tools
            ],
            "policy": self.recommendation.document,
            "notes": list(self.recommendation.notes),
            "findings": [one.as_dict() for one in self.findings],
        }


def server_page(name: str, tools: Sequence[ListedTool], findings: Sequence[Finding] = ()) -> ServerPage:
    """The page of a server with these tools, and what was found in their definitions."""
    counted = Counter(tool.category for tool in tools)
    tokens = sum(tool.tokens for tool in tools)
    return ServerPage(
        name=name,
        tools=tuple(sorted(tools, key=_by_risk)),
        counts={category: counted[category] for category in CATEGORIES},
        tokens=tokens,
        share=tokens / WINDOW,
        heaviest=max(tools, key=lambda tool: tool.tokens, default=None),
        recommendation=recommend(tools, about=name),
        findings=tuple(findings),
    )


def _by_risk(tool: ListedTool) -> tuple[int, int, str]:
    found = tool.classification
    return -SEVERITIES.index(found.severity), -CATEGORIES.index(found.category), tool.name


def _beginning(text: object, longest: int) -> str:
    """The first paragraph of a text, on one line, cut at a word."""
    if not isinstance(text, str):
        return ""
    line = " ".join(text[: 4 * longest].strip().split("\n\n", 1)[0].split())
    if len(line) <= longest:
        return line
    return line[:longest].rsplit(" ", 1)[0] + " …"

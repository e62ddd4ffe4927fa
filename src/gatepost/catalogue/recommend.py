"""The policy we recommend: for a tool, a set of tools, a server; one generator for pages, commands and tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final, Literal

from gatepost.catalogue.classification import Category
from gatepost.catalogue.listed import ListedTool
from gatepost.catalogue.suggest import Suggestion, counter_name, suggestions

MOST_ENTRIES = 1_900
"""A policy has room for 2,000; the rest is for what its owner adds."""

WRITES_A_MINUTE = 30
EXECUTES_A_MINUTE = 10

Way = Literal["free", "writes", "executes", "hide", "deny", "ask"]


@dataclass(frozen=True, slots=True)
class Profile:
    """What a task needs of each kind of tool.

    Attributes:
        name: as given on the command line.
        says: what it is for, in a sentence.
        ways: what happens to a tool of each category.
        shadow: whether nothing is blocked yet, only recorded.
    """

    name: str
    says: str
    ways: Mapping[Category, Way]
    shadow: bool = False


def _profile(name: str, says: str, *ways: Way, shadow: bool = False) -> Profile:
    read, write, execute, destructive, financial = ways
    by_category: dict[Category, Way] = {
        "read": read,
        "write": write,
        "execute": execute,
        "destructive": destructive,
        "financial": financial,
    }
    return Profile(name, says, by_category, shadow)


PROFILES: Final[dict[str, Profile]] = {
    one.name: one
    for one in (
        _profile(
            "standard",
            "Reads freely, writes and acts at a bounded rate, cannot delete, and asks before it pays.",
            *("free", "writes", "executes", "hide", "ask"),
        ),
        _profile(
            "read-only",
            "Looks, and knows of nothing else.",
            *("free", "hide", "hide", "hide", "hide"),
        ),
        _profile(
            "no-deletes",
            "Does everything at a bounded rate but take things away, which it is told it may not.",
            *("free", "writes", "executes", "deny", "executes"),
        ),
        _profile(
            "approve-critical",
            "Asks a person before anything is taken away or paid.",
            *("free", "writes", "executes", "ask", "ask"),
        ),
        _profile(
            "approve-changes",
            "Looks freely, and asks a person before anything else.",
            *("free", "ask", "ask", "ask", "ask"),
        ),
        _profile(
            "observe",
            "Blocks nothing and records what the standard policy would have: to try it on real use.",
            *("free", "writes", "executes", "hide", "ask"),
            shadow=True,
        ),
    )
}
"""The tasks there are profiles for, the one to begin with first."""

_REASONS: Final[dict[Way, str]] = {
    "ask": "A person approves every call of this.",
    "deny": "This takes something away; an agent may not.",
}


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A policy and what goes with it.

    Attributes:
        document: the policy, ready to load.
        suggestions: argument rules; they are in the document only if that was asked for.
        notes: sentences about what is not in it and why.
    """

    document: dict[str, Any]
    suggestions: tuple[Suggestion, ...]
    notes: tuple[str, ...]


def recommend(
    tools: Iterable[ListedTool], *, about: str = "", profile: Profile | None = None, arguments: bool = False
) -> Recommendation:
    """The recommended policy for tools of one server. What is not among them is denied.

    Args:
        tools: those the policy is for: one, some, or all of a server.
        about: what the policy is for, for its description.
        profile: one of `PROFILES`; None is `standard`.
        arguments: whether the suggested argument rules are part of it, with their example values.
    """
    chosen = profile or PROFILES["standard"]
    notes: list[str] = []
    named = [tool for tool in tools if tool.callable]
    if len(named) > MOST_ENTRIES:
        notes.append(
            f"A policy has room for {MOST_ENTRIES:,} tools; the {len(named) - MOST_ENTRIES:,} after those are denied."
        )
    hidden: list[str] = []
    entries: dict[str, Any] = {}
    found: list[Suggestion] = []
    for tool in named[:MOST_ENTRIES]:
        way = way_of(chosen, tool)
        if way == "hide" and chosen.shadow:  # what is hidden is blocked in every mode
            way = "deny"
        if way == "hide":
            hidden.append(tool.name)
            continue
        made = entry(tool, way)
        own = suggestions(tool) if way not in ("hide", "deny") else ()
        found += own
        entries[tool.name] = with_suggestions(made, own) if arguments else made
    document: dict[str, Any] = {"version": "1"}
    document["description"] = f"{about}: {chosen.says}" if about else chosen.says
    document["default"] = "deny"
    if chosen.shadow:
        document["mode"] = "shadow"
    if hidden:
        document["hide"] = hidden
    document["tools"] = entries
    return Recommendation(document, tuple(found), tuple(notes))


def way_of(profile: Profile, tool: ListedTool) -> Way:
    """What a profile says of a tool: that of its category, but of one that gives secrets out a person is asked."""
    way = profile.ways[tool.category]
    return "ask" if way == "free" and "gives-secrets" in tool.classification.signals else way


def entry(tool: ListedTool, way: Way | None = None) -> dict[str, Any]:
    """A tool's entry by itself, as in `tools` of a policy; `way` is the standard profile's unless given."""
    chosen = way or way_of(PROFILES["standard"], tool)
    if chosen == "free":
        return {}
    if chosen == "hide":
        return {"action": "hide"}
    if chosen in ("ask", "deny"):
        return {"action": "require_approval" if chosen == "ask" else "deny", "reason": _REASONS[chosen]}
    return {"limits": [rate_limit(tool.name, WRITES_A_MINUTE if chosen == "writes" else EXECUTES_A_MINUTE)]}


def rate_limit(tool: str, most: int) -> dict[str, Any]:
    """So many calls of a tool a minute for each grant, as the published policies have it."""
    return {"counter": counter_name(tool, "rate"), "window": "minute", "max": most, "scope": "grant"}


def tool_policy(tool: ListedTool) -> dict[str, Any]:
    """The policy that is published for one tool: this one as recommended, everything else on its server denied."""
    document = recommend([tool]).document
    del document["description"]
    return document


def blocking(tool: ListedTool) -> dict[str, Any]:
    """An entry that blocks a tool and says so."""
    return {tool.name: {"action": "deny", "reason": f"{tool.name} is not for agents."}}


def with_suggestions(made: Mapping[str, Any], own: Sequence[Suggestion]) -> dict[str, Any]:
    """An entry with argument rules put into it."""
    whole = deepcopy(dict(made))
    for one in own:
        whole.setdefault(one.member, []).append(deepcopy(one.rule))
    return whole

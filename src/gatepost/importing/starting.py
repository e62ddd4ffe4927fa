"""A policy to start with, for a server of which nobody has said anything yet: what only reads is allowed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gatepost.catalogue.listed import ListedTool, read_tools
from gatepost.catalogue.recommend import MOST_ENTRIES, PROFILES, recommend

_OPEN = {"resources": {"default": "allow"}, "prompts": {"default": "allow"}}
"""They are for reading, and a client that was using them would miss them without a word."""


@dataclass(frozen=True, slots=True)
class Starting:
    """A starting policy: the document, the tools it lets through (perhaps so often, perhaps asking), and the others."""

    document: dict[str, Any]
    allowed: tuple[str, ...]
    refused: tuple[str, ...]


def starting_policy(
    name: str, tools: Sequence[Mapping[str, Any]], *, shadow: bool = False, profile: str | None = None
) -> Starting:
    """The policy for tools as their server listed them; what each does is worked out by the catalogue.

    Without a profile it refuses in the open what does more than read: such a tool stays on the list, and who calls it
    reads why it was refused. Resources and prompts are allowed.

    Args:
        name: what the policy will be called; the agent is told.
        shadow: whether it only records what it would refuse.
        profile: one of `gatepost.catalogue.recommend.PROFILES` instead.
    """
    listed = [tool for tool in read_tools(tools) if tool.callable]
    if profile is not None:
        document = {**recommend(listed, profile=PROFILES[profile]).document, **_OPEN}
        return Starting(document, *_sides(listed, document))
    reason = (
        "Gatepost's starting policy for this server lets only tools through that read. "
        f"Whoever runs this Gatepost can allow this one in the policy {name}."
    )
    reading = [tool.name for tool in listed if tool.category == "read"]
    entries: list[tuple[str, dict[str, Any]]] = [(tool, {}) for tool in reading]
    entries += [(tool.name, {"action": "deny", "reason": reason}) for tool in listed if tool.category != "read"]
    document = {
        "version": "1",
        "description": "To start with: what only reads is allowed; the rest is refused until somebody allows it",
        "default": "deny",
        "tools": dict(entries[:MOST_ENTRIES]),
        **_OPEN,
    }
    if shadow:
        document["mode"] = "shadow"
    return Starting(document, *_sides(listed, document))


def _sides(listed: Sequence[ListedTool], document: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The tools that may be called, and those that may not."""
    entries = document["tools"]
    open_to_all = {name for name, entry in entries.items() if entry.get("action") not in ("deny", "hide")}
    names = [tool.name for tool in listed]
    return tuple(name for name in names if name in open_to_all), tuple(n for n in names if n not in open_to_all)

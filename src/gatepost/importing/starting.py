"""A policy to start with, for a server of which nobody has said anything yet: what only reads is allowed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import re2

_WORDS = re2.compile(r"[A-Z]?[a-z0-9]+|[A-Z0-9]+")
_READS = frozenset(
    {
        "browse", "check", "compare", "count", "describe", "diff", "echo", "explain", "fetch", "find", "get",
        "grep", "inspect", "list", "lookup", "peek", "ping", "preview", "query", "read", "resolve", "retrieve",
        "scan", "search", "show", "stat", "stats", "status", "summarize", "tail", "tree", "validate", "view",
        "watch",
    }
)  # fmt: skip
_ACTS = frozenset(
    {
        "add", "apply", "archive", "assign", "book", "buy", "cancel", "clear", "click", "close", "commit", "copy",
        "create", "delete", "deploy", "destroy", "disable", "drop", "edit", "enable", "exec", "execute",
        "execution", "fill", "insert", "install", "invoke", "kill", "merge", "modify", "move", "navigate", "open",
        "pay", "place", "post", "publish", "purge", "push", "put", "refund", "remove", "rename", "replace", "reset",
        "restart", "revoke", "run", "save", "schedule", "send", "set", "shell", "start", "stop", "submit", "sync",
        "transfer", "type", "uninstall", "update", "upload", "upsert", "write",
    }
)  # fmt: skip
_MOST_ENTRIES = 2000


@dataclass(frozen=True, slots=True)
class Starting:
    """A starting policy: the document, the tools it lets through, and those it refuses until somebody allows them."""

    document: dict[str, Any]
    allowed: tuple[str, ...]
    refused: tuple[str, ...]


def only_reads(tool: Mapping[str, Any]) -> bool:
    """Whether a tool only reads: its server says so; where that says nothing, its name does (`get_…`, `searchFiles`).

    A name tells only where its first word is one of reading and no other one of acting.
    """
    annotations = tool.get("annotations")
    said = annotations if isinstance(annotations, Mapping) else {}
    if said.get("destructiveHint") is True:
        return False
    if isinstance(said.get("readOnlyHint"), bool):
        return bool(said["readOnlyHint"])
    words = [word.lower() for word in _WORDS.findall(str(tool.get("name", "")))]
    return bool(words) and words[0] in _READS and not _ACTS.intersection(words)


def starting_policy(name: str, tools: Iterable[Mapping[str, Any]], *, shadow: bool) -> Starting:
    """The policy: default deny, every tool by its name; resources and prompts are for reading, and are allowed.

    Args:
        name: what it will be called; the agent is told.
        tools: as the server listed them.
        shadow: whether it only records what it would refuse.
    """
    listed = list(tools)
    allowed = tuple(str(tool["name"]) for tool in listed if only_reads(tool))
    refused = tuple(str(tool["name"]) for tool in listed if not only_reads(tool))
    reason = (
        "Gatepost's starting policy for this server lets only tools through that read. "
        f"Whoever runs this Gatepost can allow this one in the policy {name}."
    )
    entries: list[tuple[str, dict[str, Any]]] = [(name, {}) for name in allowed]
    entries += [(name, {"action": "deny", "reason": reason}) for name in refused]
    document: dict[str, Any] = {
        "version": "1",
        "description": "To start with: what only reads is allowed; the rest is refused until somebody allows it",
        "default": "deny",
        "tools": dict(entries[:_MOST_ENTRIES]),
        "resources": {"default": "allow"},
        "prompts": {"default": "allow"},
    }
    if shadow:
        document["mode"] = "shadow"
    return Starting(document, allowed, refused)

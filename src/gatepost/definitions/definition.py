"""What a server says of one of its tools, and the hash that a change of it is seen by."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from gatepost.wire import strictjson

CATEGORIES: tuple[str, ...] = ("read", "write", "execute", "destructive", "financial")

# What a model or a person decides by. Other members (`execution`, extensions) may change without anybody being misled.
HASHED: Final = ("name", "title", "description", "inputSchema", "outputSchema", "annotations", "icons", "_meta")
_LATER: Final = frozenset({"title", "outputSchema", "annotations", "icons", "_meta"})
"""Members that older revisions do not have: who answers in one of those may leave them out."""


@dataclass(frozen=True, slots=True)
class Definition:
    """One tool as its server listed it.

    Attributes:
        name: the tool's name.
        tool: the object in `tools/list`, whole and unchanged.
        hash: `definition_hash(tool)`.
        category: one of `CATEGORIES`, or None while nobody has said.
        seen_at: epoch seconds of the scan that first saw it in this form.
    """

    name: str
    tool: dict[str, Any]
    hash: str
    category: str | None
    seen_at: float


def definition_hash(tool: Mapping[str, Any]) -> str:
    """`sha256:` + hex over the canonical form of what is hashed of a tool, absent members left out.

    Canonical is RFC 8785 with numbers in exact normalised decimal, so that neither the order of members nor the
    spelling of a number makes a difference, and nothing else is lost.
    """
    hashed = {member: tool[member] for member in HASHED if member in tool}
    return "sha256:" + hashlib.sha256(strictjson.canonical(hashed)).hexdigest()


def shortened(tool: Mapping[str, Any], hash: str, known: Mapping[str, Any]) -> bool:
    """Whether a tool, with this hash, is what is known of it but for members that an older revision does not have."""
    told = {key: known[key] for key in HASHED if key in known and (key in tool or key not in _LATER)}
    if len(told) == sum(key in known for key in HASHED):
        return False
    try:
        return definition_hash(told) == hash
    except (ValueError, TypeError):
        return False

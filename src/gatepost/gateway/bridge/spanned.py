"""What the bridge does not span: methods that have no counterpart in the other era."""

from __future__ import annotations

from typing import Final

from gatepost.mcp.message import Message
from gatepost.mcp.refused import METHOD_NOT_FOUND, Refused

_TASKS: Final = "tasks/"


def check_bridged(message: Message, status: int) -> None:
    """Refuse what has no counterpart in the other era. Raises `Refused` with -32601.

    Tasks are a part of the protocol in 2025-11-25 and an extension with other rules in 2026-07-28; `logging/setLevel`
    is for a session, which a modern client has none of.
    """
    method = message.method or ""
    modern = status == 404
    if method.startswith(_TASKS) or (modern and method == "logging/setLevel"):
        raise Refused(
            status,
            METHOD_NOT_FOUND,
            "GP-1010",
            f"Method not found: {method}. It is not bridged to a server of another protocol era.",
        )

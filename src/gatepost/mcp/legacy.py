"""The revisions up to 2025-11-25: `initialize`, sessions, requests from the server to the client."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from gatepost.mcp.message import INVALID_REQUEST, Message
from gatepost.mcp.methods import LEGACY, LEGACY_VERSIONS, Duty
from gatepost.mcp.refused import METHOD_NOT_FOUND, UNSUPPORTED_VERSION, Refused

NAME: Final = "legacy"
_SPOKEN: Final = frozenset(LEGACY_VERSIONS)
DEFAULT_VERSION: Final = "2025-03-26"
"""What a request without `MCP-Protocol-Version` is taken for (2025-11-25, Transports, Protocol Version Header)."""


def check(message: Message, found: Mapping[bytes, bytes], server_versions: Sequence[str]) -> tuple[str, Duty]:
    """Check what every legacy message owes.

    Returns: the protocol version and what the main path owes the method. Notifications and responses are relayed.

    Raises:
        Refused: 400 for a version that is not spoken or a server of the modern era alone, -32601 for a method that is
            not in the table.
    """
    header = found.get(b"mcp-protocol-version")
    version = DEFAULT_VERSION if header is None else header.decode("latin-1")
    if version not in LEGACY_VERSIONS:
        raise Refused(400, INVALID_REQUEST, "GP-1011", f"Bad Request: unsupported protocol version {version!r}.")
    if _SPOKEN.isdisjoint(server_versions):
        raise Refused(
            400,
            UNSUPPORTED_VERSION,
            "GP-1011",
            f"This server speaks {', '.join(server_versions)} only, which has no initialize.",
            {"supported": list(server_versions), "requested": _requested(message, version)},
        )
    if message.kind == "response":
        return version, Duty.RELAY
    if message.kind == "notification":
        if not (message.method or "").startswith("notifications/"):
            raise Refused(400, INVALID_REQUEST, "GP-1006", f"{message.method} needs an id.")
        return version, Duty.RELAY
    duty = LEGACY.get(message.method or "")
    if duty is None:
        raise Refused(200, METHOD_NOT_FOUND, "GP-1010", f"Method not found: {message.method}")
    return version, duty


def _requested(message: Message, version: str) -> str:
    asked = message.params.get("protocolVersion")
    return asked if isinstance(asked, str) else version


def forward_headers(client: Mapping[bytes, bytes]) -> list[tuple[bytes, bytes]]:
    """The protocol headers to send upstream, without the session, which the upstream adds itself."""
    version = client.get(b"mcp-protocol-version")
    return [] if version is None else [(b"mcp-protocol-version", version)]

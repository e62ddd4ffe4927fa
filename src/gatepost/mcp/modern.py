"""The revision 2026-07-28: stateless, every request on its own, headers that mirror the body."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from gatepost.mcp import headers as mirrored
from gatepost.mcp.headers import Headers
from gatepost.mcp.message import INVALID_PARAMS, INVALID_REQUEST, Message
from gatepost.mcp.methods import LEGACY_VERSIONS, MODERN, MODERN_VERSIONS, Duty
from gatepost.mcp.refused import METHOD_NOT_FOUND, UNSUPPORTED_VERSION, Refused

NAME: Final = "modern"
VERSION_KEY: Final = "io.modelcontextprotocol/protocolVersion"
CAPABILITIES_KEY: Final = "io.modelcontextprotocol/clientCapabilities"
SUBSCRIPTION_KEY: Final = "io.modelcontextprotocol/subscriptionId"
_MODERN_HEADERS: Final = frozenset(version.encode("ascii") for version in MODERN_VERSIONS)
LIST_TTL_MS: Final = 5_000
"""The longest a client may keep a filtered list: a policy can change at any moment."""


def is_modern(message: Message, version_header: bytes | None) -> bool:
    """Whether a request means this era: it says so in its body or in its version header."""
    if version_header is not None and version_header in _MODERN_HEADERS:
        return True
    meta = message.params.get("_meta")
    return (meta is not None and VERSION_KEY in meta) or (version_header is not None and _names_modern(version_header))


def _names_modern(version: bytes) -> bool:
    text = version.decode("latin-1")
    return text not in LEGACY_VERSIONS and text > LEGACY_VERSIONS[-1]


def check(message: Message, found: Mapping[bytes, bytes], server_versions: Sequence[str]) -> tuple[str, Duty]:
    """Check what every modern request owes.

    Args:
        message: the request or notification.
        found: its `MCP-*` headers by lower-case name.
        server_versions: what the server behind speaks, for the answer to a version it does not.

    Returns: the protocol version and what the main path owes the method. A notification is relayed.

    Raises:
        Refused: 400 -32602 without the required `_meta`, 400 -32020 where header and body disagree, 400 -32022 for a
            version that is not spoken, 404 -32601 for a method that is not in the table.
    """
    if message.kind == "response":
        raise Refused(400, INVALID_REQUEST, "GP-1006", "A client of 2026-07-28 sends no responses.")
    if message.kind == "notification":
        return _notification(message, found)
    meta = message.params.get("_meta")
    version = meta.get(VERSION_KEY) if isinstance(meta, dict) else None
    if not isinstance(version, str):
        raise Refused(400, INVALID_PARAMS, "GP-1006", f"params._meta lacks {VERSION_KEY}.")
    if not isinstance(meta, dict) or not isinstance(meta.get(CAPABILITIES_KEY), dict):
        raise Refused(400, INVALID_PARAMS, "GP-1006", f"params._meta lacks {CAPABILITIES_KEY}.")
    mirrored.check(message, version, found)
    if version not in MODERN_VERSIONS or version not in server_versions:
        raise unsupported(version, server_versions)
    duty = MODERN.get(message.method or "")
    if duty is None:
        raise Refused(404, METHOD_NOT_FOUND, "GP-1010", f"Method not found: {message.method}")
    return version, duty


def _notification(message: Message, found: Mapping[bytes, bytes]) -> tuple[str, Duty]:
    # The revision defines no header duties for notifications; what is there must still agree.
    version = found.get(b"mcp-protocol-version", b"").decode("latin-1")
    if not (message.method or "").isprintable():  # it becomes a header upstream
        raise Refused(400, INVALID_REQUEST, "GP-1006", "The method holds a character that no header can carry.")
    if found.get(b"mcp-method", (message.method or "").encode()) != (message.method or "").encode():
        raise mirrored.mismatch("Header mismatch: mcp-method does not agree with the body.")
    if not (message.method or "").startswith("notifications/"):
        raise Refused(400, INVALID_REQUEST, "GP-1006", f"{message.method} needs an id.")
    return version, Duty.RELAY


def unsupported(version: str, server_versions: Sequence[str]) -> Refused:
    """The answer for a version that the server behind does not speak.

    A server of the legacy era alone gets an answer that is no modern error, because that is how a client of both eras
    learns to go back to `initialize` (2026-07-28, Versioning, Backward Compatibility).
    """
    speaks_modern = [v for v in server_versions if v in MODERN_VERSIONS]
    if speaks_modern:
        data: dict[str, Any] = {"supported": list(server_versions), "requested": version}
        return Refused(400, UNSUPPORTED_VERSION, "GP-1011", "Unsupported protocol version", data)
    spoken = ", ".join(server_versions) or ", ".join(LEGACY_VERSIONS)
    return Refused(
        400,
        INVALID_REQUEST,
        "GP-1011",
        f"Bad Request: this server speaks {spoken}; begin with initialize.",
    )


def forward_headers(message: Message, version: str, client: Headers) -> list[tuple[bytes, bytes]]:
    """The protocol headers to send upstream: made from the body, unknown `Mcp-Param-*` passed on."""
    out = [(b"mcp-protocol-version", version.encode("latin-1"))]
    if message.method is not None:
        out.append((b"mcp-method", message.method.encode("utf-8")))
        member = mirrored.NAMED.get(message.method) or mirrored.OF_TASKS.get(message.method)
        if member is not None:
            out.append((b"mcp-name", mirrored.encode(str(message.params.get(member, "")))))
    out.extend((name, value) for name, value in client if name.startswith(mirrored.PARAM_PREFIX))
    return out


def make_private(result: dict[str, Any]) -> dict[str, Any]:
    """A list's result with the cache hints that a filtered list owes: private, and fresh for 5 s at most."""
    ttl = result.get("ttlMs")
    fresh = min(ttl, LIST_TTL_MS) if isinstance(ttl, int) and not isinstance(ttl, bool) and ttl > 0 else 0
    return {**result, "ttlMs": fresh, "cacheScope": "private"}

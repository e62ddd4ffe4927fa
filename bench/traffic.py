"""What the benchmark sends: tools, calls of 300 to 600 bytes, and the policy of the `full` contender.

Calls are of the 2026-07-28 revision of MCP where the contender speaks it: one POST per call, no session, the protocol
version and the client's capabilities in `params._meta`, and the headers `MCP-Protocol-Version`, `Mcp-Method` and
`Mcp-Name`. That is the lightest form: nobody has to keep a session, and FastMCP's proxy has no handshake of its own to
make per request. Contenders that know the revisions before it only are sent calls of 2025-11-25, in a session where
they keep one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

MODERN = "2026-07-28"
LEGACY = "2025-11-25"
TOOL = "create_refund"
STREAMED = "export_report"
HANGING = "wait_for_ever"
FORBIDDEN = "delete_account"  # offered by the upstream, allowed by no rule that the benchmark writes

ID_DIGITS = 9
"""Every id has as many digits, so that a request's Content-Length never changes and a body is one concatenation."""

TEXT = {"type": "string"}

TOOLS: list[dict[str, Any]] = [
    {
        "name": TOOL,
        "description": "Give money back for a charge.",
        "inputSchema": {
            "type": "object",
            "properties": {
                "charge": TEXT,
                "amount": {"type": "number"},
                "currency": TEXT,
                "reason": TEXT,
                "callback": TEXT,
                "note": TEXT,
                "items": {"type": "array", "items": {"type": "object", "properties": {"sku": TEXT}}},
            },
            "required": ["charge", "amount", "currency"],
        },
    },
    {
        "name": STREAMED,
        "description": "A report of 100 KB, streamed.",
        "inputSchema": {"type": "object", "properties": {}},
    },
    {
        "name": HANGING,
        "description": "Never answers.",
        "inputSchema": {"type": "object", "properties": {}},
    },
    {
        "name": FORBIDDEN,
        "description": "Deletes an account.",
        "inputSchema": {"type": "object", "properties": {}},
    },
]

# `amount` stays small: millions of calls must not add up to a limit of 10^9.
CALLS: list[dict[str, Any]] = [
    {"charge": "ch_3PqL8w2eZvKYlo2C", "amount": 7, "currency": "eur"},
    {
        "charge": "ch_3PqL8w2eZvKYlo2D",
        "amount": 12.5,
        "currency": "usd",
        "reason": "arrived broken, sent back on the third of May",
    },
    {
        "charge": "ch_3PqL8w2eZvKYlo2E",
        "amount": 3,
        "currency": "eur",
        "reason": "duplicate order",
        "callback": "https://hooks.shop.example/refunds/4711",
        "note": "The customer ordered twice within one minute and asked for one of the two orders to be cancelled.",
    },
    {
        "charge": "ch_3PqL8w2eZvKYlo2F",
        "amount": 18.99,
        "currency": "gbp",
        "reason": "two of four items were missing",
        "callback": "https://hooks.shop.example/refunds/4712",
        "note": "Photographs of the parcel are in the ticket; the warehouse has confirmed the weight at dispatch.",
        "items": [{"sku": "A-100-XL"}, {"sku": "A-101-M"}, {"sku": "B-77"}],
    },
]

PASS_POLICY: dict[str, Any] = {"version": "1", "default": "allow"}

FULL_POLICY: dict[str, Any] = {
    "version": "1",
    "default": "deny",
    "tools": {
        TOOL: {
            "require": [{"conditions": [{"path": "args.currency", "op": "in", "value": ["eur", "usd", "gbp"]}]}],
            "deny_if": [
                {"name": "too-much", "conditions": [{"path": "args.amount", "op": "gt", "value": 10000}]},
                {
                    "name": "foreign-callback",
                    "conditions": [
                        {"path": "args.callback", "op": "exists", "value": True},
                        {"path": "args.callback", "op": "regex", "value": "^https?://[^/]*\\.internal(:|/|$)"},
                    ],
                },
                {
                    "name": "test-charge",
                    "conditions": [{"path": "args.charge", "op": "starts_with", "value": "ch_test_"}],
                },
            ],
            "limits": [
                {"counter": "refunds", "window": "hour", "max": 1_000_000_000},
                {"counter": "refunded", "window": "day", "max": 1_000_000_000, "amount": "args.amount"},
            ],
        },
        STREAMED: {},
        HANGING: {},
    },
}


def meta(**more: object) -> dict[str, object]:
    """The `_meta` that the 2026-07-28 revision asks of every request."""
    return {
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1.0.0"},
        "io.modelcontextprotocol/clientCapabilities": {},
        **more,
    }


def filler_tools(count: int) -> list[dict[str, Any]]:
    """`count` further tools of about 500 bytes each, for the section on long lists."""
    return [
        {
            "name": f"tool_{number:04d}",
            "title": f"Sample tool {number}",
            "description": "Looks something up in one of the systems of the house and returns it as text.",
            "inputSchema": {
                "type": "object",
                "properties": {
                    "query": {"type": "string", "description": "What to look for", "maxLength": 200},
                    "limit": {"type": "integer", "minimum": 1, "maximum": 100, "default": 20},
                    "since": {"type": "string", "description": "An ISO 8601 date"},
                },
                "required": ["query"],
            },
            "annotations": {"readOnlyHint": True},
        }
        for number in range(count)
    ]


def body(method: str, params: dict[str, Any], id: int | None) -> bytes:
    message: dict[str, Any] = {"jsonrpc": "2.0", "id": id, "method": method, "params": params}
    if id is None:
        del message["id"]
    return json.dumps(message, separators=(",", ":")).encode()


def call(arguments: dict[str, Any], id: int, tool: str = TOOL, **more: object) -> bytes:
    return body("tools/call", {"name": tool, "arguments": arguments, "_meta": meta(**more)}, id)


def legacy_call(arguments: dict[str, Any], id: int, tool: str = TOOL) -> bytes:
    """A call of 2025-11-25: without the `_meta` of the later revision, about 200 bytes shorter."""
    return body("tools/call", {"name": tool, "arguments": arguments}, id)


def headers(method: str, name: str | None, token: str | None, session: str | None = None) -> list[tuple[str, str]]:
    """HTTP fields of a request; `session`: as in `bench.load.Target`."""
    found = [("Content-Type", "application/json"), ("Accept", "application/json, text/event-stream")]
    if session is None:
        found += [("MCP-Protocol-Version", MODERN), ("Mcp-Method", method)]
        if name is not None:
            found.append(("Mcp-Name", name))
    else:
        found.append(("MCP-Protocol-Version", LEGACY))
        if session:
            found.append(("Mcp-Session-Id", session))
    if token is not None:
        found.append(("Authorization", f"Bearer {token}"))
    return found


def request(port: int, path: str, fields: Sequence[tuple[str, str]], content: bytes) -> bytes:
    """One complete HTTP/1.1 request."""
    lines = [f"POST {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", *(f"{name}: {value}" for name, value in fields)]
    lines.append(f"Content-Length: {len(content)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


def templates(
    port: int, path: str, token: str | None, tool: str = TOOL, session: str | None = None
) -> list[tuple[bytes, bytes]]:
    """The calls of the load as (bytes before the id, bytes after it): whole HTTP requests with room for nine digits."""
    mark = 10 ** (ID_DIGITS - 1)
    form = call if session is None else legacy_call
    fields = headers("tools/call", tool, token, session)
    whole = [request(port, path, fields, form(arguments, mark, tool)) for arguments in CALLS]
    pairs = [one.split(str(mark).encode(), 1) for one in whole]
    return [(before, after) for before, after in pairs]

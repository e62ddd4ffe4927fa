"""The JSON-RPC messages that the gateway itself answers with (POLICY.md, section 6)."""

from __future__ import annotations

from typing import Any, Final

from gatepost.mcp.message import INVALID_PARAMS, Id
from gatepost.wire import strictjson

DECISION_KEY: Final = "dev.gatepost/decision"
DENIED: Final = "[POLICY DENIED] "
APPROVAL_REQUIRED: Final = "[APPROVAL REQUIRED] "


def error(id: Id | None, code: int, message: str, data: dict[str, Any] | None = None) -> bytes:
    """A JSON-RPC error. Without an id (a body whose id could not be read) the member is left out."""
    body: dict[str, Any] = {"jsonrpc": "2.0"}
    if id is not None:
        body["id"] = id
    body["error"] = (
        {"code": code, "message": message} if data is None else {"code": code, "message": message, "data": data}
    )
    return strictjson.write(body)


def refused_tool(id: Id, text: str, decision: dict[str, Any], *, modern: bool) -> bytes:
    """A refused `tools/call`: a successful result that the model can read and adapt to.

    Args:
        text: the whole text, prefix included.
        decision: the `dev.gatepost/decision` object.
    """
    result: dict[str, Any] = {"resultType": "complete"} if modern else {}
    result["content"] = [{"type": "text", "text": text}]
    result["isError"] = True
    result["_meta"] = {DECISION_KEY: decision}
    return strictjson.write({"jsonrpc": "2.0", "id": id, "result": result})


def unknown_tool(id: Id, name: str) -> bytes:
    """The one answer for a hidden and for an unknown tool, alike to the byte."""
    return error(id, INVALID_PARAMS, f"Unknown tool: {name}")

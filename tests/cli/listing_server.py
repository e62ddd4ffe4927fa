"""A small stdio MCP server of 2025-11-25 whose lists are what a JSON file says, well-made or not.

The file: `capabilities`, `serverInfo`, `instructions`, and for a method either a result, a list of results (its pages),
`{"endless": result}` for pages without an end, or `{"error": …}`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

says: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text())


def answer(method: str, params: dict[str, Any]) -> dict[str, Any]:
    if method == "initialize":
        about = {"capabilities": says.get("capabilities", {"tools": {}}), "serverInfo": says.get("serverInfo", {})}
        more = {"instructions": says["instructions"]} if "instructions" in says else {}
        return {"result": {"protocolVersion": "2025-11-25", **about, **more}}
    if method not in says:
        return {"error": {"code": -32601, "message": f"Method not found: {method}"}}
    told = says[method]
    page = int(params.get("cursor") or 0)
    if isinstance(told, list):
        more = {"nextCursor": str(page + 1)} if page + 1 < len(told) else {}
        return {"result": {**told[page], **more}}
    if "endless" in told:
        return {"result": {**told["endless"], "nextCursor": str(page + 1)}}
    return told if "error" in told else {"result": told}


for line in sys.stdin:
    message = json.loads(line)
    if "id" in message and "method" in message:
        told = answer(message["method"], message.get("params") or {})
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], **told}), flush=True)

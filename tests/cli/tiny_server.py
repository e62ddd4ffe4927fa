"""A small stdio MCP server for the tests of the command line: its tools are what the file named first says.

It speaks 2025-11-25 only, and starts in a fraction of the time of one on the SDK. It says on stderr how it was started.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any


def answer(message: dict[str, Any]) -> dict[str, Any]:
    method, params = message["method"], message.get("params") or {}
    if method == "initialize":
        return {
            "result": {
                "protocolVersion": "2025-11-25",
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "tiny", "version": "1"},
            }
        }
    if method == "ping":
        return {"result": {}}
    if method == "tools/list":
        return {"result": {"tools": json.loads(Path(sys.argv[1]).read_text())}}
    if method == "tools/call":
        said = {"arguments": params.get("arguments"), "secret": os.environ.get("TINY_SECRET")}
        return {"result": {"content": [{"type": "text", "text": json.dumps(said)}]}}
    return {"error": {"code": -32601, "message": f"Method not found: {method}"}}


def main() -> None:
    print("tiny server says hello", file=sys.stderr, flush=True)
    for line in sys.stdin:
        message = json.loads(line)
        if "id" in message and "method" in message:
            print(json.dumps({"jsonrpc": "2.0", "id": message["id"], **answer(message)}), flush=True)


main()

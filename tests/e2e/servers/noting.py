"""A stdio MCP server of 2025-11-25 that notes each call of its one tool in the file named first, before it answers."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

TOOL = {"name": "note", "inputSchema": {"type": "object", "properties": {"n": {"type": "integer"}}}}
ANSWERS: dict[str, Any] = {
    "initialize": {
        "protocolVersion": "2025-11-25",
        "capabilities": {"tools": {}},
        "serverInfo": {"name": "noting", "version": "1"},
    },
    "tools/list": {"tools": [TOOL]},
    "tools/call": {"content": [{"type": "text", "text": "noted"}], "isError": False},
}


def main() -> None:
    notes = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for line in sys.stdin:
        message = json.loads(line)
        if message.get("method") == "tools/call":
            os.write(notes, f"{message['params']['arguments']['n']}\n".encode())
        if "id" in message:
            print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": ANSWERS[message["method"]]}), flush=True)


main()

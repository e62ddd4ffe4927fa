"""A server without an SDK that bears one first request alone: `touchy.py ERA OTHER`.

Of the other era's first request it says and does what OTHER is: `ends`, `refuses` (and is held to that era from then
on, as the Python SDK's programs are), `refuses-and-ends`, `refuses-all` (there is no era that it likes).
"""

import json
import sys

era, other = sys.argv[1:]
TOOL = {"name": "add", "inputSchema": {"type": "object", "additionalProperties": True}}
INFO = {"name": "touchy", "version": "1"}
held: str | None = None


def say(message: dict[str, object]) -> None:
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)


print("touchy is here", file=sys.stderr, flush=True)
for line in sys.stdin:
    message = json.loads(line)
    method, id = message["method"], message.get("id")
    if id is None:
        continue
    meta = message.get("params", {}).get("_meta", {})
    spoken = "modern" if "io.modelcontextprotocol/protocolVersion" in meta else "legacy"
    held = held or spoken
    if held != era or spoken != era or other == "refuses-all":
        if other == "ends":
            sys.exit(3)
        say({"id": id, "error": {"code": -32022, "message": "Not in this era."}})
        if other == "refuses-and-ends":
            sys.exit(3)
        continue
    result: dict[str, object]
    if method == "initialize":
        result = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": INFO}
    elif method == "server/discover":
        result = {"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}}
        result |= {"ttlMs": 0, "cacheScope": "private", "_meta": {"io.modelcontextprotocol/serverInfo": INFO}}
    elif method == "tools/list":
        result = {"tools": [TOOL]} if era == "legacy" else {"tools": [TOOL], "ttlMs": 0, "cacheScope": "private"}
    elif method != "tools/call":
        say({"id": id, "error": {"code": -32601, "message": "Method not found"}})
        continue
    else:
        arguments = message["params"]["arguments"]
        result = {"content": [{"type": "text", "text": str(arguments["a"] + arguments["b"])}]}
    say({"id": id, "result": result if era == "legacy" else {"resultType": "complete", **result}})

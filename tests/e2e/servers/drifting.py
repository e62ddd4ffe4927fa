"""A legacy server without an SDK whose tools are in a file: `drifting.py FILE`. It says when the file has changed."""

import json
import sys
from pathlib import Path

file = Path(sys.argv[1])


def say(message: dict[str, object]) -> None:
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)


told = file.read_text()
for line in sys.stdin:
    message = json.loads(line)
    method, id = message["method"], message.get("id")
    if id is None:
        continue
    result: dict[str, object]
    if method == "initialize":
        info = {"name": "drifting", "version": "1"}
        result = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {"listChanged": True}}, "serverInfo": info}
    elif method == "tools/list":
        told = file.read_text()
        result = {"tools": json.loads(told)}
    else:
        result = {"content": [{"type": "text", "text": message["params"]["name"]}]}
    say({"id": id, "result": result})
    if method == "tools/call" and file.read_text() != told:
        say({"method": "notifications/tools/list_changed"})

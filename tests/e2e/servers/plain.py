"""A small legacy server without an SDK, whose tools do what `gatepost run` has to pass on: `plain.py [--noisy]`."""

import json
import os
import signal
import sys
from pathlib import Path

SCHEMA = {"type": "object", "additionalProperties": True}
TOOLS = ["where", "echo", "leave", "noise", "hang", "pid", "grow"]


def say(message: object) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def called(name: str, arguments: dict[str, object]) -> str:
    if name == "where":
        return json.dumps({"cwd": str(Path.cwd()), "mark": os.environ.get("RUN_TEST_MARK")})
    if name == "leave":
        os._exit(int(str(arguments["code"])))
    if name == "noise":
        print("this is no message")
        print("\N{BLACK STAR}" * 10)
    if name == "grow":
        TOOLS.append("grown")
        say({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})
    if name == "pid":
        return str(os.getpid())
    return str(arguments.get("text", ""))


def told(number: int, _frame: object) -> None:
    print(f"signal {number}", file=sys.stderr, flush=True)
    os._exit(40 + number)


for each in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
    signal.signal(each, told)
print("plain is here", file=sys.stderr, flush=True)
for line in sys.stdin:
    message = json.loads(line)
    method, id = message.get("method"), message.get("id")
    params = message.get("params", {})
    if id is None:
        continue
    if method == "initialize":
        result: dict[str, object] = {
            "protocolVersion": params["protocolVersion"],
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "plain", "version": "1"},
        }
    elif method == "tools/list":
        result = {"tools": [{"name": name, "inputSchema": SCHEMA} for name in TOOLS]}
    elif method == "tools/call":
        if params["name"] == "hang":
            print("hanging", file=sys.stderr, flush=True)
            continue
        result = {"content": [{"type": "text", "text": called(params["name"], params.get("arguments", {}))}]}
    else:
        say({"jsonrpc": "2.0", "id": id, "error": {"code": -32601, "message": "Method not found"}})
        continue
    say({"jsonrpc": "2.0", "id": id, "result": result})
sys.exit(7)

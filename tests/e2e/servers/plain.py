"""A small legacy server without an SDK, whose tools do what `gatepost run` has to pass on: `plain.py`."""

import json
import os
import signal
import sys
from pathlib import Path

SCHEMA = {"type": "object", "additionalProperties": True}
TOOLS = ["where", "echo", "leave", "noise", "garbage", "hang", "pid", "grow", "steps", "ask", "withdraw"]
asked: dict[str, object] = {}
"""The ids of calls that wait for what was asked of the client, by the id of the question."""


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
    if name == "garbage":
        out = sys.stdout.buffer
        out.write(b"\xff\xfe\0\x1b[2J\n" + b"x" * 300_000 + b"\n\r\n \t\n")
        out.write(b'[]\n{}\n"id"\nnull\n{"jsonrpc":"2.0","id":[1],"result":{}}\n{"id":99,"result":{}}\n{"method":1}\n')
        out.flush()
    if name == "grow":
        TOOLS.append("grown")
        say({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})
    if name == "pid":
        return str(os.getpid())
    return str(arguments.get("text", ""))


def signalled(number: int, _frame: object) -> None:
    print(f"signal {number}", file=sys.stderr, flush=True)
    os._exit(40 + number)


for each in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
    signal.signal(each, signalled)
print("plain is here", file=sys.stderr, flush=True)
for line in sys.stdin:
    message = json.loads(line)
    method, id = message.get("method"), message.get("id")
    params = message.get("params", {})
    if method is None:
        text = json.dumps(message.get("result", message.get("error")))
        say({"jsonrpc": "2.0", "id": asked.pop(id), "result": {"content": [{"type": "text", "text": text}]}})
        continue
    if method == "notifications/cancelled":
        print(f"cancelled {params['requestId']}", file=sys.stderr, flush=True)
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
        if params["name"] == "steps":
            token = params["_meta"]["progressToken"]
            for step in (1, 2, 3):
                told = {"progressToken": token, "progress": step, "total": 3}
                say({"jsonrpc": "2.0", "method": "notifications/progress", "params": told})
        if params["name"] in ("ask", "withdraw"):
            asked["q1"] = id
            form = {"message": "Who?", "requestedSchema": {"type": "object", "properties": {}}}
            say({"jsonrpc": "2.0", "id": "q1", "method": "elicitation/create", "params": form})
            if params["name"] == "ask":
                continue
            say({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "q1"}})
        result = {"content": [{"type": "text", "text": called(params["name"], params.get("arguments", {}))}]}
    else:
        say({"jsonrpc": "2.0", "id": id, "error": {"code": -32601, "message": "Method not found"}})
        continue
    say({"jsonrpc": "2.0", "id": id, "result": result})
sys.exit(7)

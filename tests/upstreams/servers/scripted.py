"""A stdio server that does what a tool call's name says, well-behaved or not. Standard library only, so it starts fast.

scripted.py [--modern] [--pages N] [--silent] [--exit CODE] [--ignore-term] [--mark FILE]
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time

options = argparse.ArgumentParser()
options.add_argument("--modern", action="store_true", help="answer server/discover")
options.add_argument("--legacy", action="store_true", help="answer initialize although --modern")
options.add_argument("--silent", action="store_true", help="say nothing to a method that is not known")
options.add_argument("--stubborn", action="store_true", help="say nothing any more after a method that is not known")
options.add_argument("--pages", type=int, default=1)
options.add_argument("--circle", action="store_true", help="the last page names the first cursor")
options.add_argument("--twins", action="store_true", help="two different tools of one name")
options.add_argument("--exit", type=int, help="exit at once")
options.add_argument("--ignore-term", action="store_true")
options.add_argument("--ignore-eof", action="store_true")
options.add_argument("--mark", help="append a line to this file at start")
options = options.parse_args()

if options.mark:
    with open(options.mark, "a") as mark:
        mark.write(f"{os.getpid()}\n")
if options.ignore_term:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if options.exit is not None:
    sys.exit(f"cannot go on: {options.exit}") if options.exit == 1 else os._exit(options.exit)

SUBSCRIPTION = "io.modelcontextprotocol/subscriptionId"
seen = []
held = []
listening = {}


def send(message):
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def answer(id, value):
    send({"id": id, "result": {"resultType": "complete", "content": [{"type": "text", "text": json.dumps(value)}]}})


def notify(method, params):
    send({"method": method, "params": params})


def call(id, name, arguments, meta):
    token = meta.get("progressToken")
    if name == "echo":
        answer(id, {"id": id, "arguments": arguments, "meta": meta})
    elif name == "environment":
        answer(id, {"variables": dict(os.environ), "folder": os.getcwd()})
    elif name == "hold":
        held.append(id)
    elif name == "release":
        for waiting in held:
            answer(waiting, {"held": waiting})
        held.clear()
        answer(id, {})
    elif name == "seen":
        answer(id, seen)
    elif name == "garbage":
        sys.stdout.write("Starting up...\n\n{]\n")
        answer(id, {})
    elif name == "nan":
        send({"id": id, "result": {"value": float("nan")}})
    elif name == "wrong-id":
        answer(987654, {})
        answer(str(id), {})
        answer(id, {})
    elif name == "twice":
        answer(id, {"first": True})
        answer(id, {"first": False})
    elif name == "big":
        answer(id, "x" * arguments["bytes"])
    elif name == "endless-line":
        while True:
            sys.stdout.write("x" * 65536)
    elif name == "endless-stream":
        count = 0
        while True:
            count += 1
            notify("notifications/progress", {"progressToken": token, "progress": count, "message": "x" * 1000})
    elif name == "flood-garbage":
        while True:
            sys.stdout.write("noise\n" * 1000)
    elif name == "flood-stderr":
        for line in range(arguments["lines"]):
            sys.stderr.write(f"line {line} {'x' * 100}\n")
        sys.stderr.flush()
        answer(id, {})
    elif name == "exit":
        sys.stderr.write("first words\nno space left on device\n")
        sys.stderr.flush()
        os._exit(arguments.get("code", 7))
    elif name == "answer-and-exit":
        for number in range(arguments.get("messages", 0)):
            notify("notifications/progress", {"progressToken": token, "progress": number, "message": "x" * 10_000})
        answer(id, {})
        os._exit(0)
    elif name == "close-output":
        os.close(1)
        time.sleep(60)
    elif name == "deaf":
        answer(id, {})
        time.sleep(60)
    elif name == "spawn":
        inside = subprocess.Popen(["sleep", "300"])
        outside = subprocess.Popen(["sleep", "300"], start_new_session=True)
        answer(id, {"inside": inside.pid, "outside": outside.pid, "self": os.getpid()})
    elif name == "progress":
        for number in range(arguments["count"]):
            notify("notifications/progress", {"progressToken": token, "progress": number})
        answer(id, {})
    elif name == "stall":
        notify("notifications/progress", {"progressToken": token, "progress": 1})
    elif name == "log":
        notify("notifications/message", {"level": "info", "data": arguments.get("text", "hello")})
        answer(id, {})
    elif name == "ask":
        send({"id": "s1", "method": "roots/list", "params": {}})
        while True:
            reply = json.loads(sys.stdin.readline())
            if reply.get("id") == "s1" and "method" not in reply:
                answer(id, reply)
                return
            receive(reply)
    elif name == "changed":
        for id_ in listening:
            notify("notifications/tools/list_changed", {"_meta": {SUBSCRIPTION: id_}})
        if not listening:
            notify("notifications/tools/list_changed", {})
        answer(id, {})
    elif name == "end-subscriptions":
        for id_ in list(listening):
            if arguments.get("politely"):
                send({"id": id_, "result": {"resultType": "complete", "_meta": {SUBSCRIPTION: id_}}})
            else:
                notify("notifications/cancelled", {"requestId": id_})
            del listening[id_]
        answer(id, {})
    elif name != "never":
        send({"id": id, "error": {"code": -32602, "message": f"Unknown tool: {name}"}})


def tools(id, cursor):
    page = int(cursor or 0)
    found = [{"name": f"tool-{page}", "inputSchema": {"type": "object"}}]
    if options.twins:
        found.append({"name": f"tool-{page}", "inputSchema": {"type": "object", "required": ["a"]}})
    result = {"resultType": "complete", "tools": found}
    if page + 1 < options.pages:
        result["nextCursor"] = str(page + 1)
    elif options.circle:
        result["nextCursor"] = "1"
    send({"id": id, "result": result})


def receive(message):
    method, id, params = message.get("method"), message.get("id"), message.get("params") or {}
    if method is None or id is None:
        seen.append(message)
        if method == "notifications/ask":
            for number in range(params["count"]):
                send({"id": f"ask-{number}", "method": "ping", "params": {}})
    elif method == "initialize" and (options.legacy or not options.modern):
        info = {"name": "scripted", "version": "1"}
        version = params.get("protocolVersion")
        send({"id": id, "result": {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": info}})
    elif method == "server/discover" and options.modern:
        meta = {"io.modelcontextprotocol/serverInfo": {"name": "scripted", "version": "2"}}
        result = {"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}, "_meta": meta}
        send({"id": id, "result": {"resultType": "complete", "instructions": "Ask.", **result}})
    elif method == "ping":
        send({"id": id, "result": {}})
    elif method == "tools/list":
        tools(id, params.get("cursor"))
    elif method == "tools/call":
        call(id, params["name"], params.get("arguments") or {}, params.get("_meta") or {})
    elif method == "subscriptions/listen":
        listening[id] = True
        notify("notifications/subscriptions/acknowledged", {"_meta": {SUBSCRIPTION: id}, "notifications": {}})
    elif options.stubborn:
        sys.stdin.read()
    elif not options.silent:
        send({"id": id, "error": {"code": -32601, "message": "Method not found"}})


for line in sys.stdin:
    receive(json.loads(line))
if options.ignore_eof:
    time.sleep(300)

"""The MCP server of the stdio section: a program as quick as Python can make one.

    python -m bench.stdio_upstream --core 1       (keeps itself on that core)

It speaks 2026-07-28 and counts the calls it has answered in each result, so that a denied one is noticed.
"""

from __future__ import annotations

import argparse
import json
import os
from typing import Any

import msgspec

from bench import traffic
from bench.upstream import ANSWER, INFO

CHUNK = 65536


class Message(msgspec.Struct):
    method: str
    id: msgspec.Raw = msgspec.Raw(b"")


def other(method: str) -> dict[str, Any]:
    """The result of anything but a call."""
    if method == "tools/list":
        return {"resultType": "complete", "tools": traffic.TOOLS, "ttlMs": 0, "cacheScope": "private"}
    return {
        "resultType": "complete",
        "supportedVersions": [traffic.MODERN],
        "capabilities": {"tools": {}},
        "_meta": {"io.modelcontextprotocol/serverInfo": INFO},
        "ttlMs": 0,
        "cacheScope": "private",
    }


def serve() -> None:
    """Until standard input ends."""
    read = msgspec.json.Decoder(Message).decode
    rest = b""
    while chunk := os.read(0, CHUNK):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            message = read(line)
            if not bytes(message.id):
                continue
            id = bytes(message.id)
            if message.method == "tools/call":
                os.write(1, b'{"jsonrpc":"2.0","id":' + id + ANSWER + b"\n")
            else:
                result = json.dumps(other(message.method)).encode()
                os.write(1, b'{"jsonrpc":"2.0","id":' + id + b',"result":' + result + b"}\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--core", type=int)
    told = parser.parse_args()
    if told.core is not None:
        os.sched_setaffinity(0, {told.core})
    serve()

"""The MCP server of the stdio section: a program as quick as Python can make one.

    python -m bench.stdio_upstream --core 1                            (keeps itself on that core)
    python -m bench.stdio_upstream --core 1 --legacy --count FILE      (behind something that speaks HTTP)

It speaks 2026-07-28, or with --legacy 2025-11-25. With --count it adds one byte to the file for every call that it
answers, so that one that never came is noticed.
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


def other(method: str, legacy: bool) -> dict[str, Any] | None:
    """The result of anything but a call; None where there is no such method."""
    if legacy:
        results: dict[str, dict[str, Any]] = {
            "initialize": {"protocolVersion": traffic.LEGACY, "capabilities": {"tools": {}}, "serverInfo": INFO},
            "tools/list": {"tools": traffic.TOOLS},
            "ping": {},
        }
        return results.get(method)
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


def serve(legacy: bool, count: int | None) -> None:
    """Until standard input ends."""
    read = msgspec.json.Decoder(Message).decode
    rest = b""
    while chunk := os.read(0, CHUNK):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            message = read(line)
            if not bytes(message.id):
                continue
            head = b'{"jsonrpc":"2.0","id":' + bytes(message.id)
            if message.method == "tools/call":
                if count is not None:
                    os.write(count, b".")
                os.write(1, head + ANSWER + b"\n")
            elif (result := other(message.method, legacy)) is None:
                os.write(1, head + b',"error":{"code":-32601,"message":"Method not found"}}\n')
            else:
                os.write(1, head + b',"result":' + json.dumps(result).encode() + b"}\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.stdio_upstream")
    parser.add_argument("--core", type=int, help="stay on this core")
    parser.add_argument("--legacy", action="store_true", help="speak 2025-11-25 instead of 2026-07-28")
    parser.add_argument("--count", metavar="FILE", help="add a byte to this file for every call that is answered")
    told = parser.parse_args()
    if told.core is not None:
        os.sched_setaffinity(0, {told.core})
    serve(told.legacy, None if told.count is None else os.open(told.count, os.O_WRONLY | os.O_APPEND | os.O_CREAT))

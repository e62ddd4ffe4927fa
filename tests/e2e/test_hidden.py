"""A hidden tool of a server whose program does not run: nothing that is done for its call tells that it is there."""

from __future__ import annotations

import errno
import json
import os
import sys
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

from tests.cli.program import TINY
from tests.support.rig import MODERN_META
from tests.support.serving import Serving, serving, token_of

TOOLS = [{"name": name, "inputSchema": {"type": "object"}} for name in ("shown", "hidden")]
SECONDS = 30


def call(gateway: Serving, token: str, name: str) -> bytes:
    """The answer to a call, without the name in it."""
    params = {"_meta": MODERN_META, "name": name, "arguments": {}}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json", "mcp-method": "tools/call"}
    headers |= {"mcp-protocol-version": "2026-07-28", "mcp-name": name}
    request = urllib.request.Request(gateway.url("files"), json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:
        data: bytes = answer.read()
    return data.replace(name.encode(), b"NAME")


def asked(path: Path) -> int:
    """Wait until the program has started and is asked for the list behind a pipe; returns where to write it."""
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            return os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as nobody:
            if nobody.errno != errno.ENXIO or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def test_a_call_of_a_hidden_tool_starts_the_program_and_waits_for_its_list_as_that_of_an_unknown_one(
    tmp_path: Path,
) -> None:
    path, policy = tmp_path / "tools.json", tmp_path / "policy.json"
    path.write_text(json.dumps(TOOLS))
    policy.write_text(json.dumps({"version": "1", "default": "allow", "hide": ["hidden"]}))
    with serving() as gateway:
        gateway.ok("server", "add", "files", "--", sys.executable, str(TINY), str(path))
        gateway.ok("policy", "add", "p", str(policy), "--server", "files")
        token = token_of(gateway.ok("grant", "add", "g", "--server", "files", "--policy", "p", "--json"))
        path.unlink()
        os.mkfifo(path)
        answers: dict[str, Any] = {}
        for name in ("hidden", "absent"):
            calling = threading.Thread(target=lambda name=name: answers.update({name: call(gateway, token, name)}))
            calling.start()
            pipe = asked(path)
            assert name not in answers
            os.write(pipe, json.dumps(TOOLS).encode())
            os.close(pipe)
            calling.join(SECONDS)
        assert answers["hidden"] == answers["absent"]
        assert b"Unknown tool: NAME" in answers["hidden"]

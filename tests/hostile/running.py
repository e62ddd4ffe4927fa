"""A hostile server as a process of its own, a gateway in front of it, and how a client fares there."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gatepost.gateway.core import Settings
from gatepost.upstreams.config import Limits
from tests.hostile.kit import HIDDEN
from tests.support.rig import Answer, Rig, tool

FOLDER = Path(__file__).parent
HIDING = {
    "version": "1",
    "default": "allow",
    "hide": ["hidden*"],
    "resources": {"default": "deny", "allow": ["note://open/*"]},
}
SETTINGS = Settings(max_result=1 << 20)
"""A megabyte is the most that a client gets."""
PATIENT = Limits(
    connect=20,
    answer=30,
    stream_idle=30,
    stream_total=30,
    probe=20,
    message=1 << 20,
    stop_grace=0.2,
    restart_first=0.01,
)
"""For what is noticed by itself, however busy the machine is."""
IMPATIENT = replace(PATIENT, answer=0.5, stream_idle=0.4, stream_total=0.8)
"""For what only a deadline ends."""
ERAS = ("legacy", "modern")
_INITIALIZE = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "client", "version": "1"},
}


def command(name: str) -> list[str]:
    """The program that misbehaves over stdio."""
    return [sys.executable, "-S", str(FOLDER), name, "stdio"]


@dataclass
class Trap:
    """Where a hostile server would like the gateway to go."""

    process: subprocess.Popen[bytes]
    url: str

    def sprung(self) -> bool:
        """Whether anybody came; ends the server."""
        self.process.kill()
        assert self.process.stdout is not None
        return b"trapped" in self.process.stdout.read()


@contextmanager
def serving(name: str) -> Iterator[Trap]:
    """A hostile server over HTTP."""
    process = subprocess.Popen([sys.executable, "-S", str(FOLDER), name, "http"], stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        yield Trap(process, f"http://127.0.0.1:{int(process.stdout.readline())}/mcp")
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@asynccontextmanager
async def gateway(folder: Path, limits: Limits, **server: Any) -> AsyncIterator[tuple[Rig, str]]:
    """A gateway before the server `s`, and the token of a grant that hides a tool of it."""
    async with Rig(folder, settings=SETTINGS, towards=limits) as rig:
        rig.server("s", **server, tools={"t": tool("t"), HIDDEN: tool(HIDDEN)})
        yield rig, rig.grant("s", HIDING)


async def ask(rig: Rig, token: str, era: str, method: str, *, stdio: bool) -> Answer:
    """One request, in a session of its own where the server is a program and the era has sessions."""
    params: dict[str, Any] = {"name": "t", "arguments": {}} if method == "tools/call" else {}
    if era == "modern":
        return await rig.modern("s", token, method, id=7, **params)
    headers = {}
    if stdio:
        headers = {"mcp_session_id": await _session(rig, token), "mcp_protocol_version": "2025-11-25"}
    body = {"jsonrpc": "2.0", "id": 7, "method": method, "params": params}
    return await rig.post("/mcp/s/", token, body, **headers)


async def _session(rig: Rig, token: str) -> str:
    """A session that was opened; on a busy machine a program may take longer to start than a short deadline allows."""
    opening = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": _INITIALIZE}
    while True:
        opened = await rig.post("/mcp/s/", token, opening)
        if "mcp-session-id" in opened.headers:
            return opened.headers["mcp-session-id"]
        assert opened.json["error"]["data"]["code"] in ("GP-3002", "GP-3005"), opened.body


def outcome(answer: Answer) -> str:
    """`result`, or the code of the error: of the one response, which has to be there exactly once."""
    stream = answer.headers.get("content-type", "").lower().startswith("text/event-stream")
    messages = events(answer.body) if stream else [answer.json]
    (response,) = [message for message in messages if "method" not in message]
    assert response["id"] == 7, response
    assert not any("id" in message for message in messages if "method" in message), "it asked something of the client"
    if "result" in response:
        return "result"
    error = response["error"]
    return str((error.get("data") or {}).get("code") or error["code"])


def events(body: bytes) -> list[Any]:
    """The messages of an event stream, read as the HTML standard says."""
    text = body.decode().removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    found = []
    for block in text.split("\n\n"):
        lines = [line.removeprefix("data:").removeprefix(" ") for line in block.split("\n") if line.startswith("data:")]
        if lines:
            found.append(json.loads("\n".join(lines)))
    return found


@contextmanager
def memory(most: int) -> Iterator[None]:
    """Holds this process to at most so many bytes more than it had, at its highest."""
    if not sys.platform.startswith("linux"):
        yield
        return
    Path("/proc/self/clear_refs").write_text("5")  # the highest so far is what it is now
    before = _highest()
    yield
    grown = _highest() - before
    assert grown < most, f"it took {grown >> 20} MiB more"


def _highest() -> int:
    status = Path(f"/proc/{os.getpid()}/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) * 1024

"""A data plane of its own for the plays: a temporary folder, real configuration, real requests."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from gatepost.control.act import Actor
from gatepost.control.grants import add_grant, revoke_grant
from gatepost.control.policies import add_policy
from gatepost.control.servers import add_server
from gatepost.control.store import Store, open_store
from gatepost.control.tools import set_category
from gatepost.drills.recorder import Recorder
from gatepost.drills.target import Target
from gatepost.paths import DataFolder
from gatepost.processes.dataplane import DataPlane, Options

MODERN: Final = "2026-07-28"
CREDENTIAL: Final = "Bearer of-the-server-alone"
_SECONDS: Final = 5.0
_ERAS: Final = ("legacy", "modern")
_VERSIONS: Final = ("2025-11-25", MODERN)


@dataclass(frozen=True, slots=True)
class Answer:
    """How a request ended. A status of 0 is one that was still waiting after some seconds."""

    status: int
    body: bytes

    @property
    def message(self) -> dict[str, Any]:
        """The JSON-RPC message, or an empty one."""
        try:
            message = json.loads(self.body)
        except ValueError:
            return {}
        return message if isinstance(message, dict) else {}

    @property
    def passed(self) -> bool:
        """Whether the server's own answer came back."""
        result = self.message.get("result")
        return self.status == 200 and isinstance(result, dict) and not result.get("isError")

    @property
    def rule(self) -> str:
        """What it was stopped by: the rule of the decision, or the refusal."""
        if self.status == 0:
            return "it waits for a person"
        message = self.message
        result = message.get("result")
        if isinstance(result, dict):
            decision = (result.get("_meta") or {}).get("dev.gatepost/decision") or {}
            return str(decision.get("rule") or "")
        error = message.get("error")
        if isinstance(error, dict):
            code = (error.get("data") or {}).get("code") if isinstance(error.get("data"), dict) else None
            return f"{code or error.get('code')}: {error.get('message')}"
        code = message.get("code")
        return f"{code}: {message.get('message')}" if code else f"HTTP {self.status}"


class Stage:
    """Use as `async with Stage(target, folder) as stage`. Its server is called `target`, another one `other`.

    Attributes:
        target: what is played against.
        token: of a grant on the server, with the target's policy; a new one with each `fresh`.
        upstream, other: what reached the two servers.
    """

    def __init__(self, target: Target, folder: Path) -> None:
        self.target = target
        self.upstream, self.other = Recorder(), Recorder()
        self.token = ""
        self._folder = DataFolder(folder)
        self._store: Store | None = None
        self._port = 0
        self._grants = 0

    async def __aenter__(self) -> Stage:
        await self.upstream.__aenter__()
        await self.other.__aenter__()
        self._opened = open_store(self._folder)
        self._store = store = self._opened.__enter__()
        actor = Actor("drill", "cli")
        headers = [("Authorization", CREDENTIAL)]
        definitions = list(self.target.definitions.values())
        for name, upstream in (("target", self.upstream), ("other", self.other)):
            add_server(
                store, actor, name, url=upstream.url, headers=headers, eras=_ERAS, versions=_VERSIONS, tools=definitions
            )
        for tool in self.target.tools:
            if tool.callable:
                set_category(store, actor, "target", tool.name, tool.category)
        add_policy(store, actor, "policy", json.dumps(self.target.policy.document), "target")
        self._plane = DataPlane(self._folder, Options(("127.0.0.1", 0)))
        self._port = int((await self._plane.start()).rpartition(":")[2])
        return self

    async def __aexit__(self, *exception: Any) -> None:
        await self._plane.stop()
        self._opened.__exit__(*exception)
        await self.upstream.__aexit__()
        await self.other.__aexit__()

    async def fresh(self) -> None:
        """Begin anew: a grant whose counters are empty, and upstreams that nothing has reached."""
        assert self._store is not None
        self._grants += 1
        label = f"drill-{self._grants}"
        # In a thread, for it tells the data plane, which runs in this one, and waits for its word.
        made = await asyncio.to_thread(
            add_grant, self._store, Actor("drill", "cli"), label, server="target", policy="policy"
        )
        self.token = made.value.token
        self._plane.refresh()
        for upstream in (self.upstream, self.other):
            upstream.fresh()

    async def revoke(self) -> None:
        """Revoke the grant, as an administrator would."""
        assert self._store is not None
        await asyncio.to_thread(revoke_grant, self._store, Actor("drill", "cli"), f"drill-{self._grants}")
        self._plane.refresh()

    def log_lines(self) -> list[bytes]:
        """The lines of the log so far."""
        files = sorted((self._folder.journal / "data").glob("*.jsonl"))
        return [line for file in files for line in file.read_bytes().splitlines()]

    async def log_after(self, number: int) -> list[bytes]:
        """The log once it has more lines than this, or after some seconds: what is refused is written in bundles."""
        lines = self.log_lines()
        deadline = asyncio.get_running_loop().time() + _SECONDS
        while len(lines) <= number and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.02)
            lines = self.log_lines()
        return lines

    async def call(self, tool: str, arguments: Mapping[str, Any], *, server: str = "target", **headers: str) -> Answer:
        """An ordinary `tools/call`."""
        params = {"name": tool, "arguments": dict(arguments)}
        return await self.post(message("tools/call", params), server=server, **headers)

    async def listed(self) -> set[str]:
        """The names of the tools that an agent is shown."""
        result = (await self.post(message("tools/list", {}))).message.get("result")
        tools = result.get("tools") if isinstance(result, dict) else None
        return {str(tool["name"]) for tool in tools or ()}

    async def rule_of(self, tool: str, after: int) -> str:
        """The rule by which a call of a tool was decided, as the log has it past its first `after` lines; or empty."""
        deadline = asyncio.get_running_loop().time() + _SECONDS
        while asyncio.get_running_loop().time() < deadline:
            for row in map(json.loads, self.log_lines()[after:]):
                if row["kind"] == "decided" and row.get("tool") == tool:
                    return str(row["rule"])
            await asyncio.sleep(0.02)
        return ""

    async def post(self, body: bytes, *, server: str = "target", token: str | None = None, **headers: str) -> Answer:
        """POST a body as it is; header names are given with `_` for `-`."""
        fields = {
            "host": f"127.0.0.1:{self._port}",
            "authorization": f"Bearer {token or self.token}",
            "content-type": "application/json",
            "accept": "application/json, text/event-stream",
            "content-length": str(len(body)),
        }
        fields |= {name.replace("_", "-"): value for name, value in headers.items()}
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        return await self.send(f"POST /mcp/{server}/ HTTP/1.1\r\n{lines}\r\n".encode("latin-1") + body)

    async def send(self, raw: bytes) -> Answer:
        """Send bytes as they are, and read one response."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port, limit=1 << 24)
        try:
            writer.write(raw)
            async with asyncio.timeout(_SECONDS):
                return await _response(reader)
        except TimeoutError:
            return Answer(0, b"")
        except (asyncio.IncompleteReadError, ConnectionError):
            return Answer(400, b"")
        finally:
            writer.close()


def message(method: str, params: Mapping[str, Any]) -> bytes:
    """A JSON-RPC request."""
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()


async def _response(reader: asyncio.StreamReader) -> Answer:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head[:-4].decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if headers.get("transfer-encoding") == "chunked":
        body = b""
        while size := int(await reader.readline(), 16):
            body += (await reader.readexactly(size + 2))[:-2]
    else:
        body = await reader.readexactly(int(headers.get("content-length", "0")))
    if headers.get("content-type", "").startswith("text/event-stream"):
        body = b"".join(line[5:].strip() for line in body.splitlines() if line.startswith(b"data:"))
    return Answer(int(first.split(" ")[1]), body)

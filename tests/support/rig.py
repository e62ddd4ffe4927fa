"""A gateway in the test's own process: real listener, journal, ledger, upstreams; configured in place."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from gatepost.feed import Row
from gatepost.gateway.core import Gateway, Settings
from gatepost.gateway.entry import Entry
from gatepost.grants.token import digest, new_token
from gatepost.journal import Journal
from gatepost.keys import Keyring
from gatepost.quota import MemoryLedger
from gatepost.upstreams import config as upstream_config
from gatepost.upstreams import connect
from gatepost.upstreams.base import Upstream
from gatepost.wire.listener import Limits, Listener

MODERN_META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}
ALLOW_ALL: dict[str, Any] = {
    "version": "1",
    "default": "allow",
}


def tool(name: str, category: str | None = None, **schema: Any) -> dict[str, Any]:
    """A published tool whose schema takes anything, or what is given."""
    listed = {"name": name, "inputSchema": {"type": "object", **(schema or {"additionalProperties": True})}}
    return {"tool": listed, "hash": "sha256:" + name, "category": category}


class Answer:
    """An HTTP response as the client got it."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def messages(self) -> list[Any]:
        """The JSON messages of an event stream, in order."""
        lines = [line[5:].strip() for line in self.body.decode().split("\n") if line.startswith("data:")]
        return [json.loads(line) for line in lines if line]


class Rig:
    """Use as `async with Rig(folder) as rig`."""

    def __init__(
        self,
        folder: Path,
        *,
        settings: Settings | None = None,
        limits: Limits | None = None,
        towards: upstream_config.Limits | None = None,
    ) -> None:
        """Args: towards: deadlines and sizes towards every server, in place of the usual ones."""
        self.folder = folder
        self.keyring = Keyring.open(folder / "keys")
        self.ledger = MemoryLedger()
        self.limits = limits
        self.settings = settings
        self.towards = towards
        self.rescans: list[str] = []
        self.drops: list[tuple[str, str]] = []
        self.on_rescan: Callable[[str], Awaitable[None]] | None = None
        self._revision = 0

    async def __aenter__(self) -> Rig:
        self.journal = Journal.open(self.folder / "journal" / "data", "data", self.keyring, ledger=self.ledger)
        self.gateway = Gateway(
            keyring=self.keyring,
            journal=self.journal,
            ledger=self.ledger,
            connect=self._connect,
            rescan=self._rescan,
            settings=self.settings,
        )
        entry = Entry(self.gateway)
        self.listener = Listener(entry, on_head=entry.on_head, on_refused=entry.on_refused, limits=self.limits)
        await self.listener.start("127.0.0.1", 0)
        self.port = self.listener.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.listener.drain(0.2)
        await self.gateway.close()
        self.gateway.refusals.flush()
        await self.journal.flush()
        self.journal.close()

    def _connect(self, config: upstream_config.ServerConfig) -> Upstream:
        config = config if self.towards is None else replace(config, limits=self.towards)
        return connect(config, on_dropped=lambda server, why: self.drops.append((server, why)))

    async def _rescan(self, server: str) -> None:
        self.rescans.append(server)
        if self.on_rescan is not None:
            await self.on_rescan(server)

    # -- configuration ---------------------------------------------------------------------------------------------

    def publish(self, kind: str, key: str, body: dict[str, Any] | None) -> None:
        """Publish one row, as the store would."""
        self._revision += 1
        row = Row(kind, key, None if body is None else json.dumps(body), self._revision)
        self.gateway.swap(self.gateway.snapshot.applied([row], lambda value, _: value))

    def server(
        self, name: str, url: str | None = None, *, command: list[str] | None = None, eras: str = "both", **tools: Any
    ) -> None:
        """Register a server. Tools are given by name as `tool(…)`; `tools={…}` for names that are no keywords."""
        versions = {"legacy": ["2025-11-25"], "modern": ["2026-07-28"], "both": ["2025-11-25", "2026-07-28"]}[eras]
        named = tools.pop("tools", {}) | tools
        body: dict[str, Any] = {
            "name": name,
            "url": url,
            "headers": [],
            "command": command or [],
            "env": {},
            "eras": ["legacy", "modern"] if eras == "both" else [eras],
            "versions": versions,
            "tools": named or {"t": tool("t")},
        }
        self.publish("server", name, body)

    def grant(self, server: str, policy: Mapping[str, Any] | None = None, *, label: str = "g", **fields: Any) -> str:
        """Add a grant with a policy of its own, and return its token."""
        token = new_token()
        version = None
        if policy is not None:
            from gatepost.policy import compile_policy

            version = compile_policy(dict(policy)).version
            self.publish("policy", version, {"name": label, "version": version, "document": dict(policy)})
        self.grants = getattr(self, "grants", {})
        self.grants[token] = {
            "id": f"id-{label}",
            "label": label,
            "identity": label,
            "server": server,
            "policy": None if policy is None else label,
            "policy_version": version,
            "expires": None,
            "revoked": None,
        } | fields
        self.publish("grant", digest(token), self.grants[token])
        return token

    def change(self, token: str, **fields: Any) -> None:
        """Change a grant's published row."""
        self.grants[token] |= fields
        self.publish("grant", digest(token), self.grants[token])

    # -- requests --------------------------------------------------------------------------------------------------

    async def send(self, raw: bytes, *, whole: bool = True) -> Answer:
        """Send raw bytes and read one response."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 26)
        try:
            writer.write(raw)
            if not whole:
                writer.write_eof()
            return await read_answer(reader)
        finally:
            writer.close()

    async def post(self, path: str, token: str | None, body: Any, *, method: str = "POST", **headers: str) -> Answer:
        """POST a body (bytes, or a value to be written as JSON)."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.send(request(path, token, data, method=method, **headers))

    async def call(
        self, server: str, token: str, name: str = "t", arguments: Any = None, id: Any = 1, **headers: str
    ) -> Answer:
        """A legacy `tools/call` without a session."""
        params = {"name": name, "arguments": {} if arguments is None else arguments}
        body = {"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}
        return await self.post(f"/mcp/{server}/", token, body, **headers)

    async def modern(
        self, server: str, token: str, method: str = "tools/call", id: Any = 1, meta: Any = None, **params: Any
    ) -> Answer:
        """A request of 2026-07-28 with its headers."""
        if method == "tools/call":
            params = {"name": "t", "arguments": {}} | params
        body = {"jsonrpc": "2.0", "id": id, "method": method, "params": {"_meta": MODERN_META | (meta or {}), **params}}
        headers = {"mcp-protocol-version": "2026-07-28", "mcp-method": method}
        if method in ("tools/call", "prompts/get", "resources/read"):
            headers["mcp-name"] = params.get("name") or params["uri"]
        return await self.post(f"/mcp/{server}/", token, body, **headers)

    def rows(self, kind: str | None = None) -> list[dict[str, Any]]:
        """What the journal holds now."""
        out = []
        for file in sorted((self.folder / "journal" / "data").glob("*.jsonl")):
            out += [json.loads(line) for line in file.read_bytes().splitlines()]
        return [row for row in out if kind is None or row["kind"] == kind]

    async def until(self, condition: Callable[[], Any], seconds: float = 10) -> Any:
        """Wait until a condition holds."""
        async with asyncio.timeout(seconds):
            while not (value := condition()):
                await asyncio.sleep(0.005)
        return value


def request(path: str, token: str | None, body: bytes, *, method: str = "POST", **headers: str) -> bytes:
    """The bytes of a request. Header names are given with `_` for `-`."""
    fields = {"host": "127.0.0.1", "content-type": "application/json", "content-length": str(len(body))}
    if token is not None:
        fields["authorization"] = f"Bearer {token}"
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode("latin-1") + body


async def read_head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    """Status and headers of a response."""
    async with asyncio.timeout(20):
        head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head[:-4].decode("latin-1").split("\r\n")
    return int(first.split(" ")[1]), {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}


async def read_answer(reader: asyncio.StreamReader) -> Answer:
    """A whole response."""
    status, headers = await read_head(reader)
    async with asyncio.timeout(20):
        if headers.get("transfer-encoding") == "chunked":
            body = b""
            while size := int(await reader.readline(), 16):
                body += (await reader.readexactly(size + 2))[:-2]
            await reader.readexactly(2)
        else:
            body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Answer(status, headers, body)


async def read_chunk(reader: asyncio.StreamReader) -> bytes:
    """The next chunk of a chunked response; empty at its end."""
    async with asyncio.timeout(20):
        size = int(await reader.readline(), 16)
        return (await reader.readexactly(size + 2))[:-2]

"""The demo's agent: the official MCP SDK's client, which knows nothing of Gatepost but a URL and a token."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import TextContent

_SECONDS = 30.0
_DENIED = "[POLICY DENIED] "


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the agent got for one call: whether the gateway let it through, the text it read, what stood beside it."""

    allowed: bool
    is_error: bool
    text: str
    content: dict[str, Any]

    @property
    def reason(self) -> str:
        """Why it was denied."""
        return self.text.removeprefix(_DENIED)


class Agent:
    """One connected client."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def tools(self) -> list[str]:
        """The names on `tools/list`."""
        return [tool.name for tool in (await self._client.list_tools()).tools]

    async def call(self, tool: str, arguments: dict[str, Any]) -> Outcome:
        """Calls a tool once."""
        result = await self._client.call_tool(tool, arguments)
        text = "\n".join(block.text for block in result.content if isinstance(block, TextContent))
        content = result.structured_content or {}
        return Outcome(not text.startswith(_DENIED), bool(result.is_error), text, content)


@asynccontextmanager
async def connected(url: str, token: str) -> AsyncIterator[Agent]:
    """An agent connected to the server at `url` with a grant's token."""
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=_SECONDS) as http,
        Client(streamable_http_client(url, http_client=http)) as client,
    ):
        yield Agent(client)

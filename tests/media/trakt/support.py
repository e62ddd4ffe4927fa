"""A Trakt server in front of the sandbox, and a real client of the SDK in front of it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from mcp import Client
from mcp_types import CallToolResult

from gatepost_media.common.serve import build
from gatepost_media.common.settings import Settings
from gatepost_media.common.tools import Toolset
from gatepost_media.sandbox import Sandbox, Seen
from gatepost_media.trakt.server import toolset
from gatepost_media.trakt.tokens import Tokens, TokenStore

WEEK = 604_800
TRAKT: Toolset = toolset()
"""Made once: making schemas is most of what a server does before its first answer."""


def settings(box: Sandbox, home: Path) -> Settings:
    """The settings of a server that has this sandbox for Trakt."""
    return Settings.from_environment({**box.environment(), "GATEPOST_MEDIA_HOME": str(home)})


def sign_in(box: Sandbox, home: Path) -> Tokens:
    """Leaves a sign-in of the sandbox's user in a home folder."""
    made = box.trakt.sign_in()
    tokens = Tokens(made.access, made.refresh, time.time() + WEEK, box.trakt_client_id)
    TokenStore(home).save(tokens)
    return tokens


def connect(
    box: Sandbox, home: Path, *, write: bool = True, profiles: tuple[str, ...] = ("full",), mode: str = "auto"
) -> Client:
    """A client of a new server on that home folder."""
    return Client(build(TRAKT, settings(box, home), write=write, profiles=profiles), mode=mode)  # type: ignore[arg-type]


def text_of(result: CallToolResult) -> str:
    """The readable text of a result."""
    return "\n".join(part.text for part in result.content if part.type == "text")


async def ask(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """The structured content of a call that has to succeed."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, text_of(result)
    assert result.structured_content is not None
    return result.structured_content


async def refused(client: Client, tool: str, **arguments: Any) -> str:
    """The sentence of a call that has to fail."""
    result = await client.call_tool(tool, arguments)
    assert result.is_error, result.structured_content
    return text_of(result)


def to_trakt(box: Sandbox) -> list[Seen]:
    """The requests to Trakt's API so far."""
    return [seen for seen in box.requests if seen.service == "trakt"]


def to_auth(box: Sandbox) -> list[Seen]:
    """The requests to Trakt's auth host so far."""
    return [seen for seen in box.requests if seen.service == "trakt_auth"]

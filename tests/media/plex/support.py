"""The Plex server before the sandbox, and a client of the SDK before the Plex server."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mcp import Client
from mcp_types import CallToolResult

from gatepost_media.common.serve import build
from gatepost_media.common.settings import Settings
from gatepost_media.plex.server import toolset
from gatepost_media.sandbox import Sandbox, Seen

FILM, OTHER_FILM, OLD_AGENT, SHOW, SPECIAL, ARTIST, TRACK = "1001", "1003", "1014", "2001", "2003", "3001", "3003"
FILMS, SERIES, MUSIC = "1", "2", "3"


@dataclass
class Serving:
    """A client that is connected to a Plex server, which works on a sandbox."""

    box: Sandbox
    client: Client
    home: Path
    exports: Path

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The structured content of a call that must succeed."""
        result = await self.client.call_tool(tool, arguments)
        assert not result.is_error, text(result)
        assert isinstance(result.structured_content, dict)
        return result.structured_content

    async def refusal(self, tool: str, **arguments: Any) -> str:
        """The sentence of a call that must fail."""
        result = await self.client.call_tool(tool, arguments)
        assert result.is_error, text(result)
        return text(result)

    def sent(self, service: str = "plex") -> list[Seen]:
        """The requests that one of the services got."""
        return [each for each in self.box.requests if each.service == service]

    def paths(self, service: str = "plex") -> list[str]:
        """`METHOD path` of those requests."""
        return [f"{each.method} {each.path}" for each in self.sent(service)]


def text(result: CallToolResult) -> str:
    """The text of a result."""
    return "\n".join(each.text for each in result.content if each.type == "text")


@contextlib.asynccontextmanager
async def serving(
    folder: Path,
    *,
    write: bool = True,
    profiles: Sequence[str] = ("full",),
    size: Literal["small", "demo", "large"] = "small",
    mode: str = "auto",
    approve: bool = True,
    environment: Mapping[str, str] | None = None,
) -> AsyncIterator[Serving]:
    """A sandbox, the server, a client. `environment` changes what the sandbox's says; an empty value takes it out."""
    async with Sandbox(size, approve=approve) as box:
        given = {**box.environment(), "GATEPOST_MEDIA_HOME": str(folder / "home"), **(environment or {})}
        settings = Settings.from_environment(given)
        exports = folder / "exports"
        object.__setattr__(settings, "exports", exports)
        async with Client(build(toolset(), settings, write=write, profiles=profiles), mode=mode) as client:
            box.forget_requests()
            yield Serving(box, client, folder / "home", exports)

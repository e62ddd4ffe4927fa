"""Asking a server what it speaks and which tools it has, for `server add`, `server scan` and the worker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gatepost.control.target import Target
from gatepost.upstreams.config import ServerConfig
from gatepost.upstreams.scan import ServerInfo, list_tools, probe


@dataclass(frozen=True, slots=True)
class Found:
    """What a server said: the eras and revisions it speaks, what it says of itself, and its tools as it lists them."""

    eras: tuple[str, ...]
    versions: tuple[str, ...]
    info: dict[str, Any]
    tools: list[dict[str, Any]]


async def scan(target: Target, heard: Callable[[ServerInfo], None] | None = None) -> Found:
    """Asks the server; `heard` is called with what it says of itself, before its tools are read.

    Raises:
        GatepostError: GP-30xx, within the deadlines of `upstreams.scan`.
    """
    config = ServerConfig(
        name=target.name,
        url=target.url,
        headers=target.headers,
        command=target.command,
        env=target.env,
        cwd=target.cwd,
    )
    info = await probe(config)
    if heard is not None:
        heard(info)
    tools = await list_tools(config, info)
    about = {"serverInfo": info.server_info, "capabilities": info.capabilities, "instructions": info.instructions}
    return Found(tuple(sorted(info.eras)), info.versions, about, tools)

"""Asking a server what it speaks and what it has, for `scan`, `server add`, `server scan` and the worker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gatepost.control.target import Target
from gatepost.upstreams.base import UpstreamFailed
from gatepost.upstreams.config import ServerConfig
from gatepost.upstreams.scan import ServerInfo, list_tools, probe
from gatepost.upstreams.survey import survey


@dataclass(frozen=True, slots=True)
class Found:
    """What a server said.

    Attributes:
        eras, versions: the eras and revisions it speaks.
        info: what it says of itself: `serverInfo`, `capabilities`, `instructions`.
        tools: as it lists them.
        problems: a sentence for what is wrong with its lists, of which the rest is used.
        resources, templates, prompts: as it lists them, where all was asked for.
        failure: why the tools could not be read to the end, where all was asked for.
    """

    eras: tuple[str, ...]
    versions: tuple[str, ...]
    info: dict[str, Any]
    tools: list[dict[str, Any]]
    problems: tuple[str, ...] = ()
    resources: tuple[dict[str, Any], ...] = ()
    templates: tuple[dict[str, Any], ...] = ()
    prompts: tuple[dict[str, Any], ...] = ()
    failure: UpstreamFailed | None = None


async def scan(target: Target, heard: Callable[[ServerInfo], None] | None = None) -> Found:
    """Asks the server for its tools; `heard` is called with what it says of itself, before they are read.

    Raises:
        GatepostError: GP-30xx, within the deadlines of `upstreams.scan`.
    """
    config, info = await _asked(target, heard)
    problems: list[str] = []
    tools = await list_tools(config, info, problems)
    return Found(tuple(sorted(info.eras)), info.versions, _about(info), tools, tuple(problems))


async def scan_all(target: Target, heard: Callable[[ServerInfo], None] | None = None) -> Found:
    """Asks the server for all that it has, and takes what there is of it.

    Raises:
        GatepostError: GP-30xx where it cannot be spoken with at all.
    """
    config, info = await _asked(target, heard)
    found = await survey(config, info)
    return Found(
        tuple(sorted(info.eras)),
        info.versions,
        _about(info),
        found.tools,
        found.problems,
        tuple(found.resources),
        tuple(found.templates),
        tuple(found.prompts),
        found.failure,
    )


async def _asked(target: Target, heard: Callable[[ServerInfo], None] | None) -> tuple[ServerConfig, ServerInfo]:
    config = ServerConfig(
        name=target.name,
        url=target.url,
        headers=target.headers,
        command=target.command,
        env=target.env,
        cwd=target.cwd,
        registered=bool(target.state),
    )
    info = await probe(config)
    if heard is not None:
        heard(info)
    return config, info


def _about(info: ServerInfo) -> dict[str, Any]:
    return {"serverInfo": info.server_info, "capabilities": info.capabilities, "instructions": info.instructions}

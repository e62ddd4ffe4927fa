"""Sets the demo up: the media servers, the policies and a grant for each, made as anybody would make them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass

from gatepost.control.act import Actor
from gatepost.control.grants import add_grant
from gatepost.control.policies import add_policy
from gatepost.control.servers import Server, add_scanned
from gatepost.control.store import Store
from gatepost.control.target import Target
from gatepost.demo import published
from gatepost.demo.media import Media
from gatepost.processes.scanning import scan

SERVERS = ("plex", "trakt")


@dataclass(frozen=True, slots=True)
class Stage:
    """What was set up: the servers as stored, each with its tools' names, and the token of each grant by label."""

    servers: tuple[tuple[Server, tuple[str, ...]], ...]
    tokens: dict[str, str]


async def prepare(store: Store, media: Media, added: Callable[[Server, tuple[str, ...]], None]) -> Stage:
    """Registers everything; `added` is called for each server as it comes.

    Raises:
        GatepostError: GP-4002 where the folder already holds something of those names, GP-30xx where a server fails.
    """
    actor = Actor("demo", "cli")
    targets = [
        Target(name=name, command=media.command(name), env=media.environment, cwd=str(media.folder)) for name in SERVERS
    ]
    servers = []
    for target, found in zip(targets, await asyncio.gather(*map(scan, targets)), strict=True):
        server = add_scanned(store, actor, target, found).value
        tools = tuple(str(tool["name"]) for tool in found.tools)
        added(server, tools)
        servers.append((server, tools))
    tokens = {}
    for policy in (*published.ALL, *published.READING):
        add_policy(store, actor, policy.name, json.dumps(policy.document), policy.server)
        made = add_grant(store, actor, policy.grant, server=policy.server, policy=policy.name)
        tokens[policy.grant] = made.value.token
    return Stage(tuple(servers), tokens)

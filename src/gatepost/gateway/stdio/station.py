"""The one server behind a client on standard input: which era it speaks, and what tools it defines."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import secrets
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, Literal, Protocol

from gatepost.definitions.listing import read_listing
from gatepost.errors import GatepostError
from gatepost.gateway.caller import Caller
from gatepost.gateway.core import Gateway
from gatepost.gateway.snapshot import Server, Snapshot, Tool
from gatepost.gateway.stdio.toolbox import Toolbox
from gatepost.grants.table import Grant, GrantTable
from gatepost.mcp import modern
from gatepost.mcp.message import Message
from gatepost.mcp.methods import LEGACY_VERSIONS, MODERN_VERSIONS
from gatepost.policy import Policy
from gatepost.upstreams.base import Upstream, UpstreamFailed
from gatepost.upstreams.config import ServerConfig
from gatepost.upstreams.conversation import CAPABILITIES, CLIENT, Conversation, Era, Refusal
from gatepost.upstreams.program import Program
from gatepost.upstreams.scan import ServerInfo, list_tools, probe, read_pages

_log: Final = logging.getLogger(__name__)
_CLIENT_INFO: Final = "io.modelcontextprotocol/clientInfo"
_BOTH: Final = (*LEGACY_VERSIONS, *MODERN_VERSIONS)
_MOST_READINGS: Final = 3
"""Times in a row that a list is read which is said to have changed meanwhile: its client waits for it."""
CLIENT_ADDRESS: Final = "stdio"
"""What stands in the log for the address of a client that has none."""


class Source(Protocol):
    """Where the policy comes from."""

    @property
    def policy(self) -> Policy:
        """That of this moment."""

    def changed(self) -> bool:
        """Look whether it is another by now."""


class Station:
    """A server, the policy it is reached under, and the implicit grant of whoever started the gateway.

    A program is asked nothing before its client has spoken: its first message decides in which era it is used. It
    speaks for itself then, as a dual-era client of 2026-07-28 does (basic/versioning, "Backward Compatibility").

    Args:
        config: the server.
        source: has the policy that judges every call.
        grant: whom the calls are counted for.
        program: the running program, where the server is one.
        toolbox: makes tools of what the server lists.

    Attributes:
        caller: as `gateway.pipeline` wants it, of the present snapshot.
        known: whether it was found out what the server speaks.
        unsure: whether an `initialize` that it refuses is to be taken for a sign of the modern era alone.
        defined: whether its tools were read.
    """

    def __init__(
        self,
        gateway: Gateway,
        config: ServerConfig,
        source: Source,
        grant: Grant,
        program: Program | None,
        toolbox: Toolbox,
    ) -> None:
        self.known = self.unsure = self.defined = False
        self._in_modern = False
        self._gateway = gateway
        self._source = source
        self._grant = grant
        self._program = program
        self._toolbox = toolbox
        self._client: Mapping[str, Any] = CLIENT
        self._capabilities: Mapping[str, Any] = CAPABILITIES
        self._info: ServerInfo | None = None
        self._revision = 0
        self._stale = False
        self._reading: asyncio.Future[None] | None = None
        # From the beginning: a list that passes before the tools were read, or where they cannot be, is held too.
        self.caller = self._install(Server(config, MappingProxyType({}), drift_mode=toolbox.mode))

    # -- which era

    async def meet(self, first: Message) -> None:
        """Find out what the server speaks, for a client that begins with this message. Raises `UpstreamFailed`."""
        asked_modern = modern.is_modern(first, None)
        if self._program is None:
            config = self.caller.upstream.config
            info = self._info = await probe(config)
            config = dataclasses.replace(config, eras=info.eras, versions=info.versions)
            legacy_spoken = any(version in LEGACY_VERSIONS for version in info.versions)
            modern_spoken = any(version in MODERN_VERSIONS for version in info.versions)
            self._speaks(config, legacy=legacy_spoken, modern=modern_spoken)
        elif not asked_modern:
            self._speaks(self.caller.upstream.config, legacy=True, modern=True)
            self.unsure = True
        else:
            self._remember(first)
            speaks = await self._asked(self._program)
            self._program.modern = speaks
            self._speaks(self.caller.upstream.config, legacy=not speaks, modern=speaks)
        self.known = True

    async def _asked(self, program: Program) -> bool:
        """Whether it is modern, for a modern client. Some legacy programs end at a first request that is not
        `initialize`: such a one is started again, and not asked."""
        program.spare = True
        try:
            speaks = await self._discovers(program)
            if program.child.end is not None:
                await program.restart()
        finally:
            program.keep()
        return speaks

    def refused(self) -> bool:
        """The program has answered `initialize` with an error. Whether that is to be looked into: it may end now."""
        if self._program is None or self._program.child.end is not None:
            return False
        self.unsure = False
        self._program.spare = True
        return True

    async def is_modern(self) -> bool:
        """Whether the program, which has refused `initialize`, speaks the modern era. It is bridged then.

        One that is held to the era of its first request, as those on the Python SDK are, or that ends at a request of
        the other era, has to be started again to be asked.
        """
        program = self._program
        assert program is not None
        try:
            speaks = await self._discovers(program) or (await program.restart() and await self._discovers(program))
        finally:
            program.keep()
        if speaks:
            program.modern = True
            self._speaks(self.caller.upstream.config, legacy=False, modern=True)
        return speaks

    def _remember(self, first: Message) -> None:
        """What the client says of itself, so that what is asked on its behalf uses the same session."""
        meta = first.meta()
        client, capabilities = meta.get(_CLIENT_INFO), meta.get(modern.CAPABILITIES_KEY)
        self._client = client if isinstance(client, dict) else {}
        self._capabilities = capabilities if isinstance(capabilities, dict) else {}

    async def _discovers(self, program: Program) -> bool:
        """Whether it answers `server/discover` as a modern server. Silence is a legacy program's answer too."""
        conversation = self._conversation(program, "modern")
        try:
            async with asyncio.timeout(program.config.limits.silence):
                found = await conversation.ask("server/discover")
        except TimeoutError:
            return False
        except (Refusal, UpstreamFailed):
            return False
        supported = found.get("supportedVersions")
        return isinstance(supported, list) and any(version in supported for version in MODERN_VERSIONS)

    def _speaks(self, config: ServerConfig, *, legacy: bool, modern: bool) -> None:
        lacks: Literal["legacy", "modern"] | None = None if legacy and modern else "modern" if legacy else "legacy"
        spoken = _BOTH if lacks is not None or not config.versions else config.versions
        server = dataclasses.replace(self.caller.upstream, config=config, spoken=spoken, lacks=lacks)
        self.caller = self._install(server)

    # -- which tools

    async def define(self) -> None:
        """Read the server's tools; joins a reading under way. Where that fails they stay as they were, and calls of
        unknown tools are denied."""
        if self._reading is None:
            self.defined = False
            self._reading = asyncio.ensure_future(self._read())
        await asyncio.shield(self._reading)

    def changed(self) -> None:
        """The server has said that its tools changed: what was read is not to be used any more."""
        self.defined, self._stale = False, True

    async def _read(self) -> None:
        try:
            self._stale = True
            for _ in range(_MOST_READINGS):
                if self._stale:
                    self._stale = False
                    await self._define()
        finally:
            self._reading, self.defined = None, True

    async def _define(self) -> None:
        try:
            tools = await self._tools()
        except (Refusal, UpstreamFailed) as why:
            _log.warning("the tools of %s cannot be read: %s", self.caller.server_name, why)
            return
        listing = read_listing(tools, now=time.time())
        for problem in listing.problems:
            _log.warning("%s: %s", self.caller.server_name, problem)
        policy, legacy = self._source.policy, not self._in_modern
        self._put(lambda: self._toolbox.lists(listing.definitions, policy, legacy=legacy))

    def _put(self, make: Callable[[], Mapping[str, Tool] | None]) -> None:
        """Use other tools; where the pins cannot be read, those that there were."""
        try:
            tools = make()
        except GatepostError as why:
            _log.warning("the tools of %s are not used: %s", self.caller.server_name, why)
            return
        if tools is not None:
            self.caller = self._install(dataclasses.replace(self.caller.upstream, tools=tools))

    async def _tools(self) -> list[dict[str, Any]]:
        server = self.caller.upstream
        if self._program is None:
            self._in_modern = server.lacks != "modern"
            return await list_tools(server.config, self._info) if self._info is not None else []
        road: Upstream = self._program
        self._in_modern = self._program.modern
        era: Era = "modern" if self._program.modern or server.lacks == "modern" else "legacy"
        if server.lacks == "modern":
            road = self._gateway.bridges.towards(self.caller)
        return await read_pages(self._conversation(road, era), server.config)

    def _conversation(self, road: Upstream, era: Era) -> Conversation:
        # Ids of its own beside the client's on the same program: none that a client would count up to.
        first = (1 << 52) + (secrets.randbits(30) << 16)
        return Conversation(
            road,
            self.caller.upstream.config,
            era,
            None,
            client=self._client,
            capabilities=self._capabilities,
            first_id=first,
        )

    # -- as the main path sees it

    def refresh(self) -> None:
        """Judge by the policy and the pins of this moment from now on. What is in flight ends as it began."""
        changed = self._source.changed()
        if changed:
            self.caller = self._install(self.caller.upstream)
        if changed or self._toolbox.stale():
            self._put(lambda: self._toolbox.again(self._source.policy))

    def _install(self, server: Server) -> Caller:
        """Use a snapshot that holds this server, the policy and this grant."""
        self._revision += 1
        policy, name = self._source.policy, server.config.name
        grant = dataclasses.replace(self._grant, policy_version=policy.version)
        body = {**dataclasses.asdict(grant), "server": name}
        policies = {policy.version: policy}
        self._gateway.swap(
            Snapshot(
                self._revision,
                MappingProxyType({name: server}),
                MappingProxyType(policies),
                GrantTable([(CLIENT_ADDRESS, body)]),
            )
        )
        return Caller(
            grant=grant,
            token=CLIENT_ADDRESS,
            server_name=name,
            upstream=server,
            policy=policy,
            client=CLIENT_ADDRESS,
            grant_id=grant.id,
            identity=grant.identity,
            server=name,
        )

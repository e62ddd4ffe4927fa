"""The bridges of one gateway: one for each server that some client reaches from another era."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from gatepost.gateway.bridge.toward_legacy import LegacyServer, TowardLegacy
from gatepost.gateway.bridge.toward_modern import ModernServer, TowardModern
from gatepost.upstreams.base import Upstream

if TYPE_CHECKING:
    from gatepost.gateway.caller import Caller
    from gatepost.gateway.core import Gateway
    from gatepost.gateway.sessions import Session


class Bridges:
    """Made once, with the gateway; a bridge is made at its first use."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._servers: dict[str, tuple[Upstream, LegacyServer | ModernServer]] = {}

    def towards(self, caller: Caller) -> Upstream:
        """The server of a caller, for messages of the era that it does not speak."""
        server = self._server(caller)
        return TowardLegacy(server, caller) if isinstance(server, LegacyServer) else TowardModern(server, caller)

    def began(self, caller: Caller, session: Session) -> None:
        """A legacy client's session has begun: what is kept for it goes when it ends."""
        server = self._server(caller)
        if isinstance(server, ModernServer):
            session.on_end = partial(server.forget, session.upstream_id)

    def forget(self, server: str) -> None:
        """End what is kept for a server: it changed, or went."""
        known = self._servers.pop(server, None)
        if known is not None:
            known[1].end()

    def close(self) -> bool:
        """End everything; what has to be told to servers is on its way. False where there was nothing."""
        servers = list(self._servers)
        for server in servers:
            self.forget(server)
        return bool(servers)

    def _server(self, caller: Caller) -> LegacyServer | ModernServer:
        config = caller.upstream.config
        upstream = self._gateway.upstream(config)
        known = self._servers.get(config.name)
        if known is None or known[0] is not upstream:
            self.forget(config.name)
            kind = LegacyServer if caller.upstream.lacks == "modern" else ModernServer
            known = self._servers[config.name] = (upstream, kind(self._gateway, upstream, config))
        return known[1]

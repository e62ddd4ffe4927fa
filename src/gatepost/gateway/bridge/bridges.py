"""The bridges of one gateway: one for each server that some client reaches from another era."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatepost.gateway.bridge.toward_legacy import LegacyServer, TowardLegacy
from gatepost.upstreams.base import Upstream

if TYPE_CHECKING:
    from gatepost.gateway.caller import Caller
    from gatepost.gateway.core import Gateway


class Bridges:
    """Made once, with the gateway; a bridge is made at its first use."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._legacy: dict[str, tuple[Upstream, LegacyServer]] = {}

    def towards(self, caller: Caller) -> Upstream:
        """The server of a caller, for messages of the era that it does not speak."""
        config = caller.upstream.config
        upstream = self._gateway.upstream(config)
        known = self._legacy.get(config.name)
        if known is None or known[0] is not upstream:
            self.forget(config.name)
            known = self._legacy[config.name] = (upstream, LegacyServer(self._gateway, upstream, config))
        return TowardLegacy(known[1], caller)

    def forget(self, server: str) -> None:
        """End what is kept for a server: it changed, or went."""
        known = self._legacy.pop(server, None)
        if known is not None:
            known[1].end()

    def close(self) -> bool:
        """End everything; what has to be told to servers is on its way. False where there was nothing."""
        servers = list(self._legacy)
        for server in servers:
            self.forget(server)
        return bool(servers)

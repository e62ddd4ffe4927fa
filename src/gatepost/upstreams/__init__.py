"""The servers behind Gatepost: over HTTP, or as programs on standard input and output."""

from __future__ import annotations

from gatepost.upstreams.base import OnDropped, Upstream
from gatepost.upstreams.config import ServerConfig
from gatepost.upstreams.http import HttpUpstream
from gatepost.upstreams.stdio import StdioUpstream

__all__ = ["ServerConfig", "Upstream", "connect"]


def connect(config: ServerConfig, *, on_dropped: OnDropped | None = None) -> Upstream:
    """The upstream for a server. Nothing is connected or started before the first message.

    Args:
        config: the server.
        on_dropped: told, with the server's name and a sentence, of messages that were not passed on.
    """
    if config.url is not None:
        return HttpUpstream(config)
    return StdioUpstream(config, on_dropped=on_dropped)

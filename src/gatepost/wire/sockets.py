"""Options of sockets that the event loops leave alone."""

from __future__ import annotations

import asyncio
import socket
from typing import Final

_PROBES: Final = (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4))
"""After so many seconds of silence, so often, so many times."""


def watch_silent(transport: asyncio.BaseTransport) -> None:
    """Have the system ask whether a silent peer is still there: one that vanished would hold a stream for hours."""
    sock = transport.get_extra_info("socket")
    if sock is None or sock.family not in (socket.AF_INET, socket.AF_INET6):
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _PROBES:
        option = getattr(socket, name, None)  # absent, or named otherwise, on some systems
        if option is not None:
            sock.setsockopt(socket.IPPROTO_TCP, option, value)

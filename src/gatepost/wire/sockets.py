"""Options of sockets that the event loops leave alone, and what the system says of one that fails."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
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


def spoken(error: OSError) -> str:
    """Why a socket failed, in the system's words: asyncio puts others in their place, with the address once more."""
    if error.errno is None or isinstance(error, socket.gaierror | ssl.SSLError):  # these have numbers of their own
        return error.strerror or str(error) or type(error).__name__
    return os.strerror(error.errno)

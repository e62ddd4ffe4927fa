"""The HTTP server under the status page: uvicorn on a socket of our own, on loopback and nowhere else."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

from gatepost.errors import GatepostError


class _PageServer(uvicorn.Server):
    """uvicorn without signal handlers of its own: when this process ends is the worker's affair."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def server(application: ASGIApp) -> uvicorn.Server:
    """A server for the application; `serve(sockets=[…])` runs it until `should_exit` is set."""
    return _PageServer(
        uvicorn.Config(
            application,
            log_level="warning",
            access_log=False,
            server_header=False,
            lifespan="off",
            ws="none",
            timeout_graceful_shutdown=2,
        )
    )


def listen_on(address: str) -> socket.socket:
    """The status page's socket on HOST:PORT.

    Raises:
        GatepostError: GP-6001 for an address that is not loopback, GP-6003 where it cannot be listened on.
    """
    host, colon, port = address.rpartition(":")
    host = host.strip("[]")
    if not colon or not port.isdigit() or int(port) > 65535:
        raise GatepostError("GP-6003", f"{address!r} is not HOST:PORT.", "Write --console 127.0.0.1:7071.")
    try:
        family, _, _, _, resolved = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)[0]
        loopback = ipaddress.ip_address(resolved[0]).is_loopback
    except OSError as error:
        raise GatepostError("GP-6003", f"{host!r} is no address of this machine: {error.strerror}.") from None
    if not loopback:
        raise GatepostError(
            "GP-6001",
            f"The status page asks nobody who they are, so it does not listen on {host}.",
            "Leave --console on 127.0.0.1, and reach it from elsewhere through an SSH tunnel.",
        )
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(resolved)
        listening.listen(128)
    except OSError as error:
        listening.close()
        raise GatepostError(
            "GP-6003", f"{address} cannot be listened on: {error.strerror}.", "Choose another with --console HOST:PORT."
        ) from None
    return listening

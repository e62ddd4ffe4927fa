"""Which `Host` and `Origin` a listener answers to, and whose word it takes for a client's address."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from typing import Final

from gatepost.errors import GatepostError

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
_REMEMBERED: Final = 256
_HOST: Final = re.compile(r"([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?")
_FORWARDED: Final = re.compile(r"([0-9.]+):[0-9]+|\[([^\]]+)\](?::[0-9]+)?")
"""An address with a port or in brackets, as some proxies write it."""


def is_loopback(host: str) -> bool:
    """Whether an address to listen on is reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _without_port(host: str) -> str:
    """The name of `name[:port]`, an IPv6 address with its brackets; empty where it is neither."""
    found = _HOST.fullmatch(host)
    return "" if found is None else found[1]


def _address(text: str) -> IPAddress:
    """An address; one of IPv4 that an IPv6 socket has seen is that of IPv4. Raises `ValueError`."""
    ip = ipaddress.ip_address(text)
    return ip if ip.version == 4 else ip.ipv4_mapped or ip


class Names:
    """The names of one listener.

    A listener on loopback answers to loopback names only (and to those it is given), whatever DNS says: that is what
    stops a web page from reaching it under a name of its own.

    Args:
        listens_on: the address it listens on.
        hosts: names with or without a port, lower-case; `*.` stands for one label, as in a certificate. None: loopback
            names on loopback, any name elsewhere.
        origins: whole origins, lower-case.
    """

    def __init__(self, listens_on: str, hosts: frozenset[str] | None, origins: frozenset[str]) -> None:
        self._loopback = is_loopback(listens_on)
        self._own = LOOPBACK | {f"[{listens_on}]" if ":" in listens_on else listens_on}
        self._hosts = hosts
        self._origins = origins
        self._known: dict[bytes, bool] = {}

    def allows_host(self, header: bytes) -> bool:
        """Whether a `Host` header is one of ours."""
        known = self._known.get(header)
        if known is None:
            known = self._host(header.decode("latin-1").lower())
            if len(self._known) < _REMEMBERED:
                self._known[header] = known
        return known

    def _host(self, host: str) -> bool:
        name = _without_port(host)
        if not name:
            return False
        if self._loopback and name in self._own:
            return True
        if self._hosts is None:
            return not self._loopback
        return host in self._hosts or name in self._hosts or f"*.{name.partition('.')[2]}" in self._hosts

    def allows_origin(self, header: bytes) -> bool:
        """Whether an `Origin` header is one of ours: listed, or a page of this machine for a loopback listener."""
        origin = header.decode("latin-1").lower()
        if origin in self._origins:
            return True
        scheme, _, host = origin.partition("://")
        return self._loopback and scheme in ("http", "https") and _without_port(host) in self._own


class Proxies:
    """The networks whose `X-Forwarded-For` is believed.

    Raises:
        GatepostError: GP-6004 for what is no network.
    """

    def __init__(self, networks: Sequence[str]) -> None:
        try:
            self._networks = [ipaddress.ip_network(network, strict=False) for network in networks]
        except ValueError as error:
            raise GatepostError(
                "GP-6004", f"A trusted proxy is given as an address or a network: {error}.", "For example 10.0.0.0/8."
            ) from None

    def client(self, peer: str, forwarded: Sequence[bytes]) -> str:
        """The client's address: the last one that is no proxy of ours, read from the right."""
        if not self._networks or not forwarded or not self._trusts(peer):
            return peer
        address = peer
        for entry in reversed(b",".join(forwarded).decode("latin-1").split(",")):
            text = entry.strip()
            ported = _FORWARDED.fullmatch(text)
            try:
                address = str(_address(text if ported is None else ported[1] or ported[2]))
            except ValueError:
                return address
            if not self._trusts(address):
                return address
        return address

    def _trusts(self, address: str) -> bool:
        try:
            ip = _address(address)
        except ValueError:
            return False
        return any(ip in network for network in self._networks)

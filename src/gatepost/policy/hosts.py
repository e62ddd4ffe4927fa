"""`host_in`: whether the host of an http(s) URL is one of a list.

A URL is read here only where every reader reads the same host in it (RFC 3986, the WHATWG URL standard, and libraries
that are neither). Anything else is unknown.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Any

from gatepost.policy.operands import Judge, OperandError, strings

# scheme, authority, and what follows it up to the first slash
_URL = re.compile(r"([Hh][Tt][Tt][Pp][Ss]?)://([^/?#]*)([^/]*)", re.ASCII)
_NAME = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*", re.ASCII)
_PORT = re.compile(r":[0-9]{0,5}", re.ASCII)
_NUMERIC = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)
_IPV4 = re.compile(r"(?:(?:0|[1-9][0-9]{0,2})\.){3}(?:0|[1-9][0-9]{0,2})", re.ASCII)
_LONGEST_NAME = 253


def build_host_in(operand: Any) -> Judge:
    """The judge for a list of hosts, IP addresses and `.suffix`es."""
    hosts: set[str] = set()
    suffixes: list[str] = []
    for index, item in enumerate(strings(operand, "a list of hosts, not empty")):
        is_suffix = item.startswith(".")
        host = _host(item[1:] if is_suffix else item) or _host(f"[{item}]")
        if host is None or (is_suffix and not _is_name(host)):
            expected = (
                "a host name in ASCII, an IP address in its canonical form, or a .suffix, without scheme, port or path"
            )
            raise OperandError(expected, item, f"/{index}")
        if is_suffix:
            suffixes.append("." + host)
        else:
            hosts.add(host)
    endings = tuple(suffixes)

    def judge(value: Any) -> bool | None:
        if not isinstance(value, str):
            return None
        host = url_host(value)
        if host is None:
            return None
        return host in hosts or host.endswith(endings)

    return judge


def url_host(url: str) -> str | None:
    """The host of an http(s) URL, in ASCII lower case without a trailing dot, IPv6 in brackets; None where unknown."""
    match = _URL.match(url)
    if match is None:
        return None
    _, authority, rest = match.groups()
    # some readers look for user info, or turn a backslash into a slash, up to the first slash
    if "@" in rest or "\\" in rest:
        return None
    if authority.startswith("["):
        host, bracket, port = authority.partition("]")
        host += bracket
    else:
        host, colon, port = authority.partition(":")
        port = colon + port
    if port and (not _PORT.fullmatch(port) or int(port[1:] or 0) > 65535):
        return None
    return _host(host)


def _host(text: str) -> str | None:
    """A host name or address in the one form that is compared, or None."""
    # str.lower() would fold more than ASCII; what is not ASCII is refused first
    if not text.isascii():
        return None
    host = text.lower()
    if host.startswith("["):
        return _ipv6(host)
    dotted = host.endswith(".")
    name = host[:-1] if dotted else host
    if len(name) > _LONGEST_NAME or not _NAME.fullmatch(name):
        return None
    if _NUMERIC.fullmatch(name.rpartition(".")[2]):
        # a host that ends in a number is read as an IPv4 address: 127.1, 0x7f.1, 2130706433
        return None if dotted or not _is_ipv4(name) else name
    return name


def _is_name(host: str) -> bool:
    return not host.startswith("[") and not _is_ipv4(host)


def _is_ipv4(text: str) -> bool:
    return _IPV4.fullmatch(text) is not None and all(int(part) <= 255 for part in text.split("."))


def _ipv6(host: str) -> str | None:
    if not host.endswith("]") or "%" in host:
        return None
    try:
        address = ipaddress.IPv6Address(host[1:-1])
    except ValueError:
        return None
    # an address that stands for an IPv4 one has two spellings in use
    if address.ipv4_mapped is not None or "." in host:
        return None
    return host if f"[{address.compressed}]" == host else None

"""`host_in`: whether the host of an http(s) URL is one of a list.

A URL is read here only where every reader reads the same host in it (RFC 3986, the WHATWG URL standard, and libraries
that are neither). Anything else is unknown.
"""

from __future__ import annotations

import ipaddress
from typing import Any

from gatepost.policy.operands import Judge, OperandError, strings
from gatepost.policy.texts import is_digits, is_dotted_name

_SCHEMES = ("http", "https")
_HEX = "0123456789abcdef"
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
    scheme, _, after = url.partition("://")
    if scheme not in _SCHEMES and scheme.lower() not in _SCHEMES:
        return None
    before_slash = after.partition("/")[0]
    authority = before_slash.partition("?")[0].partition("#")[0]
    rest = before_slash[len(authority) :]
    # some readers look for user info, or turn a backslash into a slash, up to the first slash
    if rest and ("@" in rest or "\\" in rest):
        return None
    if authority.startswith("["):
        host, bracket, port = authority.partition("]")
        host += bracket
    else:
        host, colon, port = authority.partition(":")
        port = colon + port
    if port and not _is_port(port):
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
    if len(name) > _LONGEST_NAME or not is_dotted_name(name):
        return None
    if _is_numeric(name.rpartition(".")[2]):
        # a host that ends in a number is read as an IPv4 address: 127.1, 0x7f.1, 2130706433
        return None if dotted or not _is_ipv4(name) else name
    return name


def _is_name(host: str) -> bool:
    return not host.startswith("[") and not _is_ipv4(host)


def _is_ipv4(text: str) -> bool:
    parts = text.split(".")
    return len(parts) == 4 and all(map(_is_octet, parts))


def _is_octet(text: str) -> bool:
    """Whether it is 0 to 255 in decimal, without a leading zero."""
    return is_digits(text, most=3) and int(text) <= 255 and (text == "0" or text[0] != "0")


def _is_numeric(label: str) -> bool:
    """Whether some reader takes a label in ASCII lower case for a number."""
    return label.isdigit() or (label.startswith("0x") and not label[2:].strip(_HEX))


def _is_port(text: str) -> bool:
    """Whether what follows a host is a colon and a port, which may be empty."""
    digits = text[1:]
    if not digits:
        return text == ":"
    return text[0] == ":" and is_digits(digits, most=5) and int(digits) <= 65535


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

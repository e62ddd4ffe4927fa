"""Whether an address may be listened on as it is."""

from __future__ import annotations

import re
from typing import Final

from gatepost.errors import GatepostError
from gatepost.wire.names import LOOPBACK, is_loopback

_URL: Final = re.compile(r"(https?)://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(/[!-~]*)?")


def check_public_url(url: str) -> str:
    """The URL itself, where clients can use it. Raises GatepostError GP-6004."""
    _parts(url)
    return url


def check_listen(host: str, *, tls: bool, behind_proxy: bool, public_url: str | None) -> None:
    """Refuse to have bearer tokens sent over an open network in the clear.

    Args:
        host: the address to listen on.
        tls: whether the listener itself speaks TLS.
        behind_proxy: whether somebody says that a proxy with TLS stands in front.
        public_url: the URL that clients use: of https, unless they are on this machine or the proxy is.

    Raises:
        GatepostError: GP-6001, it may not be listened on like that, and what to do; GP-6004, the URL is none.
    """
    url = None if public_url is None else _parts(public_url)
    if behind_proxy and url is None:
        raise GatepostError(
            "GP-6001",
            "Behind a proxy the gateway has to know the address that clients use.",
            "Add --public-url https://gateway.example.org",
        )
    if is_loopback(host) or tls:
        return
    if not behind_proxy:
        raise GatepostError(
            "GP-6001",
            f"{host} can be reached from other machines, and without TLS the grants' tokens would cross the network "
            "open.",
            "Give --tls-cert and --tls-key; or, where a proxy in front speaks TLS, --behind-proxy with --public-url; "
            "or listen on 127.0.0.1.",
        )
    assert url is not None
    if url[1] != "https" and url[2].lower() not in LOOPBACK:
        raise GatepostError(
            "GP-6001",
            f"Clients are to use {public_url}, over which the grants' tokens would cross the network open.",
            "Have the proxy speak TLS, and give --public-url https://…",
        )


def _parts(public_url: str) -> re.Match[str]:
    parts = _URL.fullmatch(public_url)
    if parts is None or "?" in public_url or "#" in public_url:
        raise GatepostError("GP-6004", f"{public_url!r} is not a URL.", "Give --public-url https://HOST[:PORT]")
    return parts

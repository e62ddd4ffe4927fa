"""Whether an address may be listened on as it is."""

from __future__ import annotations

from gatepost.errors import GatepostError
from gatepost.wire.names import is_loopback


def check_listen(host: str, *, tls: bool, behind_proxy: bool, public_url: str | None) -> None:
    """Refuse to send bearer tokens over an open network in the clear.

    Args:
        host: the address to listen on.
        tls: whether the listener itself speaks TLS.
        behind_proxy: whether somebody says that a proxy with TLS stands in front.
        public_url: the https URL that clients use.

    Raises:
        GatepostError: GP-6001, with what to do.
    """
    if behind_proxy and public_url is None:
        raise GatepostError(
            "GP-6001",
            "Behind a proxy the gateway has to know the address that clients use.",
            "Add --public-url https://gateway.example.org",
        )
    if public_url is not None and not public_url.startswith(("https://", "http://")):
        raise GatepostError("GP-6004", f"{public_url!r} is not a URL.", "Give --public-url https://HOST[:PORT]")
    if is_loopback(host) or tls or behind_proxy:
        return
    raise GatepostError(
        "GP-6001",
        f"{host} can be reached from other machines, and without TLS the grants' tokens would cross the network open.",
        "Give --tls-cert and --tls-key; or, where a proxy in front speaks TLS, --behind-proxy with --public-url; "
        "or listen on 127.0.0.1.",
    )

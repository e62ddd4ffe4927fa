"""Which names a listener answers to, and the address that clients are told."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from gatepost.errors import GatepostError
from gatepost.wire.names import LOOPBACK, is_loopback


def hosts(public_url: str | None, certified: Sequence[str]) -> frozenset[str] | None:
    """The Host names to answer to, in lower case; None leaves the listener's own choice for a loopback address.

    Args:
        public_url: what was said to be the address for clients.
        certified: the names in the listener's own certificate; none without one.
    """
    if public_url is not None:
        return frozenset({public_url.split("://", 1)[-1].split("/", 1)[0].lower()})
    return frozenset(certified) or None


def origins(public_url: str | None) -> frozenset[str]:
    """The public URL's origin, without a path that it may have."""
    if public_url is None:
        return frozenset()
    parts = urlsplit(public_url.lower())
    return frozenset({f"{parts.scheme}://{parts.netloc}"})


def told(host: str, certified: Sequence[str]) -> str:
    """The name that clients are told of a listener, where nobody said it: its own, or one of its certificate.

    Args:
        host: what it listens on.
        certified: as for `hosts`.

    Raises:
        GatepostError: GP-6001, other machines are to reach it, and neither names it.
    """
    own = f"[{host}]" if ":" in host else host
    if own.lower() in certified:
        return own
    if is_loopback(host):
        return next((name for name in certified if name in LOOPBACK), own)
    for name in certified:
        if not name.startswith("*."):
            return name
    raise GatepostError(
        "GP-6001",
        "Which name clients use cannot be told: the certificate holds none, or only one with an asterisk.",
        "Add --public-url https://gateway.example.org, a name that the certificate is for.",
    )

"""A request's head: what it says, and what is refused before anybody looks at it (RFC 9112, and stricter)."""

from __future__ import annotations

from typing import Final

from gatepost.wire.limits import Limits, Refusal
from gatepost.wire.names import Names

Header = tuple[bytes, bytes]

_ONCE: Final = frozenset(
    {
        b"host", b"authorization", b"content-type", b"content-length", b"content-encoding", b"transfer-encoding",
        b"origin", b"last-event-id", b"expect", b"upgrade", b"cookie",
    }
)  # fmt: skip
"""Headers of which a second one refuses the request. Doubled `Mcp-*` headers are the protocol's to refuse (-32020)."""

_TARGET_BYTES: Final = frozenset(range(0x21, 0x7F))
_METHODS: Final = frozenset({"GET", "POST", "DELETE", "HEAD", "OPTIONS", "PUT", "PATCH"})


def bad(reason: str, status: int = 400) -> Refusal:
    """A refusal of malformed HTTP, after which the connection is closed."""
    return Refusal(status, "GP-1008", reason)


def check_head(
    method: str, target: bytes, version: str, headers: list[Header], limits: Limits, names: Names
) -> Refusal | dict[bytes, bytes]:
    """Check a complete head.

    Returns: the headers by name (the first of each), or why the request is refused.
    """
    if method not in _METHODS:
        return bad(f"The method {method[:16]} is not served.", 405)
    if version not in ("1.1", "1.0"):
        return bad(f"HTTP/{version} is not spoken here.", 505)
    if len(target) > limits.max_target:
        return bad(f"The target is longer than {limits.max_target} bytes.", 414)
    if not target.startswith(b"/") or not _TARGET_BYTES.issuperset(target) or b"#" in target:
        return bad("The target must be a path of visible ASCII characters.")
    first: dict[bytes, bytes] = {}
    for name, value in headers:
        if name not in first:
            first[name] = value
        elif name in _ONCE:
            return bad(f"The header {name.decode('ascii', 'replace')} stands twice.")
    host = first.get(b"host")
    if host is None:
        if version == "1.1":
            return bad("The header Host is missing.")
    elif not names.allows_host(host):
        return Refusal(421, "GP-1009", "This Host is not served here. Behind a proxy, start with --public-url.")
    origin = first.get(b"origin")
    if origin is not None and not names.allows_origin(origin):
        return Refusal(403, "GP-1009", "Requests from this Origin are not allowed.")
    return _framing(first, version, limits) or first


def _framing(first: dict[bytes, bytes], version: str, limits: Limits) -> Refusal | None:
    transfer, length = first.get(b"transfer-encoding"), first.get(b"content-length")
    if transfer is not None:
        if length is not None:
            return bad("Content-Length and Transfer-Encoding stand together.")
        if transfer.lower() != b"chunked" or version != "1.1":
            return bad("The only Transfer-Encoding is chunked, in HTTP/1.1.")
    if length is not None:
        if not length.isdigit() or len(length) > 16:
            return bad("The Content-Length is not a number.")
        if int(length) > limits.max_body:
            return bad(f"The body is longer than {limits.max_body} bytes.", 413)
    if first.get(b"content-encoding", b"identity").lower() != b"identity":
        return bad("A Content-Encoding other than identity is not read.")
    if b"upgrade" in first:
        return bad("Upgrades are not served.")
    if first.get(b"expect", b"100-continue").lower() != b"100-continue":
        return bad("The only Expect is 100-continue.", 417)
    return None

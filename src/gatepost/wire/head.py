"""A request's head, and what it is refused for before anybody else looks at it (RFC 9112, and stricter).

llhttp has read the head by then, and has refused what is malformed in its headers: bare line ends, folded lines,
control characters, odd names, a Content-Length that is none. Here is what it lets through.
"""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

from gatepost.wire.limits import Limits, Refusal, bad
from gatepost.wire.names import Names

Header = tuple[bytes, bytes]

_REQUEST_LINE: Final = re.compile(rb"([A-Z]{1,16}) ([!-~]+) HTTP/([0-9]\.[0-9])")
_METHODS: Final = frozenset({b"GET", b"POST", b"DELETE", b"HEAD", b"OPTIONS", b"PUT", b"PATCH"})
_ONCE: Final = frozenset(
    {
        b"host", b"authorization", b"content-type", b"content-length", b"content-encoding", b"transfer-encoding",
        b"origin", b"last-event-id", b"expect", b"upgrade",
    }
)  # fmt: skip
"""Headers of which a second one refuses the request. Doubled `Mcp-*` headers have an answer of their own (-32020)."""
_SELDOM: Final = frozenset({b"origin", b"transfer-encoding", b"content-encoding", b"upgrade", b"expect"})
_MOST_DIGITS: Final = 16


class Line(NamedTuple):
    """A request line."""

    method: str
    path: str
    query: str
    newer: bool
    """Whether it is of HTTP/1.1, not 1.0."""


class Head:
    """A head that was accepted. Clients repeat theirs to the byte; it is read once then, and shared by their requests.

    Attributes:
        method, path, query: of its request line; the path is raw, not decoded.
        newer: whether it is of HTTP/1.1, not 1.0.
        headers: names in lower case, in the order they came; not to be changed.
        values: the first value of each.
        keep_alive: whether the client lets the connection go on.
        length: of its body, 0 where there is none or where it is chunked.
        memo: what others worked out from nothing but this head, under keys of their own.
    """

    __slots__ = ("headers", "keep_alive", "length", "memo", "method", "newer", "path", "query", "values")

    def __init__(self, line: Line, headers: list[Header], values: dict[bytes, bytes]) -> None:
        self.method, self.path, self.query, self.newer = line
        self.headers = headers
        self.values = values
        self.keep_alive = self.newer and (b"connection" not in values or not closes(headers))
        self.length = int(values.get(b"content-length", b"0"))
        self.memo: dict[object, Any] = {}


def request_line(line: bytes, max_target: int) -> Line | Refusal:
    """Read a request line without its CRLF, or say why it is refused."""
    found = _REQUEST_LINE.fullmatch(line)
    if found is None:
        return bad("The request line is not of HTTP/1.1.")
    method, target, version = found.groups()
    if version not in (b"1.1", b"1.0"):
        return bad(f"HTTP/{version.decode()} is not spoken here.", 505)
    if method not in _METHODS:
        return bad(f"The method {method.decode()} is not served.", 405)
    if len(target) > max_target:
        return bad(f"The target is longer than {max_target} bytes.", 414)
    if target[0] != 0x2F or b"#" in target:
        return bad("The target must be a path.")
    path, _, query = target.decode().partition("?")
    return Line(method.decode(), path, query, version == b"1.1")


def first_values(headers: list[Header]) -> dict[bytes, bytes] | Refusal:
    """The headers by name, the first of each; or the refusal of one that stands twice and must not."""
    values = dict(headers)
    if len(values) != len(headers):
        values = {}
        for name, value in headers:
            if name not in values:
                values[name] = value
            elif name in _ONCE:
                return bad(f"The header {name.decode()} stands twice.")
    return values


def check(values: dict[bytes, bytes], newer: bool, limits: Limits, names: Names) -> Refusal | None:
    """Why a head is refused, None where it is not.

    Args:
        values: what `first_values` gave.
        newer: whether it is HTTP/1.1, not 1.0.
    """
    host = values.get(b"host")
    if host is None:
        if newer:
            return bad("The header Host is missing.")
    elif not names.allows_host(host):
        return Refusal(421, "GP-1009", "This Host is none of --public-url, of --listen or of the certificate.")
    length = values.get(b"content-length")
    if length is not None:
        if len(length) > _MOST_DIGITS or not length.isdigit():
            return bad("The Content-Length is not a number.")
        if int(length) > limits.max_body:
            return bad(f"The body is longer than {limits.max_body} bytes.", 413)
    return None if _SELDOM.isdisjoint(values) else _check_seldom(values, newer, names)


def _check_seldom(values: dict[bytes, bytes], newer: bool, names: Names) -> Refusal | None:
    origin = values.get(b"origin")
    if origin is not None and not names.allows_origin(origin):
        return Refusal(403, "GP-1009", "Requests from this Origin are not allowed.")
    coding = values.get(b"transfer-encoding")
    if coding is not None:
        if b"content-length" in values:
            return bad("Content-Length and Transfer-Encoding stand together.")
        if coding.lower() != b"chunked" or not newer:
            return bad("The only Transfer-Encoding is chunked, in HTTP/1.1.")
    if values.get(b"content-encoding", b"identity").lower() != b"identity":
        return bad("A Content-Encoding other than identity is not read.")
    if b"upgrade" in values:
        return bad("Upgrades are not served.")
    if values.get(b"expect", b"100-continue").lower() != b"100-continue":
        return bad("The only Expect is 100-continue.", 417)
    if not newer:
        values.pop(b"expect", None)  # of HTTP/1.0 it is to be ignored (RFC 9110, section 10.1.1)
    return None


def closes(headers: list[Header]) -> bool:
    """Whether a `Connection` header asks for the connection to be closed."""
    options = b",".join([value for name, value in headers if name == b"connection"])
    return b"close" in [option.strip() for option in options.lower().split(b",")]

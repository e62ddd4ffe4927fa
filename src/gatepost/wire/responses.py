"""The bytes of response heads: what can be made once is made once."""

from __future__ import annotations

import time
from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

_LINES: Final = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode("ascii") for status in HTTPStatus}
_BODILESS: Final = frozenset({204, 304})
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
CHUNKED: Final = -1
UNTIL_CLOSE: Final = -2

_REMEMBERED: Final = 256

_second = 0
_date = b""
_known: dict[tuple[tuple[bytes, bytes], ...], bytes] = {}


def date() -> bytes:
    """The `Date` header's line (RFC 9110, section 6.6.1), made once a second."""
    global _second, _date
    now = int(time.time())
    if now != _second:
        _second = now
        _date = time.strftime("date: %a, %d %b %Y %H:%M:%S GMT\r\n", time.gmtime(now)).encode("ascii")
    return _date


def head(status: int, headers: Sequence[tuple[bytes, bytes]], length: int, *, keep_alive: bool) -> bytes:
    """A response head.

    Args:
        length: of the body, or `CHUNKED`, or `UNTIL_CLOSE`.

    Raises:
        ValueError: a header holds a line end, and would end the head early.
    """
    key = tuple(headers)
    lines = _known.get(key)
    if lines is None:
        lines = _lines(key)
    line = _LINES.get(status) or b"HTTP/1.1 %d \r\n" % status
    closing = b"\r\n" if keep_alive else b"connection: close\r\n\r\n"
    if length >= 0 and status not in _BODILESS:
        return b"%b%b%bcontent-length: %d\r\n%b" % (line, date(), lines, length, closing)
    framing = b"transfer-encoding: chunked\r\n" if length == CHUNKED else b""
    return b"".join((line, date(), lines, framing, closing))


def _lines(headers: tuple[tuple[bytes, bytes], ...]) -> bytes:
    lines = b"".join([b"%b: %b\r\n" % header for header in headers])
    if lines.count(b"\n") != len(headers) or lines.count(b"\r") != len(headers):
        raise ValueError("a response header holds a line end")
    if len(_known) >= _REMEMBERED:
        _known.clear()
    _known[headers] = lines
    return lines

"""The bytes of response heads: what can be made once is made once."""

from __future__ import annotations

import time
from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

_LINES: Final = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode("ascii") for status in HTTPStatus}
_BODILESS: Final = frozenset({204, 304})
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"

_date = b""


def refresh_date() -> None:
    """Set the `Date` of the responses to come; called about once a second."""
    global _date
    _date = time.strftime("date: %a, %d %b %Y %H:%M:%S GMT\r\n", time.gmtime()).encode("ascii")


def head(status: int, headers: Sequence[tuple[bytes, bytes]], length: int | None, *, keep_alive: bool) -> bytes:
    """A response head. `length` None begins a chunked body."""
    out = bytearray(_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status)
    out += _date
    for name, value in headers:
        out += name
        out += b": "
        out += value
        out += b"\r\n"
    if length is None:
        out += b"transfer-encoding: chunked\r\n"
    elif status not in _BODILESS:
        out += b"content-length: %d\r\n" % length
    if not keep_alive:
        out += b"connection: close\r\n"
    out += b"\r\n"
    return bytes(out)

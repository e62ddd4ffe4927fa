"""How long a response is, and how long its connection is kept: what its headers say, or why they are ambiguous."""

from __future__ import annotations

from typing import Final, NamedTuple

FOREVER: Final = float("inf")
_MAX_HEADERS: Final = 100
_MOST_DIGITS: Final = 19


class Framing(NamedTuple):
    """What the headers of a response say of its body."""

    length: int | None
    """Its Content-Length."""
    until_close: bool
    """Whether it ends with the connection, for want of anything else."""
    kept_for: float
    """How many seconds the server keeps the connection (`Keep-Alive: timeout=5`), less one for the way."""


def read_framing(headers: list[tuple[bytes, bytes]]) -> Framing:
    """Read the headers, whose names are in lower case. Raises `ValueError` with what is wrong with them."""
    length: bytes | None = None
    coding: bytes | None = None
    kept_for = FOREVER
    if len(headers) > _MAX_HEADERS:
        raise ValueError(f"it has more than {_MAX_HEADERS} headers")
    for name, value in headers:
        if name == b"content-length":
            if length is not None:
                raise ValueError("it has two Content-Lengths")
            length = value
        elif name == b"transfer-encoding":
            if coding is not None or value.lower() != b"chunked":
                raise ValueError("its Transfer-Encoding is not chunked")
            coding = value
        elif name == b"keep-alive":
            kept_for = min(kept_for, _promised_seconds(value))
    if length is None:
        return Framing(None, coding is None, kept_for)
    if coding is not None:
        raise ValueError("it has a Content-Length with a Transfer-Encoding")
    if not length.isdigit() or len(length) > _MOST_DIGITS:
        raise ValueError("its Content-Length is not a number")
    return Framing(int(length), False, kept_for)


def _promised_seconds(value: bytes) -> float:
    for option in value.lower().split(b","):
        name, _, seconds = option.strip().partition(b"=")
        if name == b"timeout" and seconds.isdigit() and len(seconds) < 8:
            return max(int(seconds) - 1.0, 0.0)
    return FOREVER

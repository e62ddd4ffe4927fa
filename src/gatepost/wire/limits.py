"""What a listener accepts of one connection, and what it answers where that is exceeded."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes, times in seconds. The defaults are PROTOCOL's."""

    max_headers: int = 100
    max_header_bytes: int = 32 * 1024
    max_target: int = 8 * 1024
    max_body: int = 4 * 1024 * 1024
    head_timeout: float = 10.0
    """From a connection's beginning, or a later request's first byte, to the end of the head."""
    body_timeout: float = 30.0
    min_body_rate: int = 1024
    """Bytes per second that a body owes, measured from `rate_grace` seconds on."""
    rate_grace: float = 5.0
    idle_timeout: float = 75.0
    write_timeout: float = 120.0
    """How long a client may leave what is written to it unread before the connection is cut."""
    linger: float = 2.0
    """How long a refused connection is read on, so that the refusal is not lost in a reset."""
    max_connections: int = 10_000
    write_high_water: int = 256 * 1024
    """What may wait for a slow client before `Request.write` waits too."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that the listener answers by itself, with the body `{"code": …, "message": …}`.

    Attributes:
        status: the HTTP status.
        code: the stable code, `GP-1008` for what is wrong with HTTP itself.
        reason: one sentence.
        headers: more response headers.
        recorded: whether whoever made it has recorded it already.
        closes: whether the connection is closed behind the answer. Where it is not, the body is read and thrown away.
    """

    status: int
    code: str
    reason: str
    headers: tuple[tuple[bytes, bytes], ...] = ()
    recorded: bool = False
    closes: bool = True


def bad(reason: str, status: int = 400) -> Refusal:
    """A refusal of malformed HTTP, or of more than a limit allows."""
    return Refusal(status, "GP-1008", reason)

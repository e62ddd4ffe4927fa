"""How a request to an upstream fails."""

from __future__ import annotations


class UpstreamError(Exception):
    """A request did not get a whole, valid response.

    Attributes: `sent` whether a byte of the request may have reached the server.
    """

    def __init__(self, message: str, *, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent


class ConnectError(UpstreamError):
    """No connection: refused, unreachable, name not found, TLS not verified."""


class TimedOut(UpstreamError):
    """A deadline passed. `phase` is `connect`, `first_byte`, `idle` or `total`."""

    def __init__(self, phase: str, seconds: float, *, sent: bool) -> None:
        super().__init__(f"{phase.replace('_', ' ')} took longer than {seconds:g} s", sent=sent)
        self.phase = phase


class Cut(UpstreamError):
    """The connection ended before the response did."""


class Malformed(UpstreamError):
    """The response is not HTTP/1.1."""


class TooLarge(UpstreamError):
    """The response is longer than it may be."""

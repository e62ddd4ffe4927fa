"""How the failures of the wire towards an HTTP server are said: which code, what happened, what to do."""

from __future__ import annotations

from gatepost.upstreams.base import UpstreamFailed
from gatepost.upstreams.config import ServerConfig
from gatepost.wire.errors import ConnectError, Cut, Malformed, TimedOut, TooLarge, UpstreamError


def from_wire(config: ServerConfig, error: UpstreamError) -> UpstreamFailed:
    """The failure to report for an error of the connection"""
    name, limits = config.name, config.limits
    said = f"The server {name!r} at {config.where}"
    if isinstance(error, ConnectError):
        where = f" (gatepost server show {name})" if config.registered else ""
        hint = f"Check that it runs there and that its address is right{where}."
        return UpstreamFailed("GP-3001", name, f"{said} cannot be reached: {error}.", hint, sent=error.sent)
    if isinstance(error, TimedOut):
        if error.phase == "connect":
            text = f"{said} did not accept a connection within {limits.connect:g} s."
            return UpstreamFailed("GP-3001", name, text, sent=error.sent)
        if error.phase == "first_byte":
            text = f"{said} did not answer within {limits.answer:g} s."
            return UpstreamFailed("GP-3002", name, text, sent=error.sent)
        if error.phase == "idle":
            return UpstreamFailed("GP-3002", name, f"{said} fell silent in the middle of its answer.", sent=error.sent)
        return UpstreamFailed("GP-3004", name, f"{said} took too long to complete its answer.", sent=error.sent)
    if isinstance(error, TooLarge):
        return UpstreamFailed("GP-3004", name, f"{said} answered with too much: {error}.", sent=error.sent)
    if isinstance(error, Cut):
        text = f"{said} closed the connection before its answer was complete."
        return UpstreamFailed("GP-3003", name, text, sent=error.sent)
    what = "gave an answer that is not valid HTTP" if isinstance(error, Malformed) else "cannot be asked"
    return UpstreamFailed("GP-3003", name, f"{said} {what}: {error}.", sent=error.sent)


def late(config: ServerConfig) -> UpstreamFailed:
    """An answer that is not a stream was not complete in time."""
    text = (
        f"The server {config.name!r} at {config.where} did not complete its answer within {config.limits.answer:g} s."
    )
    return UpstreamFailed("GP-3002", config.name, text, sent=True)


def event_too_large(config: ServerConfig) -> UpstreamFailed:
    """One event of a stream passed the limit for a message."""
    text = f"The server {config.name!r} at {config.where} sent an event of more than {config.limits.message} bytes."
    return UpstreamFailed("GP-3004", config.name, text, sent=True)


def redirected(config: ServerConfig, status: int, location: bytes | None) -> UpstreamFailed:
    """An answer of 3xx. Where it points is named, without its query (which may hold a secret)."""
    where = "" if location is None else " to " + location.partition(b"?")[0].decode("latin-1")[:200]
    there = "set it as the server's URL" if config.registered else "give that one"
    return UpstreamFailed(
        "GP-3006",
        config.name,
        f"The server {config.name!r} at {config.where} redirected (HTTP {status}){where}, which is never followed.",
        f"If that is its address, {there}.",
        sent=True,
    )


def compressed(config: ServerConfig, encoding: bytes) -> UpstreamFailed:
    """An answer with a Content-Encoding, though none was accepted."""
    how = encoding.decode("latin-1")[:40]
    text = f"The server {config.name!r} answered with a compressed body ({how}), though it was asked not to."
    return UpstreamFailed("GP-3003", config.name, text, sent=True)


def wants_credential(config: ServerConfig, status: int) -> UpstreamFailed:
    """HTTP 401 or 403 to a scan."""
    given = any(name.lower() == "authorization" for name, _ in config.headers)
    what = "does not accept the credential it is given" if given else "wants a credential"
    how = f"gatepost server add {config.name} --url … --header" if config.registered else "--header"
    return UpstreamFailed(
        "GP-3001",
        config.name,
        f"The server {config.name!r} at {config.where} {what} (HTTP {status}).",
        f"Give one with: {how} 'Authorization: @FILE' (or env:NAME).",
        sent=True,
    )

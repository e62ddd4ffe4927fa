"""What every upstream is to the main path: post a message, get a reply; and how it fails."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any, Final, Literal, Protocol

from gatepost.errors import GatepostError
from gatepost.mcp.message import Message
from gatepost.wire.sse import Event

Headers = Sequence[tuple[bytes, bytes]]
Kind = Literal["json", "sse", "empty", "other"]
LISTEN: Final = "subscriptions/listen"
"""The one request whose answer is meant to stay open (2026-07-28 patterns/subscriptions)."""
OnDropped = Callable[[str, str], None]
"""Called with the server's name and a phrase for each message from it that was not passed on. Must be quick."""


class UpstreamFailed(GatepostError):
    """A server did not answer as it should (GP-30xx, GP-1012).

    Attributes:
        server: the server's name.
        sent: whether any byte of the request may have reached the server. Only a request that was not sent may be
            counted as never carried out.
    """

    def __init__(self, code: str, server: str, message: str, hint: str = "", *, sent: bool) -> None:
        super().__init__(code, message, hint)
        self.server = server
        self.sent = sent


class Reply(Protocol):
    """A server's answer to one HTTP-shaped exchange.

    Attributes:
        status: the HTTP status (a program's reply has the status that HTTP would have had).
        headers: response headers with lower-cased names, as the server sent them; empty for a program.
        kind: "json" (one JSON value in `body`), "sse" (messages in `events`), "empty" (no body), or "other" (a body
            of another media type: nothing that may be passed on as MCP).

    Exactly one of `body`, `events` and `abort` is called, except that `abort` may follow either at any time.
    """

    status: int
    headers: list[tuple[bytes, bytes]]
    kind: Kind

    async def body(self, limit: int) -> bytes:
        """The whole body. Raises UpstreamFailed: GP-3004 over `limit` bytes, GP-3002 late, GP-3003 cut short."""

    def events(self) -> AsyncGenerator[Event, None]:
        """The events of a stream, one at a time and in order; ends where the server ended it.

        Raises UpstreamFailed: GP-3002 when nothing came for too long, GP-3003 when the stream was cut or is not one,
        GP-3004 when it lasted too long or an event was too large, GP-3005 when the program ended.
        """

    def abort(self) -> None:
        """Give the answer up: the server is told (its connection closes, or it gets `notifications/cancelled`)."""


class Upstream(Protocol):
    """One server. Every method but `status` and `close` raises UpstreamFailed."""

    async def post(self, body: bytes, message: Message, headers: Headers, session: str | None) -> Reply:
        """Send one message and wait for the beginning of its answer.

        Args:
            body: the message, re-serialised.
            message: the same, parsed.
            headers: what goes along (HTTP): chosen by the caller, lower-cased names.
            session: the gateway's own key of a legacy session; None where there is none, and in 2026-07-28.

        Cancelling this call tells the server that the answer is not wanted any more.
        """

    async def listen(self, headers: Headers, session: str | None) -> Reply:
        """The listening stream of a legacy session (HTTP GET; 2025-11-25 transports, "Listening for Messages")."""

    async def delete(self, headers: Headers, session: str | None) -> Reply:
        """End a legacy session (HTTP DELETE; 2025-11-25 transports, "Session Management")."""

    async def close(self) -> None:
        """Stop everything; calls in flight fail."""

    def status(self) -> dict[str, Any]:
        """What there is to say of it now, for `server show`: plain JSON values, no secrets."""

"""What Gatepost knows of one server: where it is, what to present to it, and the limits that hold towards it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from gatepost.errors import GatepostError

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE: Final = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_VARIABLE: Final = re.compile(r"[^=\0]+")

RESERVED_HEADERS: Final = frozenset(
    {
        "accept", "accept-encoding", "connection", "content-encoding", "content-length", "content-type", "host",
        "keep-alive", "last-event-id", "mcp-method", "mcp-name", "mcp-protocol-version", "mcp-session-id", "te",
        "trailer", "transfer-encoding", "upgrade",
    }
)  # fmt: skip
"""Headers that follow from the message or the connection, so a server's configuration cannot set them."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Deadlines in seconds and sizes in bytes towards one server. Every one is a setting; these are the defaults."""

    connect: float = 5.0
    """To connect, or to start the program, including the wait after it ended unexpectedly."""
    answer: float = 300.0
    """From sending a request to the first message of its answer, and to the end of an answer that is not a stream."""
    stream_idle: float = 300.0
    """Between two pieces of a streamed answer."""
    stream_total: float = 3600.0
    """For a whole streamed answer."""
    listen_idle: float = 3600.0
    """Between two pieces of a listening stream."""
    listen_total: float = 86400.0
    """For a whole listening stream."""
    probe: float = 60.0
    """For each step of a scan; the first includes the program's start, and is all that a silent server gets."""
    silence: float = 10.0
    """Without an answer to `server/discover`, after which a program is asked to `initialize` on the same streams. So
    long before a silent server's time is over, it is asked to on a connection of its own."""
    scan: float = 180.0
    """For a whole scan."""
    message: int = 16 * 1024 * 1024
    """For one message from the server: a line of stdio, an event of a stream."""
    reply_queue: int = 256 * 1024
    """Unread messages kept for one reply of a program before it is held back."""
    in_flight: int = 1024
    """Requests in flight on one program."""
    sessions: int = 32
    """Programs running for sessions at the same time."""
    session_idle: float = 1800.0
    """Without any message, after which a session's program is stopped."""
    stop_grace: float = 2.0
    """Between closing a program's input and SIGTERM, and between SIGTERM and SIGKILL."""
    restart_first: float = 0.25
    """The wait before the first restart of a program that ended unexpectedly; it doubles with each."""
    restart_most: float = 30.0
    """The longest such wait; a program that ran for so long starts afresh."""


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """One upstream server: reached at `url`, or a program started with `command`; exactly one of the two.

    Attributes:
        name: the server's name, `[a-z0-9][a-z0-9-]{0,62}`.
        url: an http or https URL without user, password or fragment.
        headers: sent with every request to `url`, in the clear here. They replace what a caller sent.
        command: the program and its arguments; it is started without a shell.
        env: variables for the program, beside the few it inherits (`environment.inherited`).
        cwd: the folder it starts in; None for the home folder.
        eras: what the server speaks, of {"legacy", "modern"}; empty where it was not scanned yet.
        versions: the protocol revisions it speaks, oldest first.
        limits: deadlines and sizes.
        registered: whether commands know it by its name; else it was named on a command line, and advice is about that.

    Raises:
        GatepostError: GP-4001 for the name, GP-4005 for anything else, naming the value.
    """

    name: str
    url: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    command: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    cwd: str | None = None
    eras: frozenset[str] = frozenset()
    versions: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    registered: bool = True

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise GatepostError(
                "GP-4001",
                f"{self.name!r} is not a name for a server.",
                "Use 1 to 63 lower-case letters, digits and hyphens, beginning with a letter or digit.",
            )
        if (self.url is None) == (not self.command):
            raise _invalid(self.name, "has to have either a URL or a command")
        if self.url is not None:
            _check_url(self.name, self.url)
        for name, value in self.headers:
            _check_header(self.name, name, value)
        if not all(map(_is_argument, (*self.command, self.cwd or ""))) or (self.command and not self.command[0]):
            raise _invalid(self.name, "has a command, argument or folder that is empty or cannot be passed on")
        for name, value in self.env.items():
            if not _VARIABLE.fullmatch(name) or not _is_argument(name) or not _is_argument(value):
                raise _invalid(self.name, f"has an environment variable that cannot be set: {name!r}")

    @property
    def transport(self) -> str:
        """`"http"` or `"stdio"`."""
        return "http" if self.url is not None else "stdio"

    @property
    def where(self) -> str:
        """Its URL without the query, or its program's name: what may be shown to anyone."""
        return self.command[0] if self.url is None else self.url.partition("?")[0]


def _is_argument(text: str) -> bool:
    """Whether a program can be given this text: no NUL, and bytes can be made of it."""
    try:
        return b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        return False


def _check_url(server: str, url: str) -> None:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _invalid(server, f"has a URL that cannot be read: {error}") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise _invalid(server, f"has a URL that is not http:// or https:// with a host: {url!r}")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise _invalid(server, "has a URL with a user, a password or a fragment; give credentials with --header")
    if not url.isascii() or any(character <= " " or character == "\x7f" for character in url):
        raise _invalid(server, "has a URL with spaces, control characters or letters that have to be percent-encoded")


def _check_header(server: str, name: str, value: str) -> None:
    if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
        raise _invalid(server, f"has a header that cannot be sent: {name!r}")
    if name.lower() in RESERVED_HEADERS:
        raise _invalid(server, f"cannot set the header {name}: it follows from the message or the connection")


def _invalid(server: str, why: str) -> GatepostError:
    return GatepostError("GP-4005", f"The server {server!r} {why}.")

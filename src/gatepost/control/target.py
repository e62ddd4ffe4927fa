"""Where a server is and what is presented to it, checked before it is stored: the data plane must never refuse it."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from gatepost.errors import GatepostError

ERAS = ("legacy", "modern")

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}")
_HEADER_VALUE = re.compile(r"[\x20-\x7e\x80-\xff]*")
_VARIABLE = re.compile(r"[^=\0]{1,256}")
_VERSION = re.compile(r"[A-Za-z0-9._-]{1,32}")
_SECRET_PARAMETER = re.compile(r"key|token|secret|passw|auth|sig|credential", re.IGNORECASE)
_MAX_URL = 8192
_MAX_ARGUMENTS = 1024
_MAX_BYTES = 256 * 1024
# These follow from the message or the connection.
_RESERVED = frozenset(
    {
        "accept", "accept-encoding", "connection", "content-encoding", "content-length", "content-type", "expect",
        "host", "keep-alive", "last-event-id", "mcp-method", "mcp-name", "mcp-protocol-version", "mcp-session-id",
        "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Target:
    """How a server is reached, secrets in the clear: to connect with, not to show. Exactly one of `url` and `command`.

    Attributes:
        name: the server's name.
        url: http or https.
        headers: (name, value) sent with every request.
        command: program and arguments, started without a shell.
        env: variables for the program.
        cwd: the absolute folder it starts in, or None.
        eras: of `legacy`, `modern`; empty where it was not scanned.
        versions: the protocol revisions it speaks.
        state: of a registered one, what is another as soon as the server is, or as soon as it was scanned again.
    """

    name: str
    url: str | None = None
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    command: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    cwd: str | None = None
    eras: frozenset[str] = frozenset()
    versions: tuple[str, ...] = ()
    state: tuple[object, ...] = field(default=(), repr=False, compare=False)


def check_target(target: Target) -> list[str]:
    """Raises `GatepostError` GP-4005 for the first value that cannot be used; returns warnings for what is unwise."""
    if (target.url is None) == (not target.command):
        raise _invalid("A server has either a URL or a command.", "Give --url URL, or the command after --.")
    if target.url is not None:
        _check_url(target.url)
        if target.env or target.cwd:
            raise _invalid(
                "Variables and a folder are for a command, not for a URL.", "Leave out --env and the folder."
            )
    elif target.headers:
        raise _invalid("Headers are for a URL; a command has no requests to carry them.", "Pass secrets with --env.")
    _check_headers(target.headers)
    _check_program(target.command, target.env, target.cwd)
    check_spoken(target.eras, target.versions)
    return _warnings(target)


def check_spoken(eras: Iterable[str], versions: Iterable[str]) -> None:
    """Eras and protocol revisions as a scan reports them. Raises `GatepostError` GP-4005."""
    if unknown := sorted(set(eras) - set(ERAS)):
        raise _invalid(f"{unknown[0]!r} is not an era.", f"Use {' and '.join(ERAS)}.")
    for version in versions:
        if _VERSION.fullmatch(version) is None:
            raise _invalid(f"{version!r} is not a protocol revision.", "They look like 2026-07-28.")


def _check_url(url: str) -> None:
    shape = "Write http://HOST/PATH or https://HOST/PATH."
    if len(url) > _MAX_URL or not url.isascii() or any(letter <= " " or letter in '\x7f"<>\\^`{|}' for letter in url):
        raise _invalid("The URL is too long or holds characters that have to be percent-encoded.", shape)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _invalid(f"The URL cannot be read: {error}.", shape) from None
    if parts.username is not None or parts.password is not None:
        raise _invalid("The URL holds a user or password, and URLs are shown in lists.", _AS_HEADER)
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise _invalid(f"{url!r} is not an http or https URL with a host.", shape)
    if parts.fragment or url.endswith("#"):
        raise _invalid("The URL has a fragment (#…), which is never sent to a server.", "Leave it out.")
    for name, _ in parse_qsl(parts.query, keep_blank_values=True):
        if _SECRET_PARAMETER.search(name):
            raise _invalid(
                f"The URL's parameter {name!r} looks like a secret, and URLs are shown in lists.", _AS_HEADER
            )


_AS_HEADER = 'Pass it as a header: --header "Authorization: Bearer @FILE".'


def _check_headers(headers: Sequence[tuple[str, str]]) -> None:
    seen = set()
    for name, value in headers:
        lowered = name.lower()
        if _HEADER_NAME.fullmatch(name) is None:
            raise _invalid(f"{name[:80]!r} is not a header's name.", 'Write --header "Name: @FILE".')
        if lowered in _RESERVED:
            raise _invalid(f"The header {name} follows from the message or the connection.", "Leave it out.")
        if lowered in seen:
            raise _invalid(f"The header {name} is given twice.", "Give it once.")
        if _HEADER_VALUE.fullmatch(value) is None or value != value.strip() or len(value) > _MAX_BYTES // 8:
            raise _invalid(
                f"The value of the header {name} cannot be sent.",
                "It may hold printable characters of Latin-1, no line end, and no space at either end.",
            )
        seen.add(lowered)


def _check_program(command: Sequence[str], env: Mapping[str, str], cwd: str | None) -> None:
    if len(command) > _MAX_ARGUMENTS or sum(map(len, command)) + sum(map(len, env.values())) > _MAX_BYTES:
        raise _invalid("The command with its variables is too long.", "Put long settings into a file that it reads.")
    if command and not command[0]:
        raise _invalid("The command's program is empty.", "Write it after --, as in -- npx -y PACKAGE.")
    for text in (*command, cwd or "", *env.values()):
        if "\0" in text or not _is_text(text):
            raise _invalid("The command, a variable or the folder holds NUL or is not UTF-8 text.", "Correct it.")
    for name in env:
        if _VARIABLE.fullmatch(name) is None or not _is_text(name):
            raise _invalid(f"{name!r} is not a variable.", "Write --env NAME=VALUE.")
    if cwd is not None and not (Path(cwd).is_absolute() and Path(cwd).is_dir()):
        raise _invalid(f"{cwd!r} is not an existing folder with an absolute path.", "Give the folder's whole path.")


def _warnings(target: Target) -> list[str]:
    parts = urlsplit(target.url or "")
    if parts.scheme == "http" and target.headers and not _is_loopback(parts.hostname or ""):
        return [f"The headers go to {parts.hostname} unencrypted: the URL is http. Use https where the server has it."]
    return []


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_text(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _invalid(message: str, hint: str) -> GatepostError:
    return GatepostError("GP-4005", message, hint)

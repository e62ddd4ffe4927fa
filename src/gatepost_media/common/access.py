"""Who may reach a server over HTTP: which address it listens on, and the token that it wants.

Looked at before anything heavy is loaded, so that a mistake is told at once.
"""

from __future__ import annotations

import os
import secrets
import socket
from pathlib import Path

from gatepost_media.common.errors import NotConfigured
from gatepost_media.common.files import read_private, write_private
from gatepost_media.common.settings import Settings

LOOPBACK = ("127.0.0.1", "::1", "localhost")


def http_token(settings: Settings, file: Path | None) -> tuple[str, Path | None]:
    """The token that the HTTP transport wants, and the file it stands in.

    From `file`, else from GATEPOST_MEDIA_TOKEN, else from `http-token` in the home folder, where one is made the first
    time. Raises NotConfigured for a file that cannot be read and for a token shorter than 16 characters.
    """
    given = os.environ.get("GATEPOST_MEDIA_TOKEN", "").strip()
    if file is None and given:
        token = given
    else:
        path = file or settings.home / "http-token"
        try:
            kept = read_private(path)
            if kept is None and file is None:
                kept = secrets.token_urlsafe(32).encode("ascii")
                write_private(path, kept)
        except OSError as error:
            if file is None:
                raise settings.unusable(error) from error
            raise NotConfigured(f"{file} cannot be read: {error.strerror}. Name another --token-file.") from error
        if kept is None:
            raise NotConfigured(f"There is no file {file}. Write the token into it, or leave --token-file out.")
        token, file = kept.decode("utf-8", "replace").strip(), path
    if len(token) < 16 or not token.isascii() or not token.isprintable() or " " in token:
        raise NotConfigured("The HTTP token must be 16 or more printable ASCII characters without spaces.")
    return token, file


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens on a loopback address; port 0 is any free one. Raises NotConfigured for another address and
    for a port that cannot be used."""
    if host not in LOOPBACK:
        raise NotConfigured(f"--host must be one of {', '.join(LOOPBACK)}: this server is for this machine only.")
    address = "127.0.0.1" if host == "localhost" else host
    # The protocol is named because asyncio turns Nagle's algorithm off only where it is: an answer of two small writes
    # would wait 40 ms for the other side's acknowledgement.
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen()
    except OSError as error:
        listener.close()
        reason = error.strerror or "unusable"
        raise NotConfigured(f"Port {port} on {host} cannot be used ({reason}). Choose another with --port.") from None
    return listener

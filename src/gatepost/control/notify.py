"""Telling a running data plane that the published feed has changed, and waiting until it decides by it."""

from __future__ import annotations

import json
import socket
import time

from gatepost.errors import GatepostError
from gatepost.paths import DataFolder

_SECONDS = 2.0
_ANSWER_BYTES = 64 * 1024


def refresh(folder: DataFolder, revision: int) -> str | None:
    """Asks the data plane of `folder` to take over the feed up to `revision`.

    Returns None where it has, or where none is running (no socket, or one that a stopped one left behind), else a
    sentence that says that it has not. It looks by itself each second in any case.
    """
    try:
        path = folder.socket("dataplane.sock")
    except GatepostError:
        return None  # nothing can listen under a path of this length
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(_SECONDS)
            connection.connect(str(path))
            connection.sendall(json.dumps({"op": "refresh", "revision": revision}).encode() + b"\n")
            answer = _line(connection)
    except (FileNotFoundError, ConnectionRefusedError):
        return None
    except OSError as error:
        return _late(f"it did not answer on {path}: {error}")
    try:
        reached = json.loads(answer)["revision"]
    except (ValueError, KeyError, TypeError):
        return _late(f"its answer on {path} was not understood")
    if not isinstance(reached, int) or reached < revision:
        return _late(f"it is at revision {reached} of {revision}")
    return None


def _line(connection: socket.socket) -> bytes:
    """The first line of the answer, all within the deadline. Raises `OSError`."""
    deadline = time.monotonic() + _SECONDS
    answer = b""
    while b"\n" not in answer and len(answer) < _ANSWER_BYTES:
        connection.settimeout(max(deadline - time.monotonic(), 0.001))
        piece = connection.recv(_ANSWER_BYTES)
        if not piece:
            raise ConnectionResetError("it closed the connection")
        answer += piece
    return answer


def _late(why: str) -> str:
    return f"The change is stored, but the running gateway has not confirmed it ({why}); it looks again each second."

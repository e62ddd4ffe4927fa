"""The control sockets in DATA/run: one line of JSON asks, one line of JSON answers.

A request is an object with "op"; an answer is an object, with "error" {"code", "message", "hint"} where it went wrong.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from gatepost.errors import CODES, GatepostError

Handler = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]

_LONGEST_REQUEST = 64 * 1024
_LONGEST_ANSWER = 64 * 1024 * 1024


async def listen(path: Path, handlers: Mapping[str, Handler]) -> asyncio.AbstractServer:
    """Answers on the socket `path` (mode 0600) until the returned server is closed.

    A handler's GatepostError is answered as it is. A stale socket of a process that has gone is replaced.
    """

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                writer.write(json.dumps(await _answer(line, handlers)).encode() + b"\n")
                await writer.drain()
        except (ConnectionError, ValueError):
            pass  # the asker has gone, or sends a line beyond all measure: there is nobody to answer
        finally:
            writer.close()

    server = await asyncio.start_unix_server(serve, path, limit=_LONGEST_REQUEST)
    path.chmod(0o600)  # noqa: ASYNC240 - once, on a local file
    return server


async def _answer(line: bytes, handlers: Mapping[str, Handler]) -> dict[str, Any]:
    try:
        request = json.loads(line)
        handler = handlers[request["op"]]
    except (ValueError, KeyError, TypeError):
        return _refusal(GatepostError("GP-4005", "This is not a request that is answered here."))
    try:
        return await handler(request)
    except GatepostError as error:
        return _refusal(error)


def _refusal(error: GatepostError) -> dict[str, Any]:
    return {"error": {"code": error.code, "message": error.message, "hint": error.hint}}


async def ask(path: Path, request: Mapping[str, Any], *, seconds: float) -> dict[str, Any] | None:
    """Asks and returns the answer, or None when nobody listens on `path` or no answer comes within `seconds`.

    Raises:
        GatepostError: the one that the other side answered with.
    """
    try:
        async with asyncio.timeout(seconds):
            reader, writer = await asyncio.open_unix_connection(path, limit=_LONGEST_ANSWER)
            try:
                writer.write(json.dumps(dict(request)).encode() + b"\n")
                await writer.drain()
                line = await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return None
    return _read(line)


def ask_now(path: Path, request: Mapping[str, Any], *, seconds: float) -> dict[str, Any] | None:
    """`ask` for programs without an event loop."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(seconds)
        try:
            connection.connect(str(path))
            connection.sendall(json.dumps(dict(request)).encode() + b"\n")
            with connection.makefile("rb") as answers:
                line = answers.readline(_LONGEST_ANSWER)
        except OSError:
            return None
    return _read(line)


def _read(line: bytes) -> dict[str, Any] | None:
    if not line.endswith(b"\n"):
        return None
    answer = json.loads(line)
    if not isinstance(answer, dict):
        return None
    error = answer.get("error")
    if isinstance(error, dict) and error.get("code") in CODES:
        raise GatepostError(error["code"], str(error.get("message", "")), str(error.get("hint", "")))
    return answer

"""The Plex server before a library of 50,000 films: memory does not grow with the library."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream

from gatepost_media.sandbox import Sandbox
from tests.media.plex.test_serving import PROGRAM, environment

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

FILMS = 50_000
ALLOWED = 64 * 1024
"""KiB above what the server takes when it has answered one small call."""


def _memory(server: Process, what: str) -> int:
    status = Path(f"/proc/{server.pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(what))


async def test_an_export_of_50_000_films_takes_one_request_for_500_and_no_more_memory_than_a_page(
    tmp_path: Path,
) -> None:
    async with Sandbox("large") as box:
        settings = environment(box, tmp_path)
        async with await anyio.open_process([*PROGRAM, "--write"], env=settings, cwd=tmp_path) as server:
            assert server.stdin is not None and server.stdout is not None
            answers = BufferedByteReceiveStream(server.stdout)

            async def ask(number: int, method: str, **params: Any) -> dict[str, Any]:
                frame = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
                await server.stdin.send(json.dumps(frame).encode() + b"\n")  # type: ignore[union-attr]
                answer: dict[str, Any] = json.loads(await answers.receive_until(b"\n", 10_000_000))
                assert answer["id"] == number
                return answer["result"]  # type: ignore[no-any-return]

            client = {"name": "t", "version": "1"}
            await ask(1, "initialize", protocolVersion="2025-11-25", capabilities={}, clientInfo=client)
            await server.stdin.send(b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n')
            await ask(2, "tools/call", name="get_libraries", arguments={})
            idle = _memory(server, "VmRSS")
            box.forget_requests()
            exported = await ask(3, "tools/call", name="export_library", arguments={"libraryKey": "1"})
            assert exported["structuredContent"]["items"] == FILMS
            assert exported["structuredContent"]["requests"] == FILMS // 500
            pages = [each for each in box.requests if each.path == "/library/sections/1/all"]
            assert len(pages) == FILMS // 500
            assert _memory(server, "VmHWM") - idle < ALLOWED
        assert len(json.loads((tmp_path / "exports" / "library-1-movie.json").read_text())) == FILMS

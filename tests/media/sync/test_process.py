"""The server as a process of its own, over stdio, ended in the middle of its work."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from gatepost_media.sandbox import Sandbox
from tests.media.sync.support import ask, plays, sign_in, told, until

pytestmark = pytest.mark.anyio

CODE = """
import os, sys
open(sys.argv.pop(1), "w").write(str(os.getpid()))
from gatepost_media.cli.main import main
main()
"""


def launched(box: Sandbox, home: Path) -> Client:
    """A client of a new process; `home`/pid holds its number."""
    given = {**os.environ, **box.environment(), "GATEPOST_MEDIA_HOME": str(home)}
    arguments = ["-c", CODE, str(home / "pid"), "plex", "--write", "--profile", "trakt-sync"]
    return Client(stdio_client(StdioServerParameters(command=sys.executable, args=arguments, env=given)))


async def end(home: Path, number: signal.Signals) -> None:
    """Sends a signal to the process and returns when it has gone."""
    pid = int((home / "pid").read_text())
    os.kill(pid, number)

    def gone() -> bool:
        try:
            return "State:\tZ" in Path(f"/proc/{pid}/status").read_text()
        except FileNotFoundError:
            return True

    await until(gone)


async def test_a_sync_ended_by_ctrl_c_leaves_no_file_and_is_finished_by_the_next(tmp_path: Path) -> None:
    async with Sandbox() as box:
        sign_in(box, tmp_path)
        slow = box.fault("trakt", "slow", 9, path="/sync/history", method="POST", seconds=0.5)
        async with launched(box, tmp_path) as client:
            call = asyncio.create_task(client.call_tool("trakt_sync_to_trakt", {"batchSize": 1}))
            await until(lambda: any(seen.method == "POST" and seen.service == "trakt" for seen in box.requests))
            await end(tmp_path, signal.SIGINT)
            await asyncio.gather(call, return_exceptions=True)
        slow.times = 0
        assert sorted({each.name.partition("-")[0].partition(".")[0] for each in tmp_path.iterdir()}) == [
            "client",
            "pid",
            "trakt",
        ]
        async with launched(box, tmp_path) as client:
            await ask(client, "trakt_sync_to_trakt")
            assert sorted(plays(box, "watch")) == [1004, 1008, 1010, 2003, 2005]


async def test_a_scrobbler_that_was_killed_gives_way_to_the_next(tmp_path: Path) -> None:
    async with Sandbox() as box:
        sign_in(box, tmp_path)
        playing = box.play(1002, speed=0)
        playing.seek_to(50)
        async with launched(box, tmp_path) as client:
            await ask(client, "trakt_start_scrobbling")
            await until(lambda: told(box))
            await end(tmp_path, signal.SIGKILL)
        async with launched(box, tmp_path) as client:
            assert (await ask(client, "trakt_start_scrobbling"))["started"] is True
            await until(lambda: len(box.plex.listeners) == 1)
            playing.seek_to(95)
            playing.stop()
            await until(lambda: plays(box))
            assert plays(box) == [1002]

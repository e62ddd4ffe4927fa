"""A sync of 250,000 plays, in the memory that its server is allowed."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from gatepost_media.sandbox import Sandbox
from tests.media.trakt.support import sign_in

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

MIB = 1024
CODE = """
import os, sys
open(sys.argv.pop(1), "w").write(str(os.getpid()))
from gatepost_media.cli.main import main
main()
"""


def peak(pid: int) -> int:
    """The most memory that a process had so far, in KiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])


@pytest.mark.parametrize("on_trakt", [False, True], ids=["all-missing", "all-there"])
async def test_a_dry_run_over_a_quarter_of_a_million_plays_stays_within_256_mib(on_trakt: bool, tmp_path: Path) -> None:
    # The sandbox runs in a thread of this process, the server is a process of its own.
    with Sandbox.in_thread("large") as box:
        works = [work for kind in ("movie", "episode") for work in box.plex.of(kind)]
        now = box.clock.second()

        def watch() -> None:
            for number, work in enumerate(works):
                view = box.plex.view(work)
                view.count, view.last = 1, now - number
                if on_trakt:
                    box.trakt.watch(work, now - number)

        box.do(watch)
        sign_in(box, tmp_path)
        there = len({watch.work.key for watch in box.trakt.history()})
        pid_file = tmp_path / "pid"
        parameters = StdioServerParameters(
            command=sys.executable,
            args=["-c", CODE, str(pid_file), "plex", "--write"],
            env={**os.environ, **box.environment(), "GATEPOST_MEDIA_HOME": str(tmp_path)},
        )
        async with Client(stdio_client(parameters)) as client:
            result = await client.call_tool("trakt_sync_to_trakt", {"dryRun": True}, read_timeout_seconds=1200)
            assert not result.is_error, result.content
            said = result.structured_content
            assert said is not None
            assert said["totalSize"] + said["same"] + said["unmapped"] == len(works)
            assert said["same"] >= there - 1
            used = await asyncio.to_thread(peak, int(pid_file.read_text()))
            print(f"{len(works)} plays, {said['totalSize']} missing: {used / MIB:.0f} MiB at most")
            assert used <= 256 * MIB

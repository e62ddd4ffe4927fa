"""The one program of one client, behind `gatepost run`."""

from __future__ import annotations

import json
import sys

from gatepost.upstreams.config import ServerConfig
from gatepost.upstreams.program import Program
from tests.upstreams.helpers import QUICK, eventually, run

TALKS = """
import json, sys
for number in range(4):
    params = {"number": number, "data": "x" * 400_000}
    print(json.dumps({"jsonrpc": "2.0", "method": "notifications/message", "params": params}), flush=True)
sys.stdin.read()
"""


def test_of_what_a_program_says_before_anybody_listens_a_megabyte_is_kept() -> None:
    async def use() -> None:
        dropped: list[str] = []
        config = ServerConfig("p", command=(sys.executable, "-I", "-S", "-c", TALKS), limits=QUICK)
        program = Program(config, lambda _: None, on_dropped=lambda _, why: dropped.append(why))
        await program.start()
        await eventually(lambda: len(dropped) == 2)
        heard = []
        async for event in (await program.listen((), None)).events():
            heard.append(json.loads(event.data or b"")["params"]["number"])
            if heard[-1] == 3:
                break
        assert heard == [2, 3]
        await program.close()

    run(use())

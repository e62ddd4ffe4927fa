"""`kill -9` at random moments under load: no forwarded call without its row, no counter beside what the rows say."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatepost.audit.verify import verify_folder
from gatepost.control.act import Actor
from gatepost.control.grants import add_grant
from gatepost.control.policies import add_policy
from gatepost.control.servers import add_server
from gatepost.control.store import open_store
from gatepost.keys import Keyring
from gatepost.paths import DataFolder
from gatepost.wire import strictjson
from tests.support.recording import Recorder, Seen, json_answer
from tests.support.rig import read_answer, request

POLICY = json.dumps(
    {
        "version": "1",
        "default": "deny",
        "tools": {
            "t": {
                "limits": [
                    {"counter": "calls", "window": "month", "max": 1_000_000},
                    {"counter": "amounts", "window": "month", "max": 1_000_000_000, "amount": "args.amount"},
                ]
            }
        },
    }
)
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}, "amount": {"type": "number"}}}


class Plane:
    """The data plane as a process of its own, on one data folder."""

    def __init__(self, folder: DataFolder) -> None:
        self.folder = folder

    async def start(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "gatepost.processes.dataplane",
            "--data",
            str(self.folder.root),
            "--listen",
            "127.0.0.1:0",
            stdout=asyncio.subprocess.PIPE,
        )
        assert self.process.stdout is not None
        async with asyncio.timeout(30):
            ready = json.loads(await self.process.stdout.readline())
        self.port = int(ready["address"].rsplit(":", 1)[1])

    async def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        await self.process.wait()


async def caller(plane: Plane, token: str, numbers: Iterator[int], answered: set[int]) -> None:
    """Call over one connection after the other until cancelled."""
    while True:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", plane.port)
            while True:
                number = next(numbers)
                arguments = {"n": number, "amount": 0.25}
                body = {"jsonrpc": "2.0", "id": number, "method": "tools/call"}
                body["params"] = {"name": "t", "arguments": arguments}
                writer.write(request("/mcp/s/", token, json.dumps(body).encode()))
                answer = await read_answer(reader)
                assert answer.json["result"]["isError"] is False
                answered.add(number)
        except (OSError, asyncio.IncompleteReadError):
            await asyncio.sleep(0.01)


def rows(folder: DataFolder) -> list[dict[str, object]]:
    files = sorted((folder.journal / "data").glob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_bytes().splitlines()]


async def scenario(root: Path, kills: int) -> None:
    folder = DataFolder(root)
    arrived: set[int] = set()

    async def serve(seen: Seen, writer: asyncio.StreamWriter) -> None:
        arrived.add(seen.json["params"]["arguments"]["n"])
        await json_answer({"jsonrpc": "2.0", "id": "ID", "result": {"content": [], "isError": False}})(seen, writer)

    async with Recorder(serve) as upstream:
        with open_store(folder) as store:
            actor = Actor("test", "cli")
            tool = {"name": "t", "inputSchema": SCHEMA}
            add_server(store, actor, "s", url=upstream.url, eras=("legacy",), versions=("2025-11-25",), tools=(tool,))
            add_policy(store, actor, "p", POLICY, "s")
            token = add_grant(store, actor, "g", server="s", policy="p").value.token
        plane = Plane(folder)
        chance = random.Random(20260728)
        numbers, answered = itertools.count(1), set[int]()
        await plane.start()
        callers = [asyncio.ensure_future(caller(plane, token, numbers, answered)) for _ in range(8)]
        for _ in range(kills):
            target = len(answered) + chance.randint(1, 60)
            async with asyncio.timeout(60):
                while len(answered) < target:
                    await asyncio.sleep(chance.random() * 0.01)
                    for task in callers:
                        if task.done():
                            task.result()
            await plane.kill()
            await plane.start()
        for task in callers:
            task.cancel()
        await asyncio.gather(*callers, return_exceptions=True)
        plane.process.terminate()
        await plane.process.wait()

    keyring = Keyring.open(folder.keys, create=False)
    recorded = [row for row in rows(folder) if row["kind"] == "decided"]
    hmacs = {row["arguments_hmac"] for row in recorded}
    assert arrived >= answered
    for number in arrived:
        assert keyring.hmac(strictjson.canonical({"n": number, "amount": 0.25})) in hmacs
    settled = [row["decision_id"] for row in rows(folder) if row["kind"] == "settled"]
    assert sorted(settled) == sorted(row["decision_id"] for row in recorded)  # type: ignore[type-var]
    released = {row["decision_id"] for row in rows(folder) if row["kind"] == "released"}
    taken = 0
    for row in recorded:
        calls, amounts = row["limits"]  # type: ignore[misc]
        assert int(calls["before"]) == taken
        assert float(amounts["before"]) == taken / 4
        taken = int(calls["after"])
        if row["decision_id"] in released:
            taken -= 1
    assert verify_folder(folder.journal, keyring.verify_key).ok


def run(kills: int) -> None:
    with tempfile.TemporaryDirectory(prefix="gp-") as short:
        asyncio.run(scenario(Path(short) / "data", kills))


def test_a_killed_gateway_forwards_nothing_unrecorded_and_counts_exactly() -> None:
    run(5)


@pytest.mark.slow
def test_fifty_kills_under_load_lose_nothing() -> None:
    run(50)

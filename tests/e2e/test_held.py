"""What a client's list showed to be changed is refused also after a restart, before anybody lists again."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from gatepost.control.act import Actor
from gatepost.control.grants import add_grant
from gatepost.control.policies import add_policy
from gatepost.control.servers import add_server
from gatepost.control.store import open_store
from gatepost.gateway.held import NAME
from gatepost.paths import DataFolder
from tests.e2e.test_kill import Plane, rows
from tests.support.recording import Recorder, json_answer
from tests.support.rig import read_answer, request

READ: dict[str, Any] = {"name": "read", "description": "Reads a file.", "inputSchema": {"type": "object"}}
OTHER: dict[str, Any] = {**READ, "name": "other"}
CHANGED = {**READ, "description": "Reads any file."}


class Agent:
    """A legacy client of one data plane after the other."""

    def __init__(self, plane: Plane, token: str) -> None:
        self.plane, self.token = plane, token

    async def asks(self, method: str, **params: Any) -> Any:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.plane.port)
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        writer.write(request("/mcp/s/", self.token, json.dumps(body).encode()))
        answer = await read_answer(reader)
        writer.close()
        return answer.json

    async def listed(self) -> list[str]:
        return [tool["name"] for tool in (await self.asks("tools/list"))["result"]["tools"]]

    async def may_read(self) -> bool:
        return "result" in await self.asks("tools/call", name="read", arguments={})


async def _held(folder: DataFolder, wanted: list[str]) -> None:
    """Wait until the file holds these tools and no other."""
    async with asyncio.timeout(20):
        while True:
            if (folder.root / NAME).exists():
                held = json.loads((folder.root / NAME).read_bytes())["held"]
                if [row[1] for row in held] == wanted:
                    return
            await asyncio.sleep(0.01)


def test_a_change_that_only_a_list_has_shown_outlives_a_kill_and_ends_with_the_list_that_takes_it_back(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        folder = DataFolder(tmp_path)
        served = [READ, OTHER]
        called: list[str] = []

        async def upstream(seen: Any, writer: asyncio.StreamWriter) -> None:
            listing = seen.json["method"] == "tools/list"
            if not listing:
                called.append(seen.json["params"]["name"])
            result = {"tools": served} if listing else {"content": [], "isError": False}
            await json_answer({"jsonrpc": "2.0", "id": "ID", "result": result})(seen, writer)

        async with Recorder(upstream) as recorder:
            with open_store(folder) as store:
                actor = Actor("test", "cli")
                versions = ("2025-11-25",)
                add_server(
                    store, actor, "s", url=recorder.url, eras=("legacy",), versions=versions, tools=(READ, OTHER)
                )
                add_policy(store, actor, "p", json.dumps({"version": "1", "default": "allow"}), "s")
                token = add_grant(store, actor, "g", server="s", policy="p").value.token
            # A data plane without its worker: nobody scans, so that only the list can have shown the change.
            plane = Plane(folder)
            agent = Agent(plane, token)
            await plane.start()
            assert await agent.may_read()
            served[0] = CHANGED
            assert await agent.listed() == ["other"]
            await _held(folder, ["read"])
            assert (folder.root / NAME).stat().st_mode & 0o777 == 0o600
            await plane.kill()

            await plane.start()
            called.clear()
            assert not await agent.may_read()
            assert called == []
            served[0] = READ
            assert await agent.listed() == ["read", "other"]
            assert await agent.may_read()
            await _held(folder, [])
            await plane.kill()

            await plane.start()
            assert await agent.may_read()
            await plane.kill()
        refused = [row for row in rows(folder) if row.get("rule") == "(definition changed)"]
        assert [row["tool"] for row in refused] == ["read"]

    asyncio.run(scenario())


@pytest.mark.parametrize("content", ["{", "[]", '{"version": 2, "held": []}', '{"version": 1, "held": [["s"]]}'])
def test_a_file_that_cannot_be_read_keeps_the_data_plane_from_starting(
    tmp_path: Path, content: str, capfd: pytest.CaptureFixture[str]
) -> None:
    async def start() -> None:
        folder = DataFolder(tmp_path)
        with open_store(folder):
            pass
        (folder.root / NAME).write_text(content)
        plane = Plane(folder)
        with pytest.raises(json.JSONDecodeError):  # it says nothing, and ends
            await plane.start()
        assert await plane.process.wait() == 1

    asyncio.run(start())
    said = capfd.readouterr().err
    assert "GP-5003" in said
    assert "gatepost server scan" in said

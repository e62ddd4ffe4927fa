"""A call on its way over the bridge that its client cancels."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from tests.gateway.test_bridge import New, begin
from tests.support.rig import ALLOW_ALL, Rig, read_chunk, read_head, request


def test_a_call_that_is_cancelled_while_its_client_is_asked_ends_and_is_not_made_again(tmp_path: Path) -> None:
    async def run() -> None:
        async with New() as new, Rig(tmp_path) as rig:
            rig.server("s", new.url, eras="modern")
            token = rig.grant("s", ALLOW_ALL)
            session, _ = await begin(rig, token)
            question = {"method": "elicitation/create", "params": {"message": "Who?", "requestedSchema": {}}}
            new.respond = lambda _: {"resultType": "input_required", "inputRequests": {"q": question}}
            reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
            body = {"jsonrpc": "2.0", "id": 5, "method": "tools/call", "params": {"name": "t", "arguments": {}}}
            writer.write(request("/mcp/s/", token, json.dumps(body).encode(), mcp_session_id=session))
            await read_head(reader)
            asked = json.loads((await read_chunk(reader)).decode().split("data:")[1])
            count = len(new.seen)
            cancelled = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 5}}
            assert (await rig.post("/mcp/s/", token, cancelled, mcp_session_id=session)).status == 202
            end = json.loads((await read_chunk(reader)).decode().split("data:")[1])
            assert end["error"]["data"]["code"] == "GP-3002"
            writer.close()
            answer = {"jsonrpc": "2.0", "id": asked["id"], "result": {"action": "decline"}}
            assert (await rig.post("/mcp/s/", token, answer, mcp_session_id=session)).status == 202
            await rig.until(lambda: rig.gateway.metrics.in_flight == 0)
            assert len(new.seen) == count

    asyncio.run(run())

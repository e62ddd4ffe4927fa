"""What the bridge between the eras keeps, ends, and does not let through. (tests/e2e/test_eras.py: what it carries.)"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gatepost.gateway.bridge import legacy_call
from tests.support.recording import OK, Recorder, Seen, head, sse
from tests.support.rig import ALLOW_ALL, Answer, Rig, read_chunk, read_head, request, tool

CAN: dict[str, Any] = {
    "io.modelcontextprotocol/clientCapabilities": {"elicitation": {"form": {}, "url": {}}, "roots": {}}
}
ASK = {
    "jsonrpc": "2.0",
    "id": "srv-7",
    "method": "elicitation/create",
    "params": {"message": "Who?", "requestedSchema": {"type": "object", "properties": {}}, "_meta": {"secret": 1}},
}
INIT = {
    "jsonrpc": "2.0",
    "id": 0,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {"elicitation": {}},
        "clientInfo": {"name": "c", "version": "1"},
    },
}


class Old(Recorder):
    """A legacy server: shakes hands, has no listening stream, and answers everything else by `respond`."""

    def __init__(self) -> None:
        super().__init__(self._reply)
        self.respond: Callable[[Seen], Any] = lambda _: OK
        self.forgotten = False
        self.told: dict[Any, asyncio.Event] = {}
        self._begun = 0

    async def _reply(self, seen: Seen, writer: asyncio.StreamWriter) -> None:
        method = seen.json.get("method") if seen.body else None
        status, extra, body = 200, "x-nothing: 1", b""
        if seen.method != "POST":
            status = 405 if seen.method == "GET" else 200
        elif method == "initialize":
            self._begun += 1
            self.forgotten = False
            extra = f"mcp-session-id: up-{self._begun}"
            info = {"name": "old", "version": "1"}
            result = {"protocolVersion": "2025-03-26", "capabilities": {"tools": {}, "tasks": {}}, "serverInfo": info}
            body = json.dumps({"jsonrpc": "2.0", "id": seen.json["id"], "result": result}).encode()
        elif self.forgotten:
            status, body = 404, b'{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Session not found"}}'
        elif method is None or method.startswith("notifications/"):
            status = 202
            if method is None:
                self.told.setdefault(seen.json["id"], asyncio.Event()).set()
        else:
            answer = self.respond(seen)
            if asyncio.iscoroutine(answer):
                answer = await answer
            if isinstance(answer, list):
                writer.write(head(200, "text/event-stream") + sse(*answer))
                await writer.drain()
                event = self.told.setdefault("srv-7", asyncio.Event())
                await event.wait()
                writer.write(sse(_to(OK, seen)))
                await writer.drain()
                writer.close()
                return
            body = json.dumps(_to(answer, seen)).encode()
        writer.write(head(status, "application/json", extra, length=len(body)) + body)
        await writer.drain()

    def asked(self, method: str) -> list[Seen]:
        return [seen for seen in self.seen if seen.body and seen.json.get("method") == method]


def _to(answer: Any, seen: Seen) -> Any:
    return {**answer, "id": seen.json["id"]}


def test_one_session_is_kept_for_a_grant_and_its_id_stays_inside(tmp_path: Path) -> None:
    async def run() -> None:
        async with Old() as old, Rig(tmp_path) as rig:
            rig.server("s", old.url, eras="legacy")
            one, two = rig.grant("s", ALLOW_ALL, label="one"), rig.grant("s", ALLOW_ALL, label="two")
            for token in (one, one, two):
                answer = await rig.modern("s", token)
                assert answer.status == 200
                assert answer.json["result"] == {"content": [], "isError": False, "resultType": "complete"}
                assert "mcp-session-id" not in answer.headers
            assert len(old.asked("initialize")) == 2
            calls = old.asked("tools/call")
            assert [seen.headers["mcp-session-id"] for seen in calls] == ["up-1", "up-1", "up-2"]
            assert {seen.headers["mcp-protocol-version"] for seen in calls} == {"2025-03-26"}
            assert not {name for seen in calls for name in seen.headers} & {"mcp-method", "mcp-name"}
            assert all("_meta" not in seen.json["params"] for seen in calls)
            assert len(rig.gateway.sessions) == 2
            assert len(rig.gateway.sessions.of_grant("id-one")) == 1

    asyncio.run(run())


def test_what_was_discovered_is_the_servers_but_for_what_is_not_bridged(tmp_path: Path) -> None:
    async def run() -> None:
        async with Old() as old, Rig(tmp_path) as rig:
            rig.server("s", old.url, eras="legacy")
            token = rig.grant("s", ALLOW_ALL)
            found = (await rig.modern("s", token, "server/discover")).json["result"]
            assert found["supportedVersions"] == ["2026-07-28"]
            assert found["capabilities"] == {"tools": {}}
            assert found["_meta"]["io.modelcontextprotocol/serverInfo"] == {"name": "old", "version": "1"}
            assert (found["ttlMs"], found["cacheScope"], found["resultType"]) == (5000, "private", "complete")
            for method in ("tasks/get", "logging/setLevel"):
                answer = await rig.modern("s", token, method, taskId="t", level="info")
                assert (answer.status, answer.json["error"]["code"]) == (404, -32601)
                assert "not bridged" in answer.json["error"]["message"]
            old.respond = lambda _: {"jsonrpc": "2.0", "error": {"code": -32601, "message": "Method not found"}}
            answer = await rig.modern("s", token, "prompts/list")
            assert (answer.status, answer.json["error"]["code"]) == (404, -32601)

    asyncio.run(run())


def test_a_resource_that_is_not_there_has_the_code_of_the_clients_era(tmp_path: Path) -> None:
    async def run() -> None:
        async with Old() as old, Rig(tmp_path) as rig:
            rig.server("s", old.url, eras="legacy")
            token = rig.grant("s", ALLOW_ALL)
            old.respond = lambda _: {"jsonrpc": "2.0", "error": {"code": -32002, "message": "Resource not found"}}
            answer = await rig.modern("s", token, "resources/read", uri="note://gone")
            assert (answer.status, answer.json["error"]["code"]) == (200, -32602)
            answer = await rig.modern("s", token)  # elsewhere the code is the server's own
            assert answer.json["error"]["code"] == -32002

    asyncio.run(run())


def test_that_an_address_was_opened_is_not_told_to_a_client_that_has_no_such_notification(tmp_path: Path) -> None:
    async def run() -> None:
        async with Old() as old, Rig(tmp_path) as rig:
            rig.server("s", old.url, eras="legacy")
            old.told["srv-7"] = asyncio.Event()
            old.told["srv-7"].set()  # so that the answer follows at once
            complete = "notifications/elicitation/complete"
            old.respond = lambda _: [{"jsonrpc": "2.0", "method": complete, "params": {"elicitationId": "e1"}}]
            answer = await rig.modern("s", rig.grant("s", ALLOW_ALL))
            assert answer.status == 200
            assert answer.json["result"]["isError"] is False
            assert b"elicitation" not in answer.body

    asyncio.run(run())


def test_a_tool_call_is_not_sent_twice_when_the_server_has_lost_the_session(tmp_path: Path) -> None:
    async def run() -> None:
        async with Old() as old, Rig(tmp_path) as rig:
            rig.server("s", old.url, eras="legacy")
            token = rig.grant("s", ALLOW_ALL)
            await rig.modern("s", token)
            old.forgotten = True
            answer = await rig.modern("s", token)
            assert answer.json["error"]["data"]["code"] == "GP-3003"
            assert "ended the session" in answer.json["error"]["message"]
            assert len(old.asked("tools/call")) == 2
            assert (await rig.modern("s", token)).json["result"]["isError"] is False
            old.respond = lambda _: {"jsonrpc": "2.0", "result": {"tools": []}}
            old.forgotten = True
            assert (await rig.modern("s", token, "tools/list")).json["result"]["tools"] == []
            assert len(old.asked("initialize")) == 3
            assert len(rig.gateway.sessions) == 1

    asyncio.run(run())


def test_an_idle_session_is_reaped_and_the_server_told(tmp_path: Path) -> None:
    async def run() -> None:
        async with Old() as old, Rig(tmp_path) as rig:
            rig.server("s", old.url, eras="legacy")
            token = rig.grant("s", ALLOW_ALL)
            await rig.modern("s", token)
            assert not rig.gateway.sessions.reap(rig.gateway.clock() + 1700)
            assert rig.gateway.sessions.reap(rig.gateway.clock() + 1900)
            await rig.until(lambda: [seen for seen in old.seen if seen.method == "DELETE"])
            assert old.seen[-1].headers["mcp-session-id"] == "up-1"
            assert (await rig.modern("s", token)).status == 200
            assert len(old.asked("initialize")) == 2

    asyncio.run(run())


def test_a_grant_may_have_so_many_sessions_and_no_more(tmp_path: Path) -> None:
    async def run() -> None:
        async with Old() as old, Rig(tmp_path) as rig:
            rig.server("s", old.url, eras="legacy")
            token = rig.grant("s", ALLOW_ALL)
            for number in range(64):
                rig.gateway.sessions.begin("id-g", "other", f"x{number}", rig.gateway.clock())
            answer = await rig.modern("s", token)
            assert answer.json["error"]["data"]["code"] == "GP-1012"
            assert not old.seen

    asyncio.run(run())


def test_a_question_is_answered_once_by_the_grant_that_was_asked_for_the_call_it_was_asked_in(tmp_path: Path) -> None:
    async def run() -> None:
        async with Old() as old, Rig(tmp_path) as rig:
            rig.server("s", old.url, eras="legacy")
            token, other = rig.grant("s", ALLOW_ALL), rig.grant("s", ALLOW_ALL, label="other")
            old.respond = lambda _: [ASK]
            asked = (await rig.modern("s", token, meta=CAN)).json["result"]
            assert asked["resultType"] == "input_required"
            ((key, question),) = asked["inputRequests"].items()
            assert question["method"] == "elicitation/create"
            assert set(question["params"]) == {"message", "requestedSchema"}
            assert "srv-7" not in json.dumps(asked)
            again = {"requestState": asked["requestState"], "inputResponses": {key: {"action": "decline"}}}

            assert (await rig.modern("s", other, meta=CAN, **again)).status == 400
            assert (await rig.modern("s", token, meta=CAN, arguments={"a": 1}, **again)).status == 400
            without = await rig.modern("s", token, meta=CAN, requestState=asked["requestState"])
            assert without.json["result"]["resultType"] == "input_required"
            assert not old.told.get("srv-7", asyncio.Event()).is_set()

            done = await rig.modern("s", token, id=9, meta=CAN, **again)
            assert done.json["id"] == 9
            assert done.json["result"]["resultType"] == "complete"
            answers = [seen.json for seen in old.seen if seen.body and "method" not in seen.json]
            assert answers == [{"jsonrpc": "2.0", "id": "srv-7", "result": {"action": "decline"}}]
            late = await rig.modern("s", token, meta=CAN, **again)
            assert late.json["error"]["data"]["code"] == "GP-3002"
            assert len(old.asked("tools/call")) == 1

    asyncio.run(run())


def test_a_client_that_cannot_be_asked_is_not_asked(tmp_path: Path) -> None:
    async def run() -> None:
        async with Old() as old, Rig(tmp_path) as rig:
            rig.server("s", old.url, eras="legacy")
            old.respond = lambda _: [ASK]
            answer = await rig.modern("s", rig.grant("s", ALLOW_ALL))
            assert answer.json["result"]["resultType"] == "complete"
            told = next(seen.json for seen in old.seen if seen.body and "method" not in seen.json)
            assert told["error"]["code"] == -32601
            assert rig.gateway.metrics.dropped["s"] == 1

    asyncio.run(run())


def test_a_call_that_nobody_comes_back_to_is_cancelled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        monkeypatch.setattr(legacy_call, "HOLD_SECONDS", 0.0)
        async with Old() as old, Rig(tmp_path) as rig:
            rig.server("s", old.url, eras="legacy")
            old.respond = lambda _: [ASK]
            await rig.modern("s", rig.grant("s", ALLOW_ALL), meta=CAN)
            (cancelled,) = await rig.until(lambda: old.asked("notifications/cancelled"))
            assert cancelled.json["params"]["requestId"] == old.asked("tools/call")[0].json["id"]

    asyncio.run(run())


def test_a_client_that_leaves_cancels_its_call_and_no_other(tmp_path: Path) -> None:
    async def run() -> None:
        async with Old() as old, Rig(tmp_path) as rig:
            rig.server("s", old.url, eras="legacy")
            token = rig.grant("s", ALLOW_ALL)
            await rig.modern("s", token)
            finish = asyncio.Event()

            async def late(_: Seen) -> Any:
                await finish.wait()
                return OK

            old.respond = late
            staying = asyncio.ensure_future(rig.modern("s", token))
            await rig.until(lambda: len(old.asked("tools/call")) == 2)
            leaving = asyncio.ensure_future(rig.modern("s", token))
            await rig.until(lambda: len(old.asked("tools/call")) == 3)
            leaving.cancel()
            (cancelled,) = await rig.until(lambda: old.asked("notifications/cancelled"))
            assert cancelled.json["params"]["requestId"] == old.asked("tools/call")[2].json["id"]
            finish.set()
            assert (await staying).json["result"]["isError"] is False

    asyncio.run(run())


def test_a_call_in_flight_fails_when_its_server_is_changed(tmp_path: Path) -> None:
    async def run() -> None:
        async with Old() as old, Rig(tmp_path) as rig:
            rig.server("s", old.url, eras="legacy")
            token = rig.grant("s", ALLOW_ALL)

            async def never(_: Seen) -> Any:
                await asyncio.Event().wait()

            old.respond = never
            waiting = asyncio.ensure_future(rig.modern("s", token))
            await rig.until(lambda: old.asked("tools/call"))
            rig.server("s", old.url + "/elsewhere", eras="legacy")
            answer = await waiting
            assert answer.json["error"]["data"]["code"] == "GP-3002"
            assert not len(rig.gateway.sessions)

    asyncio.run(run())


@pytest.mark.parametrize(
    "message",
    [b"not json", b'{"jsonrpc":"2.0","id":77,"result":{"content":[]}}', b'{"jsonrpc":"2.0","id":1,"id":1,"result":{}}'],
)
def test_an_answer_that_is_none_is_not_passed_on(tmp_path: Path, message: bytes) -> None:
    async def run() -> None:
        async with Old() as old, Rig(tmp_path) as rig:
            rig.server("s", old.url, eras="legacy")
            token = rig.grant("s", ALLOW_ALL)
            await rig.modern("s", token)

            async def answer(_: Seen, writer: asyncio.StreamWriter) -> None:
                writer.write(head(200, length=len(message)) + message)
                await writer.drain()

            old.answer = answer
            assert (await rig.modern("s", token)).json["error"]["data"]["code"] == "GP-3003"

    asyncio.run(run())


class New(Recorder):
    """A modern server that answers `tools/call` by `respond`."""

    def __init__(self) -> None:
        super().__init__(self._reply)
        self.respond: Callable[[Seen], Any] = lambda _: {"resultType": "complete", "content": []}

    async def _reply(self, seen: Seen, writer: asyncio.StreamWriter) -> None:
        status, result = 200, self.respond(seen)
        if seen.json["method"] == "server/discover":
            result = {"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}, "extensions": {"x": {}}}}
        body: Any = {"jsonrpc": "2.0", "id": seen.json["id"], "result": result}
        if "code" in result:
            status, body = 404, {"jsonrpc": "2.0", "id": seen.json["id"], "error": result}
        raw = json.dumps(body).encode()
        writer.write(head(status, "application/json", length=len(raw)) + raw)
        await writer.drain()


async def begin(rig: Rig, token: str) -> tuple[str, Answer]:
    answer = await rig.post("/mcp/s/", token, INIT)
    return answer.headers["mcp-session-id"], answer


def test_a_legacy_client_gets_a_session_of_its_own_in_front_of_a_server_that_has_none(tmp_path: Path) -> None:
    async def run() -> None:
        async with New() as new, Rig(tmp_path) as rig:
            echo = tool("t", properties={"region": {"type": "string", "x-mcp-header": "Region"}})
            rig.server("s", new.url, eras="modern", t=echo)
            token, other = rig.grant("s", ALLOW_ALL), rig.grant("s", ALLOW_ALL, label="other")
            assert (await rig.call("s", token)).status == 400
            session, answer = await begin(rig, token)
            assert answer.json["result"]["protocolVersion"] == "2025-06-18"
            assert answer.json["result"]["capabilities"] == {"tools": {}}
            assert (await rig.call("s", other, mcp_session_id=session)).status == 404
            answer = await rig.call("s", token, arguments={"region": "Zürich"}, mcp_session_id=session)
            assert answer.json["result"] == {"content": []}
            sent = new.seen[-1]
            assert sent.headers["mcp-method"] == "tools/call"
            assert sent.headers["mcp-name"] == "t"
            assert sent.headers["mcp-param-region"] == "=?base64?WsO8cmljaA==?="
            assert "mcp-session-id" not in sent.headers
            meta = sent.json["params"]["_meta"]
            assert meta["io.modelcontextprotocol/clientInfo"] == {"name": "c", "version": "1"}
            assert meta["io.modelcontextprotocol/clientCapabilities"] == {"elicitation": {}}

            count = len(new.seen)
            new.respond = lambda _: {"code": -32601, "message": "Method not found"}
            body = {"jsonrpc": "2.0", "id": 3, "method": "prompts/list"}
            answer = await rig.post("/mcp/s/", token, body, mcp_session_id=session)
            assert (answer.status, answer.json["error"]["code"]) == (200, -32601)
            for method in ("tasks/get", "tasks/result"):
                body = {"jsonrpc": "2.0", "id": 4, "method": method, "params": {"taskId": "t"}}
                answer = await rig.post("/mcp/s/", token, body, mcp_session_id=session)
                assert (answer.status, answer.json["error"]["code"]) == (200, -32601)
            assert len(new.seen) == count + 1

            ended = await rig.post("/mcp/s/", token, b"", method="DELETE", mcp_session_id=session)
            assert ended.status == 200
            assert (await rig.call("s", token, mcp_session_id=session)).status == 404
            assert len(new.seen) == count + 1

    asyncio.run(run())


def test_a_result_that_only_the_modern_era_knows_is_told_and_not_passed_on(tmp_path: Path) -> None:
    async def run() -> None:
        async with New() as new, Rig(tmp_path) as rig:
            rig.server("s", new.url, eras="modern")
            token = rig.grant("s", ALLOW_ALL)
            session, _ = await begin(rig, token)
            new.respond = lambda _: {"resultType": "task", "taskId": "t-1"}
            answer = await rig.call("s", token, mcp_session_id=session)
            assert answer.json["error"]["code"] == -32603
            assert "'task'" in answer.json["error"]["message"]
            new.respond = lambda _: {"resultType": "complete", "content": [], "structuredContent": [1, 2]}
            assert (await rig.call("s", token, mcp_session_id=session)).json["result"] == {"content": []}

    asyncio.run(run())


@pytest.mark.parametrize("changed", ["nothing", "policy", "definition", "accepted", "accepted and as good"])
def test_the_moment_of_the_answer_decides_over_a_call_that_waited(tmp_path: Path, changed: str) -> None:
    async def run() -> None:
        async with New() as new, Rig(tmp_path) as rig:
            rig.server("s", new.url, eras="modern")
            token = rig.grant("s", ALLOW_ALL)
            session, _ = await begin(rig, token)

            def respond(seen: Seen) -> Any:
                params = seen.json["params"]
                if "inputResponses" not in params:
                    question = {"method": "elicitation/create", "params": {"message": "Who?", "requestedSchema": {}}}
                    return {"resultType": "input_required", "inputRequests": {"q": question}, "requestState": "st"}
                assert params["requestState"] == "st"
                assert params["inputResponses"] == {"q": {"action": "decline"}}
                return {"resultType": "complete", "content": []}

            new.respond = respond
            reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
            body = {"jsonrpc": "2.0", "id": 5, "method": "tools/call", "params": {"name": "t", "arguments": {}}}
            writer.write(request("/mcp/s/", token, json.dumps(body).encode(), mcp_session_id=session))
            await read_head(reader)
            asked = json.loads((await read_chunk(reader)).decode().split("data:")[1])
            assert asked["method"] == "elicitation/create"
            if changed == "definition":
                rig.server("s", new.url, eras="modern", t={**tool("t"), "quarantined": True})
            if changed == "accepted":
                rig.server("s", new.url, eras="modern", t=tool("t", required=["who"]))
            if changed == "accepted and as good":
                rig.server("s", new.url, eras="modern", t=tool("t", properties={"who": {}}))
            if changed == "policy":
                rig.publish(
                    "policy", "p2", {"name": "g", "version": "p2", "document": {"version": "1", "default": "deny"}}
                )
                rig.change(token, policy_version="p2")
            answer = {"jsonrpc": "2.0", "id": asked["id"], "result": {"action": "decline"}}
            assert (await rig.post("/mcp/s/", token, answer, mcp_session_id=session)).status == 202
            end = json.loads((await read_chunk(reader)).decode().split("data:")[1])
            writer.close()
            if changed in ("nothing", "accepted and as good"):
                assert end["result"] == {"content": []}
            else:
                assert end["error"]["code"] == 4030
                assert len(new.seen) == 2

    asyncio.run(run())

"""Tasks under sealed ids wherever a message names one, and streams that outlive the policy they began under."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from gatepost.mcp.headers import decode
from tests.gateway.test_sessions import begin, opened
from tests.support.recording import OK, Recorder, Seen, head, json_answer, raw_answer, sse
from tests.support.rig import ALLOW_ALL, MODERN_META, Rig, read_chunk, request
from tests.support.serving import free_port

RELATED = "io.modelcontextprotocol/related-task"
TASK: dict[str, Any] = {"jsonrpc": "2.0", "id": "ID", "result": {"task": {"taskId": "task-1", "status": "working"}}}


def test_a_task_named_in_the_meta_of_a_notification_or_of_a_server_s_request_is_sealed(tmp_path: Path) -> None:
    progress = {
        "jsonrpc": "2.0",
        "method": "notifications/progress",
        "params": {"progressToken": 1, "progress": 1, "_meta": {RELATED: {"taskId": "task-1"}}},
    }
    asks = {
        "jsonrpc": "2.0",
        "id": 9,
        "method": "elicitation/create",
        "params": {"message": "?", "_meta": {RELATED: {"taskId": "task-1"}}},
    }

    async def run() -> None:
        async with Recorder() as upstream, Rig(tmp_path) as rig:
            rig.server("s", upstream.url)
            token = rig.grant("s", ALLOW_ALL)
            session = await begin(rig, upstream, token)
            upstream.answer = raw_answer(head(200, "text/event-stream"), sse(progress, asks, TASK | {"id": 1}))
            answer = await rig.call("s", token, mcp_session_id=session)
            assert "task-1" not in answer.body.decode()

    asyncio.run(run())


def test_a_task_that_began_on_a_stream_that_is_resumed_is_sealed(tmp_path: Path) -> None:
    async def run() -> None:
        async with Recorder() as upstream, Rig(tmp_path) as rig:
            rig.server("s", upstream.url)
            token = rig.grant("s", ALLOW_ALL)
            session = await begin(rig, upstream, token)
            upstream.answer = raw_answer(head(200, "text/event-stream"), sse("", id_from=1))
            first = await rig.call("s", token, mcp_session_id=session)
            last = next(line[4:] for line in first.body.decode().split("\n") if line.startswith("id: "))
            upstream.answer = raw_answer(head(200, "text/event-stream"), sse(TASK | {"id": 1}))
            resumed = await rig.post("/mcp/s/", token, b"", method="GET", mcp_session_id=session, last_event_id=last)
            assert "task-1" not in resumed.body.decode()

    asyncio.run(run())


def test_a_subscription_to_tasks_is_to_those_of_the_grant_alone(tmp_path: Path) -> None:
    done = {"jsonrpc": "2.0", "id": "ID", "result": {"resultType": "complete"}}

    async def run() -> None:
        async with Recorder(raw_answer(head(200, "text/event-stream"), sse(done))) as upstream, Rig(tmp_path) as rig:
            rig.server("s", upstream.url)
            token = rig.grant("s", ALLOW_ALL)
            await rig.modern("s", token, "subscriptions/listen", notifications={"taskIds": ["task-of-another-grant"]})
            asked = upstream.seen[-1].json["params"]["notifications"] if upstream.seen else {}
            assert "task-of-another-grant" not in str(asked)

    asyncio.run(run())


def test_a_policy_attached_while_a_stream_is_open_takes_what_it_hides_off_it(tmp_path: Path) -> None:
    updated = {"jsonrpc": "2.0", "method": "notifications/resources/updated", "params": {"uri": "x://a"}}

    async def run() -> None:
        changed = asyncio.Event()

        async def answer(_: Seen, writer: asyncio.StreamWriter) -> None:
            writer.write(head(200, "text/event-stream") + sse(updated))
            await writer.drain()
            await changed.wait()
            writer.write(
                sse(
                    updated,
                    {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "end"}},
                )
            )
            writer.close()

        async with Recorder() as upstream, Rig(tmp_path) as rig:
            rig.server("s", upstream.url)
            token = rig.grant("s", ALLOW_ALL)
            session = await begin(rig, upstream, token)
            upstream.answer = answer
            reader, writer = await opened(rig, request("/mcp/s/", token, b"", method="GET", mcp_session_id=session))
            assert b"x://a" in await read_chunk(reader)
            rig.publish(
                "policy", rig.grants[token]["policy_version"], {"document": {"version": "1", "default": "deny"}}
            )
            changed.set()
            rest = b""
            try:
                while chunk := await read_chunk(reader):
                    rest += chunk
            except (asyncio.IncompleteReadError, ValueError, ConnectionError):
                pass
            assert b"x://a" not in rest
            writer.close()

    asyncio.run(run())


def test_a_client_s_answer_names_the_task_by_the_server_s_own_id(tmp_path: Path) -> None:
    asks = {"jsonrpc": "2.0", "id": 9, "method": "elicitation/create", "params": {"message": "?"}}

    async def run() -> None:
        async with Recorder() as upstream, Rig(tmp_path) as rig:
            rig.server("s", upstream.url)
            token = rig.grant("s", ALLOW_ALL)
            session = await begin(rig, upstream, token)
            upstream.answer = raw_answer(head(200, "text/event-stream"), sse(asks, TASK | {"id": 1}))
            messages = (await rig.call("s", token, mcp_session_id=session)).messages
            sealed = messages[1]["result"]["task"]["taskId"]
            upstream.answer = raw_answer(head(202, "application/json", length=0))
            result = {"action": "accept", "_meta": {RELATED: {"taskId": sealed}}}
            await rig.post(
                "/mcp/s/", token, {"jsonrpc": "2.0", "id": messages[0]["id"], "result": result}, mcp_session_id=session
            )
            assert upstream.seen[-1].json["result"]["_meta"][RELATED]["taskId"] == "task-1"

    asyncio.run(run())


CALL = {"method": "tools/call", "params": {"name": "t", "arguments": {}}}
PROGRESS = {"method": "notifications/progress", "params": {"progressToken": 1, "progress": 1}}
ASKED = {"jsonrpc": "2.0", "id": 9, "method": "elicitation/create", "params": {"message": "?"}}


async def begun(rig: Rig, upstream: Recorder, token: str, task: str = "task-1") -> str:
    """Begin a task of the server with this id of its own; returns the id that the client got."""
    before, upstream.answer = (
        upstream.answer,
        json_answer({"jsonrpc": "2.0", "id": "ID", "result": {"task": {"taskId": task}}}),
    )
    answer = await rig.call("s", token)
    upstream.answer = before
    return str(answer.json["result"]["task"]["taskId"])


def about(message: dict[str, Any], related: Any, *, modern: bool = False) -> dict[str, Any]:
    """A client's message with this as its `related-task`."""
    meta = {"mine": 1, RELATED: related, **(MODERN_META if modern else {})}
    return {"jsonrpc": "2.0", **message, "params": {**message["params"], "_meta": meta}}


@pytest.mark.parametrize(
    "message",
    [
        {"id": 5, **CALL},
        {"id": 5, "method": "tools/list", "params": {}},
        PROGRESS,
        {"method": "notifications/x-of-an-extension", "params": {"a": 1}},
    ],
    ids=lambda message: message["method"],
)
@pytest.mark.parametrize("modern", [False, True], ids=["legacy", "modern"])
def test_a_client_s_message_names_the_task_by_the_server_s_own_id(
    tmp_path: Path, message: dict[str, Any], modern: bool
) -> None:
    async def run() -> None:
        async with Recorder() as upstream, Rig(tmp_path) as rig:
            rig.server("s", upstream.url)
            token = rig.grant("s", ALLOW_ALL)
            sealed = await begun(rig, upstream, token)
            body = about(message, {"taskId": sealed, "more": [1.0]}, modern=modern)
            headers = {"mcp-protocol-version": "2026-07-28", "mcp-method": message["method"]} if modern else {}
            if modern and message["method"] == "tools/call":
                headers["mcp-name"] = "t"
            upstream.answer = json_answer(OK if "id" in message else {}, 200 if "id" in message else 202)
            status = (await rig.post("/mcp/s/", token, body, **headers)).status
            assert status == (200 if "id" in message else 202)
            sent = upstream.seen[-1].json
            assert sent["params"]["_meta"].pop(RELATED) == {"taskId": "task-1", "more": [1.0]}
            del body["params"]["_meta"][RELATED]
            assert sent["params"] == body["params"]
            assert sealed not in upstream.seen[-1].body.decode()

    asyncio.run(run())


def test_a_request_about_a_task_may_name_it_in_its_params_and_its_meta(tmp_path: Path) -> None:
    async def run() -> None:
        async with Recorder() as upstream, Rig(tmp_path) as rig:
            rig.server("s", upstream.url)
            token = rig.grant("s", ALLOW_ALL)
            sealed = await begun(rig, upstream, token)
            asks = about({"id": 5, "method": "tasks/get", "params": {"taskId": sealed}}, {"taskId": sealed})
            await rig.post("/mcp/s/", token, asks)
            params = upstream.seen[-1].json["params"]
            assert (params["taskId"], params["_meta"][RELATED]) == ("task-1", {"taskId": "task-1"})

    asyncio.run(run())


def test_a_modern_server_finds_its_own_id_of_the_task_in_the_header_that_it_is_routed_by(tmp_path: Path) -> None:
    """Tasks extension of 2026-07-28, Streamable HTTP: Routing Headers."""

    async def run() -> None:
        async with Recorder() as upstream, Rig(tmp_path) as rig:
            rig.server("s", upstream.url)
            token = rig.grant("s", ALLOW_ALL)
            sealed = {
                name: await begun(rig, upstream, token, name) for name in ("task-1", "task-2", "an id of words, ü")
            }

            async def ask(method: str, task: str, **headers: str) -> int:
                body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {"_meta": MODERN_META, "taskId": task}}
                headers |= {"mcp-protocol-version": "2026-07-28", "mcp-method": method}
                return (await rig.post("/mcp/s/", token, body, **headers)).status

            for method in ("tasks/get", "tasks/update", "tasks/cancel"):
                for own, theirs in sealed.items():
                    for named in ({}, {"mcp-name": theirs}):
                        assert await ask(method, theirs, **named) == 200
                        header = upstream.seen[-1].headers["mcp-name"].encode()
                        assert (decode(header), upstream.seen[-1].json["params"]["taskId"]) == (own, own)
            count = len(upstream.seen)
            assert await ask("tasks/get", sealed["task-1"], **{"mcp-name": sealed["task-2"]}) == 400
            assert len(upstream.seen) == count

    asyncio.run(run())


@pytest.mark.parametrize("kind", ["request", "notification", "answer"])
def test_a_client_s_message_that_names_no_task_of_its_grant_is_refused(tmp_path: Path, kind: str) -> None:
    async def run() -> None:
        async with Recorder() as upstream, Rig(tmp_path) as rig:
            rig.server("s", upstream.url)
            rig.server("other", upstream.url)
            token, foreign = rig.grant("s", ALLOW_ALL), rig.grant("s", ALLOW_ALL, label="foreign")
            session = await begin(rig, upstream, token)
            own, theirs = await begun(rig, upstream, token), await begun(rig, upstream, foreign, "task-2")
            upstream.answer = raw_answer(head(200, "text/event-stream"), sse(ASKED, {**OK, "id": 1}))
            id = (await rig.call("s", token, mcp_session_id=session)).messages[0]["id"]
            upstream.answer = json_answer(OK)
            count = len(upstream.seen)

            def message(related: Any) -> dict[str, Any]:
                if kind != "answer":
                    return about({"id": 5, **CALL} if kind == "request" else PROGRESS, related)
                return {"jsonrpc": "2.0", "id": id, "result": {"action": "accept", "_meta": {RELATED: related}}}

            refused = [{"taskId": name} for name in (theirs, "task-1", "task-2", session, own[:-1], "", 1, None)]
            refused += [own, None, {}, [own], {"taskId": own, "TaskId": "task-2"}]
            for related in refused:
                answer = await rig.post("/mcp/s/", token, message(related), mcp_session_id=session)
                assert (answer.status, answer.json["error"]["data"]["code"]) == (400, "GP-1006"), related
                assert answer.json.get("id") == message(related).get("id")
            assert len(upstream.seen) == count
            await rig.until(lambda: len(rig.rows("refused")) == len(refused))
            other = rig.grant("other", ALLOW_ALL, label="g")
            elsewhere = await rig.post("/mcp/other/", other, about({"id": 5, **CALL}, {"taskId": own}))
            assert elsewhere.status == 400
            assert len(upstream.seen) == count

    asyncio.run(run())


@pytest.mark.parametrize(
    "result", [{"_Meta": {RELATED: {"taskId": "x"}}}, {"_meta": {RELATED.upper(): 1}}], ids=range(2)
)
def test_an_answer_whose_metadata_is_spelled_otherwise_is_refused_without_the_server_s_id(
    tmp_path: Path, result: dict[str, Any]
) -> None:
    async def run() -> None:
        async with Recorder() as upstream, Rig(tmp_path) as rig:
            rig.server("s", upstream.url)
            token = rig.grant("s", ALLOW_ALL)
            session = await begin(rig, upstream, token)
            upstream.answer = raw_answer(
                head(200, "text/event-stream"), sse({**ASKED, "id": "the-server-s-own"}, {**OK, "id": 1})
            )
            id = (await rig.call("s", token, mcp_session_id=session)).messages[0]["id"]
            count = len(upstream.seen)
            body = {"jsonrpc": "2.0", "id": id, "result": {"action": "accept", **result}}
            answer = await rig.post("/mcp/s/", token, body, mcp_session_id=session)
            assert (answer.status, answer.json["id"]) == (400, id)
            assert "the-server-s-own" not in answer.body.decode()
            assert len(upstream.seen) == count

    asyncio.run(run())


def test_an_answer_that_is_refused_or_never_left_can_be_given_again(tmp_path: Path) -> None:
    asks = {"jsonrpc": "2.0", "id": 9, "method": "elicitation/create", "params": {"message": "?"}}

    async def run() -> None:
        async with Recorder() as upstream, Rig(tmp_path) as rig:
            rig.server("s", upstream.url)
            token = rig.grant("s", ALLOW_ALL)
            session = await begin(rig, upstream, token)
            upstream.answer = raw_answer(head(200, "text/event-stream"), sse(asks, {**OK, "id": 1}))
            asked = (await rig.call("s", token, mcp_session_id=session)).messages[0]["id"]
            upstream.answer = raw_answer(head(202, "application/json", length=0))
            count = len(upstream.seen)

            async def reply(**result: Any) -> int:
                body = {"jsonrpc": "2.0", "id": asked, "result": {"action": "accept", **result}}
                return (await rig.post("/mcp/s/", token, body, mcp_session_id=session)).status

            assert await reply(_meta={RELATED: {"taskId": "nobody's"}}) == 400
            rig.server("s", f"http://127.0.0.1:{free_port()}/mcp")
            assert await reply() == 502
            rig.server("s", upstream.url)
            assert len(upstream.seen) == count
            assert await reply() == 202
            assert upstream.seen[-1].json == {"jsonrpc": "2.0", "id": 9, "result": {"action": "accept"}}
            assert await reply() == 400

    asyncio.run(run())


def test_a_listening_stream_that_the_server_breaks_ends_for_the_client_too(tmp_path: Path) -> None:
    async def run() -> None:
        async def breaks(_: Seen, writer: asyncio.StreamWriter) -> None:
            writer.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
                b"transfer-encoding: chunked\r\n\r\n5\r\n: hi\n\r\n"
            )
            await writer.drain()
            writer.transport.abort()

        async with Recorder() as upstream, Rig(tmp_path) as rig:
            rig.server("s", upstream.url)
            token = rig.grant("s", ALLOW_ALL)
            session = await begin(rig, upstream, token)
            upstream.answer = breaks
            reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
            writer.write(request("/mcp/s/", token, b"", method="GET", mcp_session_id=session))
            async with asyncio.timeout(3):
                await reader.read()
            writer.close()

    asyncio.run(run())


def test_a_list_that_names_a_task_is_not_remembered_for_another_grant(tmp_path: Path) -> None:
    """A task's id is sealed to one grant, and lists are remembered for all that have one policy."""
    related = {"io.modelcontextprotocol/related-task": {"taskId": "task-1"}}
    listed = {"jsonrpc": "2.0", "id": 1, "result": {"tools": [], "_meta": related}}

    async def run() -> None:
        async with Recorder() as upstream, Rig(tmp_path) as rig:
            rig.server("s", upstream.url)
            one, two = rig.grant("s", ALLOW_ALL, label="one"), rig.grant("s", ALLOW_ALL, label="two")
            upstream.answer = raw_answer(head(), json.dumps(TASK | {"id": 1}).encode())
            task = (await rig.call("s", one)).json["result"]["task"]["taskId"]
            upstream.answer = raw_answer(head(), json.dumps(listed, separators=(",", ":")).encode())
            ask = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
            assert task.encode() in (await rig.post("/mcp/s/", one, ask)).body
            assert task.encode() not in (await rig.post("/mcp/s/", two, ask)).body

    asyncio.run(run())

"""Legacy sessions and streams, and what the modern era has in their place."""

from __future__ import annotations

import asyncio
import functools
import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from gatepost.gateway.core import Settings
from tests.support.recording import OK, Recorder, Seen, head, json_answer, raw_answer, sse
from tests.support.rig import ALLOW_ALL, MODERN_META, Answer, Rig, read_answer, read_chunk, read_head, request, tool
from tests.support.serving import free_port

INIT = {
    "jsonrpc": "2.0",
    "id": 0,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}},
}
INITIALIZED = {"jsonrpc": "2.0", "id": "ID", "result": {"protocolVersion": "2025-11-25", "capabilities": {}}}


async def begin(rig: Rig, upstream: Recorder, token: str, upstream_id: str = "up-1", server: str = "s") -> str:
    """Begin a session, and return what the client got as its id."""
    before, upstream.answer = upstream.answer, json_answer(INITIALIZED, 200, f"mcp-session-id: {upstream_id}")
    answer = await rig.post(f"/mcp/{server}/", token, INIT)
    upstream.answer = before
    return answer.headers["mcp-session-id"]


def test_a_session_id_is_sealed_and_the_server_sees_its_own(tmp_path: Path) -> None:
    async def run() -> None:
        async with Recorder() as upstream, Rig(tmp_path) as rig:
            rig.server("s", upstream.url)
            token = rig.grant("s", ALLOW_ALL)
            session = await begin(rig, upstream, token)
            assert "up-1" not in session
            assert (await rig.call("s", token, mcp_session_id=session)).status == 200
            assert upstream.seen[-1].headers["mcp-session-id"] == "up-1"

    asyncio.run(run())


REFUSED = {"jsonrpc": "2.0", "id": "ID", "error": {"code": -32603, "message": "Not like this."}}


@pytest.mark.parametrize(
    "answer",
    [
        json_answer(REFUSED, 200, "mcp-session-id: up-1"),
        raw_answer(head(200, "text/event-stream", "mcp-session-id: up-1"), sse(REFUSED)),
        raw_answer(head(200, "application/json", "mcp-session-id: up-1", length=5), b"not {"),
    ],
)
def test_a_session_whose_beginning_the_server_refused_is_none(tmp_path: Path, answer: Any) -> None:
    async def run() -> None:
        async with Recorder() as upstream, Rig(tmp_path) as rig:
            rig.server("s", upstream.url)
            token = rig.grant("s", ALLOW_ALL)
            upstream.answer = answer
            got = await rig.post("/mcp/s/", token, INIT)
            assert b'"error"' in got.body
            assert len(rig.gateway.sessions) == 0
            await rig.until(lambda: upstream.seen[-1].method == "DELETE")
            assert upstream.seen[-1].headers["mcp-session-id"] == "up-1"
            told = await rig.until(lambda: len(rig.rows("session")) == 2 and rig.rows("session"))
            assert [row["action"] for row in told] == ["began", "refused"]
            if "mcp-session-id" in got.headers:  # a stream's head was sent before anybody knew
                upstream.answer = OK
                refused = await rig.call("s", token, mcp_session_id=got.headers["mcp-session-id"])
                assert refused.status == 404

    asyncio.run(run())


def test_a_session_of_another_grant_or_server_or_a_forged_one_is_404(tmp_path: Path) -> None:
    async def run() -> None:
        async with Recorder() as upstream, Rig(tmp_path) as rig:
            rig.server("s", upstream.url)
            rig.server("s2", upstream.url)
            token, other = rig.grant("s", ALLOW_ALL), rig.grant("s", ALLOW_ALL, label="other")
            elsewhere = rig.grant("s2", ALLOW_ALL, label="elsewhere")
            session = await begin(rig, upstream, token)
            count = len(upstream.seen)
            for path, who, id in (
                ("s", other, session),
                ("s2", elsewhere, session),
                ("s", token, "up-1"),
                ("s", token, ""),
            ):
                assert (await rig.call(path, who, mcp_session_id=id)).status == 404
            assert len(upstream.seen) == count

    asyncio.run(run())


def test_a_session_survives_a_restart_of_the_gateway_because_nothing_has_to_be_remembered(tmp_path: Path) -> None:
    async def run() -> None:
        async with Recorder() as upstream:
            async with Rig(tmp_path) as rig:
                rig.server("s", upstream.url)
                session = await begin(rig, upstream, rig.grant("s", ALLOW_ALL))
            async with Rig(tmp_path) as rig:
                rig.server("s", upstream.url)
                token = rig.grant("s", ALLOW_ALL)
                assert (await rig.call("s", token, mcp_session_id=session)).status == 200
                assert upstream.seen[-1].headers["mcp-session-id"] == "up-1"

    asyncio.run(run())


def test_delete_ends_the_session_for_good(tmp_path: Path) -> None:
    async def run() -> None:
        async with Recorder() as upstream, Rig(tmp_path) as rig:
            rig.server("s", upstream.url)
            token = rig.grant("s", ALLOW_ALL)
            session = await begin(rig, upstream, token)
            answer = await rig.post("/mcp/s/", token, b"", method="DELETE", mcp_session_id=session)
            assert answer.status == 200
            assert (upstream.seen[-1].method, upstream.seen[-1].headers["mcp-session-id"]) == ("DELETE", "up-1")
            assert (await rig.call("s", token, mcp_session_id=session)).status == 404
            assert len(rig.gateway.sessions) == 0
            ended = await rig.until(lambda: len(rig.rows("session")) == 2 and rig.rows("session"))
            assert [row["action"] for row in ended] == ["began", "ended"]

    asyncio.run(run())


def test_a_session_that_the_server_has_ended_is_404_so_that_the_client_begins_anew(tmp_path: Path) -> None:
    async def run() -> None:
        async with Recorder() as upstream, Rig(tmp_path) as rig:
            rig.server("s", upstream.url)
            token = rig.grant("s", ALLOW_ALL)
            session = await begin(rig, upstream, token)
            upstream.answer = raw_answer(head(404, "text/plain", length=0))
            assert (await rig.call("s", token, mcp_session_id=session)).status == 404

    asyncio.run(run())


def test_sessions_are_capped_for_each_grant(tmp_path: Path) -> None:
    async def run() -> None:
        async with Recorder() as upstream, Rig(tmp_path) as rig:
            rig.server("s", upstream.url)
            token, other = rig.grant("s", ALLOW_ALL), rig.grant("s", ALLOW_ALL, label="other")
            for number in range(64):
                await begin(rig, upstream, token, f"up-{number}")
            upstream.answer = json_answer(INITIALIZED, 200, "mcp-session-id: up-64")
            answer = await rig.post("/mcp/s/", token, INIT)
            assert answer.json["error"]["data"]["code"] == "GP-1012"
            assert len(upstream.seen) == 64
            assert await begin(rig, upstream, other)

    asyncio.run(run())


def test_idle_sessions_are_ended_and_those_in_use_are_not(tmp_path: Path) -> None:
    async def run() -> None:
        async with Recorder() as upstream, Rig(tmp_path) as rig:
            rig.server("s", upstream.url)
            token = rig.grant("s", ALLOW_ALL)
            old, used = await begin(rig, upstream, token, "a"), await begin(rig, upstream, token, "b")
            now = rig.gateway.clock()
            rig.gateway.sessions.find(used, "id-g", "s", now + 3600)
            assert [s.upstream_id for s in rig.gateway.sessions.reap(now + 3601)] == ["a"]
            assert (await rig.call("s", token, mcp_session_id=old)).status == 404
            assert (await rig.call("s", token, mcp_session_id=used)).status == 200

    asyncio.run(run())


def test_an_id_in_flight_in_the_same_session_is_refused_and_without_a_session_is_not(tmp_path: Path) -> None:
    async def run() -> None:
        hold = asyncio.Event()

        async def slow(seen: Seen, writer: asyncio.StreamWriter) -> None:
            await hold.wait()
            await json_answer(OK)(seen, writer)

        async with Recorder() as upstream, Rig(tmp_path) as rig:
            rig.server("s", upstream.url)
            token = rig.grant("s", ALLOW_ALL)
            session = await begin(rig, upstream, token)
            upstream.answer = slow
            first = asyncio.ensure_future(rig.call("s", token, mcp_session_id=session, id=7))
            await upstream.arrived(2)
            second = await rig.call("s", token, mcp_session_id=session, id=7)
            assert (second.status, second.json["error"]["data"]["code"]) == (400, "GP-1013")
            both = [rig.call("s", token, mcp_session_id=session, id=8) for _ in range(2)]
            raced = asyncio.gather(*both)
            await upstream.arrived(3)
            third = asyncio.ensure_future(rig.call("s", token, id=7))
            fourth = asyncio.ensure_future(rig.call("s", token, id=7))
            await upstream.arrived(5)
            hold.set()
            assert [a.status for a in await asyncio.gather(first, third, fourth)] == [200, 200, 200]
            assert sorted(a.status for a in await raced) == [200, 400]

    asyncio.run(run())


ASK = {"jsonrpc": "2.0", "id": "srv-1", "method": "elicitation/create", "params": {"message": "?"}}


def test_a_server_s_request_reaches_the_client_under_a_sealed_id_and_its_answer_comes_back_once(tmp_path: Path) -> None:
    async def run() -> None:
        answered = asyncio.Event()

        async def serve(seen: Seen, writer: asyncio.StreamWriter) -> None:
            if "method" not in seen.json:
                writer.write(head(202, "text/plain", length=0))
                answered.set()
                return
            writer.write(head(200, "text/event-stream") + sse(ASK))
            await writer.drain()
            await answered.wait()
            writer.write(sse(OK | {"id": seen.json["id"]}))
            writer.close()

        async with Recorder() as upstream, Rig(tmp_path) as rig:
            rig.server("s", upstream.url)
            token, other = rig.grant("s", ALLOW_ALL), rig.grant("s", ALLOW_ALL, label="other")
            session = await begin(rig, upstream, token)
            another = await begin(rig, upstream, token, "up-2")
            foreign = await begin(rig, upstream, other, "up-3")
            upstream.answer = serve
            body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "t"}}).encode()
            reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
            writer.write(request("/mcp/s/", token, body, mcp_session_id=session))
            assert (await read_head(reader))[0] == 200
            asked = json.loads((await read_chunk(reader)).removeprefix(b"data: "))
            assert asked["method"] == "elicitation/create"
            assert "srv-1" not in asked["id"]

            def reply(who: str, on: str, id: Any) -> Any:
                return rig.post(
                    "/mcp/s/", who, {"jsonrpc": "2.0", "id": id, "result": {"action": "accept"}}, mcp_session_id=on
                )

            count = len(upstream.seen)
            assert (await reply(other, foreign, asked["id"])).status == 400
            assert (await reply(token, another, asked["id"])).status == 400
            assert (await reply(token, session, "srv-1")).status == 400
            assert len(upstream.seen) == count
            assert (await reply(token, session, asked["id"])).status == 202
            assert upstream.seen[-1].json == {"jsonrpc": "2.0", "id": "srv-1", "result": {"action": "accept"}}
            assert (await reply(token, session, asked["id"])).status == 400
            assert json.loads((await read_chunk(reader)).removeprefix(b"data: ")) == OK | {"id": 1}
            told = await rig.until(lambda: rig.rows("server_request"))
            assert told[0]["method"] == "elicitation/create"
            writer.close()

    asyncio.run(run())


def test_event_ids_are_sealed_and_resume_only_by_the_same_grant_and_session(tmp_path: Path) -> None:
    async def run() -> None:
        async with Recorder() as upstream, Rig(tmp_path) as rig:
            rig.server("s", upstream.url, tools={"t": tool("t"), "hidden": tool("hidden")})
            token = rig.grant("s", ALLOW_ALL | {"hide": ["hidden"]})
            other = rig.grant("s", ALLOW_ALL, label="other")
            session = await begin(rig, upstream, token)
            foreign = await begin(rig, upstream, other, "up-2")
            upstream.answer = raw_answer(head(200, "text/event-stream"), sse("", OK | {"id": 1}, id_from=1))
            answer = await rig.call("s", token, mcp_session_id=session)
            ids = [line[4:] for line in answer.body.decode().split("\n") if line.startswith("id: ")]
            assert len(ids) == 2
            assert "e:1" not in ids[0]
            count = len(upstream.seen)
            for who, on, last in ((other, foreign, ids[0]), (token, session, "e:1")):
                bad = await rig.post("/mcp/s/", who, b"", method="GET", mcp_session_id=on, last_event_id=last)
                assert bad.status == 404
            assert len(upstream.seen) == count
            missed = {"jsonrpc": "2.0", "id": 5, "result": {"tools": [{"name": "hidden"}, {"name": "t"}]}}
            upstream.answer = raw_answer(head(200, "text/event-stream"), sse(missed))
            resumed = await rig.post("/mcp/s/", token, b"", method="GET", mcp_session_id=session, last_event_id=ids[0])
            assert upstream.seen[-1].headers["last-event-id"] == "e:1"
            assert resumed.messages == [missed | {"result": {"tools": [{"name": "t"}]}}]

    asyncio.run(run())


async def opened(rig: Rig, raw: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
    writer.write(raw)
    assert (await read_head(reader))[0] == 200
    return reader, writer


async def endless(seen: Seen, writer: asyncio.StreamWriter) -> None:
    writer.write(head(200, "text/event-stream") + b": hello\n\n")
    await writer.drain()
    await seen.disconnected.wait()


def test_streams_of_a_revoked_grant_are_closed_within_seconds_here_and_upstream(tmp_path: Path) -> None:
    async def run() -> None:
        async with Recorder() as upstream, Rig(tmp_path) as rig:
            rig.server("s", upstream.url)
            token = rig.grant("s", ALLOW_ALL)
            session = await begin(rig, upstream, token)
            upstream.answer = endless
            get = request("/mcp/s/", token, b"", method="GET", mcp_session_id=session)
            reader, writer = await opened(rig, get)
            await read_chunk(reader)
            rig.change(token, revoked=1.0)
            async with asyncio.timeout(5):
                with pytest.raises((asyncio.IncompleteReadError, ConnectionError, ValueError)):
                    await read_chunk(reader)
                await upstream.seen[-1].disconnected.wait()
            assert not rig.gateway.streams
            writer.close()

    asyncio.run(run())


def test_a_modern_client_that_leaves_cancels_upstream_and_a_legacy_one_does_not(tmp_path: Path) -> None:
    async def run() -> None:
        finish = asyncio.Event()

        async def slow(seen: Seen, writer: asyncio.StreamWriter) -> None:
            writer.write(head(200, "text/event-stream") + b": hello\n\n")
            await writer.drain()
            await asyncio.wait(
                [asyncio.ensure_future(finish.wait()), asyncio.ensure_future(seen.disconnected.wait())],
                return_when=asyncio.FIRST_COMPLETED,
            )
            if not seen.disconnected.is_set():
                writer.write(sse(OK | {"id": seen.json["id"]}))
                writer.close()

        async with Recorder(slow) as upstream, Rig(tmp_path) as rig:
            rig.server("s", upstream.url)
            token = rig.grant("s", ALLOW_ALL)
            meta = {
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": {},
            }
            body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "t", "arguments": {}}}
            legacy = json.dumps(body).encode()
            body["params"]["_meta"] = meta  # type: ignore[index]
            modern = json.dumps(body).encode()
            fields = {"mcp_protocol_version": "2026-07-28", "mcp_method": "tools/call", "mcp_name": "t"}
            _, writer = await opened(rig, request("/mcp/s/", token, modern, **fields))
            writer.close()
            async with asyncio.timeout(5):
                await upstream.seen[0].disconnected.wait()
            settled = await rig.until(lambda: rig.rows("settled"))
            assert (settled[0]["carried_out"], settled[0]["error_class"]) == ("unknown", "client_gone")

            _, writer = await opened(rig, request("/mcp/s/", token, legacy))
            writer.close()
            await rig.until(lambda: rig.listener.connections == 0)
            assert not upstream.seen[1].disconnected.is_set()
            finish.set()
            settled = await rig.until(lambda: len(rig.rows("settled")) == 2 and rig.rows("settled"))
            assert settled[1]["carried_out"] is True

    asyncio.run(run())


def test_a_call_to_a_program_without_a_session_says_how_to_begin(tmp_path: Path) -> None:
    async def run() -> None:
        async with Rig(tmp_path) as rig:
            rig.server("s", command=["/bin/false"])
            answer = await rig.call("s", rig.grant("s", ALLOW_ALL))
            assert answer.status == 400
            assert answer.json["error"]["message"] == "This server keeps sessions: begin with initialize."

    asyncio.run(run())


def test_a_server_that_was_never_asked_what_it_speaks_is_reached_in_no_era(tmp_path: Path) -> None:
    async def run() -> None:
        async with Recorder() as upstream, Rig(tmp_path) as rig:
            rig.publish("server", "s", {"name": "s", "url": upstream.url, "eras": [], "versions": []})
            token = rig.grant("s", ALLOW_ALL)
            answer = await rig.modern("s", token, "server/discover")
            assert answer.status == 400
            assert answer.json["error"]["code"] not in (-32020, -32021, -32022, -32601)
            answer = await rig.post("/mcp/s/", token, INIT)
            assert answer.status == 400
            assert answer.json["error"]["code"] == -32022
            assert not upstream.seen

    asyncio.run(run())


def asked(state: str | None = "upstream-state") -> dict[str, Any]:
    result: dict[str, Any] = {"resultType": "input_required", "inputRequests": {"q": {"method": "elicitation/create"}}}
    if state is not None:
        result["requestState"] = state
    return {"jsonrpc": "2.0", "id": "ID", "result": result}


ONCE = {"version": "1", "default": "deny", "tools": {"t": {"limits": [{"counter": "c", "window": "month", "max": 1}]}}}


@pytest.mark.parametrize("state", ["upstream-state", None])
def test_a_retry_with_a_sealed_state_is_judged_again_and_keeps_its_reservation_once(
    tmp_path: Path, state: str | None
) -> None:
    async def run() -> None:
        async with Recorder(json_answer(asked(state))) as upstream, Rig(tmp_path) as rig:
            rig.server("s", upstream.url)
            token = rig.grant("s", ONCE)
            first = (await rig.modern("s", token)).json["result"]
            assert first["resultType"] == "input_required"
            assert "upstream-state" not in json.dumps(first)
            sealed = first["requestState"]

            async def retry(**params: Any) -> Answer:
                return await rig.modern("s", token, id=2, inputResponses={"q": {}}, requestState=sealed, **params)

            second = (await retry()).json["result"]
            assert upstream.seen[1].json["params"].get("requestState") == state
            assert second["resultType"] == "input_required"
            assert rig.rows("decided")[1]["reservation"] == rig.rows("decided")[0]["decision_id"]
            assert "[POLICY DENIED] Limit" in json.dumps((await retry()).json)
            assert (await retry(arguments={"other": 1})).status == 400
            assert len(upstream.seen) == 2

    asyncio.run(run())


@pytest.mark.parametrize("why", ["denied", "refused", "no server", "no journal"])
def test_a_retry_that_reaches_no_server_leaves_its_reservation_to_the_next(tmp_path: Path, why: str) -> None:
    header = {"type": "object", "properties": {"to": {"type": "string", "x-mcp-header": "To"}}}

    async def run() -> None:
        async with Recorder(json_answer(asked())) as upstream, Rig(tmp_path) as rig:
            named = tool("t")
            named["tool"]["inputSchema"] = header
            rig.server("s", upstream.url, t=named)
            token = rig.grant("s", ONCE)
            version = rig.grants[token]["policy_version"]

            async def ask(to: str = "x", **more: Any) -> Answer:
                params = {"_meta": MODERN_META, "name": "t", "arguments": {"to": "x"}, **more}
                body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
                headers = {"mcp_protocol_version": "2026-07-28", "mcp_method": "tools/call", "mcp_name": "t"}
                return await rig.post("/mcp/s/", token, body, **headers, mcp_param_to=to)

            def fails() -> bool:
                rig.gateway.note("session", action="began")
                return not rig.journal.healthy

            sealed = (await ask()).json["result"]["requestState"]
            retry = functools.partial(ask, inputResponses={"q": {}}, requestState=sealed)
            folder, moved = tmp_path / "journal" / "data", tmp_path / "journal" / "gone"
            if why == "denied":
                rig.change(token, policy_version=None)
            elif why == "no server":
                rig.server("s", f"http://127.0.0.1:{free_port()}/mcp", t=named)
            elif why == "no journal":
                folder.rename(moved)
                folder.touch()
                await rig.until(fails)  # a journal looks now and then whether its file is still there
            failed = await retry(to="another" if why == "refused" else "x")
            assert "input_required" not in failed.body.decode()
            assert len(upstream.seen) == 1
            if why == "denied":
                rig.change(token, policy_version=version)
            elif why == "no server":
                rig.server("s", upstream.url, t=named)
            elif why == "no journal":
                folder.unlink()
                moved.rename(folder)
                await rig.until(lambda: rig.journal.healthy)
            assert (await retry()).json["result"]["resultType"] == "input_required"
            assert len(upstream.seen) == 2
            assert "[POLICY DENIED] Limit" in json.dumps((await retry()).json)

    asyncio.run(run())


def test_a_state_of_another_grant_is_refused_and_one_that_is_too_old_too(tmp_path: Path) -> None:
    async def run() -> None:
        settings = Settings(state_seconds=-1)
        async with Recorder(json_answer(asked())) as upstream, Rig(tmp_path, settings=settings) as rig:
            rig.server("s", upstream.url)
            token, other = rig.grant("s", ALLOW_ALL), rig.grant("s", ALLOW_ALL, label="other")
            sealed = (await rig.modern("s", token)).json["result"]["requestState"]
            for who, state in ((other, sealed), (token, sealed), (token, "upstream-state"), (token, 5)):
                assert (await rig.modern("s", who, requestState=state)).status == 400
            assert len(upstream.seen) == 1

    asyncio.run(run())


def test_a_task_belongs_to_the_grant_and_the_tool_that_began_it(tmp_path: Path) -> None:
    made = {"jsonrpc": "2.0", "id": "ID", "result": {"resultType": "task", "taskId": "task-1", "status": "working"}}

    async def run() -> None:
        async with Recorder(json_answer(made)) as upstream, Rig(tmp_path) as rig:
            rig.server("s", upstream.url)
            token, other = rig.grant("s", ALLOW_ALL), rig.grant("s", ALLOW_ALL, label="other")
            task = (await rig.modern("s", token)).json["result"]["taskId"]
            assert "task-1" not in task
            polled = (await rig.modern("s", token, "tasks/get", taskId=task)).json["result"]
            assert polled["taskId"] == task
            assert upstream.seen[-1].json["params"]["taskId"] == "task-1"
            assert rig.rows("decided")[-1]["tool"] == "t"
            for who, id in ((other, task), (token, "task-1")):
                assert (await rig.modern("s", who, "tasks/get", taskId=id)).status == 400
            rig.publish(
                "policy", rig.grants[token]["policy_version"], {"document": {"version": "1", "default": "deny"}}
            )
            denied = (await rig.modern("s", token, "tasks/cancel", taskId=task)).json["error"]
            assert denied["data"]["dev.gatepost/decision"]["rule"] == "(default deny)"
            assert len(upstream.seen) == 2

    asyncio.run(run())


def test_a_subscription_and_its_notifications_name_nothing_hidden(tmp_path: Path) -> None:
    policy = {"version": "1", "default": "deny", "resources": {"allow": ["x://open/*"]}}
    updated = [
        {"jsonrpc": "2.0", "method": "notifications/resources/updated", "params": {"uri": uri}}
        for uri in ("x://shut/a", "x://open/a")
    ]

    async def run() -> None:
        async with (
            Recorder(raw_answer(head(200, "text/event-stream"), sse(*updated))) as upstream,
            Rig(tmp_path) as rig,
        ):
            rig.server("s", upstream.url)
            wanted = {"toolsListChanged": True, "resourceSubscriptions": ["x://open/a", "x://shut/a"]}
            answer = await rig.modern("s", rig.grant("s", policy), "subscriptions/listen", notifications=wanted)
            forwarded = upstream.seen[0].json["params"]["notifications"]
            assert forwarded == {"toolsListChanged": True, "resourceSubscriptions": ["x://open/a"]}
            assert answer.messages[0] == updated[1]

    asyncio.run(run())


def test_one_hung_server_leaves_the_others_alone(tmp_path: Path) -> None:
    async def run() -> None:
        async with Recorder(endless) as hung, Recorder() as well, Rig(tmp_path) as rig:

            async def silent(seen: Seen, _: asyncio.StreamWriter) -> None:
                await seen.disconnected.wait()

            hung.answer = silent
            rig.server("hung", hung.url)
            rig.server("well", well.url)
            stuck = rig.grant("hung", ALLOW_ALL)
            waiting = [asyncio.ensure_future(rig.call("hung", stuck)) for _ in range(100)]
            await hung.arrived(100)
            token = rig.grant("well", ALLOW_ALL, label="w")
            for _ in range(20):
                assert (await rig.call("well", token)).status == 200
            for task in waiting:
                task.cancel()

    asyncio.run(run())


def test_a_flood_of_changed_lists_has_the_server_read_once_at_a_time(tmp_path: Path) -> None:
    changed = {"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}
    stream = sse(*[changed] * 2_000, OK | {"id": 1})

    async def run() -> None:
        async with Recorder(raw_answer(head(200, "text/event-stream"), stream)) as upstream, Rig(tmp_path) as rig:
            rig.server("s", upstream.url)
            token, read = rig.grant("s", ALLOW_ALL), asyncio.Event()

            async def reading(_: str) -> None:
                await read.wait()

            rig.on_rescan = reading
            before = len(asyncio.all_tasks())
            answer = await rig.call("s", token)
            assert len(answer.messages) == 2_001
            assert rig.rescans == ["s"]
            assert len(asyncio.all_tasks()) < before + 50
            read.set()

    asyncio.run(run())


def test_sessions_that_begin_at_the_same_moment_are_capped_too(tmp_path: Path) -> None:
    async def run() -> None:
        async with Recorder() as upstream, Rig(tmp_path) as rig:
            rig.server("s", upstream.url)
            token, together, number = rig.grant("s", ALLOW_ALL), asyncio.Event(), itertools.count()

            async def begun(seen: Seen, writer: asyncio.StreamWriter) -> None:
                await together.wait()
                await json_answer(INITIALIZED, 200, f"mcp-session-id: up-{next(number)}")(seen, writer)

            upstream.answer = begun
            asked = [asyncio.ensure_future(rig.post("/mcp/s/", token, INIT)) for _ in range(70)]
            await rig.until(lambda: len(upstream.seen) + sum(one.done() for one in asked) == 70)
            together.set()
            answers = await asyncio.gather(*asked)
            assert sum("mcp-session-id" in answer.headers for answer in answers) == 64
            assert len(rig.gateway.sessions) == 64
            await rig.post("/mcp/s/", token, b"", method="DELETE", mcp_session_id=_session(answers))
            assert "mcp-session-id" in (await rig.post("/mcp/s/", token, INIT)).headers

    asyncio.run(run())


def _session(answers: list[Answer]) -> str:
    return next(answer.headers["mcp-session-id"] for answer in answers if "mcp-session-id" in answer.headers)


def test_a_call_whose_server_was_changed_while_it_came_in_reaches_neither_and_takes_nothing(tmp_path: Path) -> None:
    async def run() -> None:
        limit = {"counter": "c", "window": "month", "max": 1}
        policy = {"version": "1", "default": "deny", "tools": {"t": {"limits": [limit]}}}
        async with Recorder() as old, Recorder() as new, Rig(tmp_path) as rig:
            rig.server("s", old.url)
            token = rig.grant("s", policy)
            body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "t", "arguments": {}}}
            raw = request("/mcp/s/", token, json.dumps(body).encode())
            reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
            writer.write(raw[:-5])
            await rig.until(lambda: rig.gateway.callers)
            rig.server("s", new.url)
            writer.write(raw[-5:])
            answer = await read_answer(reader)
            writer.close()
            assert answer.json["error"]["data"]["code"] == "GP-3001"
            assert not old.seen
            assert not new.seen
            assert (await rig.call("s", token)).json["result"]["isError"] is False
            assert len(new.seen) == 1

    asyncio.run(run())

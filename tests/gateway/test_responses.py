"""PROTOCOL, "Responses are watched too": what a server sends is parsed, filtered, matched and bounded.

tests/hostile has every server that misbehaves; here is what has a shape of its own.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from gatepost.gateway.core import Settings
from tests.support.recording import OK, Answer, Recorder, head, json_answer, raw_answer, sse
from tests.support.rig import ALLOW_ALL, Rig, tool

HIDING = {"version": "1", "default": "allow", "hide": ["hidden*"]}
TOOLS = [{"name": "t", "inputSchema": {}}, {"name": "hidden_one", "inputSchema": {}, "description": "x"}]
LIST = {"jsonrpc": "2.0", "id": "ID", "result": {"tools": TOOLS, "nextCursor": "next", "_meta": {"k": 1}}}
ASK = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}


def with_upstream(
    tmp_path: Path, answer: Answer, body: Callable[[Rig, Recorder, str], Awaitable[None]], **settings: Any
) -> None:
    async def run() -> None:
        async with Recorder(answer) as upstream, Rig(tmp_path, settings=Settings(**settings)) as rig:
            rig.server("s", upstream.url, tools={"t": tool("t"), "hidden_one": tool("hidden_one")})
            await body(rig, upstream, rig.grant("s", HIDING))

    asyncio.run(run())


MEDIA = ["text/event-stream", "Text/Event-Stream", "text/event-stream; charset=utf-8", "TEXT/EVENT-STREAM ;x=y"]
JSON_MEDIA = ["application/json", "Application/JSON", "application/json;charset=UTF-8", " application/json "]
LIST_TEXT = json.dumps(LIST).replace('"ID"', "1")
STREAMS = {
    "plain": sse(LIST_TEXT),
    "data split over lines": sse(json.dumps(LIST, indent=1).replace('"ID"', "1")),
    "CRLF": sse(LIST_TEXT).replace(b"\n", b"\r\n"),
    "CR": sse(LIST_TEXT).replace(b"\n", b"\r"),
    "leading BOM": b"\xef\xbb\xbf" + sse(LIST_TEXT),
    "no space behind the colon": sse(LIST_TEXT).replace(b"data: ", b"data:"),
    "a comment in between": b": ping\n" + sse(LIST_TEXT),
    "an event name": b"event: message\n" + sse(LIST_TEXT),
    "after a notification": sse('{"jsonrpc":"2.0","method":"notifications/message","params":{}}') + sse(LIST_TEXT),
}


@pytest.mark.parametrize("name", STREAMS)
def test_a_hidden_name_is_taken_out_of_every_spelling_of_a_stream(tmp_path: Path, name: str) -> None:
    async def body(rig: Rig, _: Recorder, token: str) -> None:
        answer = await rig.post("/mcp/s/", token, ASK)
        assert b"hidden" not in answer.body
        assert answer.messages[-1]["result"] == {"tools": TOOLS[:1], "nextCursor": "next", "_meta": {"k": 1}}
        assert answer.headers["x-accel-buffering"] == "no"

    pieces = [STREAMS[name][i : i + 7] for i in range(0, len(STREAMS[name]), 7)]
    with_upstream(tmp_path, raw_answer(head(200, "text/event-stream"), *pieces), body)


@pytest.mark.parametrize("media", MEDIA)
def test_a_stream_is_recognised_by_every_spelling_of_its_media_type(tmp_path: Path, media: str) -> None:
    async def body(rig: Rig, _: Recorder, token: str) -> None:
        answer = await rig.post("/mcp/s/", token, ASK)
        assert [tool["name"] for tool in answer.messages[0]["result"]["tools"]] == ["t"]

    with_upstream(tmp_path, raw_answer(head(200, media), sse(LIST_TEXT)), body)


@pytest.mark.parametrize("media", JSON_MEDIA)
@pytest.mark.parametrize("status", [200, 201, 299])
def test_a_list_is_filtered_on_every_2xx(tmp_path: Path, media: str, status: int) -> None:
    async def body(rig: Rig, _: Recorder, token: str) -> None:
        answer = await rig.post("/mcp/s/", token, ASK)
        assert b"hidden" not in answer.body
        assert answer.json["result"]["tools"] == TOOLS[:1]

    with_upstream(tmp_path, raw_answer(head(status, media), LIST_TEXT.encode()), body)


UNUSABLE = {
    "garbage": b"<html>hidden_one</html>",
    "half": LIST_TEXT[:-4].encode(),
    "tools no list": b'{"jsonrpc":"2.0","id":1,"result":{"tools":{"hidden_one":{}}}}',
    "no tools": b'{"jsonrpc":"2.0","id":1,"result":{"Tools":[{"name":"hidden_one"}]}}',
    "a list in place of the result": b'{"jsonrpc":"2.0","id":1,"result":[{"name":"hidden_one"}]}',
    "a text in place of the result": b'{"jsonrpc":"2.0","id":1,"result":"hidden_one"}',
    "nameless": b'{"jsonrpc":"2.0","id":1,"result":{"tools":[{"Name":"hidden_one"}]}}',
    "duplicate key": b'{"jsonrpc":"2.0","id":1,"result":{"tools":[]},"result":{"tools":[{"name":"hidden_one"}]}}',
    "two values": LIST_TEXT.encode() * 2,
    "batch": b"[" + LIST_TEXT.encode() + b"]",
    "another id": LIST_TEXT.replace('"id": 1', '"id": 2').encode(),
    "the id as text": LIST_TEXT.replace('"id": 1', '"id": "1"').encode(),
    "no id": LIST_TEXT.replace('"id": 1,', "").encode(),
    "a request": b'{"jsonrpc":"2.0","id":1,"method":"hidden_one"}',
    "empty": b"",
}


@pytest.mark.parametrize("name", UNUSABLE)
@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_that_cannot_be_used_is_dropped_and_the_client_gets_a_clear_error(
    tmp_path: Path, name: str, stream: bool
) -> None:
    async def body(rig: Rig, _: Recorder, token: str) -> None:
        answer = await rig.post("/mcp/s/", token, ASK)
        assert b"hidden" not in answer.body
        message = answer.messages[-1] if stream else answer.json
        assert message["id"] == 1
        assert message["error"]["data"]["code"] == "GP-3003"
        assert not -32768 <= message["error"]["code"] <= -32000
        await rig.until(lambda: rig.rows("settled"))
        assert rig.rows("settled")[0]["error_class"] == "bad_response"

    raw = UNUSABLE[name]
    answer = (
        raw_answer(head(200, "text/event-stream"), b"data: " + raw + b"\n\n") if stream else raw_answer(head(), raw)
    )
    with_upstream(tmp_path, answer, body)


def test_what_a_server_tells_before_it_answers_arrives_as_it_was_told(tmp_path: Path) -> None:
    """Without a bridge: log messages, progress, that an address was opened, and what nobody knows yet."""
    told = [
        {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": 1.5}},
        {"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": 7, "progress": 1}},
        {"jsonrpc": "2.0", "method": "notifications/elicitation/complete", "params": {"elicitationId": "e1"}},
        {"jsonrpc": "2.0", "method": "notifications/of/tomorrow", "params": {"_meta": {"k": 1}}},
        OK | {"id": 1},
    ]

    async def body(rig: Rig, _: Recorder, token: str) -> None:
        assert (await rig.call("s", token)).messages == told

    with_upstream(tmp_path, raw_answer(head(200, "text/event-stream"), sse(*told)), body)


def test_what_lies_inside_a_plain_result_arrives_byte_for_byte(tmp_path: Path) -> None:
    raw = b'{"jsonrpc":"2.0","id":1,"result":{"content":[],"structuredContent":{"a":1,"a": 1.0}}}'

    async def body(rig: Rig, _: Recorder, token: str) -> None:
        assert (await rig.call("s", token)).body == raw

    with_upstream(tmp_path, raw_answer(head(200, "application/json", length=len(raw)), raw), body)


def test_a_second_answer_to_one_request_and_an_answer_to_another_are_dropped_and_recorded(tmp_path: Path) -> None:
    first = OK | {"id": 1}
    other = {"jsonrpc": "2.0", "id": 99, "result": {"tools": TOOLS}}

    async def body(rig: Rig, _: Recorder, token: str) -> None:
        answer = await rig.call("s", token)
        assert answer.messages == [first]
        assert len(await rig.until(lambda: rig.rows("dropped"))) >= 1

    with_upstream(tmp_path, raw_answer(head(200, "text/event-stream"), sse(other, first, first)), body)


def test_a_compressed_body_is_refused(tmp_path: Path) -> None:
    async def body(rig: Rig, upstream: Recorder, token: str) -> None:
        answer = await rig.post("/mcp/s/", token, ASK)
        assert answer.json["error"]["data"]["code"] == "GP-3003"
        assert upstream.seen[0].headers["accept-encoding"] == "identity"

    with_upstream(tmp_path, raw_answer(head(200, "application/json", "content-encoding: gzip"), b"\x1f\x8b"), body)


def test_upstream_unauthorized_is_not_shown_as_the_client_s_own(tmp_path: Path) -> None:
    async def body(rig: Rig, _: Recorder, token: str) -> None:
        answer = await rig.call("s", token)
        assert answer.status == 200
        assert "www-authenticate" not in answer.headers
        assert answer.json["error"]["data"]["code"].startswith("GP-30")

    refused = raw_answer(head(401, "application/json", "www-authenticate: Bearer", length=2), b"{}")
    with_upstream(tmp_path, refused, body)


def test_a_dead_server_gives_a_clear_error_and_gives_the_reservation_back(tmp_path: Path) -> None:
    policy = {
        "version": "1",
        "default": "deny",
        "tools": {"t": {"limits": [{"counter": "c", "window": "month", "max": 2}]}},
    }

    async def run() -> None:
        async with Rig(tmp_path) as rig:
            rig.server("s", "http://127.0.0.1:9/mcp")
            token = rig.grant("s", policy)
            for _ in range(5):
                assert (await rig.call("s", token)).json["error"]["data"]["code"] == "GP-3001"
            await rig.until(lambda: len(rig.rows("settled")) == 5)
            assert {row["carried_out"] for row in rig.rows("settled")} == {False}
            assert len(rig.rows("released")) == 5

    asyncio.run(run())


def test_an_error_of_the_server_keeps_what_was_reserved(tmp_path: Path) -> None:
    policy = {
        "version": "1",
        "default": "deny",
        "tools": {"t": {"limits": [{"counter": "c", "window": "month", "max": 2}]}},
    }

    async def run() -> None:
        failing = raw_answer(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{")
        async with Recorder(failing) as upstream, Rig(tmp_path) as rig:
            rig.server("s", upstream.url)
            token = rig.grant("s", policy)
            for _ in range(2):
                assert "error" in (await rig.call("s", token)).json
            assert "[POLICY DENIED]" in (await rig.call("s", token)).body.decode()
            assert len(upstream.seen) == 2

    asyncio.run(run())


def test_modern_lists_are_private_and_soon_stale_on_every_page(tmp_path: Path) -> None:
    result = LIST | {"result": LIST["result"] | {"ttlMs": 3_600_000, "cacheScope": "public", "resultType": "complete"}}  # type: ignore[operator]

    async def body(rig: Rig, _: Recorder, token: str) -> None:
        page = (await rig.modern("s", token, "tools/list")).json["result"]
        assert (page["cacheScope"], page["ttlMs"], page["nextCursor"]) == ("private", 5000, "next")
        assert page["tools"] == TOOLS[:1]

    with_upstream(tmp_path, json_answer(result), body)


def test_a_legacy_list_whose_server_says_how_long_it_keeps_is_private_too(tmp_path: Path) -> None:
    result = LIST | {"result": LIST["result"] | {"ttlMs": 3_600_000, "cacheScope": "public"}}  # type: ignore[operator]

    async def body(rig: Rig, _: Recorder, token: str) -> None:
        page = (await rig.post("/mcp/s", token, {"jsonrpc": "2.0", "id": 1, "method": "tools/list"})).json["result"]
        assert (page["cacheScope"], page["ttlMs"]) == ("private", 5000)

    with_upstream(tmp_path, json_answer(result), body)


@pytest.mark.parametrize(
    ("method", "member", "key"),
    [
        ("resources/list", "resources", "uri"),
        ("resources/templates/list", "resourceTemplates", "uriTemplate"),
        ("prompts/list", "prompts", "name"),
    ],
)
def test_what_is_denied_is_not_listed_either(tmp_path: Path, method: str, member: str, key: str) -> None:
    policy = {
        "version": "1",
        "default": "deny",
        "resources": {"allow": ["x://open/*"]},
        "prompts": {"allow": ["x://open/*"]},
    }

    async def run() -> None:
        listed = {"jsonrpc": "2.0", "id": "ID", "result": {member: [{key: "x://open/a"}, {key: "x://shut/a"}]}}
        async with Recorder(json_answer(listed)) as upstream, Rig(tmp_path) as rig:
            rig.server("s", upstream.url)
            body = {"jsonrpc": "2.0", "id": 1, "method": method}
            answer = await rig.post("/mcp/s/", rig.grant("s", policy), body)
            assert answer.json["result"][member] == [{key: "x://open/a"}]

    asyncio.run(run())


def test_a_server_may_ask_a_client_only_for_what_the_table_allows(tmp_path: Path) -> None:
    odd = {"jsonrpc": "2.0", "id": 5, "method": "tools/call", "params": {}}

    async def body(rig: Rig, _: Recorder, token: str) -> None:
        assert (await rig.call("s", token)).messages == [OK | {"id": 1}]
        assert "tools/call" in (await rig.until(lambda: rig.rows("dropped")))[0]["reason"]

    with_upstream(tmp_path, raw_answer(head(200, "text/event-stream"), sse(odd, OK | {"id": 1})), body)


def test_a_failing_journal_denies_the_call_and_turns_readiness_off(tmp_path: Path) -> None:
    async def run() -> None:
        async with Recorder() as upstream, Rig(tmp_path) as rig:
            rig.server("s", upstream.url)
            token = rig.grant("s", ALLOW_ALL)
            assert (await rig.post("/readyz", None, b"", method="GET")).status == 200
            folder = tmp_path / "journal" / "data"
            moved = tmp_path / "journal" / "gone"
            folder.rename(moved)
            folder.touch()
            answers = [await rig.call("s", token) for _ in range(3)]
            last = answers[-1].json["result"]
            assert last["isError"] is True
            assert last["_meta"]["dev.gatepost/decision"]["rule"] == "(unavailable)"
            delivered = len(upstream.seen)
            assert (await rig.post("/readyz", None, b"", method="GET")).status == 503
            folder.unlink()
            moved.rename(folder)
            await rig.until(lambda: rig.journal.healthy)
            assert (await rig.call("s", token)).json["result"]["isError"] is False
            assert len(upstream.seen) == delivered + 1
            assert (await rig.post("/readyz", None, b"", method="GET")).status == 200

    asyncio.run(run())


def test_a_list_that_is_asked_for_again_is_filtered_again_for_each_policy_and_each_change(tmp_path: Path) -> None:
    async def run() -> None:
        async with Recorder(json_answer(LIST)) as upstream, Rig(tmp_path) as rig:
            tools = {"t": tool("t"), "hidden_one": tool("hidden_one")}
            rig.server("s", upstream.url, tools=tools)
            hiding, open_ = rig.grant("s", HIDING), rig.grant("s", ALLOW_ALL, label="open")

            async def names(token: str, id: Any) -> list[str]:
                answer = (await rig.post("/mcp/s/", token, ASK | {"id": id})).json
                assert answer["id"] == id
                return [entry["name"] for entry in answer["result"]["tools"]]

            for id in (1, "x", 2):
                assert await names(hiding, id) == ["t"]
                assert await names(open_, id) == ["t", "hidden_one"]
            by_category = {"version": "1", "default": "deny", "tools": {"@destructive": {"action": "hide"}, "*": {}}}
            third = rig.grant("s", by_category, label="third")
            rig.server("s", upstream.url, tools={"t": tool("t", "read"), "hidden_one": tool("hidden_one", "read")})
            assert await names(third, 1) == ["t", "hidden_one"]
            rig.server(
                "s", upstream.url, tools={"t": tool("t", "read"), "hidden_one": tool("hidden_one", "destructive")}
            )
            assert await names(third, 2) == ["t"]
            upstream.answer = json_answer(LIST | {"result": {"tools": TOOLS[1:]}})
            assert await names(hiding, 3) == []

    asyncio.run(run())


def test_one_row_that_cannot_be_used_takes_down_nothing_else(tmp_path: Path) -> None:
    async def run() -> None:
        async with Recorder() as upstream, Rig(tmp_path) as rig:
            rig.server("s", upstream.url)
            token = rig.grant("s", ALLOW_ALL)
            rig.publish("server", "broken", {"name": "broken", "url": "ftp://x"})
            rig.publish("policy", "sha256:x", {"document": {"version": "9"}})
            assert rig.gateway.snapshot.faults
            assert (await rig.call("s", token)).json["result"]["isError"] is False
            assert (await rig.call("broken", token)).status == 404

    asyncio.run(run())

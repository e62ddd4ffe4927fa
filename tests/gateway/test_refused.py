"""PROTOCOL, "Refused before any rule is read": each line with a recording upstream, and not a byte behind it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.recording import Recorder
from tests.support.rig import ALLOW_ALL, MODERN_META, Answer, Rig, request

Call = dict[str, object]


def call(**changes: object) -> bytes:
    body: Call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "t", "arguments": {}}}
    return json.dumps({key: value for key, value in (body | changes).items() if value is not ...}).encode()


def raw(arguments: bytes) -> bytes:
    return b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","arguments":' + arguments + b"}}"


BODIES: dict[str, bytes] = {
    "duplicate key on top": b'{"jsonrpc":"2.0","id":1,"method":"tools/list","method":"tools/call"}',
    "duplicate key in params": b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","name":"u"}}',
    "duplicate key deep inside": raw(b'{"a":[{"b":{"c":1,"c":2}}]}'),
    "duplicate key, one of them escaped": raw(b'{"a":1,"\\u0061":2}'),
    "protocol key in another case": call(Method="x"),
    "protocol key in full-width letters": call(**{"ｐarams": {}}),  # noqa: PIE804 - as an identifier Python would normalise it
    "protocol key with NUL": call(**{"params\0": {}}),
    "lookalike of name in params": call(params={"name": "t", "NAME": "u"}),
    "batch": b"[" + call() + b"]",
    "empty batch": b"[]",
    "anything after the value": call() + b" {}",
    "byte-order mark": b"\xef\xbb\xbf" + call(),
    "UTF-16": call().decode().encode("utf-16"),
    "UTF-32": call().decode().encode("utf-32-le"),
    "invalid UTF-8": raw(b'{"a":"\xff"}'),
    "overlong UTF-8": raw(b'{"a":"\xc0\xaf"}'),
    "lone surrogate, escaped": raw(b'{"a":"\\ud800"}'),
    "lone surrogate, encoded": raw(b'{"a":"\xed\xa0\x80"}'),
    "NaN": raw(b'{"a":NaN}'),
    "Infinity": raw(b'{"a":-Infinity}'),
    "number that overflows": raw(b'{"a":1e999}'),
    "integer that overflows": raw(b'{"a":' + b"9" * 400 + b"}"),
    "too deep": raw(b"[" * 70 + b"]" * 70),
    "endlessly deep": raw(b"[" * 100_000),
    "method with result": call(result={}),
    "method with error": call(error={"code": 1, "message": ""}),
    "tools/call without an id": call(id=...),
    "id null": call(id=None),
    "id float": call(id=1.5),
    "id bool": call(id=True),
    "params an array": call(params=[]),
    "params null": call(params=None),
    "arguments an array": call(params={"name": "t", "arguments": []}),
    "arguments a string": call(params={"name": "t", "arguments": "{}"}),
    "arguments null": call(params={"name": "t", "arguments": None}),
    "tool name missing": call(params={"arguments": {}}),
    "tool name empty": call(params={"name": ""}),
    "tool name with a space": call(params={"name": "a b"}),
    "tool name with a newline": call(params={"name": "t\n"}),
    "tool name with another script": call(params={"name": "tооl"}),
    "tool name too long": call(params={"name": "x" * 129}),
    "tool name a number": call(params={"name": 1}),
    "no JSON": b"hello",
    "empty": b"",
    "a string": b'"x"',
    "half": call()[:-3],
    "unquoted key": b"{jsonrpc:1}",
    "trailing comma": raw(b'{"a":1,}'),
    "comment": raw(b'{"a":1/*x*/}'),
}


def refused(tmp_path: Path, send: Callable[[Rig, str], object]) -> tuple[Answer, list[dict[str, object]]]:
    """Send something; nothing may have reached the server, and one refusal is on record."""
    answers: list[Answer] = []
    rows: list[dict[str, object]] = []

    async def run() -> None:
        async with Recorder() as upstream, Rig(tmp_path) as rig:
            rig.server("s", upstream.url)
            token = rig.grant("s", ALLOW_ALL)
            answers.append(await send(rig, token))  # type: ignore[misc]
            await rig.until(lambda: rig.rows("refused"))
            rows.extend(rig.rows())
            assert upstream.bytes_in == 0

    asyncio.run(run())
    assert [row["kind"] for row in rows] == ["refused"]
    return answers[0], rows


@pytest.mark.parametrize("name", BODIES)
def test_a_body_on_the_list_is_refused(tmp_path: Path, name: str) -> None:
    answer, rows = refused(tmp_path, lambda rig, token: rig.post("/mcp/s/", token, BODIES[name]))
    assert answer.status == 400
    assert answer.json["error"]["code"] in (-32700, -32600, -32602)
    assert answer.json["error"]["data"]["code"] == rows[0]["code"]


@pytest.mark.parametrize(
    "path",
    [
        "/mcp/", "/mcp", "/mcp/s/x", "/mcp/s//", "/mcp//s", "/mcp/../mcp/s", "/mcp/./s", "/mcp/%73", "/mcp/s%2f",
        "/%6dcp/s", "/mcp/S", "/mcp/s_", "/mcp/-s", "/mcp/" + "s" * 64, "/mcp/s/..", "/mcp/s\\", "/mcp/s;x",
    ],
)  # fmt: skip
def test_a_path_that_is_not_literally_a_server_is_refused(tmp_path: Path, path: str) -> None:
    answer, _ = refused(tmp_path, lambda rig, token: rig.post(path, token, call()))
    assert answer.status == 400


RAW: dict[str, tuple[int, Callable[[str], bytes]]] = {
    "gzip": (400, lambda t: request("/mcp/s/", t, call(), content_encoding="gzip")),
    "length and chunked": (400, lambda t: request("/mcp/s/", t, b"0\r\n\r\n", transfer_encoding="chunked")),
    "doubled Host": (400, lambda t: request("/mcp/s/", t, call(), x="1\r\nHost: 127.0.0.1")),
    "doubled Authorization": (400, lambda t: request("/mcp/s/", t, call(), x="1\r\nAuthorization: Bearer y")),
    "doubled Content-Type": (400, lambda t: request("/mcp/s/", t, call(), x="1\r\nContent-Type: application/json")),
    "doubled Content-Length": (400, lambda t: request("/mcp/s/", t, call(), x="1\r\nContent-Length: 3")),
    "doubled Mcp-Method": (400, lambda t: request("/mcp/s/", t, call(), x="1\r\nMcp-Method: a\r\nMcp-Method: a")),
    "doubled session": (400, lambda t: request("/mcp/s/", t, call(), x="1\r\nMcp-Session-Id: a\r\nMcp-Session-Id: b")),
    "obs-fold": (400, lambda t: request("/mcp/s/", t, call(), x="1\r\n y: 2")),
    "bare LF": (400, lambda t: request("/mcp/s/", t, call(), x="1\ny: 2")),
    "101 headers": (431, lambda t: request("/mcp/s/", t, call(), **{f"x{i}": "1" for i in range(101)})),
    "33 KiB of headers": (431, lambda t: request("/mcp/s/", t, call(), x="y" * 33_000)),
    "body over 4 MiB": (413, lambda t: request("/mcp/s/", t, call(), content_length=str(5 * 1024 * 1024))),
    "foreign Origin": (403, lambda t: request("/mcp/s/", t, call(), origin="https://evil.example")),
    "foreign Host": (421, lambda t: request("/mcp/s/", t, call(), host="evil.example")),
}


@pytest.mark.parametrize("name", RAW)
def test_http_on_the_list_is_refused(tmp_path: Path, name: str) -> None:
    status, make = RAW[name]
    answer, _ = refused(tmp_path, lambda rig, token: rig.send(make(token)))
    assert answer.status == status


def test_another_media_type_is_refused(tmp_path: Path) -> None:
    answer, _ = refused(tmp_path, lambda rig, token: rig.post("/mcp/s/", token, call(), content_type="text/plain"))
    assert answer.status == 415


@pytest.mark.parametrize(
    ("token", "path", "status"),
    [
        (None, "/mcp/s/", 401),
        ("gp_unknown", "/mcp/s/", 401),
        ("own", "/mcp/other/", 403),
        ("own", "/mcp/none/", 404),
        (None, "/mcp/none/", 401),
        ("own", "/elsewhere", 404),
    ],
)
def test_strangers_are_told_what_is_wrong_and_recorded(
    tmp_path: Path, token: str | None, path: str, status: int
) -> None:
    async def send(rig: Rig, own: str) -> Answer:
        rig.server("other", "http://127.0.0.1:9/mcp")
        return await rig.post(path, own if token == "own" else token, call())

    answer, rows = refused(tmp_path, send)
    assert answer.status == status
    assert answer.json["code"].startswith("GP-10")
    assert answer.json["message"].endswith(".") or "…" in answer.json["message"]
    assert rows[0]["status"] == status
    assert ("www-authenticate" in answer.headers) == (status == 401)


def test_refusals_are_recorded_up_to_a_rate_and_then_counted(tmp_path: Path) -> None:
    async def run() -> None:
        async with Rig(tmp_path) as rig:
            rig.server("s", "http://127.0.0.1:9/mcp")
            for _ in range(100):
                await rig.post("/mcp/s/", None, call())
            await asyncio.sleep(1.1 - rig.gateway.clock() % 1)
            rig.gateway.refusals.flush()
            await rig.journal.flush()
            rows = rig.rows("refused")
            assert len(rows) < 100
            assert sum(row.get("count") or 1 for row in rows) == 100

    asyncio.run(run())


def test_a_modern_request_with_doubled_or_missing_headers_is_a_header_mismatch(tmp_path: Path) -> None:
    body = call(params={"name": "t", "_meta": MODERN_META})
    for fields in (
        {"mcp_protocol_version": "2026-07-28", "mcp_method": "tools/call"},
        {"mcp_protocol_version": "2026-07-28", "mcp_method": "tools/call", "mcp_name": "t\r\nMcp-Name: t"},
        {"mcp_protocol_version": "2026-07-28", "mcp_method": "tools/list", "mcp_name": "t"},
        {"mcp_method": "tools/call", "mcp_name": "t"},
    ):
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        answer, _ = refused(folder, lambda rig, token, f=fields: rig.post("/mcp/s/", token, body, **f))
        assert (answer.status, answer.json["error"]["code"]) == (400, -32020)


def test_a_method_that_is_not_in_the_table_is_refused_in_both_eras(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/uninstall"}
    answer, _ = refused(tmp_path / "a", lambda rig, token: rig.post("/mcp/s/", token, body))
    assert answer.json["error"]["code"] == -32601
    answer, _ = refused(tmp_path / "b", lambda rig, token: rig.modern("s", token, "tasks/list"))
    assert (answer.status, answer.json["error"]["code"]) == (404, -32601)


def test_a_body_that_stops_half_way_is_never_judged(tmp_path: Path) -> None:
    async def run() -> None:
        async with Recorder() as upstream, Rig(tmp_path) as rig:
            rig.server("s", upstream.url)
            token = rig.grant("s", ALLOW_ALL)
            whole = request("/mcp/s/", token, call())
            _, writer = await asyncio.open_connection("127.0.0.1", rig.port)
            writer.write(whole[:-1])
            await writer.drain()
            writer.close()
            await writer.wait_closed()
            await rig.until(lambda: rig.rows() and rig.listener.connections == 0)
            assert [row["kind"] for row in rig.rows()] == ["refused"]
            assert upstream.bytes_in == 0

    asyncio.run(run())


def test_an_expired_or_revoked_grant_is_refused_at_the_next_request(tmp_path: Path) -> None:
    async def run() -> None:
        async with Recorder() as upstream, Rig(tmp_path) as rig:
            rig.server("s", upstream.url)
            token = rig.grant("s", ALLOW_ALL)
            assert (await rig.call("s", token)).status == 200
            rig.change(token, revoked=1.0)
            assert (await rig.call("s", token)).status == 401
            rig.change(token, revoked=None, expires=1.0)
            assert (await rig.call("s", token)).status == 401
            rig.change(token, expires=None)
            assert (await rig.call("s", token)).status == 200
            assert len(upstream.seen) == 2

    asyncio.run(run())


def test_a_notification_with_a_method_that_no_header_can_carry_is_refused(tmp_path: Path) -> None:
    async def run() -> None:
        async with Recorder() as upstream, Rig(tmp_path) as rig:
            rig.server("s", upstream.url)
            token = rig.grant("s", ALLOW_ALL)
            body = {"jsonrpc": "2.0", "method": "notifications/x\r\nx-evil: 1"}
            answer = await rig.post("/mcp/s/", token, body, mcp_protocol_version="2026-07-28")
            assert (answer.status, answer.json["error"]["data"]["code"]) == (400, "GP-1006")
            assert not upstream.seen
            assert [row["code"] for row in await rig.until(lambda: rig.rows("refused"))] == ["GP-1006"]

    asyncio.run(run())

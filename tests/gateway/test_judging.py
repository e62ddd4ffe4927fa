"""Calls through the main path: what is forwarded, what is refused, what the agent and the log are told."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from gatepost.policy import compile_policy
from gatepost.upstreams.config import ServerConfig
from gatepost.upstreams.scan import ServerInfo, list_tools
from tests.support.recording import Recorder, Seen, json_answer
from tests.support.rig import ALLOW_ALL, Rig, tool

LIMITED = {
    "version": "1",
    "default": "deny",
    "tools": {"t": {"limits": [{"counter": "t_rate", "window": "hour", "max": 10}]}},
}


def test_an_allowed_call_is_forwarded_once_and_recorded_twice(tmp_path: Path) -> None:
    async def run() -> None:
        async with Recorder() as upstream, Rig(tmp_path) as rig:
            rig.server("s", upstream.url)
            token = rig.grant("s", ALLOW_ALL)
            answer = await rig.call("s", token, arguments={"b": 1, "a": "secret"})
            assert answer.json == {"jsonrpc": "2.0", "id": 1, "result": {"content": [], "isError": False}}
            assert len(upstream.seen) == 1
            assert upstream.seen[0].json["params"] == {"name": "t", "arguments": {"b": 1, "a": "secret"}}
            await rig.until(lambda: rig.rows("settled"))
            decided, settled = rig.rows("decided")[0], rig.rows("settled")[0]
            assert decided["decision"] == "allow"
            assert decided["arguments"] == ["a", "b"]
            assert (decided["grant"], decided["server"], decided["tool"]) == ("g", "s", "t")
            assert settled["decision_id"] == decided["decision_id"]
            assert settled["carried_out"] is True
            assert settled["is_error"] is False
            assert "secret" not in json.dumps(rig.rows())

    asyncio.run(run())


def test_what_travels_is_what_was_parsed_and_not_the_client_s_bytes_or_headers(tmp_path: Path) -> None:
    async def run() -> None:
        async with Recorder() as upstream, Rig(tmp_path) as rig:
            rig.server("s", upstream.url)
            token = rig.grant("s", ALLOW_ALL)
            body = (
                b'{ "jsonrpc":"2.0",\n"id":1,"method":"tools/call","params":{"name":"t","arguments":{"n":1.0,"m":1e2}}}'
            )
            await rig.post("/mcp/s", token, body, cookie="c=1", x_evil="1", traceparent="00-" + "a" * 32 + "-b-01")
            seen = upstream.seen[0]
            assert b'"arguments":{"n":1.0,"m":1e2}' in seen.body
            assert b"\n" not in seen.body
            assert not {"cookie", "x-evil", "authorization"} & set(seen.headers)
            assert token not in str(seen.headers)

    asyncio.run(run())


def test_the_eleventh_call_of_the_window_is_denied_with_a_reason_the_model_can_read(tmp_path: Path) -> None:
    async def run() -> None:
        async with Recorder() as upstream, Rig(tmp_path) as rig:
            rig.server("s", upstream.url)
            token = rig.grant("s", LIMITED)
            for _ in range(10):
                assert (await rig.call("s", token)).json["result"]["isError"] is False
            eleventh = (await rig.call("s", token)).json["result"]
            assert eleventh["isError"] is True
            assert eleventh["content"][0]["text"].startswith(
                "[POLICY DENIED] Limit of 10 per hour reached for t; it frees at "
            )
            about = eleventh["_meta"]["dev.gatepost/decision"]
            assert (about["effect"], about["rule"], about["limit"], about["remaining"]) == (
                "deny",
                "/tools/t/limits/t_rate-per-hour",
                10,
                0,
            )
            assert about["retry_at"].endswith("Z")
            assert len(upstream.seen) == 10
            denied = rig.rows("decided")[-1]
            assert denied["rule"] == "/tools/t/limits/t_rate-per-hour"
            assert [(limit["before"], limit["after"]) for limit in denied["limits"]] == [("10", "10")]
            assert denied["reservation"] is None

    asyncio.run(run())


def test_an_exhausted_sliding_limit_has_room_at_the_moment_the_agent_is_told(tmp_path: Path) -> None:
    limit = {"counter": "c", "window": 2678, "max": 1, "algorithm": "sliding", "scope": "grant"}
    policy = {"version": "1", "default": "deny", "tools": {"t": {"limits": [limit]}}}

    async def run() -> None:
        async with Recorder() as upstream, Rig(tmp_path) as rig:
            rig.server("s", upstream.url)
            token = rig.grant("s", policy)
            await rig.call("s", token)
            refused = (await rig.call("s", token)).json["result"]
            about = refused["_meta"]["dev.gatepost/decision"]
            assert f"it frees at {about['retry_at'][11:]}." in refused["content"][0]["text"]

    asyncio.run(run())


def test_a_thousand_concurrent_calls_against_a_limit_of_a_hundred_admit_exactly_a_hundred(tmp_path: Path) -> None:
    policy = {
        "version": "1",
        "default": "deny",
        "tools": {"t": {"limits": [{"counter": "c", "window": "month", "max": 100}]}},
    }

    async def run() -> None:
        async with Recorder() as upstream, Rig(tmp_path) as rig:
            rig.server("s", upstream.url)
            token = rig.grant("s", policy)
            gate = asyncio.Semaphore(200)

            async def one() -> bool:
                async with gate:
                    return (await rig.call("s", token)).json["result"]["isError"] is False

            admitted = sum(await asyncio.gather(*(one() for _ in range(1000))))
            assert admitted == 100
            assert len(upstream.seen) == 100

    asyncio.run(run())


def test_a_hidden_and_an_unknown_tool_answer_alike_to_the_byte(tmp_path: Path) -> None:
    async def run() -> None:
        policy = {"version": "1", "default": "allow", "hide": ["secret_tool"]}
        async with Recorder() as upstream, Rig(tmp_path) as rig:
            rig.server("s", upstream.url, tools={"secret_tool": tool("secret_tool"), "t": tool("t")})
            token = rig.grant("s", policy)
            hidden = await rig.call("s", token, "secret_tool")
            unknown = await rig.call("s", token, "secret_tooX")
            other_case = await rig.call("s", token, "T")
            assert hidden.body.replace(b"secret_tool", b"NAME") == unknown.body.replace(b"secret_tooX", b"NAME")
            assert hidden.json["error"] == {"code": -32602, "message": "Unknown tool: secret_tool"}
            assert other_case.json["error"]["message"] == "Unknown tool: T"
            assert {k: v for k, v in hidden.headers.items() if k != "date"} == {
                k: v for k, v in unknown.headers.items() if k != "date"
            }
            assert not upstream.seen
            assert [row["rule"] for row in rig.rows("decided")] == ["(hidden)", "(unknown tool)", "(unknown tool)"]

    asyncio.run(run())


UNSEEN = {
    "hidden": "(hidden)",
    "kept_back": "(hidden)",
    "hid_but_not_there": "(hidden)",
    "changed": "(definition changed)",
    "not_there": "(unknown tool)",
}
"""Tools that do not show to a client of `UNSEEING`, and why not."""
UNSEEING = {"version": "1", "default": "allow", "hide": ["hid*"], "tools": {"kept_back": {"action": "hide"}}}


def with_unseen(rig: Rig, url: str) -> str:
    """Register a server that has most of `UNSEEN`, and return a token of a grant that sees none of them."""
    tools = {name: tool(name) for name in ("hidden", "kept_back", "t")}
    tools |= {"changed": {**tool("changed"), "quarantined": True}}
    rig.server("s", url, tools=tools)
    return rig.grant("s", UNSEEING)


def test_whatever_does_not_show_the_server_is_asked_for_its_list_first_and_nothing_else(tmp_path: Path) -> None:
    """Else the time of an answer, or what wakes a server up, would tell a hidden tool from one that is not there."""
    listed = {"jsonrpc": "2.0", "id": "ID", "result": {"tools": []}}

    async def run() -> None:
        async with Recorder() as upstream, Rig(tmp_path) as rig:
            token = with_unseen(rig, upstream.url)
            answered: dict[str, bytes] = {}
            for name in UNSEEN:
                may_answer = asyncio.Event()

                async def answer(seen: Seen, writer: asyncio.StreamWriter, until: asyncio.Event = may_answer) -> None:
                    await until.wait()
                    await json_answer(listed)(seen, writer)

                async def ask(server: str) -> None:
                    config = ServerConfig(server, url=upstream.url)
                    await list_tools(config, ServerInfo(frozenset({"modern"}), ("2026-07-28",), {}, {}, None))

                upstream.answer, rig.on_rescan = answer, ask
                upstream.seen.clear()
                calling = asyncio.ensure_future(rig.call("s", token, name))
                await upstream.arrived(1)
                assert not calling.done()
                assert not [row for row in rig.rows("decided") if row["tool"] == name]
                may_answer.set()
                answered[name] = (await calling).body.replace(name.encode(), b"NAME")
                assert [seen.json["method"] for seen in upstream.seen] == ["tools/list"]
            assert len(set(answered.values())) == 1
            assert {row["tool"]: row["rule"] for row in rig.rows("decided")} == UNSEEN

    asyncio.run(run())


def test_hidden_and_made_up_names_have_a_server_read_a_few_times_together(tmp_path: Path) -> None:
    async def run() -> None:
        async with Recorder() as upstream, Rig(tmp_path) as rig:
            token = with_unseen(rig, upstream.url)
            for _ in range(3):
                for name in ("hidden", "not_there"):
                    await rig.call("s", token, name)
            assert rig.rescans == ["s"] * 2
            for number in range(15):
                for name in (f"hid-{number}", f"made-up-{number}", "changed"):
                    assert "error" in (await rig.call("s", token, name)).json
            assert rig.rescans == ["s"] * rig.gateway.settings.rescans

    asyncio.run(run())


def test_what_shows_and_is_denied_is_answered_without_asking_the_server(tmp_path: Path) -> None:
    policy = {"version": "1", "default": "deny", "tools": {"t": {"action": "deny"}}}

    async def run() -> None:
        async with Recorder() as upstream, Rig(tmp_path) as rig:
            rig.server("s", upstream.url, tools={"t": tool("t"), "u": tool("u")})
            token = rig.grant("s", policy)
            for name in ("t", "u"):
                assert (await rig.call("s", token, name)).json["result"]["isError"] is True
            assert "result" in (await rig.call("s", rig.grant("s", label="without a policy"), "not_there")).json
            assert rig.rescans == []

    asyncio.run(run())


def test_a_hidden_tool_does_not_show_by_the_headers_that_it_asks_for(tmp_path: Path) -> None:
    async def run() -> None:
        policy = {"version": "1", "default": "allow", "hide": ["secret_tool"]}
        region = {"properties": {"region": {"type": "string", "x-mcp-header": "Region"}}}
        async with Recorder() as upstream, Rig(tmp_path) as rig:
            rig.server(
                "s", upstream.url, tools={"secret_tool": tool("secret_tool", **region), "t": tool("t", **region)}
            )
            token = rig.grant("s", policy)
            arguments = {"region": "eu"}
            shown = await rig.modern("s", token, arguments=arguments)
            assert (shown.status, shown.json["error"]["code"]) == (400, -32020)
            hidden = await rig.modern("s", token, name="secret_tool", arguments=arguments)
            unknown = await rig.modern("s", token, name="secret_tooX", arguments=arguments)
            assert hidden.body.replace(b"secret_tool", b"NAME") == unknown.body.replace(b"secret_tooX", b"NAME")
            assert not upstream.seen

    asyncio.run(run())


def test_a_tool_without_a_definition_makes_the_gateway_ask_once(tmp_path: Path) -> None:
    async def run() -> None:
        async with Recorder() as upstream, Rig(tmp_path) as rig:
            rig.server("s", upstream.url)
            token = rig.grant("s", ALLOW_ALL)

            async def found(_: str) -> None:
                rig.server("s", upstream.url, tools={"t": tool("t"), "fresh": tool("fresh")})

            rig.on_rescan = found
            assert "result" in (await rig.call("s", token, "fresh")).json
            for _ in range(3):
                assert "error" in (await rig.call("s", token, "none")).json
            assert len(rig.rescans) == 2

    asyncio.run(run())


@pytest.mark.parametrize("changed", ["revoked", "policy"])
@pytest.mark.parametrize("hide", [[], ["fresh"]], ids=["unlisted", "hidden"])
def test_a_call_that_waited_for_a_list_is_judged_by_what_holds_then(
    tmp_path: Path, changed: str, hide: list[str]
) -> None:
    async def run() -> None:
        async with Recorder() as upstream, Rig(tmp_path) as rig:
            rig.server("s", upstream.url)
            token = rig.grant("s", ALLOW_ALL | {"hide": hide})
            deny = {"version": "1", "default": "deny"}
            later = compile_policy(deny).version
            rig.publish("policy", later, {"name": "g", "version": later, "document": deny})

            async def meanwhile(_: str) -> None:
                rig.server("s", upstream.url, tools={"t": tool("t"), "fresh": tool("fresh")})
                rig.change(token, **({"revoked": 1.0} if changed == "revoked" else {"policy_version": later}))

            rig.on_rescan = meanwhile
            answer = await rig.call("s", token, "fresh")
            if changed == "revoked":
                assert (answer.status, answer.json["error"]["data"]["code"]) == (401, "GP-1001")
                assert not rig.rows("decided")
            else:
                assert answer.json["result"]["_meta"]["dev.gatepost/decision"]["rule"] == "(default deny)"
                assert [row["policy_version"] for row in rig.rows("decided")] == [later]
            assert not upstream.seen

    asyncio.run(run())


def test_a_grant_without_a_policy_denies_every_call_and_lists_nothing(tmp_path: Path) -> None:
    async def run() -> None:
        listed = {"jsonrpc": "2.0", "id": "ID", "result": {"tools": [{"name": "t", "inputSchema": {}}]}}
        async with Recorder(json_answer(listed)) as upstream, Rig(tmp_path) as rig:
            rig.server("s", upstream.url)
            token = rig.grant("s")
            assert "[POLICY DENIED]" in (await rig.call("s", token)).json["result"]["content"][0]["text"]
            assert not upstream.seen
            body = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}
            assert (await rig.post("/mcp/s/", token, body)).json["result"]["tools"] == []

    asyncio.run(run())


def test_a_call_that_needs_approval_is_refused_and_takes_nothing(tmp_path: Path) -> None:
    policy = {
        "version": "1",
        "default": "deny",
        "tools": {"t": {"action": "require_approval", "limits": [{"counter": "c", "window": "hour", "max": 1}]}},
    }

    async def run() -> None:
        async with Recorder() as upstream, Rig(tmp_path) as rig:
            rig.server("s", upstream.url)
            token = rig.grant("s", policy)
            for _ in range(3):
                result = (await rig.call("s", token)).json["result"]
                assert result["isError"] is True
                assert result["content"][0]["text"].startswith("[APPROVAL REQUIRED] ")
                assert "approve" in result["content"][0]["text"]
            assert not upstream.seen
            assert rig.rows("decided")[-1]["decision"] == "approve"
            assert rig.rows("decided")[-1]["limits"] == []

    asyncio.run(run())


def test_shadow_mode_lets_the_call_through_and_records_what_would_have_applied(tmp_path: Path) -> None:
    policy = {
        "version": "1",
        "default": "deny",
        "tools": {"t": {"deny_if": [{"name": "never", "conditions": [], "mode": "shadow"}]}},
    }

    async def run() -> None:
        async with Recorder() as upstream, Rig(tmp_path) as rig:
            rig.server("s", upstream.url)
            assert (await rig.call("s", rig.grant("s", policy))).json["result"]["isError"] is False
            row = rig.rows("decided")[0]
            assert (row["decision"], row["enforced"]) == ("allow", False)
            assert row["shadowed"] == [["/tools/t/deny_if/never", "deny"]]

    asyncio.run(run())


@pytest.mark.parametrize("modern", [False, True])
def test_a_denied_call_in_each_era_has_the_shape_of_that_era(tmp_path: Path, modern: bool) -> None:
    async def run() -> None:
        async with Recorder() as upstream, Rig(tmp_path) as rig:
            rig.server("s", upstream.url)
            token = rig.grant("s", {"version": "1", "default": "deny"})
            answer = await (rig.modern("s", token) if modern else rig.call("s", token))
            assert answer.status == 200
            assert answer.json["result"].get("resultType") == ("complete" if modern else None)
            assert not upstream.seen

    asyncio.run(run())


def test_resources_and_prompts_are_judged_by_their_sections(tmp_path: Path) -> None:
    policy = {
        "version": "1",
        "default": "deny",
        "resources": {"allow": ["x://open/*"], "deny": ["x://open/not"]},
        "prompts": {"allow": ["hello"]},
    }

    async def run() -> None:
        async with Recorder() as upstream, Rig(tmp_path) as rig:
            rig.server("s", upstream.url)
            token = rig.grant("s", policy)

            async def ask(method: str, **params: object) -> str:
                body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
                answer = (await rig.post("/mcp/s/", token, body)).json
                return "ok" if "result" in answer else answer["error"]["data"]["dev.gatepost/decision"]["rule"]

            assert await ask("resources/read", uri="x://open/a") == "ok"
            assert await ask("resources/read", uri="x://open/not") == "/resources/deny/x:~1~1open~1not"
            assert await ask("resources/subscribe", uri="x://shut/a") == "/resources/default"
            assert await ask("resources/read", uri="x://open/../shut") == "(invalid uri)"
            assert await ask("prompts/get", name="hello") == "ok"
            assert await ask("prompts/get", name="bye") == "/prompts/default"
            ref = {"type": "ref/prompt", "name": "bye"}
            assert await ask("completion/complete", ref=ref, argument={"name": "a", "value": ""}) == "/prompts/default"
            assert len(upstream.seen) == 2

    asyncio.run(run())


def test_a_ledger_that_cannot_count_denies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        async with Recorder() as upstream, Rig(tmp_path) as rig:
            rig.server("s", upstream.url)
            token = rig.grant("s", LIMITED)

            async def fail(*_: object) -> None:
                raise ConnectionError("the counters are gone")

            monkeypatch.setattr(rig.ledger, "reserve", fail)
            result = (await rig.call("s", token)).json["result"]
            assert result["_meta"]["dev.gatepost/decision"]["rule"] == "(unavailable)"
            assert rig.rows("decided")[0]["rule"] == "(unavailable)"
            assert not upstream.seen

    asyncio.run(run())


def test_names_that_are_made_up_have_a_server_read_a_few_times_only(tmp_path: Path) -> None:
    async def run() -> None:
        async with Recorder() as upstream, Rig(tmp_path) as rig:
            rig.server("s", upstream.url)
            rig.server("other", upstream.url)
            token, other = rig.grant("s", ALLOW_ALL), rig.grant("other", ALLOW_ALL)
            for number in range(30):
                assert "error" in (await rig.call("s", token, f"made-up-{number}")).json
            assert rig.rescans == ["s"] * rig.gateway.settings.rescans
            assert "error" in (await rig.call("other", other, "made-up")).json
            assert rig.rescans[-1] == "other"

    asyncio.run(run())


def test_a_shadow_limit_that_would_have_denied_is_recorded_as_a_shadow_result(tmp_path: Path) -> None:
    async def run() -> None:
        shadow = {"counter": "c", "window": "month", "max": 1, "mode": "shadow"}
        limits = [shadow, {"counter": "d", "window": "month", "max": 3}]
        policy = {"version": "1", "default": "deny", "tools": {"t": {"limits": limits}}}
        async with Recorder() as upstream, Rig(tmp_path) as rig:
            rig.server("s", upstream.url, tools={"t": tool("t")})
            token = rig.grant("s", policy)
            for _ in range(2):
                assert (await rig.call("s", token)).json["result"]["isError"] is False
            first, second = rig.rows("decided")
            assert (first["rule"], first["shadowed"], first["enforced"]) == ("", [], True)
            assert second["decision"] == "allow"
            assert second["shadowed"] == [["/tools/t/limits/c-per-month", "deny"]]
            assert (second["rule"], second["enforced"]) == ("/tools/t/limits/c-per-month", False)

    asyncio.run(run())

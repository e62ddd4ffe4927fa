"""Lists held against the pins: what differs is off the list, and unknown when called, from the first that shows it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from gatepost.definitions.definition import definition_hash
from gatepost.gateway.core import Settings
from tests.support.recording import Recorder, head, json_answer, raw_answer, sse
from tests.support.rig import ALLOW_ALL, Rig

READ: dict[str, Any] = {
    "name": "read",
    "description": "Reads a file.",
    "inputSchema": {"type": "object"},
    "outputSchema": {"type": "object"},
    "icons": [],
}
WRITE: dict[str, Any] = {"name": "write", "description": "Writes a file.", "inputSchema": {"type": "object"}}
POISONED = {**READ, "description": "Reads any file."}


def put(rig: Rig, url: str, *tools: dict[str, Any], mode: str | None = "quarantine", held: str = "") -> None:
    """Publish the server `s` with these tools as they are known, one of them quarantined."""
    entries = {
        tool["name"]: {"tool": tool, "hash": definition_hash(tool), "category": None}
        | ({"quarantined": True} if tool["name"] == held else {})
        for tool in tools
    }
    body = {"name": "s", "url": url, "eras": ["legacy", "modern"], "versions": ["2025-11-25", "2026-07-28"]}
    rig.publish("server", "s", {**body, "tools": entries, "drift_mode": mode})


def listing(*tools: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": "ID", "result": {"tools": list(tools), **more}}


async def names(rig: Rig, token: str) -> list[str]:
    """The tools of a legacy client's list."""
    answer = await rig.post("/mcp/s/", token, {"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
    whole = answer.json if answer.headers["content-type"] == "application/json" else answer.messages[-1]
    return [tool["name"] for tool in whole["result"]["tools"]]


def with_list(
    folder: Path, work: Callable[[Rig, Recorder, str], Awaitable[None]], *tools: dict[str, Any], **more: Any
) -> None:
    """Run `work` before an upstream that lists `tools`, of which READ and WRITE are known."""

    async def run() -> None:
        async with Recorder(json_answer(listing(*tools, **more))) as upstream, Rig(folder) as rig:
            put(rig, upstream.url, READ, WRITE)
            await work(rig, upstream, rig.grant("s", ALLOW_ALL))

    asyncio.run(run())


async def refused_like_an_unknown_one(rig: Rig, token: str, name: str) -> None:
    changed = await rig.call("s", token, name)
    unknown = await rig.call("s", token, "x" * len(name))
    assert changed.body.replace(name.encode(), b"x" * len(name)) == unknown.body
    assert changed.status == unknown.status == 200
    await rig.until(lambda: [row for row in rig.rows("decided") if row["tool"] == "x" * len(name)])
    rules = {row["tool"]: row["rule"] for row in rig.rows("decided")}
    assert rules[name] == "(definition changed)"


def test_a_list_that_shows_what_is_known_passes_and_asks_for_no_scan(tmp_path: Path) -> None:
    async def work(rig: Rig, _: Recorder, token: str) -> None:
        assert await names(rig, token) == ["read", "write"]
        assert rig.rescans == []

    with_list(tmp_path, work, READ, WRITE)


def test_one_changed_word_takes_a_tool_off_the_list_that_shows_it_and_out_of_use_at_once(tmp_path: Path) -> None:
    async def work(rig: Rig, upstream: Recorder, token: str) -> None:
        assert await names(rig, token) == ["write"]
        await rig.until(lambda: rig.rescans == ["s"])
        await refused_like_an_unknown_one(rig, token, "read")
        assert not any(b"tools/call" in seen.body for seen in upstream.seen)
        (row,) = await rig.until(lambda: rig.rows("drift"))
        assert (row["object"], row["before"]["hash"]) == ("server:s/read", definition_hash(READ))
        assert row["after"]["hash"] == definition_hash(POISONED)

    with_list(tmp_path, work, POISONED, WRITE)


def test_a_tool_that_nobody_knows_is_not_listed_and_its_server_is_read_again(tmp_path: Path) -> None:
    async def work(rig: Rig, _: Recorder, token: str) -> None:
        assert await names(rig, token) == ["read", "write"]
        await rig.until(lambda: rig.rescans == ["s"])
        assert await names(rig, token) == ["read", "write"]

    with_list(tmp_path, work, READ, WRITE, {**READ, "name": "new"})


def test_names_that_are_made_up_do_not_keep_a_change_that_a_list_shows_from_being_read(tmp_path: Path) -> None:
    async def work(rig: Rig, _: Recorder, token: str) -> None:
        most = rig.gateway.settings.rescans
        for number in range(most + 1):
            await rig.call("s", token, f"made-up-{number}")
        assert rig.rescans == ["s"] * most
        assert await names(rig, token) == ["read", "write"]
        await rig.until(lambda: len(rig.rescans) == most + 1)

    with_list(tmp_path, work, READ, WRITE, {**READ, "name": "new"})


def test_a_difference_that_stays_has_the_server_read_once_and_another_one_again(tmp_path: Path) -> None:
    async def run() -> None:
        listed = json_answer(listing(READ, WRITE, {**READ, "name": "new"}))
        async with Recorder(listed) as upstream, Rig(tmp_path, settings=Settings(rescan_pause=0.0)) as rig:
            put(rig, upstream.url, READ, WRITE)
            tokens = [rig.grant("s", ALLOW_ALL | {"hide": [word]}, label=word) for word in ("a", "b", "c")]
            for token in tokens:
                await names(rig, token)
            await rig.until(lambda: rig.rescans)
            assert rig.rescans == ["s"]
            upstream.answer = json_answer(listing(READ, WRITE, {**READ, "name": "other"}))
            await names(rig, tokens[0])
            await rig.until(lambda: len(rig.rescans) == 2)

    asyncio.run(run())


@pytest.mark.parametrize(("more", "scans"), [({}, ["s"]), ({"nextCursor": "x"}, [])], ids=["whole", "page"])
def test_a_whole_list_without_a_known_tool_has_the_server_read_again(
    tmp_path: Path, more: dict[str, Any], scans: list[str]
) -> None:
    async def work(rig: Rig, _: Recorder, token: str) -> None:
        assert await names(rig, token) == ["read"]
        await asyncio.sleep(0)
        assert rig.rescans == scans

    with_list(tmp_path, work, READ, **more)


def test_a_list_that_shows_the_pinned_definition_again_releases_the_tool(tmp_path: Path) -> None:
    async def work(rig: Rig, upstream: Recorder, token: str) -> None:
        other = rig.grant("s", {"version": "1", "default": "allow", "hide": ["write"]}, label="other")
        upstream.answer = json_answer(listing(READ, WRITE))
        assert await names(rig, token) == ["read", "write"]
        upstream.answer = json_answer(listing(POISONED, WRITE))
        assert await names(rig, other) == []
        upstream.answer = json_answer(listing(READ, WRITE))
        assert await names(rig, token) == ["read", "write"]
        upstream.answer = json_answer({"jsonrpc": "2.0", "id": "ID", "result": {"content": [], "isError": False}})
        assert (await rig.call("s", token, "read")).json["result"]["isError"] is False

    with_list(tmp_path, work, READ, WRITE)


def test_what_a_scan_found_changed_is_held_until_it_is_accepted(tmp_path: Path) -> None:
    async def work(rig: Rig, upstream: Recorder, token: str) -> None:
        put(rig, upstream.url, POISONED, WRITE, held="read")
        assert await names(rig, token) == ["write"]
        await refused_like_an_unknown_one(rig, token, "read")
        put(rig, upstream.url, POISONED, WRITE)
        assert await names(rig, token) == ["read", "write"]

    with_list(tmp_path, work, POISONED, WRITE)


def test_a_tool_that_a_list_showed_changed_stays_held_over_a_configuration_that_does_not_know(tmp_path: Path) -> None:
    async def work(rig: Rig, upstream: Recorder, token: str) -> None:
        assert await names(rig, token) == ["write"]
        put(rig, upstream.url, READ, WRITE)
        await refused_like_an_unknown_one(rig, token, "read")
        put(rig, upstream.url, POISONED, WRITE)
        assert await names(rig, token) == ["read", "write"]

    with_list(tmp_path, work, POISONED, WRITE)


def test_a_tool_stays_held_while_its_servers_row_cannot_be_used_whatever_else_changes(tmp_path: Path) -> None:
    async def work(rig: Rig, upstream: Recorder, token: str) -> None:
        assert await names(rig, token) == ["write"]
        rig.publish("server", "s", {"name": "s", "versions": 5})
        assert rig.gateway.snapshot.faults
        rig.grant("s", ALLOW_ALL, label="meanwhile")
        rig.grant("s", ALLOW_ALL, label="once more")
        put(rig, upstream.url, READ, WRITE)
        await refused_like_an_unknown_one(rig, token, "read")

    with_list(tmp_path, work, POISONED, WRITE)


def test_what_was_held_of_a_removed_server_is_none_of_a_new_one_whatever_else_is_at_fault(tmp_path: Path) -> None:
    async def work(rig: Rig, upstream: Recorder, token: str) -> None:
        assert await names(rig, token) == ["write"]
        rig.publish("server", "other", {"name": "other", "versions": 5})
        rig.publish("server", "s", None)
        put(rig, upstream.url, READ, WRITE)
        upstream.answer = json_answer({"jsonrpc": "2.0", "id": "ID", "result": {"content": [], "isError": False}})
        assert (await rig.call("s", token, "read")).json["result"]["isError"] is False

    with_list(tmp_path, work, POISONED, WRITE)


@pytest.mark.parametrize("mode", ["warn", "off", None])
def test_a_server_that_is_not_quarantined_lists_what_it_likes(tmp_path: Path, mode: str | None) -> None:
    async def work(rig: Rig, upstream: Recorder, token: str) -> None:
        put(rig, upstream.url, READ, WRITE, mode=mode)
        assert await names(rig, token) == ["read", "new"]
        await asyncio.sleep(0)
        assert rig.rescans == (["s"] if mode == "warn" else [])

    with_list(tmp_path, work, POISONED, {**READ, "name": "new"})


def test_a_hidden_tool_that_changed_is_hidden_first(tmp_path: Path) -> None:
    async def work(rig: Rig, upstream: Recorder, _: str) -> None:
        put(rig, upstream.url, POISONED, WRITE, held="read")
        token = rig.grant("s", {"version": "1", "default": "allow", "hide": ["read"]}, label="h")
        await rig.call("s", token, "read")
        assert [row["rule"] for row in await rig.until(lambda: rig.rows("decided"))] == ["(hidden)"]

    with_list(tmp_path, work, READ)


def test_a_stream_is_held_against_the_pins_as_a_body_is(tmp_path: Path) -> None:
    async def work(rig: Rig, upstream: Recorder, token: str) -> None:
        event = sse({**listing(POISONED, WRITE), "id": 1})
        upstream.answer = raw_answer(head(200, "text/event-stream"), event)
        assert await names(rig, token) == ["write"]

    with_list(tmp_path, work, READ)


def test_a_legacy_answer_may_lack_what_older_revisions_do_not_have_and_nothing_else(tmp_path: Path) -> None:
    async def work(rig: Rig, upstream: Recorder, token: str) -> None:
        assert await names(rig, token) == ["read", "write"]
        upstream.answer = json_answer(listing({key: READ[key] for key in ("name", "inputSchema", "icons")}, WRITE))
        assert await names(rig, token) == ["write"]
        upstream.answer = json_answer(listing({**READ, "outputSchema": {}}, WRITE))
        assert await names(rig, token) == ["write"]

    with_list(tmp_path, work, {key: READ[key] for key in ("name", "description", "inputSchema")}, WRITE)


def test_a_held_tool_does_not_show_by_the_headers_that_it_asks_for(tmp_path: Path) -> None:
    async def work(rig: Rig, upstream: Recorder, token: str) -> None:
        region = {"type": "object", "properties": {"region": {"type": "string", "x-mcp-header": "Region"}}}
        put(rig, upstream.url, {**READ, "inputSchema": region}, held="read")
        arguments = {"region": "eu"}
        changed = await rig.modern("s", token, name="read", arguments=arguments)
        unknown = await rig.modern("s", token, name="xxxx", arguments=arguments)
        assert changed.body.replace(b"read", b"xxxx") == unknown.body
        assert changed.status == unknown.status == 200

    with_list(tmp_path, work, READ)

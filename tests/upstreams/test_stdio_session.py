"""Legacy sessions on stdio: one program each."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from gatepost.mcp.message import from_body
from gatepost.upstreams.base import UpstreamFailed
from tests.upstreams.helpers import (
    QUICK,
    answer,
    call,
    eventually,
    initialize,
    messages,
    notification,
    post,
    request,
    run,
    running,
    said,
    scripted,
    session,
)


@pytest.mark.parametrize("uv", [False, True], ids=["asyncio", "uvloop"])
def test_a_call_is_answered_with_the_clients_own_id(uv: bool) -> None:
    async def test() -> None:
        async with session(scripted()) as upstream:
            reply = await post(upstream, call("echo", "my id", number=1), "s")
            assert (reply.kind, reply.status) == ("json", 200)
            (response,) = await messages(reply)
            assert response["id"] == "my id"
            assert said(response)["arguments"] == {"number": 1}

    run(test(), uv=uv)


def test_the_program_never_sees_the_clients_id() -> None:
    async def test() -> None:
        async with session(scripted()) as upstream:
            first = said(await answer(upstream, call("echo", "same"), "s"))["id"]
            second = said(await answer(upstream, call("echo", "same"), "s"))["id"]
            assert isinstance(first, int) and isinstance(second, int) and first != second

    run(test())


def test_each_session_has_a_program_of_its_own() -> None:
    async def test() -> None:
        async with session(scripted(), "one") as upstream:
            await answer(upstream, initialize(), "two")
            await post(upstream, notification("notifications/only-here"), "one")
            assert said(await answer(upstream, call("seen"), "two")) == []
            assert [m["method"] for m in said(await answer(upstream, call("seen"), "one"))] == [
                "notifications/initialized",
                "notifications/only-here",
            ]
            assert len(upstream.status()["programs"]) == 2

    run(test())


def test_a_session_that_does_not_exist_is_not_found() -> None:
    async def test() -> None:
        async with session(scripted()) as upstream:
            for reply in (
                await post(upstream, call("echo"), "other"),
                await upstream.listen([], "other"),
                await upstream.delete([], "other"),
            ):
                assert (reply.status, reply.kind) == (404, "empty")

    run(test())


def test_deleting_a_session_ends_its_program_and_its_calls() -> None:
    async def test() -> None:
        async with session(scripted()) as upstream:
            waiting = asyncio.ensure_future(post(upstream, call("never"), "s"))
            await eventually(lambda: upstream.status()["programs"][0]["in_flight"] == 1)
            assert (await upstream.delete([], "s")).status == 200
            with pytest.raises(UpstreamFailed, match="was stopped before it answered") as failure:
                await waiting
            assert (failure.value.code, failure.value.sent) == ("GP-3005", True)
            assert (await post(upstream, call("echo"), "s")).status == 404

    run(test())


def test_there_are_no_more_programs_than_the_cap() -> None:
    async def test() -> None:
        async with session(scripted(limits=replace(QUICK, sessions=1))) as upstream:
            with pytest.raises(UpstreamFailed, match="has 1 sessions") as failure:
                await post(upstream, initialize(), "two")
            assert (failure.value.code, failure.value.sent) == ("GP-1012", False)
            await upstream.delete([], "s")
            assert (await answer(upstream, initialize(), "two"))["result"]["serverInfo"]["name"] == "scripted"

    run(test())


def test_an_idle_session_is_reaped_but_not_one_that_listens() -> None:
    async def test() -> None:
        async with session(scripted(limits=replace(QUICK, session_idle=0.2)), "idle") as upstream:
            await answer(upstream, initialize(), "listening")
            stream = await upstream.listen([], "listening")
            await eventually(lambda: len(upstream.status()["programs"]) == 1)
            assert (await post(upstream, call("echo"), "idle")).status == 404
            assert (await answer(upstream, call("echo"), "listening"))["id"] == 1
            stream.abort()
            await eventually(lambda: not upstream.status()["programs"])

    run(test())


def test_a_session_whose_initialize_failed_leaves_no_program() -> None:
    async def test() -> None:
        async with running(scripted("--modern", "--silent", limits=replace(QUICK, answer=0.5))) as upstream:
            with pytest.raises(UpstreamFailed, match="did not answer within"):
                await post(upstream, initialize(), "s")
            await eventually(lambda: not upstream.status()["programs"])

    run(test())


def test_progress_goes_to_the_reply_that_asked_for_it_with_its_token() -> None:
    async def test() -> None:
        async with session(scripted()) as upstream:
            other = asyncio.ensure_future(post(upstream, call("hold", 7), "s"))
            await eventually(lambda: upstream.status()["programs"][0]["in_flight"] == 1)
            reply = await post(upstream, call("progress", 8, token="mine", count=3), "s")
            assert reply.kind == "sse"
            *progress, response = await messages(reply)
            assert [m["params"] for m in progress] == [{"progressToken": "mine", "progress": n} for n in range(3)]
            assert response["id"] == 8
            await answer(upstream, call("release", 9), "s")
            assert (await other).kind == "json"

    run(test())


def test_a_request_of_the_program_goes_to_the_only_reply_in_flight_and_its_answer_back() -> None:
    async def test() -> None:
        async with session(scripted()) as upstream:
            listening = await upstream.listen([], "s")
            events = (await post(upstream, call("ask", 3), "s")).events()
            asked = json.loads((await anext(events)).data or b"")
            assert (asked["method"], asked["id"]) == ("roots/list", "s1")
            roots = from_body({"jsonrpc": "2.0", "id": "s1", "result": {"roots": []}})
            assert (await post(upstream, roots, "s")).status == 202
            response = json.loads((await anext(events)).data or b"")
            assert response["id"] == 3 and said(response)["result"] == {"roots": []}
            listening.abort()

    run(test())


def test_what_belongs_to_no_request_goes_to_the_listening_stream() -> None:
    async def test() -> None:
        async with session(scripted()) as upstream:
            reply = await upstream.listen([], "s")
            assert (reply.kind, reply.status) == ("sse", 200)
            assert (await post(upstream, call("changed"), "s")).kind == "json"
            assert (await post(upstream, notification("notifications/ask", {"count": 1}), "s")).status == 202
            events = reply.events()
            methods = [json.loads((await anext(events)).data or b"")["method"] for _ in range(2)]
            assert methods == ["notifications/tools/list_changed", "ping"]

    run(test())


def test_without_a_listening_stream_it_goes_to_a_reply_in_flight() -> None:
    async def test() -> None:
        async with session(scripted()) as upstream:
            notified, _ = await messages(await post(upstream, call("log", text="hi"), "s"))
            assert notified["params"]["data"] == "hi"

    run(test())


def test_what_nobody_is_there_for_waits_for_the_next_listening_stream() -> None:
    async def test() -> None:
        async with session(scripted()) as upstream:
            await post(upstream, notification("notifications/ask", {"count": 2}), "s")
            await eventually(lambda: upstream.status()["programs"][0]["waiting"] == 2)
            events = (await upstream.listen([], "s")).events()
            assert [json.loads((await anext(events)).data or b"")["id"] for _ in range(2)] == ["ask-0", "ask-1"]

    run(test())


def test_or_for_the_next_reply() -> None:
    async def test() -> None:
        async with session(scripted()) as upstream:
            await post(upstream, notification("notifications/ask", {"count": 1}), "s")
            await eventually(lambda: upstream.status()["programs"][0]["waiting"] == 1)
            asked, response = await messages(await post(upstream, request("ping", id=5), "s"))
            assert (asked["id"], asked["method"]) == ("ask-0", "ping")
            assert response == {"jsonrpc": "2.0", "id": 5, "result": {}}

    run(test())


def test_of_what_waits_too_long_the_oldest_is_dropped_and_counted() -> None:
    async def test() -> None:
        dropped: list[tuple[str, str]] = []
        async with session(scripted(), on_dropped=lambda *drop: dropped.append(drop)) as upstream:
            await post(upstream, notification("notifications/ask", {"count": 300}), "s")
            await eventually(lambda: upstream.status()["dropped"]["count"] == 300 - 256)
            assert upstream.status()["programs"][0]["waiting"] == 256
            assert dropped == [("scripted", "a message that nobody was there to receive")] * 44

    run(test())


def test_a_new_listening_stream_takes_the_place_of_the_last() -> None:
    async def test() -> None:
        async with session(scripted()) as upstream:
            old, new = await upstream.listen([], "s"), await upstream.listen([], "s")
            assert await messages(old) == []
            await answer(upstream, call("changed"), "s")
            assert json.loads((await anext(new.events())).data or b"")["method"] == "notifications/tools/list_changed"

    run(test())


def test_a_clients_cancellation_reaches_the_program_with_the_programs_id() -> None:
    async def test() -> None:
        async with session(scripted()) as upstream:
            held = asyncio.ensure_future(answer(upstream, call("hold", "mine"), "s"))
            await eventually(lambda: upstream.status()["programs"][0]["in_flight"] == 1)
            cancelled = notification("notifications/cancelled", {"requestId": "mine", "reason": "changed my mind"})
            await post(upstream, cancelled, "s")
            await post(upstream, notification("notifications/cancelled", {"requestId": "unknown"}), "s")
            seen = said(await answer(upstream, call("seen"), "s"))
            assert [m["params"].get("reason") for m in seen if m["method"] == "notifications/cancelled"] == [
                "changed my mind"
            ]
            await answer(upstream, call("release"), "s")
            assert said(await held)["held"] == seen[-1]["params"]["requestId"]

    run(test())


def test_aborting_a_reply_cancels_its_request_and_the_late_answer_is_no_offence() -> None:
    async def test() -> None:
        async with session(scripted()) as upstream:
            reply = await post(upstream, call("progress", count=0), "s")
            await messages(reply)
            reply.abort()  # complete already: nothing to cancel
            waiting = asyncio.ensure_future(post(upstream, call("hold"), "s"))
            await eventually(lambda: upstream.status()["programs"][0]["in_flight"] == 1)
            waiting.cancel()
            await eventually(lambda: upstream.status()["programs"][0]["in_flight"] == 0)
            await answer(upstream, call("release"), "s")
            seen = said(await answer(upstream, call("seen"), "s"))
            assert [m["method"] for m in seen] == ["notifications/initialized", "notifications/cancelled"]
            assert upstream.status()["dropped"]["count"] == 0

    run(test())


def test_a_slow_reader_holds_its_own_program_back_and_loses_nothing() -> None:
    async def test() -> None:
        async with session(scripted()) as upstream:
            reply = await post(upstream, call("endless-stream", token=1), "s")
            events = reply.events()
            numbers = [json.loads((await anext(events)).data or b"")["params"]["progress"] for _ in range(3)]
            await eventually(lambda: _stalled(upstream.status()["programs"][0]["pid"]))
            numbers += [json.loads((await anext(events)).data or b"")["params"]["progress"] for _ in range(2000)]
            assert numbers == list(range(1, 2004))
            await events.aclose()

    run(test())


def _stalled(pid: int) -> bool:
    """Whether a program that only writes sleeps: its pipe is full (Linux)."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "S"


def test_what_a_program_wrote_before_it_ended_reaches_even_a_slow_reader() -> None:
    async def test() -> None:
        async with session(scripted()) as upstream:
            reply = await post(upstream, call("answer-and-exit", token=1, messages=200), "s")
            await eventually(lambda: _stalled(upstream.status()["programs"][0]["pid"]))
            received = await messages(reply)
            assert len(received) == 201 and received[-1]["id"] == 1

    run(test())

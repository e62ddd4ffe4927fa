"""2026-07-28 on stdio: one program, shared by callers who know nothing of each other."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from gatepost.upstreams.base import Reply, UpstreamFailed
from tests.upstreams.helpers import (
    META,
    PREFIX,
    QUICK,
    answer,
    call,
    eventually,
    messages,
    notification,
    post,
    request,
    run,
    running,
    said,
    scripted,
)

SUBSCRIPTION = PREFIX + "subscriptionId"


def in_flight(upstream: Any) -> int:
    programs = upstream.status()["programs"]
    return int(programs[0]["in_flight"]) if programs else 0


def listen(id: int | str) -> Any:
    return request("subscriptions/listen", {"_meta": META, "notifications": {"toolsListChanged": True}}, id)


async def next_message(events: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((await anext(events)).data)
    return found


@pytest.mark.parametrize("uv", [False, True], ids=["asyncio", "uvloop"])
def test_two_callers_with_the_same_id_each_get_their_own_answer(uv: bool) -> None:
    async def test() -> None:
        async with running(scripted("--modern")) as upstream:
            first = asyncio.ensure_future(answer(upstream, call("hold", 1, modern=True)))
            second = asyncio.ensure_future(answer(upstream, call("hold", 1, modern=True)))
            third = asyncio.ensure_future(answer(upstream, call("hold", "1", modern=True)))
            await eventually(lambda: in_flight(upstream) == 3)
            await answer(upstream, call("release", 1, modern=True))
            responses = [await first, await second, await third]
            assert [response["id"] for response in responses] == [1, 1, "1"]
            assert len({said(response)["held"] for response in responses}) == 3
            assert len(upstream.status()["programs"]) == 1

    run(test(), uv=uv)


def test_callers_that_come_at_once_share_one_start() -> None:
    async def test() -> None:
        async with running(scripted("--modern")) as upstream:
            await asyncio.gather(*(answer(upstream, call("echo", n, modern=True)) for n in range(50)))
            assert upstream.status()["starts"] == 1

    run(test())


def test_each_caller_gets_only_its_own_progress_under_its_own_token() -> None:
    async def test() -> None:
        async with running(scripted("--modern")) as upstream:
            replies = await asyncio.gather(
                *(post(upstream, call("progress", n, modern=True, token="same", count=n)) for n in (1, 2, 3))
            )
            for count, reply in zip((1, 2, 3), replies, strict=True):
                *progress, response = await messages(reply)
                assert [m["params"] for m in progress] == [
                    {"progressToken": "same", "progress": number} for number in range(count)
                ]
                assert response["id"] == count

    run(test())


def test_the_program_sees_neither_ids_nor_tokens_of_callers() -> None:
    async def test() -> None:
        async with running(scripted("--modern")) as upstream:
            echoed = said(await answer(upstream, call("echo", "secret-id", modern=True, token="secret-token")))
            assert "secret" not in json.dumps(echoed)
            assert echoed["meta"][PREFIX + "protocolVersion"] == "2026-07-28"
            echoed = said(await answer(upstream, call("echo", modern=True)))
            assert "progressToken" not in echoed["meta"]

    run(test())


def test_subscriptions_are_told_apart_and_carry_the_callers_own_id() -> None:
    async def test() -> None:
        async with running(scripted("--modern")) as upstream:
            streams = [(id, (await post(upstream, listen(id))).events()) for id in ("a", 1, 1)]
            for id, events in streams:
                acknowledged = await next_message(events)
                assert acknowledged["method"] == "notifications/subscriptions/acknowledged"
                assert acknowledged["params"]["_meta"] == {SUBSCRIPTION: id}
            await answer(upstream, call("changed", modern=True))
            for id, events in streams:
                changed = await next_message(events)
                assert changed["method"] == "notifications/tools/list_changed"
                assert changed["params"]["_meta"][SUBSCRIPTION] == id

    run(test())


def test_a_subscription_the_server_ends_ends_with_its_answer() -> None:
    async def test() -> None:
        async with running(scripted("--modern")) as upstream:
            reply = await post(upstream, listen("mine"))
            await answer(upstream, call("end-subscriptions", modern=True, politely=True))
            _, response = await messages(reply)
            assert response["id"] == "mine" and response["result"]["_meta"] == {SUBSCRIPTION: "mine"}
            assert in_flight(upstream) == 0

    run(test())


def test_a_subscription_the_server_cancels_ends_with_the_cancellation() -> None:
    async def test() -> None:
        async with running(scripted("--modern")) as upstream:
            reply = await post(upstream, listen("mine"))
            await answer(upstream, call("end-subscriptions", modern=True))
            _, cancelled = await messages(reply)
            assert cancelled["method"] == "notifications/cancelled" and cancelled["params"]["requestId"] == "mine"

    run(test())


def test_giving_a_reply_up_cancels_upstream() -> None:
    async def test() -> None:
        async with running(scripted("--modern")) as upstream:
            reply = await post(upstream, listen("mine"))
            await anext(reply.events())
            reply.abort()
            waiting = asyncio.ensure_future(post(upstream, call("never", modern=True)))
            await eventually(lambda: in_flight(upstream) == 1)
            waiting.cancel()
            await eventually(lambda: in_flight(upstream) == 0)
            seen = said(await answer(upstream, call("seen", modern=True)))
            assert [(m["method"], m["params"]["requestId"]) for m in seen] == [
                ("notifications/cancelled", 1),
                ("notifications/cancelled", 2),
            ]

    run(test())


def test_what_belongs_to_no_caller_for_sure_is_dropped_and_counted() -> None:
    async def test() -> None:
        drops: list[str] = []
        async with running(scripted("--modern"), on_dropped=lambda _, why: drops.append(why)) as upstream:
            waiting = asyncio.ensure_future(post(upstream, call("hold", modern=True)))
            await eventually(lambda: in_flight(upstream) == 1)
            await answer(upstream, call("changed", modern=True))  # a notification without a subscription
            await answer(upstream, call("log", modern=True))  # which nobody asked for
            asking = asyncio.ensure_future(post(upstream, call("ask", modern=True)))
            await eventually(lambda: len(drops) == 3)
            assert [why.split("(")[1].split(")")[0] for why in drops] == [
                "notifications/tools/list_changed",
                "notifications/message",
                "roots/list",
            ]
            asking.cancel()
            waiting.cancel()

    run(test())


def test_a_log_message_is_delivered_where_it_can_only_be_the_one_callers_who_asked() -> None:
    async def test() -> None:
        async with running(scripted("--modern")) as upstream:
            asks = {"name": "log", "_meta": {**META, PREFIX + "logLevel": "debug"}}
            logged, response = await messages(await post(upstream, request("tools/call", asks, 4)))
            assert logged["method"] == "notifications/message" and response["id"] == 4
            waiting = asyncio.ensure_future(post(upstream, call("hold", modern=True)))
            await eventually(lambda: in_flight(upstream) == 1)
            assert (await post(upstream, request("tools/call", asks, 5))).kind == "json"
            waiting.cancel()

    run(test())


def test_a_slow_reader_loses_its_answer_and_holds_nobody_back() -> None:
    async def test() -> None:
        drops: list[str] = []
        async with running(scripted("--modern"), on_dropped=lambda _, why: drops.append(why)) as upstream:
            slow = await post(upstream, call("progress", modern=True, token=1, count=10_000))
            assert said(await answer(upstream, call("echo", modern=True)))["arguments"] == {}
            with pytest.raises(UpstreamFailed, match="was not read fast enough") as failure:
                await messages(slow)
            assert failure.value.code == "GP-3004"
            assert drops[0] == "the rest of an answer whose reader was too slow"

    run(test())


def test_a_large_answer_is_not_taken_for_a_slow_reader() -> None:
    async def test() -> None:
        async with running(scripted("--modern", limits=replace(QUICK, reply_queue=1000))) as upstream:
            reply = await post(upstream, call("big", modern=True, bytes=1_000_000))
            assert len(said((await messages(reply))[0])) == 1_000_000

    run(test())


def test_an_answer_over_the_callers_limit_is_refused() -> None:
    async def test() -> None:
        async with running(scripted("--modern")) as upstream:
            reply = await post(upstream, call("big", modern=True, bytes=100_000))
            with pytest.raises(UpstreamFailed, match="more than 1000 bytes") as failure:
                await reply.body(1000)
            assert failure.value.code == "GP-3004"

    run(test())


def test_a_legacy_message_without_a_session_is_not_for_the_shared_program() -> None:
    async def test() -> None:
        async with running(scripted("--modern")) as upstream:
            reply: Reply = await post(upstream, call("echo"))
            assert (reply.status, reply.kind) == (400, "empty")
            assert (await upstream.listen([], None)).status == 405
            assert (await upstream.delete([], None)).status == 405
            assert upstream.status()["starts"] == 0

    run(test())


def test_a_callers_cancellation_by_notification_stays_here() -> None:
    async def test() -> None:
        async with running(scripted("--modern")) as upstream:
            assert (await post(upstream, notification("notifications/cancelled", {"requestId": 1}))).status == 202
            assert (await post(upstream, notification("notifications/other"))).status == 202
            assert [m["method"] for m in said(await answer(upstream, call("seen", modern=True)))] == [
                "notifications/other"
            ]

    run(test())


def test_no_more_requests_are_in_flight_than_the_cap() -> None:
    async def test() -> None:
        async with running(scripted("--modern", limits=replace(QUICK, in_flight=2))) as upstream:
            waiting = [asyncio.ensure_future(post(upstream, call("never", modern=True))) for _ in range(2)]
            await eventually(lambda: in_flight(upstream) == 2)
            with pytest.raises(UpstreamFailed, match="has 2 requests to answer already") as failure:
                await post(upstream, call("echo", modern=True))
            assert not failure.value.sent
            for task in waiting:
                task.cancel()

    run(test())

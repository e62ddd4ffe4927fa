"""Requests that are sent before the one in front is answered: in order, unread until then, and bounded."""

from __future__ import annotations

import asyncio

from gatepost.wire.listener import Limits, Refusal, Request
from tests.wire.serving import Serving, chunked, post, run, until


def test_pipelined_requests_are_answered_in_order_and_one_at_a_time() -> None:
    running: list[Request] = []

    async def answer(request: Request) -> None:
        running.append(request)
        await asyncio.sleep(0.002)
        assert running == [request]
        running.remove(request)
        request.reply(200, (), request.body)

    async def main() -> None:
        async with Serving(answer) as serving:
            client = await serving.connect()
            await client.send(b"".join(post(b"%d" % number) for number in range(30)))
            assert [(await client.answer()).body for _ in range(30)] == [b"%d" % number for number in range(30)]

    run(main())


def test_a_pipelined_request_is_not_judged_before_the_one_in_front_is_answered() -> None:
    judged: list[str] = []
    free = asyncio.Event()

    async def answer(request: Request) -> None:
        await free.wait()
        request.reply(200, (), b"")

    def on_head(request: Request) -> Refusal | None:
        judged.append(request.path)
        return Refusal(401, "GP-1001", "No.") if request.path == "/two" else None

    async def main() -> None:
        async with Serving(answer, on_head=on_head) as serving:
            client = await serving.connect()
            await client.send(post(path="/one") + post(path="/two"))
            await until(lambda: serving.requests)
            assert judged == ["/one"]
            free.set()
            assert [(await client.answer()).status, (await client.answer()).status] == [200, 401]
            assert judged == ["/one", "/two"]

    run(main())


def test_garbage_behind_a_request_is_refused_behind_its_answer() -> None:
    async def main() -> None:
        async with Serving() as serving:
            client = await serving.connect()
            await client.send(post(b"one") + b"garbage\r\n\r\n")
            first, second = await client.answer(), await client.answer()
            assert (first.status, first.body, second.status) == (200, b"one", 400)
            assert len(serving.requests) == 1
            assert len(serving.refusals) == 1

    run(main())


def test_many_small_pipelined_requests_cost_no_more_each_than_alone() -> None:
    async def main() -> None:
        count = 8000
        async with Serving(limits=Limits(max_body=4 << 20)) as serving:
            client = await serving.connect()
            loop = asyncio.get_running_loop()
            began = loop.time()
            await client.send(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n" * count)
            for _ in range(count):
                await client.answer()
            assert loop.time() - began < 8
            assert len(serving.requests) == count

    run(main())


def test_more_pipelined_than_a_request_may_be_closes_behind_the_answer() -> None:
    free = asyncio.Event()

    async def answer(request: Request) -> None:
        await free.wait()
        request.reply(200, (), b"done")

    async def main() -> None:
        async with Serving(answer, limits=Limits(max_body=10_000)) as serving:
            client = await serving.connect()
            await client.send(post(b"first"))
            await until(lambda: serving.requests)
            await client.send(post(b"x" * 9_000) * 8)
            (connection,) = serving.listener._open
            await until(lambda: not connection.keeps())
            free.set()
            answer_ = await client.answer()
            assert (answer_.body, answer_.headers["connection"]) == (b"done", "close")
            assert await client.rest() == b""
            assert len(serving.requests) == 1

    run(main())


def test_what_stands_behind_a_chunked_body_in_one_read_is_left_to_be_sent_again() -> None:
    async def main() -> None:
        async with Serving() as serving:
            client = await serving.connect()
            await client.send(chunked(b"one") + post(b"two"))
            answer = await client.answer()
            assert (answer.body, answer.headers["connection"]) == (b"one", "close")
            assert await client.rest() == b""
            assert [request.body for request in serving.requests] == [b"one"]

    run(main())

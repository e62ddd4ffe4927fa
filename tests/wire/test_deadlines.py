"""How long a client may take."""

from __future__ import annotations

import asyncio

import pytest

from gatepost.wire.listener import Limits, Request
from tests.wire.serving import Client, Serving, chunked, post, run, until

LOOPS = pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
SHORT = Limits(head_timeout=0.3, body_timeout=0.5, idle_timeout=0.4, rate_grace=0.1, linger=0.1)


async def drip(client: Client, data: bytes, pause: float) -> None:
    """Send byte by byte until the other side has had enough."""
    for byte in data:
        await client.send(bytes([byte]))
        await asyncio.sleep(pause)
        if client.reader.at_eof():
            return


async def time_until_closed(client: Client) -> tuple[float, bytes]:
    loop = asyncio.get_running_loop()
    began = loop.time()
    answer = await client.rest()
    return loop.time() - began, answer


@LOOPS
def test_a_connection_that_says_nothing_is_closed_without_a_word(loop: str) -> None:
    async def main() -> None:
        async with Serving(limits=SHORT) as serving:
            seconds, answer = await time_until_closed(await serving.connect())
            assert answer == b""
            assert 0.25 < seconds < 2
            assert serving.refusals == []

    run(main(), loop=loop)


@LOOPS
def test_a_head_that_comes_too_slowly_is_refused(loop: str) -> None:
    async def main() -> None:
        async with Serving(limits=SHORT) as serving:
            client = await serving.connect()
            dripping = asyncio.ensure_future(drip(client, post()[:40] * 10, 0.02))
            seconds, answer = await time_until_closed(client)
            assert answer.startswith(b"HTTP/1.1 408 ")
            assert seconds < 2
            assert serving.requests == []
            assert len(serving.refusals) == 1
            dripping.cancel()

    run(main(), loop=loop)


def test_a_later_head_has_its_own_deadline() -> None:
    async def main() -> None:
        async with Serving(limits=SHORT) as serving:
            client = await serving.connect()
            for _ in range(4):
                await client.send(post(b"a"))
                assert (await client.answer()).body == b"a"
                await asyncio.sleep(0.2)
            await client.send(b"POST /")
            _, answer = await time_until_closed(client)
            assert answer.startswith(b"HTTP/1.1 408 ")
            assert len(serving.requests) == 4

    run(main())


def test_a_kept_connection_is_closed_when_it_has_been_idle() -> None:
    async def main() -> None:
        async with Serving(limits=SHORT) as serving:
            client = await serving.connect()
            await client.send(post(b"a"))
            assert (await client.answer()).body == b"a"
            seconds, answer = await time_until_closed(client)
            assert answer == b""
            assert 0.3 < seconds < 2
            assert serving.refusals == []

    run(main())


@pytest.mark.parametrize("whole", [post(b"x" * 5000), chunked(b"x" * 5000)], ids=["length", "chunked"])
def test_a_body_that_stops_is_refused(whole: bytes) -> None:
    async def main() -> None:
        async with Serving(limits=SHORT) as serving:
            client = await serving.connect()
            await client.send(whole[:4000])
            seconds, answer = await time_until_closed(client)
            assert answer.startswith(b"HTTP/1.1 408 ")
            assert seconds < 2
            assert serving.requests == []

    run(main())


def test_a_body_below_the_least_rate_is_refused_long_before_its_deadline() -> None:
    async def main() -> None:
        limits = Limits(body_timeout=60, rate_grace=0.2, min_body_rate=1024, linger=0.1)
        async with Serving(limits=limits) as serving:
            client = await serving.connect()
            await client.send(post(b"x" * 5000)[:200])
            dripping = asyncio.ensure_future(drip(client, b"x" * 1000, 0.02))
            seconds, answer = await time_until_closed(client)
            assert answer.startswith(b"HTTP/1.1 408 ")
            assert seconds < 4
            dripping.cancel()

    run(main())


def test_a_body_that_keeps_the_rate_is_taken() -> None:
    async def main() -> None:
        limits = Limits(body_timeout=20, rate_grace=0.05, min_body_rate=1024)
        async with Serving(limits=limits) as serving:
            client = await serving.connect()
            whole = post(b"x" * 60_000)
            for start in range(0, len(whole), 3000):
                await client.send(whole[start : start + 3000])
                await asyncio.sleep(0.07)
            assert len((await client.answer()).body) == 60_000

    run(main())


def test_an_answer_may_take_longer_than_any_deadline_of_a_request() -> None:
    free = asyncio.Event()

    async def wait(request: Request) -> None:
        await free.wait()
        request.reply(200, (), b"at last")

    async def main() -> None:
        async with Serving(wait, limits=SHORT) as serving:
            client = await serving.connect()
            await client.send(post())
            await until(lambda: serving.requests)
            await asyncio.sleep(1.0)
            free.set()
            assert (await client.answer()).body == b"at last"
            _, rest = await time_until_closed(client)
            assert rest == b""

    run(main())


def test_what_was_pipelined_behind_a_long_answer_has_its_own_deadline() -> None:
    free = asyncio.Event()

    async def wait(request: Request) -> None:
        await free.wait()
        request.reply(200, (), b"")

    async def main() -> None:
        async with Serving(wait, limits=SHORT) as serving:
            client = await serving.connect()
            await client.send(post() + post(b"abc")[:-1])
            await until(lambda: serving.requests)
            await asyncio.sleep(0.6)
            free.set()
            await client.answer()
            await client.send(b"c")
            assert (await client.answer()).status == 200
            assert serving.requests[1].body == b"abc"

    run(main())

"""Listener and pool together, with clients and servers that do everything they should not, for a while."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import pytest

from gatepost.wire.listener import Limits, Request
from gatepost.wire.pool import Timeouts, UpstreamError
from tests.wire.answering import OK, Answering, Exchange
from tests.wire.serving import Client, Serving, chunked, post, run, until

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


async def anything(exchange: Exchange) -> None:
    """A server that answers, breaks off, stalls, speaks nonsense or says too much."""
    choice = random.random()
    if choice < 0.5:
        await exchange.send(OK)
    elif choice < 0.7:
        await exchange.send(CHUNKED, *(b"5\r\nhello\r\n" for _ in range(20)), b"0\r\n\r\n")
    elif choice < 0.75:
        await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n", b"x" * 300_000)
    elif choice < 0.8:
        exchange.close()
    elif choice < 0.85:
        exchange.reset()
    elif choice < 0.9:
        await exchange.send(CHUNKED + b"5\r\nhello\r\n")
        exchange.close()
    elif choice < 0.93:
        await exchange.send(OK + b"unasked")
    elif choice < 0.96:
        await exchange.send(b"nonsense\r\n\r\n")
    else:
        await asyncio.sleep(10)


async def client(serving: Serving, ends: Counter[str]) -> None:
    """A client that asks, breaks off, pipelines, dawdles or leaves."""
    connection = await serving.connect()
    try:
        for _ in range(random.randint(1, 5)):
            if not await once(connection, ends):
                return
    except (asyncio.IncompleteReadError, ConnectionError, TimeoutError):
        ends["cut"] += 1
    finally:
        if random.random() < 0.3:
            connection.reset()
        else:
            connection.close()


async def once(connection: Client, ends: Counter[str]) -> bool:
    choice = random.random()
    if choice < 0.5:
        await connection.send(post(b"x" * random.randint(0, 5000)))
        ends[str((await connection.answer()).status)] += 1
    elif choice < 0.6:
        await connection.send(chunked(*(b"y" * random.randint(1, 500) for _ in range(5))))
        ends[str((await connection.answer()).status)] += 1
    elif choice < 0.7:
        await connection.send(post(b"a") * 4)
        for _ in range(4):
            ends[str((await connection.answer()).status)] += 1
    elif choice < 0.8:
        whole = post(b"z" * 3000)
        await connection.send(whole[: random.randint(1, len(whole) - 1)])
        return False
    elif choice < 0.9:
        await connection.send(post(b"left"))
        return False
    else:
        await connection.send(bytes(random.randrange(256) for _ in range(50)) + b"\r\n\r\n")
        await connection.rest()
        ends["refused"] += 1
        return False
    return True


@pytest.mark.slow
@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_after_all_kinds_of_trouble_nothing_is_left_behind(loop: str) -> None:
    random.seed(7)

    async def main() -> None:
        troubles: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: troubles.append(context))
        ends: Counter[str] = Counter()
        async with Answering(anything) as upstream:
            pool = upstream.pool(max_connections=20, timeouts=Timeouts(connect=2, first_byte=0.2, total=1, idle=0.2))

            async def forward(request: Request) -> None:
                try:
                    response = await pool.request("POST", (), request.body)
                    if random.random() < 0.1:
                        response.abort()
                        request.reply(500, ())
                    elif random.random() < 0.5:
                        request.reply(200, (), await response.read(100_000))
                    else:
                        request.start(200, ())
                        async for chunk in response.chunks():
                            await request.write(chunk)
                        request.end()
                except UpstreamError:
                    if request.started:
                        request.abort()
                    else:
                        request.reply(502, ())

            def on_head(request: Request) -> None:
                if random.random() < 0.3:
                    request.on_gone(request.cancel)

            limits = Limits(head_timeout=1, body_timeout=1, idle_timeout=1, linger=0.1)
            async with Serving(forward, on_head=on_head, limits=limits) as serving:
                for _ in range(40):
                    await asyncio.gather(*(client(serving, ends) for _ in range(50)))
                await until(lambda: serving.listener.connections == 0)
                await until(lambda: serving.listener.requests_in_flight == 0)
                assert pool._taken == pool.connections <= 20
                assert not pool._waiters
            await pool.close()
            await until(lambda: pool._taken == 0)
            assert ends["200"] > 500
            assert ends["502"] > 20
            assert ends["refused"] > 20
            assert troubles == []

    run(main(), loop=loop)

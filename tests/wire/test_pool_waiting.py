"""Requests that wait for a connection: their turn, their deadline, and no connection lost to one that gave up."""

from __future__ import annotations

import asyncio
import socket

import pytest

from gatepost.wire.errors import ConnectError, Cut, TimedOut
from gatepost.wire.pool import Pool, Timeouts
from tests.wire.upstream import Connection, Script, Upstream, always, answer, once, run, until


async def post(pool: Pool) -> bytes:
    return await (await pool.request("POST", (), b"{}")).read(1 << 20)


def held(hold: asyncio.Event) -> Script:
    async def script(connection: Connection) -> None:
        while True:
            await connection.request()
            await hold.wait()
            await connection.send(answer())

    return script


def test_more_requests_than_connections_wait_their_turn() -> None:
    async def test() -> None:
        hold = asyncio.Event()
        async with Upstream(held(hold)) as server:
            pool = Pool(server.url, max_connections=2)
            requests = [asyncio.ensure_future(post(pool)) for _ in range(6)]
            await until(lambda: len(server.requests) == 2)
            hold.set()
            assert await asyncio.gather(*requests) == [b"ok"] * 6
            assert (server.accepted, len(server.requests)) == (2, 6)
            await pool.close()

    run(test())


def test_waiting_for_a_connection_counts_against_the_connect_deadline() -> None:
    async def test() -> None:
        hold = asyncio.Event()
        async with Upstream(held(hold)) as server:
            pool = Pool(server.url, max_connections=1, timeouts=Timeouts(connect=0.1))
            first = asyncio.ensure_future(post(pool))
            await until(lambda: server.requests)
            with pytest.raises(TimedOut) as caught:
                await post(pool)
            assert (caught.value.phase, caught.value.sent) == ("connect", False)
            hold.set()
            assert await first == b"ok"
            assert await post(pool) == b"ok"
            assert len(server.requests) == 2
            await pool.close()

    run(test())


def test_who_waits_may_open_a_connection_in_place_of_a_broken_one() -> None:
    async def test() -> None:
        async def script(connection: Connection) -> None:
            await connection.request()
            if server.accepted == 1:
                await hold.wait()
                return
            await connection.send(answer())
            await connection.closed()

        hold = asyncio.Event()
        async with Upstream(script) as server:
            pool = Pool(server.url, max_connections=1)
            first = asyncio.ensure_future(post(pool))
            await until(lambda: server.requests)
            second = asyncio.ensure_future(post(pool))
            await asyncio.sleep(0)
            hold.set()
            with pytest.raises(Cut):
                await first
            assert await second == b"ok"
            await pool.close()

    run(test())


def test_who_waits_is_told_when_connecting_fails_for_the_one_before() -> None:
    async def test() -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            pool = Pool(f"http://127.0.0.1:{taken.getsockname()[1]}/", max_connections=1)
            results = await asyncio.gather(*(post(pool) for _ in range(5)), return_exceptions=True)
            assert [type(result) for result in results] == [ConnectError] * 5
            assert pool.connections == 0
            await pool.close()

    run(test())


def test_requests_given_up_while_they_wait_leave_their_turn_to_others() -> None:
    async def test() -> None:
        hold = asyncio.Event()
        async with Upstream(held(hold)) as server:
            pool = Pool(server.url, max_connections=1)
            first = asyncio.ensure_future(post(pool))
            await until(lambda: server.requests)
            waiting = [asyncio.ensure_future(post(pool)) for _ in range(5)]
            await asyncio.sleep(0)
            for task in waiting[:4]:
                task.cancel()
            hold.set()
            assert await first == b"ok"
            assert await waiting[4] == b"ok"
            assert [task.cancelled() for task in waiting] == [True] * 4 + [False]
            assert len(server.requests) == 2
            await pool.close()

    run(test())


def test_a_connection_handed_to_a_request_that_is_given_up_in_the_same_moment_is_not_lost() -> None:
    async def test() -> None:
        async with Upstream(always(answer())) as server:
            pool = Pool(server.url, max_connections=1)
            for turn in range(20):
                # The first is answered; in any of the next turns of the loop the second, which waits, is given up.
                first = asyncio.ensure_future(post(pool))
                second = asyncio.ensure_future(post(pool))
                await asyncio.sleep(0)
                await first
                for _ in range(turn % 4):
                    await asyncio.sleep(0)
                second.cancel()
                await asyncio.wait([second])
                assert await post(pool) == b"ok"
            assert pool.connections <= 1
            await pool.close()

    run(test())


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_a_request_given_up_in_the_moment_of_its_answer_does_not_break_the_next_on_its_connection(loop: str) -> None:
    async def test() -> None:
        async with Upstream(always(answer())) as server:
            pool = Pool(server.url, max_connections=1)
            for _ in range(5):
                first = asyncio.ensure_future(post(pool))
                while not pool._idle:  # it is answered, but its task has not run since
                    await asyncio.sleep(0)
                first.cancel()
                assert await post(pool) == b"ok"
                await asyncio.wait([first])
            assert server.accepted == 1
            await pool.close()

    run(test(), loop=loop)


def test_closing_the_pool_ends_what_is_under_way_and_what_waits() -> None:
    async def test() -> None:
        hold = asyncio.Event()
        async with Upstream(held(hold)) as server:
            pool = Pool(server.url, max_connections=1)
            first = asyncio.ensure_future(post(pool))
            await until(lambda: server.requests)
            second = asyncio.ensure_future(post(pool))
            cancelled = asyncio.ensure_future(post(pool))
            await asyncio.sleep(0)
            cancelled.cancel()
            await pool.close()
            one, other, last = await asyncio.gather(first, second, cancelled, return_exceptions=True)
            assert isinstance(one, Cut)
            assert one.sent
            assert isinstance(other, ConnectError)
            assert not other.sent
            assert isinstance(last, asyncio.CancelledError)
            with pytest.raises(ConnectError):
                await post(pool)
            await until(lambda: pool.connections == 0)
            assert len(server.requests) == 1

    run(test())


def test_closing_the_pool_closes_idle_connections() -> None:
    async def test() -> None:
        async with Upstream(once(answer())) as server:
            pool = Pool(server.url)
            await post(pool)
            await pool.close()
            await until(lambda: server.closed_by_client == 1)
            assert pool.connections == 0

    run(test())

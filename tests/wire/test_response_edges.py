"""Upstreams that send without end or stop at an awkward moment: bounded in memory and in time."""

from __future__ import annotations

import asyncio

import pytest

from gatepost.wire.errors import Malformed, TimedOut, TooLarge
from gatepost.wire.pool import Pool, Timeouts
from tests.wire.upstream import Connection, Upstream, answer, run, until

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
GIBIBYTE = 1 << 30
LITTLE = 16 << 20
"""What the buffers of both ends may have taken before the sender is held back or cut off."""


@pytest.mark.parametrize(
    ("beginning", "piece"),
    [
        (CHUNKED, b"10000\r\n" + b"x" * 65_536 + b"\r\n"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65_536),
    ],
    ids=["chunked", "until the connection closes"],
)
def test_a_body_of_a_gibibyte_is_given_up_at_the_limit(beginning: bytes, piece: bytes) -> None:
    async def test() -> None:
        async def script(connection: Connection) -> None:
            await connection.request()
            await connection.send(beginning)
            try:
                await connection.flood(piece, GIBIBYTE)
            finally:
                cut.set()

        cut = asyncio.Event()
        async with Upstream(script) as server:
            pool = Pool(server.url)
            response = await pool.request("POST", (), b"{}")
            with pytest.raises(TooLarge):
                await response.read(1 << 20)
            await cut.wait()
            assert server.sent < LITTLE
            await until(lambda: pool.connections == 0)
            await pool.close()

    run(test())


def test_a_body_that_says_that_it_is_a_gibibyte_is_given_up_at_once() -> None:
    async def test() -> None:
        async def script(connection: Connection) -> None:
            await connection.request()
            await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % GIBIBYTE)
            await connection.closed()

        async with Upstream(script) as server:
            pool = Pool(server.url)
            response = await pool.request("POST", (), b"{}")
            with pytest.raises(TooLarge):
                await response.read(1 << 20)
            await until(lambda: server.closed_by_client == 1)
            await pool.close()

    run(test())


@pytest.mark.parametrize(
    ("beginning", "piece"),
    [
        (CHUNKED + b"1\r\nx\r\n0\r\nX: ", b"y" * 10_000),
        (CHUNKED + b"1\r\nx\r\n0\r\n", b"X: y\r\n" * 1_000),
        (CHUNKED + b"1;", b"y" * 10_000),
        (CHUNKED, b"0" * 10_000),
        (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 1_000),
        (b"HTTP/1.1 200 OK\r\nX: ", b"y" * 10_000),
        (b"HTTP/1.1 200 ", b"y" * 10_000),
        (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100),
    ],
    ids=[
        "a trailer",
        "trailers",
        "an extension",
        "a chunk size",
        "headers",
        "a header",
        "a reason",
        "interim responses",
    ],
)
def test_framing_without_end_is_an_error_long_before_any_deadline(beginning: bytes, piece: bytes) -> None:
    async def test() -> None:
        async def script(connection: Connection) -> None:
            await connection.request()
            await connection.send(beginning)
            try:
                await connection.flood(piece, GIBIBYTE)
            finally:
                cut.set()

        cut = asyncio.Event()
        async with Upstream(script) as server:
            pool = Pool(server.url)
            with pytest.raises(Malformed):
                await (await pool.request("POST", (), b"{}")).read(1 << 20)
            await cut.wait()
            assert server.sent < LITTLE
            assert len(server.requests) == 1
            await pool.close()

    run(test())


@pytest.mark.parametrize("status", [b"600", b"999"])
def test_a_status_that_http_does_not_have_is_an_error(status: bytes) -> None:
    async def test() -> None:
        async def script(connection: Connection) -> None:
            await connection.request()
            await connection.send(answer(status=status + b" What"))
            await connection.closed()

        async with Upstream(script) as server:
            pool = Pool(server.url)
            with pytest.raises(Malformed):
                await pool.request("POST", (), b"{}")
            await until(lambda: server.closed_by_client == 1)
            await pool.close()

    run(test())


def test_a_server_that_falls_silent_after_a_slow_reader_held_it_back_is_given_up() -> None:
    async def test() -> None:
        async def script(connection: Connection) -> None:
            await connection.request()
            await connection.send(CHUNKED + b"100000\r\n" + b"x" * (1 << 19))
            await connection.closed()

        async with Upstream(script) as server:
            pool = Pool(server.url, timeouts=Timeouts(first_byte=15, idle=0.2, total=60))
            response = await pool.request("POST", (), b"{}")
            loop = asyncio.get_running_loop()
            pieces = response.chunks()
            await asyncio.sleep(
                0.5
            )  # the reader's own slowness: longer than the deadline, which is not the server's fault
            began = loop.time()
            with pytest.raises(TimedOut) as caught:
                async for _ in pieces:
                    pass
            assert caught.value.phase == "idle"
            assert loop.time() - began < 5
            await until(lambda: server.closed_by_client == 1)
            await pool.close()

    run(test())


@pytest.mark.parametrize("how", ["break", "cancel", "raise"])
def test_a_reader_that_stops_reading_closes_the_connection(how: str) -> None:
    async def test() -> None:
        async def script(connection: Connection) -> None:
            await connection.request()
            await connection.send(CHUNKED + b"5\r\nfirst\r\n")
            await connection.closed()

        async def read() -> None:
            response = await pool.request("POST", (), b"{}")
            async for _ in response.chunks():
                reading.set()
                if how == "break":
                    break
                if how == "raise":
                    raise ArithmeticError

        reading = asyncio.Event()
        async with Upstream(script) as server:
            pool = Pool(server.url, max_connections=1)
            task = asyncio.ensure_future(read())
            await reading.wait()
            if how == "cancel":
                task.cancel()
            await asyncio.wait([task])
            await until(lambda: server.closed_by_client == 1)
            await until(lambda: pool.connections == 0)
            await pool.close()
            assert task.cancelled() or how == "break" or isinstance(task.exception(), ArithmeticError)

    run(test())
